"""The conditional GAN."""

from __future__ import annotations

from typing import Any, ClassVar

from gan_imbalance.gans.base import BaseGAN
from gan_imbalance.types import ClassSelection


class ConditionalGAN(BaseGAN):
    """GAN whose networks are both told the class; learns several classes at once.

    Mirza and Osindero 2014, Conditional Generative Adversarial Nets (https://arxiv.org/abs/1411.1784).

    Args:
        classes: what it learns; with ``clusters`` in the data module one class suffices.
        kwargs: see :class:`BaseGAN`.
    """

    conditional: ClassVar[bool] = True

    def __init__(self, classes: ClassSelection = "all", **kwargs: Any) -> None:
        super().__init__(classes=classes, **kwargs)
