"""How well a classifier serves the rare class: figures that a majority cannot hide in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.functional.classification import (
    binary_auroc,
    binary_average_precision,
    binary_precision_recall_curve,
)
from torchmetrics.utilities.data import dim_zero_cat

from gan_imbalance.metrics.decisions import Costs, expected_cost, predict_classes, require_rate, reweighted_precision
from gan_imbalance.types import InputError, Label

_CALIBRATION_BINS = 15


class ImbalanceMetrics(Metric):
    """Per-class and threshold-free figures of a classifier on imbalanced classes.

    :meth:`compute` returns, as scalars in [0, 1]: ``recall_<label>``, ``precision_<label>`` and
    ``f1_<label>`` of every class; ``balanced_accuracy`` and ``g_mean``, the arithmetic and geometric mean
    of the recalls; ``accuracy``; and, of the minority against the rest, ``pr_auc`` (average precision),
    ``roc_auc``, ``precision_at_recall`` and ``recall_at_precision`` (the highest that any threshold reaches at
    so much of the other; 0 if none does), ``brier`` (mean squared error of the probability) and
    ``calibration_error`` (share-weighted mean over 15 equal bins of ``|mean probability - share of minority|``:
    Naeini et al., 2015).

    With costs there is ``expected_cost``, in their unit: the mean cost of a row at the threshold. A miss is a
    row of the minority that is predicted otherwise, a false alarm any other row that is predicted as the
    minority. With a positive rate, misses and false alarms are weighted to it, and ``precision_reweighted`` is
    the minority's precision there (see :func:`reweighted_precision`).

    A figure without a meaning is NaN: the recall of a class without rows (left out of both means), and, unless
    both kinds of rows are there, whatever is free of a threshold but ``brier`` and ``calibration_error``, or
    weighted to a positive rate. The precision of a class that is never predicted is 0.

    Args:
        classes: the K labels, in order of the probabilities' columns.
        minority: the rare class, in 0..K-1.
        threshold: see :func:`predict_classes`.
        at_recall: the least recall for ``precision_at_recall``, in (0, 1].
        at_precision: the least precision for ``recall_at_precision``, in (0, 1].
        costs: of both kinds of mistakes.
        positive_rate: share of the minority in the world, in (0, 1).
        kwargs: see ``torchmetrics.Metric``.

    Raises:
        InputError: if ``at_recall``, ``at_precision`` or the rate is out of its range.
    """

    is_differentiable = False
    full_state_update = False
    probabilities: list[Tensor]
    targets: list[Tensor]

    def __init__(
        self,
        classes: Sequence[Label],
        minority: int,
        threshold: float | None = None,
        *,
        at_recall: float = 0.8,
        at_precision: float = 0.8,
        costs: Costs | None = None,
        positive_rate: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, least in (("at_recall", at_recall), ("at_precision", at_precision)):
            if not 0 < least <= 1:
                raise InputError(f"{name} is {least}; give a share above 0, at most 1.")
        require_rate(positive_rate)
        self.classes = tuple(classes)
        self.minority = minority
        self.threshold = threshold
        self.at_recall = at_recall
        self.at_precision = at_precision
        self.costs = costs
        self.positive_rate = positive_rate
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
        scores, positive = probabilities[:, self.minority], targets == self.minority
        return {
            **self._class_figures(counts),
            **self._weighted_figures(counts),
            **_minority_figures(scores, positive, self.at_recall, self.at_precision),
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

    def _weighted_figures(self, counts: Tensor) -> dict[str, Tensor]:
        hits, positives = counts[self.minority, self.minority], counts[self.minority].sum()
        misses, false_alarms = positives - hits, counts[:, self.minority].sum() - hits
        negatives = counts.sum() - positives
        figures = {}
        if self.costs is not None:
            figures["expected_cost"] = expected_cost(
                misses, false_alarms, positives, negatives, self.costs, self.positive_rate
            )
        if self.positive_rate is not None:
            recall, false_positive_rate = hits / positives, false_alarms / negatives
            precision = reweighted_precision(float(recall), float(false_positive_rate), self.positive_rate)
            figures["precision_reweighted"] = recall.new_tensor(precision)
        return figures


def _minority_figures(scores: Tensor, positive: Tensor, at_recall: float, at_precision: float) -> dict[str, Tensor]:
    """Return the threshold-free figures of scores in [0, 1], ``(n,)``, against a boolean truth, ``(n,)``."""
    # A rounding error above 1 would make torchmetrics take all the scores for logits.
    scores = scores.clamp(0, 1)
    gaps = scores - positive.to(scores.dtype)
    bins = (scores * _CALIBRATION_BINS).long().clamp(max=_CALIBRATION_BINS - 1)
    gap_by_bin = scores.new_zeros(_CALIBRATION_BINS).index_add(0, bins, gaps)
    pr_auc = roc_auc = precision_at_recall = recall_at_precision = scores.new_tensor(torch.nan)
    if positive.any() and not positive.all():
        pr_auc = binary_average_precision(scores, positive.long(), validate_args=False)
        roc_auc = binary_auroc(scores, positive.long(), validate_args=False)
        # torchmetrics' own figures at a fixed recall or precision loop over all thresholds, and miss one of
        # exactly that precision where scores are doubles; the curve ends at recall 0 with precision 1
        precision, recall, _ = binary_precision_recall_curve(scores, positive.long(), validate_args=False)
        precision_at_recall = precision[recall >= at_recall].max()
        recall_at_precision = recall[precision >= at_precision].max()
    return {
        "pr_auc": pr_auc,
        "roc_auc": roc_auc,
        "precision_at_recall": precision_at_recall,
        "recall_at_precision": recall_at_precision,
        "brier": gaps.square().mean(),
        "calibration_error": gap_by_bin.abs().sum() / len(scores),
    }
