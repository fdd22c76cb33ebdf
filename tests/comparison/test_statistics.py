"""Intervals and tests against scipy, closed forms and published tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gan_imbalance.comparison.statistics import corrected_resampled_t, holm, mean_interval, paired_comparison
from gan_imbalance.types import InputError

SCORES = np.array([0.71, 0.68, 0.75, 0.70, 0.73])
BASELINE = np.array([0.69, 0.69, 0.70, 0.66, 0.71])


def test_mean_interval_equals_scipy() -> None:
    expected = stats.t.interval(0.9, len(SCORES) - 1, SCORES.mean(), stats.sem(SCORES))
    mean, low, high = mean_interval(SCORES, confidence=0.9)
    assert (mean, low, high) == pytest.approx((SCORES.mean(), *expected))


def test_mean_interval_by_the_printed_table() -> None:
    # Student's t for 4 degrees of freedom and 95 %: 2.776; of 1..5 the deviation is sqrt(2.5).
    reach = 2.776 * math.sqrt(2.5 / 5)
    assert mean_interval([1, 2, 3, 4, 5]) == pytest.approx((3, 3 - reach, 3 + reach), abs=1e-3)


def test_interval_covers_as_often_as_it_says() -> None:
    samples = np.random.default_rng(0).normal(size=(2000, 4))
    covered = [low <= 0 <= high for _, low, high in map(mean_interval, samples)]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_without_a_ratio_it_is_the_paired_t_test() -> None:
    expected = stats.ttest_rel(SCORES, BASELINE)
    test = corrected_resampled_t(SCORES - BASELINE, test_train_ratio=0)
    assert (test.t, test.p) == pytest.approx((expected.statistic, expected.pvalue))
    interval = expected.confidence_interval(0.95)
    assert (test.low, test.high) == pytest.approx((interval.low, interval.high))


def test_correction_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, variance 1. Ratio 1/4: t = 2 / sqrt((1/3 + 1/4) * 1) = 2 sqrt(12/7).
    # For 2 degrees of freedom the two-sided p is 1 - t / sqrt(2 + t^2).
    t = 2 * math.sqrt(12 / 7)
    test = corrected_resampled_t([1, 2, 3], test_train_ratio=0.25)
    assert test.t == pytest.approx(t)
    assert test.p == pytest.approx(1 - t / math.sqrt(2 + t**2))
    reach = 4.303 * math.sqrt(7 / 12)
    assert (test.low, test.high) == pytest.approx((2 - reach, 2 + reach), abs=1e-3)


def test_correction_only_ever_makes_the_test_more_careful() -> None:
    differences = SCORES - BASELINE
    tests = [corrected_resampled_t(differences, ratio) for ratio in (0, 0.1, 0.25, 1)]
    assert np.all(np.diff([test.p for test in tests]) > 0)
    assert np.all(np.diff([test.high - test.low for test in tests]) > 0)


def test_interval_and_p_agree_on_significance() -> None:
    rng = np.random.default_rng(1)
    for differences in rng.normal(0.5, 1, size=(50, 5)):
        test = corrected_resampled_t(differences, 0.25)
        assert (test.p < 0.05) == (test.low > 0 or test.high < 0)


def test_sign_follows_the_difference() -> None:
    better, worse = (corrected_resampled_t(sign * (SCORES - BASELINE), 0.25) for sign in (1, -1))
    assert better.t == -worse.t > 0
    assert better.p == worse.p
    assert (better.low, better.high) == pytest.approx((-worse.high, -worse.low))


def test_no_difference_at_all() -> None:
    assert corrected_resampled_t([0, 0, 0], 0.25) == (0, 1, 0, 0)


@pytest.mark.parametrize("constant", [0.1, -0.1])
def test_one_difference_everywhere(constant: float) -> None:
    # Three times 0.1 has, by rounding alone, a variance of 3e-34.
    test = corrected_resampled_t([constant] * 3, 0.25)
    assert test.t == math.copysign(math.inf, constant)
    assert test.p == 0
    assert (test.low, test.high) == pytest.approx((constant, constant))


def test_a_single_pair_says_nothing() -> None:
    assert np.isnan(corrected_resampled_t([0.3], 0.25)).all()
    assert np.isnan(corrected_resampled_t([0.0], 0.25)).all()
    mean, low, high = mean_interval([0.3])
    assert mean == 0.3
    assert np.isnan([low, high]).all()


def test_paired_comparison_collects_the_test_of_the_differences() -> None:
    comparison = paired_comparison(SCORES, BASELINE, 0.25)
    test = corrected_resampled_t(SCORES - BASELINE, 0.25)
    assert comparison.pairs == 5
    assert comparison.difference == pytest.approx(SCORES.mean() - BASELINE.mean())
    assert (comparison.t, comparison.p, comparison.low, comparison.high) == test


def test_scores_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InputError, match="got 5 and 4"):
        paired_comparison(SCORES, BASELINE[:4], 0.25)
    for call in (mean_interval, lambda values: corrected_resampled_t(values, 0.25)):
        with pytest.raises(InputError, match="no score"):
            call([])


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.04, 0.03, 0.02, 0.01], [0.06, 0.06, 0.06, 0.04]),
        ([0.6, 0.5, 0.001], [1.0, 1.0, 0.003]),
        ([0.2], [0.2]),
        ([0.02, math.nan, 0.03], [0.04, math.nan, 0.04]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values: list[float], expected: list[float]) -> None:
    np.testing.assert_allclose(holm(p_values), expected)


def test_holm_rejects_what_its_step_down_procedure_rejects() -> None:
    rng = np.random.default_rng(2)
    for p_values in rng.uniform(0, 0.1, size=(50, 6)):
        rejected = np.zeros(6, dtype=bool)
        for step, position in enumerate(np.argsort(p_values)):
            if p_values[position] > 0.05 / (6 - step):
                break
            rejected[position] = True
        np.testing.assert_array_equal(holm(p_values) <= 0.05, rejected)


def test_holm_leaves_its_input_alone() -> None:
    p_values = np.array([0.01, 0.02])
    holm(p_values)
    assert p_values.tolist() == [0.01, 0.02]


def test_differences_equal_but_for_rounding_have_no_spread() -> None:
    differences = np.array([4.54e-4, 4.5403e-4, 4.5397e-4])
    assert np.ptp(differences) > 0
    assert np.isinf(corrected_resampled_t(differences, 0.3).t)
