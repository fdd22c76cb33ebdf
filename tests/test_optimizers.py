from __future__ import annotations

import torch
from torch import nn

from gan_imbalance.optimizers import AdversarialAdam


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
