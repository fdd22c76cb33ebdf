"""The residual network for time series; series are (n, channels, length)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_imbalance.networks.layers import require_kind
from gan_imbalance.types import DataSpec

_KERNELS = (8, 5, 3)


class ResNet1D(nn.Module):
    """Three residual blocks of three convolutions each, the mean over time, and a linear layer.

    Wang et al. 2017, Time Series Classification from Scratch with Deep Neural Networks: A Strong Baseline
    (https://arxiv.org/abs/1611.06455), section 2.3, whose blocks have 64, 128 and 128 channels. No layer depends on the
    length.

    Args:
        spec: the series to classify.
        width: channels of the first block; the others have twice as many. 64 is the paper's.

    Raises:
        InputError: if the data are no series.
    """

    def __init__(self, spec: DataSpec, width: int = 16) -> None:
        super().__init__()
        require_kind(self, spec, "series")
        self.blocks = nn.Sequential(
            TemporalResidualBlock(spec.shape[0], width),
            TemporalResidualBlock(width, 2 * width),
            TemporalResidualBlock(2 * width, 2 * width),
            nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten()),
            nn.Linear(2 * width, len(spec.classes)),
        )

    def features(self, x: Tensor) -> Tensor:
        """Map series (n, channels, length) to what the last layer sees, (n, 2 · width)."""
        return self.blocks[:-1](x)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        """Map series (n, channels, length) to logits (n, classes)."""
        return self.blocks(x)  # type: ignore[no-any-return]


class TemporalResidualBlock(nn.Module):
    """Convolutions of 8, 5 and 3 steps with batch norm, added to the input, which has a batch norm of its own.

    Args:
        inputs: channels of the input; if they are not as many as those of the output, a convolution of one step
            changes their number.
        outputs: channels of the output.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for kernel, channels in zip(_KERNELS, (inputs, outputs, outputs), strict=True):
            layers += [
                # by hand, since torch's own "same" warns of even kernels
                nn.ConstantPad1d(((kernel - 1) // 2, kernel // 2), 0.0),
                nn.Conv1d(channels, outputs, kernel, bias=False),
                nn.BatchNorm1d(outputs),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers[:-1])
        widened = [] if inputs == outputs else [nn.Conv1d(inputs, outputs, 1, bias=False)]
        self.shortcut = nn.Sequential(*widened, nn.BatchNorm1d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, length) to (n, outputs, length)."""
        return torch.relu(self.layers(x) + self.shortcut(x))
