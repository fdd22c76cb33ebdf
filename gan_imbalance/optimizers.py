"""The optimizer that adversarial training starts from."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class AdversarialAdam(torch.optim.Adam):
    """Adam with the low momentum that GANs need, fused into one kernel per step.

    Radford et al. 2016 (https://arxiv.org/abs/1511.06434) lower beta1 to 0.5; Gulrajani et al. 2017
    (https://arxiv.org/abs/1704.00028) use beta2 = 0.9 for the penalised critic.

    Args:
        params: parameters to update.
        lr: learning rate.
        betas: decay of the running means of the gradient and of its square.
        weight_decay: L2 penalty.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.5, 0.9),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
