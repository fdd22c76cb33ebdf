"""The Wasserstein GAN."""

from __future__ import annotations

from typing import Any

from gan_imbalance.gans.base import BaseGAN
from gan_imbalance.losses import AdversarialLoss, GradientPenalty, WassersteinGradientPenalty, WassersteinLoss


class WassersteinGAN(BaseGAN):
    """Unconditional Wasserstein GAN with gradient penalty; learns one class.

    Arjovsky et al. 2017 (https://arxiv.org/abs/1701.07875); Gulrajani et al. 2017, Improved Training of
    Wasserstein GANs (https://arxiv.org/abs/1704.00028), algorithm 1. For the clipped original give
    ``ClippedWassersteinLoss`` and no penalty.

    Args:
        loss: adversarial loss.
        penalty: gradient penalty.
        discriminator_steps: critic steps per generator step.
        kwargs: see :class:`BaseGAN`.

    Example:
        Train it on the rare class of a table, and take exact numbers of rows from it:

        >>> from pytorch_lightning import Trainer
        >>> from gan_imbalance import TabularDataModule, WassersteinGAN, synthesize
        >>> data, gan = TabularDataModule(bundled="breast_cancer", steps_per_epoch=3), WassersteinGAN()
        >>> trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        ...                   enable_progress_bar=False, enable_model_summary=False)
        >>> trainer.fit(gan, data)
        >>> synthesize(gan, {"0": 7}, seed=0).rows.shape
        (7, 31)
    """

    def __init__(
        self,
        loss: AdversarialLoss = WassersteinLoss(),
        penalty: GradientPenalty | None = WassersteinGradientPenalty(),
        discriminator_steps: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(loss=loss, penalty=penalty, discriminator_steps=discriminator_steps, **kwargs)
