"""Generators and discriminators that are blocks in order, of samples with channels: images and series."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from gan_imbalance.networks.layers import one_hot, with_spectral_norm


class BlockGenerator(nn.Module):
    """Blocks in order, from a latent vector, with the condition joined to it as one-hot, to a sample.

    Args:
        blocks: from (n, latent_dim + num_conditions) to (n, channels, *sizes) in [-1, 1].
        num_conditions: conditions that it is given; 0 if unconditional.
    """

    def __init__(self, blocks: Sequence[nn.Module], num_conditions: int) -> None:
        super().__init__()
        self.num_conditions = num_conditions
        self.blocks = nn.Sequential(*blocks)

    def forward(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map latents (n, latent_dim) and conditions (n,) to samples (n, channels, *sizes) in [-1, 1]."""
        joined = torch.cat([latent, *one_hot(conditions, self.num_conditions, latent)], dim=1)
        return self.blocks(joined)  # type: ignore[no-any-return]


class BlockDiscriminator(nn.Module):
    """Blocks in order, from a sample to features and, by the last one, to scores.

    The condition is given as one-hot maps, constant beside the sample's channels (Mirza and Osindero 2014), or by
    projection: the scores have a further term, the product of the features and a vector of the condition's (Miyato
    and Koyama 2018, cGANs with Projection Discriminator, https://arxiv.org/abs/1802.05637, eq. 4).

    Args:
        blocks: from (n, channels + maps, *sizes) to (n, features); the last one is not among them.
        head: from (n, features) to (n, num_outputs).
        num_features: what the last of the blocks gives out.
        num_conditions: conditions that it is given; 0 if unconditional.
        projection: whether they are given by projection.
        spectral: whether the projection is bound by its spectral norm, as the other layers are.
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        head: nn.Module,
        num_features: int,
        num_conditions: int,
        projection: bool,
        spectral: bool = False,
    ) -> None:
        super().__init__()
        self.num_conditions = num_conditions
        self.blocks = nn.Sequential(*blocks, head)
        self.projection: nn.Module | None = None
        if projection and num_conditions:
            self.projection = with_spectral_norm(nn.Linear(num_features, num_conditions, bias=False), spectral)

    def features(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map samples (n, channels, *sizes) and conditions (n,) to what the head sees, (n, features)."""
        out = x
        if self.projection is None and self.num_conditions:
            (hot,) = one_hot(conditions, self.num_conditions, x)
            sizes = x.shape[2:]
            out = torch.cat([x, hot.view(*hot.shape, *(1 for _ in sizes)).expand(-1, -1, *sizes)], dim=1)
        # slicing `blocks` would build a module at every call
        for block in islice(self.blocks, len(self.blocks) - 1):
            out = block(out)
        return out

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map samples (n, channels, *sizes) and conditions (n,) to scores (n,) or (n, num_outputs)."""
        features = self.features(x, conditions)
        scores: Tensor = self.blocks[-1](features)
        if self.projection is not None:
            (hot,) = one_hot(conditions, self.num_conditions, x)
            scores = scores + (hot * self.projection(features)).sum(dim=1, keepdim=True)
        return scores.squeeze(1)
