"""Terms against formulas written down independently of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from gan_imbalance.losses import CodeInformation, FeatureMatching, MajorityPenalty, feature_matching_loss
from gan_imbalance.types import InputError


def test_feature_matching_is_the_squared_distance_of_means() -> None:
    real, fake = torch.randn(5, 4), torch.randn(7, 4)
    expected = np.linalg.norm(real.numpy().mean(0) - fake.numpy().mean(0)) ** 2
    assert feature_matching_loss(real, fake).item() == pytest.approx(expected, rel=1e-5)
    assert FeatureMatching(weight=2.5)(real, fake).item() == pytest.approx(2.5 * expected, rel=1e-5)


def test_information_about_a_code_is_its_bound() -> None:
    from scipy.stats import norm

    term = CodeInformation(categories=3, numbers=2, weight=0.7)
    torch.manual_seed(0)
    code = term.draw(6, torch.device("cpu"))
    predicted = torch.randn(6, 5)
    shares = np.exp(predicted[:, :3].double().numpy())
    shares /= shares.sum(axis=1, keepdims=True)
    likely = np.log(shares[np.arange(6), code[:, :3].argmax(dim=1).numpy()])
    numbers = norm(predicted[:, 3:].double().numpy()).logpdf(code[:, 3:].double().numpy()).sum(axis=1)
    bound = (likely + numbers).mean() + math.log(3) + 2 * math.log(2)
    assert term(predicted, code).item() == pytest.approx(-0.7 * bound, rel=1e-5)


def test_a_head_that_knows_nothing_finds_no_information_and_one_that_knows_all_finds_the_entropy() -> None:
    term = CodeInformation(categories=4, numbers=0)
    code = term.draw(20, torch.device("cpu"))
    assert term(torch.zeros(20, 4), code).item() == pytest.approx(0, abs=1e-6)
    assert term(100 * code, code).item() == pytest.approx(-math.log(4))


def test_codes_are_spread_evenly() -> None:
    torch.manual_seed(0)
    code = CodeInformation(categories=4, numbers=2).draw(20_000, torch.device("cpu"))
    assert code[:, :4].sum(dim=1).unique().tolist() == [1]
    # five standard deviations
    torch.testing.assert_close(code[:, :4].mean(dim=0), torch.full((4,), 0.25), atol=0.016, rtol=0)
    torch.testing.assert_close(code[:, 4:].mean(dim=0), torch.zeros(2), atol=0.021, rtol=0)
    torch.testing.assert_close(code[:, 4:].var(dim=0), torch.full((2,), 1 / 3), atol=0.011, rtol=0)
    assert CodeInformation(categories=0, numbers=2).draw(3, torch.device("cpu")).shape == (3, 2)


@pytest.mark.parametrize(("categories", "numbers"), [(0, 0), (1, 2), (-1, 3), (2, -1)])
def test_a_code_that_tells_nothing_is_refused(categories: int, numbers: int) -> None:
    with pytest.raises(InputError, match="tells nothing"):
        CodeInformation(categories, numbers)


@pytest.fixture
def penalty() -> MajorityPenalty:
    """Return a penalty of weight 0.5 with a classifier of three features and four classes, in double precision."""
    torch.manual_seed(0)
    made = MajorityPenalty(weight=0.5)
    made.classifier = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).double()
    return made


def test_the_majority_penalty_punishes_the_probability_of_all_other_classes(penalty: MajorityPenalty) -> None:
    samples, labels = torch.randn(6, 3, dtype=torch.float64), torch.tensor([3, 0, 1, 2, 3, 3])
    shares = penalty.classifier(samples).exp()
    shares = shares / shares.sum(dim=1, keepdim=True)
    others = shares.sum(dim=1) - shares[torch.arange(6), labels]
    torch.testing.assert_close(penalty(samples, labels), 0.5 * -torch.log(1 - others).mean())


def test_the_majority_penalty_is_steepest_where_the_classifier_is_surest_of_another_class() -> None:
    penalty = MajorityPenalty()
    penalty.classifier = nn.Identity()
    logits = torch.tensor([[0.0, 200.0], [200.0, 0.0]], requires_grad=True)
    value = penalty(logits, torch.tensor([0, 0]))
    value.backward()
    # the first sample's share of its class is 0 in single precision
    assert value.item() == pytest.approx(100)
    torch.testing.assert_close(logits.grad, torch.tensor([[-0.5, 0.5], [0.0, 0.0]]))


def test_the_penaltys_classifier_is_a_copy_that_belongs_to_nobody(penalty: MajorityPenalty) -> None:
    own = nn.Linear(3, 2)
    penalty.classifier = own
    whole = nn.ModuleList([penalty]).train()
    assert not list(whole.parameters())
    assert not whole.state_dict()
    assert not any(module.training for module in penalty.classifier.modules())
    assert not any(parameter.requires_grad for parameter in penalty.classifier.parameters())
    assert own.training
    assert all(parameter.requires_grad for parameter in own.parameters())
    nn.init.zeros_(own.weight)
    assert penalty.classifier.weight.any()


def test_a_majority_penalty_needs_a_classifier_and_a_weight() -> None:
    with pytest.raises(InputError, match="has no classifier"):
        MajorityPenalty()(torch.randn(2, 3), torch.tensor([0, 1]))
    with pytest.raises(InputError, match="weight is -1"):
        MajorityPenalty(weight=-1)
