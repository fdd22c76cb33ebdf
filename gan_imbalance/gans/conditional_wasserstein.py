"""The conditional Wasserstein GAN."""

from __future__ import annotations

from typing import Any, ClassVar

from gan_imbalance.gans.wasserstein import WassersteinGAN
from gan_imbalance.types import ClassSelection


class ConditionalWassersteinGAN(WassersteinGAN):
    """Wasserstein GAN with gradient penalty whose networks are both told the class.

    Gulrajani et al. 2017 (https://arxiv.org/abs/1704.00028) with the conditions of Mirza and Osindero 2014
    (https://arxiv.org/abs/1411.1784).

    Args:
        classes: what it learns; with ``clusters`` in the data module one class suffices.
        kwargs: see :class:`WassersteinGAN`.
    """

    conditional: ClassVar[bool] = True

    def __init__(self, classes: ClassSelection = "all", **kwargs: Any) -> None:
        super().__init__(classes=classes, **kwargs)
