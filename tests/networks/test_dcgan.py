from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from gan_imbalance.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    DenseClassifier,
    DenseDiscriminator,
    DenseGenerator,
    MixedTableDiscriminator,
    MixedTableGenerator,
    SMateDiscriminator,
    SMateGenerator,
    freeze_blocks,
)
from gan_imbalance.types import DataSpec, InputError, Span

COLOUR = DataSpec("image", (3, 32, 32), tuple(range(10)))
TABLE = DataSpec("table", (2,), ("no", "yes"), (Span("amount", "linear", 0, 1), Span("count", "linear", 1, 1)))
CONDITIONS = torch.tensor([0, 1, 1, 0])
PAIRS = {
    "smate": (partial(SMateGenerator, width=0.02), partial(SMateDiscriminator, width=0.02)),
    "dcgan": (partial(DCGANGenerator, width=2), partial(DCGANDiscriminator, width=2)),
    "dcgan with maps": (
        partial(DCGANGenerator, width=2, batch_norm=False),
        partial(DCGANDiscriminator, width=2, projection=False, spectral_norm=True),
    ),
    "smate with projection": (
        partial(SMateGenerator, width=0.02),
        partial(SMateDiscriminator, width=0.02, projection=True, spectral_norm=True),
    ),
}


def image_spec(size: int, channels: int = 1) -> DataSpec:
    return DataSpec("image", (channels, size, size), ("cat", "dog"))


def count(network: nn.Module, trainable: bool = False) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad or not trainable)


def convolution(inputs: int, outputs: int, kernel: int) -> int:
    """Return the parameters of a convolution, or of a transposed one."""
    return inputs * outputs * kernel**2 + outputs


def smate_generator_parameters(size: int, channels: int, latent_dim: int, fine: int) -> int:
    coarse = 2 * fine
    dense = (latent_dim + 1) * coarse * (size // 8) ** 2
    doublings = convolution(coarse, fine, 4) + 2 * convolution(fine, fine, 4)
    return dense + doublings + convolution(fine, channels, 3)


def smate_discriminator_parameters(size: int, channels: int, widths: tuple[int, ...]) -> int:
    pairs = zip((channels, *widths), widths, strict=False)
    return sum(convolution(*pair, 3) for pair in pairs) + widths[-1] * (size // 8) ** 2 + 1


def test_the_smate_pair_has_the_published_numbers_of_parameters() -> None:
    generator, discriminator = SMateGenerator(COLOUR, 100, 0), SMateDiscriminator(COLOUR, 0, 1)
    assert count(generator) == 1_466_115 == smate_generator_parameters(32, 3, 100, fine=128)
    assert count(discriminator) == 522_497 == smate_discriminator_parameters(32, 3, (64, 128, 128, 256))
    freeze_blocks(generator, 3)
    # the third transposed convolution and the output
    assert count(generator, trainable=True) == 265_731 == convolution(128, 128, 4) + convolution(128, 3, 3)


def test_the_smate_pair_scales_with_width_and_size() -> None:
    assert count(SMateGenerator(image_spec(16), 10, 0, width=0.5)) == smate_generator_parameters(16, 1, 10, fine=64)
    discriminator = SMateDiscriminator(image_spec(16), 0, 1, width=0.5)
    assert count(discriminator) == smate_discriminator_parameters(16, 1, (32, 64, 64, 128))


def test_the_smate_pair_starts_as_in_keras() -> None:
    layer = SMateGenerator(COLOUR, 100, 0).blocks[1][0]
    limit = (6 / (16 * 256 + 16 * 128)) ** 0.5
    assert layer.weight.abs().max() <= limit
    assert layer.weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.02)
    assert not layer.bias.any()
    # bound by the spectral norm, too
    bound = SMateDiscriminator(COLOUR, 0, 1, spectral_norm=True).blocks[1][0]
    limit = (6 / (9 * 64 + 9 * 128)) ** 0.5
    assert bound.parametrizations.weight.original.std().item() == pytest.approx(limit / 3**0.5, rel=0.02)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("num_conditions", [0, 2])
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (16, 3), (64, 1)])
def test_a_pair_makes_and_judges_images(
    pair: tuple[Callable[..., nn.Module], ...], num_conditions: int, size: int, channels: int
) -> None:
    spec = image_spec(size, channels)
    generator, discriminator = pair[0](spec, 5, num_conditions), pair[1](spec, num_conditions, 1)
    images = generator(torch.randn(4, 5), CONDITIONS)
    assert images.shape == (4, *spec.shape)
    assert images.abs().max() <= 1
    assert discriminator(images, CONDITIONS).shape == (4,)
    assert pair[1](spec, num_conditions, 3)(images, CONDITIONS).shape == (4, 3)
    features = discriminator.eval().features(images, CONDITIONS)
    assert features.shape == (4, discriminator.blocks[-1][1].in_features)
    if not num_conditions:
        torch.testing.assert_close(discriminator.blocks[-1](features).squeeze(1), discriminator(images))


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_pair_heeds_the_condition_if_it_has_one(pair: tuple[Callable[..., nn.Module], ...]) -> None:
    spec, latent, images = image_spec(8), torch.randn(4, 5), torch.rand(4, 1, 8, 8)
    for network, inputs in ((pair[0](spec, 5, 2).eval(), latent), (pair[1](spec, 2, 1).eval(), images)):
        assert not torch.equal(network(inputs, CONDITIONS), network(inputs, 1 - CONDITIONS))
        with pytest.raises(InputError, match="pass them"):
            network(inputs)
    for network, inputs in ((pair[0](spec, 5, 0).eval(), latent), (pair[1](spec, 0, 1).eval(), images)):
        assert torch.equal(network(inputs, CONDITIONS), network(inputs))


def test_projection_is_the_product_of_features_and_the_conditions_vector() -> None:
    discriminator = DCGANDiscriminator(image_spec(8), 2, 1, width=2)
    images = torch.rand(4, 1, 8, 8)
    features = discriminator.features(images, CONDITIONS)
    unconditional = discriminator.blocks[-1](features).squeeze(1)
    expected = unconditional + torch.einsum("nf,nf->n", features, discriminator.projection.weight[CONDITIONS])
    torch.testing.assert_close(discriminator(images, CONDITIONS), expected)


@pytest.mark.parametrize(("size", "blocks"), [(8, 3), (12, 3), (28, 3), (32, 4), (36, 3), (48, 5), (64, 5)])
def test_a_dcgan_serves_every_size(size: int, blocks: int) -> None:
    spec = image_spec(size)
    generator, discriminator = DCGANGenerator(spec, 5, 0, width=1), DCGANDiscriminator(spec, 0, 1, width=1)
    assert len(generator.blocks) == len(discriminator.blocks) == blocks
    assert discriminator(generator(torch.randn(2, 5))).shape == (2,)


def test_a_dcgans_channels_double_as_the_image_is_halved() -> None:
    discriminator = DCGANDiscriminator(COLOUR, 0, 1, width=8)
    assert count(discriminator) == (convolution(3, 8, 4) + convolution(8, 16, 4) + convolution(16, 32, 4) + 32 * 16 + 1)
    generator = DCGANGenerator(COLOUR, 10, 0, width=8, batch_norm=False)
    assert count(generator) == (11 * 32 * 16 + convolution(32, 16, 4) + convolution(16, 8, 4) + convolution(8, 3, 4))


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_networks_may_be_channels_last(pair: tuple[Callable[..., nn.Module], ...]) -> None:
    spec, latent = image_spec(16, 3), torch.randn(4, 5)
    generator, discriminator = pair[0](spec, 5, 2).eval(), pair[1](spec, 2, 1).eval()
    images = generator(latent, CONDITIONS)
    scores = discriminator(images, CONDITIONS)
    for network in (generator, discriminator):
        network.to(memory_format=torch.channels_last)
    again = generator(latent, CONDITIONS).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(again, images)
    torch.testing.assert_close(discriminator(again, CONDITIONS), scores)


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (SMateGenerator, (3, 28, 28)),
        (SMateDiscriminator, (3, 28, 28)),
        (DCGANGenerator, (3, 30, 30)),
        (DCGANGenerator, (3, 4, 4)),
        (DCGANDiscriminator, (3, 128, 128)),
        (DCGANDiscriminator, (2, 32, 32)),
        (DCGANDiscriminator, (1, 32, 16)),
    ],
)
def test_images_that_a_network_cannot_serve_are_refused(network: Any, shape: tuple[int, ...]) -> None:
    channels, height, width = shape
    told = rf"{network.__name__} cannot serve images of {channels} channels and {height} x {width} pixels: give"
    with pytest.raises(InputError, match=told):
        network(DataSpec("image", shape, (0, 1)), 1, 1)


@pytest.mark.parametrize("network", [SMateGenerator, SMateDiscriminator, DCGANGenerator, DCGANDiscriminator])
def test_a_table_is_not_for_networks_of_images(network: Any) -> None:
    with pytest.raises(InputError, match=f"{network.__name__} is a network for images, but the data are tables"):
        network(TABLE, 1, 1)


@pytest.mark.parametrize(
    "network", [DenseGenerator, DenseDiscriminator, MixedTableGenerator, MixedTableDiscriminator, DenseClassifier]
)
def test_images_are_not_for_networks_of_tables(network: Any) -> None:
    arguments = (COLOUR,) if network is DenseClassifier else (COLOUR, 1, 1)
    with pytest.raises(InputError, match=f"{network.__name__} is a network for tables, but the data are images"):
        network(*arguments)
