"""Studies and benchmarks: each is one command, and its README holds what it measured."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from gan_imbalance.types import InputError

if TYPE_CHECKING:
    import pandas as pd


def command(main: Callable[[], int | None]) -> NoReturn:
    """Run a study, and end with its exit code; with 2, and one sentence on stderr, after a user's mistake."""
    try:
        sys.exit(main())
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown, its index left out."""
    rows = [table.columns, ["---"] * len(table.columns), *table.itertuples(index=False)]
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)
