"""Collapse is told, and nothing is told of rows that are as varied as the real ones."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from gan_imbalance.metrics import CollapseWarning, measure_variety, warn_of_collapse


def modes(n: int, seed: int, kinds: tuple[int, ...] = (0, 1, 2, 3)) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = np.array([[0, 0], [9, 0], [0, 9], [9, 9]])[list(kinds)]
    return (centres[random.integers(len(kinds), size=n)] + random.normal(size=(n, 2))).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("real", "made"), [(800, 800), (60, 600), (600, 60), (12, 9), (4, 1)])
def test_the_same_distribution_is_no_collapse(seed: int, real: int, made: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert warn_of_collapse(modes(real, seed), modes(made, seed + 100), seed) == []


def test_a_lost_mode_is_told() -> None:
    with pytest.warns(CollapseWarning, match="lost kinds of rows"):
        told = warn_of_collapse(modes(800, 0), modes(800, 1, kinds=(0, 1, 2)))
    assert len(told) == 1


def test_a_repeated_row_is_told() -> None:
    with pytest.warns(CollapseWarning) as caught:
        told = warn_of_collapse(modes(400, 0), np.repeat(modes(4, 1), 100, axis=0))
    assert [str(warning.message) for warning in caught] == told
    assert "repeats itself: 1% of the synthetic rows are distinct, against 100% of as many real ones" in told[0]


def test_double_rows_are_no_collapse_where_real_ones_are_double_too() -> None:
    real, made = (np.random.default_rng(seed).integers(0, 3, (900, 2)) for seed in (0, 1))
    variety = measure_variety(real, made)
    assert variety.distinct == variety.real_distinct == 9 / 900
    assert variety.mode_coverage == 1
    assert warn_of_collapse(real, made) == []


def test_shares_of_distinct_rows_are_of_equally_many_rows() -> None:
    real = np.arange(50.0)[:, None]
    made = np.repeat(np.arange(50.0), 20)[:, None]
    variety = measure_variety(real, made)
    # of 50 draws among 50 values about 32 differ; of all 1000 only one in twenty would
    assert variety.real_distinct == 1
    assert 0.5 < variety.distinct < 0.8
