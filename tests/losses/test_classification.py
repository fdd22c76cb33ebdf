"""Losses of classifiers against formulas written down independently of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch import Tensor

from gan_imbalance.losses import ClassBalancedLoss, CrossEntropy, FocalLoss, LogitAdjustedLoss
from gan_imbalance.types import InputError

CLASSIFICATION = [ClassBalancedLoss, CrossEntropy, FocalLoss, LogitAdjustedLoss]


def logits_and_labels() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    return 3 * torch.randn(50, 4, generator=random), torch.randint(4, (50,), generator=random)


def test_a_classifiers_losses_are_one_per_sample() -> None:
    logits, labels = logits_and_labels()
    for loss_class in CLASSIFICATION:
        loss = loss_class()
        loss.build([10, 20, 30, 40])
        losses = loss(logits, labels)
        assert losses.shape == (50,)
        torch.testing.assert_close(losses[:7], loss(logits[:7], labels[:7]))
    expected = -log_softmax(logits.double().numpy(), axis=1)[np.arange(50), labels.numpy()]
    assert CrossEntropy()(logits, labels).tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_the_focal_loss_of_two_classes_is_torchvisions(gamma: float) -> None:
    from torchvision.ops import sigmoid_focal_loss

    scores, labels = logits_and_labels()[0][:, 0], torch.arange(50) % 2
    expected = sigmoid_focal_loss(scores, labels.float(), alpha=-1, gamma=gamma)
    found = FocalLoss(gamma)(torch.stack([torch.zeros(50), scores], dim=1), labels)
    torch.testing.assert_close(found, expected)


def test_the_focal_loss_of_many_classes_is_its_formula() -> None:
    logits, labels = logits_and_labels()
    powers = np.exp(logits.double().numpy())
    p = (powers / powers.sum(axis=1, keepdims=True))[np.arange(50), labels.numpy()]
    np.testing.assert_allclose(FocalLoss(gamma=3.0)(logits, labels), -((1 - p) ** 3) * np.log(p), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_the_focal_loss_has_a_slope_where_nothing_is_in_doubt(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    losses = FocalLoss(gamma)(logits, torch.tensor([0, 0]))
    losses.sum().backward()
    assert losses.tolist() == pytest.approx([0, 200])
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad[1].tolist() == pytest.approx([-1, 1])


def test_a_focal_loss_that_rewards_certainty_is_refused() -> None:
    with pytest.raises(InputError, match="gamma is -1"):
        FocalLoss(-1)


@pytest.mark.parametrize("tau", [0.0, 0.7, 1.0])
def test_logit_adjustment_is_the_papers_pairwise_form(tau: float) -> None:
    # equation 10, right-hand side: log(1 + sum over the others y' of (share y' / share y)^tau exp(f y' - f y))
    logits, labels = logits_and_labels()
    counts = np.array([500, 50, 20, 5])
    loss = LogitAdjustedLoss(tau)
    loss.build(counts.tolist())
    f, y = logits.double().numpy(), labels.numpy()
    true = f[np.arange(50), y][:, None]
    terms = (counts / counts[y][:, None]) ** tau * np.exp(f - true)
    others = np.arange(4) != y[:, None]
    np.testing.assert_allclose(loss(logits, labels), np.log1p((terms * others).sum(axis=1)), rtol=1e-4, atol=1e-6)


def test_logit_adjustment_brings_the_best_constant_to_balance() -> None:
    # where nothing tells the classes apart, cross entropy learns their shares, and the adjusted loss that all are equal
    counts = torch.tensor([900, 90, 10])
    loss = LogitAdjustedLoss()
    loss.build(counts.tolist())
    logits = torch.zeros(1, 3, requires_grad=True)
    (loss(logits.expand(3, 3), torch.arange(3)) * counts / counts.sum()).sum().backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 3), atol=1e-7, rtol=0)


def test_the_class_balanced_loss_weighs_by_the_effective_number_of_samples() -> None:
    logits, labels = logits_and_labels()
    counts = np.array([2, 10, 300, 5000])
    for beta in (0.0, 0.99, 0.9999):
        loss = ClassBalancedLoss(beta)
        loss.build(counts.tolist())
        # the sum 1 + beta + ... + beta^(n - 1), term by term
        weights = 1 / np.array([(beta ** np.arange(count)).sum() for count in counts])
        expected = (weights / weights.mean())[labels] * -log_softmax(logits.double().numpy(), axis=1)[
            np.arange(50), labels.numpy()
        ]
        np.testing.assert_allclose(loss(logits, labels), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(InputError, match="beta is 1"):
        ClassBalancedLoss(1.0)
