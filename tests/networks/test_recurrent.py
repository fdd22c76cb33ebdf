"""Recurrent networks for time series: noise of every step, the past alone, and second derivatives."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from gan_imbalance.networks import RecurrentDiscriminator, RecurrentGenerator, first_blocks
from gan_imbalance.types import DataSpec, InputError

SPEC = DataSpec("series", (2, 7), ("no", "yes"))
LABELS = torch.tensor([0, 1, 1])


@pytest.mark.parametrize("num_conditions", [0, 2])
def test_series_are_generated_and_judged(num_conditions: int) -> None:
    made = RecurrentGenerator(SPEC, 5, num_conditions, widths=(4, 3))(torch.randn(3, 5), LABELS)
    assert made.shape == (3, 2, 7)
    assert made.abs().max() <= 1
    for outputs, shape in ((1, (3,)), (3, (3, 3))):
        assert RecurrentDiscriminator(SPEC, num_conditions, outputs, widths=(4, 3))(made, LABELS).shape == shape


def test_noise_is_drawn_anew_beside_the_latent_vector() -> None:
    generator, latent = RecurrentGenerator(SPEC, 5, 0, widths=(4,)), torch.randn(2, 5)
    first, second = generator(latent), generator(latent)
    assert not torch.equal(first, second)
    still = RecurrentGenerator(SPEC, 5, 0, widths=(4,), noise_dim=0)
    assert torch.equal(still(latent), still(latent))


def test_the_units_see_the_past_alone() -> None:
    x = torch.randn(1, 2, 7, requires_grad=True)
    gru = first_blocks(RecurrentDiscriminator(SPEC, 0, 1, widths=(4, 3)), 2)[0]
    gru(x.transpose(1, 2))[:, 3].sum().backward()
    assert x.grad is not None
    assert x.grad[..., :4].all()
    assert not x.grad[..., 4:].any()


def test_the_score_is_the_mean_of_those_of_the_steps() -> None:
    discriminator, x = RecurrentDiscriminator(SPEC, 0, 1, widths=(4,)), torch.randn(3, 2, 7)
    gru, output = discriminator.blocks
    torch.testing.assert_close(discriminator(x), output(gru(x.transpose(1, 2))).mean(dim=(1, 2)))


def test_it_has_a_second_derivative() -> None:
    discriminator = RecurrentDiscriminator(SPEC, 2, 1, widths=(3, 2)).double()
    x = torch.randn(3, 2, 7, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda given: discriminator(given, LABELS), x)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="cuDNN's units, which have none, are on GPUs only")
def test_it_has_a_second_derivative_on_gpus() -> None:
    discriminator = RecurrentDiscriminator(SPEC, 0, 1, widths=(3,)).double().cuda()
    x = torch.randn(3, 2, 7, dtype=torch.double, device="cuda", requires_grad=True)
    assert torch.autograd.gradgradcheck(discriminator, x)


def test_a_layer_is_a_block_that_can_be_frozen() -> None:
    for network in (RecurrentGenerator(SPEC, 5, 0, (4, 3)), RecurrentDiscriminator(SPEC, 0, 1, (4, 3))):
        assert all(isinstance(block, nn.GRU) for block in first_blocks(network, 2))


@pytest.mark.parametrize(
    "make",
    [
        partial(RecurrentGenerator, latent_dim=5, num_conditions=0),
        partial(RecurrentDiscriminator, num_conditions=0, num_outputs=1),
    ],
)
def test_what_it_cannot_be_built_for_is_refused(make: Any) -> None:
    with pytest.raises(InputError, match="is a network for series, but the data are tables"):
        make(DataSpec("table", (3,), ("no", "yes")))
    with pytest.raises(InputError, match="widths is empty; give the units of at least one recurrent layer"):
        make(SPEC, widths=())
