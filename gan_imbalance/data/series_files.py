"""Time series as they lie in a file: .npz, text of the UCR archive, .ts, or a long table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile, is_zipfile

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.data.csv_format import open_unpacked
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.data.reading import read_table
from gan_imbalance.files import in_short, require_modest, telling_unreadable
from gan_imbalance.transforms.column_types import require_columns
from gan_imbalance.transforms.series import Series
from gan_imbalance.types import InputError, listed, quoted

_WANTED = (
    "a file of series: .npz with the arrays X and y, .tsv or .txt (label first), .ts, or a long table such as .csv"
)
_AEON = "read it with aeon (pip install aeon), and give its arrays as X and y"
_AXES = 3


class Columns(NamedTuple):
    """Which columns of a long table, of a row per time step, tell what; None and () where nothing was said.

    Attributes:
        id: tells which series a step belongs to.
        time: orders the steps of a series; None takes the order of the rows.
        values: the channels; () takes all columns that are nothing else.
        target: the class, the same in all steps of a series.
        group: the recording that a series was cut out of; of an .npz, the array that tells it.
    """

    id: str | None = None
    time: str | None = None
    values: Sequence[str] = ()
    target: str | None = None
    group: str | None = None


class ReadSeries(NamedTuple):
    """Series as they were read, float32.

    Attributes:
        X: n series, NaN behind the end of those shorter than the longest, (n, channels, length).
        y: the class of each, (n,).
        groups: the recording of each, (n,), if they were told.
    """

    X: Series
    y: pd.Series[Any]
    groups: pd.Series[Any] | None = None


NO_COLUMNS = Columns()
"""Nothing was said."""


def read_series(path: str | Path, columns: Columns = NO_COLUMNS) -> ReadSeries:
    """Read .npz, the UCR archive's text files (.tsv, .txt), .ts, or else a long table (.csv, .parquet, ...).

    Text files may be compressed (.tsv.gz), and their series of unequal lengths. Of .ts (https://www.aeon-toolkit.org)
    those without timestamps are read.

    Args:
        path: the file.
        columns: which columns of a long table tell what.

    Returns:
        Series float32 (n, channels, length), NaN behind the end of shorter ones; classes and recordings (n,).

    Raises:
        InputError: if the file is missing or cannot be read so, ``columns`` are said of a file that has none, a series
            has a missing value or an infinite one before its end, or series have a single step or different channels.
    """
    path = Path(path)
    endings = [suffix.lower() for suffix in path.suffixes[-2:]]
    readers = {".npz": _read_arrays, ".tsv": _read_label_first, ".txt": _read_label_first, ".ts": _read_ts}
    reader = next((readers[ending] for ending in endings if ending in readers), _read_long_table)
    if reader is not _read_long_table:
        for option, said in columns._asdict().items():
            if said and (option, reader) != ("group", _read_arrays):
                raise InputError(
                    f"{option} names {quoted(said)}, but {path.name} has no columns with names; leave it out."
                )
    with telling_unreadable(path, _WANTED):
        require_modest(path)
        return _cut(_checked(reader(path, columns), path.name), path.name)


def read_written(path: str | Path) -> ReadSeries:
    """Read an .npz as :func:`read_series` does, but of the length that it has: generated series may all end before.

    Raises:
        InputError: if the file is missing or cannot be read so, or a series cannot be used.
    """
    path = Path(path)
    with telling_unreadable(path, _WANTED):
        require_modest(path)
        return _checked(_read_arrays(path, NO_COLUMNS), path.name)


def read_arrays(X: Any, y: Any, groups: Any = None) -> ReadSeries:
    """Return arrays as :func:`read_series` returns series.

    Args:
        X: numbers of shape (n, channels, length) or (n, length), or a list of n series of any lengths.
        y: the class of every series, (n,).
        groups: the recording of every series, (n,).

    Raises:
        InputError: if they do not fit together, or a series cannot be used.
    """
    if y is None:
        raise InputError("X was given without y; give the class of every series as y.")
    with telling_unreadable("X", "an array of numbers of shape (n, channels, length) or (n, length)"):
        series = stack_series([np.asarray(one) for one in X]) if isinstance(X, list | tuple) else np.asarray(X)
        told = _column(y, "y"), None if groups is None else _column(groups, "groups")
        read = _cut(_checked(ReadSeries(series, *told), "X"), "X")
    if read.X.shape[2] < series.shape[-1]:
        raise InputError(f"X has no value behind step {read.X.shape[2] - 1} of any series; leave those steps out.")
    return read


def holds_series(path: str | Path) -> bool:
    """Return whether a file is an .npz of series, and not one of images."""
    if Path(path).suffix != ".npz" or not is_zipfile(path):
        return False
    with ZipFile(path) as archive:
        return "X.npy" in archive.namelist()


def ends_of(X: Series) -> Indices:
    """Return how many steps each series has, (n,)."""
    held: npt.NDArray[np.bool_] = np.asarray(~np.isnan(X).all(axis=1))
    return np.where(held.any(axis=1), X.shape[2] - held[:, ::-1].argmax(axis=1), 0)


def _read_arrays(path: Path, columns: Columns) -> ReadSeries:
    with np.load(path, allow_pickle=False) as file:
        named = columns.group or "groups"
        if columns.group is not None and named not in file:
            raise InputError(
                f"There is no array {quoted(named)} in {path.name}, as group asks for; it has {listed(file.files)}."
            )
        return ReadSeries(file["X"], _column(file["y"], "y"), _column(file[named], named) if named in file else None)


def _read_label_first(path: Path, columns: Columns) -> ReadSeries:
    """Read a series per line, its label first, separated by tabs, commas or spaces."""
    labels, series = [], []
    for number, line in _lines(path):
        separator = next((one for one in "\t," if one in line), None)
        label, *fields = line.split(separator)
        labels.append(label)
        series.append(_numbers(fields, f"Line {number} of {path.name}"))
    return ReadSeries(stack_series(series), _labels(labels))


def _read_ts(path: Path, columns: Columns) -> ReadSeries:
    """Read a series per line: channels separated by colons, numbers by commas, and the label last."""
    labels, series, has_begun = [], [], False
    for number, line in _lines(path):
        word, *said = line.lower().split()
        if not has_begun and word.startswith(("#", "@")):
            has_begun = word == "@data"
            if word in ("@timestamps", "@targetlabel") and said[:1] == ["true"]:
                raise InputError(f"{path.name} has timestamps, or numbers in place of classes; {_AEON}.")
            continue
        if "(" in line or ":" not in line:
            raise InputError(f"Line {number} of {path.name} is not as .ts has it without timestamps; {_AEON}.")
        *channels, label = line.split(":")
        labels.append(label.strip())
        series.append(stack_series([_numbers(c.split(","), f"Line {number} of {path.name}") for c in channels])[:, 0])
    return ReadSeries(stack_series(series), _labels(labels))


def _read_long_table(path: Path, columns: Columns) -> ReadSeries:
    """Read a row per time step."""
    frame = read_table(path)
    if columns.id is None or columns.target is None:
        missing = "id" if columns.id is None else "target"
        raise InputError(
            f"{path.name} has a row per time step: name with {missing} the column that tells "
            f"{'which series a row belongs to' if missing == 'id' else 'the class'} (--data.{missing})."
        )
    special = {"id": columns.id, "time": columns.time, "target": columns.target, "group": columns.group}
    named = {option: name for option, name in special.items() if name is not None}
    for option, name in named.items():
        require_columns([name], frame.columns, option)
    values = list(columns.values) or [name for name in frame.columns if name not in named.values()]
    require_columns(values, frame.columns, "values")
    if not values:
        raise InputError(f"{path.name} has no column of values beside {listed(list(named.values()))}.")
    for name in (*values, *filter(None, [columns.id, columns.time])):
        if frame[name].isna().any():
            raise InputError(
                f"Column {quoted(name)} has no value in row {int(frame[name].isna().argmax())}; fill it in."
            )
    for name in values:
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            raise InputError(f"Column {quoted(name)} holds no numbers; name the channels with values (--data.values).")
    codes, ids = pd.factorize(frame[columns.id])
    if columns.time is not None:
        twice = frame.duplicated([columns.id, columns.time])
        if twice.any():
            one = quoted(frame[columns.id][twice.argmax()])
            raise InputError(f"Series {one} has two rows of one {quoted(columns.time)}; keep one of them.")
        order = frame[columns.time].argsort(kind="stable").to_numpy()
        frame, codes = frame.iloc[order], codes[order]
    rows = pd.Series(codes).groupby(codes)
    steps = rows.cumcount().to_numpy()
    X = np.full((len(ids), len(values), int(steps.max()) + 1), np.nan, np.float32)
    X[codes, :, steps] = frame[values].to_numpy(dtype=np.float32)

    def told(name: str) -> pd.Series[Any]:
        column = frame[name].groupby(codes, dropna=False)
        varying = column.nunique(dropna=False) > 1
        if varying.any():
            raise InputError(
                f"Column {quoted(name)} differs between the rows of series {quoted(ids[int(varying.argmax())])}; it "
                "must be the same in all of them."
            )
        return column.first(skipna=False).rename(name)

    return ReadSeries(X, told(columns.target), None if columns.group is None else told(columns.group))


def _lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a text file that are not empty, with their numbers."""
    with open_unpacked(path, "rt", encoding="utf-8-sig") as file:
        return [(number, line.strip(" \r\n")) for number, line in enumerate(file, start=1) if line.strip()]


def _numbers(fields: Sequence[str], where: str) -> npt.NDArray[np.float64]:
    """Return numbers, NaN for those that are missing."""
    try:
        return np.array([np.nan if field.strip() in ("", "?") else float(field) for field in fields])
    except ValueError as error:
        raise InputError(f"{where} holds something that is no number ({in_short(error)}); correct it.") from error


def _labels(labels: list[str]) -> pd.Series[Any]:
    """Return classes that files have as text: as whole numbers, numbers or text, whichever all of them are."""
    texts = pd.Series(labels, name="y", dtype=object).replace("", None)
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.isna().any():
        return texts
    return numbers.astype(np.int64) if (numbers % 1 == 0).all() else numbers


def _column(values: Any, name: str) -> pd.Series[Any]:
    values = np.asarray(values)
    if values.ndim != 1:
        raise InputError(f"{name} has shape {values.shape}; give one value for each series.")
    return pd.Series(values, name=name)


def stack_series(series: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return n series, (channels, length) or (length,), as (n, channels, length), NaN behind the end of shorter ones.

    Raises:
        InputError: if there are none, or channels differ.
    """
    series = [one[None] if one.ndim == 1 else one for one in series]
    if not series:
        raise InputError("There are no series; name a file that has some.")
    for number, one in enumerate(series):
        if one.ndim != 2 or len(one) != len(series[0]):
            raise InputError(
                f"Series {number} has shape {one.shape}, but the first {series[0].shape}; give all the same channels."
            )
    X = np.full((len(series), len(series[0]), max(one.shape[1] for one in series)), np.nan)
    for row, one in zip(X, series, strict=True):
        row[:, : one.shape[1]] = one
    return X


def _checked(read: ReadSeries, where: str) -> ReadSeries:
    """Return series as float32 of shape (n, channels, length), or raise if they cannot be used."""
    X = np.asarray(read.X)
    X = X[:, None] if X.ndim == _AXES - 1 else X
    if X.ndim != _AXES or not X.size or X.dtype.kind not in "fiub":
        raise InputError(
            f"The series of {where} are {X.dtype} of shape {X.shape}; give numbers of shape (n, channels, length) or "
            "(n, length)."
        )
    for name, told in (("y", read.y), ("groups", read.groups)):
        if told is not None and len(told) != len(X):
            raise InputError(f"There are {len(X)} series, but {len(told)} {name}; give one for each series.")
    with np.errstate(over="ignore"):
        # -0.0 and 0.0 are one value
        X = X.astype(np.float32) + np.float32(0)
    missing, ends = np.isnan(X), ends_of(X)
    if (ends == 0).any():
        raise InputError(f"Series {int((ends == 0).argmax())} of {where} has no value; remove it.")
    gaps = np.argwhere(missing & (np.arange(X.shape[2]) < ends[:, None])[:, None])
    if gaps.size:
        row, channel, step = gaps[0].tolist()
        raise InputError(
            f"Series {row} of {where} has a missing value in step {step} of channel {channel}; fill it in, or remove "
            "the series (only steps that are missing at the end of all channels make a series a shorter one)."
        )
    if np.isinf(X).any():
        raise InputError(f"Series {int(np.isinf(X).any(axis=(1, 2)).argmax())} of {where} has an infinite value.")
    X[missing] = np.nan
    return read._replace(X=X)


def _cut(read: ReadSeries, where: str) -> ReadSeries:
    """Return series without the steps that none of them has, or raise if a single one is left."""
    length = ends_of(read.X).max()
    if length < 2:
        raise InputError(f"The series of {where} have one time step, which a table suits: use TabularDataModule.")
    return read._replace(X=read.X[..., :length])
