from __future__ import annotations

import torch
from torch import nn

from gan_imbalance.networks import OneHotDiscriminator, OneHotGenerator
from gan_imbalance.networks.one_hot import OneHotActivation
from gan_imbalance.types import DataSpec, Span

SPANS = (
    Span("amount", "linear", 0, 1),
    Span("rate", "tanh", 1, 1),
    Span("flag", "categorical", 2, 2),
    Span("colour", "categorical", 4, 3),
)
SPEC = DataSpec("table", (7,), ("no", "yes"), SPANS)


def test_levels_have_a_sigmoid_each_and_two_levels_are_one_attribute() -> None:
    x = torch.randn(9, 7)
    flag = (x[:, 2:3] - x[:, 3:4]).sigmoid()
    expected = torch.cat([x[:, :1], x[:, 1:2].tanh(), flag, 1 - flag, x[:, 4:].sigmoid()], dim=1)
    torch.testing.assert_close(OneHotActivation(SPANS)(x), expected)


def test_the_networks_have_two_hidden_leaky_layers_and_the_generator_sigmoids() -> None:
    generator, discriminator = OneHotGenerator(SPEC, 16, 0), OneHotDiscriminator(SPEC, 0, 1)
    for network in (generator, discriminator):
        assert sum(isinstance(module, nn.LeakyReLU) for module in network.modules()) == 2
    rows = generator(10 * torch.randn(200, 16))
    assert rows[:, 2:].min() >= 0
    assert rows[:, 2:].max() <= 1
    assert rows[:, 4:].sum(dim=1).std() > 0.01
    torch.testing.assert_close(rows[:, 2:4].sum(dim=1), torch.ones(200))
    assert discriminator(rows).shape == (200,)


def test_each_trick_of_the_discriminator_can_be_left_out() -> None:
    def tricks(network: OneHotDiscriminator) -> tuple[bool, bool]:
        return any(isinstance(module, nn.Dropout) for module in network.modules()), network.compares_samples

    assert tricks(OneHotDiscriminator(SPEC, 0, 1)) == (True, True)
    assert tricks(OneHotDiscriminator(SPEC, 0, 1, dropout=0.0)) == (False, True)
    assert tricks(OneHotDiscriminator(SPEC, 0, 1, distance_noise=None)) == (True, False)
