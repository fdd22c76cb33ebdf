"""ARFF, the files of Weka and OpenML: a header that says what each column holds, and rows as in CSV."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from gan_imbalance.data.csv_format import find_csv_format, open_unpacked
from gan_imbalance.transforms.column_types import require_unique
from gan_imbalance.types import InputError, quoted

_QUOTED = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|[^\s{{]+)\s*(.+)", re.IGNORECASE)
_VALUE = re.compile(rf"(?:^|,)\s*({_QUOTED}|[^,]*?)\s*(?=,|$)")
_NUMBERS = ("numeric", "real", "integer")


def read_arff(path: Path, missing_values: list[str]) -> pd.DataFrame:
    """Read an ARFF file, which may be compressed: nominal columns as categories, texts and dates as text.

    scipy's reader takes quotes in values only where the first row has some, and no texts.

    Args:
        path: the file.
        missing_values: texts that stand for a missing value, as ``?`` does.

    Raises:
        InputError: if two columns have one name, a type is unknown, a row has another number of fields than there are
            columns, or a value is none of its column's; or if rows are sparse.
        OSError: and what packages of compression raise, if the file cannot be read.
        ValueError: if it is no ARFF.
    """
    encoding = find_csv_format(path, ",", whole=True).encoding
    columns: dict[str, str] = {}
    with open_unpacked(path, "rt", encoding=encoding, newline="") as file:
        lines = iter(enumerate(file.read().removeprefix("\ufeff").splitlines(), 1))
    for number, line in lines:
        word = line.strip().lower()
        if word == "@data":
            break
        if word.startswith("@attribute"):
            found = _ATTRIBUTE.fullmatch(line.strip())
            if found is None:
                raise InputError(f"Line {number} of {path} names no column; write @attribute, a name and a type.")
            name = _unquoted(found[1])
            require_unique([*columns, name])
            columns[name] = found[2].strip()
    else:
        raise ValueError("it has no line @data")
    rows = []
    body = [(number, line) for number, line in lines if line.strip() and not line.lstrip().startswith("%")]
    for number, line in body:
        if line.lstrip().startswith("{"):
            raise InputError(
                f"Line {number} of {path} is a sparse row, which is not read; write all values of each row."
            )
        row = _values(line)
        if len(row) != len(columns):
            raise InputError(
                f"Line {number} of {path} has {len(row)} value(s), but {len(columns)} columns are named; correct it, "
                "or put values that hold commas in quotes."
            )
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(columns), dtype=object)
    table = table.mask(table.isin(["?", *missing_values]))
    return pd.DataFrame({name: _typed(table[name], kind, path) for name, kind in columns.items()})


def _typed(column: pd.Series[Any], kind: str, path: Path) -> pd.Series[Any]:
    """Return the texts of a column as what its type says."""
    word = kind.lower()
    if word in _NUMBERS:
        numbers = pd.to_numeric(column, errors="coerce")
        wrong = column[numbers.isna() & column.notna()]
        if len(wrong):
            raise InputError(
                f"Column {quoted(column.name)} of {path} is {word}, but holds {quoted(wrong.iloc[0])}; correct one of "
                "the two."
            )
        # as Python reads them, to the last bit
        return numbers if numbers.dtype.kind == "i" else column.astype("float64")
    if kind.startswith("{") and kind.endswith("}"):
        levels = list(dict.fromkeys(_values(kind[1:-1])))
        wrong = column[~column.isin(levels) & column.notna()]
        if len(wrong):
            raise InputError(
                f"Column {quoted(column.name)} of {path} holds {quoted(wrong.iloc[0])}, which is none of its values "
                f"{kind if len(kind) < 100 else kind[:100] + '…'}; correct one of the two."
            )
        return column.astype(pd.CategoricalDtype(levels))
    if word == "string" or word.startswith("date"):
        return column
    raise InputError(
        f"Column {quoted(column.name)} of {path} is of the type {quoted(kind)}, which is not read; drop it."
    )


def _values(line: str) -> list[str]:
    """Return the values that commas part, without their quotes, which are of either kind."""
    if "'" not in line and '"' not in line:
        return [value.strip() for value in line.split(",")]
    return [_unquoted(found[1]) for found in _VALUE.finditer(line)]


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
