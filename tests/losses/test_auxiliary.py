"""Losses with classes against formulas written down independently of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gan_imbalance.losses import (
    ClippedWassersteinLoss,
    HingeLoss,
    KPlusOneLoss,
    LeastSquaresLoss,
    NonSaturatingLoss,
    TwoHeadedLoss,
    WassersteinLoss,
)

REAL_OUT, FAKE_OUT = (
    torch.randn(5, 4, generator=torch.Generator().manual_seed(0)),
    torch.randn(6, 4, generator=torch.Generator().manual_seed(1)),
)

REAL_LABELS, FAKE_LABELS = torch.tensor([0, 2, 1, 1, 0]), torch.tensor([2, 0, 1, 2, 2, 0])


def cross_entropy(out: Tensor, labels: Tensor) -> float:
    """Mean of -log softmax, in numpy."""
    powers = np.exp(out.double().numpy())
    shares = powers / powers.sum(1, keepdims=True)
    return float(-np.log(shares[np.arange(len(labels)), labels.numpy()]).mean())


def test_two_headed_loss_adds_the_class_terms() -> None:
    loss = TwoHeadedLoss(HingeLoss(), class_weight=0.5)
    source = np.maximum(0, 1 - REAL_OUT[:, 0].numpy()).mean() + np.maximum(0, 1 + FAKE_OUT[:, 0].numpy()).mean()
    real_classes = cross_entropy(REAL_OUT[:, 1:], REAL_LABELS)
    fake_classes = cross_entropy(FAKE_OUT[:, 1:], FAKE_LABELS)
    arguments = (REAL_OUT, REAL_LABELS, FAKE_OUT, FAKE_LABELS)
    assert loss.discriminator_loss(*arguments).item() == pytest.approx(source + 0.5 * real_classes, rel=1e-5)
    expected = -FAKE_OUT[:, 0].mean().item() + 0.5 * fake_classes
    assert loss.generator_loss(FAKE_OUT, FAKE_LABELS).item() == pytest.approx(expected, rel=1e-5)
    paper = TwoHeadedLoss(HingeLoss(), class_weight=0.5, classify_fakes=True)
    expected = source + 0.5 * (real_classes + fake_classes)
    assert paper.discriminator_loss(*arguments).item() == pytest.approx(expected, rel=1e-5)


def test_two_headed_loss_is_non_saturating_by_default_and_passes_the_constraint_on() -> None:
    assert isinstance(TwoHeadedLoss().adversarial, NonSaturatingLoss)
    critic = nn.Linear(2, 1)
    TwoHeadedLoss(ClippedWassersteinLoss(clip=1e-3)).constrain(critic)
    assert critic.weight.abs().max() <= 1e-3
    assert torch.equal(TwoHeadedLoss().adversarial_scores(FAKE_OUT), FAKE_OUT[:, 0])


def test_k_plus_one_loss_uses_the_last_column_for_synthetic() -> None:
    loss = KPlusOneLoss()
    expected = cross_entropy(REAL_OUT, REAL_LABELS) + cross_entropy(FAKE_OUT, torch.full((6,), 3))
    value = loss.discriminator_loss(REAL_OUT, REAL_LABELS, FAKE_OUT, FAKE_LABELS)
    assert value.item() == pytest.approx(expected, rel=1e-5)
    value = loss.generator_loss(FAKE_OUT, FAKE_LABELS)
    assert value.item() == pytest.approx(cross_entropy(FAKE_OUT, FAKE_LABELS), rel=1e-5)


def test_k_plus_one_score_is_the_log_odds_of_being_real() -> None:
    synthetic = FAKE_OUT.softmax(dim=1)[:, -1]
    torch.testing.assert_close(KPlusOneLoss().adversarial_scores(FAKE_OUT).sigmoid(), 1 - synthetic)


def test_the_boundary_is_that_of_the_adversarial_loss_or_even_odds() -> None:
    scores = torch.tensor([-1.0, 2.0]), torch.tensor([0.5, 0.0])
    assert TwoHeadedLoss(LeastSquaresLoss()).boundary(*scores) == 0.5
    assert float(TwoHeadedLoss(WassersteinLoss()).boundary(*scores)) == pytest.approx((0.5 + 0.25) / 2)
    assert KPlusOneLoss().boundary(*scores) == 0
