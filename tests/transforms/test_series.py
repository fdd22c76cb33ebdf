from __future__ import annotations

import numpy as np
import pytest

from gan_imbalance.transforms.series import SeriesScaler
from gan_imbalance.types import InputError

X = np.array([[[0, 2, 4], [5, 5, 5]], [[8, 1, 3], [5, 5, 5]]], dtype=np.float32)
SHORT = np.array([[[0, 2, np.nan]], [[8, 1, 3]]], dtype=np.float32)


def test_every_channel_fills_its_range_and_comes_back() -> None:
    scaler = SeriesScaler().fit(X)
    encoded = scaler.transform(X)
    assert encoded.dtype == np.float32
    assert encoded[:, 0].tolist() == [[-1, -0.5, 0], [1, -0.75, -0.25]]
    assert not encoded[:, 1].any()
    assert np.array_equal(scaler.inverse_transform(encoded), X)


def test_what_lies_beyond_comes_back_as_the_nearest_value() -> None:
    scaler = SeriesScaler().fit(X)
    other = np.array([[[-4, 12, 4], [5, 5, 5]]], dtype=np.float32)
    encoded = scaler.transform(other)
    assert encoded[0, 0].tolist() == [-2, 2, 0]
    assert scaler.inverse_transform(encoded)[0, 0].tolist() == [0, 8, 4]


def test_a_mask_tells_where_a_series_ends() -> None:
    scaler = SeriesScaler(masked=True).fit(SHORT)
    encoded = scaler.transform(SHORT)
    assert encoded[0].tolist() == [[-1, -0.5, 0], [1, 1, -1]]
    assert encoded[1, 1].tolist() == [1, 1, 1]
    np.testing.assert_array_equal(scaler.inverse_transform(encoded), SHORT)


@pytest.mark.parametrize(("mask", "steps"), [([1, -1, 1], 1), ([-1, -1, -1], 1), ([0.1, 0.2, 0], 2), ([1, 1, 1], 3)])
def test_a_series_ends_before_the_first_step_that_its_mask_leaves_out(mask: list[float], steps: int) -> None:
    encoded = np.array([[[0, 0, 0], mask]], dtype=np.float32)
    made = SeriesScaler(masked=True).fit(SHORT).inverse_transform(encoded)
    assert np.isnan(made[0, 0]).tolist() == [step >= steps for step in range(3)]


def test_it_is_rebuilt_from_its_state() -> None:
    scaler = SeriesScaler(masked=True).fit(SHORT)
    again = SeriesScaler.from_state_dict(scaler.state_dict())
    assert again.channels == 1
    assert np.array_equal(again.transform(SHORT), scaler.transform(SHORT))


def test_series_that_end_early_are_refused_without_a_mask() -> None:
    with pytest.raises(InputError, match="Series of unequal lengths were given, but those that were learned have one"):
        SeriesScaler().fit(SHORT[1:]).transform(SHORT)
