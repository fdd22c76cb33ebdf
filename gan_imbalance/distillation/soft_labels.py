"""Rows with probabilities of classes, and how any classifier learns from them."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import has_fit_parameter

from gan_imbalance.data.imbalance import Indices
from gan_imbalance.types import InputError

LearnedAs = Literal["probabilities", "weights", "draws"]
"""How a classifier takes soft labels: as they are, as weighted copies of the rows, or as labels drawn from them."""

RealLabels = Literal["given", "teacher", "both", "none"]
"""What real rows have for labels: their own, the teacher's out-of-fold probabilities, the mean of the two; or they are
left out."""

# a copy that counts for less than this of its row changes nothing but the time
_NEGLIGIBLE = 1e-3


def real_targets(labels: Indices, teacher: Any, real: RealLabels) -> tuple[npt.NDArray[np.float64], Indices]:
    """Return what real rows have for labels, (n, K), and the positions of those that are learned from.

    Args:
        labels: class indices, (n,).
        teacher: fitted on the rows; its ``out_of_fold_`` has their probabilities, (n, K).
        real: what they have.

    Raises:
        InputError: if ``real`` is none of :data:`RealLabels`, or the teacher has no ``out_of_fold_``.
    """
    if real not in get_args(RealLabels):
        raise InputError(f"real is {real!r}: give one of {', '.join(get_args(RealLabels))}.")
    if not hasattr(teacher, "out_of_fold_"):
        raise InputError(
            f"The teacher, {type(teacher).__name__}, has no out_of_fold_ after fit: give a CrossFittedEnsemble with it "
            "as a member."
        )
    out_of_fold: npt.NDArray[np.float64] = teacher.out_of_fold_
    given = np.eye(out_of_fold.shape[1])[labels]
    targets = {"given": given, "both": (given + out_of_fold) / 2}.get(real, out_of_fold)
    return targets, np.arange(0 if real == "none" else len(labels))


def learned_as(classifier: Any) -> LearnedAs:
    """Return how a classifier can take soft labels.

    Raises:
        InputError: if it has no ``predict_proba``: what learns from probabilities has to give some.
    """
    if not hasattr(classifier, "predict_proba"):
        raise InputError(
            f"{type(classifier).__name__} has no predict_proba, so it cannot be taught probabilities: wrap it in "
            "sklearn.calibration.CalibratedClassifierCV, or name another student."
        )
    if getattr(classifier, "learns_probabilities", False):
        return "probabilities"
    return "weights" if has_fit_parameter(classifier, "sample_weight") else "draws"


def fit_softly(
    classifier: Any,
    features: npt.NDArray[Any],
    probabilities: npt.NDArray[Any],
    seed: int,
    sample_weight: npt.NDArray[Any] | None = None,
    **options: Any,
) -> Any:
    """Fit a classifier on soft labels in the way that it can take them, and return it; its classes are 0 to K - 1.

    Args:
        classifier: to be fitted.
        features: (n, d).
        probabilities: of the classes, (n, K).
        seed: of labels that have to be drawn.
        sample_weight: how much every row counts, (n,); None for all alike.
        options: further arguments of ``fit``, of which arrays have a value per row.

    Raises:
        InputError: if it has no ``predict_proba``.
    """
    way = learned_as(classifier)
    if way == "draws":
        rows, labels = np.arange(len(features)), drawn(probabilities, seed)
        weights = None
    elif way == "weights":
        rows, labels, weights = as_weighted_copies(probabilities)
    else:
        # labels that only say what the classes are
        rows, weights = np.arange(len(features)), None
        labels = rows % probabilities.shape[1]
        options["probabilities"] = probabilities
    if sample_weight is not None:
        weights = sample_weight[rows] if weights is None else weights * sample_weight[rows]
    if way == "weights":
        options = {name: one[rows] if isinstance(one, np.ndarray) else one for name, one in options.items()}
    if weights is not None:
        options["sample_weight"] = weights
    return classifier.fit(features[rows], labels, **options)


def as_weighted_copies(probabilities: npt.NDArray[Any]) -> tuple[Indices, Indices, npt.NDArray[np.float64]]:
    """Return every row once per class, weighted by its probability: a weighted loss is then that of the soft labels.

    The sum over the copies of weight times -log q of their class is the cross-entropy between probabilities and q
    (Hinton, Vinyals, Dean 2015, https://arxiv.org/abs/1503.02531). Copies of nearly no weight are left out.

    Args:
        probabilities: of the classes, (n, K).

    Returns:
        Positions of the rows, class indices, and weights, (copies,) each; the weights of a row sum to 1.
    """
    rows, labels = np.nonzero(probabilities >= _NEGLIGIBLE)
    weights = probabilities[rows, labels].astype(np.float64)
    return rows, labels, weights / np.bincount(rows, weights, minlength=len(probabilities))[rows]


def drawn(probabilities: npt.NDArray[Any], seed: int) -> Indices:
    """Return a class index per row, (n,), drawn from its probabilities, (n, K): soft labels on average."""
    draws = np.random.default_rng(seed).random((len(probabilities), 1))
    found: Indices = (draws > np.cumsum(probabilities, axis=1)[:, :-1]).sum(axis=1)
    return found
