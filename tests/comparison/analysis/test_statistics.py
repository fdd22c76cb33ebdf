"""Intervals and tests against scipy, closed forms and published tables."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from sklearn.metrics import average_precision_score, recall_score

from gan_imbalance.comparison.analysis.ranking import (
    critical_difference,
    friedman,
    rank_remedies,
    wilcoxon_signed_rank,
)
from gan_imbalance.comparison.analysis.statistics import (
    average_precision,
    bootstrap_scores,
    corrected_resampled_t,
    effect_size,
    holm,
    mean_interval,
    paired_comparison,
)
from gan_imbalance.types import InputError

SCORES = np.array([0.71, 0.68, 0.75, 0.70, 0.73])
BASELINE = np.array([0.69, 0.69, 0.70, 0.66, 0.71])

# Demsar (2006), table 6: AUC of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets. His mean ranks follow if
# the two .975 of "voting" (last but one) are told apart, which printing has rounded to a tie.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9752, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


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
    test = corrected_resampled_t(SCORES - BASELINE, ratio=0)
    assert (test.t, test.p) == pytest.approx((expected.statistic, expected.pvalue))
    interval = expected.confidence_interval(0.95)
    assert (test.low, test.high) == pytest.approx((interval.low, interval.high))


def test_correction_by_hand() -> None:
    # Differences 1, 2, 3: mean 2, variance 1. Ratio 1/4: t = 2 / sqrt((1/3 + 1/4) * 1) = 2 sqrt(12/7).
    # For 2 degrees of freedom the two-sided p is 1 - t / sqrt(2 + t^2).
    t = 2 * math.sqrt(12 / 7)
    test = corrected_resampled_t([1, 2, 3], ratio=0.25)
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


def test_signed_ranks_of_a_published_example() -> None:
    # Demsar's T is 12 and shares the ranks 1 and 2 of the two zeros evenly; here they are dropped.
    assert wilcoxon_signed_rank(DEMSAR[:, 1] - DEMSAR[:, 0]).statistic == pytest.approx(12 - 1.5)


@pytest.mark.parametrize("differences", [[1, 2, 3, -4, 5], [0, 0.3, 0.3, -0.1, 0.2, 0.7], [0.2, 0.1, 0.4, 0.3, 0.5]])
def test_signed_ranks_by_all_signs(differences: list[float]) -> None:
    ranks = stats.rankdata(np.abs(differences)) * (np.array(differences) != 0)
    observed = abs(ranks @ np.sign(differences))
    possible = [abs(ranks @ signs) for signs in product([-1, 1], repeat=len(differences))]
    expected = np.mean(np.array(possible) >= observed - 1e-9)
    assert wilcoxon_signed_rank(differences).p == pytest.approx(expected)


def test_signed_ranks_see_ties_in_spite_of_rounding() -> None:
    # 0.3 - 0.2 and 0.2 - 0.1 differ in their last digit
    assert wilcoxon_signed_rank([0.3 - 0.2, 0.1 - 0.2, 0.5]) == wilcoxon_signed_rank([0.1, -0.1, 0.5])


def test_signed_ranks_without_differences() -> None:
    assert wilcoxon_signed_rank([0, 0, 1e-9]) == (0, 1)
    assert np.isnan(wilcoxon_signed_rank([0.3]).p)


@pytest.mark.parametrize("ratio", [0, 0.25])
@pytest.mark.parametrize("sign", [1, -1])
def test_effect_size_by_independent_inversion(ratio: float, sign: int) -> None:
    differences = sign * (SCORES - BASELINE)
    unit = math.sqrt(1 / 5 + ratio)
    size = differences.mean() / differences.std(ddof=1)

    def bound(p: float) -> float:
        # beyond these ends scipy's nct underflows to NaN
        return unit * brentq(lambda ncp: stats.nct.cdf(size / unit, 4, ncp) - p, *((-1, 8) if sign > 0 else (-8, 1)))

    effect = effect_size(differences, ratio)
    assert effect.d == pytest.approx(size * (1 - 3 / 15))
    assert (effect.low, effect.high) == pytest.approx((bound(0.975), bound(0.025)), rel=1e-4)


def test_effect_size_by_simulation() -> None:
    # Splits that share a part rho of their variance; Nadeau and Bengio's ratio is then rho / (1 - rho).
    rng, rho, true = np.random.default_rng(3), 0.2, 0.8
    shared = rng.normal(size=(2000, 1)) * math.sqrt(rho / (1 - rho))
    samples = true + shared + rng.normal(size=(2000, 6))
    effects = [effect_size(sample, rho / (1 - rho), 0.9) for sample in samples]
    assert np.mean([effect.low <= true <= effect.high for effect in effects]) == pytest.approx(0.9, abs=0.02)
    assert np.mean([effect.d for effect in effects]) == pytest.approx(true, abs=0.04)
    careless = [effect_size(sample, 0, 0.9) for sample in samples]
    assert np.mean([effect.low <= true <= effect.high for effect in careless]) < 0.8


def test_effect_size_excludes_zero_where_the_test_is_significant() -> None:
    for differences in np.random.default_rng(4).normal(0.8, 1, size=(50, 5)):
        effect = effect_size(differences, 0.25)
        significant = corrected_resampled_t(differences, 0.25).p < 0.05
        assert significant == (effect.low > 0 or effect.high < 0)


@pytest.mark.parametrize("differences", [[0.3], [0.3, 0.2], [0.1, 0.1, 0.1], [0, 0, 0]])
def test_effect_size_needs_spread(differences: list[float]) -> None:
    assert np.isnan(effect_size(differences, 0.25)).all()


def test_friedman_of_a_published_example() -> None:
    test = friedman(DEMSAR)
    np.testing.assert_allclose(test.ranks, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    assert test.chi_square == pytest.approx(9.28, abs=0.005)
    assert test.f == pytest.approx(3.69, abs=0.005)
    assert test.chi_square_p == pytest.approx(stats.chi2.sf(test.chi_square, 3))
    assert test.p == pytest.approx(stats.f.sf(test.f, 3, 39))
    ranking = rank_remedies(DEMSAR)
    assert ranking.p == test.p
    assert ranking.critical_difference == pytest.approx(1.25, abs=0.005)


def test_friedman_without_ties_equals_scipy() -> None:
    scores = np.random.default_rng(5).random((8, 5))
    expected = stats.friedmanchisquare(*scores.T)
    test = friedman(scores)
    assert (test.chi_square, test.chi_square_p) == pytest.approx((expected.statistic, expected.pvalue))


def test_friedman_at_the_ends() -> None:
    agreed = friedman([[3, 2, 1]] * 4)
    assert agreed.ranks.tolist() == [1, 2, 3]
    assert (agreed.f, agreed.p) == (math.inf, 0)
    equal = friedman(np.ones((4, 3)))
    assert (equal.chi_square_p, equal.p) == (1, 1)
    assert np.isnan(friedman([[3, 2, 1]]).p)


@pytest.mark.parametrize("scores", [[[1, 2], [math.nan, 1]], [[1], [2]], [1, 2, 3]])
def test_friedman_refuses_incomplete_tables(scores: list[object]) -> None:
    with pytest.raises(InputError, match="Ranks need scores"):
        friedman(scores)


@pytest.mark.parametrize(
    ("remedies", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (7, 2.949), (9, 3.102), (10, 3.164)]
)
def test_critical_difference_by_the_printed_table(remedies: int, q: float) -> None:
    # Demsar (2006), table 5a
    expected = q * math.sqrt(remedies * (remedies + 1) / (6 * 10))
    assert critical_difference(remedies, 10) == pytest.approx(expected, rel=5e-4)


def _predictions(rows: int, digits: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    positive = rng.random(rows) < 0.2
    return np.round(np.clip(rng.normal(0.3 + 0.3 * positive, 0.2), 0, 1), digits), positive


@pytest.mark.parametrize("digits", [1, 2, 12])
def test_average_precision_equals_sklearn(digits: int) -> None:
    probabilities, positive = _predictions(200, digits)
    weights = np.random.default_rng(7).poisson(0.7, size=(20, 200))
    expected = [average_precision_score(positive, probabilities, sample_weight=row) for row in weights]
    np.testing.assert_allclose(average_precision(probabilities, positive, weights), expected)


def test_bootstrap_equals_a_plain_loop() -> None:
    probabilities, positive = _predictions(300, 2)
    rng = np.random.default_rng(8)
    parts = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    drawn = [np.concatenate([rng.choice(part, len(part)) for part in parts]) for _ in range(1000)]
    intervals = bootstrap_scores(probabilities, positive, 0.5, resamples=4000)
    loops = {
        "pr_auc": [average_precision_score(positive[rows], probabilities[rows]) for rows in drawn],
        "recall": [recall_score(positive[rows], probabilities[rows] >= 0.5) for rows in drawn],
    }
    for name, values in loops.items():
        assert intervals[name] == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=0.02)


def test_bootstrap_of_recall_is_binomial() -> None:
    # 60 of 100 positive rows are found, so resampled counts follow the binomial distribution.
    probabilities = np.repeat([0.9, 0.1, 0.5], [60, 40, 300])
    positive = np.repeat([True, False], [100, 300])
    low, high = bootstrap_scores(probabilities, positive, 0.9, resamples=20_000)["recall"]
    assert (low, high) == pytest.approx(stats.binom(100, 0.6).ppf([0.025, 0.975]) / 100, abs=0.011)


def test_bootstrap_follows_its_seed() -> None:
    probabilities, positive = _predictions(100, 12)
    first, again, other = (bootstrap_scores(probabilities, positive, 0.5, 200, seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("positive", [[True, True], [False, False], [True]])
def test_bootstrap_refuses_what_it_cannot_draw(positive: list[bool]) -> None:
    with pytest.raises(InputError, match="rows of both classes"):
        bootstrap_scores([0.2, 0.3], positive, 0.5)
