"""Convolutional classifiers of images."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.networks.image import glorot_init, image_shape, scaled
from gan_imbalance.types import DataSpec


class SMateCNN(nn.Module):
    """The classifier of SMate: four convolutions in two stages, and a wide dense layer.

    Convolutions of 3 x 3: 32 with padding and 32 without, 2 x 2 pooling, dropout 0.25; the same with 64; then 512 dense
    units, dropout 0.5, and a logit per class. For CIFAR-10 these are 1,250,858 parameters. Images of 8 and 9 pixels
    are one pixel after the last convolution, which is then not pooled. Weights start as in Keras, which SMate was
    written in (Glorot and Bengio 2010).

    Args:
        spec: the images to classify, of 8 to 64 pixels.
        width: by which the numbers of channels and of dense units are multiplied.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(self, spec: DataSpec, width: float = 1.0) -> None:
        super().__init__()
        channels, side = image_shape(self, spec, multiple=1)
        first, second, dense = (scaled(units, width) for units in (32, 64, 512))
        left = (side - 2) // 2 - 2
        pooling = min(2, left)
        self.blocks = nn.Sequential(
            nn.Sequential(nn.Conv2d(channels, first, 3, padding=1), nn.ReLU(inplace=True)),
            nn.Sequential(nn.Conv2d(first, first, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(0.25)),
            nn.Sequential(nn.Conv2d(first, second, 3, padding=1), nn.ReLU(inplace=True)),
            nn.Sequential(nn.Conv2d(second, second, 3), nn.ReLU(inplace=True), nn.MaxPool2d(pooling), nn.Dropout(0.25)),
            nn.Sequential(
                nn.Flatten(),
                nn.Linear(second * (left // pooling) ** 2, dense),
                nn.ReLU(inplace=True),
                nn.Dropout(0.5),
            ),
            nn.Linear(dense, len(spec.classes)),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                glorot_init(layer)

    def features(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to what the last layer sees, (n, 512 · width)."""
        return self.blocks[:-1](x)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to logits (n, classes)."""
        return self.blocks(x)  # type: ignore[no-any-return]


class ResNet20(nn.Module):
    """The residual network of 20 layers for small images (He et al. 2016, section 4.2).

    A convolution, three stages of three residual blocks, each stage half as large and twice as wide as the one before,
    the mean over pixels, and a linear layer. Shortcuts have no parameters (option A there): 269,722 for CIFAR-10.

    References:
        Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385

    Args:
        spec: the images to classify, of 8 to 64 pixels.
        width: channels of the first stage.

    Raises:
        InputError: if it cannot serve the data.
    """

    def __init__(self, spec: DataSpec, width: int = 16) -> None:
        super().__init__()
        channels, _ = image_shape(self, spec, multiple=1)
        stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        widths = [width] * 4 + [2 * width] * 3 + [4 * width] * 3
        residual = [ResidualBlock(*pair) for pair in pairwise(widths)]
        pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.blocks = nn.Sequential(stem, *residual, pool, nn.Linear(4 * width, len(spec.classes)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to what the last layer sees, (n, 4 · width)."""
        return self.blocks[:-1](x)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, channels, side, side) in [-1, 1] to logits (n, classes)."""
        return self.blocks(x)  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm, added to their input; where it widens, it halves the side, too.

    Args:
        inputs: channels of the input.
        outputs: channels of the output, at least as many.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stride = 1 if inputs == outputs else 2
        self.more_channels = outputs - inputs
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=self.stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, side, side) to (n, outputs, side / stride, side / stride), rounded up."""
        kept = x[:, :, :: self.stride, :: self.stride]
        return torch.relu(self.layers(x) + F.pad(kept, (0, 0, 0, 0, 0, self.more_channels)))
