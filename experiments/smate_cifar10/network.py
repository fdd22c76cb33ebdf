"""SMate's classifier at its full size, whatever the size of the images."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor
from torch.nn import functional as F

from gan_imbalance.networks import SMateCNN
from gan_imbalance.types import DataSpec

SIDE = 32


class FullSizeCNN(SMateCNN):
    """SMate's classifier of 32 x 32 pixels, to which smaller images are scaled up: its layers stay the published ones.

    With ten classes it has the published 1,250,858 parameters; with fewer, only the last layer is smaller (1,247,780
    with four).

    Args:
        spec: the images to classify.
    """

    def __init__(self, spec: DataSpec) -> None:
        super().__init__(replace(spec, shape=(spec.shape[0], SIDE, SIDE)))

    def features(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to what the last layer sees, (n, 512)."""
        return super().features(_enlarged(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to logits (n, classes)."""
        return super().forward(_enlarged(x))


def _enlarged(x: Tensor) -> Tensor:
    return F.interpolate(x, size=SIDE, mode="bilinear", align_corners=False)
