"""The posterior against a published implementation, its model, the corrected t-test and simulated splits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gan_imbalance.comparison.analysis.decision import (
    LEVEL,
    Probabilities,
    adjusted_marks,
    decide,
    detectable_difference,
    overlap_ratio,
    posterior,
    splits_to_decide,
)
from gan_imbalance.comparison.analysis.statistics import corrected_resampled_t, holm
from gan_imbalance.types import InputError

REMEDY = np.array([0.71, 0.68, 0.75, 0.70, 0.73, 0.69, 0.74, 0.72, 0.70, 0.76])
BASELINE = np.array([0.69, 0.69, 0.70, 0.66, 0.71, 0.68, 0.70, 0.72, 0.69, 0.72])
DIFFERENCES = REMEDY - BASELINE

spread_out = st.lists(st.floats(-1, 1), min_size=2, max_size=12).filter(lambda values: np.ptp(values) > 1e-3)
ratios = st.floats(0, 1)
margins = st.floats(0, 0.2)


@pytest.mark.parametrize(
    ("runs", "rope", "expected"),
    [
        (1, 0.01, (0.0033522812739826824, 0.10745604631752737, 0.88919167240849)),
        (2, 0.01, (0.011810769528915466, 0.15540047579816751, 0.832788754672917)),
        (1, 0.02, (0.0006488484687059426, 0.4151711715934321, 0.584179979937862)),
    ],
)
def test_equals_the_authors_package(runs: int, rope: float, expected: tuple[float, ...]) -> None:
    # what two_on_single(REMEDY, BASELINE, rope, runs) of baycomp 1.0.3 gives, from the last to the first; it takes
    # the ten scores as those of 10 folds (one run) or 5 folds (two runs)
    ratio = 1 / (len(DIFFERENCES) / runs - 1)
    assert posterior(DIFFERENCES, ratio, rope) == pytest.approx(expected, rel=1e-9)


def test_equals_an_integral_of_the_density() -> None:
    ratio, margin = 0.25, 0.015
    density = stats.t(len(DIFFERENCES) - 1, DIFFERENCES.mean(), math.sqrt((0.1 + ratio) * DIFFERENCES.var(ddof=1))).pdf
    grid = np.linspace(-2, 2, 400_001)[:-1] + 5e-6
    mass = density(grid) * 1e-5
    expected = (mass[grid < -margin].sum(), mass[abs(grid) <= margin].sum(), mass[grid > margin].sum())
    assert posterior(DIFFERENCES, ratio, margin) == pytest.approx(expected, abs=1e-4)


def test_equals_the_model_that_it_is_derived_from() -> None:
    # the differences are jointly normal, any two correlated by rho, and nothing is known of mean and variance
    rho, margin = 0.2, 0.015
    n = len(DIFFERENCES)
    correlation = (1 - rho) * np.eye(n) + rho
    inverse = np.linalg.inv(correlation)
    means = np.linspace(-0.15, 0.2, 1401)
    log_deviations = np.linspace(math.log(0.002), math.log(0.5), 600)
    residuals = DIFFERENCES - means[:, None]
    squares = np.einsum("mi,ij,mj->m", residuals, inverse, residuals)
    log_likelihood = -n * log_deviations - squares[:, None] / (2 * np.exp(2 * log_deviations))
    mass = np.exp(log_likelihood - log_likelihood.max()).sum(axis=1)
    mass /= mass.sum()
    expected = (mass[means < -margin].sum(), mass[abs(means) <= margin].sum(), mass[means > margin].sum())
    assert posterior(DIFFERENCES, rho / (1 - rho), margin) == pytest.approx(expected, abs=5e-3)


def test_equals_draws_of_mean_and_variance() -> None:
    rho, margin, n = 0.2, 0.015, len(DIFFERENCES)
    random = np.random.default_rng(0)
    variance = (n - 1) * DIFFERENCES.var(ddof=1) / (1 - rho) / random.chisquare(n - 1, size=200_000)
    drawn = random.normal(DIFFERENCES.mean(), np.sqrt(variance * (rho + (1 - rho) / n)))
    expected = (np.mean(drawn < -margin), np.mean(abs(drawn) <= margin), np.mean(drawn > margin))
    assert posterior(DIFFERENCES, rho / (1 - rho), margin) == pytest.approx(expected, abs=5e-3)


@given(spread_out, ratios, margins)
def test_complements_are_one_sided_p_values_of_the_corrected_test(
    values: list[float], ratio: float, margin: float
) -> None:
    found = posterior(values, ratio, margin)
    for complement, side in ((1 - found.better, 1), (1 - found.worse, -1)):
        test = corrected_resampled_t(side * np.array(values) - margin, ratio)
        one_sided = test.p / 2 if test.t > 0 else 1 - test.p / 2
        assert complement == pytest.approx(one_sided, abs=1e-9)


@given(spread_out, ratios, margins)
def test_they_are_probabilities_and_turn_round_with_the_sign(values: list[float], ratio: float, margin: float) -> None:
    found = posterior(values, ratio, margin)
    assert sum(found) == pytest.approx(1)
    assert min(found) >= 0
    turned = posterior(-np.array(values), ratio, margin)
    assert turned == pytest.approx((found.better, found.equal, found.worse), abs=1e-12)


@given(spread_out, ratios, margins, st.floats(0, 0.5))
def test_more_of_a_gain_or_less_of_a_margin_is_more_surely_better(
    values: list[float], ratio: float, margin: float, more: float
) -> None:
    found = posterior(values, ratio, margin)
    gained = posterior(np.array(values) + more, ratio, margin)
    assert gained.better >= found.better - 1e-12
    assert gained.worse <= found.worse + 1e-12
    wider = posterior(values, ratio, margin + more)
    assert wider.better <= found.better + 1e-12
    assert wider.equal >= found.equal - 1e-12


@given(spread_out, ratios, st.floats(0, 1))
def test_a_larger_allowance_is_more_careful(values: list[float], ratio: float, more: float) -> None:
    # whatever lies beyond the margin on the mean's own side is less sure
    mean = float(np.mean(values))
    margin = abs(mean) / 2
    careful, found = posterior(values, ratio + more, margin), posterior(values, ratio, margin)
    assert max(careful.better, careful.worse) <= max(found.better, found.worse) + 1e-12


@pytest.mark.parametrize(
    ("value", "expected"), [(0.02, (0, 0, 1)), (-0.02, (1, 0, 0)), (0.01, (0, 1, 0)), (0.0, (0, 1, 0))]
)
def test_without_spread_all_lies_where_the_mean_does(value: float, expected: tuple[float, ...]) -> None:
    assert posterior([value] * 3, 0.25, 0.01) == expected
    # single precision makes equal differences seem to differ
    assert posterior(np.array([value, value + 5e-7]), 0.25, 0.0101)[2] == expected[2]


def test_one_difference_or_a_missing_one_says_nothing() -> None:
    for values in ([0.1], [0.1, math.nan, 0.2]):
        found = posterior(values, 0.25, 0.01)
        assert np.isnan(found).all()
        assert decide(found) == "undecided"


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ((0.01, 0.03, 0.96), "helps"),
        ((0.96, 0.03, 0.01), "hurts"),
        ((0.02, 0.96, 0.02), "equal"),
        ((0.0, 0.06, 0.94), "undecided"),
        ((0.0, 0.05, 0.95), "undecided"),
        ((0.0, 0.0, 1.0), "helps"),
    ],
)
def test_a_mark_is_what_is_more_probable_than_the_level(probabilities: tuple[float, ...], expected: str) -> None:
    assert decide(Probabilities(*probabilities)) == expected


def test_the_level_is_the_callers() -> None:
    assert decide(Probabilities(0.0, 0.15, 0.85), level=0.8) == "helps"
    assert decide(Probabilities(0.0, 0.02, 0.98), level=0.99) == "undecided"


def test_a_family_is_marked_by_holm() -> None:
    # complements of "better" of three: 0.01 * 3 < 0.05, then 0.02 * 2 < 0.05, then 0.06; NaN is not counted
    family = [
        Probabilities(0.0, 0.06, 0.94),
        Probabilities(0.0, 0.02, 0.98),
        Probabilities(*[math.nan] * 3),
        Probabilities(0.0, 0.01, 0.99),
    ]
    assert adjusted_marks(family) == ["undecided", "helps", "undecided", "helps"]
    # with one more, 0.02 * 3 is too much
    assert adjusted_marks([*family, Probabilities(0.97, 0.03, 0.0)]) == [
        *("undecided", "undecided", "undecided", "helps", "undecided"),
    ]
    assert adjusted_marks([]) == []


@given(
    st.lists(st.tuples(*[st.floats(0, 1)] * 3).filter(lambda one: sum(one) > 0), min_size=1, max_size=8),
    st.floats(0.5, 0.99),
)
def test_a_family_is_never_bolder_than_its_members(shares: list[tuple[float, ...]], level: float) -> None:
    family = [Probabilities(*(one / sum(share) for one in share)) for share in shares]
    marks = adjusted_marks(family, level)
    for index, (mark, alone) in enumerate(zip(marks, family, strict=True)):
        assert mark in ("undecided", decide(alone, level))
        helped = holm([1 - one.better for one in family])[index] < 1 - level
        assert (mark == "helps") == helped


@pytest.mark.parametrize(
    ("splits", "ratio", "power"), [(10, 0.25, 0.8), (5, 0.0, 0.9), (20, 1 / 9, 0.5), (2, 0.1, 0.8)]
)
def test_the_detectable_difference_is_found_as_often_as_it_says(splits: int, ratio: float, power: float) -> None:
    deviation, margin = 0.03, 0.01
    difference = detectable_difference(deviation, splits, ratio, margin, power)
    random = np.random.default_rng(0)
    # scores of splits that share rows: a part of the deviation is common to all
    common = random.normal(scale=deviation * math.sqrt(ratio), size=(4000, 1))
    simulated = difference + common + random.normal(scale=deviation, size=(4000, splits))
    marks = [decide(posterior(one, ratio, margin)) for one in simulated]
    assert marks.count("helps") / len(marks) == pytest.approx(power, abs=0.025)


def test_the_detectable_difference_by_the_noncentral_distribution() -> None:
    excess = (detectable_difference(0.02, 10, 0.25, 0.01) - 0.01) / (0.02 * math.sqrt(0.1 + 0.25))
    assert stats.nct.sf(stats.t.ppf(LEVEL, 9), 9, excess) == pytest.approx(0.8, abs=1e-6)


def test_what_is_easier_to_detect() -> None:
    usual: dict[str, Any] = {"deviation": 0.02, "splits": 10, "ratio": 0.25, "practical_difference": 0.01}
    reference = detectable_difference(**usual)
    for easier in ({"deviation": 0.01}, {"splits": 30}, {"ratio": 0.1}, {"practical_difference": 0.0}, {"power": 0.6}):
        assert 0 < detectable_difference(**{**usual, **easier}) < reference
    assert detectable_difference(**{**usual, "deviation": 0.0}) == 0.01
    assert detectable_difference(**{**usual, "splits": 1}) == math.inf


def shifted(mean: float, deviation: float, splits: int) -> np.ndarray:
    """Return differences of exactly this mean and deviation."""
    values = np.linspace(-1, 1, splits)
    return mean + deviation * values / values.std(ddof=1)


@pytest.mark.parametrize("mean", [-0.05, 0.0, 0.004, 0.02, 0.03])
@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.25])
def test_splits_to_decide_by_trying_them_all(mean: float, ratio: float) -> None:
    deviation, margin, most = 0.02, 0.01, 120
    undecided = [
        decide(posterior(shifted(mean, deviation, splits), ratio, margin)) == "undecided"
        for splits in range(2, most + 1)
    ]
    expected = 2 + undecided.index(False) if False in undecided else None
    assert splits_to_decide(mean, deviation, ratio, margin, most=most) == expected
    if expected is not None:
        assert not any(undecided[expected - 2 :])


def test_an_allowance_leaves_a_floor_and_a_mean_on_the_margin_is_never_decided() -> None:
    assert splits_to_decide(0.02, 0.02, 0.25, 0.01, most=100_000) is None
    assert splits_to_decide(0.02, 0.02, 0.0, 0.01) == 13
    assert splits_to_decide(0.01, 0.02, 0.0, 0.01, most=100_000) is None
    assert splits_to_decide(0.02, 0.0, 0.25, 0.01) == splits_to_decide(0.0, 0.0, 0.25, 0.01) == 2
    assert splits_to_decide(0.02, 0.0, 0.25, 0.01, most=1) is None


def test_the_allowance_is_that_of_folds() -> None:
    for folds in (2, 5, 10):
        assert overlap_ratio(100 / folds, 100) == pytest.approx(1 / (folds - 1))
    assert overlap_ratio(500, 2500) == 0.25


def test_what_makes_no_sense_is_told() -> None:
    certain = Probabilities(0.0, 0.0, 1.0)
    with pytest.raises(InputError, match="at least two splits"):
        posterior([], 0.25, 0.01)
    with pytest.raises(InputError, match=r"overlap ratio is -0\.1"):
        posterior([0.1, 0.2], -0.1, 0.01)
    with pytest.raises(InputError, match="practical difference is nan"):
        posterior([0.1, 0.2], 0.1, math.nan)
    with pytest.raises(InputError, match=r"practical difference is -0\.01"):
        detectable_difference(0.02, 10, 0.25, -0.01)
    with pytest.raises(InputError, match="standard deviation is -1"):
        splits_to_decide(0.02, -1, 0.25, 0.01)
    with pytest.raises(InputError, match="power is 1"):
        detectable_difference(0.02, 10, 0.25, 0.01, power=1)
    for call in (decide, lambda one, level: adjusted_marks([one], level)):
        with pytest.raises(InputError, match=r"level is 0\.4"):
            call(certain, 0.4)
    for test_rows, rows in ((0, 10), (10, 10), (-1, 10)):
        with pytest.raises(InputError, match="needs rows to test"):
            overlap_ratio(test_rows, rows)
