"""One process alone, and the random numbers of several; tests/test_ddp.py has two that train together."""

from __future__ import annotations

import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from gan_imbalance.distributed import (
    average_gradients,
    mean_over_processes,
    processes,
    random_states,
    restore_random_state,
    trainer_of,
)

CPU = torch.device("cpu")


def test_one_process_keeps_its_gradients_and_waits_for_nobody() -> None:
    trained, frozen, unused = (nn.Parameter(torch.ones(2)) for _ in range(3))
    trained.grad, frozen.grad = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    frozen.requires_grad_(False)
    average_gradients([trained, frozen, unused], world_size=1)
    assert trained.grad.tolist() == [1.0, 2.0]
    assert unused.grad is None
    loss = trained.sum()
    mean = mean_over_processes(loss, world_size=1)
    assert (float(mean), mean.requires_grad) == (2.0, False)


def test_a_module_without_a_trainer_is_trained_by_one_process() -> None:
    module = pl.LightningModule()
    assert (trainer_of(module), processes(module)) == (None, 1)
    module.trainer = trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    assert trainer_of(module) is trainer
    assert processes(module) == 1


def drawn_after(states: list[dict[str, object]], rank: int, world_size: int) -> list[float]:
    """Return what a process draws that starts from the seed of all."""
    torch.manual_seed(3)
    restore_random_state(states, CPU, rank, world_size)
    return torch.rand(4).tolist()


def test_processes_draw_numbers_of_their_own_but_one_alone_those_of_the_seed() -> None:
    torch.manual_seed(3)
    of_the_seed = torch.rand(4).tolist()
    assert drawn_after([], 0, 1) == of_the_seed
    first, second = (drawn_after([], rank, 2) for rank in (0, 1))
    assert len({tuple(numbers) for numbers in (of_the_seed, first, second)}) == 3
    assert drawn_after([], 1, 2) == second


@pytest.mark.parametrize("world_size", [1, 2])
def test_every_process_goes_on_where_it_was(world_size: int) -> None:
    states, numbers = [], []
    for rank in range(world_size):
        torch.manual_seed(10 + rank)
        states += random_states(CPU, world_size=1)
        numbers.append(torch.rand(4).tolist())
    assert [drawn_after(states, rank, world_size) for rank in range(world_size)] == numbers
    # more processes than were saved start anew, each by itself, from what the first had
    more = [drawn_after(states, rank, 3) for rank in range(3)]
    assert len({tuple(one) for one in (*more, *numbers)}) == 3 + world_size
