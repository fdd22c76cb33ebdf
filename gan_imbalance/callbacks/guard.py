"""Stops a training that has diverged."""

from __future__ import annotations

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from gan_imbalance.types import InputError


class FiniteLossGuard(Callback):
    """Ends training with a clear message when a loss is no longer a finite number.

    Losses are gathered on the device at every step and looked at every ``every_n_steps`` steps, and always before
    a checkpoint is written, so that the last one kept is good.

    Args:
        every_n_steps: how often the device is waited for.
    """

    def __init__(self, every_n_steps: int = 50) -> None:
        self.every_n_steps = every_n_steps
        self._sum: Tensor | float = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Gather the losses of this step."""
        # one non-finite loss makes the sum non-finite for good
        self._sum = self._sum + sum(outputs.values())
        if (batch_idx + 1) % self.every_n_steps == 0:
            self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look before checkpoints of this epoch are written."""
        self._check(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look before validation, which may write a checkpoint."""
        self._check(trainer)

    def _check(self, trainer: Trainer) -> None:
        finite = torch.as_tensor(self._sum).isfinite().item()
        self._sum = 0.0
        if not finite:
            callback = trainer.checkpoint_callback
            kept = getattr(callback, "best_model_path", "") or getattr(callback, "last_model_path", "")
            raise InputError(
                f"Training diverged: a loss is not finite by step {trainer.global_step}. Lower the learning rates or "
                "choose another loss or penalty. " + (f"The last good checkpoint is {kept}." if kept else "")
            )
