"""Studies and benchmarks: each is one command, and its README holds what it measured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from gan_imbalance.types import InputError, listed

if TYPE_CHECKING:
    import pandas as pd

    from gan_imbalance.comparison import Remedy


def command(main: Callable[[], int | None]) -> NoReturn:
    """Run a study, and end with its exit code; with 2, and one sentence on stderr, after a user's mistake."""
    try:
        sys.exit(main())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def named(remedies: Sequence[str | Remedy], names: Sequence[str]) -> list[str | Remedy]:
    """Return a study's remedies of these names, in their order.

    Raises:
        InputError: if the study has none of a name.
    """
    known = {one if isinstance(one, str) else one.name: one for one in remedies}
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"The study has no remedy {unknown[0]!r}: it has {listed([*known])}.")
    return [known[name] for name in names]


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown, its index left out."""
    rows = [table.columns, ["---"] * len(table.columns), *table.itertuples(index=False)]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)
