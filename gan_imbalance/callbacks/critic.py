"""What the discriminator makes of real validation rows and of fakes."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from pytorch_lightning import Callback, LightningModule, Trainer

from gan_imbalance.gans import BaseGAN
from gan_imbalance.generators import BaseGenerator


class CriticMonitor(Callback):
    """Logs the earth-mover estimate and the fake-catch rate on validation rows.

    ``val/earth_mover`` is the mean score of real rows minus that of fakes: the distance itself for a Wasserstein
    critic (Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, eq. 2), else the margin between the two.
    ``val/fake_catch_rate`` is the share of fakes that the discriminator takes for fakes, by the score at which its
    loss changes sides (:meth:`~gan_imbalance.losses.AdversarialLoss.boundary`; for a Wasserstein critic, the middle
    between the mean scores of both kinds): near one half, it guesses.
    """

    watches: ClassVar[type[BaseGenerator]] = BaseGAN
    """The generators that have a discriminator."""

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        *args: Any,
    ) -> None:
        """Log both for this batch; Lightning averages over batches."""
        real, fake = outputs["real_scores"], outputs["fake_scores"]
        if len(real):
            boundary = cast(BaseGAN, pl_module).loss.boundary(real, fake)
            figures = {
                "val/earth_mover": real.mean() - fake.mean(),
                "val/fake_catch_rate": (fake < boundary).float().mean(),
            }
            pl_module.log_dict(figures, on_epoch=True, sync_dist=True, batch_size=len(real))
