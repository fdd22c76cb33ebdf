"""Columns as plain values: their dtypes for a checkpoint, and their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from gan_imbalance.types import InputError, quoted

Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]
# of one span, (rows,): the feature itself, or the position of the one that is 1 (negative where none is)
Encoded = npt.NDArray[np.float32] | npt.NDArray[np.intp]

_MAX_DECIMALS = 6
_LARGEST = float(np.finfo(np.float32).max)
_ARROW_COMPARES_HALVES = int(pa.__version__.split(".")[0]) >= 26


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
    if isinstance(dtype, pd.DatetimeTZDtype):
        return {"name": f"datetime64[{dtype.unit}, {zone_name(dtype.tz)}]"}
    if isinstance(dtype, pd.StringDtype):
        return {"name": "string", "storage": dtype.storage}
    return {"name": str(dtype)}


def zone_name(zone: tzinfo) -> str:
    """Return the name by which pandas finds a time zone; that of a fixed distance from UTC tells it: UTC+02:00."""
    offset = zone.utcoffset(None)
    return str(zone) if offset is None else str(timezone(offset))


def dtype_from_state(state: Mapping[str, Any]) -> Any:
    """Return the dtype that :func:`dtype_to_state` described."""
    if state["name"] == "category":
        # tuples are values, not places in a hierarchy
        categories = pd.Index(state["categories"], dtype=state["categories_dtype"], tupleize_cols=False)
        return pd.CategoricalDtype(categories, ordered=state["ordered"])
    if state["name"] == "arrow":
        import pyarrow

        if state["type"] == "string":
            return pd.ArrowDtype(pyarrow.string())
        return pd.ArrowDtype.construct_from_string(f"{state['type']}[pyarrow]")
    if state["name"] == "string":
        return pd.StringDtype(state["storage"])
    return pd.api.types.pandas_dtype(state["name"])


def require_plain(column: pd.Series[Any]) -> None:
    """Raise unless a column holds single values, and text that files can hold, its categories included.

    Raises:
        InputError: naming the column, if a value has several parts, such as a list, or a text has a NUL byte, where
            pandas ends texts that it compares, or half of a character, or if the column is of Arrow's half-precision
            numbers and pyarrow is one that cannot compare them.
    """
    dtype = column.dtype
    if not _ARROW_COMPARES_HALVES and isinstance(dtype, pd.ArrowDtype) and pa.types.is_float16(dtype.pyarrow_dtype):
        raise InputError(
            f"Column {quoted(column.name)} is of Arrow's half-precision numbers, which pyarrow compares from version "
            "26 on; install that, or cast the column to 'float32[pyarrow]'."
        )
    if isinstance(dtype, pd.CategoricalDtype):
        values = dtype.categories.to_series()
    elif pd.api.types.is_object_dtype(dtype) or isinstance(dtype, pd.StringDtype | pd.ArrowDtype):
        values = column.dropna()
    else:
        return
    if pd.api.types.is_numeric_dtype(values.dtype) or values.dtype.kind in "mM":
        return
    try:
        distinct = set(values)
    except TypeError as error:
        value = next(value for value in values if not _has_hash(value))
        raise InputError(
            f"Column {quoted(column.name)} holds values such as {quoted(value)}, of several parts; make a column of "
            "each part, or leave the column out of the table."
        ) from error
    for value in distinct:
        if isinstance(value, str) and (fault := fault_of(value)):
            raise InputError(
                f"Column {quoted(column.name)} holds {quoted(value)}, a text with {fault}; correct it, or leave the "
                "column out of the table."
            )


def fault_of(text: str) -> str | None:
    """Return what keeps a text from being written and read again: a NUL byte or half of a character; None if nothing.

    Such a half, one of the two by which UTF-16 writes a character, is what a faulty decoding leaves behind.
    """
    if "\0" in text:
        return "a NUL byte"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "half of a character"
    return None


def _has_hash(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def cast(column: pd.Series[Any], dtype: Mapping[str, Any]) -> pd.Series[Any]:
    """Return ``column`` with the dtype that :func:`dtype_to_state` described."""
    return as_dtype(column, dtype_from_state(dtype))


def as_dtype(column: pd.Series[Any], dtype: Any) -> pd.Series[Any]:
    """Return ``column`` as pandas does, and where it does not, of Arrow's type of missing values alone."""
    if is_null(dtype):
        return pd.Series([None] * len(column), column.index, dtype, column.name)
    return column.astype(dtype)


def is_null(dtype: Any) -> bool:
    """Return whether a dtype is Arrow's of missing values alone."""
    return isinstance(dtype, pd.ArrowDtype) and str(dtype.pyarrow_dtype) == "null"


def with_columns(frame: pd.DataFrame, columns: Mapping[str, Any]) -> pd.DataFrame:
    """Return the table with some columns anew; unlike ``assign``, whatever they are called, ``self`` too."""
    changed = frame.copy(deep=False)
    for name, values in columns.items():
        changed[name] = values
    return changed


def to_numbers(column: pd.Series[Any]) -> Floats:
    """Return the column as float64 of shape (n,), NaN where a value is missing.

    Raises:
        InputError: if a value is infinite, beyond float32 or no number.
    """
    if not pd.api.types.is_numeric_dtype(column.dtype):
        plain = column.astype(object)
        column = parsed(plain)
        wrong = plain[column.isna() & plain.notna()]
        if len(wrong):
            raise InputError(
                f"Column {quoted(column.name)} should hold numbers, but holds {quoted(wrong.iloc[0])}; correct it, "
                "add it to `missing_values`, or name the column in `categorical`."
            )
    numbers: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise InputError(
            f"Column {quoted(column.name)} holds infinite values; replace them by numbers or missing values."
        )
    # models take float32; further on, sums of squares of what is larger would overflow in float64, too
    if (large := numbers[np.abs(numbers) > _LARGEST]).size:
        raise InputError(
            f"Column {quoted(column.name)} holds {large[0]:g}, but numbers go to {_LARGEST:.2g}; write it in other "
            "units, or as a missing value."
        )
    return numbers


def parsed(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return the numbers that objects or texts are, NaN where one is none.

    Raises:
        InputError: if one is beyond float64.
    """
    try:
        return pd.to_numeric(column.astype(object), errors="coerce")
    except OverflowError as error:
        raise InputError(
            f"Column {quoted(column.name)} holds integers beyond float64; write it in other units, or as text."
        ) from error


def count_decimals(numbers: npt.NDArray[np.floating[Any]]) -> int | None:
    """Return the fewest decimals (0 to 6) that write every number exactly; None if none do."""
    present = numbers[~np.isnan(numbers)]
    for decimals in range(_MAX_DECIMALS + 1):
        if np.array_equal(np.round(present, decimals), present):
            return decimals
    return None
