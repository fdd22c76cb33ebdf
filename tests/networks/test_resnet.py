from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.networks import ResNetDiscriminator, ResNetGenerator
from gan_imbalance.networks.resnet import ConditionalBatchNorm, DiscriminatorBlock, UpsamplingBlock
from gan_imbalance.types import DataSpec, InputError

CONDITIONS = torch.tensor([0, 1, 1, 0])


def image_spec(size: int, channels: int = 1) -> DataSpec:
    return DataSpec("image", (channels, size, size), ("cat", "dog"))


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("num_conditions", [0, 2])
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (20, 3), (36, 1)])
def test_the_pair_makes_and_judges_images(num_conditions: int, size: int, channels: int) -> None:
    spec = image_spec(size, channels)
    generator = ResNetGenerator(spec, 5, num_conditions, width=4)
    discriminator = ResNetDiscriminator(spec, num_conditions, 1, width=6)
    images = generator(torch.randn(4, 5), CONDITIONS)
    assert images.shape == (4, *spec.shape)
    assert images.abs().max() <= 1
    assert discriminator(images, CONDITIONS).shape == (4,)
    assert discriminator.features(images, CONDITIONS).shape == (4, 6)
    assert ResNetDiscriminator(spec, num_conditions, 3, width=6)(images, CONDITIONS).shape == (4, 3)


def test_both_heed_the_condition() -> None:
    spec, latent, images = image_spec(8), torch.randn(4, 5), torch.rand(4, 1, 8, 8)
    generator, discriminator = ResNetGenerator(spec, 5, 2, width=4), ResNetDiscriminator(spec, 2, 1, width=4).eval()
    for norms in generator.modules():
        if isinstance(norms, ConditionalBatchNorm):
            nn.init.normal_(norms.scales)
    generator.eval()
    assert not torch.equal(generator(latent, CONDITIONS), generator(latent, 1 - CONDITIONS))
    assert not torch.equal(discriminator(images, CONDITIONS), discriminator(images, 1 - CONDITIONS))
    for network, inputs in ((generator, latent), (discriminator, images)):
        with pytest.raises(InputError, match="pass them"):
            network(inputs)


def test_the_pair_for_cifar_has_the_papers_layers() -> None:
    spec = DataSpec("image", (3, 32, 32), tuple(range(10)))

    def convolutions(*channels: tuple[int, int, int]) -> int:
        return sum(inputs * outputs * kernel**2 + outputs for inputs, outputs, kernel in channels)

    growing = convolutions((256, 256, 3), (256, 256, 3), (256, 256, 1))
    generator = 129 * 4 * 4 * 256 + 3 * (growing + 2 * 2 * 256) + 2 * 256 + convolutions((256, 3, 3))
    assert count(ResNetGenerator(spec, 128, 0)) == generator
    # ten scales and shifts in place of one
    assert count(ResNetGenerator(spec, 128, 10)) == generator + 3 * 2 * 2 * 256 * 9
    halving = convolutions((128, 128, 3), (128, 128, 3), (128, 128, 1))
    first = convolutions((3, 128, 3), (128, 128, 3), (3, 128, 1))
    plain = convolutions((128, 128, 3), (128, 128, 3))
    assert count(ResNetDiscriminator(spec, 0, 1)) == first + halving + 2 * plain + 129
    assert count(ResNetDiscriminator(spec, 10, 1)) == first + halving + 2 * plain + 129 + 1280


def test_batch_norm_has_a_scale_and_a_shift_for_every_condition() -> None:
    norm = ConditionalBatchNorm(3, 2)
    nn.init.normal_(norm.scales)
    nn.init.normal_(norm.shifts)
    x = torch.randn(4, 3, 5, 5)
    plain = F.batch_norm(x, None, None, training=True)
    expected = plain * norm.scales[CONDITIONS][:, :, None, None] + norm.shifts[CONDITIONS][:, :, None, None]
    torch.testing.assert_close(norm(x, CONDITIONS), expected)


def test_batch_norm_remains_what_it_is_when_it_is_synchronised() -> None:
    norm = nn.SyncBatchNorm.convert_sync_batchnorm(UpsamplingBlock(3, 2))
    assert isinstance(norm.norms[0].norm, nn.SyncBatchNorm)
    assert norm.norms[0].scales.shape == (2, 3)


def test_blocks_are_those_of_the_paper() -> None:
    """The 1 x 1 convolutions stand on the other side of doubling and halving, which changes nothing."""
    growing, halving = UpsamplingBlock(3, 0).eval(), DiscriminatorBlock(3, 4, halving=True).eval()
    first, plain = (
        DiscriminatorBlock(3, 4, halving=True, first=True).eval(),
        DiscriminatorBlock(3, 3, halving=False).eval(),
    )
    x = torch.randn(2, 3, 6, 6)

    def doubled(x: Tensor) -> Tensor:
        return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)

    def halved(x: Tensor) -> Tensor:
        return x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).mean(dim=(3, 5))

    out = growing.convolutions[0](doubled(growing.norms[0].norm(x).relu()))
    out = growing.convolutions[1](growing.norms[1].norm(out).relu())
    torch.testing.assert_close(growing(x.clone()), out + growing.shortcut(doubled(x)))
    out = halving.convolutions[1](halving.convolutions[0](x.relu()).relu())
    torch.testing.assert_close(halving(x.clone()), halved(out + halving.shortcut(x)))
    out = first.convolutions[1](first.convolutions[0](x).relu())
    torch.testing.assert_close(first(x.clone()), halved(out + first.shortcut(x)))
    out = plain.convolutions[1](plain.convolutions[0](x.relu()).relu())
    torch.testing.assert_close(plain(x.clone()), out + x)


def test_spectral_norm_bounds_every_layer() -> None:
    torch.manual_seed(0)
    discriminator = ResNetDiscriminator(image_spec(8), 2, 1, width=4)
    for _ in range(100):
        discriminator(torch.rand(4, 1, 8, 8), CONDITIONS)
    layers = [module for module in discriminator.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    norms = torch.stack([torch.linalg.matrix_norm(layer.weight.flatten(1), 2) for layer in layers])
    torch.testing.assert_close(norms, torch.ones(len(layers)), atol=0.02, rtol=0)


def test_a_sum_over_pixels_is_the_last_but_one() -> None:
    discriminator = ResNetDiscriminator(image_spec(8), 0, 1, width=4).eval()
    x = torch.rand(4, 1, 8, 8)
    out = x
    for block in discriminator.blocks[:-2]:
        out = block(out)
    torch.testing.assert_close(discriminator.features(x), out.clamp(min=0).sum(dim=(2, 3)))


def test_images_that_it_cannot_serve_are_refused() -> None:
    for network in (ResNetGenerator, ResNetDiscriminator):
        with pytest.raises(InputError, match=f"{network.__name__} cannot serve images of 3 channels and 30 x 30"):
            network(image_spec(30, 3), 1, 1)
