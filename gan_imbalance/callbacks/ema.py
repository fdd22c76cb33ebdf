"""Exponential moving average of the generator's weights."""

from __future__ import annotations

from typing import Any, cast

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from gan_imbalance.generators import BaseGenerator
from gan_imbalance.types import InputError


class GeneratorEMA(Callback):
    """Validates, saves and ends with an average of the generator's weights; trains the raw ones.

    Yazici et al. 2019, The Unusual Effectiveness of Averaging in GAN Training
    (https://arxiv.org/abs/1806.04498). As in Lightning's own weight averaging, a checkpoint's ``state_dict`` holds
    the average and the raw weights lie beside it. Frozen weights and buffers are copied, not averaged.

    Args:
        decay: share of the average that is kept at every step, in [0, 1); 0 follows the raw weights. Early on it is
            lower, (1 + step) / (10 + step), so that the average forgets the initial weights.
    """

    def __init__(self, decay: float = 0.99) -> None:
        if not 0 <= decay < 1:
            raise InputError(f"decay is {decay}: give a number of at least 0 and below 1.")
        self.decay = decay
        self._updates = 0
        # what the generator does not hold at the moment: the average, or while validating the raw weights
        self._set_aside: dict[str, Tensor] = {}
        self._swapped = False
        self._resumed_raw: dict[str, Tensor] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start averaging at the current weights; a resumed run holds its average there."""
        generator = cast(BaseGenerator, pl_module).ema_target
        self._set_aside, self._swapped = _copy(generator.state_dict()), False
        if self._resumed_raw:
            generator.load_state_dict(self._resumed_raw)
            self._resumed_raw = {}

    @torch.no_grad()
    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any) -> None:
        """Move the average towards the new weights."""
        self._updates += 1
        decay = min(self.decay, (1 + self._updates) / (10 + self._updates))
        generator, average = cast(BaseGenerator, pl_module).ema_target, self._set_aside
        weights = dict(generator.named_parameters())
        trained = {name: weight for name, weight in weights.items() if weight.requires_grad}
        if trained:
            move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
            # of the number of steps, its last argument, it makes nothing
            move([average[name] for name in trained], list(trained.values()), 0)
        for name, tensor in (*weights.items(), *generator.named_buffers()):
            if name in average and name not in trained:
                average[name].copy_(tensor)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the average into the generator."""
        self._swap(pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the raw weights back, after all callbacks have seen the average."""
        self._swap(pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the average in the generator."""
        self._swap(pl_module)
        self._set_aside = {}

    def _swap(self, pl_module: LightningModule) -> None:
        if self._set_aside:
            generator = cast(BaseGenerator, pl_module).ema_target
            held = _copy(generator.state_dict())
            generator.load_state_dict(self._set_aside)
            self._set_aside, self._swapped = held, not self._swapped

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """See to it that ``state_dict`` holds the average, and keep the raw weights."""
        if not self._set_aside:
            return
        state, prefix = checkpoint["state_dict"], _prefix(pl_module)
        held = {name: state[prefix + name] for name in self._set_aside}
        raw, average = (self._set_aside, held) if self._swapped else (held, self._set_aside)
        checkpoint["generator_ema"] = {"raw": raw, "updates": self._updates}
        state.update({prefix + name: tensor for name, tensor in average.items()})

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Remember the raw weights until training starts."""
        if "generator_ema" in checkpoint:
            self._updates = checkpoint["generator_ema"]["updates"]
            self._resumed_raw = checkpoint["generator_ema"]["raw"]


def _prefix(pl_module: LightningModule) -> str:
    """Return how the names of the averaged weights begin in the module's own."""
    target = cast(BaseGenerator, pl_module).ema_target
    return next(f"{name}." for name, module in pl_module.named_modules() if module is target)


def _copy(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}
