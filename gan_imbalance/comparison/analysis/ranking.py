"""Remedies ranked over data sets."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gan_imbalance.comparison.analysis.statistics import ROUNDING, as_scores
from gan_imbalance.types import InputError


class SignedRankTest(NamedTuple):
    """A Wilcoxon signed-rank test.

    Attributes:
        statistic: the smaller of the sums of ranks of positive and of negative differences.
        p: two-sided; NaN for a single difference.
    """

    statistic: float
    p: float


class FriedmanTest(NamedTuple):
    """Whether some remedies rank higher than others over data sets.

    Attributes:
        ranks: mean rank of each remedy, 1 for one that is always best.
        chi_square: Friedman's statistic, not corrected for ties.
        chi_square_p: its p, which is too large for few data sets.
        f: Iman and Davenport's statistic; infinite where all data sets agree on the ranks.
        p: its p; NaN for a single data set.
    """

    ranks: NDArray[np.float64]
    chi_square: float
    chi_square_p: float
    f: float
    p: float


class Ranking(NamedTuple):
    """Remedies ranked over data sets.

    Attributes:
        ranks: mean rank of each remedy, 1 for one that is always best.
        p: that all remedies are equal, see :func:`friedman`.
        critical_difference: by which mean ranks must differ, see :func:`critical_difference`.
    """

    ranks: NDArray[np.float64]
    p: float
    critical_difference: float


def wilcoxon_signed_rank(differences: ArrayLike) -> SignedRankTest:
    """Test whether differences over data sets are symmetric about zero (Wilcoxon, 1945; Pratt, 1959).

    Data sets differ in scale, so that their differences are ranked rather than averaged (Demsar, 2006). Zeros
    take part in the ranking and are then dropped. Exact, but normal for more than 50 differences, or more than
    13 with ties or zeros. For n data sets p is 2^(1 - n) at least: five can never reach 0.05.

    References:
        Individual Comparisons by Ranking Methods, https://doi.org/10.2307/3001968
        Remarks on Zeros and Ties, https://doi.org/10.1080/01621459.1959.10501526
        Statistical Comparisons of Classifiers over Multiple Data Sets, https://jmlr.org/papers/v7/demsar06a.html

    Args:
        differences: one per data set, ``(n,)``.

    Raises:
        InputError: if there is no difference.
    """
    from scipy.stats import wilcoxon

    # whole units, so that ties are ties in spite of rounding
    units = np.rint(as_scores(differences) / ROUNDING)
    if len(units) < 2 or not units.any():
        return SignedRankTest(0.0, float("nan") if len(units) < 2 else 1.0)
    test = wilcoxon(units, zero_method="pratt")
    return SignedRankTest(float(test.statistic), float(test.pvalue))


def friedman(scores: ArrayLike) -> FriedmanTest:
    """Test whether remedies rank equally over data sets (Friedman, 1937; Iman & Davenport, 1980).

    Both statistics are Demsar's (2006), without a correction for ties, which errs on the careful side.

    References:
        Approximations of the Critical Region of the Friedman Statistic,
        https://doi.org/10.1080/03610928008827904
        Statistical Comparisons of Classifiers over Multiple Data Sets, https://jmlr.org/papers/v7/demsar06a.html

    Args:
        scores: the higher the better, ``(datasets, remedies)``.

    Raises:
        InputError: if there are not two remedies, or a score is missing.
    """
    from scipy.special import chdtrc, fdtrc
    from scipy.stats import rankdata

    table = as_scores(scores)
    if table.ndim != 2 or table.shape[1] < 2 or np.isnan(table).any():
        raise InputError("Ranks need scores of two or more remedies on every data set: leave out what is incomplete.")
    n, k = table.shape
    ranks = rankdata(-np.rint(table / ROUNDING), axis=1).mean(axis=0)
    chi_square = float(12 * n / (k * (k + 1)) * np.sum((ranks - (k + 1) / 2) ** 2))
    remaining = n * (k - 1) - chi_square
    # perfect agreement leaves nothing but rounding
    f = (n - 1) * chi_square / remaining if remaining > ROUNDING else math.inf
    p = float(fdtrc(k - 1, (k - 1) * (n - 1), f)) if n > 1 else float("nan")
    return FriedmanTest(ranks, chi_square, float(chdtrc(k - 1, chi_square)), f, p)


def critical_difference(remedies: int, datasets: int, alpha: float = 0.05) -> float:
    """Return by how much mean ranks of remedies must differ to be told apart (Nemenyi, 1963).

    With k remedies and n data sets this is ``q / sqrt(2) * sqrt(k (k + 1) / (6 n))``, where q is the studentised
    range's upper quantile for k groups and infinite degrees of freedom.
    """
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - alpha, remedies, math.inf))
    return q / math.sqrt(2) * math.sqrt(remedies * (remedies + 1) / (6 * datasets))


def rank_remedies(scores: ArrayLike, alpha: float = 0.05) -> Ranking:
    """Rank remedies over data sets by :func:`friedman` and :func:`critical_difference`.

    Args:
        scores: the higher the better, ``(datasets, remedies)``.
        alpha: level of the critical difference.

    Raises:
        InputError: if there are not two remedies, or a score is missing.
    """
    test = friedman(scores)
    return Ranking(test.ranks, test.p, critical_difference(len(test.ranks), len(np.asarray(scores)), alpha))
