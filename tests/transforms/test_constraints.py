from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_imbalance import GANOverSampler
from gan_imbalance.data import TabularDataModule
from gan_imbalance.main import main
from gan_imbalance.transforms import (
    AtMostOne,
    Constraint,
    ExactlyOne,
    FixedCombinations,
    LessOrEqual,
    TabularTransformer,
    ValueRange,
)
from gan_imbalance.types import InputError

ROWS = 40
START = pd.Timestamp("2024-02-25")


def arbitrary(transformer: TabularTransformer, seed: int, rows: int = 200) -> pd.DataFrame:
    """Return what comes of features that any generator might make, in all sizes."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, transformer.width)) * np.exp(random.normal(scale=3, size=(rows, 1)))
    return transformer.inverse_transform(features)


def restored(transformer: TabularTransformer) -> TabularTransformer:
    file = io.BytesIO()
    torch.save(transformer.state_dict(), file)
    file.seek(0)
    return TabularTransformer.from_state_dict(torch.load(file, weights_only=True))


def numbers(scale: float, decimals: int | None, dtype: str) -> st.SearchStrategy[Any]:
    """Return columns of numbers at least 0, to be one more than another."""
    rounded = st.floats(0, scale, width=32).map(lambda x: x if decimals is None else round(x, decimals))
    return st.lists(rounded, min_size=ROWS, max_size=ROWS).map(lambda values: pd.Series(values, dtype=dtype))


@st.composite
def ordered_pairs(draw: st.DrawFn) -> pd.DataFrame:
    """Return columns low <= high of any two kinds, with missing values in either."""
    kind = draw(st.sampled_from(["float", "float32", "cents", "int", "nullable", "mixed", "days", "hours", "text"]))
    if kind in ("days", "hours", "text"):
        unit, other = {"days": ("D", "D"), "hours": ("h", "D"), "text": ("D", "D")}[kind]
        counts = st.lists(st.integers(0, 900), min_size=ROWS, max_size=ROWS)
        low = START + pd.to_timedelta(pd.Series(draw(counts)), unit=unit)
        high = (low + pd.to_timedelta(pd.Series(draw(counts)), unit=other)).dt.ceil(other)
        if kind == "text":
            low, high = low.dt.strftime("%d.%m.%Y"), high.dt.strftime("%Y-%m-%d")
    else:
        decimals = {"float": None, "float32": None, "cents": 2}.get(kind, 0)
        low = draw(numbers(100, 2 if kind == "mixed" else decimals, "float64"))
        high = low + draw(numbers(1000, decimals, "float64"))
        high = np.ceil(high) if kind == "mixed" else high.round(2) if kind == "cents" else high
        dtype = {"float32": "float32", "int": "int64", "nullable": "Int64", "mixed": "int32"}.get(kind, "float64")
        low = low.astype("float64" if kind in ("mixed", "float32") else dtype)
        high = high.astype(dtype)
        high = high.mask(high < low, np.nextafter(high, np.float32(np.inf))) if kind == "float32" else high
    frame = pd.DataFrame({"x": np.arange(ROWS), "high": high, "low": low})
    if kind not in ("int", "mixed"):
        for name in ("low", "high"):
            lost = draw(st.sets(st.integers(0, ROWS - 1), max_size=5))
            frame.loc[list(lost), name] = pd.NaT if kind in ("days", "hours") else np.nan
    return frame


def to_compare(column: pd.Series[Any]) -> Any:
    if column.dtype != object:
        return column.astype("float64") if pd.api.types.is_numeric_dtype(column) else column
    text = column.dropna()
    return pd.to_datetime(column, format="%d.%m.%Y" if text.str.contains(".", regex=False).all() else "%Y-%m-%d")


@settings(max_examples=40, deadline=None)
@given(frame=ordered_pairs(), numeric=st.sampled_from(["quantile", "minmax", "modes"]), seed=st.integers(0, 99))
def test_one_column_is_at_most_the_other(frame: pd.DataFrame, numeric: Any, seed: int) -> None:
    options: Any = {"constraints": [LessOrEqual("low", "high")], "numeric_columns": ["x"]}
    try:
        transformer = TabularTransformer(numeric, **options).fit(frame)
    except InputError as error:  # too few dates are left to know them from text
        assert "no numbers or dates" in str(error)  # noqa: PT017
        return
    back = transformer.inverse_transform(transformer.transform(frame))
    made = arbitrary(restored(transformer), seed)
    for name in ("low", "high"):
        known, kept, drawn = (to_compare(rows[name]) for rows in (frame, back, made))
        assert back[name].dtype == made[name].dtype == frame[name].dtype
        pd.testing.assert_series_equal(kept.isna(), known.isna(), check_names=False)
        close = (kept - known).abs().max()
        assert pd.isna(close) or close <= (pd.Timedelta(0) if isinstance(close, pd.Timedelta) else 0.1)
        assert drawn.dropna().between(known.min(), known.max()).all()
        assert not (drawn.isna().any() and known.notna().all())
    for rows in (back, made):
        assert list(rows) == list(frame)
        assert not (to_compare(rows["high"]) < to_compare(rows["low"])).any()


def test_a_chain_of_columns_keeps_its_order() -> None:
    random = np.random.default_rng(0)
    parts = random.exponential(10, (200, 3)).round(1)
    frame = pd.DataFrame(parts.cumsum(axis=1).round(1), columns=["a", "b", "c"])[["c", "a", "b"]]
    frame.loc[::9, "b"] = np.nan
    stated: list[Constraint] = [LessOrEqual("b", "c"), LessOrEqual("a", "b")]
    made = arbitrary(TabularTransformer(constraints=stated).fit(frame), 1, rows=5000)
    assert list(made) == ["c", "a", "b"]
    assert not (made["a"] > made["b"]).any()
    assert not (made["b"] > made["c"]).any()
    assert made["b"].isna().any()


def test_the_larger_column_is_raised_to_its_own_grid() -> None:
    frame = pd.DataFrame({"price": [0.5, 1.25, 3.75, 2.5], "budget": [1, 2, 4, 5]})
    transformer = TabularTransformer("minmax", constraints=[LessOrEqual("price", "budget")]).fit(frame)
    made = transformer.inverse_transform(np.array([[1.0, -1.0], [0.9, -1.0]]))
    assert made["price"].tolist() == [3.75, 3.59]
    assert made["budget"].tolist() == [4, 4]


@settings(max_examples=30, deadline=None)
@given(
    flags=st.lists(st.integers(0, 3), min_size=20, max_size=20).filter(lambda values: len(set(values)) > 1),
    dtype=st.sampled_from(["int8", "bool", "float32", "boolean", "Int64"]),
    seed=st.integers(0, 99),
)
def test_at_most_one_of_several_is_set(flags: list[int], dtype: str, seed: int) -> None:
    chosen = np.array(flags)
    frame = pd.DataFrame({f"is_{i}": pd.Series(chosen == i).astype(dtype) for i in range(3)}).assign(x=range(20))
    constraint = AtMostOne(["is_0", "is_1", "is_2"])
    transformer = TabularTransformer(constraints=[constraint]).fit(frame)
    pd.testing.assert_frame_equal(transformer.inverse_transform(transformer.transform(frame)), frame)
    made = arbitrary(restored(transformer), seed)
    assert made.dtypes.to_dict() == frame.dtypes.to_dict()
    counts = made[["is_0", "is_1", "is_2"]].astype(int).sum(axis=1)
    assert set(counts) <= {0, 1}
    if not (chosen == 3).any():
        exact = TabularTransformer(constraints=[ExactlyOne(constraint.columns)]).fit(frame)
        assert set(arbitrary(exact, seed)[constraint.columns].astype(int).sum(axis=1)) == {1}


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["de", "fr", np.nan]), st.sampled_from([1, 2, 3])), min_size=5, max_size=30
    ),
    seed=st.integers(0, 99),
)
def test_only_known_combinations_come_back(rows: list[tuple[Any, int]], seed: int) -> None:
    frame = pd.DataFrame(rows, columns=["country", "city"]).assign(x=np.arange(len(rows)) ** 2)
    frame["kind"] = pd.Categorical(frame["city"].astype(str), ["1", "2", "3", "4"])
    constraint = FixedCombinations(["country", "city", "kind"])
    transformer = TabularTransformer(numeric_columns=["x"], constraints=[constraint]).fit(frame)
    pd.testing.assert_frame_equal(transformer.inverse_transform(transformer.transform(frame)), frame)
    made = arbitrary(restored(transformer), seed)
    assert made.dtypes.to_dict() == frame.dtypes.to_dict()
    known = set(frame[constraint.columns].astype(str).itertuples(index=False, name=None))
    assert set(made[constraint.columns].astype(str).itertuples(index=False, name=None)) <= known


def test_combinations_of_other_rows() -> None:
    frame = pd.DataFrame({"a": ["x", "y", "y"], "b": [1, 2, 3], "c": [0.1, 0.2, 0.4]})
    transformer = TabularTransformer(constraints=[FixedCombinations(["a", "b"])]).fit(frame)
    other = pd.DataFrame({"a": ["x", "x", "z"], "b": [1, 2, 9], "c": 0.2}, index=[7, 8, 9])
    features = transformer.transform(other, unknown="ignore")
    np.testing.assert_array_equal(features[:, :3], [[1, 0, 0], [0, 0, 0], [0, 0, 0]])
    with pytest.raises(
        InputError, match=r"Row 8 breaks the constraint FixedCombinations.*'a' holds 'x', column 'b' holds 2"
    ):
        transformer.transform(other.iloc[:2])


def test_values_stay_in_a_stated_range() -> None:
    frame = pd.DataFrame({"age": [18, 30, 99, 40], "born": pd.to_datetime(["2001", "1990", "1921", "1980"])})
    stated: list[Constraint] = [ValueRange("age", 18), ValueRange("born", minimum="1920-01-01", maximum="2001-01-01")]
    made = arbitrary(TabularTransformer(constraints=stated).fit(frame), 0)
    assert made["age"].between(18, 99).all()
    assert made["born"].between("1920", "2001").all()


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        (ValueRange("a", maximum=4), r"Row 12 \(and 0 more\) breaks .*ValueRange.*maximum=4\): column 'a' holds 5"),
        (ValueRange("a", minimum="x"), "bound 'x', which is no number"),
        (ValueRange("text", 1), "'text', which holds no numbers or dates"),
        (ValueRange("aa", 1), "no column 'aa'.*ValueRange"),
        (LessOrEqual("b", "a"), r"Row 10 \(and 1 more\) breaks.*column 'b' holds 2, column 'a' holds 1"),
        (LessOrEqual("a", "text"), "'text', which holds no numbers or dates"),
        (LessOrEqual("a", "day"), "compares columns of different types"),
        (AtMostOne(["a", "b"]), "Row 10 .*breaks the constraint AtMostOne"),
        (ExactlyOne(["a", "none"]), "Row 13 .*breaks the constraint ExactlyOne"),
        (FixedCombinations(["a", "day"]), "'day' holds values such as Timestamp"),
    ],
)
def test_rows_and_columns_that_do_not_fit_are_named(constraint: Constraint, message: str) -> None:
    frame = pd.DataFrame({"a": [1, 3, 5, 0], "b": [2, 3, 6, 0], "none": 0, "text": list("xyyx")}, index=range(10, 14))
    frame["day"] = pd.date_range("2024", periods=4)
    with pytest.raises(InputError, match=message):
        TabularTransformer(numeric_columns=["a", "b"], constraints=[constraint]).fit(frame)


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ([LessOrEqual("a", "c"), LessOrEqual("b", "c")], "Two constraints determine column 'c'"),
        ([LessOrEqual("a", "b"), FixedCombinations(["b", "c"])], "Two constraints determine column 'b'"),
        ([LessOrEqual("a", "b"), LessOrEqual("b", "a")], "in a circle"),
    ],
)
def test_constraints_that_contradict_are_refused(stated: list[Constraint], message: str) -> None:
    frame = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in "abc"})
    with pytest.raises(InputError, match=message):
        TabularTransformer(constraints=stated).fit(frame)


def test_two_columns_are_needed() -> None:
    with pytest.raises(InputError, match="name at least two, each once"):
        FixedCombinations(["a", "a"])


def test_a_data_module_takes_constraints_but_on_derived_columns() -> None:
    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) + 5, "y": [0, 1] * 20})
    data = TabularDataModule(frame=frame, target="y", constraints=[LessOrEqual("a", "b")])
    data.setup()
    made = arbitrary(data.transformer, 0)
    assert (made["a"] <= made["b"]).all()
    derived = TabularDataModule(frame=frame, target="y", derive={"a": "log10"}, constraints=[LessOrEqual("a", "b")])
    with pytest.raises(InputError, match="'a', which is derived"):
        derived.setup()


def test_constraints_are_stated_in_yaml(workplace: Path, tiny_fit: list[str]) -> None:
    random = np.random.default_rng(0)
    low = random.integers(0, 50, 100)
    frame = pd.DataFrame({"low": low, "high": low + random.integers(0, 9, 100), "label": ["no", "yes"] * 50})
    frame.to_csv("rows.csv", index=False)
    Path("data.yaml").write_text(
        "data:\n  class_path: TabularDataModule\n  init_args:\n    constraints:\n"
        "      - class_path: LessOrEqual\n        init_args: {low: low, high: high}\n"
        "      - class_path: gan_imbalance.transforms.ValueRange\n        init_args: {column: low, minimum: 0}\n"
    )
    arguments = [*tiny_fit[:1], "--config", "data.yaml", *tiny_fit[1:]]
    arguments = [value for value in arguments if value not in ("--data", "TabularDataModule")]
    assert main([*arguments, "--model", "WassersteinGAN"]) == 0
    checkpoint = next(Path("runs").rglob("last.ckpt"))
    assert (
        main(
            [
                "synthesize",
                "--ckpt_path",
                str(checkpoint),
                "--counts",
                '{"yes": 500}',
                "--output",
                "made.csv",
                "--wandb",
                "false",
            ]
        )
        == 0
    )
    made = pd.read_csv("made.csv")
    assert (made["low"] <= made["high"]).all()
    assert made["high"].max() <= frame["high"].max()


def test_a_larger_number_of_fewer_digits_is_raised_past_the_smaller_one() -> None:
    """Six decimals of a float32 near 16 are finer than what it tells apart."""
    high = np.float32([0] * 36 + [1, 32, 33, 16.320312])
    low = high.astype(np.float64)
    low[-1] -= 1e-7
    frame = pd.DataFrame({"x": np.arange(40), "high": high, "low": low})
    transformer = TabularTransformer("quantile", constraints=[LessOrEqual("low", "high")], numeric_columns=["x"])
    back = transformer.fit(frame).inverse_transform(transformer.transform(frame))
    assert back["high"].notna().all()
    assert (back["high"] >= back["low"]).all()


def test_where_the_smaller_one_is_missing_the_larger_one_comes_back_on_its_grid() -> None:
    """The middle of two values is 0.5, which is no distance between whole numbers."""
    low = pd.Series([np.nan, 0, np.nan, *[0] * 18, *[1] * 19], dtype="Int64")
    frame = pd.DataFrame({"x": np.arange(40), "high": low.fillna(0), "low": low})
    frame.loc[2, "high"] = 1
    transformer = TabularTransformer("minmax", constraints=[LessOrEqual("low", "high")], numeric_columns=["x"])
    back = transformer.fit(frame).inverse_transform(transformer.transform(frame))
    pd.testing.assert_frame_equal(back, frame)


def test_how_constraints_were_stated_is_part_of_the_encoding() -> None:
    frame = pd.DataFrame({"low": range(40), "high": range(1, 41), "label": ["no"] * 30 + ["yes"] * 10})
    stated = TabularDataModule(frame=frame, target="label", constraints=[LessOrEqual("low", "high")])
    assert stated.encoding["constraints"] == [LessOrEqual("low", "high").to_config()]
    assert stated.encoding != TabularDataModule(frame=frame, target="label").encoding
    # a conditional GAN asks for the encoding
    sampler = GANOverSampler("ConditionalGAN", constraints=[LessOrEqual("low", "high")], max_steps=1, random_state=0)
    sampler.fit_resample(frame[["low", "high"]], frame["label"])
    assert (sampler.synthetic_["low"] <= sampler.synthetic_["high"]).all()
