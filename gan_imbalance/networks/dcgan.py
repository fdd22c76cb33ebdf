"""Convolutional pairs for images: SMate's, and a DCGAN of any width and size."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from gan_imbalance.networks.blocks import BlockDiscriminator, BlockGenerator
from gan_imbalance.networks.image import (
    coarsest_grid,
    glorot_init,
    halvings,
    image_shape,
    scaled,
)
from gan_imbalance.networks.layers import activation_layer, with_spectral_norm
from gan_imbalance.types import DataSpec

_SMATE_HALVINGS = 3


class SMateGenerator(BlockGenerator):
    """SMate's generator: a dense layer, three transposed convolutions and an output convolution, without batch norm.

    At width 1, 32 x 32 pixels in colour and a latent vector of 100 it has 1,466,115 parameters, 265,731 of them in the
    last two of its five blocks. SMate's "six layers" to freeze count activations and the reshape: three blocks here.
    Weights start as in Keras, which SMate was written in (Glorot and Bengio 2010).

    Args:
        spec: the data to generate, images of 8, 16, ... 64 pixels: a grid of an eighth of the size is doubled thrice.
        latent_dim: width of the latent vector.
        num_conditions: conditions that are joined to the latent vector as one-hot; 0 if unconditional.
        width: factor of all channels.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(self, spec: DataSpec, latent_dim: int, num_conditions: int, width: float = 1.0) -> None:
        channels, size = image_shape(self, spec, multiple=2**_SMATE_HALVINGS)
        grid = size // 2**_SMATE_HALVINGS
        coarse, fine = scaled(256, width), scaled(128, width)
        first = nn.Sequential(
            glorot_init(nn.Linear(latent_dim + num_conditions, coarse * grid**2)),
            activation_layer("leaky_relu"),
            nn.Unflatten(1, (coarse, grid, grid)),
        )
        doublings = [
            nn.Sequential(glorot_init(_doubling(inputs, fine)), activation_layer("leaky_relu"))
            for inputs in (coarse, fine, fine)
        ]
        output = nn.Sequential(glorot_init(nn.Conv2d(fine, channels, 3, padding=1)), nn.Tanh())
        super().__init__([first, *doublings, output], num_conditions)


class SMateDiscriminator(BlockDiscriminator):
    """SMate's discriminator: four convolutions, the last three of which halve the image, and a dense layer.

    At width 1, 32 x 32 pixels in colour it has 522,497 parameters. Weights start as in Keras.

    Args:
        spec: the data to judge, images of 8, 16, ... 64 pixels.
        num_conditions: conditions, given as one-hot maps; 0 if unconditional.
        num_outputs: scores per image; 1, or more for auxiliary-classifier GANs.
        width: factor of all channels.
        dropout: probability of zeroing a feature before the dense layer.
        spectral_norm: bound every layer's Lipschitz constant.
        projection: give conditions by projection instead of maps.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(
        self,
        spec: DataSpec,
        num_conditions: int,
        num_outputs: int,
        width: float = 1.0,
        dropout: float = 0.4,
        spectral_norm: bool = False,
        projection: bool = False,
    ) -> None:
        channels, size = image_shape(self, spec, multiple=2**_SMATE_HALVINGS)
        widths = [channels + (0 if projection else num_conditions), *(scaled(n, width) for n in (64, 128, 128, 256))]
        convolutions = [
            nn.Conv2d(inputs, outputs, 3, stride, padding=1)
            for (inputs, outputs), stride in zip(pairwise(widths), (1, 2, 2, 2), strict=True)
        ]
        blocks = [
            nn.Sequential(with_spectral_norm(glorot_init(layer), spectral_norm), activation_layer("leaky_relu"))
            for layer in convolutions
        ]
        blocks[-1].append(nn.Flatten())
        features = widths[-1] * (size // 2**_SMATE_HALVINGS) ** 2
        head = nn.Sequential(
            nn.Dropout(dropout), with_spectral_norm(glorot_init(nn.Linear(features, num_outputs)), spectral_norm)
        )
        super().__init__(blocks, head, features, num_conditions, projection, spectral_norm)


class DCGANGenerator(BlockGenerator):
    """A dense layer to a coarse grid, then transposed convolutions that double it, with batch norm and ReLU.

    Radford et al. 2016, Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks
    (https://arxiv.org/abs/1511.06434). The grid is at least twice doubled, from 4 pixels up where that goes; the
    channels are halved each time.

    Args:
        spec: the data to generate, images of 8, 12, ... 64 pixels.
        latent_dim: width of the latent vector.
        num_conditions: conditions that are joined to the latent vector as one-hot; 0 if unconditional.
        width: channels of the last layer before the image.
        batch_norm: normalise all layers but the last over the batch.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(
        self, spec: DataSpec, latent_dim: int, num_conditions: int, width: int = 64, batch_norm: bool = True
    ) -> None:
        channels, size = image_shape(self, spec)
        grid = coarsest_grid(size)
        widths = [width * 2**halving for halving in reversed(range(halvings(size)))]

        def normalised(outputs: int) -> list[nn.Module]:
            return [*([nn.BatchNorm2d(outputs)] if batch_norm else []), activation_layer("relu")]

        first = nn.Sequential(
            nn.Linear(latent_dim + num_conditions, widths[0] * grid**2, bias=not batch_norm),
            nn.Unflatten(1, (widths[0], grid, grid)),
            *normalised(widths[0]),
        )
        doublings = [
            nn.Sequential(_doubling(inputs, outputs, bias=not batch_norm), *normalised(outputs))
            for inputs, outputs in pairwise(widths)
        ]
        output = nn.Sequential(_doubling(widths[-1], channels), nn.Tanh())
        super().__init__([first, *doublings, output], num_conditions)


class DCGANDiscriminator(BlockDiscriminator):
    """Convolutions that halve the image, with LeakyReLU, down to the grid that the generator starts from.

    Radford et al. 2016 (https://arxiv.org/abs/1511.06434), without its batch norm: that would have an image judged by
    the others of its batch, for which a gradient penalty does not hold (Gulrajani et al. 2017, section 4).

    Args:
        spec: the data to judge, images of 8, 12, ... 64 pixels.
        num_conditions: conditions that it is given; 0 if unconditional.
        num_outputs: scores per image; 1, or more for auxiliary-classifier GANs.
        width: channels of the first layer; they double with every halving of the image.
        dropout: probability of zeroing a feature before the dense layer.
        spectral_norm: bound every layer's Lipschitz constant.
        projection: give conditions by projection; by one-hot maps if not.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(
        self,
        spec: DataSpec,
        num_conditions: int,
        num_outputs: int,
        width: int = 64,
        dropout: float = 0.0,
        spectral_norm: bool = False,
        projection: bool = True,
    ) -> None:
        channels, size = image_shape(self, spec)
        widths = [
            channels + (0 if projection else num_conditions),
            *(width * 2**halving for halving in range(halvings(size))),
        ]
        blocks = [
            nn.Sequential(
                with_spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), spectral_norm),
                activation_layer("leaky_relu"),
            )
            for inputs, outputs in pairwise(widths)
        ]
        blocks[-1].append(nn.Flatten())
        features = widths[-1] * coarsest_grid(size) ** 2
        head = nn.Sequential(nn.Dropout(dropout), with_spectral_norm(nn.Linear(features, num_outputs), spectral_norm))
        super().__init__(blocks, head, features, num_conditions, projection, spectral_norm)


def _doubling(inputs: int, outputs: int, bias: bool = True) -> nn.ConvTranspose2d:
    """Return the transposed convolution from (n, inputs, h, w) to (n, outputs, 2h, 2w)."""
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=bias)
