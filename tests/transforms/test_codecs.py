from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.transforms import TabularTransformer
from gan_imbalance.transforms.column_types import infer_column_types
from gan_imbalance.types import InputError

DAYS = pd.Series(pd.date_range("2020-01-01", periods=50, freq="9D"))
CLOCK = DAYS + pd.to_timedelta(np.arange(50) * 97, unit="min")
COLUMNS = {
    "day": DAYS,
    "seconds": DAYS.astype("datetime64[s]"),
    "zone": DAYS.dt.tz_localize("America/Sao_Paulo"),
    "arrow": DAYS.astype("timestamp[us][pyarrow]"),
    "arrow_date": DAYS.dt.date.astype("date32[day][pyarrow]"),
    "date": DAYS.dt.date,
    "iso": DAYS.dt.strftime("%Y-%m-%d"),
    "day_first": DAYS.dt.strftime("%d/%m/%Y"),
    "month": DAYS.dt.strftime("%b-%Y"),
    "moment": CLOCK.dt.strftime("%Y-%m-%dT%H:%M:%S"),
    "time": CLOCK.dt.strftime("%H:%M"),
    "utc": CLOCK.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "offset": CLOCK.dt.strftime("%Y-%m-%d %H:%M:%S+02:00"),
    # beyond what nanoseconds reach
    "ages": DAYS.dt.strftime("15%y-%m-%d"),
    "for_ever": DAYS.dt.strftime("%Y-%m-%d").where(DAYS.index < 49, "9999-12-31"),
    "date_for_ever": DAYS.dt.date.where(DAYS.index < 49, datetime.date(9999, 12, 31)),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("numeric", ["quantile", "modes"])
@pytest.mark.parametrize("missing", [False, True])
def test_dates_come_back_as_they_were(name: str, numeric: Any, missing: bool) -> None:
    column = COLUMNS[name].mask(np.arange(50) % 6 == 1) if missing else COLUMNS[name]
    frame = pd.DataFrame({name: column, "x": np.arange(50.0)})
    assert infer_column_types(frame, (), ())[name] == "date"
    transformer = TabularTransformer(numeric).fit(frame)
    pd.testing.assert_frame_equal(transformer.inverse_transform(transformer.transform(frame)), frame, atol=1e-3)
    noise = np.random.default_rng(0).normal(scale=3, size=(300, transformer.width))
    made = transformer.inverse_transform(noise)[name]
    assert made.dtype == column.dtype
    assert made.nunique() > 5
    if name in ("day", "zone", "seconds"):
        assert made.dropna().between(column.min(), column.max()).all()
        assert (made.dropna() == made.dropna().dt.normalize()).all()


@pytest.mark.parametrize(
    "values", [["10-20", "20-30", "30-40"], ["May", "June", "July"], ["1990", "1991", "1992"], ["A1", "B2", "C3"]]
)
def test_other_text_is_no_date(values: list[str]) -> None:
    assert infer_column_types(pd.DataFrame({"c": values}), (), ())["c"] == "categorical"


def test_dates_may_be_named_and_may_be_refused() -> None:
    frame = pd.DataFrame({"two": ["2024-01-01", "2024-01-05", "2024-01-01"], "x": [1.0, 2.0, 4.0]})
    assert infer_column_types(frame, (), ())["two"] == "categorical"
    assert infer_column_types(frame, (), (), dates=["two"])["two"] == "date"
    with pytest.raises(InputError, match="'two' is named both categorical and date"):
        infer_column_types(frame, (), ["two"], dates=["two"])
    with pytest.raises(InputError, match="'two' should hold dates or times in one format"):
        infer_column_types(frame.assign(two=["2024-01-01", "5.1.2024", "soon"]), (), (), dates=["two"])
    transformer = TabularTransformer(date_columns=["two"]).fit(frame)
    with pytest.raises(InputError, match=r"'two' should hold .* written as %Y-%m-%d, but holds '1\.2\.2024'"):
        transformer.transform(frame.assign(two="1.2.2024"))


def test_python_dates_keep_their_type() -> None:
    frame = pd.DataFrame({"date": COLUMNS["date"], "x": np.arange(50.0)})
    transformer = TabularTransformer().fit(frame)
    back = transformer.inverse_transform(transformer.transform(frame))["date"]
    assert {type(value) for value in back} == {datetime.date}


def test_named_levels_keep_their_order() -> None:
    sizes = np.random.default_rng(0).choice(["S", "M", "L", "XL"], 60)
    frame = pd.DataFrame({"size": sizes, "x": np.arange(60.0)})
    transformer = TabularTransformer("minmax", ordinal_columns={"size": ["S", "M", "L", "XL"]}, point_masses=False).fit(
        frame
    )
    np.testing.assert_allclose(
        transformer.transform(frame)[:, 0], frame["size"].map({"S": -1, "M": -1 / 3, "L": 1 / 3, "XL": 1}), atol=1e-6
    )
    pd.testing.assert_frame_equal(transformer.inverse_transform(transformer.transform(frame)), frame)
    with pytest.raises(InputError, match="'size' holds the unknown category 'XL'"):
        TabularTransformer(ordinal_columns={"size": ["S", "M", "L"]}).fit(frame)
