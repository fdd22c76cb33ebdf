from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gan_imbalance.transforms import TabularTransformer

RANDOM = np.random.default_rng(0)
DAYS = np.where(RANDOM.random(3000) < 0.7, 0, RANDOM.choice([*[5] * 9, *[30] * 7, *range(1, 60)], 3000))


def spans(transformer: TabularTransformer) -> list[tuple[str, int]]:
    return [(span.encoding, span.size) for span in transformer.spans]


def test_spikes_are_states_and_the_rest_is_normal() -> None:
    values = np.where(RANDOM.random(3000) < 0.25, 1.0, RANDOM.lognormal(3, 1, 3000))
    frame = pd.DataFrame({"amount": values})
    transformer = TabularTransformer().fit(frame)
    assert spans(transformer) == [("linear", 1), ("categorical", 2)]
    features = transformer.transform(frame)
    np.testing.assert_array_equal(features[:, 1:], np.stack([values != 1, values == 1], axis=1))
    continuous = features[values != 1, 0]
    probabilities = torch.linspace(0.05, 0.95, 19, dtype=torch.float64)
    np.testing.assert_allclose(np.quantile(continuous, probabilities), torch.special.ndtri(probabilities), atol=0.02)
    np.testing.assert_allclose(features[values == 1, 0], 0, atol=0.02)
    # exactly the point mass, whatever the continuous feature says beside it
    assert transformer.inverse_transform(np.array([[3.0, 0.1, 0.9]]))["amount"].tolist() == [1.0]


def test_zeros_and_bumps_of_a_day_count_stand_out() -> None:
    transformer = TabularTransformer().fit(pd.DataFrame({"days": DAYS}))
    (column,) = transformer.state_dict()["columns"]
    assert set(column["point_masses"].tolist()) == {0, 5, 30}


def test_few_values_in_many_rows_are_all_states() -> None:
    frame = pd.DataFrame({"few": np.arange(1550) % 31, "rare": np.arange(1550) % 32, "y": RANDOM.random(1550)})
    transformer = TabularTransformer().fit(frame)
    assert spans(transformer) == [("categorical", 31), ("linear", 1), ("linear", 1)]
    other = pd.DataFrame({"few": [-5, 40, 3], "rare": 0, "y": 0.5})
    assert transformer.inverse_transform(transformer.transform(other))["few"].tolist() == [0, 30, 3]


@pytest.mark.parametrize("point_masses", [True, False])
def test_features_of_columns_without_spikes_are_the_quantiles(point_masses: bool) -> None:
    values = RANDOM.normal(size=500)
    features = TabularTransformer(point_masses=point_masses).fit(frame := pd.DataFrame({"x": values})).transform(frame)
    ranks = values.argsort().argsort()
    expected = torch.special.ndtri(torch.from_numpy((ranks + 0.5) / 500))
    distance = (torch.as_tensor(features)[:, 0] - expected).abs()
    # between the means of two neighbours each
    assert distance.max() < 0.1
    assert distance.median() < 0.01


@pytest.mark.parametrize("transform", ["quantile", "standard", "minmax", "modes"])
def test_a_state_tells_no_value_but_the_ends_and_the_median(transform: Any) -> None:
    values = RANDOM.normal(size=301)
    state = TabularTransformer(numeric=transform).fit(pd.DataFrame({"x": values})).state_dict()
    told = set(numbers_in(state)) & set(values.tolist())
    assert told <= {values.min(), values.max(), np.median(values)}


def test_a_state_holds_at_most_1000_numbers_of_a_column_for_each_side() -> None:
    state = TabularTransformer().fit(pd.DataFrame({"x": RANDOM.normal(size=20_000)})).state_dict()
    assert len([*numbers_in(state)]) < 2020


def numbers_in(state: Any) -> Iterator[float]:
    """Yield all numbers of nested plain values and tensors."""
    if isinstance(state, torch.Tensor):
        yield from state.flatten().tolist()
    elif isinstance(state, dict):
        yield from (number for value in state.values() for number in numbers_in(value))
    elif isinstance(state, list | tuple):
        yield from (number for value in state for number in numbers_in(value))
    elif isinstance(state, float):
        yield state


def test_modes_are_states_and_the_feature_is_relative_to_them() -> None:
    is_second = RANDOM.random(3000) < 0.3
    values = np.where(is_second, RANDOM.normal(50, 1, 3000), RANDOM.normal(0, 4, 3000))
    frame = pd.DataFrame({"x": values, "y": np.where(RANDOM.random(3000) < 0.1, np.nan, RANDOM.normal(size=3000))})
    transformer = TabularTransformer("modes").fit(frame)
    assert spans(transformer) == [("tanh", 1), ("categorical", 2), ("tanh", 1), ("categorical", 2)]
    features = transformer.transform(frame)
    np.testing.assert_array_equal(features[:, 2], is_second)
    assert np.abs(features).max() <= 1
    # four standard deviations are 1
    np.testing.assert_allclose([features[is_second, 0].std(), features[~is_second, 0].std()], 0.25, atol=0.04)
    pd.testing.assert_frame_equal(transformer.inverse_transform(features), frame, atol=1e-4, rtol=0)


@pytest.mark.parametrize("numeric", ["quantile", "standard", "minmax", "modes"])
def test_missing_values_keep_their_rate_and_what_they_depend_on(numeric: Any) -> None:
    x = RANDOM.normal(size=2000)
    frame = pd.DataFrame({"x": x, "y": np.where(x > 1, np.nan, RANDOM.normal(size=2000))})
    transformer = TabularTransformer(numeric).fit(frame)
    features = transformer.transform(frame)
    np.testing.assert_array_equal(features[:, -1], x > 1)
    back = transformer.inverse_transform(features)
    assert back["y"].isna().equals(frame["y"].isna())


@pytest.mark.parametrize("numeric", ["quantile", "standard", "minmax", "modes"])
@pytest.mark.parametrize("point_masses", [True, False])
def test_columns_with_nothing_to_vary(numeric: Any, point_masses: bool) -> None:
    frame = pd.DataFrame(
        {
            "x": [1.5, 2.5, 4.0, 8.0],
            "one": pd.Series([7] * 4, dtype="Int64"),
            "one_missing": [3.0, np.nan, 3.0, 3.0],
            "none": np.nan,
            "no_text": pd.Series([None] * 4, dtype="string"),
            "no_date": pd.Series([pd.NaT] * 4),
        }
    )
    transformer = TabularTransformer(numeric, point_masses=point_masses).fit(frame)
    assert spans(transformer)[1:] == [("categorical", 2)]
    back = transformer.inverse_transform(transformer.transform(frame))
    pd.testing.assert_frame_equal(back, frame, atol=1e-5)
