"""The original GAN."""

from __future__ import annotations

from gan_imbalance.gans.base import BaseGAN


class GAN(BaseGAN):
    """Unconditional GAN with the non-saturating loss; learns one class.

    Goodfellow et al. 2014, Generative Adversarial Nets (https://arxiv.org/abs/1406.2661). With soft labels
    (``NonSaturatingLoss``) it is the first of the card-fraud GANs.
    """
