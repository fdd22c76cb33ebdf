"""Intervals and tests for scores of the same seeds, honest about splits that overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gan_imbalance.types import InputError

# figures are of order one and in single precision, so equal differences may seem to differ by so much
_ROUNDING = 1e-6


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
    """

    pairs: int
    difference: float
    low: float
    high: float
    t: float
    p: float


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the mean of independent values and the ends of its Student's t interval, NaN for one value.

    Raises:
        InputError: if there is no value.
    """
    scores = _scores(values)
    return float(scores.mean()), *_interval(scores, _standard_error(scores), confidence)


def corrected_resampled_t(differences: ArrayLike, test_train_ratio: float, confidence: float = 0.95) -> ResampledTest:
    """Test whether a mean difference over random splits is zero (Nadeau & Bengio, 2003).

    Random splits share most of their training rows, so their scores are not independent and the ordinary
    t-test finds too much. The correction takes ``(1 / J + test_train_ratio) s^2`` as the variance of the
    mean of J differences. A ratio of 0 is the ordinary paired t-test.

    References:
        Inference for the Generalization Error, https://doi.org/10.1023/A:1024068626366

    Args:
        differences: one per split, ``(J,)``.
        test_train_ratio: test rows over training rows of a split.
        confidence: of the interval.

    Raises:
        InputError: if there is no difference.
    """
    from scipy.special import stdtr

    scores = _scores(differences)
    mean, error = float(scores.mean()), _standard_error(scores, test_train_ratio)
    # Without any spread a difference is certain, unless it is zero.
    t = mean / error if error else math.copysign(math.inf, mean) if mean else 0.0
    p = float(2 * stdtr(len(scores) - 1, -abs(t)))
    return ResampledTest(t, p, *_interval(scores, error, confidence))


def paired_comparison(
    values: ArrayLike, baseline: ArrayLike, test_train_ratio: float, confidence: float = 0.95
) -> PairedComparison:
    """Compare scores with a baseline's scores on the same splits by :func:`corrected_resampled_t`.

    Args:
        values: one score per split, ``(J,)``.
        baseline: those of the baseline, in the same order, ``(J,)``.
        test_train_ratio: test rows over training rows of a split.
        confidence: of the interval.

    Raises:
        InputError: if there is no pair, or the numbers of scores differ.
    """
    scores, reference = _scores(values), _scores(baseline)
    if len(scores) != len(reference):
        raise InputError(
            f"A paired comparison needs one baseline score per score but got {len(scores)} and "
            f"{len(reference)}: compare the same seeds."
        )
    differences = scores - reference
    test = corrected_resampled_t(differences, test_train_ratio, confidence)
    return PairedComparison(
        pairs=len(differences),
        difference=float(differences.mean()),
        low=test.low,
        high=test.high,
        t=test.t,
        p=test.p,
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


def _scores(values: ArrayLike) -> NDArray[np.float64]:
    scores = np.asarray(values, dtype=np.float64)
    if not scores.size:
        raise InputError("There is no score to summarise: run at least one seed.")
    return scores


def _standard_error(scores: NDArray[np.float64], test_train_ratio: float = 0.0) -> float:
    """Return the mean's standard error; NaN for one score, exactly 0 for equal ones in spite of rounding."""
    if len(scores) < 2:
        return float("nan")
    if np.ptp(scores) <= _ROUNDING:
        return 0.0
    return float(np.sqrt((1 / len(scores) + test_train_ratio) * scores.var(ddof=1)))


def _interval(scores: NDArray[np.float64], error: float, confidence: float) -> tuple[float, float]:
    from scipy.special import stdtrit

    mean = float(scores.mean())
    reach = float(stdtrit(len(scores) - 1, (1 + confidence) / 2)) * error
    return mean - reach, mean + reach
