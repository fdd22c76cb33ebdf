"""The original GAN."""

from __future__ import annotations

from gan_imbalance.gans.base import BaseGAN


class GAN(BaseGAN):
    """Unconditional GAN with the non-saturating loss; learns one class.

    Goodfellow et al. 2014, Generative Adversarial Nets (https://arxiv.org/abs/1406.2661). With soft labels
    (``NonSaturatingLoss``) it is the first of the card-fraud GANs. Its arguments are those of
    :class:`BaseGAN`.

    Example:
        Soft labels of real rows, which keep the discriminator from being too sure:

        >>> import pandas as pd
        >>> from gan_imbalance import GAN, GANOverSampler
        >>> from gan_imbalance.losses import NonSaturatingLoss
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> labels = ["common"] * 30 + ["rare"] * 10
        >>> gan = GAN(loss=NonSaturatingLoss(real_label_range=(0.9, 1.0)))
        >>> X, y = GANOverSampler(gan, max_steps=3).fit_resample(table, labels)
        >>> len(X)
        60
    """
