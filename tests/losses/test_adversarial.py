"""Adversarial losses against formulas written down independently of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gan_imbalance.losses import (
    AdversarialLoss,
    ClippedWassersteinLoss,
    HingeLoss,
    LeastSquaresLoss,
    NonSaturatingLoss,
    WassersteinLoss,
    cramer_scores,
    energy_distance_loss,
)
from gan_imbalance.types import InputError

REAL = torch.tensor([-2.0, -0.3, 0.4, 1.7])
FAKE = torch.tensor([-1.4, 0.2, 0.9])
ADVERSARIAL = [NonSaturatingLoss, LeastSquaresLoss, HingeLoss, WassersteinLoss, ClippedWassersteinLoss]

r, f = REAL.double().numpy(), FAKE.double().numpy()


def sigmoid(scores: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-scores))


FORMULAS = {
    NonSaturatingLoss: (
        -np.log(sigmoid(r)).mean() - np.log(1 - sigmoid(f)).mean(),
        -np.log(sigmoid(f)).mean(),
    ),
    LeastSquaresLoss: (0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(), 0.5 * ((f - 1) ** 2).mean()),
    HingeLoss: (np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(), -f.mean()),
    WassersteinLoss: (-(r.mean() - f.mean()), -f.mean()),
    ClippedWassersteinLoss: (-(r.mean() - f.mean()), -f.mean()),
}


@pytest.mark.parametrize("loss_class", ADVERSARIAL)
def test_adversarial_loss_is_its_formula(loss_class: type[AdversarialLoss]) -> None:
    loss = loss_class()
    discriminator, generator = FORMULAS[loss_class]
    assert loss.discriminator_loss(REAL, FAKE).item() == pytest.approx(discriminator, rel=1e-5)
    assert loss.generator_loss(FAKE).item() == pytest.approx(generator, rel=1e-5)


@pytest.mark.parametrize("loss_class", ADVERSARIAL)
def test_gradients_part_real_from_fake(loss_class: type[AdversarialLoss]) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    loss_class().discriminator_loss(real + 0.5, fake + 0.5).backward()
    assert real.grad is not None
    assert fake.grad is not None
    assert (real.grad < 0).all(), "descent must raise real scores"
    assert (fake.grad > 0).all(), "descent must lower fake scores"
    generated = torch.zeros(4, requires_grad=True)
    loss_class().generator_loss(generated).backward()
    assert generated.grad is not None
    assert (generated.grad < 0).all(), "the generator's descent must raise its scores"


def test_losses_stay_finite_where_sigmoids_saturate() -> None:
    loss = NonSaturatingLoss()
    assert loss.discriminator_loss(torch.tensor([-200.0]), torch.tensor([200.0])).item() == pytest.approx(400)
    assert loss.generator_loss(torch.tensor([-200.0])).item() == pytest.approx(200)


def test_fixed_soft_labels_match_cross_entropy_with_those_labels() -> None:
    loss = NonSaturatingLoss((0.9, 0.9), (0.2, 0.2))
    expected = F.binary_cross_entropy(REAL.sigmoid(), torch.full_like(REAL, 0.9))
    expected += F.binary_cross_entropy(FAKE.sigmoid(), torch.full_like(FAKE, 0.2))
    torch.testing.assert_close(loss.discriminator_loss(REAL, FAKE), expected)


def test_drawn_soft_labels_lie_in_their_range() -> None:
    # The gradient of n * loss by a score of 0 is 0.5 - label.
    real, fake = torch.zeros(1000, requires_grad=True), torch.zeros(1000, requires_grad=True)
    (NonSaturatingLoss((0.8, 1.0), (0.0, 0.3)).discriminator_loss(real, fake) * 1000).backward()
    assert real.grad is not None
    assert fake.grad is not None
    for grad, low, high in ((real.grad, 0.8, 1.0), (fake.grad, 0.0, 0.3)):
        labels = 0.5 - grad
        assert labels.min() >= low - 1e-4
        assert labels.max() <= high + 1e-4
        assert labels.mean().item() == pytest.approx((low + high) / 2, abs=0.02)
        assert labels.std() > 0.04


def test_hard_labels_leave_the_random_stream_alone() -> None:
    before = torch.get_rng_state()
    NonSaturatingLoss().discriminator_loss(REAL, FAKE)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("limits", [(0.9, 0.8), (-0.1, 0.5), (0.9, 1.2)])
def test_label_range_out_of_order_is_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="real_label_range"):
        NonSaturatingLoss(real_label_range=limits)
    with pytest.raises(InputError, match="fake_label_range"):
        NonSaturatingLoss(fake_label_range=limits)


def test_clipping_leaves_every_trainable_weight_in_the_box_and_frozen_ones_alone() -> None:
    critic = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    critic[0].requires_grad_(False)
    with torch.no_grad():
        critic[1].weight.copy_(torch.tensor([[-5.0, -0.01, 0.015, 3.0]]))
    frozen = critic[0].weight.clone()
    loss = ClippedWassersteinLoss(clip=0.02)
    loss.constrain(critic)
    torch.testing.assert_close(critic[1].weight.detach(), torch.tensor([[-0.02, -0.01, 0.015, 0.02]]))
    assert torch.equal(critic[0].weight, frozen)
    loss.constrain(critic.requires_grad_(False))


def test_clip_must_be_positive() -> None:
    with pytest.raises(InputError, match="clip"):
        ClippedWassersteinLoss(clip=0.0)


@pytest.mark.parametrize("loss_class", [NonSaturatingLoss, LeastSquaresLoss, HingeLoss, WassersteinLoss])
def test_other_losses_leave_the_weights_alone(loss_class: type[AdversarialLoss]) -> None:
    critic = nn.Linear(3, 1)
    before = critic.weight.clone()
    loss_class().constrain(critic)
    assert torch.equal(critic.weight, before)


def test_the_boundary_is_where_the_loss_changes_sides() -> None:
    assert NonSaturatingLoss().boundary(REAL, FAKE) == HingeLoss().boundary(REAL, FAKE) == 0
    assert LeastSquaresLoss().boundary(REAL, FAKE) == 0.5
    middle = (r.mean() + f.mean()) / 2
    assert float(WassersteinLoss().boundary(REAL, FAKE)) == pytest.approx(middle)
    assert float(ClippedWassersteinLoss().boundary(REAL, FAKE)) == pytest.approx(middle)


def test_the_generators_energy_distance_is_scipys_up_to_what_real_rows_have_among_themselves() -> None:
    from scipy.stats import energy_distance

    random = np.random.default_rng(0)
    real, fake = random.normal(size=40), random.normal(1, 2, size=40)
    pairs = [torch.from_numpy(rows).reshape(-1, 1) for rows in map(np.ravel, np.meshgrid(real, fake))]
    # all pairs stand for the expectations: real with fake, and fake with fake
    across = energy_distance_loss(pairs[0], pairs[1], pairs[1])
    one, other = (torch.from_numpy(np.ravel(rows)).reshape(-1, 1) for rows in np.meshgrid(fake, fake))
    within = energy_distance_loss(torch.zeros_like(one), one, other) - 2 * one.abs().mean()
    within_real = np.abs(real[:, None] - real).mean()
    found = float(across + within) - within_real
    assert found == pytest.approx(energy_distance(real, fake) ** 2)


def test_the_critics_scores_are_distances_from_a_fake_less_lengths() -> None:
    vectors, others = torch.randn(2, 7, 3, dtype=torch.float64)
    expected = [math.dist(v, o) - math.hypot(*v) for v, o in zip(vectors.tolist(), others.tolist(), strict=True)]
    assert cramer_scores(vectors, others).tolist() == pytest.approx(expected)
