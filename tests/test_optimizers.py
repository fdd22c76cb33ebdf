from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gan_imbalance.optimizers import AdversarialAdam, WarmRestarts


def test_it_is_adam_with_low_momentum() -> None:
    torch.manual_seed(0)
    ours, plain = nn.Parameter(torch.ones(5)), nn.Parameter(torch.ones(5))
    optimizers = AdversarialAdam([ours], lr=0.1), torch.optim.Adam([plain], lr=0.1, betas=(0.5, 0.9))
    for gradient in torch.randn(4, 5):
        ours.grad, plain.grad = gradient, gradient
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(ours, plain)
    assert not torch.equal(ours, torch.ones(5))


def test_warm_restarts_anneal_from_a_multiple_back_to_the_optimizers_own_rate() -> None:
    optimizer = AdversarialAdam([nn.Parameter(torch.ones(1))], lr=0.01)
    schedule = WarmRestarts(optimizer, factor=5.0, period=8)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    expected = [0.01 + 0.04 * (1 + math.cos(math.pi * (step % 8) / 8)) / 2 for step in range(20)]
    assert rates == pytest.approx(expected)
