"""What the networks for images share; images are (n, channels, height, width), from -1 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from gan_imbalance.networks.layers import one_hot, require_kind, with_spectral_norm
from gan_imbalance.types import LARGEST_IMAGE, SMALLEST_IMAGE, DataSpec, InputError


def image_shape(network: nn.Module, spec: DataSpec, multiple: int = 4) -> tuple[int, int]:
    """Return the channels and the size of the square images that ``network`` is built for.

    Args:
        network: named in the message.
        spec: the data.
        multiple: the size must be a multiple of it, for the network to halve or double it.

    Raises:
        InputError: if the data are no images, or none of a shape that the network can serve.
    """
    require_kind(network, spec, "image")
    channels, height, width = spec.shape
    if channels not in (1, 3) or height != width or height % multiple or not SMALLEST_IMAGE <= height <= LARGEST_IMAGE:
        raise InputError(
            f"{type(network).__name__} cannot serve images of {channels} channels and {height} x {width} pixels: give "
            f"1 or 3 channels and a square size from {SMALLEST_IMAGE} to {LARGEST_IMAGE} that is a multiple of "
            f"{multiple} (the data module's `channels` and `size`)."
        )
    return channels, height


def coarsest_grid(size: int) -> int:
    """Return the size of the first feature maps of a generator of images: halved at least twice, then down to 4."""
    grid = size // 4
    while grid > 4 and grid % 2 == 0:
        grid //= 2
    return grid


def halvings(size: int) -> int:
    """Return how many halvings bring an image of that size down to :func:`coarsest_grid`."""
    return (size // coarsest_grid(size)).bit_length() - 1


def scaled(channels: int, width: float) -> int:
    """Return the channels of a layer at another width, at least 1."""
    return max(1, round(channels * width))


def glorot_init(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    """Return the layer with weights that start as in Keras: uniform by fan-in and fan-out, and no bias."""
    nn.init.xavier_uniform_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class ImageGenerator(nn.Module):
    """Blocks in order, from a latent vector, with the condition joined to it as one-hot, to an image.

    Args:
        blocks: from (n, latent_dim + num_conditions) to (n, channels, height, width) in [-1, 1].
        num_conditions: conditions that it is given; 0 if unconditional.
    """

    def __init__(self, blocks: Sequence[nn.Module], num_conditions: int) -> None:
        super().__init__()
        self.num_conditions = num_conditions
        self.blocks = nn.Sequential(*blocks)

    def forward(self, latent: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map latents (n, latent_dim) and conditions (n,) to images (n, channels, height, width) in [-1, 1]."""
        joined = torch.cat([latent, *one_hot(conditions, self.num_conditions, latent)], dim=1)
        return self.blocks(joined)  # type: ignore[no-any-return]


class ImageDiscriminator(nn.Module):
    """Blocks in order, from an image to features and, by the last one, to scores.

    The condition is given as one-hot maps, constant planes beside the image's channels (Mirza and Osindero 2014), or by
    projection: the scores have a further term, the product of the features and a vector of the condition's (Miyato
    and Koyama 2018, cGANs with Projection Discriminator, https://arxiv.org/abs/1802.05637, eq. 4).

    Args:
        blocks: from (n, channels + maps, height, width) to (n, features); the last one is not among them.
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
        """Map images (n, channels, height, width) and conditions (n,) to what the head sees, (n, features)."""
        out = x
        if self.projection is None and self.num_conditions:
            (hot,) = one_hot(conditions, self.num_conditions, x)
            out = torch.cat([x, hot[:, :, None, None].expand(-1, -1, *x.shape[2:])], dim=1)
        # slicing `blocks` would build a module at every call
        for block in islice(self.blocks, len(self.blocks) - 1):
            out = block(out)
        return out

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Map images (n, channels, height, width) and conditions (n,) to scores (n,) or (n, num_outputs)."""
        features = self.features(x, conditions)
        scores: Tensor = self.blocks[-1](features)
        if self.projection is not None:
            (hot,) = one_hot(conditions, self.num_conditions, x)
            scores = scores + (hot * self.projection(features)).sum(dim=1, keepdim=True)
        return scores.squeeze(1)
