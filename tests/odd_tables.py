"""Tables as users have them, and worse: frames, files and arrays by name, made anew by every call."""

from __future__ import annotations

import bz2
import enum
import gzip
import io
import lzma
import sys
import uuid
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from scipy import sparse

from gan_imbalance.types import InputError

ROWS = 60
TARGET = "label"

Frame = Callable[[], pd.DataFrame]


class Colour(enum.Enum):
    """A category as some programs have it."""

    RED = 1
    BLUE = 2


def plain(rows: int = ROWS) -> pd.DataFrame:
    """Return an ordinary table: numbers, counts, three colours, and a rare class of every fourth row."""
    random = np.random.default_rng(0)
    label = np.where(np.arange(rows) % 4 == 3, "yes", "no")
    return pd.DataFrame(
        {
            "amount": random.normal(size=rows) + (label == "yes"),
            "count": random.integers(0, 40, rows),
            "colour": random.choice(["red", "green", "blue"], rows),
            TARGET: label,
        }
    )


def unless_refused(call: Callable[[], Any]) -> Any:
    """Return what a call returns, or None where it is refused, in one sentence."""
    try:
        return call()
    except InputError as error:
        told = str(error)
    assert "\n" not in told
    assert len(told) < 400
    return None


def cells(values: Sequence[Any]) -> pd.Series:
    """Return a column of Python objects, which repeats ``values``."""
    repeated = np.empty(ROWS, dtype=object)
    for row in range(ROWS):
        repeated[row] = values[row % len(values)]
    return pd.Series(repeated, name="odd", dtype=object)


def objects(*values: Any) -> Frame:
    """Return a table with a column of Python objects, which repeats ``values``."""
    return lambda: plain().assign(odd=cells(values))


def column(values: Sequence[Any], dtype: Any) -> Frame:
    """Return a table with a column of a dtype, which repeats ``values``."""
    return lambda: plain().assign(odd=pd.Series([values[row % len(values)] for row in range(ROWS)], dtype=dtype))


def arrow(values: Sequence[Any], arrow_type: pa.DataType) -> Frame:
    """Return a table with a column of an Arrow type, which repeats ``values``."""
    return lambda: plain().assign(
        odd=pd.Series(
            pd.arrays.ArrowExtensionArray(pa.array([values[i % len(values)] for i in range(ROWS)], arrow_type))
        )
    )


def called(*names: Any) -> Frame:
    """Return a table whose features are called ``names``."""
    return lambda: plain().set_axis([*names, *plain().columns[len(names) :]], axis=1)


def classes(common: Any, rare: Any, dtype: Any = object) -> Frame:
    """Return a table of two classes."""

    def make() -> pd.DataFrame:
        values = np.empty(ROWS, dtype=object)
        for row, label in enumerate(plain()[TARGET]):
            values[row] = rare if label == "yes" else common
        return plain().assign(**{TARGET: pd.Series(values).astype(dtype)})

    return make


def target(values: Sequence[Any], dtype: Any = object) -> Frame:
    """Return a table with another target, which repeats ``values``."""
    return lambda: plain().assign(**{TARGET: cells(values).astype(dtype)})


def indexed(index: Any) -> Frame:
    """Return a table with an index."""
    return lambda: plain().set_axis(index, axis=0)


def changed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Frame:
    """Return a table that is made from the ordinary one."""
    return lambda: change(plain())


def rare_rows(count: int) -> Frame:
    """Return a table with few rows of the rare class."""
    return lambda: pd.concat([plain().query("label == 'no'"), plain().query("label == 'yes'").head(count)])


def _wide(columns: int = 3000, rows: int = 40) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(rows, columns))
    return pd.DataFrame(values).add_prefix("x").assign(**{TARGET: plain(rows)[TARGET]})


def _many_levels(rows: int = 600, levels: int = 500) -> pd.DataFrame:
    return plain(rows).assign(odd=[f"level {row % levels}" for row in range(rows)])


_RISING = np.arange(ROWS)
_DAYS = pd.date_range("2020-02-28", periods=ROWS, freq="D")
_PERIODS = pd.period_range("2020-01", periods=ROWS, freq="M")
_CUT = pd.cut(_RISING, 4)
_ZONES = timezone(timedelta(hours=2)), timezone(timedelta(hours=-5))
_TOO_LARGE = 10**30
_COMPLEX = 1 + 2j

NUMBERS: dict[str, Frame] = {
    "beyond float32": column([1e39, -2e38, 0.5], float),
    "beyond any square": column([1e300, -1e300, 3.0], float),
    "the largest floats": column([sys.float_info.max, -sys.float_info.max, 0], float),
    "tiny": column([1e-300, 2e-300, 3e-300], float),
    "subnormal": column([5e-324, 1e-323, 0.0], float),
    "tiny and large": column([1e-300, 1e30, -1e30, 0.0], float),
    "far from zero, close together": lambda: plain().assign(odd=1e15 + _RISING / 8),
    "edges of int64": column([-(2**63), 2**63 - 1, 0], "int64"),
    "edges of uint64": column([0, 2**64 - 1, 2**63], "uint64"),
    "edges of int8": column([-128, 127, 0], "int8"),
    "large ids": lambda: plain().assign(odd=10**17 + _RISING),
    "integers beyond uint64": objects(_TOO_LARGE, _TOO_LARGE + 1, -_TOO_LARGE),
    "integers beyond float64": objects(10**400, 1, 2),
    "constant": column([3.5], float),
    "constant but once": lambda: plain().assign(odd=(_RISING == 7).astype(float)),
    "no value": column([np.nan], float),
    "one value": lambda: plain().assign(odd=np.where(_RISING == 7, 1.5, np.nan)),
    "infinite": column([1.0, np.inf, 2.0], float),
    "minus infinite": column([1.0, -np.inf, 2.0], float),
    "negative zeros": column([0.0, -0.0, 1.0], float),
    "halves": lambda: plain().assign(odd=_RISING.astype("float16")),
    "half infinite": column([np.inf, 1, 2], "float16"),
    "singles with gaps": column([0.1, np.nan, 0.3], "float32"),
    "long doubles": lambda: plain().assign(odd=_RISING.astype(np.longdouble)),
    "nullable integers": column([1, None, 2**62, 3], "Int64"),
    "nullable unsigned": column([1, None, 2**64 - 1], "UInt64"),
    "nullable floats": column([1.5, None, 2.5, 3.5], "Float64"),
    "nullable, no value": column([None], "Int64"),
    "nullable booleans": column([True, None, False], "boolean"),
    "booleans": column([True, False], bool),
    "booleans with gaps": objects(True, False, None),
    "complex": column([_COMPLEX, 2, 3j], complex),
    "complex objects": objects(_COMPLEX, 2.0, 3),
    "decimals": objects(Decimal("1.10"), Decimal("2.25"), Decimal("3")),
    "no decimals": objects(Decimal("NaN"), Decimal("Infinity"), Decimal(1)),
    "fractions": objects(Fraction(1, 3), Fraction(1, 2), Fraction(2, 3)),
    "integer objects": objects(1, 2, 3),
    "integers and floats": objects(1, 2.5, None),
    "integers and booleans": objects(1, True, 0, False),
    "numpy scalars": objects(np.float32(1.5), np.int8(3), np.float64(2)),
    "numbers as text": objects("1", "2", "10"),
    "scientific text": objects("1e5", "2E-3", "-4"),
    "thousands": objects("1,234", "5,678,901", "12"),
    "underscores": objects("1_000", "2_000", "3_000"),
    "percent": objects("12%", "7 %", "100%"),
    "decimal commas": objects("1,5", "2,5", "3,75"),
    "text of no number": objects("nan", "inf", "-Infinity", "1.0"),
    "numbers and text": objects(1, "two", 3.0),
    "numbers and a word": objects("1", "2", "unknown"),
    "sparse numbers": column([0, 0, 1, 2], pd.SparseDtype("int64", 0)),
    "sparse with gaps": column([np.nan, np.nan, 1.5, 2.5], pd.SparseDtype("float64", np.nan)),
    "sparse booleans": column([False, False, True], pd.SparseDtype("bool", False)),
}

TEXT: dict[str, Frame] = {
    "constant text": objects("web"),
    "no text": objects(None),
    "empty text": objects("", "a", "b"),
    "only blanks": objects(" ", "  ", "\t"),
    "blanks around": objects(" red", "red ", "red"),
    "dollars": objects("$$", "$", "$1"),
    "formulas": objects(r"$\frac{", r"$\alpha$", "x_1^{2"),
    "backslashes": objects("\\", "\\n", "C:\\new"),
    "markup": objects("<script>alert(1)</script>", "<b>&amp;", "[red]bold[/red]", "[/]"),
    "braces and percents": objects("{0}", "{", "%s %d", "%(name)s"),
    "null bytes": objects("a\0b", "\0", "a"),
    "control characters": objects("\x01", "\x1b[31m", "\x7f"),
    "new lines": objects("a\nb", "a\r\nb", "\r"),
    "quotes and commas": objects('"', "a,b", "'", '""'),
    "emojis": objects("😀", "👩‍👩‍👧", "🇨🇭"),
    "right to left": objects("שלום", "مرحبا", "\u202eabc"),
    "composed and decomposed": objects("é", "e\u0301", "e"),
    "half a surrogate": objects("\ud800", "a", "b"),
    "long": objects("a" * 20_000, "b" * 20_000, "c"),
    "upper and lower case": objects("Red", "red", "RED"),
    "500 levels": _many_levels,
    "a name in every row": lambda: plain().assign(odd=[f"customer {row}" for row in range(ROWS)]),
    "words for nothing": objects("NA", "None", "N/A", "null", "nan", ""),
    "words for truth": objects("True", "False", "yes"),
    "numpy text": objects(np.str_("a"), np.str_("b"), np.str_("c")),
    "pandas text": column(["a", None, "b"], "string"),
    "pandas text of pyarrow": column(["a", None, "b"], "string[pyarrow]"),
}

OBJECTS: dict[str, Frame] = {
    "bytes": objects(b"a", b"b", b"\xff"),
    "lists": objects([1], [1, 2], []),
    "lists behind text": lambda: plain().assign(odd=[*"ab" * 29, [1], [2]]),
    "mappings": objects({"a": 1}, {}, {"b": [2]}),
    "tuples": objects((1, 2), (3,), ()),
    "sets": objects({1}, {2}, set()),
    "frozen sets": objects(frozenset({1}), frozenset()),
    "arrays": objects(np.zeros(2), np.ones(3)),
    "frames": objects(pd.DataFrame({"a": [1]})),
    "identifiers": objects(uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)),
    "enumerations": objects(Colour.RED, Colour.BLUE),
    "paths": objects(PurePosixPath("a"), PurePosixPath("b"), PurePosixPath("c")),
    "functions": objects(len, max),
    "bare objects": objects(object(), object()),
    "text and truth": objects("a", True, None),
    "text and bytes": objects("a", b"a"),
    "text and dates": objects("a", date(2020, 1, 1)),
    "numbers and dates": objects(1, date(2020, 1, 1)),
    "text and missing values": objects("a", None, np.nan, pd.NA, pd.NaT),
    "only kinds of missing": objects(None, np.nan, pd.NA, pd.NaT),
}

CATEGORIES: dict[str, Frame] = {
    "unused levels": lambda: plain().assign(odd=pd.Categorical(["a", "b"] * 30, list("abcd"))),
    "ordered levels": lambda: plain().assign(odd=pd.Categorical(["S", "M", "L"] * 20, ["S", "M", "L"], ordered=True)),
    "ordered, one level": lambda: plain().assign(odd=pd.Categorical(["S"] * 60, ["S", "M"], ordered=True)),
    "no level used": lambda: plain().assign(odd=pd.Categorical([None] * 60, ["a", "b"])),
    "levels of numbers": lambda: plain().assign(odd=pd.Categorical([1, 2, 3] * 20)),
    "levels of floats": lambda: plain().assign(odd=pd.Categorical([1.5, np.inf, 3] * 20)),
    "levels of dates": lambda: plain().assign(odd=pd.Categorical(_DAYS[:3].tolist() * 20)),
    "levels of intervals": lambda: plain().assign(odd=_CUT),
    "levels of booleans": lambda: plain().assign(odd=pd.Categorical([True, False] * 30)),
    "levels of tuples": lambda: plain().assign(odd=pd.Categorical(cells([(1, 2), (3, 4)]))),
    "levels of mixed types": lambda: plain().assign(odd=pd.Categorical(cells([1, "a", 2.5]))),
}

TIMES: dict[str, Frame] = {
    "days": lambda: plain().assign(odd=_DAYS),
    "days with gaps": lambda: plain().assign(odd=_DAYS.where(_RISING % 3 > 0)),
    "no day": lambda: plain().assign(odd=pd.Series([pd.NaT] * ROWS)),
    "one day": lambda: plain().assign(odd=pd.Timestamp("2020-01-01")),
    "zones": lambda: plain().assign(odd=pd.date_range("2021-03-27", periods=ROWS, freq="h", tz="Europe/Zurich")),
    "several zones": objects(*(datetime(2020, 1, 1 + day, tzinfo=zone) for day in range(3) for zone in _ZONES)),
    "with and without zone": objects(datetime(2020, 1, 1), datetime(2020, 1, 2, tzinfo=UTC), datetime(2020, 1, 3)),
    "the year 1200": objects(date(1200, 1, 1), date(1200, 6, 1), date(1999, 1, 1)),
    "the year 9999": objects(datetime(9999, 12, 31), datetime(2020, 1, 1), datetime(2021, 1, 1)),
    "the year 1": objects(date.min, date.max, date(2020, 1, 1)),
    "the ends of nanoseconds": column([pd.Timestamp.min, pd.Timestamp.max, pd.Timestamp(0)], "datetime64[ns]"),
    "the year 30000": lambda: plain().assign(odd=np.array(["30000-01-01", "2020", "2021"] * 20, "datetime64[s]")),
    "days and moments": objects(date(2020, 1, 1), datetime(2020, 1, 1, 12), datetime(2020, 1, 2)),
    "times of day": objects(time(12, 30), time(0), time(23, 59, 59)),
    "durations": lambda: plain().assign(odd=pd.to_timedelta(_RISING - 30, unit="h")),
    "the longest durations": column([pd.Timedelta.min, pd.Timedelta.max, pd.Timedelta(0)], "timedelta64[ns]"),
    "duration objects": objects(timedelta(1), timedelta.max, timedelta.min),
    "periods": lambda: plain().assign(odd=_PERIODS),
    "intervals": lambda: plain().assign(odd=pd.interval_range(0, ROWS)),
    "text of days": objects("2020-01-01", "2020-02-29", "2021-12-31"),
    "text of ancient days": objects("1200-01-01", "9999-12-31", "2020-01-01"),
    "text of no day": objects("2020-02-30", "2020-01-01", "2020-01-02"),
    "text of the year 0": objects("0000-01-01", "2020-01-01", "2020-01-02"),
    "text of several formats": objects("2020-01-01", "01/02/2020", "March 3, 2020"),
    "text of several zones": objects("2020-01-01T00:00+02:00", "2020-01-02T00:00-05:00", "2020-01-03T00:00Z"),
    "text of moments beyond nanoseconds": objects("9999-12-31 23:59:59", "1200-01-01 00:00:00", "2020-01-01 00:00:00"),
}

ARROW: dict[str, Frame] = {
    "arrow integers": arrow([1, None, 3], pa.int64()),
    "arrow unsigned": arrow([1, 2**64 - 1, 3], pa.uint64()),
    "arrow floats": arrow([1.5, None, float("inf")], pa.float64()),
    "arrow halves": arrow([np.float16(1.5), np.float16(2), None], pa.float16()),
    "arrow text": arrow(["a", None, "b"], pa.string()),
    "arrow large text": arrow(["a", "b", "c"], pa.large_string()),
    "arrow booleans": arrow([True, None, False], pa.bool_()),
    "arrow days": arrow([date(2020, 1, 1), date(1200, 1, 1), None], pa.date32()),
    "arrow milliseconds of days": arrow([date(2020, 1, 1), date(2020, 1, 2), None], pa.date64()),
    "arrow moments": arrow([datetime(2020, 1, 1), datetime(2020, 1, 2), None], pa.timestamp("us", "Europe/Zurich")),
    "arrow times of day": arrow([time(12), time(0), None], pa.time64("us")),
    "arrow durations": arrow([timedelta(1), timedelta(2), None], pa.duration("s")),
    "arrow decimals": arrow([Decimal("1.10"), Decimal("2.20"), None], pa.decimal128(5, 2)),
    "arrow dictionaries": arrow(["a", "b", None], pa.dictionary(pa.int32(), pa.string())),
    "arrow lists": arrow([[1], [2, 3], None], pa.list_(pa.int64())),
    "arrow structures": arrow([{"a": 1}, {"a": 2}, None], pa.struct({"a": pa.int64()})),
    "arrow nothing": arrow([None], pa.null()),
    "arrow bytes": arrow([b"a", b"b", None], pa.binary()),
}

NAMES: dict[str, Frame] = {
    "called by numbers": called(0, 1, 2),
    "called by floats": called(0.5, 1.0, np.nan),
    "called by a number and its text": called(0, "0"),
    "called by nothing": called(None, "b"),
    "called by tuples": called(("a", 1), ("b", 2)),
    "called by dates": called(pd.Timestamp("2020-01-01"), date(2020, 1, 2)),
    "called by booleans": called(True, False),
    "an empty name": called(""),
    "a name of blanks": called(" ", "  "),
    "equal names": called("a", "a"),
    "names with blanks": called(" amount ", "the count"),
    "names with dots": called("a.b", "a.b.c", "."),
    "names with slashes": called("a/b", "../../etc/passwd", "\\"),
    "names with new lines": called("a\nb", "\n", "\t"),
    "names with dollars": called("$x$", "$$", r"$\frac{"),
    "names with braces": called("{x}", "%s", "[red]"),
    "names of markup": called("<script>", "&lt;", "'\""),
    "names with null bytes": called("a\0b"),
    "names of emojis": called("😀", "שלום"),
    "half a surrogate in a name": called("\ud800"),
    "a long name": called("x" * 5000),
    "names of methods": called("index", "shape", "values"),
    "names of parameters": called("self", "target", "name"),
    "names of several levels": lambda: plain().set_axis(pd.MultiIndex.from_product([["a"], plain().columns]), axis=1),
    "names of categories": lambda: plain().set_axis(pd.CategoricalIndex(plain().columns), axis=1),
    "columns that have a name": lambda: plain().rename_axis(columns="features"),
}

TARGETS: dict[str, Frame] = {
    "classes NA and None": classes("NA", "None"),
    "classes N/A and nan": classes("N/A", "nan"),
    "classes True and 1.0": classes("True", "1.0"),
    "classes as text of truth": classes("True", "False"),
    "classes of truth": classes(True, False, bool),
    "classes of nullable truth": classes(True, False, "boolean"),
    "classes of arrow": lambda: plain().astype({TARGET: pd.ArrowDtype(pa.string())}),
    "classes of pandas text": classes("a", "b", "string"),
    "classes of nullable integers": classes(1, 2, "Int64"),
    "classes 1 and 1.0": target([1, 1, 1.5]),
    "classes 1.0 and 0.0": classes(0.0, 1.0, float),
    "classes below zero": classes(-1, 1, int),
    "classes of large integers": classes(2**62, 2**62 + 1, int),
    "classes of unsigned": classes(2**64 - 1, 0, "uint64"),
    "classes of tiny integers": classes(0, 1, "int8"),
    "categories as classes": lambda: plain().astype({TARGET: pd.CategoricalDtype(["no", "never", "yes"])}),
    "ordered categories as classes": lambda: plain().astype({TARGET: pd.CategoricalDtype(["yes", "no"], ordered=True)}),
    "categories of numbers as classes": classes(5, 3, "category"),
    "an empty class": classes("", "yes"),
    "classes that differ by a blank": classes("yes", "yes "),
    "classes that differ by case": classes("yes", "Yes"),
    "classes with slashes": classes("a/b", "../.."),
    "classes with dollars": classes("$$", r"$\frac{"),
    "classes with new lines": classes("a\nb", "\r"),
    "classes with commas": classes("a,b", '"'),
    "classes of emojis": classes("😀", "שלום"),
    "classes of markup": classes("<b>", "[/red]"),
    "classes with null bytes": classes("a\0", "a"),
    "classes with half a surrogate": classes("\ud800", "a"),
    "long classes": classes("x" * 20_000, "y" * 20_000),
    "classes of dates": classes(date(2020, 1, 1), date(2021, 1, 1)),
    "classes of moments": classes(pd.Timestamp("2020"), pd.Timestamp("2021"), "datetime64[ns]"),
    "classes of periods": classes(pd.Period("2020-01"), pd.Period("2020-02")),
    "classes of intervals": lambda: plain().assign(**{TARGET: _CUT}),
    "classes of decimals": classes(Decimal(1), Decimal(2)),
    "classes of bytes": classes(b"a", b"b"),
    "complex classes": classes(_COMPLEX, 2j, complex),
    "tuples as classes": classes((1, 2), (3, 4)),
    "lists as classes": classes([1], [2]),
    "one class": target(["no"]),
    "three classes, one rare": lambda: plain().assign(**{TARGET: ["a", "b"] * 28 + ["c"] * 4}),
    "30 classes": lambda: plain(300).assign(**{TARGET: [f"class {row % 30}" for row in range(300)]}),
    "a class in every row": lambda: plain().assign(**{TARGET: [f"class {row}" for row in range(ROWS)]}),
    "a measurement": lambda: plain().assign(**{TARGET: np.random.default_rng(1).normal(size=ROWS)}),
    "whole numbers of many values": lambda: plain().assign(**{TARGET: _RISING}),
    "an infinite class": classes(0.0, np.inf, float),
    "gaps among classes": target(["no", "no", "yes", None]),
    "gaps among numbers": target([0, 0, 1, np.nan], float),
    "no class at all": target([None]),
    "classes of mixed types": target([0, 0, 0, "1"]),
    "classes of text and truth": target(["no", "no", True]),
}

SHAPES: dict[str, Frame] = {
    "one row": changed(lambda frame: frame.head(1)),
    "two rows": changed(lambda frame: frame.iloc[[0, 3]]),
    "one rare row": rare_rows(1),
    "two rare rows": rare_rows(2),
    "three rare rows": rare_rows(3),
    "five rare rows": rare_rows(5),
    "equally many": changed(lambda frame: frame.assign(**{TARGET: ["no", "yes"] * 30})),
    "no rows": changed(lambda frame: frame.head(0)),
    "no columns": lambda: pd.DataFrame(index=range(ROWS)),
    "nothing": pd.DataFrame,
    "no features": changed(lambda frame: frame[[TARGET]]),
    "only constants": changed(lambda frame: frame[[TARGET]].assign(a=1, b="web")),
    "only gaps": changed(lambda frame: frame[[TARGET]].assign(a=np.nan)),
    "one feature": changed(lambda frame: frame[["amount", TARGET]]),
    "one category": changed(lambda frame: frame[["colour", TARGET]]),
    "every row twice": changed(lambda frame: pd.concat([frame, frame])),
    "one row many times": changed(lambda frame: frame.assign(amount=1.0, count=2, colour="red")),
    "equal features of both classes": changed(
        lambda frame: pd.concat(
            [frame, frame.assign(**{TARGET: ["yes" if x == "no" else "no" for x in frame[TARGET]]})]
        )
    ),
    "a feature that is the class": changed(lambda frame: frame.assign(odd=frame[TARGET])),
    "a gap in every row": changed(
        lambda frame: frame.assign(odd=np.nan, colour=frame["colour"].where(_RISING % 2 > 0))
    ),
    "the rare class has gaps only": changed(
        lambda frame: frame.assign(amount=frame["amount"].where(frame[TARGET] == "no"))
    ),
    "the rare class is constant": changed(
        lambda frame: frame.where(
            frame[TARGET] == "no", pd.Series([0.0, 1, "red", "yes"], frame.columns), axis=1
        ).astype(frame.dtypes)
    ),
    "3,000 columns": _wide,
    "more columns than rows": partial(_wide, 200, 30),
}

INDICES: dict[str, Frame] = {
    "an index of text": indexed([f"row {row}" for row in range(ROWS)]),
    "an index of equal values": indexed([0] * ROWS),
    "an index of dates": indexed(_DAYS),
    "an index of two levels": indexed(pd.MultiIndex.from_product([range(6), range(10)])),
    "an index called as a column": changed(lambda frame: frame.rename_axis(index="amount")),
    "an index backwards": changed(lambda frame: frame.iloc[::-1]),
    "an index with gaps": indexed([None, *range(1, ROWS)]),
}

FRAMES: dict[str, Frame] = {
    "ordinary": plain,
    **NUMBERS,
    **TEXT,
    **OBJECTS,
    **CATEGORIES,
    **TIMES,
    **ARROW,
    **NAMES,
    **TARGETS,
    **SHAPES,
    **INDICES,
}
"""Tables with the target ``label``, if there is one."""


# -- files ----------------------------------------------------------------------------------------------------------


def _csv(**options: Any) -> bytes:
    return plain().to_csv(index=False, **options).encode()


def _archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, _csv())
    return file.getvalue()


def _parquet(table: pa.Table | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(plain()) if table is None else table, file, **options)
    return file.getvalue()


def _with(values: Sequence[Any], arrow_type: pa.DataType, name: str = "odd") -> bytes:
    table = pa.Table.from_pandas(plain(), preserve_index=False)
    more = pa.array([values[row % len(values)] for row in range(ROWS)], arrow_type)
    return _parquet(table.append_column(name, more))


def _empty_groups() -> bytes:
    table = pa.Table.from_pandas(plain(), preserve_index=False)
    file = io.BytesIO()
    with pq.ParquetWriter(file, table.schema) as writer:
        for part in (table[:0], table, table[:0]):
            writer.write_table(part)
    return file.getvalue()


def _arrays(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


_LINES = plain().to_csv(index=False).splitlines()


def _lines(*more: str, header: str = _LINES[0], end: str = "\n") -> bytes:
    return end.join([header, *_LINES[1:], *more, ""]).encode()


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a mark of the byte order": ("t.csv", lambda: b"\xef\xbb\xbf" + _csv()),
    "UTF-16": ("t.csv", lambda: _csv().decode().encode("utf-16")),
    "Latin-1": ("t.csv", lambda: _csv().replace(b"red", b"r\xe9d")),
    "CRLF": ("t.csv", lambda: _csv(lineterminator="\r\n")),
    "CR only": ("t.csv", lambda: _csv(lineterminator="\r")),
    "no last new line": ("t.csv", lambda: _csv().rstrip()),
    "a short row": ("t.csv", lambda: _lines("1.5,2,red")),
    "a short row in the middle": ("t.csv", lambda: _csv().replace(b",blue,no\n", b",blue\n", 1)),
    "a long row": ("t.csv", lambda: _lines("1.5,2,red,no,more")),
    "all rows long": ("t.csv", lambda: "\n".join([_LINES[0], *(f"{line}," for line in _LINES[1:])]).encode()),
    "empty lines": ("t.csv", lambda: _lines("", "", "1.5,2,red,no", "")),
    "lines of blanks": ("t.csv", lambda: _lines("   ", "1.5,2,red,no")),
    "lines of commas": ("t.csv", lambda: _lines(",,,", ",,,")),
    "comments": ("t.csv", lambda: b"# made today\n" + _csv()),
    "new lines in quotes": ("t.csv", lambda: _lines('1.5,2,"re\nd",no')),
    "a quote that never ends": ("t.csv", lambda: _lines('1.5,2,"red,no')),
    "no header": ("t.csv", lambda: "\n".join(_LINES[1:]).encode()),
    "equal headers": ("t.csv", lambda: _lines(header="amount,amount,colour,label")),
    "an empty header": ("t.csv", lambda: _lines(header=",count,colour,label")),
    "blanks in the header": ("t.csv", lambda: _lines(header="amount, count, colour, label")),
    "a quoted header": ("t.csv", lambda: _lines(header='"amount","the ""count""","a\nb",label')),
    "an empty file": ("t.csv", lambda: b""),
    "blank lines only": ("t.csv", lambda: b"\n\n \n"),
    "a header only": ("t.csv", lambda: b"a,b,label\n"),
    "a header without a line": ("t.csv", lambda: b"a,b,label"),
    "one column": ("t.csv", lambda: b"label\nno\nyes\n" * 10),
    "tabs": ("t.tsv", lambda: _csv(sep="\t")),
    "semicolons": ("t.csv", lambda: _csv(sep=";", decimal=",")),
    "numbers with commas": ("t.csv", lambda: _csv(decimal=",")),
    "null bytes in the middle": ("t.csv", lambda: _lines("1.5,2,r\0ed,no")),
    "a long line": ("t.csv", lambda: _lines(f"1.5,2,{'x' * 200_000},no")),
    "words for gaps": ("t.csv", lambda: _csv().replace(b"green", b"NA").replace(b"blue", b"null")),
    "integers beyond any type": ("t.csv", lambda: _lines(f"1.5,{'9' * 400},red,no")),
    "infinity in words": ("t.csv", lambda: _lines("inf,2,red,no", "-Infinity,3,red,no")),
    "HTML": ("t.csv", lambda: plain().to_html().encode()),
    "JSON": ("t.json", lambda: plain().to_json().encode()),
    "a picture": ("t.csv", lambda: b"\x89PNG\r\n\x1a\n\x00\xff\xfe" * 9),
    "a workbook": ("t.xlsx", lambda: _archive("xl/workbook.xml")),
    "gzip": ("t.csv.gz", lambda: gzip.compress(_csv(), mtime=0)),
    "gzip cut off": ("t.csv.gz", lambda: gzip.compress(_csv(), mtime=0)[:200]),
    "gzip that is none": ("t.csv.gz", _csv),
    "gzip without its ending": ("t.csv", lambda: gzip.compress(_csv(), mtime=0)),
    "bzip2": ("t.csv.bz2", lambda: bz2.compress(_csv())),
    "xz": ("t.csv.xz", lambda: lzma.compress(_csv())),
    "xz cut off": ("t.csv.xz", lambda: lzma.compress(_csv())[:99]),
    "zip": ("t.csv.zip", lambda: _archive("t.csv")),
    "zip of two": ("t.zip", lambda: _archive("a.csv", "b.csv")),
    "zip of none": ("t.zip", _archive),
    "zip that is none": ("t.zip", _csv),
    "tar that is none": ("t.tar", _csv),
    "zstandard that is none": ("t.csv.zst", _csv),
    "arrays": ("t.npz", lambda: _arrays(data=np.zeros((3, 2)))),
    "Parquet": ("t.parquet", _parquet),
    "Parquet called CSV": ("t.csv", _parquet),
    "CSV called Parquet": ("t.parquet", _csv),
    "Parquet in capitals": ("t.PARQUET", _parquet),
    "Parquet cut off": ("t.parquet", lambda: _parquet()[:-20]),
    "Parquet of nothing": ("t.parquet", lambda: _parquet(pa.table({}))),
    "Parquet without rows": ("t.parquet", lambda: _parquet(pa.Table.from_pandas(plain().head(0)))),
    "Parquet with empty groups": ("t.parquet", _empty_groups),
    "Parquet with an index": ("t.parquet", lambda: plain().set_index("amount").to_parquet()),
    "Parquet with equal names": ("t.parquet", lambda: _with([1.5, 2.5], pa.float64(), "amount")),
    "Parquet of lists": ("t.parquet", lambda: _with([[1], [], None], pa.list_(pa.int64()))),
    "Parquet of lists as classes": (
        "t.parquet",
        lambda: _parquet(pa.table({"a": list(range(ROWS)), TARGET: [[row % 2] for row in range(ROWS)]})),
    ),
    "Parquet of structures": ("t.parquet", lambda: _with([{"a": 1}, None], pa.struct({"a": pa.int64()}))),
    "Parquet of maps": ("t.parquet", lambda: _with([[("a", 1)], []], pa.map_(pa.string(), pa.int64()))),
    "Parquet of unsigned": ("t.parquet", lambda: _with([0, 2**64 - 1, 5], pa.uint64())),
    "Parquet of dictionaries": (
        "t.parquet",
        lambda: _with(["a", "b", None], pa.dictionary(pa.int8(), pa.string())),
    ),
    "Parquet of times": ("t.parquet", lambda: _with([time(1), time(2), None], pa.time32("s"))),
    "Parquet of durations": ("t.parquet", lambda: _with([timedelta(1), timedelta(2), None], pa.duration("us"))),
    "Parquet of days": ("t.parquet", lambda: _with([date(1200, 1, 1), date(9999, 1, 1), None], pa.date32())),
    "Parquet of nanoseconds": ("t.parquet", lambda: _with([1, 2, 3], pa.timestamp("ns", "UTC"))),
    "Parquet of decimals": ("t.parquet", lambda: _with([Decimal("1.5"), Decimal(2), None], pa.decimal128(20, 3))),
    "Parquet of halves": ("t.parquet", lambda: _with([np.float16(1), np.float16(2), None], pa.float16())),
    "Parquet of bytes": ("t.parquet", lambda: _with([b"a", b"\xff", None], pa.binary())),
    "Parquet of nothing but gaps": ("t.parquet", lambda: _with([None], pa.null())),
}
"""Names of files, and their content."""


# -- arrays ---------------------------------------------------------------------------------------------------------

_X = np.random.default_rng(0).normal(size=(ROWS, 3))
_Y = np.where(_RISING % 4 == 3, 1, 0)

ARRAYS: dict[str, tuple[Any, Any]] = {
    "structured": (np.zeros(ROWS, dtype=[("a", "f8"), ("b", "i4")]), _Y),
    "records": (plain()[["amount", "count"]].to_records(index=False), _Y),
    "one axis": (_X[:, 0], _Y),
    "three axes": (_X[:, :, None], _Y),
    "no axis": (np.float64(3), _Y),
    "no rows": (_X[:0], _Y[:0]),
    "no columns": (_X[:, :0], _Y),
    "fewer labels": (_X, _Y[:-1]),
    "more labels": (_X, np.append(_Y, 0)),
    "no rows, no labels": ([], []),
    "nothing": (None, None),
    "no labels": (_X, None),
    "a word": ("rows.csv", _Y),
    "a mapping": ({"a": [1, 2]}, _Y),
    "a generator": ((row for row in _X), _Y),
    "a range": (range(ROWS), _Y),
    "lists": (_X.tolist(), _Y.tolist()),
    "ragged lists": ([[1, 2], [3]] * 30, _Y),
    "lists of text": ([["a", 1.5], ["b", None]] * 30, _Y.tolist()),
    "lists of lists": ([[[1], [2]], [[3], [4]]] * 30, _Y),
    "a Series": (pd.Series(_X[:, 0]), _Y),
    "an Index": (pd.Index(_X[:, 0]), _Y),
    "integers": ((_X * 100).astype(int), _Y),
    "booleans": (_X > 0, _Y),
    "halves": (_X.astype("float16"), _Y),
    "long doubles": (_X.astype(np.longdouble), _Y),
    "complex": (_X + 1j, _Y),
    "large": (_X * 1e300, _Y),
    "infinite": (np.where(_X > 1, np.inf, _X), _Y),
    "gaps": (np.where(_X > 1, np.nan, _X), _Y),
    "nothing but gaps": (np.full((ROWS, 2), np.nan), _Y),
    "constants": (np.ones((ROWS, 2)), _Y),
    "objects": (np.array([["a", 1], ["b", 2]] * 30, dtype=object), _Y),
    "text": (np.array([["a", "x"], ["b", "y"]] * 30), _Y),
    "bytes": (np.array([[b"a", b"x"], [b"b", b"y"]] * 30), _Y),
    "dates": (np.array([["2020-01-01"], ["2021-01-01"], ["2022-01-01"]] * 20, dtype="datetime64[D]"), _Y),
    "masked": (np.ma.masked_greater(_X, 1), _Y),
    "a matrix": (np.asmatrix(_X) if hasattr(np, "asmatrix") else _X, _Y),
    "sparse": (sparse.csr_matrix(_X * (_X > 0)), _Y),
    "sparse array": (sparse.coo_array(_X * (_X > 0)), _Y),
    "sparse, empty": (sparse.csr_matrix((ROWS, 3)), _Y),
    "read-only": (np.broadcast_to(_X[:1], _X.shape), _Y),
    "labels of truth": (_X, _Y == 1),
    "labels of text": (_X, np.array(["no", "yes"])[_Y]),
    "labels of objects": (_X, np.array(["no", "yes"], dtype=object)[_Y]),
    "labels of bytes": (_X, np.array([b"no", b"yes"])[_Y]),
    "labels of floats": (_X, _Y.astype(float)),
    "labels of fractions": (_X, _Y + 0.5),
    "labels of many values": (_X, _X[:, 0]),
    "labels with gaps": (_X, np.where(_RISING == 5, np.nan, _Y)),
    "labels with None": (_X, [None, *_Y[1:].tolist()]),
    "infinite labels": (_X, np.where(_Y, np.inf, 0)),
    "complex labels": (_X, _Y + 1j),
    "labels of dates": (_X, pd.to_datetime(_Y, unit="D")),
    "labels of lists": (_X, [[label] for label in _Y.tolist()]),
    "labels one-hot": (_X, np.eye(2)[_Y]),
    "labels of several columns": (_X, np.stack([_Y, 1 - _Y, _Y], axis=1)),
    "labels as a column": (_X, _Y[:, None]),
    "a frame of labels": (plain().drop(columns=TARGET), plain()[[TARGET]]),
    "a frame of two labels": (plain().drop(columns=TARGET), plain()[[TARGET, "colour"]]),
    "labels of another index": (plain().drop(columns=TARGET), plain()[TARGET].sample(frac=1, random_state=0)),
    "labels called as a column": (plain().drop(columns=TARGET), plain()[TARGET].rename("amount")),
    "labels called by a number": (plain().drop(columns=TARGET), plain()[TARGET].rename(0)),
    "labels called by a tuple": (plain().drop(columns=TARGET), plain()[TARGET].rename(("a", 1))),
    "sparse labels": (_X, sparse.csr_matrix(_Y[:, None])),
    "one label": (_X, 0),
    "labels of one class": (_X, np.zeros(ROWS, dtype=int)),
}
"""X and y as programs hand them over."""


# -- drawn at random ------------------------------------------------------------------------------------------------

_VALUES: tuple[st.SearchStrategy[Any], ...] = (
    st.floats(),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    st.integers(-9, 9),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from(["red", "blue"]),
    st.sampled_from(["1", "2.5", "nan", "", "NA"]),
    st.dates().map(str),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.complex_numbers(),
    st.binary(max_size=3),
    st.tuples(st.integers()),
    st.lists(st.integers(), max_size=2),
    st.none(),
)


@st.composite
def odd_columns(draw: st.DrawFn, rows: int) -> pd.Series:
    """Draw a column of one kind of values, seldom of two, with gaps or without, in pandas' form or as objects."""
    kinds = draw(st.lists(st.sampled_from(_VALUES), min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 2]))))
    gaps = [st.sampled_from([None, np.nan, pd.NA, pd.NaT])] if draw(st.booleans()) else []
    pool = draw(st.lists(st.one_of(*kinds, *gaps), min_size=1, max_size=draw(st.sampled_from([1, 2, rows]))))
    values = cells(pool).head(rows)
    if draw(st.booleans()):
        values = values.infer_objects()
    return values


@st.composite
def odd_frames(draw: st.DrawFn) -> pd.DataFrame:
    """Draw a table of 3 to 20 rows and up to 4 columns, whatever they are called."""
    rows = draw(st.integers(3, 20))
    columns = draw(st.lists(odd_columns(rows), min_size=1, max_size=4))
    names = draw(st.lists(st.one_of(st.text(max_size=4), st.integers(0, 3)), min_size=4, max_size=4))
    return pd.concat(columns, axis=1).set_axis(pd.Index(names[: len(columns)], dtype=object), axis=1)
