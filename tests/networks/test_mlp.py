from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from gan_imbalance.networks import DenseClassifier, DenseDiscriminator, DenseGenerator
from gan_imbalance.networks.layers import JoinedLinear
from gan_imbalance.types import DataSpec, InputError, Span

SPEC = DataSpec(
    "table", (4,), ("no", "yes", "maybe"), (Span("amount", "linear", 0, 1), Span("colour", "categorical", 1, 3))
)
CONDITIONS = torch.tensor([0, 1, 1, 0, 1, 0])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"widths": ()},
        {"widths": (5, 6)},
        {"batch_norm": True},
        {"residual": True},
        {"linear_skip": True},
        {"gumbel_temperature": 0.2},
        {"gumbel_temperature": 0.2, "straight_through": True},
    ],
)
@pytest.mark.parametrize("num_conditions", [0, 2])
def test_a_generator_makes_rows_of_the_table(options: dict[str, Any], num_conditions: int) -> None:
    generator = DenseGenerator(SPEC, 3, num_conditions, **options)
    rows = generator(torch.randn(6, 3), CONDITIONS)
    assert rows.shape == (6, 4)
    torch.testing.assert_close(rows[:, 1:].sum(1), torch.ones(6))


def test_a_generator_heeds_the_condition_only_if_it_has_one() -> None:
    latent = torch.randn(6, 3)
    conditional, unconditional = DenseGenerator(SPEC, 3, 2), DenseGenerator(SPEC, 3, 0)
    assert not torch.equal(conditional(latent, CONDITIONS), conditional(latent, 1 - CONDITIONS))
    assert torch.equal(unconditional(latent, CONDITIONS), unconditional(latent))
    with pytest.raises(InputError, match="pass them"):
        conditional(latent)


def test_a_linear_skip_adds_a_linear_map_of_the_input() -> None:
    generator = DenseGenerator(DataSpec("table", (2,), (0, 1), ()), 3, 0, widths=(5,), linear_skip=True)
    latent = torch.randn(6, 3)
    generator.activation = nn.Identity()
    torch.testing.assert_close(generator(latent), generator.blocks(latent) + latent @ generator.skip.weight.T)


@pytest.mark.parametrize(
    "options",
    [{}, {"widths": ()}, {"dropout": 0.5}, {"spectral_norm": True}, {"residual": True}, {"activation": "leaky_relu"}],
)
def test_a_discriminator_scores_every_row(options: dict[str, Any]) -> None:
    assert DenseDiscriminator(SPEC, 0, 1, **options)(torch.randn(6, 4)).shape == (6,)
    assert DenseDiscriminator(SPEC, 2, 3, **options)(torch.randn(6, 4), CONDITIONS).shape == (6, 3)


def test_a_packing_discriminator_scores_packs() -> None:
    discriminator = DenseDiscriminator(SPEC, 2, 1, widths=(7,), packing=3)
    rows = torch.randn(6, 4)
    scores = discriminator(rows, CONDITIONS)
    assert scores.shape == (2,)
    assert discriminator.features(rows, CONDITIONS).shape == (2, 7)
    # rows of the second pack leave the first one's score alone
    rows[3:] = 0
    assert torch.equal(discriminator(rows, CONDITIONS)[0], scores[0])


def test_features_are_what_the_last_layer_sees() -> None:
    discriminator = DenseDiscriminator(SPEC, 0, 1, widths=(5, 7))
    rows = torch.randn(6, 4)
    features = discriminator.features(rows)
    assert features.shape == (6, 7)
    assert torch.equal(discriminator.blocks[-1](features).squeeze(1), discriminator(rows))


def test_spectral_norm_bounds_every_layer() -> None:
    torch.manual_seed(0)
    discriminator = DenseDiscriminator(SPEC, 0, 1, widths=(8, 8), spectral_norm=True)
    for _ in range(100):
        discriminator(torch.randn(6, 4))
    layers = [module for module in discriminator.modules() if isinstance(module, JoinedLinear)]
    norms = torch.stack([torch.linalg.matrix_norm(layer.weight, 2) for layer in layers])
    torch.testing.assert_close(norms, torch.ones(3), atol=1e-3, rtol=0)


def test_a_classifier_gives_one_logit_per_class() -> None:
    assert DenseClassifier(SPEC)(torch.randn(6, 4)).shape == (6, 3)
    assert DenseClassifier(SPEC, widths=())(torch.randn(6, 4)).shape == (6, 3)


def test_a_discriminator_may_be_told_how_far_a_row_is_from_the_rest_of_its_batch() -> None:
    torch.manual_seed(0)
    plain, comparing = DenseDiscriminator(SPEC, 0, 1), DenseDiscriminator(SPEC, 0, 1, distance_noise=0.0, packing=2)
    assert not plain.compares_samples
    assert comparing.compares_samples
    x = torch.randn(6, 4)
    others = x.clone()
    others[4:] += 1
    torch.testing.assert_close(plain(x)[:4], plain(others)[:4])
    assert not torch.allclose(comparing(x)[:2], comparing(others)[:2])
