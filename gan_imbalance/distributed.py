"""Several processes that train together; in a single one, all of this leaves things as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn


def processes() -> int:
    """Return how many processes train together."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def mean_over_processes(tensor: Tensor) -> Tensor:
    """Return the mean of a tensor over all processes, without gradient."""
    if processes() == 1:
        return tensor.detach()
    mean = tensor.detach() / processes()
    distributed.all_reduce(mean)
    return mean


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace the gradients by their means over all processes, in one message.

    What is frozen or has no gradient costs nothing. Which parameters have one must not depend on the process.
    """
    gradients = [one.grad for one in parameters if one.requires_grad and one.grad is not None]
    if processes() == 1 or not gradients:
        return
    means = mean_over_processes(torch.cat([gradient.flatten() for gradient in gradients]))
    parts = torch.split(means, [gradient.numel() for gradient in gradients])
    torch._foreach_copy_(gradients, [part.view_as(to) for part, to in zip(parts, gradients, strict=True)])


def random_states(device: torch.device) -> list[dict[str, Tensor | None]]:
    """Return the state of the random numbers of every process, by rank; to be called by all of them.

    Args:
        device: where this process draws, beside the CPU.
    """
    cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    own: dict[str, Tensor | None] = {"cpu": torch.get_rng_state(), "cuda": cuda}
    states = [own] * processes()
    if processes() > 1:
        distributed.all_gather_object(states, own)
    return states


def restore_random_state(states: Sequence[dict[str, Any]], device: torch.device) -> None:
    """Go on with the random numbers that :func:`random_states` kept, if it kept them for as many processes.

    Otherwise, and if ``states`` is empty, every process starts random numbers of its own from those that all share:
    with equal noise, many processes would learn from no more of it than one.
    """
    rank = distributed.get_rank() if processes() > 1 else 0
    if states:
        # of another number of processes, the first one's is where all of these start
        state = states[rank if len(states) == processes() else 0]
        torch.set_rng_state(state["cpu"])
        if state["cuda"] is not None and device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"], device)
    if len(states) != processes() > 1:
        torch.manual_seed(int(torch.randint(2**62, (processes(),))[rank]))
