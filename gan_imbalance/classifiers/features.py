"""Small classifiers of images, for the features in which generated images are compared with real ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch

from gan_imbalance.classifiers.estimator import ImageClassifier
from gan_imbalance.networks import SMateCNN
from gan_imbalance.types import DataSpec

FEATURE_WIDTH = 0.5
FEATURE_STEPS = 200
"""What a generator's images are looked at with: a few seconds of training on small images."""


def new_feature_network(shape: Sequence[int], labels: Any, width: float = FEATURE_WIDTH) -> SMateCNN:
    """Return the network that :func:`train_feature_network` would train, for weights that it had.

    Args:
        shape: of an image, (channels, side, side).
        labels: of the training images, (n,).
        width: of the layers, as a share of SMate's.
    """
    return SMateCNN(DataSpec("image", tuple(shape), tuple(np.unique(labels).tolist())), width)


def train_feature_network(
    images: Any,
    labels: Any,
    width: float = FEATURE_WIDTH,
    steps: int = FEATURE_STEPS,
    seed: int = 0,
    accelerator: str = "auto",
) -> SMateCNN:
    """Return SMate's CNN, ready to judge, after some steps of 128 images.

    Args:
        images: uint8, (n, channels, side, side).
        labels: (n,).
        width: of the layers, as a share of SMate's.
        steps: of training.
        seed: of weights and batches.
        accelerator: "cpu"; with anything else, a CUDA device where there is one.
    """
    classifier = ImageClassifier(
        partial(SMateCNN, width=width),
        max_steps=steps,
        batch_size=128,
        lr=1e-3,
        optimizer=torch.optim.Adam,
        accelerator=accelerator,
        random_state=seed,
    )
    return cast(SMateCNN, classifier.fit(images, labels).module_.network)
