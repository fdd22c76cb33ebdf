"""Recurrent pair for time series: RCGAN.

Esteban et al. 2017, Real-valued (Medical) Time Series Generation with Recurrent Conditional GANs
(https://arxiv.org/abs/1706.02633), with GRUs (Cho et al. 2014, https://arxiv.org/abs/1406.1078) in place of LSTMs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise
from typing import cast

import torch
from torch import Tensor, nn

from gan_imbalance.networks.layers import one_hot, require_kind
from gan_imbalance.types import DataSpec, InputError


class GRU(nn.GRU):
    """A layer of gated recurrent units that tells what they hold at each step, and has a second derivative anywhere.

    cuDNN's units have none, which gradient penalties need; so where a gradient of the input is asked for, torch's own
    take over on GPUs. On processors there are no others.

    Args:
        inputs: numbers per step.
        width: units.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Map (n, length, inputs) to (n, length, width)."""
        with torch.backends.cudnn.flags(enabled=not x.requires_grad):
            return super().forward(x)[0]


class RecurrentGenerator(nn.Module):
    """Layers of GRUs that are given noise at every step, and an output layer that they share.

    Esteban et al. draw all noise anew at every step. Here a part of it, the latent vector, is the same for all steps of
    a series, which it tells apart as a whole, so that latent vectors mean what they do in other generators.

    Args:
        spec: the data to generate, series of any length.
        latent_dim: width of the latent vector.
        num_conditions: conditions that are given at every step as one-hot; 0 if unconditional.
        widths: units of the layers.
        noise_dim: numbers that are drawn anew at every step, N(0, 1), beside the latent vector; 0 for none.

    Raises:
        InputError: if the data are no series, or there are no layers.
    """

    def __init__(
        self,
        spec: DataSpec,
        latent_dim: int,
        num_conditions: int,
        widths: Sequence[int] = (64,),
        noise_dim: int = 4,
    ) -> None:
        super().__init__()
        require_kind(self, spec, "series")
        channels, self.length = spec.shape
        self.num_conditions = num_conditions
        self.noise_dim = noise_dim
        hidden = _layers(latent_dim + num_conditions + noise_dim, widths)
        self.blocks = nn.Sequential(*hidden, nn.Sequential(nn.Linear(widths[-1], channels), nn.Tanh()))

    def forward(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map latents (n, latent_dim) and conditions (n,) to series (n, channels, length) in [-1, 1]."""
        joined = torch.cat([latent, *one_hot(conditions, self.num_conditions, latent)], dim=1)
        steps = joined[:, None].expand(-1, self.length, -1)
        if self.noise_dim:
            noise = torch.randn(len(latent), self.length, self.noise_dim, dtype=latent.dtype, device=latent.device)
            steps = torch.cat([steps, noise], dim=2)
        return cast(Tensor, self.blocks(steps)).transpose(1, 2)


class RecurrentDiscriminator(nn.Module):
    """Layers of GRUs, and an output layer that they share; the score of a series is the mean of those of its steps.

    Esteban et al. take the mean of the losses of all steps, which for Wasserstein's loss is the same.

    Args:
        spec: the data to judge, series of any length.
        num_conditions: conditions that are given at every step as one-hot; 0 if unconditional.
        num_outputs: scores per series; 1, or more for auxiliary-classifier GANs.
        widths: units of the layers.

    Raises:
        InputError: if the data are no series, or there are no layers.
    """

    def __init__(self, spec: DataSpec, num_conditions: int, num_outputs: int, widths: Sequence[int] = (64,)) -> None:
        super().__init__()
        require_kind(self, spec, "series")
        self.num_conditions = num_conditions
        hidden = _layers(spec.shape[0] + num_conditions, widths)
        self.blocks = nn.Sequential(*hidden, nn.Linear(widths[-1], num_outputs))

    def features(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Return what the units hold, averaged over the steps of series (n, channels, length): (n, width)."""
        steps = x.transpose(1, 2)
        told = one_hot(conditions, self.num_conditions, x)
        out = torch.cat([steps, *(hot[:, None].expand(-1, steps.shape[1], -1) for hot in told)], dim=2)
        # slicing `blocks` would build a module at every call
        for block in islice(self.blocks, len(self.blocks) - 1):
            out = block(out)
        return out.mean(dim=1)

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map series (n, channels, length) and conditions (n,) to scores (n,) or (n, num_outputs)."""
        # the mean of what a linear layer makes of each is what it makes of the mean
        return cast(Tensor, self.blocks[-1](self.features(x, conditions))).squeeze(1)


def _layers(inputs: int, widths: Sequence[int]) -> list[GRU]:
    if not widths:
        raise InputError("widths is empty; give the units of at least one recurrent layer.")
    return [GRU(*pair) for pair in pairwise([inputs, *widths])]
