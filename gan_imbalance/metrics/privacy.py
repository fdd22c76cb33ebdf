"""Whether synthetic rows give away the training rows.

Distances are Euclidean. Numeric rows are standardised by the training rows' mean and deviation; rows that are
``encoded`` already, by a transformer whose numbers have unit variance and whose categories are one-hot, are taken as
they are, since a rare category's feature has hardly any deviation and would count for more than all others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gan_imbalance.metrics.distances import Matrix, as_matrices, nearest_distances, standardise

_ROUNDING = 1e-5
# of the standard normal, between which 95 % lie
_NORMAL_95 = 1.959963984540054


def exact_copies(synthetic: Matrix, training: Matrix, encoded: bool = False) -> float:
    """Return the share of synthetic rows that equal a training row, in [0, 1].

    Rows nearer than 1e-5 deviations are equal: that much can be lost in encoding them as float32.

    Args:
        synthetic: rows to judge, ``(n, d)``.
        training: rows that the generator learned from, ``(m, d)``.
        encoded: whether rows are in comparable units already.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    synthetic, training = _comparable(training, synthetic, training, encoded=encoded)
    return float((nearest_distances(synthetic, training) < _ROUNDING).double().mean())


class ClosestRecords(NamedTuple):
    """How near synthetic rows are to the nearest training row and to the nearest held-out row.

    Attributes:
        share: of the synthetic rows that are nearer to a training row, in [0, 1]; those equally near count half.
        training_median: median distance to the nearest training row.
        training_low: its 5th percentile.
        holdout_median: median distance to the nearest held-out row.
        holdout_low: its 5th percentile.
    """

    share: float
    training_median: float
    training_low: float
    holdout_median: float
    holdout_low: float


def closest_records(synthetic: Matrix, training: Matrix, holdout: Matrix, encoded: bool = False) -> ClosestRecords:
    """Compare the distances to the closest training record with those to the closest held-out record.

    A generator that learned the distribution, not the rows, has a share of 0.5 and equal distances, if ``training``
    and ``holdout`` are equally many: give equal numbers.

    Args:
        synthetic: rows to judge, ``(n, d)``.
        training: rows that the generator learned from, ``(m, d)``.
        holdout: real rows that it has not seen, ``(m, d)``.
        encoded: whether rows are in comparable units already.

    References:
        Platzer & Reutterer (2021), Holdout-Based Empirical Assessment of Mixed-Type Synthetic Data,
        https://arxiv.org/abs/2104.00635

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    synthetic, training, holdout = _comparable(training, synthetic, training, holdout, encoded=encoded)
    to_training, to_holdout = nearest_distances(synthetic, training), nearest_distances(synthetic, holdout)
    return ClosestRecords(
        float(((to_holdout - to_training).sign() + 1).mean() / 2),
        *(float(distances.quantile(q)) for distances in (to_training, to_holdout) for q in (0.5, 0.05)),
    )


def closest_record_share(synthetic: Matrix, training: Matrix, holdout: Matrix) -> float:
    """Return the share of synthetic rows nearer to a training row than to any held-out row, in [0, 1].

    See :func:`closest_records`; 0.5 is what a generator reaches that learned the distribution, not the rows.

    Args:
        synthetic: rows to judge, ``(n, d)``.
        training: rows that the generator learned from, ``(m, d)``.
        holdout: real rows that it has not seen, ``(m, d)``.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    return closest_records(synthetic, training, holdout).share


class DataCopying(NamedTuple):
    """How much nearer to the training rows synthetic rows lie than held-out ones do.

    Attributes:
        nearer: chance that a synthetic row lies nearer to its nearest training row than a held-out row does to its own,
            ties counting half, in [0, 1]; 0.5 for a generator that learned the distribution, more for one that copies,
            less for one whose rows lie off the data.
        z: score of the Mann-Whitney test of that, as the paper has it: well below 0 (-3) for copies, above for rows off
            the data.
        very_near: share of the synthetic rows that lie nearer than 95 % of the held-out rows do, in [0, 1]; 0.05 for a
            generator that learned the distribution.
    """

    nearer: float
    z: float
    very_near: float


def data_copying(synthetic: Matrix, holdout: Matrix) -> DataCopying:
    """Compare the distances of synthetic rows to the training rows with those of held-out rows, which cannot be copies.

    The three-sample test of Meehan, Chaudhuri & Dasgupta (2020), A Non-Parametric Test to Detect Data-Copying in
    Generative Models, https://arxiv.org/abs/2004.05675, section 3.1, without the division of space into cells; give the
    rows of a class to have it within the class. ``nearer`` is 1 less the paper's Delta.

    Args:
        synthetic: every synthetic row's distance to its nearest training row, ``(n,)``.
        holdout: the same of real rows that the generator has not seen, ``(m,)``.

    Raises:
        InputError: if there are none of either, or one is not finite.
    """
    made, unseen = (
        distances[:, 0].cpu().numpy()
        for distances in as_matrices(*(torch.as_tensor(one).reshape(-1, 1) for one in (synthetic, holdout)))
    )
    from scipy.stats import mannwhitneyu

    pairs = len(made) * len(unseen)
    farther = float(mannwhitneyu(made, unseen).statistic)
    deviation = (pairs * (len(made) + len(unseen) + 1) / 12) ** 0.5
    return DataCopying(
        nearer=1 - farther / pairs,
        z=(farther - pairs / 2) / deviation,
        very_near=float((made < np.quantile(unseen, 0.05)).mean()),
    )


class MembershipInference(NamedTuple):
    """How well an attacker tells training rows from others by the synthetic rows alone.

    Attributes:
        auc: chance that a training row looks more like one than a row that is none does; 0.5 is a coin toss.
        low: lower end of its 95 % interval.
        high: upper end of its 95 % interval.
    """

    auc: float
    low: float
    high: float


def membership_inference(
    synthetic: Matrix, training: Matrix, holdout: Matrix, encoded: bool = False
) -> MembershipInference:
    """Attack by distance: a row is the more likely a training row, the nearer a synthetic row lies to it.

    The full black-box attack of Chen et al. (2020), GAN-Leaks, https://arxiv.org/abs/1909.03935, section 5.2. The
    interval is that of DeLong et al. (1988), https://doi.org/10.2307/2531595, in the form of Sun & Xu (2014),
    https://doi.org/10.1109/LSP.2014.2337313.

    Args:
        synthetic: what the attacker sees, ``(n, d)``.
        training: rows that the generator learned from, ``(m, d)``.
        holdout: real rows that it has not seen, ``(m', d)``.
        encoded: whether rows are in comparable units already.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    synthetic, training, holdout = _comparable(training, synthetic, training, holdout, encoded=encoded)
    members, others = (-nearest_distances(rows, synthetic).cpu().numpy() for rows in (training, holdout))
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([members, others]))
    # of each member the share of the others that it beats, and of each other the share of the members that beat it
    wins = (ranks[: len(members)] - rankdata(members)) / len(others)
    losses = 1 - (ranks[len(members) :] - rankdata(others)) / len(members)
    variance = sum(shares.var(ddof=1) / len(shares) for shares in (wins, losses) if len(shares) > 1)
    auc, reach = float(wins.mean()), _NORMAL_95 * float(np.sqrt(variance))
    return MembershipInference(auc, max(0.0, auc - reach), min(1.0, auc + reach))


def _comparable(training: Matrix, *groups: Matrix, encoded: bool) -> list[Tensor]:
    return as_matrices(*groups) if encoded else standardise(training, *groups)
