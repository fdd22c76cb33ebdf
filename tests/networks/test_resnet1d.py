from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from gan_imbalance.networks import ResNet1D
from gan_imbalance.types import DataSpec, InputError


def series(channels: int, length: int, classes: int) -> DataSpec:
    return DataSpec("series", (channels, length), tuple(range(classes)))


def test_it_has_the_parameters_that_the_paper_implies() -> None:
    def block(inputs: int, outputs: int) -> int:
        convolutions = 8 * inputs * outputs + 5 * outputs**2 + 3 * outputs**2
        return convolutions + 4 * 2 * outputs + (inputs * outputs if inputs != outputs else 0)

    network = ResNet1D(series(1, 140, 5), width=64)
    expected = block(1, 64) + block(64, 128) + block(128, 128) + 128 * 5 + 5
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert [module.kernel_size for module in network.modules() if isinstance(module, nn.Conv1d)] == [
        *[(8,), (5,), (3,), (1,)] * 2,
        *[(8,), (5,), (3,)],
    ]


@pytest.mark.parametrize("length", [2, 7, 140])
def test_logits_are_linear_in_the_features_of_any_length(length: int) -> None:
    network = ResNet1D(series(3, length, 4), width=4).eval()
    x = torch.randn(5, 3, length)
    features = network.features(x)
    assert features.shape == (5, 8)
    torch.testing.assert_close(network(x), features @ network.blocks[-1].weight.T + network.blocks[-1].bias)


def test_convolutions_keep_the_length() -> None:
    seen: list[Tensor] = []
    network = ResNet1D(series(2, 9, 2), width=4)
    for block in network.blocks[:3]:
        block.register_forward_hook(lambda module, given, out: seen.append(out))
    network(torch.randn(3, 2, 9))
    assert [out.shape for out in seen] == [(3, 4, 9), (3, 8, 9), (3, 8, 9)]


def test_every_parameter_learns() -> None:
    network = ResNet1D(series(2, 12, 3), width=4)
    network(torch.randn(8, 2, 12)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_other_data_are_refused() -> None:
    with pytest.raises(InputError, match="ResNet1D is a network for series"):
        ResNet1D(DataSpec("table", (4,), (0, 1)))
