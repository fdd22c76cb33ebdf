from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_imbalance.networks import ResNet20, SMateCNN
from gan_imbalance.networks.cnn import ResidualBlock
from gan_imbalance.types import DataSpec, InputError


def images(channels: int, side: int, classes: int = 10) -> DataSpec:
    return DataSpec("image", (channels, side, side), tuple(range(classes)))


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_smates_classifier_has_the_published_number_of_parameters() -> None:
    assert parameters(SMateCNN(images(3, 32))) == 1_250_858


def test_resnet_20_has_the_number_of_parameters_of_the_paper_without_those_of_shortcuts() -> None:
    # table 6 there rounds it to 0.27 million
    assert parameters(ResNet20(images(3, 32))) == 269_722
    assert sum(isinstance(module, nn.Conv2d | nn.Linear) for module in ResNet20(images(3, 32)).modules()) == 20


@pytest.mark.parametrize(
    # (channels, side, classes) and how many of 64 channels are left
    ("channels", "side", "classes", "grid"),
    [(3, 32, 10, 6), (1, 28, 10, 5), (3, 16, 4, 2), (1, 8, 10, 1), (3, 9, 2, 1), (3, 64, 3, 14)],
)
def test_its_size_follows_from_the_images(channels: int, side: int, classes: int, grid: int) -> None:
    network = SMateCNN(images(channels, side, classes))
    convolutions = 32 * (9 * channels + 1) + 32 * (9 * 32 + 1) + 64 * (9 * 32 + 1) + 64 * (9 * 64 + 1)
    assert parameters(network) == convolutions + (64 * grid**2 + 1) * 512 + (512 + 1) * classes
    assert network(torch.zeros(2, channels, side, side)).shape == (2, classes)


@pytest.mark.parametrize("network_class", [SMateCNN, ResNet20])
@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 16), (3, 33)])
def test_logits_are_linear_in_the_features(network_class: type[nn.Module], channels: int, side: int) -> None:
    network = network_class(images(channels, side, 3)).eval()
    x = torch.rand(4, channels, side, side) * 2 - 1
    features = network.features(x)
    assert features.shape == (4, 512 if network_class is SMateCNN else 64)
    torch.testing.assert_close(network(x), features @ network.blocks[-1].weight.T + network.blocks[-1].bias)


@pytest.mark.parametrize("network_class", [SMateCNN, ResNet20])
def test_every_parameter_learns(network_class: type[nn.Module]) -> None:
    network = network_class(images(3, 16, 3))
    network(torch.randn(8, 3, 16, 16)).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_width_scales_channels_and_dense_units() -> None:
    network = SMateCNN(images(3, 32), width=0.5)
    assert parameters(network) == 448 + 2320 + 4640 + 9248 + (32 * 36 + 1) * 256 + 2570
    assert network.features(torch.zeros(1, 3, 32, 32)).shape == (1, 256)
    assert ResNet20(images(3, 32), width=8).features(torch.zeros(2, 3, 32, 32)).shape == (2, 32)


def test_a_shortcut_keeps_every_other_pixel_and_adds_empty_channels() -> None:
    block = ResidualBlock(2, 4).eval()
    nn.init.zeros_(block.layers[-1].weight)
    x = torch.rand(1, 2, 5, 5)
    out = block(x)
    torch.testing.assert_close(out[:, :2], x[:, :, ::2, ::2])
    assert not out[:, 2:].any()


@pytest.mark.parametrize("network_class", [SMateCNN, ResNet20])
@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (images(3, 7), "cannot serve images of 3 channels and 7 x 7 pixels"),
        (DataSpec("image", (3, 16, 32), (0, 1)), "cannot serve images of 3 channels and 16 x 32 pixels"),
        (DataSpec("table", (12,), (0, 1)), "is a network for images"),
    ],
)
def test_what_it_cannot_serve_is_named(network_class: type[nn.Module], spec: DataSpec, told: str) -> None:
    with pytest.raises(InputError, match=f"{network_class.__name__} {told}"):
        network_class(spec)
