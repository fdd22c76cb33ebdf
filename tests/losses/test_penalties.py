"""Gradient penalties against formulas written down independently of them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from gan_imbalance.losses import DRAGANPenalty, GradientPenalty, R1Penalty, WassersteinGradientPenalty

PENALTIES = [WassersteinGradientPenalty, DRAGANPenalty, R1Penalty]


@pytest.mark.parametrize(
    ("penalty", "expected"),
    [
        (WassersteinGradientPenalty(weight=10.0), 10 * (5 - 1) ** 2),
        (DRAGANPenalty(weight=3.0), 3 * (5 - 1) ** 2),
        (R1Penalty(weight=10.0), 10 / 2 * 5**2),
    ],
)
def test_penalty_of_a_linear_critic_is_that_of_its_slope(penalty: GradientPenalty, expected: float) -> None:
    # D(x) = 3 x1 + 4 x2 has gradient norm 5 at every sample; a norm over the batch would give 5 * sqrt(7).
    slope = torch.tensor([3.0, 4.0])
    real, fake = torch.randn(7, 2), torch.randn(7, 2)
    assert penalty(lambda x: x @ slope, real, fake).item() == pytest.approx(expected, rel=1e-5)


def test_norm_covers_all_features_of_an_image() -> None:
    real, fake = torch.randn(5, 3, 4, 4), torch.randn(5, 3, 4, 4)
    penalty = WassersteinGradientPenalty(weight=1.0)
    value = penalty(lambda x: x.flatten(1).sum(1), real, fake)
    assert value.item() == pytest.approx((math.sqrt(48) - 1) ** 2, rel=1e-5)


def test_norm_is_taken_over_each_pack() -> None:
    # Packs of 2 samples of 2 features: four slopes of 1 have norm 2, and the penalty is (2 - 1)^2.
    real, fake = torch.randn(6, 2), torch.randn(6, 2)
    value = WassersteinGradientPenalty(weight=1.0)(lambda x: x.reshape(3, 4).sum(1), real, fake)
    assert value.item() == pytest.approx(1.0, rel=1e-5)


def test_a_critic_of_slope_one_pays_nothing() -> None:
    value = WassersteinGradientPenalty()(lambda x: x[:, 0], torch.randn(4, 3), torch.randn(4, 3))
    assert value.item() == pytest.approx(0, abs=1e-10)


def test_gradient_at_each_sample_matches_finite_differences() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    real = torch.randn(4, 3, dtype=torch.float64)
    step = 1e-6
    shifts = step * torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        slopes = torch.stack([(critic(real + shift) - critic(real - shift))[:, 0] / (2 * step) for shift in shifts], 1)
    expected = 4.0 / 2 * (slopes**2).sum(1).mean()
    value = R1Penalty(weight=4.0)(lambda x: critic(x)[:, 0], real, real)
    torch.testing.assert_close(value.detach(), expected, rtol=1e-6, atol=1e-9)


def test_penalty_gives_the_weights_the_right_second_order_gradient() -> None:
    # For D(x) = w.x the penalty is (|w| - 1)^2, with gradient 2 (|w| - 1) w / |w| by w.
    slope = torch.tensor([3.0, 4.0], requires_grad=True)
    WassersteinGradientPenalty(weight=1.0)(lambda x: x @ slope, torch.randn(6, 2), torch.randn(6, 2)).backward()
    assert slope.grad is not None
    torch.testing.assert_close(slope.grad, torch.tensor([4.8, 6.4]))


@pytest.mark.parametrize("penalty_class", PENALTIES)
def test_flat_critic_gives_finite_gradients(penalty_class: type[GradientPenalty]) -> None:
    slope = torch.zeros(2, requires_grad=True)
    penalty_class()(lambda x: x @ slope, torch.randn(6, 2), torch.randn(6, 2)).backward()
    assert slope.grad is not None
    assert slope.grad.isfinite().all()


@pytest.mark.parametrize("penalty_class", PENALTIES)
def test_penalty_sends_nothing_to_the_samples(penalty_class: type[GradientPenalty]) -> None:
    real, fake = torch.randn(6, 2), torch.randn(6, 2, requires_grad=True)
    critic = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    penalty_class()(lambda x: critic(x)[:, 0], real, fake).backward()
    assert fake.grad is None


def test_wasserstein_points_lie_between_each_real_sample_and_its_fake() -> None:
    real, fake = torch.zeros(500, 3, 2), torch.ones(500, 3, 2)
    points = WassersteinGradientPenalty().points(real, fake).flatten(1)
    assert (points == points[:, :1]).all(), "one coefficient for all features of a sample"
    assert points[:, 0].unique().numel() > 400, "another one for every sample"
    assert points.min() >= 0
    assert points.max() <= 1
    assert points.mean().item() == pytest.approx(0.5, abs=0.05)


def test_dragan_points_are_perturbed_up_to_the_scaled_deviation() -> None:
    # Authors' code: X_p = X + 0.5 * X.std() * U; X + alpha * (X_p - X), alpha one per sample.
    real = torch.randn(4000, 2) * torch.tensor([1.0, 3.0])
    reach = 0.5 * real.numpy().std()
    shift = (DRAGANPenalty(noise_scale=0.5).points(real, real) - real) / reach
    assert shift.min() >= -1e-5
    assert shift.max() <= 1 + 1e-5
    assert shift.mean().item() == pytest.approx(1 / 4, abs=0.02)
    # E[a^2] E[u]^2 - E[a]^2 E[u]^2 = 1 / 48: the features of a sample share one coefficient.
    assert torch.cov(shift.T)[0, 1].item() == pytest.approx(1 / 48, abs=0.006)
    torch.testing.assert_close(DRAGANPenalty(noise_scale=0.0).points(real, real), real)


def test_r1_is_taken_at_the_real_samples_only() -> None:
    real = torch.tensor([[1.0], [2.0]])
    value = R1Penalty(weight=1.0)(lambda x: x[:, 0] ** 2, real, torch.full((2, 1), 100.0))
    assert value.item() == pytest.approx(0.5 * ((2 * 1) ** 2 + (2 * 2) ** 2) / 2)
