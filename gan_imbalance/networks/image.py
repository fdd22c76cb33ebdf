"""What the networks for images share; images are (n, channels, height, width), from -1 to 1."""

from __future__ import annotations

from torch import nn

from gan_imbalance.networks.layers import require_kind
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
