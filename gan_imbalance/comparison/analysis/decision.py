"""Decisions about a difference over splits: does it matter, does it not, or could it not be told?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gan_imbalance.comparison.analysis.statistics import ROUNDING, holm
from gan_imbalance.types import InputError

LEVEL = 0.95
"""A claim is made from beyond this probability on."""

Mark = Literal["helps", "hurts", "equal", "undecided"]


class Probabilities(NamedTuple):
    """Where a true mean difference lies; together they are 1, or all NaN where nothing can be said.

    Attributes:
        worse: below minus the practical difference.
        equal: between minus and plus the practical difference.
        better: above the practical difference.
    """

    worse: float
    equal: float
    better: float


def posterior(differences: ArrayLike, ratio: float, practical_difference: float) -> Probabilities:
    """Return where the true mean difference over splits lies, given those seen (Benavoli et al., 2017, section 3).

    Scores of splits that share rows are correlated. With a correlation of rho = ratio / (1 + ratio) between any
    two, and with no prior knowledge of mean and variance, the true mean given J differences is Student's t with
    J - 1 degrees of freedom about their mean, with scale^2 = (1 / J + ratio) s^2. So ``1 - better`` is the one-sided
    p of :func:`~gan_imbalance.comparison.analysis.statistics.corrected_resampled_t` that the mean is at most the
    practical difference. Differences without any spread put all on where their mean lies.

    References:
        Time for a Change: a Tutorial for Comparing Multiple Classifiers Through Bayesian Analysis,
        https://jmlr.org/papers/v18/16-305.html
        Inference for the Generalization Error, https://doi.org/10.1023/A:1024068626366

    Args:
        differences: remedy minus baseline, one per split, ``(J,)``.
        ratio: the allowance for rows shared between splits, 0 or more, see :func:`overlap_ratio`.
        practical_difference: what does not matter to anyone, in units of the differences, 0 or more.

    Returns:
        All NaN for a single difference, or where one is missing (NaN).

    Raises:
        InputError: if there is no difference, or ratio or practical difference is negative.
    """
    seen = np.asarray(differences, dtype=np.float64)
    if not seen.size:
        raise InputError("There is no difference to decide on: run at least two splits.")
    _check(ratio, practical_difference)
    if len(seen) < 2 or np.isnan(seen).any():
        return Probabilities(*[math.nan] * 3)
    deviation = 0.0 if np.ptp(seen) <= ROUNDING else float(seen.std(ddof=1))
    worse, better = _tails(float(seen.mean()), deviation, len(seen), ratio, practical_difference)
    return Probabilities(float(worse), max(0.0, float(1 - worse - better)), float(better))


def decide(probabilities: Probabilities, level: float = LEVEL) -> Mark:
    """Return what has a probability of more than ``level``; "undecided" where nothing has, or they are NaN.

    Args:
        probabilities: see :func:`posterior`.
        level: from 0.5 to 1.

    Raises:
        InputError: if the level is not such.
    """
    _check_share(level, "level")
    return _mark([1 - one for one in probabilities], level)


def adjusted_marks(probabilities: Sequence[Probabilities], level: float = LEVEL) -> list[Mark]:
    """Return the marks of a family of differences that nobody singled out beforehand.

    Each claim (worse, equal, better) is a family by itself, in which :func:`holm` adjusts the complements
    ``1 - probability`` as it would p-values. So a mark is never bolder than that of :func:`decide`.

    Args:
        probabilities: one per difference, ``(m,)``; NaN (no answer) is "undecided" and not counted.
        level: from 0.5 to 1.

    Returns:
        One per difference, in the given order, ``(m,)``.

    Raises:
        InputError: if the level is not such.
    """
    _check_share(level, "level")
    complements = 1 - np.array(probabilities, dtype=np.float64).reshape(-1, 3)
    adjusted = np.stack([holm(claim) for claim in complements.T], axis=1)
    return [_mark(row, level) for row in adjusted.tolist()]


def detectable_difference(
    deviation: float, splits: int, ratio: float, practical_difference: float, power: float = 0.8, level: float = LEVEL
) -> float:
    """Return the smallest true mean difference that :func:`posterior` and :func:`decide` mark "helps" that often.

    If the allowance is right, the mean's t above the practical difference is noncentral t, by the true excess over
    ``deviation * sqrt(1 / splits + ratio)``; "helps" is where it passes Student's quantile of the level.

    Args:
        deviation: standard deviation of the differences between splits, 0 or more.
        splits: how many, J.
        ratio: see :func:`posterior`.
        practical_difference: see :func:`posterior`.
        power: how often, from 0.5 to 1.
        level: see :func:`decide`.

    Returns:
        More than the practical difference, or equal to it without any deviation; infinite for fewer than two splits.

    Raises:
        InputError: if deviation, ratio or practical difference is negative, or power or level are out of range.
    """
    from scipy.special import nctdtrinc, stdtrit

    _check(ratio, practical_difference, deviation)
    _check_share(level, "level")
    _check_share(power, "power")
    if splits < 2:
        return math.inf
    freedom = splits - 1
    excess = float(nctdtrinc(freedom, 1 - power, stdtrit(freedom, level)))
    return practical_difference + excess * deviation * math.sqrt(1 / splits + ratio)


def splits_to_decide(
    difference: float,
    deviation: float,
    ratio: float,
    practical_difference: float,
    level: float = LEVEL,
    most: int = 1000,
) -> int | None:
    """Return after how many splits a posterior of this mean and deviation is decided, whatever the mark.

    What is decided with this many is with more. A ratio above 0 leaves an uncertainty that no further split takes away.

    Args:
        difference: mean of the differences.
        deviation: their standard deviation, 0 or more.
        ratio: see :func:`posterior`.
        practical_difference: see :func:`posterior`.
        level: see :func:`decide`.
        most: splits that are thought of, at least 2.

    Returns:
        From 2 to ``most``; None where ``most`` do not decide.

    Raises:
        InputError: if deviation, ratio or practical difference is negative, or the level out of range.
    """
    _check(ratio, practical_difference, deviation)
    _check_share(level, "level")
    splits = np.arange(2, most + 1)
    worse, better = _tails(difference, deviation, splits, ratio, practical_difference)
    decided = (worse > level) | (1 - worse - better > level) | (better > level)
    # without deviation the tails are the same for any number
    found = splits[np.broadcast_to(decided, splits.shape)]
    return int(found[0]) if found.size else None


def overlap_ratio(test_rows: float, rows: float) -> float:
    """Return the allowance for rows that splits share: test rows over the rows that are not tested.

    What is not tested is what training rows are drawn from: training, validation and reserve rows alike, however few
    of them are trained on. For k folds it is ``1 / (k - 1)``. Nadeau and Bengio (2003) justify it by what two
    classifiers share; `experiments/split_design` measures it.

    References:
        Inference for the Generalization Error, https://doi.org/10.1023/A:1024068626366

    Args:
        test_rows: of a split, above 0.
        rows: of all its parts, the test rows among them.

    Raises:
        InputError: if there are no test rows, or no others.
    """
    if not 0 < test_rows < rows:
        raise InputError(f"A split needs rows to test and others, but {test_rows:g} of {rows:g} are test rows.")
    return float(test_rows / (rows - test_rows))


def _tails(mean: float, deviation: float, splits: Any, ratio: float, practical_difference: float) -> tuple[Any, Any]:
    """Return the probabilities of worse and of better, of the shape of ``splits``."""
    from scipy.special import stdtr

    if not deviation:
        return float(mean < -practical_difference), float(mean > practical_difference)
    scale = deviation * np.sqrt(1 / splits + ratio)
    beyond = (-mean - practical_difference, mean - practical_difference)
    worse, better = (stdtr(splits - 1, reach / scale) for reach in beyond)
    return worse, better


def _mark(complements: Sequence[float], level: float) -> Mark:
    """Return the claim whose complement (of worse, equal and better) is small enough."""
    not_worse, not_equal, not_better = complements
    enough = 1 - level
    if not_better < enough:
        return "helps"
    if not_worse < enough:
        return "hurts"
    return "equal" if not_equal < enough else "undecided"


def _check(ratio: float, practical_difference: float, deviation: float = 0.0) -> None:
    named = {"overlap ratio": ratio, "practical difference": practical_difference, "standard deviation": deviation}
    for name, value in named.items():
        if not value >= 0:
            raise InputError(f"The {name} is {value:g}: give 0 or more.")


def _check_share(value: float, name: str) -> None:
    if not 0.5 <= value < 1:
        raise InputError(f"The {name} is {value:g}: give at least 0.5 and less than 1.")
