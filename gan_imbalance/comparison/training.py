"""What classifiers of a comparison learn from, and the place where it can be changed after resampling."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from gan_imbalance.data.imbalance import Indices


class Training(NamedTuple):
    """What a classifier learns from: the training rows of a split, and those that a remedy added.

    Attributes:
        features: rows as classifiers see them, (n, ...).
        labels: class indices, (n,).
        added: mask of the rows that the remedy added, (n,).
        weights: how much each row counts, (n,); None for all alike.
        probabilities: of the classes, (n, K), to be learned in place of the labels; None for the labels.
    """

    features: npt.NDArray[Any]
    labels: Indices
    added: npt.NDArray[np.bool_]
    weights: npt.NDArray[np.floating[Any]] | None = None
    probabilities: npt.NDArray[np.floating[Any]] | None = None

    def take(self, rows: npt.NDArray[Any]) -> Training:
        """Return some of the rows, by a mask or by their positions."""
        weights = None if self.weights is None else self.weights[rows]
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Training(self.features[rows], self.labels[rows], self.added[rows], weights, probabilities)


class TrainingTransform(Protocol):
    """Changes rows, labels or weights between resampling and fitting; a remedy names one by ``transform``.

    It sees training rows alone, and may learn from them; what it needs beside them is a constructor argument.
    """

    def __call__(self, training: Training, seed: int) -> Training:
        """Return what classifiers learn from instead.

        Args:
            training: rows of the split and the remedy's.
            seed: of the split; the same seed must return the same.
        """
