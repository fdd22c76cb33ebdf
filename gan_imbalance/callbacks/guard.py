"""Stops a training that has diverged."""

from __future__ import annotations

from itertools import product
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from gan_imbalance.types import InputError


class FiniteLossGuard(Callback):
    """Ends training with a clear message when a loss or a weight is no longer a finite number.

    Losses are gathered on the device at every step. They, and the weights, are looked at every ``every_n_steps``
    steps, and always before a checkpoint is written, so that the last one kept is good.

    Args:
        every_n_steps: how often the device is waited for.
    """

    def __init__(self, every_n_steps: int = 50) -> None:
        self.every_n_steps = every_n_steps
        self._sum: Tensor | float = 0.0
        self._kept = ""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Gather the losses of this step."""
        names = product(trainer.checkpoint_callbacks, ("best_model_path", "last_model_path"))
        self._kept = next(filter(None, (getattr(callback, name, "") for callback, name in names)), "")
        # one non-finite loss makes the sum non-finite for good
        self._sum = self._sum + sum(outputs.values())
        if (batch_idx + 1) % self.every_n_steps == 0:
            self._check(trainer, pl_module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look before monitors meet samples that are not finite."""
        self._check(trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Look before the checkpoint replaces another one."""
        self._check(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the steps that no checkpoint followed."""
        self._check(trainer, pl_module)

    def _check(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # a finite loss can have a slope that is not, which only the weights show
        finite = (self._sum + nn.utils.get_total_norm(pl_module.parameters())).isfinite().item()
        self._sum = 0.0
        # all processes end together: one that went on would wait for the others for ever
        if not trainer.strategy.reduce_boolean_decision(bool(finite)):
            raise InputError(
                f"Training diverged: a loss or weight is not finite by step {trainer.global_step}. Lower the learning "
                "rates or choose another loss or penalty. "
                + (f"The last good checkpoint is {self._kept}." if self._kept else "")
            )
