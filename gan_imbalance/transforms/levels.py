"""The levels of a column: found by value, whatever their types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.transforms.dtypes import require_plain
from gan_imbalance.types import InputError, Label, listed, quoted

Unknown = Literal["error", "ignore"]
Codes = npt.NDArray[np.intp]

MISSING = -1
UNKNOWN = -2


def factorize(column: pd.Series[Any]) -> tuple[Codes, list[Label]]:
    """Return the level of every row, shape (n,) and -1 where it is missing, and the levels, sorted.

    Where types are mixed, 1, 1.0, True and "1" are four levels, and numbers come before text.

    Raises:
        InputError: if a level is neither text nor number nor boolean, or no text that files can hold.
    """
    if isinstance(column.dtype, pd.ArrowDtype):
        # Arrow does not sort all of its types
        column = column.astype(object)
    is_mixed = column.dtype == object and pd.api.types.infer_dtype(column, skipna=True).startswith("mixed")
    if is_mixed:
        require_plain(column)
        typed = [None if pd.isna(value) else (type(value), value) for value in column]
        codes, pairs = pd.factorize(pd.Series(typed, dtype=object).to_numpy())
        levels: list[Any] = [value for _, value in pairs]
    else:
        try:
            codes, uniques = pd.factorize(column, sort=True)
        except TypeError:
            require_plain(column)
            raise
        levels = pd.Index(uniques).tolist()
    levels = [level.item() if isinstance(level, np.generic) else level for level in levels]
    for level in levels:
        if not isinstance(level, str | int | float | bool):
            raise InputError(
                f"Column {quoted(column.name)} holds values such as {quoted(level)}; "
                "convert them to numbers or strings, or drop the column."
            )
    if is_mixed:
        order = sorted(range(len(levels)), key=lambda i: (isinstance(levels[i], str), levels[i], str(type(levels[i]))))
        ranks = np.append(np.argsort(order), -1)  # code -1 picks the last entry
        codes, levels = ranks[codes], [levels[i] for i in order]
    return codes, levels


def find_levels(column: pd.Series[Any], levels: Sequence[Label], unknown: Unknown) -> Codes:
    """Return the position of every row's value among ``levels``, shape (n,), MISSING where there is none.

    A value of the same type is preferred, then an equal one, then one that is spelled alike: a file may hold as
    number what the fitted table held as text, and the reverse.

    Raises:
        InputError: if a value is none of them and ``unknown`` is "error"; otherwise it is UNKNOWN.
    """
    codes, values = factorize(column)
    typed = {(type(level), level): position for position, level in enumerate(levels)}
    equal = {level: position for position, level in enumerate(levels)}
    spelled = {_spelling(level): position for position, level in enumerate(levels)}
    positions = [
        typed.get((type(value), value), equal.get(value, spelled.get(_spelling(value), UNKNOWN))) for value in values
    ]
    if unknown == "error" and UNKNOWN in positions:
        raise InputError(
            f"Column {quoted(column.name)} holds the unknown category {quoted(values[positions.index(UNKNOWN)])}; "
            f"the table that its encoding was fitted on had {listed(levels)}."
        )
    return np.array([*positions, MISSING], dtype=np.intp)[codes]


def take(levels: Sequence[Label], codes: Codes) -> pd.Series[Any]:
    """Return the level of every code, shape (n,), as Python objects; NaN where the code is -1."""
    choices = np.empty(len(levels) + 1, dtype=object)
    choices[:-1] = levels
    choices[-1] = np.nan
    return pd.Series(choices[codes], dtype=object)


def refuse_missing(name: str) -> InputError:
    """Return the error that a column has missing values and had none when fitted."""
    return InputError(
        f"Column {quoted(name)} has missing values, but had none when its encoding was fitted; "
        "fill them in or drop those rows."
    )


def _spelling(value: Label) -> str:
    """Return how a value is written, with whole numbers written alike whatever their type."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
