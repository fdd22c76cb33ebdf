"""What the discriminator makes of real validation rows and of fakes."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer


class CriticMonitor(Callback):
    """Logs the earth-mover estimate and the fake-catch rate on validation rows.

    ``val/earth_mover`` is the mean score of real rows minus that of fakes: the distance itself for a Wasserstein
    critic (Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, eq. 2), else the margin between the two.
    ``val/fake_catch_rate`` is the share of fakes with a negative score, for losses whose scores have a sign: near
    one half, the discriminator guesses.
    """

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
            figures = {
                "val/earth_mover": real.mean() - fake.mean(),
                "val/fake_catch_rate": (fake < 0).float().mean(),
            }
            pl_module.log_dict(figures, on_epoch=True, sync_dist=True, batch_size=len(real))
