"""A table as it lies in a file: CSV, Parquet, Excel or ARFF, here or on the Hugging Face Hub."""

from __future__ import annotations

import csv
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from lzma import LZMAError
from pathlib import Path
from tarfile import TarError
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile

import fsspec
import pandas as pd
from pyarrow.parquet import read_schema
from pytorch_lightning.utilities import rank_zero_info

from gan_imbalance.data.arff import read_arff
from gan_imbalance.data.csv_format import CsvFormat, find_csv_format, open_unpacked
from gan_imbalance.files import require_modest
from gan_imbalance.transforms.column_types import require_plain_values, require_unique, with_text_names
from gan_imbalance.transforms.dtypes import with_columns
from gan_imbalance.transforms.written_numbers import (
    DecimalMark,
    is_doubtful,
    is_grouped,
    is_plain,
    possible_marks,
    read_numbers,
)
from gan_imbalance.types import InputError, listed, quoted

_HUB = "hf://"
# bytes of a file that are looked at together
_CHUNK = 1 << 20
# of text, in the most that the csv module allows everywhere
_LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True)
class FileOptions:
    """What is known of CSV files beforehand; None is found by itself.

    Attributes:
        separator: between fields: one character, or ``tab``.
        encoding: Python's name of it.
        decimal: mark of decimals; the other one marks thousands.
    """

    separator: str | None = None
    encoding: str | None = None
    decimal: DecimalMark | None = None

    def __post_init__(self) -> None:
        """Refuse what is no decimal mark."""
        if self.decimal not in (None, ".", ","):
            raise InputError(f"decimal is {quoted(self.decimal)}; give '.' or ','.")


UNKNOWN = FileOptions()
"""Nothing is known: all of a file is found by itself."""


def read_table(path: str | Path, missing_values: Sequence[str] = (), options: FileOptions = UNKNOWN) -> pd.DataFrame:
    """Read Parquet (``.parquet``, ``.pq``), Excel (``.xlsx``, ``.xlsm``), ARFF (``.arff``), or anything else as CSV.

    CSV and ARFF may be compressed, as the ending of the name tells. Of a workbook the first sheet is read. A path that
    begins with ``hf://`` is one of the Hugging Face Hub, such as ``hf://datasets/user/name/rows.csv``.

    How a CSV file is written is found by itself (:func:`~gan_imbalance.data.csv_format.find_csv_format`), and told in
    one line where it is not as usual. Commas are decimal marks, and points marks of thousands, only where fields are
    separated by something else, and some column holds numbers that can be read in no other way, or semicolons
    separate and every comma has three digits behind it, which a warning tells; ``options.decimal`` overrules it.

    Args:
        path: the file.
        missing_values: texts that stand for a missing value, as empty cells do.
        options: what is known of a CSV file beforehand.

    Raises:
        InputError: if there is no such file, it is empty or unreadable, a row has more or fewer fields than the header,
            a column holds values of several parts, or its name is a duplicate.
    """
    if is_on_hub(path):
        with _fetched(str(path)) as fetched:
            return read_table(fetched, missing_values, options)
    path = Path(path)
    if not path.is_file():
        what = f"{path} is a {'folder' if path.is_dir() else 'pipe or device'}" if path.exists() else ""
        raise InputError(
            f"{what or f'There is no file {path}'}; name the table's file (on the command line: --data.path)."
        )
    try:
        require_modest(path)
        if path.suffix.lower() in (".parquet", ".pq"):
            require_unique(read_schema(path).names)
            frame = with_text_names(pd.read_parquet(path))
            require_plain_values(frame)
            frame = mark_missing(frame, missing_values)
        elif path.suffix.lower() in (".xlsx", ".xlsm"):
            frame = _read_workbook(path, missing_values)
        elif path.suffix.lower() == ".xls":
            raise InputError(f"The file {path} is a workbook of the old form; save it as .xlsx or CSV.")
        elif ".arff" in [suffix.lower() for suffix in path.suffixes[-2:]]:
            frame = read_arff(path, list(missing_values))
        else:
            frame = _read_csv(path, missing_values, options)
    except InputError:
        raise
    except pd.errors.EmptyDataError as error:
        raise InputError(f"The file {path} is empty; name a table with a header and rows.") from error
    except ImportError as error:
        raise InputError(f"The file {path} cannot be unpacked here ({error}); write it without compression.") from error
    except (
        OSError,
        EOFError,
        ValueError,
        TypeError,
        LZMAError,
        BadZipFile,
        TarError,
        MemoryError,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"The file {path} cannot be read as a table ({reason}); write it anew, or name another."
        ) from error
    if frame.empty:
        raise InputError(f"The file {path} has no rows; name a table with a header and rows.")
    return frame


def is_on_hub(path: str | Path) -> bool:
    """Return whether a path is one of the Hugging Face Hub."""
    return str(path).startswith(_HUB)


def beside(test_path: str | Path, path: str | Path) -> str | Path:
    """Return where a test file is: beside the training file at ``path``, or else from the working folder."""
    if is_on_hub(path) or is_on_hub(test_path):
        return test_path
    near = Path(path).parent / test_path
    return near if near.is_file() else Path(test_path)


@contextmanager
def _fetched(path: str) -> Iterator[Path]:
    """Have a copy of a file of the Hugging Face Hub."""
    if find_spec("huggingface_hub") is None:
        raise InputError(f"{path} is read by huggingface_hub, which is missing: pip install huggingface_hub.")
    with TemporaryDirectory() as folder:
        local = Path(folder) / path.rsplit("/", 1)[-1]
        try:
            fsspec.filesystem("hf").get_file(path, str(local))
        except (OSError, ValueError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"{path} cannot be fetched ({reason}); see whether it is there, and open to you."
            ) from error
        yield local


def _read_workbook(path: Path, missing_values: Sequence[str]) -> pd.DataFrame:
    """Return the first sheet of a workbook."""
    if find_spec("openpyxl") is None:
        raise InputError(
            f"The file {path} is read by openpyxl, which is missing: pip install 'gan-imbalance[excel]', or save it as "
            "CSV."
        )
    with path.open("rb") as file:
        require_modest(file)
        try:
            with pd.ExcelFile(file, engine="openpyxl") as book:
                header = book.parse(0, header=None, nrows=1)
                frame: pd.DataFrame = book.parse(0, keep_default_na=False, na_values=["", *missing_values])
                sheets = [str(sheet) for sheet in book.sheet_names]
        # what a damaged workbook raises is open: errors of XML, missing parts, and more
        except Exception as error:
            raise ValueError(f"it is no workbook: {error}") from error
    if header.empty:
        raise pd.errors.EmptyDataError
    # pandas renames duplicate columns silently
    require_unique(header.iloc[0].dropna().astype(str).tolist())
    if len(sheets) > 1:
        rank_zero_info(f"{path}: of {len(sheets)} sheets, the first is read, {quoted(sheets[0])}.")
    frame = with_text_names(frame)
    require_plain_values(frame)
    return frame


def _read_csv(path: Path, missing_values: Sequence[str], options: FileOptions) -> pd.DataFrame:
    written = find_csv_format(path, options.separator, options.encoding)
    try:
        frame = _read_fields(path, missing_values, written)
    except UnicodeDecodeError:
        # what is not UTF-8 may come late
        if options.encoding is not None:
            raise
        written = find_csv_format(path, options.separator, whole=True)
        frame = _read_fields(path, missing_values, written)
    if options.separator is None and written.doubt is not None:
        warnings.warn(
            f"The fields of {path} are taken as separated by {quoted(written.separator)}, but all rows have as many by "
            f"{quoted(written.doubt)}; name the separator (on the command line: --data.separator).",
            stacklevel=2,
        )
    found = str(written)
    frame, marks = _with_marked_numbers(path, frame, missing_values, written, options.decimal)
    if told := ", ".join(filter(None, (found, marks))):
        rank_zero_info(f"{path}: {told}.")
    return frame


def _read_fields(path: Path, missing_values: Sequence[str], written: CsvFormat, **options: Any) -> pd.DataFrame:
    """Return the rows of a CSV file, whose numbers have decimal points."""
    # pandas renames duplicate columns silently when it reads the header itself.
    header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, **written.options)
    require_unique(header.iloc[0].tolist())
    # only now, since what is no text at all has failed by here
    _refuse_null_bytes(path, written)
    try:
        with warnings.catch_warnings():
            # without an index, pandas cuts fields off by a mere warning
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame: pd.DataFrame = pd.read_csv(
                path,
                index_col=False,
                # "NA" and "None" may be categories
                keep_default_na=False,
                na_values=["", *missing_values],
                low_memory=False,
                float_precision="round_trip",
                **written.options,
                **options,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning):
        _require_fields(path, header.shape[1], written)
        raise
    # pandas fills up short rows, which then lack the last column
    if frame.iloc[:, -1].isna().any():
        _require_fields(path, header.shape[1], written)
    return frame


def _with_marked_numbers(
    path: Path, frame: pd.DataFrame, missing_values: Sequence[str], written: CsvFormat, decimal: DecimalMark | None
) -> tuple[pd.DataFrame, str]:
    """Return the rows with texts such as ``1.234,5`` as numbers, and what was found, in words."""
    if written.separator == "," and decimal is None:
        return frame, ""
    columns = {str(name): column for name, column in frame.items()}
    texts = {name: column for name, column in columns.items() if is_plain(column) and possible_marks(column)}
    doubtful = [name for name, column in texts.items() if is_doubtful(column)]
    sure = {marks[0] for marks in map(possible_marks, texts.values()) if len(marks) == 1}
    mark = decimal or (next(iter(sure)) if len(sure) == 1 else None)
    if mark is None and not sure and doubtful and written.separator == ";":
        # programs separate by semicolons where their decimal mark is the comma
        mark = ","
        warnings.warn(
            f"Commas in {path} are taken as decimal marks, although in column {quoted(doubtful[0])} three digits are "
            "behind each, as behind marks of thousands; name the decimal mark (on the command line: --data.decimal).",
            stacklevel=2,
        )
    if mark is None:
        return frame, ""
    changed = {name: read_numbers(column, mark) for name, column in texts.items() if mark in possible_marks(column)}
    told = [f"decimal mark {quoted(mark)}"] if changed else []
    floats = [name for name, column in columns.items() if pd.api.types.is_float_dtype(column.dtype)]
    if mark == "," and floats:
        # of these, marks of thousands were taken for decimal marks
        read = _read_fields(path, missing_values, written, dtype=str, usecols=floats)
        grouped = {str(name): column for name, column in read.items() if is_grouped(column, mark)}
        changed |= {name: read_numbers(column, mark) for name, column in grouped.items()}
        told += [f"points as marks of thousands in {listed(list(grouped))}"] if grouped else []
    return with_columns(frame, changed), ", ".join(told)


def _refuse_null_bytes(path: Path, written: CsvFormat) -> None:
    """Refuse text with NUL bytes, where pandas ends values."""
    # archives hold some between their files
    if ".tar" in path.suffixes:
        return
    line = 1
    how: dict[str, Any] = {"mode": "rt", "encoding": written.encoding, "newline": ""} if written.is_wide else {}
    nul, end_of_line = ("\0", "\n") if written.is_wide else (b"\0", b"\n")
    with open_unpacked(path, **how) as file:
        while content := file.read(_CHUNK):
            end = content.find(nul)
            line += content.count(end_of_line, 0, end if end >= 0 else len(content))
            if end >= 0:
                raise InputError(f"Line {line} of {path} holds a NUL byte; write the table anew, as text in UTF-8.")


def _require_fields(path: Path, width: int, written: CsvFormat) -> None:
    """Refuse the first row that has more or fewer fields than the header."""
    limit = csv.field_size_limit(_LONGEST_FIELD)
    encoding = "utf-8-sig" if written.encoding == "utf-8" else written.encoding
    try:
        with open_unpacked(path, "rt", newline="", encoding=encoding) as file:
            for _ in range(written.skipped):
                file.readline()
            rows = csv.reader(file, delimiter=written.separator, skipinitialspace=written.spaced)
            for row in rows:
                # pandas leaves blank lines out
                if len(row) != width and (len(row) > 1 or "".join(row).strip()):
                    name = "commas" if written.separator == "," else quoted(written.separator)
                    raise InputError(
                        f"Line {written.skipped + rows.line_num} of {path} has {len(row)} field(s), but the header has "
                        f"{width}; correct it, or put values that hold {name} in quotes."
                    )
    finally:
        csv.field_size_limit(limit)


def mark_missing(frame: pd.DataFrame, missing_values: Sequence[str]) -> pd.DataFrame:
    """Return the table with gaps where a value is one of some texts, or the number that such a text tells."""
    if not missing_values:
        return frame
    numbers = pd.to_numeric(pd.Series(missing_values, dtype=object), errors="coerce").dropna()
    return frame.mask(frame.isin([*missing_values, *numbers]))
