"""Stops a training that has diverged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import Any, ClassVar

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from gan_imbalance.types import InputError


class TrainingDiverged(InputError):
    """A loss or a weight is no longer a finite number, or weights have grown wild; the command line ends with 1."""

    exit_code: ClassVar[int] = 1


class FiniteLossGuard(Callback):
    """Ends training with a clear message when a loss or a weight is no longer a finite number, or weights grow wild.

    Of every step, its losses and one sum of weights of each network stay on the device: of those that are trained and
    lie next to the network's input, which whatever is not finite reaches. They, and all weights, are looked at every
    ``every_n_steps`` steps, and always before a checkpoint is written, so that the last one kept is good.

    Args:
        every_n_steps: how often the device is waited for.
        max_weight: what the root mean square of a network's weights may not exceed; it starts at 0.01 to 1 in common
            networks, and is seldom above 10 after training.

    Raises:
        TrainingDiverged: naming the step and the network in which it began.
    """

    watches: ClassVar[type[LightningModule]] = LightningModule
    """Whatever is trained."""

    def __init__(self, every_n_steps: int = 50, max_weight: float = 100.0) -> None:
        self.every_n_steps = every_n_steps
        self.max_weight = max_weight
        self._weights: dict[str, Tensor] = {}
        self._steps: list[tuple[int, dict[str, Tensor]]] = []
        self._kept = ""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Keep the losses of this step and the sums of weights, in the order in which they came."""
        names = product(trainer.checkpoint_callbacks, ("best_model_path", "last_model_path"))
        self._kept = next(filter(None, (getattr(callback, name, "") for callback, name in names)), "")
        if not self._weights or not batch_idx:
            # phases of training have optimizers of their own
            self._weights = _first_weights(trainer, pl_module)
        step = dict(outputs or {})
        for name, weights in self._weights.items():
            step |= {loss: step.pop(loss) for loss in [*step] if name in loss}
            step[name] = weights.detach().sum()
        self._steps.append((trainer.global_step, step))
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
        sizes = {name: _root_mean_square(one) for name, one in pl_module.named_children() if [*one.parameters()]}
        kept = [value.detach().float() for _, step in self._steps for value in step.values()]
        good = torch.stack(
            [*(value.isfinite() for value in kept), *(size <= self.max_weight for size in sizes.values())]
        )
        # all processes end together: one that went on would wait for the others for ever
        if not trainer.strategy.reduce_boolean_decision(bool(good.all())):
            raise TrainingDiverged(
                f"Training diverged: {self._culprit(trainer.global_step, sizes)}. Lower the learning rates, or choose "
                "another loss or penalty." + (f" The last good checkpoint is {self._kept}." if self._kept else "")
            )
        self._steps = []

    def _culprit(self, last_step: int, sizes: Mapping[str, Tensor]) -> str:
        """Return what went wrong first, and when."""
        for number, step in self._steps:
            for name, value in step.items():
                if not value.isfinite():
                    if name in self._weights:
                        return f"the {name}'s weights are not finite after step {number}"
                    return f"the {name.rpartition('/')[2].replace('_', ' ')} of step {number} is not finite"
        for name, size in sizes.items():
            if not size <= self.max_weight:
                return f"the {name}'s weights are {size:.3g} in root mean square by step {last_step}"
        return f"a loss or weight of another process is not finite, or too large, by step {last_step}"


def _root_mean_square(network: nn.Module) -> Tensor:
    parameters = [*network.parameters()]
    return nn.utils.get_total_norm(parameters).float() / math.sqrt(sum(one.numel() for one in parameters))


def _first_weights(trainer: Trainer, pl_module: LightningModule) -> dict[str, Tensor]:
    """Return of each network, by name, the trained weights that are nearest to its input."""
    groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
    trained = {id(one) for group in groups for one in group["params"]}
    found = {
        name: next((one for one in network.parameters() if id(one) in trained), None)
        for name, network in pl_module.named_children()
    }
    # a step trains the discriminator first
    return {name: one for name, one in sorted(found.items()) if one is not None}
