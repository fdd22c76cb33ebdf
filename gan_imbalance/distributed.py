"""Several processes that train together; with one alone, all of this leaves things as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.trainer.states import TrainerStatus
from torch import Tensor, distributed, nn


def trainer_of(module: LightningModule) -> Trainer | None:
    """Return the trainer of a module, or None if it has none."""
    try:
        return module.trainer
    except RuntimeError:
        return None


def processes(module: LightningModule) -> int:
    """Return how many processes train a module together; its trainer knows, whom the group of processes outlives."""
    trainer = trainer_of(module)
    return 1 if trainer is None else trainer.world_size


def mean_over_processes(tensor: Tensor, world_size: int) -> Tensor:
    """Return the mean of a tensor over all processes, without gradient."""
    mean = tensor.detach() / world_size
    if world_size > 1:
        distributed.all_reduce(mean)
    return mean


def average_gradients(parameters: Iterable[nn.Parameter], world_size: int) -> None:
    """Replace the gradients by their means over all processes, in one message.

    What is frozen or has no gradient costs nothing. Which parameters have one must not depend on the process.
    """
    gradients = [one.grad for one in parameters if one.requires_grad and one.grad is not None]
    if world_size == 1 or not gradients:
        return
    means = mean_over_processes(torch.cat([gradient.flatten() for gradient in gradients]), world_size)
    parts = torch.split(means, [gradient.numel() for gradient in gradients])
    for gradient, mean in zip(gradients, parts, strict=True):
        gradient.copy_(mean.view_as(gradient))


def random_states(device: torch.device, world_size: int) -> list[dict[str, Tensor | None]]:
    """Return the state of the random numbers of every process, by rank; to be called by all of them.

    Args:
        device: where this process draws, beside the CPU.
        world_size: how many processes there are.
    """
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    own: dict[str, Tensor | None] = {"cpu": torch.get_rng_state(), "cuda": cuda}
    states = [own] * world_size
    if world_size > 1:
        distributed.all_gather_object(states, own)
    return states


def restore_random_state(states: Sequence[dict[str, Any]], device: torch.device, rank: int, world_size: int) -> None:
    """Go on with the random numbers that :func:`random_states` kept, if it kept them for as many processes.

    Otherwise, and if ``states`` is empty, every process starts random numbers of its own from those that all share:
    with equal noise, many processes would learn from no more of it than one.
    """
    if states:
        # of another number of processes, the first one's is where all of these start
        state = states[rank if len(states) == world_size else 0]
        torch.set_rng_state(state["cpu"])
        if state["cuda"] is not None and device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], device)
    if len(states) != world_size > 1:
        torch.manual_seed(int(torch.randint(2**62, (world_size,))[rank]))


class ResumableModule(LightningModule):
    """A module whose checkpoints hold the random states of all who train it, so that a resumed run goes on exactly."""

    _random_states: Sequence[dict[str, Any]] = ()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the random states."""
        # a process may keep a trained module without the others
        trainer = trainer_of(self)
        together = trainer is not None and trainer.state.status == TrainerStatus.RUNNING
        checkpoint["random_states"] = random_states(self.device, processes(self) if together else 1)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the random states until training starts."""
        self._random_states = checkpoint["random_states"]

    def on_train_start(self) -> None:
        """Go on with the random numbers of the checkpoint, if there is one; every process has its own."""
        restore_random_state(self._random_states, self.device, self.global_rank, processes(self))
        self._random_states = ()
