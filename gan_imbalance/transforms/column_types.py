"""What the columns of a table hold: as the user says, or as their values do."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd
from scipy import sparse

from gan_imbalance.transforms.codecs import DATE_CONTENTS, Dates
from gan_imbalance.transforms.dtypes import fault_of, parsed, require_plain, to_numbers, with_columns
from gan_imbalance.transforms.written_numbers import DecimalMark, numbers_of, possible_marks, warn_of_numbers
from gan_imbalance.types import InputError, listed, quoted

ColumnType = Literal["numeric", "categorical", "ordinal", "date"]


def infer_column_types(
    frame: pd.DataFrame,
    numeric: Collection[str],
    categorical: Collection[str],
    ordinal: Collection[str] = (),
    dates: Collection[str] = (),
) -> dict[str, ColumnType]:
    """Return what every column holds: as named, or as its values say.

    Text, booleans, pandas categories and whatever has exactly two different values are categorical (so that
    nothing but those values can come back); other ordered pandas categories are ordinal; other numbers are
    numeric. Dates, times, durations, and text of more than two values that are all dates in one format, are dates.

    Raises:
        InputError: if a name is unknown, named twice or a duplicate in the table, or a column holds infinite
            numbers, mixed types without being named, or values of another type.
    """
    require_unique(frame.columns)
    types: dict[str, ColumnType] = {}
    named: dict[ColumnType, Collection[str]] = {
        "numeric": numeric,
        "categorical": categorical,
        "ordinal": ordinal,
        "date": dates,
    }
    for column_type, names in named.items():
        require_columns(names, frame.columns, "dates" if column_type == "date" else column_type)
        for name in names:
            if types.setdefault(name, column_type) != column_type:
                raise InputError(f"Column {quoted(name)} is named both {types[name]} and {column_type}; choose one.")
    return {name: _checked_type(frame[name], types.get(name)) for name in frame.columns}


def as_table(X: Any) -> pd.DataFrame:
    """Return the rows as a dense DataFrame whose columns are named by strings, those of arrays by number."""
    if not isinstance(X, pd.DataFrame):
        X = pd.DataFrame(X.toarray() if sparse.issparse(X) else X).infer_objects()
    table = with_text_names(X).reset_index(drop=True)
    require_plain_values(table)
    dense = {
        str(name): np.asarray(column) for name, column in table.items() if isinstance(column.dtype, pd.SparseDtype)
    }
    return with_columns(table, dense)


def with_text_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with names of text alone, without a name for all of them."""
    return frame.set_axis(pd.Index([str(name) for name in frame.columns], dtype=object), axis=1)


class NamedColumns(TypedDict):
    """The parameters of :class:`~gan_imbalance.transforms.TabularTransformer` that name columns."""

    numeric_columns: list[str]
    categorical_columns: list[str]
    date_columns: list[str]


def named_columns(types: Mapping[str, ColumnType]) -> NamedColumns:
    """Return types as the parameters that name columns; orders of levels are named apart."""
    return NamedColumns(
        numeric_columns=[name for name, column_type in types.items() if column_type == "numeric"],
        categorical_columns=[name for name, column_type in types.items() if column_type == "categorical"],
        date_columns=[name for name, column_type in types.items() if column_type == "date"],
    )


def _checked_type(column: pd.Series[Any], named: ColumnType | None) -> ColumnType:
    if named == "date":
        Dates.of(column)
        return named
    inferred = _infer_type(column, named)
    return named or inferred


def _infer_type(column: pd.Series[Any], named: ColumnType | None) -> ColumnType:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "ordinal" if dtype.ordered and column.nunique() != 2 else "categorical"
    if pd.api.types.is_bool_dtype(dtype):
        return "categorical"
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        to_numbers(column)
        return "categorical" if column.nunique() == 2 else "numeric"
    content = pd.api.types.infer_dtype(column, skipna=True)
    if content in ("integer", "floating", "mixed-integer-float", "decimal"):
        return _infer_type(parsed(column), named)
    if content in DATE_CONTENTS:
        return "date"
    if named == "categorical" and content.startswith("mixed"):
        return "categorical"
    if content not in ("string", "boolean", "empty"):
        raise _mixed(column) if content.startswith("mixed") else _unsupported(column, content)
    if content == "string" and named is None:
        distinct = pd.Series(column.dropna().unique(), name=column.name)
        numbers = pd.to_numeric(distinct, errors="coerce").notna()
        if numbers.any() and not numbers.all():
            raise _mixed(column)
        if len(distinct) > 2 and not numbers.any() and Dates.format_of(distinct):
            return "date"
        warn_of_numbers(distinct)
    return "categorical"


def _mixed(column: pd.Series[Any]) -> InputError:
    values = pd.Series(column.dropna().unique(), dtype=object, name=column.name)
    numbers = parsed(values).notna()
    examples = [values[numbers].iloc[:1].tolist(), values[~numbers].iloc[:1].tolist()]
    shown = " and ".join(quoted(value) for example in examples for value in example)
    numeric = "in `numeric` if it holds numbers, " if possible_marks(column) else ""
    return InputError(
        f"Column {quoted(column.name)} mixes types ({shown}); name it {numeric}in `categorical` if it holds "
        "categories, or add what stands for a missing value to `missing_values`."
    )


def _unsupported(column: pd.Series[Any], content: str) -> InputError:
    return InputError(
        f"Column {quoted(column.name)} holds {content} values, which cannot be encoded; "
        "drop it or convert it to numbers or strings."
    )


def convert_columns(frame: pd.DataFrame, numeric: Sequence[str], decimal: DecimalMark | None = None) -> pd.DataFrame:
    """Return ``frame`` with numbers in columns named numeric, also of texts such as ``1,5``, ``12 %`` or ``$3.00``.

    Args:
        frame: the table.
        numeric: names of columns, of which those that are not in the table do not matter.
        decimal: decimal mark of texts, where they do not tell it.

    Raises:
        InputError: if such a column holds something that is no number, or may be two.
    """
    named = frame.columns.intersection(pd.Index(numeric))
    others = [name for name in named if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    changed = {name: to_numbers(numbers_of(frame[name], decimal)) for name in others}
    return with_columns(frame, changed)


def require_columns(names: Iterable[str], columns: Iterable[str], where: str) -> None:
    """Raise unless every one of ``names`` (asked for by ``where``) is among ``columns``.

    Raises:
        InputError: naming the first that is not, and the column it may have meant.
    """
    known = list(columns)
    present = set(known)
    for name in names:
        if name not in present:
            close = difflib.get_close_matches(str(name), map(str, known), n=1)
            hint = f"did you mean {quoted(close[0])}?" if close else f"the table has {listed(known)}."
            raise InputError(f"There is no column {quoted(name)} in the table, as {where} asks for; {hint}")


def require_unique(columns: Sequence[str] | pd.Index[Any]) -> None:
    """Raise unless every column name occurs once.

    Raises:
        InputError: naming the first duplicate.
    """
    index = pd.Index(columns)
    if index.has_duplicates:
        raise InputError(f"The table has two columns named {quoted(index[index.duplicated()][0])}; rename one.")


def require_plain_values(frame: pd.DataFrame) -> None:
    """Raise unless columns have a name each, and these and all values are single ones that files can hold.

    Raises:
        InputError: naming the first column that has another's name, a name of no text, or values of several parts, as
            those of Parquet files may be, or of no text (see :func:`~gan_imbalance.transforms.dtypes.require_plain`).
    """
    require_unique(frame.columns)
    for name, column in frame.items():
        if fault := fault_of(str(name)):
            raise InputError(f"The column {quoted(name)} has {fault} in its name; rename it.")
        require_plain(column)
