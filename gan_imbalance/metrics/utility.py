"""What synthetic rows are worth to a classifier that has nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_imbalance.metrics.classification import ImbalanceMetrics
from gan_imbalance.types import InputError, Label

Numbers = NDArray[Any]


def train_and_test(
    features: Numbers,
    labels: Numbers,
    test_features: Numbers,
    test_labels: Numbers,
    classes: Sequence[Label],
    minority: int,
    seed: int = 0,
) -> dict[str, float]:
    """Train boosted trees on some rows and judge them on real ones.

    With synthetic training rows this is train-on-synthetic-test-on-real (Esteban et al., 2017, section 4.2); with the
    real rows that the generator learned from, what synthetic ones can reach at best.

    References:
        Real-valued (Medical) Time Series Generation with Recurrent Conditional GANs, https://arxiv.org/abs/1706.02633

    Args:
        features: training rows, ``(n, d)``.
        labels: their class indices, ``(n,)``.
        test_features: real rows that neither generator nor trees have seen, ``(m, d)``.
        test_labels: their class indices, ``(m,)``.
        classes: every class, in order of the indices.
        minority: the rare class, in 0..K-1.
        seed: of the trees.

    Returns:
        The figures of :class:`ImbalanceMetrics`.

    Raises:
        InputError: if the training rows are of one class only.
    """
    from xgboost import XGBClassifier

    present, codes = np.unique(labels, return_inverse=True)
    if len(present) < 2:
        raise InputError(
            f"All training rows are of class {classes[int(present[0])]!r}, so no classifier can learn from them; "
            "give rows of several classes."
        )
    trees = XGBClassifier(random_state=seed, n_jobs=torch.get_num_threads()).fit(features, codes)
    probabilities = np.zeros((len(test_features), len(classes)), dtype=np.float32)
    probabilities[:, present] = trees.predict_proba(test_features)
    metrics = ImbalanceMetrics(classes, minority)
    metrics.update(torch.from_numpy(probabilities), torch.from_numpy(np.asarray(test_labels, dtype=np.int64)))
    return {name: float(value) for name, value in metrics.compute().items()}
