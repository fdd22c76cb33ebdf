"""The Cramér GAN's objectives against its algorithm 1, written down independently."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, CramerGAN
from gan_imbalance.losses import WassersteinGradientPenalty

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


@pytest.fixture
def gan(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> CramerGAN:
    gan = tiny_gan(CramerGAN, critic_dim=6, penalty=WassersteinGradientPenalty(7.0))
    fit(gan, tiny_data(), max_epochs=1)
    assert isinstance(gan, CramerGAN)
    return gan


def rows(gan: CramerGAN, seed: int) -> Tensor:
    return torch.randn(9, *gan.spec.shape, generator=torch.Generator().manual_seed(seed))


NOTHING = torch.zeros(9, dtype=torch.long)


def test_the_critics_loss_is_the_surrogate_with_its_penalty(gan: CramerGAN) -> None:
    real, fake = rows(gan, 0), rows(gan, 1)
    torch.manual_seed(5)
    found = gan.discriminator_objective(real, fake, NOTHING)
    torch.manual_seed(5)
    other = gan.generator(torch.randn(9, 4)).detach()
    mix = torch.rand(9, 1)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    h = gan.discriminator

    def f(x: Tensor) -> Tensor:
        return (h(x) - h(other)).norm(dim=1) - h(x).norm(dim=1)

    slopes = torch.autograd.grad(f(between).sum(), between, create_graph=True)[0].norm(dim=1)
    expected = -(f(real) - f(fake)).mean() + 7 * ((slopes - 1) ** 2).mean()
    torch.testing.assert_close(found, expected)


def test_the_generators_loss_is_the_energy_distance_of_two_independent_fakes(gan: CramerGAN) -> None:
    real, fake = rows(gan, 0), rows(gan, 1)
    torch.manual_seed(5)
    found = gan.generator_objective(real, fake, NOTHING)
    torch.manual_seed(5)
    other = gan.generator(torch.randn(9, 4))
    r, g, o = (gan.discriminator(x) for x in (real, fake, other))
    expected = ((r - g).norm(dim=1) + (r - o).norm(dim=1) - (g - o).norm(dim=1)).mean()
    torch.testing.assert_close(found, expected)
    found.backward()
    # both fakes teach the generator
    assert all(parameter.grad is not None for parameter in gan.generator.parameters())


def test_scores_are_always_against_the_same_fakes(gan: CramerGAN) -> None:
    random_state = torch.get_rng_state()
    first = gan.discriminate(rows(gan, 0), NOTHING)
    torch.rand(3)
    assert torch.equal(gan.discriminate(rows(gan, 0), NOTHING), first)
    assert first.shape == (9,)
    assert not torch.equal(torch.get_rng_state(), random_state)


def test_a_critic_of_one_dimension_works(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(CramerGAN, critic_dim=1)
    fit(gan, tiny_data(), max_epochs=1)
    assert gan.validation_step((rows(gan, 0), NOTHING), 0)["real_scores"].shape == (9,)
