"""What the target and the group of rows, or of series, tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.data.split import duplicate_groups
from gan_imbalance.types import InputError, Label, quoted

# different numbers that may well be classes, however few rows there are
_MOST_NUMBERS = 20


def find_classes(target: pd.Series[Any]) -> tuple[npt.NDArray[np.int64], tuple[Label, ...]]:
    """Return the class index of every row, int64 of shape (n,), and the classes, sorted.

    Args:
        target: the class of every row; text, or numbers of which there are few.

    Raises:
        InputError: if a class is missing, types are mixed, or the values are no classes.
    """
    missing = int(target.isna().sum())
    if missing:
        raise InputError(
            f"The target {quoted(target.name)} is missing in {missing} of {len(target)} rows; "
            "remove those rows or fill them in."
        )
    if pd.api.types.infer_dtype(target, skipna=False).startswith("mixed"):
        raise InputError(f"The target {quoted(target.name)} mixes types; write all its classes alike.")
    codes, uniques = pd.factorize(target, sort=True)
    classes = tuple(label.item() if isinstance(label, np.generic) else label for label in pd.Index(uniques).tolist())
    if not isinstance(classes[0], str | int | float):
        raise InputError(
            f"The target {quoted(target.name)} holds values such as {quoted(classes[0])}; write them as text or "
            "numbers."
        )
    if np.inf in classes or -np.inf in classes:
        raise InputError(
            f"The target {quoted(target.name)} holds an infinite class; write it as another number or text."
        )
    if pd.api.types.is_numeric_dtype(target) and len(classes) > max(_MOST_NUMBERS, len(target) // 20):
        raise InputError(
            f"The target {quoted(target.name)} holds {len(classes)} different numbers in {len(target)} rows, such as "
            f"{quoted(classes[0])}, so it tells no classes; name a column of classes, or cut it into ranges first."
        )
    return codes.astype(np.int64), classes


def find_groups(column: pd.Series[Any]) -> npt.NDArray[np.int64]:
    """Return a number for every row, the same for rows of one group, int64 of shape (n,).

    Args:
        column: what tells the group of every row.

    Raises:
        InputError: if a group is missing, or types are mixed.
    """
    missing = int(column.isna().sum())
    if missing:
        raise InputError(
            f"The group {quoted(column.name)} is missing in {missing} of {len(column)} rows; "
            "remove those rows or fill them in."
        )
    # As text in one file and as numbers in another, the same value would be two groups.
    if pd.api.types.infer_dtype(column, skipna=False).startswith("mixed"):
        raise InputError(f"The group {quoted(column.name)} mixes types; write all its values alike.")
    return duplicate_groups(column.to_frame())
