"""SMate's classifier at its full size, whatever the size of the images and the number of classes."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor
from torch.nn import functional as F

from gan_imbalance.networks import SMateCNN
from gan_imbalance.types import DataSpec

SIDE = 32
CLASSES = tuple(range(10))


class FullSizeCNN(SMateCNN):
    """SMate's classifier for CIFAR-10, always with its published 1,250,858 parameters.

    Smaller images are scaled up to its 32 x 32 pixels. Of its ten logits, as many are used as there are classes; the
    others get no gradient.

    Args:
        spec: the images to classify, of at most ten classes.
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(replace(spec, shape=(spec.shape[0], SIDE, SIDE), classes=CLASSES))
        self.num_classes = len(spec.classes)

    def features(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to what the last layer sees, (n, 512)."""
        return super().features(_enlarged(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to logits (n, classes)."""
        return super().forward(_enlarged(x))[:, : self.num_classes]


def _enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, size=SIDE, mode="bilinear", align_corners=False)
