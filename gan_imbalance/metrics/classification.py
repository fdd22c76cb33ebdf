"""How well a classifier serves the rare class: figures that a majority cannot hide in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import binary_auroc, binary_average_precision
from torchmetrics.utilities.data import dim_zero_cat

from gan_imbalance.types import InputError, Label

_CALIBRATION_BINS = 15


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
    probabilities: Tensor | np.ndarray[Any, Any], targets: Tensor | np.ndarray[Any, Any], minority: int
) -> float:
    """Return the threshold with the highest minority F1; to be found on validation rows, never on test rows.

    Candidates are the minority's probabilities as they occur, and 0.5; of equally good ones the closest
    to 0.5 is taken.

    Args:
        probabilities: of every class, ``(n, K)``.
        targets: true classes, int ``(n,)``.
        minority: the rare class, in 0..K-1.

    Raises:
        InputError: if no row is of the minority.
    """
    scores = torch.as_tensor(probabilities).detach().cpu().double()[:, minority]
    positive = torch.as_tensor(targets).cpu() == minority
    positives = int(positive.sum())
    if not positives:
        raise InputError(
            "No validation row is of the minority class, so its threshold cannot be tuned: enlarge validation_fraction."
        )
    candidates = torch.from_numpy(np.union1d(scores.numpy(), 0.5))
    predicted = len(scores) - torch.searchsorted(scores.sort().values, candidates)
    hits = positives - torch.searchsorted(scores[positive].sort().values, candidates)
    f1 = 2 * hits.double() / (predicted + positives)
    best = candidates[f1 == f1.max()]
    return float(best[(best - 0.5).abs().argmin()])


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


class ImbalanceMetrics(Metric):
    """Per-class and threshold-free figures of a classifier on imbalanced classes.

    :meth:`compute` returns, as scalars in [0, 1]: ``recall_<label>``, ``precision_<label>`` and
    ``f1_<label>`` of every class; ``balanced_accuracy`` and ``g_mean``, the arithmetic and geometric mean
    of the recalls; ``accuracy``; and, of the minority against the rest, ``pr_auc`` (average precision),
    ``roc_auc``, ``brier`` (mean squared error of the probability) and ``calibration_error`` (share-weighted
    mean over 15 equal bins of ``|mean probability - share of minority|``: Naeini et al., 2015).

    A figure without a meaning is NaN: the recall of a class without rows (left out of both means), and
    ``pr_auc`` and ``roc_auc`` unless both kinds of rows are there. The precision of a class that is never
    predicted is 0.

    Args:
        classes: the K labels, in order of the probabilities' columns.
        minority: the rare class, in 0..K-1.
        threshold: see :func:`predict_classes`.
    """

    is_differentiable = False
    full_state_update = False
    probabilities: list[Tensor]
    targets: list[Tensor]

    def __init__(self, classes: Sequence[Label], minority: int, threshold: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = tuple(classes)
        self.minority = minority
        self.threshold = threshold
        self.add_state("probabilities", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, targets: Tensor) -> None:
        """Collect a batch.

        Args:
            probabilities: of every class, ``(n, K)``, half precision or finer.
            targets: true classes, int ``(n,)``.
        """
        dtype = torch.promote_types(probabilities.dtype, torch.float32)
        self.probabilities.append(probabilities.detach().to(dtype))
        self.targets.append(targets)

    def compute(self) -> dict[str, Tensor]:
        """Return every figure by its name."""
        probabilities, targets = dim_zero_cat(self.probabilities), dim_zero_cat(self.targets)
        counts = self._counts(probabilities, targets)
        return {
            **self._class_figures(counts),
            **_minority_figures(probabilities[:, self.minority], targets == self.minority),
        }

    def confusion_matrix(self) -> Tensor:
        """Return counts, int64 ``(K, K)``: a row per true class, a column per predicted class."""
        with self.sync_context():
            return self._counts(dim_zero_cat(self.probabilities), dim_zero_cat(self.targets))

    def _counts(self, probabilities: Tensor, targets: Tensor) -> Tensor:
        predicted = predict_classes(probabilities, self.minority, self.threshold)
        size = len(self.classes)
        return torch.bincount(targets * size + predicted, minlength=size * size).reshape(size, size)

    def _class_figures(self, counts: Tensor) -> dict[str, Tensor]:
        hits, actual, predicted = counts.diagonal(), counts.sum(dim=1), counts.sum(dim=0)
        recall = hits / actual
        per_class = {
            "recall": recall,
            "precision": hits / predicted.clamp(min=1),
            "f1": 2 * hits / (actual + predicted),
        }
        figures = {
            f"{name}_{label}": value
            for name, values in per_class.items()
            for label, value in zip(self.classes, values, strict=True)
        }
        present = recall[actual > 0]
        return figures | {
            "balanced_accuracy": present.mean(),
            "g_mean": present.log().mean().exp(),
            "accuracy": hits.sum() / counts.sum(),
        }


def _minority_figures(scores: Tensor, positive: Tensor) -> dict[str, Tensor]:
    """Return the threshold-free figures of scores in [0, 1], ``(n,)``, against a boolean truth, ``(n,)``."""
    # A rounding error above 1 would make torchmetrics take all the scores for logits.
    scores = scores.clamp(0, 1)
    gaps = scores - positive.to(scores.dtype)
    bins = (scores * _CALIBRATION_BINS).long().clamp(max=_CALIBRATION_BINS - 1)
    gap_by_bin = scores.new_zeros(_CALIBRATION_BINS).index_add(0, bins, gaps)
    pr_auc = roc_auc = scores.new_tensor(torch.nan)
    if positive.any() and not positive.all():
        pr_auc = binary_average_precision(scores, positive.long(), validate_args=False)
        roc_auc = binary_auroc(scores, positive.long(), validate_args=False)
    return {
        "pr_auc": pr_auc,
        "roc_auc": roc_auc,
        "brier": gaps.square().mean(),
        "calibration_error": gap_by_bin.abs().sum() / len(scores),
    }
