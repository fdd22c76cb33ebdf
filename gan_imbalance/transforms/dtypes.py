"""Columns as plain values: their dtypes for a checkpoint, and their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.types import InputError

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
# of one span, (rows,): the feature itself, or the position of the one that is 1 (negative where none is)
Encoded = npt.NDArray[np.float32] | npt.NDArray[np.intp]

_MAX_DECIMALS = 6
_LARGEST = float(np.finfo(np.float32).max)


def dtype_to_state(dtype: Any) -> dict[str, Any]:
    """Return a pandas dtype as plain strings and lists."""
    if isinstance(dtype, pd.CategoricalDtype):
        categories = dtype.categories
        return {
            "name": "category",
            "categories": categories.tolist(),
            "categories_dtype": str(categories.dtype),
            "ordered": bool(dtype.ordered),
        }
    # their own names do not tell these apart: both call themselves "string" or "string[pyarrow]"
    if isinstance(dtype, pd.ArrowDtype):
        return {"name": "arrow", "type": str(dtype.pyarrow_dtype)}
    if isinstance(dtype, pd.StringDtype):
        return {"name": "string", "storage": dtype.storage}
    return {"name": str(dtype)}


def dtype_from_state(state: Mapping[str, Any]) -> Any:
    """Return the dtype that :func:`dtype_to_state` described."""
    if state["name"] == "category":
        categories = pd.Index(state["categories"], dtype=state["categories_dtype"])
        return pd.CategoricalDtype(categories, ordered=state["ordered"])
    if state["name"] == "arrow":
        import pyarrow

        if state["type"] == "string":
            return pd.ArrowDtype(pyarrow.string())
        return pd.ArrowDtype.construct_from_string(f"{state['type']}[pyarrow]")
    if state["name"] == "string":
        return pd.StringDtype(state["storage"])
    return pd.api.types.pandas_dtype(state["name"])


def cast(column: pd.Series[Any], dtype: Mapping[str, Any]) -> pd.Series[Any]:
    """Return ``column`` with the dtype that :func:`dtype_to_state` described."""
    return column.astype(dtype_from_state(dtype))


def to_numbers(column: pd.Series[Any]) -> Floats:
    """Return the column as float64 of shape (n,), NaN where a value is missing.

    Raises:
        InputError: if a value is infinite, beyond float32 or no number.
    """
    if not pd.api.types.is_numeric_dtype(column.dtype):
        plain = column.astype(object)
        column = pd.to_numeric(plain, errors="coerce")
        wrong = plain[column.isna() & plain.notna()]
        if len(wrong):
            raise InputError(
                f"Column {column.name!r} should hold numbers, but holds {wrong.iloc[0]!r}; correct it, "
                "add it to `missing_values`, or name the column in `categorical`."
            )
    numbers: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise InputError(f"Column {column.name!r} holds infinite values; replace them by numbers or missing values.")
    # models take float32; further on, sums of squares of what is larger would overflow in float64, too
    if (large := numbers[np.abs(numbers) > _LARGEST]).size:
        raise InputError(
            f"Column {column.name!r} holds {large[0]:g}, but numbers go to {_LARGEST:.2g}; write it in other units, or "
            "as a missing value."
        )
    return numbers


def count_decimals(numbers: npt.NDArray[np.floating[Any]]) -> int | None:
    """Return the fewest decimals (0 to 6) that write every number exactly; None if none do."""
    present = numbers[~np.isnan(numbers)]
    for decimals in range(_MAX_DECIMALS + 1):
        if np.array_equal(np.round(present, decimals), present):
            return decimals
    return None
