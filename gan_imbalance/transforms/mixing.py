"""Mixtures of training samples and of their labels, by torchvision."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor, nn


class _Mixing(nn.Module):
    """One of torchvision's, by its name."""

    name: ClassVar[str]

    def __init__(self, alpha: float = 1.0) -> None:
        from torchvision.transforms import v2

        super().__init__()
        self.alpha = alpha
        self.mix: Any = getattr(v2, self.name)(alpha=alpha)

    def forward(self, x: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (n, channels, height, width) and class probabilities (n, classes) to those of mixtures."""
        return self.mix(x, probabilities)  # type: ignore[no-any-return]


class MixUp(_Mixing):
    """Blends every image of a batch with another one, and their labels by the same share.

    Zhang et al. 2018, mixup: Beyond Empirical Risk Minimization, https://arxiv.org/abs/1710.09412.

    Args:
        alpha: of the beta distribution, both parameters, that the share is drawn from, one for a batch; above 0.
    """

    name = "MixUp"


class CutMix(_Mixing):
    """Pastes a rectangle of another image of the batch into every image, and mixes their labels by its area.

    Yun et al. 2019, CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features,
    https://arxiv.org/abs/1905.04899.

    Args:
        alpha: of the beta distribution, both parameters, that the area is drawn from, one for a batch; above 0.
    """

    name = "CutMix"
