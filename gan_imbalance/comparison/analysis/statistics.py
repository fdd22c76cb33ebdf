"""Intervals and tests for scores of the same seeds, honest about splits that overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gan_imbalance.types import InputError

# figures are of order one and in single precision, so equal differences may seem to differ by so much
ROUNDING = 1e-6
# of resampled rows at once, so that a bootstrap's arrays stay below 100 MB together
_MAX_DRAWN = 1_000_000


class ResampledTest(NamedTuple):
    """A corrected resampled t-test.

    Attributes:
        t: the statistic; 0 where all differences are 0, infinite where they are all the same otherwise.
        p: two-sided; NaN for a single difference.
        low: lower end of the mean difference's interval.
        high: its upper end.
    """

    t: float
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class PairedComparison:
    """How the scores of one remedy differ from a baseline's on the same splits.

    Attributes:
        pairs: number of paired scores.
        difference: mean of score minus baseline.
        low: lower end of its interval.
        high: its upper end.
        t: the corrected statistic.
        p: two-sided, before any correction for several tests (see :func:`holm`).
        effect: the difference by its standard deviation.
    """

    pairs: int
    difference: float
    low: float
    high: float
    t: float
    p: float
    effect: EffectSize


class EffectSize(NamedTuple):
    """A mean difference in units of the differences' standard deviation.

    Attributes:
        d: Cohen's d of paired differences with Hedges' small-sample correction.
        low: lower end of the interval of the true one.
        high: its upper end.
    """

    d: float
    low: float
    high: float


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of independent values and the ends of its Student's t interval, NaN for one value.

    Raises:
        InputError: if there is no value.
    """
    scores = as_scores(values)
    return float(scores.mean()), *_interval(scores, _standard_error(scores), confidence)


def corrected_resampled_t(differences: ArrayLike, ratio: float, confidence: float = 0.95) -> ResampledTest:
    """Test whether a mean difference over random splits is zero (Nadeau & Bengio, 2003).

    Random splits share most of their training rows, so their scores are not independent and the ordinary
    t-test finds too much. The correction takes ``(1 / J + ratio) s^2`` as the variance of the
    mean of J differences. A ratio of 0 is the ordinary paired t-test.

    References:
        Inference for the Generalization Error, https://doi.org/10.1023/A:1024068626366

    Args:
        differences: one per split, ``(J,)``.
        ratio: allowance for rows that splits share: test rows over the rows that are not tested.
        confidence: of the interval.

    Raises:
        InputError: if there is no difference.
    """
    from scipy.special import stdtr

    scores = as_scores(differences)
    mean, error = float(scores.mean()), _standard_error(scores, ratio)
    # Without any spread a difference is certain, unless it is zero.
    t = mean / error if error else math.copysign(math.inf, mean) if mean else 0.0
    p = float(2 * stdtr(len(scores) - 1, -abs(t)))
    return ResampledTest(t, p, *_interval(scores, error, confidence))


def paired_comparison(
    values: ArrayLike, baseline: ArrayLike, ratio: float, confidence: float = 0.95
) -> PairedComparison:
    """Compare scores with a baseline's scores on the same splits by :func:`corrected_resampled_t`.

    Args:
        values: one score per split, ``(J,)``.
        baseline: those of the baseline, in the same order, ``(J,)``.
        ratio: allowance for rows that splits share: test rows over the rows that are not tested.
        confidence: of the interval.

    Raises:
        InputError: if there is no pair, or the numbers of scores differ.
    """
    scores, reference = as_scores(values), as_scores(baseline)
    if len(scores) != len(reference):
        raise InputError(
            f"A paired comparison needs one baseline score per score but got {len(scores)} and "
            f"{len(reference)}: compare the same seeds."
        )
    differences = scores - reference
    test = corrected_resampled_t(differences, ratio, confidence)
    return PairedComparison(
        pairs=len(differences),
        difference=float(differences.mean()),
        low=test.low,
        high=test.high,
        t=test.t,
        p=test.p,
        effect=effect_size(differences, ratio, confidence),
    )


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Return Holm's step-down adjusted p-values, in the given order (Holm, 1979).

    With m tests the k-th smallest p-value becomes the largest of ``(m - j + 1) p_j`` over j up to k, at most
    1. NaN (a test that could not be made) stays NaN and is not counted.

    References:
        A Simple Sequentially Rejective Multiple Test Procedure, https://www.jstor.org/stable/4615733

    Args:
        p_values: ``(m,)``.
    """
    adjusted = np.array(p_values, dtype=np.float64)
    order = np.argsort(adjusted)[: np.count_nonzero(~np.isnan(adjusted))]
    steps = np.arange(len(order), 0, -1) * adjusted[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def effect_size(differences: ArrayLike, ratio: float, confidence: float = 0.95) -> EffectSize:
    """Return the mean difference over random splits in standard deviations, with its interval.

    The estimate is mean / s, times ``1 - 3 / (4 (J - 1) - 1)`` against its bias for few differences (Hedges,
    1981). The interval (Steiger & Fouladi, 1997) holds every true size for which the t of
    :func:`corrected_resampled_t`, noncentral by that size over ``sqrt(1 / J + ratio)``, is no
    surprise. So it excludes zero exactly where that test is significant. All are NaN for differences without
    spread, and for fewer than three, where the correction leaves nothing.

    References:
        Distribution Theory for Glass's Estimator of Effect Size, https://doi.org/10.3102/10769986006002107
        Noncentrality Interval Estimation and the Evaluation of Statistical Models, in What If There Were No
        Significance Tests?, Erlbaum

    Args:
        differences: one per split, ``(J,)``.
        ratio: allowance for rows that splits share: test rows over the rows that are not tested.
        confidence: of the interval.

    Raises:
        InputError: if there is no difference.
    """
    from scipy.special import nctdtrinc

    scores = as_scores(differences)
    if len(scores) < 3 or not _standard_error(scores):
        return EffectSize(*[float("nan")] * 3)
    freedom = len(scores) - 1
    size = float(scores.mean() / scores.std(ddof=1))
    unit = math.sqrt(1 / len(scores) + ratio)
    low, high = (unit * float(nctdtrinc(freedom, (1 + side * confidence) / 2, size / unit)) for side in (1, -1))
    return EffectSize(size * (1 - 3 / (4 * freedom - 1)), low, high)


def average_precision(probabilities: ArrayLike, positive: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Return the average precision for each weighting of the same rows; equal probabilities are one threshold.

    Args:
        probabilities: of the positive class, ``(n,)``.
        positive: which rows are of it, ``(n,)``.
        weights: how often each row counts, ``(B, n)``.

    Returns:
        Of shape ``(B,)``; NaN where no positive row counts.
    """
    scores, truth, counts = np.asarray(probabilities), np.asarray(positive, dtype=bool), np.asarray(weights)
    thresholds = scores[truth]
    hits, misses = (_weight_reaching(scores[part], counts[:, part], thresholds) for part in (truth, ~truth))
    own = counts[:, truth]
    with np.errstate(invalid="ignore"):
        precision = np.where(own > 0, hits / (hits + misses), 0)
        average: NDArray[np.float64] = (own * precision).sum(axis=1) / own.sum(axis=1)
    return average


def bootstrap_scores(
    probabilities: ArrayLike,
    positive: ArrayLike,
    threshold: float,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Return percentile bootstrap intervals of a single split's figures (Efron, 1979).

    The test rows are drawn with replacement within each class. The intervals tell what other test rows could
    have shown of the same classifier, not what other training rows would have made of it.

    References:
        Bootstrap Methods: Another Look at the Jackknife, https://doi.org/10.1214/aos/1176344552

    Args:
        probabilities: of the positive class, ``(n,)``.
        positive: which rows are of it, ``(n,)``.
        threshold: the probability from which on it is predicted.
        resamples: number of bootstrap samples.
        seed: of the draws.
        confidence: of the intervals.

    Returns:
        Low and high end for ``pr_auc`` and ``recall``.

    Raises:
        InputError: if the rows do not match, or one class has none.
    """
    scores, truth = as_scores(probabilities), np.asarray(positive, dtype=bool)
    if scores.shape != truth.shape or truth.all() or not truth.any():
        raise InputError("A bootstrap needs one probability for each row, and rows of both classes.")
    random = np.random.default_rng(seed)
    found = truth & (scores >= threshold)
    chunk = max(1, _MAX_DRAWN // len(scores))
    drawn: dict[str, list[NDArray[np.float64]]] = {"pr_auc": [], "recall": []}
    for start in range(0, resamples, chunk):
        counts = np.empty((min(chunk, resamples - start), len(scores)), dtype=np.int64)
        for part in (truth, ~truth):
            counts[:, part] = _bootstrap_counts(random, len(counts), int(part.sum()))
        drawn["pr_auc"].append(average_precision(scores, truth, counts))
        drawn["recall"].append(counts[:, found].sum(axis=1) / np.count_nonzero(truth))
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    intervals = {name: np.quantile(np.concatenate(values), ends) for name, values in drawn.items()}
    return {name: (float(low), float(high)) for name, (low, high) in intervals.items()}


def _bootstrap_counts(random: np.random.Generator, resamples: int, rows: int) -> NDArray[np.int64]:
    """Return how often each row is drawn in each resample, ``(resamples, rows)``."""
    drawn = random.integers(rows, size=(resamples, rows)) + rows * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)


def _weight_reaching(scores: NDArray[Any], weights: NDArray[Any], thresholds: NDArray[Any]) -> NDArray[Any]:
    """Return, per weighting, the weight of the scores that reach each threshold, ``(B, thresholds)``."""
    order = np.argsort(-scores)
    summed = np.pad(np.cumsum(weights[:, order], axis=1), ((0, 0), (1, 0)))
    reached: NDArray[Any] = summed[:, np.searchsorted(-scores[order], -thresholds, side="right")]
    return reached


def as_scores(values: ArrayLike) -> NDArray[np.float64]:
    """Return values as an array.

    Raises:
        InputError: if there is none.
    """
    scores = np.asarray(values, dtype=np.float64)
    if not scores.size:
        raise InputError("There is no score to summarise: run at least one seed.")
    return scores


def _standard_error(scores: NDArray[np.float64], ratio: float = 0.0) -> float:
    """Return the mean's standard error; NaN for one score, exactly 0 for equal ones in spite of rounding."""
    if len(scores) < 2:
        return float("nan")
    if np.ptp(scores) <= ROUNDING:
        return 0.0
    return float(np.sqrt((1 / len(scores) + ratio) * scores.var(ddof=1)))


def _interval(scores: NDArray[np.float64], error: float, confidence: float) -> tuple[float, float]:
    from scipy.special import stdtrit

    mean = float(scores.mean())
    reach = float(stdtrit(len(scores) - 1, (1 + confidence) / 2)) * error
    return mean - reach, mean + reach
