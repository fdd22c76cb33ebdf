"""From the probabilities of a classifier to decisions: thresholds, what mistakes cost, other class shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from gan_imbalance.types import InputError

# no probability reaches it, and JSON can hold it, unlike infinity
_NEVER = 2.0


class _Costs(NamedTuple):
    miss: float = 1.0
    false_alarm: float = 1.0


class Costs(_Costs):
    """What the two kinds of mistakes cost, in any unit; right predictions cost nothing.

    Args:
        miss: of a row of the minority that is predicted as another class.
        false_alarm: of another row that is predicted as the minority.

    Raises:
        InputError: if one is negative or not finite, or both are 0.
    """

    __slots__ = ()

    def __new__(cls, miss: float = 1.0, false_alarm: float = 1.0) -> Self:
        """Make costs that tell good predictions from bad ones."""
        for name, cost in (("miss", miss), ("false_alarm", false_alarm)):
            if not (math.isfinite(cost) and cost >= 0):
                raise InputError(f"The cost {name} is {cost}; give a finite number, 0 or more.")
        if not (miss or false_alarm):
            raise InputError("The costs miss and false_alarm are both 0, so that no prediction is better; set one.")
        return super().__new__(cls, miss, false_alarm)


def predict_classes(probabilities: Tensor, minority: int, threshold: float | None = None) -> Tensor:
    """Return the predicted class of every row, int64 ``(n,)``.

    Args:
        probabilities: of every class, ``(n, K)``.
        minority: the rare class, in 0..K-1.
        threshold: the minority is predicted where its probability reaches it, elsewhere the most probable
            other class. None asks for the most probable class, the minority winning a tie: for two
            classes the same as 0.5.
    """
    others = probabilities.clone()
    others[:, minority] = -torch.inf
    best, predicted = others.max(dim=1)
    scores = probabilities[:, minority]
    return predicted.masked_fill(scores >= (best if threshold is None else threshold), minority)


def tune_threshold(
    probabilities: Tensor | np.ndarray[Any, Any],
    targets: Tensor | np.ndarray[Any, Any],
    minority: int,
    costs: Costs | None = None,
    positive_rate: float | None = None,
) -> float:
    """Return the threshold that serves best; to be found on validation rows, never on test rows.

    Best is the least expected cost (see :class:`ImbalanceMetrics`), or without costs the highest F1 of the
    minority. Candidates are the minority's probabilities as they occur, 0.5 and, with costs, 2, which no
    probability reaches, so that the minority is never predicted; of equally good ones the closest to 0.5
    is taken.

    Args:
        probabilities: of every class, ``(n, K)``.
        targets: true classes, int ``(n,)``.
        minority: the rare class, in 0..K-1.
        costs: of both kinds of mistakes.
        positive_rate: share of the minority in the world, in (0, 1), to which costs are weighted; None takes
            that of these rows. F1 stays that of these rows.

    Raises:
        InputError: if no row is of the minority, or the rate is no share.
    """
    require_rate(positive_rate)
    scores = torch.as_tensor(probabilities).detach().cpu().double()[:, minority]
    positive = torch.as_tensor(targets).cpu() == minority
    positives = positive.sum()
    if not positives:
        raise InputError(
            "No validation row is of the minority class, so its threshold cannot be tuned: enlarge validation_fraction."
        )
    candidates = torch.from_numpy(np.union1d(scores.numpy(), 0.5 if costs is None else [0.5, _NEVER]))
    predicted = len(scores) - torch.searchsorted(scores.sort().values, candidates)
    hits = positives - torch.searchsorted(scores[positive].sort().values, candidates)
    if costs is None:
        f1 = 2 * hits.double() / (predicted + positives)
        best = candidates[f1 == f1.max()]
    else:
        # doubles, and at least one row of the others, so that their rate is 0 where there are none
        negatives = (len(scores) - positives).clamp(min=1)
        misses, false_alarms = (positives - hits).double(), (predicted - hits).double()
        cost = expected_cost(misses, false_alarms, positives, negatives, costs, positive_rate)
        # sums of products differ by rounding where costs are equal
        best = candidates[torch.isclose(cost, cost.min(), rtol=1e-12, atol=0)]
    return float(best[(best - 0.5).abs().argmin()])


def expected_cost(
    misses: Tensor,
    false_alarms: Tensor,
    positives: Tensor,
    negatives: Tensor,
    costs: Costs,
    positive_rate: float | None,
) -> Tensor:
    """Return the mean cost of a row of numbers of rows, weighted to the positive rate if there is one."""
    if positive_rate is None:
        return (misses * costs.miss + false_alarms * costs.false_alarm) / (positives + negatives)
    missed, alarmed = misses / positives, false_alarms / negatives
    return positive_rate * missed * costs.miss + (1 - positive_rate) * alarmed * costs.false_alarm


def reweighted_precision(recall: float, false_positive_rate: float, positive_rate: float) -> float:
    """Return the precision to expect where positives are as common as ``positive_rate``.

    A test set with more (or fewer) positives than the world makes precision look better (or worse) than
    it is; recall and the false-positive rate do not depend on the class shares. By Bayes' rule the
    precision is ``r p / (r p + f (1 - p))``; 0 where nothing is predicted positive.

    Args:
        recall: share of the positives found, in [0, 1].
        false_positive_rate: share of the negatives taken for positives, in [0, 1].
        positive_rate: share of positives in the world, in [0, 1].
    """
    hits = recall * positive_rate
    predicted = hits + false_positive_rate * (1 - positive_rate)
    return hits / predicted if predicted else 0.0


def correct_prior(
    probabilities: Tensor | np.ndarray[Any, Any],
    trained: Tensor | np.ndarray[Any, Any] | Sequence[float],
    true: Tensor | np.ndarray[Any, Any] | Sequence[float],
) -> Tensor:
    """Return the probabilities that a classifier would give had it seen the classes in their true shares.

    A classifier that learned from over- or under-sampled rows takes the rare class for more common than it is.
    As long as the rows of every class are distributed as in the world, Bayes' rule brings its probabilities
    back: that of class k is proportional to ``p_k true_k / trained_k``. For two classes the order of the rows
    stays as it was; after under-sampling, this is the correction of Dal Pozzolo et al.

    References:
        Saerens, Latinne and Decaestecker (2002): Adjusting the Outputs of a Classifier to New a Priori
        Probabilities: A Simple Procedure, https://doi.org/10.1162/089976602753284446

        Elkan (2001): The Foundations of Cost-Sensitive Learning, theorem 2

        Dal Pozzolo et al. (2015): Calibrating Probability with Undersampling for Unbalanced Classification,
        https://doi.org/10.1109/SSCI.2015.33

    Args:
        probabilities: of every class, ``(n, K)``.
        trained: shares, or numbers of rows, of the classes that the classifier learned from, ``(K,)``; a class
            that it never saw keeps 0.
        true: shares, or numbers of rows, in the world, ``(K,)``.

    Returns:
        Probabilities, ``(n, K)``, float32 or finer. A row whose products are all 0 stays as it is.

    Raises:
        InputError: if the shares are not K finite numbers, 0 or more, with one above 0.
    """
    given = torch.as_tensor(probabilities)
    given = given.to(torch.promote_types(given.dtype, torch.float32))
    before, after = (_shares(name, shares, given.shape[1]) for name, shares in (("trained", trained), ("true", true)))
    ratio = torch.where(before > 0, after / before, 0)
    products = given * ratio.to(given.device, given.dtype)
    total = products.sum(dim=1, keepdim=True)
    return torch.where(total > 0, products / total, given)


def require_rate(positive_rate: float | None) -> None:
    """Raise an InputError unless the rate is a share between 0 and 1, or there is none."""
    if positive_rate is not None and not 0 < positive_rate < 1:
        raise InputError(f"positive_rate is {positive_rate}; give a share between 0 and 1.")


def _shares(name: str, shares: Tensor | np.ndarray[Any, Any] | Sequence[float], classes: int) -> Tensor:
    """Return the shares of the classes, not summing to 1, as doubles ``(K,)``."""
    found = torch.as_tensor(shares, dtype=torch.float64, device="cpu")
    if found.shape != (classes,) or not (found.isfinite().all() and (found >= 0).all() and found.any()):
        raise InputError(
            f"The {name} shares are {found.tolist()}; give {classes} finite numbers, 0 or more, not all of them 0."
        )
    return found
