"""The conditional Wasserstein GAN."""

from __future__ import annotations

from typing import Any, ClassVar

from gan_imbalance.gans.wasserstein import WassersteinGAN
from gan_imbalance.types import ClassSelection


class ConditionalWassersteinGAN(WassersteinGAN):
    """Wasserstein GAN with gradient penalty whose networks are both conditioned on the class.

    Gulrajani et al. 2017 (https://arxiv.org/abs/1704.00028) with the conditions of Mirza and Osindero 2014
    (https://arxiv.org/abs/1411.1784).

    Args:
        classes: what it learns; with ``clusters`` in the data module one class suffices.
        kwargs: see :class:`WassersteinGAN`.

    Example:
        Told the cluster of a row in place of its class; both clusters are of class 1, the rare one:

        >>> import pandas as pd
        >>> from gan_imbalance import ConditionalWassersteinGAN, GANOverSampler
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> sampler = GANOverSampler(ConditionalWassersteinGAN(), clusters=2, max_steps=3, random_state=0)
        >>> X, y = sampler.fit_resample(table, labels)
        >>> spec = sampler.gans_["rare"].spec
        >>> spec.num_conditions, spec.condition_classes
        (2, (1, 1))
    """

    conditional: ClassVar[bool] = True

    def __init__(self, classes: ClassSelection = "all", **kwargs: Any) -> None:
        super().__init__(classes=classes, **kwargs)
