from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan_imbalance.transforms.column_types import infer_column_types
from gan_imbalance.transforms.dtypes import count_decimals
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.types import InputError
from tests.odd_tables import odd_frames, unless_refused

TRANSFORMS = ["quantile", "standard", "minmax", "modes"]
START = pd.Timestamp("2020-02-25")
ARROW_TEXT = pd.ArrowDtype(pyarrow.string())


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(2, 30))

    def column(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    numbers = st.floats(-1000, 1000, width=32)
    return pd.DataFrame(
        {
            "row": np.arange(rows, dtype="int64"),
            "float": pd.Series(column(numbers), dtype="float64"),
            "float_missing": pd.Series(column(numbers | st.none()), dtype="float64"),
            "whole": pd.Series(column(st.integers(-100, 100)), dtype="float64"),
            "int": pd.Series(column(st.integers(-1000, 1000)), dtype="int32"),
            "nullable": pd.Series(column(st.integers(0, 5) | st.none()), dtype="Int64"),
            "bool": pd.Series(column(st.booleans()), dtype="bool"),
            "maybe": pd.Series(column(st.booleans() | st.none()), dtype="boolean"),
            "text": pd.Series(column(st.sampled_from(["a", "b", "ü", np.nan])), dtype="object"),
            "string": pd.Series(column(st.sampled_from(["x", "y"]) | st.none()), dtype="string"),
            "day": START
            + pd.to_timedelta(pd.Series(column(st.integers(0, 5000) | st.none()), dtype="float64"), unit="D"),
            "moment": (START + pd.to_timedelta(pd.Series(column(st.integers(0, 9999))), unit="h"))
            .dt.tz_localize("UTC")
            .dt.tz_convert("Europe/Berlin"),
            "duration": pd.to_timedelta(pd.Series(column(st.integers(-500, 500))), unit="min"),
            "arrow": pd.Series(column(st.integers(0, 9) | st.none()), dtype="Int64").astype("int64[pyarrow]"),
            "words": pd.Series(column(st.sampled_from(["x", "y"]) | st.none()), dtype=ARROW_TEXT),
            "level": pd.Series(column(st.sampled_from([1, 2, 3]) | st.none())).astype(
                pd.CategoricalDtype([3, 2, 1, 0], ordered=True)
            ),
        }
    )


@settings(max_examples=20, deadline=None)
@given(frame=tables(), numeric=st.sampled_from(TRANSFORMS), log=st.booleans())
def test_every_kind_of_column_comes_back(frame: pd.DataFrame, numeric: Any, log: bool) -> None:
    transformer = TabularTransformer(numeric, numeric_columns=["row"], log_columns=["float"] if log else [])
    features = transformer.fit(frame).transform(frame)
    back = transformer.inverse_transform(features)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert features.shape == (len(frame), sum(span.size for span in transformer.spans))
    assert back.dtypes.to_dict() == frame.dtypes.to_dict()
    assert list(back) == list(frame)
    continuous = ["float", "float_missing"]
    # What float32 features can tell, of a map that may be steep between two far values.
    pd.testing.assert_frame_equal(back[continuous], frame[continuous], rtol=0, atol=0.05)
    pd.testing.assert_frame_equal(back.drop(columns=continuous), frame.drop(columns=continuous))


@settings(max_examples=20, deadline=None)
@given(frame=tables(), numeric=st.sampled_from(TRANSFORMS), seed=st.integers(0, 100))
def test_whatever_is_generated_stays_in_the_observed_range(frame: pd.DataFrame, numeric: Any, seed: int) -> None:
    transformer = TabularTransformer(numeric).fit(frame)
    noise = np.random.default_rng(seed).normal(scale=5, size=(50, transformer.width))
    made = transformer.inverse_transform(noise)
    for name in ["float", "float_missing", "whole", "int", "nullable", "day", "moment", "duration", "arrow"]:
        assert made[name].dropna().between(frame[name].min(), frame[name].max()).all()
    for name in ["bool", "maybe", "text", "string", "level", "words"]:
        assert set(made[name].dropna()) <= set(frame[name].dropna())
    assert not made[frame.columns[frame.notna().all()]].isna().any(axis=None)
    assert (made["whole"] % 1 == 0).all()
    assert made.dtypes.to_dict() == frame.dtypes.to_dict()
    assert (made["day"].dropna() == made["day"].dropna().dt.normalize()).all()


def test_spans_say_what_the_features_are(mixed_frame: pd.DataFrame) -> None:
    transformer = TabularTransformer("minmax").fit(mixed_frame.drop(columns="label"))
    spans = [(span.name, span.encoding, span.start, span.size) for span in transformer.spans]
    assert spans == [
        ("amount", "tanh", 0, 1),
        ("count", "tanh", 1, 1),
        ("score", "tanh", 2, 1),
        ("score", "categorical", 3, 2),
        ("rate", "tanh", 5, 1),
        ("rate", "categorical", 6, 2),
        ("flag", "categorical", 8, 2),
        ("colour", "categorical", 10, 3),
        ("size", "categorical", 13, 2),
    ]
    features = transformer.transform(mixed_frame)
    for span in transformer.spans:
        block = features[:, span.start : span.stop]
        if span.is_categorical:
            assert (block.sum(axis=1) == 1).all()
        else:
            assert block.min() == -1
            assert block.max() == 1


def test_a_missing_number_is_marked_and_filled_with_the_median() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, np.nan]})
    features = TabularTransformer("standard").fit(frame).transform(frame)
    np.testing.assert_allclose(features[3], [0, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(features[:3, 1:], [[1, 0]] * 3)


def test_standard_has_zero_mean_and_unit_variance() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).exponential(5, 500)})
    features = TabularTransformer("standard").fit(frame).transform(frame)
    np.testing.assert_allclose([features.mean(), features.std()], [0, 1], atol=1e-5)


def test_quantiles_of_any_distribution_are_normal() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(0).pareto(2, 5000)})
    features = TabularTransformer("quantile").fit(frame).transform(frame)[:, 0]
    expected = torch.special.ndtri(torch.linspace(0.05, 0.95, 19, dtype=torch.float64))
    np.testing.assert_allclose(np.quantile(features, np.linspace(0.05, 0.95, 19)), expected, atol=0.01)
    assert np.abs(features).max() < 5.2


def test_frequent_values_keep_their_share_in_normal_noise() -> None:
    random = np.random.default_rng(0)
    values = np.where(random.random(4000) < 0.7, 0, random.integers(1, 31, 4000))
    transformer = TabularTransformer("quantile", point_masses=False).fit(pd.DataFrame({"days": values}))
    made = transformer.inverse_transform(random.normal(size=(4000, 1)))["days"]
    assert abs((made == 0).mean() - (values == 0).mean()) < 0.03
    assert made.between(0, 30).all()


def test_two_valued_numbers_are_categories() -> None:
    frame = pd.DataFrame({"two": [0.0, 1.0, 1.0], "three": [0, 1, 2], "named": [0, 1, 1]})
    assert infer_column_types(frame, ["named"], ["three"]) == {
        "two": "categorical",
        "three": "categorical",
        "named": "numeric",
    }


def test_constant_columns_take_no_feature_and_come_back() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0], "one": 7, "text": "same", "none": pd.Series([None] * 3, dtype=float)})
    transformer = TabularTransformer().fit(frame)
    assert transformer.width == 1
    pd.testing.assert_frame_equal(
        transformer.inverse_transform(np.zeros((2, 1)))[["one", "text", "none"]],
        frame[["one", "text", "none"]].iloc[:2],
    )


def test_a_constant_with_missing_values_is_modelled() -> None:
    frame = pd.DataFrame({"x": [5.0, np.nan, 5.0], "y": ["a", np.nan, "a"]})
    transformer = TabularTransformer().fit(frame)
    assert [(span.encoding, span.size) for span in transformer.spans] == [("categorical", 2)] * 2
    pd.testing.assert_frame_equal(transformer.inverse_transform(transformer.transform(frame)), frame)


def test_only_the_fitted_rows_are_known() -> None:
    transformer = TabularTransformer("minmax").fit(pd.DataFrame({"x": [0.0, 1.0, 2.0], "c": ["a", "b", "b"]}))
    features = transformer.transform(pd.DataFrame({"x": [99.0, np.nan], "c": ["z", None]}), unknown="ignore")
    np.testing.assert_array_equal(features, [[1, 0, 0], [0, 0, 0]])


def test_state_survives_a_safe_checkpoint(mixed_frame: pd.DataFrame) -> None:
    transformer = TabularTransformer(log_columns=["amount"]).fit(mixed_frame)
    file = io.BytesIO()
    torch.save(transformer.state_dict(), file)
    file.seek(0)
    restored = TabularTransformer.from_state_dict(torch.load(file, weights_only=True))
    features = transformer.transform(mixed_frame)
    np.testing.assert_array_equal(restored.transform(mixed_frame), features)
    assert restored.spans == transformer.spans
    pd.testing.assert_frame_equal(restored.inverse_transform(torch.from_numpy(features)), mixed_frame)


def test_columns_are_found_by_name_and_values_by_what_they_say() -> None:
    fitted = pd.DataFrame({"x": [1.0, 2.0, 3.0], "c": ["2", "3", "more"]})
    transformer = TabularTransformer(categorical_columns=["c"]).fit(fitted)
    read_back = pd.DataFrame({"c": [2, 3, 2], "other": 0, "x": [1, 2, 3]})
    expected = transformer.transform(fitted.assign(c=["2", "3", "2"]))
    np.testing.assert_array_equal(transformer.transform(read_back), expected)


def test_a_mixed_column_named_categorical_keeps_its_types() -> None:
    values = [2, "2", 2.0, True, 1, None]
    frame = pd.DataFrame({"x": range(6), "c": pd.Series(values, dtype=object)})
    transformer = TabularTransformer(categorical_columns=["c"]).fit(frame)
    back = transformer.inverse_transform(transformer.transform(frame))["c"].tolist()
    assert [(type(value), value) for value in back[:5]] == [(type(value), value) for value in values[:5]]
    assert np.isnan(back[5])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1, "a", 2.5], "'c' mixes types.*`categorical`"),
        (["1", "2", "unknown"], "'c' mixes types.*'unknown'.*missing_values"),
        ([1.0, np.inf, 2.0], "'c' holds infinite"),
        (pd.period_range("2024", periods=3, freq="D"), "'c' holds period values.*drop it"),
        ([1j, 2j, 3j], "'c' holds complex values"),
        (pd.Categorical([pd.Interval(0, 1)] * 3), "'c' holds values such as Interval"),
        ([(1,), (2,), (3,)], "'c' mixes types"),
    ],
)
def test_columns_that_cannot_be_encoded_are_named(column: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TabularTransformer().fit(pd.DataFrame({"x": [1.0, 2.0, 4.0], "c": column}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "pink"}, "'colour' holds the unknown category 'pink'.*'blue', 'green', 'red'"),
        ({"colour": None}, "'colour' has missing values"),
        ({"count": None}, "'count' has missing values"),
        ({"count": "many"}, "'count' should hold numbers, but holds 'many'"),
        ({"amount": np.inf}, "'amount' holds infinite"),
    ],
)
def test_a_table_of_another_kind_is_refused(mixed_frame: pd.DataFrame, change: dict[str, Any], message: str) -> None:
    transformer = TabularTransformer().fit(mixed_frame)
    with pytest.raises(InputError, match=message):
        transformer.transform(mixed_frame.assign(**change))


def test_a_missing_column_is_named(mixed_frame: pd.DataFrame) -> None:
    transformer = TabularTransformer().fit(mixed_frame)
    with pytest.raises(InputError, match=r"no column 'colour'.*did you mean 'color'"):
        transformer.transform(mixed_frame.rename(columns={"colour": "color"}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"numeric_columns": ["ammount"]}, "'ammount'.*numeric.*did you mean 'amount'"),
        ({"categorical_columns": ["nothing like it"]}, "categorical asks for; the table has 'amount', 'count'"),
        ({"log_columns": ["x"]}, "log_columns"),
        ({"numeric_columns": ["count"], "categorical_columns": ["count"]}, "both numeric and categorical"),
        ({"numeric_columns": ["colour"]}, "'colour' should hold numbers"),
    ],
)
def test_wrong_names_are_refused(mixed_frame: pd.DataFrame, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TabularTransformer(**options).fit(mixed_frame)


def test_identifiers_are_refused() -> None:
    names = [f"customer {number}" for number in range(1200)]
    with pytest.raises(InputError, match="'name' has 1200 categories; drop it"):
        TabularTransformer().fit(pd.DataFrame({"name": names}))


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(InputError, match="constant"):
        TabularTransformer().fit(pd.DataFrame({"x": [1, 1, 1]}))
    with pytest.raises(InputError, match="no rows"):
        TabularTransformer().fit(pd.DataFrame({"x": []}))
    with pytest.raises(InputError, match="two columns named 'x'"):
        TabularTransformer().fit(pd.DataFrame([[1, 2]], columns=["x", "x"]))


def test_features_that_no_generator_should_make_are_refused() -> None:
    transformer = TabularTransformer().fit(pd.DataFrame({"x": [1.0, 2.0, 4.0]}))
    with pytest.raises(InputError, match=r"give \(rows, 1\)"):
        transformer.inverse_transform(np.zeros((3, 2)))
    with pytest.raises(InputError, match="diverged"):
        transformer.inverse_transform(np.array([[np.nan]]))
    with pytest.raises(RuntimeError, match="call fit first"):
        TabularTransformer().transform(pd.DataFrame({"x": [1.0]}))


@pytest.mark.parametrize(("numbers", "decimals"), [([1.0, 2.0], 0), ([1.25, 3.0, np.nan], 2), ([1 / 3], None), ([], 0)])
def test_decimals(numbers: list[float], decimals: int | None) -> None:
    assert count_decimals(np.array(numbers, dtype=float)) == decimals


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=100, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(frame=odd_frames(), numeric=st.sampled_from(TRANSFORMS))
def test_any_table_is_encoded_or_refused(frame: pd.DataFrame, numeric: Any) -> None:
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    transformer = unless_refused(lambda: TabularTransformer(numeric).fit(frame))
    if transformer is None:
        return
    features = transformer.transform(frame)
    assert np.isfinite(features).all()
    decoded = transformer.inverse_transform(features)
    assert decoded.dtypes.equals(frame.dtypes)
    assert decoded.isna().equals(frame.isna())


def test_halves_are_refused_where_arrow_cannot_compare_them(monkeypatch: pytest.MonkeyPatch) -> None:
    halves = pyarrow.array([np.float16(1.5), np.float16(2), None] * 4, pyarrow.float16())
    frame = pd.DataFrame({"a": range(12), "odd": pd.arrays.ArrowExtensionArray(halves)})
    monkeypatch.setattr("gan_imbalance.transforms.dtypes._ARROW_COMPARES_HALVES", False)
    with pytest.raises(InputError, match=r"^Column 'odd' .* from version 26 on; install that, or cast the column"):
        TabularTransformer().fit(frame)
    cast = frame.astype({"odd": "float32[pyarrow]"})
    assert len(TabularTransformer().fit(cast).transform(cast)) == 12
