"""Convolutional pair for time series; series are (n, channels, length), from -1 to 1."""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from gan_imbalance.networks.blocks import BlockDiscriminator, BlockGenerator
from gan_imbalance.networks.layers import activation_layer, require_kind, with_spectral_norm
from gan_imbalance.types import DataSpec

_COARSEST = 8
_KERNEL = 5
# odd, since by an even one a convolution that halves would pass over every second step
_DILATION = 3
_WIDEST = 4


class TemporalGenerator(BlockGenerator):
    """A dense layer to a few coarse steps, then convolutions, each behind a doubling of the steps, to any length.

    A DCGAN in one dimension (Donahue et al. 2019, Adversarial Audio Synthesis, https://arxiv.org/abs/1802.04208), with
    linear interpolation and convolution in place of transposed convolutions, which leave a pattern as fine as their
    stride (Odena et al. 2016, https://doi.org/10.23915/distill.00003). The length is halved, rounded up, down to 8
    steps or fewer, and at least once; the generator goes the way back.

    Args:
        spec: the data to generate, series of 2 or more steps.
        latent_dim: width of the latent vector.
        num_conditions: conditions that are joined to the latent vector as one-hot; 0 if unconditional.
        width: channels of the last layer before the series; they double with every halving, up to four times as many.
        batch_norm: normalise all layers but the last over the batch.

    Raises:
        InputError: if the data are no series.
    """

    def __init__(
        self, spec: DataSpec, latent_dim: int, num_conditions: int, width: int = 16, batch_norm: bool = False
    ) -> None:
        require_kind(self, spec, "series")
        channels, length = spec.shape
        lengths = halved_lengths(length)[::-1]
        widths = _widths(width, lengths)[::-1]

        def normalised(outputs: int) -> list[nn.Module]:
            return [*([nn.BatchNorm1d(outputs)] if batch_norm else []), activation_layer("relu")]

        first = nn.Sequential(
            _he_init(nn.Linear(latent_dim + num_conditions, widths[0] * lengths[0], bias=not batch_norm)),
            nn.Unflatten(1, (widths[0], lengths[0])),
            *normalised(widths[0]),
        )
        doublings = [
            nn.Sequential(
                nn.Upsample(size, mode="linear"),
                _convolution(inputs, outputs, bias=not batch_norm),
                *normalised(outputs),
            )
            for size, (inputs, outputs) in zip(lengths[1:], pairwise(widths), strict=True)
        ]
        output = nn.Sequential(_convolution(widths[-1], channels), nn.Tanh())
        super().__init__([first, *doublings, output], num_conditions)


class TemporalDiscriminator(BlockDiscriminator):
    """Convolutions that halve the series, rounded up, with LeakyReLU, down to the steps that the generator starts from.

    All but the first are dilated (Yu and Koltun 2016, https://arxiv.org/abs/1511.07122), so that even few of them see
    the shape of a series in large. Without batch norm, for which a gradient penalty does not hold (Gulrajani et al.
    2017, section 4).

    Args:
        spec: the data to judge, series of 2 or more steps.
        num_conditions: conditions that it is given; 0 if unconditional.
        num_outputs: scores per series; 1, or more for auxiliary-classifier GANs.
        width: channels of the first layer; they double with every halving, up to four times as many.
        dropout: probability of zeroing a feature before the dense layer.
        spectral_norm: bound every layer's Lipschitz constant.
        projection: give conditions by projection; by one-hot maps if not.

    Raises:
        InputError: if the data are no series.
    """

    def __init__(
        self,
        spec: DataSpec,
        num_conditions: int,
        num_outputs: int,
        width: int = 16,
        dropout: float = 0.0,
        spectral_norm: bool = False,
        projection: bool = True,
    ) -> None:
        require_kind(self, spec, "series")
        channels, length = spec.shape
        lengths = halved_lengths(length)
        widths = [channels + (0 if projection else num_conditions), *_widths(width, lengths)[:-1]]
        dilations = [1, *[_DILATION] * (len(widths) - 2)]
        blocks = [
            nn.Sequential(
                with_spectral_norm(_convolution(inputs, outputs, stride=2, dilation=dilation), spectral_norm),
                activation_layer("leaky_relu"),
            )
            for (inputs, outputs), dilation in zip(pairwise(widths), dilations, strict=True)
        ]
        blocks[-1].append(nn.Flatten())
        features = widths[-1] * lengths[-1]
        head = nn.Sequential(
            nn.Dropout(dropout), with_spectral_norm(_he_init(nn.Linear(features, num_outputs)), spectral_norm)
        )
        super().__init__(blocks, head, features, num_conditions, projection, spectral_norm)


def halved_lengths(length: int) -> list[int]:
    """Return a length and its halves, each rounded up, down to 8 or fewer; at least one of them."""
    lengths = [length]
    while len(lengths) < 2 or lengths[-1] > _COARSEST:
        lengths.append(-(-lengths[-1] // 2))
    return lengths


def _widths(width: int, lengths: list[int]) -> list[int]:
    """Return the channels at each of the lengths."""
    return [width * min(2**halving, _WIDEST) for halving in range(len(lengths))]


def _convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1, bias: bool = True) -> nn.Module:
    """Return the convolution from (n, inputs, length) to (n, outputs, length / stride, rounded up)."""
    return _he_init(nn.Conv1d(inputs, outputs, _KERNEL, stride, dilation * (_KERNEL // 2), dilation, bias=bias))


def _he_init(layer: nn.Linear | nn.Conv1d) -> nn.Module:
    """Return the layer with weights that keep the spread of what passes it and a rectifier, and no bias.

    He et al. 2015 (https://arxiv.org/abs/1502.01852, eq. 10). Torch's own weights shrink it to less than a half in
    every layer: of five layers, hardly any of the latent vector's variety would come out, nor of the critic's slope.
    """
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
