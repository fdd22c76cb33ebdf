from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_imbalance.networks import evaluation_mode, freeze_blocks
from gan_imbalance.types import InputError


class Stack(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        hidden = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
        self.blocks = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(3, 3), nn.Linear(3, 1))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_first_blocks_with_parameters_are_frozen(count: int) -> None:
    network = Stack()
    hidden, middle, last = (network.blocks[i] for i in (1, 3, 4))
    assert freeze_blocks(network, count) == [hidden, middle][:count]
    assert all(p.requires_grad is (count < 1) for p in hidden.parameters())
    assert all(p.requires_grad is (count < 2) for p in middle.parameters())
    assert all(p.requires_grad for p in last.parameters())
    assert all(module.training is (count < 1) for module in hidden.modules())


@pytest.mark.parametrize("count", [-1, 3, 4])
def test_there_must_be_something_to_freeze_and_something_left_to_learn(count: int) -> None:
    network = Stack()
    with pytest.raises(InputError, match=rf"Cannot freeze {count} .*Stack has 3"):
        freeze_blocks(network, count)
    assert all(p.requires_grad for p in network.parameters())


def test_a_network_without_blocks_cannot_be_frozen() -> None:
    with pytest.raises(InputError, match="Linear has no `blocks`"):
        freeze_blocks(nn.Linear(1, 1), 1)
    assert freeze_blocks(nn.Linear(1, 1), 0) == []


def test_evaluation_leaves_every_module_in_its_own_mode() -> None:
    network = Stack()
    network.blocks[1].eval()
    before = [module.training for module in network.modules()]
    assert len(set(before)) == 2

    def fail() -> None:
        with evaluation_mode(network):
            assert not any(module.training for module in network.modules())
            assert torch.equal(*(network.blocks(torch.ones(2, 2)) for _ in range(2)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [module.training for module in network.modules()] == before
