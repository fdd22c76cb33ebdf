"""The conditional GAN."""

from __future__ import annotations

from typing import Any, ClassVar

from gan_imbalance.gans.base import BaseGAN
from gan_imbalance.types import ClassSelection


class ConditionalGAN(BaseGAN):
    """GAN whose networks are both conditioned on the class; learns several classes at once.

    Mirza and Osindero 2014, Conditional Generative Adversarial Nets (https://arxiv.org/abs/1411.1784).

    Args:
        classes: what it learns; with ``clusters`` in the data module one class suffices.
        kwargs: see :class:`BaseGAN`.

    Example:
        One GAN serves all classes that are topped up:

        >>> import pandas as pd
        >>> from gan_imbalance import GANOverSampler
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> labels[:5] = ["odd"] * 5
        >>> sampler = GANOverSampler("ConditionalGAN", max_steps=3)
        >>> X, y = sampler.fit_resample(table, labels)
        >>> sampler.gans_["rare"] is sampler.gans_["odd"]
        True
    """

    conditional: ClassVar[bool] = True

    def __init__(self, classes: ClassSelection = "all", **kwargs: Any) -> None:
        super().__init__(classes=classes, **kwargs)
