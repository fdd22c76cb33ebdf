"""The optimizer that adversarial training starts from, and a schedule of its learning rate."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts


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


class WarmRestarts(CosineAnnealingWarmRestarts):
    """Raises the learning rate to a multiple, anneals it back by a cosine, and starts over.

    Loshchilov and Hutter 2017, SGDR (https://arxiv.org/abs/1608.03983), eq. 5. The optimizer's own learning rate is
    the lowest, so that leaving the schedule out leaves that one.

    Args:
        optimizer: whose learning rate to set; all its groups have the same.
        factor: the highest learning rate by the lowest, above 0.
        period: steps from one restart to the next, at least 1.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, factor: float = 10.0, period: int = 1000) -> None:
        lowest = optimizer.param_groups[0]["lr"]
        for group in optimizer.param_groups:
            group["lr"] = factor * lowest
        super().__init__(optimizer, T_0=period, eta_min=lowest)
