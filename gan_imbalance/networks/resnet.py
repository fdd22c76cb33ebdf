"""Residual pair for images: spectral norm, conditional batch norm, projection.

Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks (https://arxiv.org/abs/1802.05957),
table 4 (CIFAR-10); conditions as in Miyato and Koyama 2018, cGANs with Projection Discriminator
(https://arxiv.org/abs/1802.05637).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.networks.blocks import BlockDiscriminator
from gan_imbalance.networks.image import coarsest_grid, halvings, image_shape
from gan_imbalance.networks.layers import activation_layer, one_hot, with_spectral_norm
from gan_imbalance.types import DataSpec


class ConditionalBatchNorm(nn.Module):
    """Batch norm whose scale and shift are the condition's own; plain batch norm if there are no conditions.

    Dumoulin et al. 2017, A Learned Representation for Artistic Style (https://arxiv.org/abs/1610.07629).

    Args:
        channels: of its input.
        num_conditions: conditions that it is given; 0 if unconditional.
    """

    def __init__(self, channels: int, num_conditions: int) -> None:
        super().__init__()
        self.num_conditions = num_conditions
        self.norm = nn.BatchNorm2d(channels, affine=not num_conditions)
        if num_conditions:
            self.scales = nn.Parameter(torch.ones(num_conditions, channels))
            self.shifts = nn.Parameter(torch.zeros(num_conditions, channels))

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Normalise (n, channels, height, width) given conditions (n,)."""
        normalised: Tensor = self.norm(x)
        for hot in one_hot(conditions, self.num_conditions, x):
            scale, shift = ((hot @ table)[:, :, None, None] for table in (self.scales, self.shifts))
            normalised = torch.addcmul(shift, normalised, scale)
        return normalised


class UpsamplingBlock(nn.Module):
    """Batch norm, ReLU, doubling, convolution, batch norm, ReLU, convolution, beside a 1 x 1 convolution, doubled.

    Args:
        channels: of its input and its output.
        num_conditions: conditions of the batch norms; 0 if unconditional.
    """

    def __init__(self, channels: int, num_conditions: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ConditionalBatchNorm(channels, num_conditions) for _ in range(2))
        self.convolutions = nn.ModuleList(_convolution(channels, channels) for _ in range(2))
        self.shortcut = _pointwise(channels, channels)
        self.activation = activation_layer("relu")

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map (n, channels, h, w) and conditions (n,) to (n, channels, 2h, 2w)."""
        out = _doubled(self.activation(self.norms[0](x, conditions)))
        out = self.activation(self.norms[1](self.convolutions[0](out), conditions))
        # a 1 x 1 convolution may as well come before the doubling, at a quarter of the cost
        return cast(Tensor, self.convolutions[1](out)) + _doubled(self.shortcut(x))


class ResNetGenerator(nn.Module):
    """A dense layer to a coarse grid, then residual blocks that double it, and an output convolution.

    Each of the residual blocks, the dense layer and the output with its batch norm is one of its blocks.

    Args:
        spec: the data to generate, images of 8, 12, ... 64 pixels.
        latent_dim: width of the latent vector.
        num_conditions: conditions of the batch norms; 0 if unconditional.
        width: channels of all layers.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(self, spec: DataSpec, latent_dim: int, num_conditions: int, width: int = 256) -> None:
        super().__init__()
        channels, size = image_shape(self, spec)
        grid = coarsest_grid(size)
        self.num_conditions = num_conditions
        dense = nn.Linear(latent_dim, width * grid**2)
        nn.init.xavier_uniform_(dense.weight)
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(dense, nn.Unflatten(1, (width, grid, grid))),
                *(UpsamplingBlock(width, num_conditions) for _ in range(halvings(size))),
                nn.Sequential(
                    nn.BatchNorm2d(width),
                    activation_layer("relu"),
                    _convolution(width, channels, gain=1.0),
                    nn.Tanh(),
                ),
            ]
        )

    def forward(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map latents (n, latent_dim) and conditions (n,) to images (n, channels, height, width) in [-1, 1]."""
        first, *growing, output = self.blocks
        out = first(latent)
        for block in growing:
            out = block(out, conditions)
        return output(out)  # type: ignore[no-any-return]


class DiscriminatorBlock(nn.Module):
    """ReLU, convolution, ReLU, convolution, beside a shortcut; both halved if asked for.

    The first block of a network leaves the first ReLU out, since images are no features. A shortcut that neither halves
    nor changes the channels is the identity.

    Args:
        inputs: channels of its input.
        outputs: channels of its output.
        halving: whether height and width are halved.
        first: whether its input are images.
    """

    def __init__(self, inputs: int, outputs: int, halving: bool, first: bool = False) -> None:
        super().__init__()
        self.first = first
        self.convolutions = nn.ModuleList(
            [with_spectral_norm(_convolution(inputs, outputs)), with_spectral_norm(_convolution(outputs, outputs))]
        )
        self.activation = activation_layer("relu")
        self.halve: nn.Module = nn.AvgPool2d(2) if halving else nn.Identity()
        changes = halving or inputs != outputs
        self.shortcut: nn.Module = with_spectral_norm(_pointwise(inputs, outputs)) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h, w), or (n, outputs, h // 2, w // 2) if halving."""
        # not the activation that overwrites its input, which the shortcut needs as well
        out = self.convolutions[0](x if self.first else F.relu(x))
        out = self.halve(self.convolutions[1](self.activation(out)))
        # a 1 x 1 convolution may as well come after the halving, at a quarter of the cost
        return out + self.shortcut(self.halve(x))  # type: ignore[no-any-return]


class ResNetDiscriminator(BlockDiscriminator):
    """Residual blocks that halve the image, two that do not, a sum over pixels, and a dense layer.

    The first block halves the image, and others follow for as long as it has an even number of more than 8 pixels a
    side: 32 and 64 become 8, but 8 becomes 4, 12 and 24 become 6, 20 becomes 5. Every layer is bound by its spectral
    norm; conditions are given by projection.

    Args:
        spec: the data to judge, images of 8, 12, ... 64 pixels.
        num_conditions: conditions that it is given; 0 if unconditional.
        num_outputs: scores per image; 1, or more for auxiliary-classifier GANs.
        width: channels of all layers.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(self, spec: DataSpec, num_conditions: int, num_outputs: int, width: int = 128) -> None:
        channels, size = image_shape(self, spec)
        blocks: list[nn.Module] = [DiscriminatorBlock(channels, width, halving=True, first=True)]
        size //= 2
        while size > 8 and size % 2 == 0:
            blocks.append(DiscriminatorBlock(width, width, halving=True))
            size //= 2
        blocks += [DiscriminatorBlock(width, width, halving=False), DiscriminatorBlock(width, width, halving=False)]
        head = nn.Linear(width, num_outputs)
        nn.init.xavier_uniform_(head.weight)
        super().__init__(
            [*blocks, SumOverPixels()], with_spectral_norm(head), width, num_conditions, projection=True, spectral=True
        )


class SumOverPixels(nn.Module):
    """ReLU and the sum over all pixels: how often a feature is found, wherever it is."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, height, width) to (n, channels)."""
        return F.relu(x).sum(dim=(2, 3))


def _convolution(inputs: int, outputs: int, gain: float = 2**0.5) -> nn.Conv2d:
    return _started(nn.Conv2d(inputs, outputs, 3, padding=1), gain)


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    return _started(nn.Conv2d(inputs, outputs, 1), gain=1.0)


def _started(layer: nn.Conv2d, gain: float) -> nn.Conv2d:
    nn.init.xavier_uniform_(layer.weight, gain)
    return layer


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
