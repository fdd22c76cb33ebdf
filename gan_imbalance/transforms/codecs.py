"""Columns that have an order, as numbers and back: numbers, dates and times, ordered levels.

A codec knows which values its column could hold: ``series`` returns the nearest of them.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.transforms.dtypes import Floats, cast, count_decimals, dtype_to_state, to_numbers, zone_name
from gan_imbalance.transforms.levels import Unknown, factorize, find_levels, take
from gan_imbalance.types import InputError, Label, quoted

_FORMATS = (
    *("%b-%Y", "%b %Y", "%B %Y", "%d-%b-%Y", "%d %b %Y", "%H:%M:%S", "%H:%M", "%d.%m.%Y %H:%M", "%m/%d/%Y %H:%M"),
    # which pandas guesses, but not of years that nanoseconds do not reach
    *("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"),
)
_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_CALENDAR = ("Y", "M", "D")
_LONGEST = np.iinfo(np.int64).max
_UNITS = (*_CALENDAR, "h", "m", "s", "ms", "us", "ns")
# the contents, in pandas' words, that are dates by themselves
DATE_CONTENTS = ("datetime64", "datetime", "date", "timedelta64", "timedelta")


class ValueCodec(Protocol):
    """A column's values in order."""

    def numbers(self, column: pd.Series[Any], unknown: Unknown = "error") -> Floats:
        """Return every row's number, shape (n,), NaN where it is missing."""

    def series(self, numbers: Floats) -> pd.Series[Any]:
        """Return the value nearest to every number that the column could hold; missing where it is NaN."""

    def step(self, numbers: Floats) -> Floats:
        """Return what lies between every number and the next that the column could hold."""


@dataclass(frozen=True)
class Numbers:
    """Numbers in the observed range, with the observed number of decimals.

    Whole numbers beyond 2**53 are as near as float64 goes.
    """

    dtype: dict[str, Any]
    minimum: float
    maximum: float
    decimals: int | None

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Self:
        """Describe a column of numbers; without a value, its range is NaN."""
        numbers = to_numbers(column)
        present = numbers[~np.isnan(numbers)]
        ends = (float(present.min()), float(present.max())) if present.size else (np.nan, np.nan)
        is_single = pd.api.types.is_float_dtype(column.dtype) and getattr(column.dtype, "itemsize", 8) == 4
        decimals = count_decimals(present.astype(np.float32) if is_single else present)
        return cls(dtype_to_state(column.dtype), *ends, decimals)

    def numbers(self, column: pd.Series[Any], unknown: Unknown = "error") -> Floats:
        """Return the numbers."""
        return to_numbers(column)

    def series(self, numbers: Floats) -> pd.Series[Any]:
        """Return numbers clipped to the observed range, rounded, in the column's dtype."""
        numbers = np.clip(numbers, self.minimum, self.maximum)
        if self.decimals is not None:
            numbers = np.round(numbers, self.decimals)
        # Arrow's types have a name of their own
        kind = self.dtype.get("type", self.dtype["name"]).lower()
        if kind in ("int64", "uint64"):
            # what float64 makes of the largest integer is one too many
            bits = 64 if kind.startswith("u") else 63
            numbers = np.minimum(numbers, np.nextafter(2.0**bits, 0))
        return cast(pd.Series(numbers), self.dtype)

    def step(self, numbers: Floats) -> Floats:
        """Return one in the last decimal, or what floats of the column's size tell apart, whichever is more."""
        is_single = self.dtype["name"].lower() == "float32"
        spacing: Floats = np.spacing(numbers.astype(np.float32) if is_single else numbers).astype(np.float64)
        return spacing if self.decimals is None else np.maximum(spacing, 10.0**-self.decimals)


@dataclass(frozen=True)
class Levels:
    """Levels in a stated order; a number is a position among those observed."""

    dtype: dict[str, Any]
    levels: list[Label]

    @classmethod
    def of(cls, column: pd.Series[Any], order: Sequence[Label] | None) -> Self:
        """Describe a column by the order of its levels, lowest first; without one, by that of its pandas categories.

        Raises:
            InputError: if the column holds a level that the order leaves out.
        """
        if order is None:
            _, observed = factorize(column)
        else:
            codes = find_levels(column, order, "error")
            observed = [order[code] for code in np.unique(codes[codes >= 0])]
        return cls(dtype_to_state(column.dtype), observed)

    def numbers(self, column: pd.Series[Any], unknown: Unknown = "error") -> Floats:
        """Return the positions of the levels; an unknown one is missing."""
        codes = find_levels(column, self.levels, unknown)
        return np.where(codes < 0, np.nan, codes.astype(np.float64))

    def series(self, numbers: Floats) -> pd.Series[Any]:
        """Return the level at the nearest position."""
        nearest = np.clip(np.round(numbers), 0, len(self.levels) - 1)
        codes = np.where(np.isnan(numbers), -1, nearest).astype(np.intp)
        return cast(take(self.levels, codes), self.dtype)

    def step(self, numbers: Floats) -> Floats:
        """Return one position for every number."""
        return np.ones_like(numbers)


@dataclass(frozen=True)
class Dates:
    """Dates, times or durations: units since the first one.

    The unit is the longest of years, months, days, …, nanoseconds that tells all values, so whole days stay whole
    days. In a time zone, whole days are those of the wall clock; shorter units pass without its jumps, as in UTC.

    Attributes:
        dtype: of the column.
        unit: numpy's name of it.
        first: the earliest value, in units since 1970 (durations: since 0).
        last: the latest.
        zone: time zone, if the column has one.
        text: format of a column of text, as ``strftime`` has it.
        objects: what Python's objects in the column are, in pandas' word: ``date``, ``datetime``, ``timedelta``.
    """

    dtype: dict[str, Any]
    unit: str
    first: int
    last: int
    is_duration: bool
    zone: str | None
    text: str | None
    objects: str | None

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Self:
        """Describe a column of dates.

        Raises:
            InputError: if its values are no dates, or text without one format for all.
        """
        content = pd.api.types.infer_dtype(column, skipna=True)
        text = cls.format_of(pd.Series(column.dropna().unique())) if content == "string" else None
        if content not in DATE_CONTENTS and text is None:
            raise InputError(
                f"Column {quoted(column.name)} should hold dates or times in one format, but holds "
                f"{column.dropna().iloc[:1].tolist()}; correct it, or take the column out of `dates`."
            )
        moments = _moments(column, text)
        unit = _longest_unit(moments)
        ticks = _in_units(moments.dropna(), unit).astype(np.int64)
        if ticks.size and int(ticks.max()) - int(ticks.min()) > _LONGEST:
            raise InputError(
                f"Column {quoted(column.name)} reaches over more than 292 years in nanoseconds; round it to "
                "microseconds."
            )
        return cls(
            dtype=dtype_to_state(column.dtype),
            unit=unit,
            first=int(ticks.min()) if ticks.size else 0,
            last=int(ticks.max()) if ticks.size else 0,
            is_duration=pd.api.types.is_timedelta64_dtype(moments),
            zone=zone_name(moments.dt.tz) if getattr(moments.dt, "tz", None) else None,
            text=text,
            objects=content if content in ("date", "datetime", "timedelta") else None,
        )

    @staticmethod
    def format_of(texts: pd.Series[Any]) -> str | None:
        """Return the format in which every text is a date or time and would be written again, if there is one."""
        from pandas.tseries.api import guess_datetime_format  # type: ignore[attr-defined]

        if texts.empty:
            return None
        first = str(texts.iloc[0])
        with warnings.catch_warnings(action="ignore"):
            guessed = [guess_datetime_format(first, dayfirst=dayfirst) for dayfirst in (False, True)]
        zone = _ZONE.search(first)
        # digits alone may as well be a number; a zone that all texts share is written as it is
        likely = [one.replace("%z", zone[0] if zone else "%z") for one in guessed if one and not first.isdigit()]
        for candidate in [*likely, *_FORMATS]:
            # the first text alone spares most tries
            if all(_is_written_in(candidate, part) for part in (texts.iloc[:1], texts)):
                return str(candidate)
        return None

    def numbers(self, column: pd.Series[Any], unknown: Unknown = "error") -> Floats:
        """Return units since the first value.

        Raises:
            InputError: if a text is no date in the column's format.
        """
        return self.units(self.moments(column))

    def moments(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """Return datetimes or timedeltas.

        Raises:
            InputError: if a text is no date in the column's format.
        """
        return _moments(column, self.text)

    def units(self, moments: pd.Series[Any]) -> Floats:
        """Return the units since the first value, fractions cut off, NaN where missing."""
        ticks = _in_units(moments, self.unit)
        missing = np.isnat(ticks)
        return np.where(missing, np.nan, (ticks.astype(np.int64) - self.first).astype(np.float64))

    def exact(self, column: pd.Series[Any]) -> npt.NDArray[Any]:
        """Return the column as numpy's dates, in UTC if it has a zone."""
        return _without_zone(self.moments(column), "ns")

    def step(self, numbers: Floats) -> Floats:
        """Return one unit for every number."""
        return np.ones_like(numbers)

    def series(self, numbers: Floats) -> pd.Series[Any]:
        """Return the dates, clipped to those observed, in the column's dtype."""
        missing = np.isnan(numbers)
        length = self.last - self.first
        passed = np.clip(np.round(np.where(missing, 0, numbers)), 0, length).astype(np.int64)
        # calendars and text cost more than looking them up; float64 may round the length up
        distinct, rows = np.unique(np.minimum(passed, length) + self.first, return_inverse=True)
        kind = "m8" if self.is_duration else "M8"
        # pandas knows no unit longer than a second
        unit = self.unit if self.unit in _UNITS[-3:] else "s"
        written = self._written(pd.Series(distinct.astype(f"{kind}[{self.unit}]").astype(f"{kind}[{unit}]")))
        return cast(pd.Series(written.array.take(np.where(missing, -1, rows), allow_fill=True)), self.dtype)

    def _written(self, moments: pd.Series[Any]) -> pd.Series[Any]:
        """Return moments without a zone as the column would hold them, or so that they can be cast to its dtype."""
        if self.text is not None:
            return pd.Series(moments.dt.strftime(self.text))
        if self.zone is not None and self.unit in _CALENDAR:
            # midnight may not exist, or come twice
            first_of_two = np.ones(len(moments), dtype=np.bool_)
            moments = moments.dt.tz_localize(self.zone, ambiguous=first_of_two, nonexistent="shift_forward")
        elif self.zone is not None:
            moments = moments.dt.tz_localize("UTC").dt.tz_convert(self.zone)
        if self.objects == "date":
            return pd.Series(moments.dt.date)
        return moments.astype(object) if self.objects else moments


def _is_written_in(date_format: str, texts: pd.Series[Any]) -> bool:
    """Return whether every text is a date or time that would be written like this again."""
    moments = _read_dates(texts, date_format)
    return bool(moments.notna().all()) and bool((moments.dt.strftime(date_format) == texts.astype(object)).all())


def _moments(column: pd.Series[Any], text: str | None) -> pd.Series[Any]:
    """Return datetimes or timedeltas of numpy's kind, with their zone.

    Raises:
        InputError: if a text is no date in the format ``text``, or an object none at all.
    """
    if isinstance(column.dtype, pd.ArrowDtype) and text is None:
        import pyarrow

        column = pyarrow.array(column).to_pandas().rename(column.name)
    if column.dtype.kind in "mM":
        return column
    if pd.api.types.infer_dtype(column, skipna=True).startswith("timedelta"):
        try:
            return pd.to_timedelta(column)
        except (OverflowError, pd.errors.OutOfBoundsTimedelta) as error:
            raise InputError(
                f"Column {quoted(column.name)} holds durations of more than 292 years; write them as numbers of days."
            ) from error
    moments = _read_dates(column, text)
    wrong = column[moments.isna() & column.notna()]
    if len(wrong):
        form = f" written as {text}" if text else ""
        raise InputError(
            f"Column {quoted(column.name)} should hold dates or times{form}, but holds {quoted(wrong.iloc[0])}; "
            "correct it, or name the column in `categorical`."
        )
    return moments


def _read_dates(column: pd.Series[Any], text: str | None) -> pd.Series[Any]:
    """Return the datetimes of texts or objects, NaT where a value is none.

    They are in nanoseconds, or, where these do not reach (before 1677, after 2262), in microseconds.
    """
    values = column.astype(object)
    # pandas does not read the texts of numpy
    values = values if text is None else values.map(str, na_action="ignore")
    moments = pd.to_datetime(values, format=text, errors="coerce")
    unread = column[moments.isna() & column.notna()]
    if unread.empty or _read_date(unread.iloc[0], text) is None:
        return moments
    read = np.array([_read_date(value, text) for value in column], dtype="M8[us]")
    return pd.Series(read, column.index, name=column.name)


def _read_date(value: Any, text: str | None) -> datetime | date | None:
    """Return a text or object as a datetime without a zone, or None if it is none."""
    if isinstance(value, str) and text is not None:
        try:
            value = datetime.strptime(value, text)
        except ValueError:
            return None
    # NaT passes for a date
    is_date = isinstance(value, date) and value is not pd.NaT
    return value if is_date and getattr(value, "tzinfo", None) is None else None


def _in_units(moments: pd.Series[Any], unit: str) -> npt.NDArray[Any]:
    """Return moments as numpy's dates (n,) in a unit, fractions cut off."""
    values = _without_zone(moments, unit)
    return values.astype(f"{values.dtype.str[1:3]}[{unit}]")


def _without_zone(moments: pd.Series[Any], unit: str) -> npt.NDArray[Any]:
    """Return moments as numpy's dates (n,): for days and longer by the wall clock, for shorter units in UTC."""
    if getattr(moments.dt, "tz", None) is not None:
        moments = (moments if unit in _CALENDAR else moments.dt.tz_convert("UTC")).dt.tz_localize(None)
    values: npt.NDArray[Any] = moments.to_numpy()
    return values


def _longest_unit(moments: pd.Series[Any]) -> str:
    """Return the longest unit in which every moment is whole."""
    present = moments.dropna()
    units = _UNITS[2:] if pd.api.types.is_timedelta64_dtype(moments) else _UNITS
    for unit in units:
        exact = _without_zone(present, unit)
        if np.array_equal(_in_units(present, unit).astype(exact.dtype), exact):
            break
    return unit


_FORMS: dict[str, type[Numbers] | type[Levels] | type[Dates]] = {
    "Numbers": Numbers,
    "Levels": Levels,
    "Dates": Dates,
}


def codec_to_state(codec: ValueCodec) -> dict[str, Any]:
    """Return a codec as plain values."""
    return {"type": type(codec).__name__, **vars(codec)}


def codec_from_state(state: Mapping[str, Any]) -> ValueCodec:
    """Rebuild the codec that :func:`codec_to_state` described."""
    return _FORMS[state["type"]](**{key: value for key, value in state.items() if key != "type"})
