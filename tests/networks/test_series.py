"""Convolutional networks for time series: any length, and blocks that can be frozen."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from gan_imbalance.networks import TemporalDiscriminator, TemporalGenerator, first_blocks
from gan_imbalance.networks.series import halved_lengths
from gan_imbalance.types import DataSpec, InputError

LENGTHS = [2, 3, 8, 9, 24, 99, 152]
LABELS = torch.tensor([0, 1, 1])


def spec(length: int, channels: int = 2) -> DataSpec:
    return DataSpec("series", (channels, length), ("no", "yes"))


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("num_conditions", [0, 2])
def test_any_length_is_generated_and_judged(length: int, num_conditions: int) -> None:
    made = TemporalGenerator(spec(length), 5, num_conditions, width=4)(torch.randn(3, 5), LABELS)
    assert made.shape == (3, 2, length)
    assert made.abs().max() <= 1
    for outputs, shape in ((1, (3,)), (3, (3, 3))):
        discriminator = TemporalDiscriminator(spec(length), num_conditions, outputs, width=4)
        assert discriminator(made, LABELS).shape == shape
        assert len(discriminator.blocks) == len(halved_lengths(length))


@pytest.mark.parametrize(("length", "lengths"), [(2, [2, 1]), (8, [8, 4]), (9, [9, 5]), (99, [99, 50, 25, 13, 7])])
def test_lengths_are_halved_to_eight_steps_or_fewer(length: int, lengths: list[int]) -> None:
    assert halved_lengths(length) == lengths


def test_what_a_series_or_a_layer_holds_anywhere_moves_its_score() -> None:
    held = [torch.zeros(1, 2, 99, requires_grad=True)]
    for block in TemporalDiscriminator(spec(99), 0, 1, width=4).blocks:
        held.append(block(held[-1]))
    for gradient in torch.autograd.grad(held[-1].sum(), held[:-1]):
        assert gradient.all()


@pytest.mark.parametrize("length", [9, 140, 1000])
def test_at_first_variety_passes_the_generator_and_slopes_the_discriminator_whatever_the_length(length: int) -> None:
    torch.manual_seed(0)
    made = TemporalGenerator(spec(length), 32, 0)(torch.randn(64, 32)).detach().requires_grad_()
    assert 0.1 < made.std(dim=0).mean() < 0.7
    (slopes,) = torch.autograd.grad(TemporalDiscriminator(spec(length), 0, 1)(made).sum(), made)
    assert 0.3 < slopes.flatten(1).norm(dim=1).mean() < 3


@pytest.mark.parametrize("projection", [True, False])
def test_conditions_move_the_scores(projection: bool) -> None:
    discriminator = TemporalDiscriminator(spec(24), 2, 1, width=4, projection=projection)
    x = torch.randn(1, 2, 24).expand(3, -1, -1)
    first, second, third = discriminator(x, LABELS).tolist()
    assert first != second
    assert second == pytest.approx(third)


def test_spectral_norm_bounds_every_layer() -> None:
    discriminator = TemporalDiscriminator(spec(24), 2, 1, width=4, spectral_norm=True)
    layers = [layer for layer in discriminator.modules() if isinstance(layer, nn.Conv1d | nn.Linear)]
    assert all(hasattr(layer, "parametrizations") for layer in layers)


def test_its_blocks_can_be_frozen_in_order() -> None:
    generator = TemporalGenerator(spec(24), 5, 0, width=4)
    assert [type(block[0]) for block in first_blocks(generator, 2)] == [nn.Linear, nn.Upsample]
    assert first_blocks(TemporalDiscriminator(spec(24), 0, 1, width=4), 1)


@pytest.mark.parametrize(
    "make",
    [
        partial(TemporalGenerator, latent_dim=5, num_conditions=0),
        partial(TemporalDiscriminator, num_conditions=0, num_outputs=1),
    ],
)
def test_other_data_are_refused(make: Any) -> None:
    with pytest.raises(InputError, match="is a network for series, but the data are images"):
        make(DataSpec("image", (1, 8, 8), ("no", "yes")))
