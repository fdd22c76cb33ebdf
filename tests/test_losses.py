"""Every loss against a formula written down independently of it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.losses import (
    AdversarialLoss,
    AuxiliaryLoss,
    ClassificationLoss,
    ClippedWassersteinLoss,
    CodeInformation,
    CrossEntropy,
    DRAGANPenalty,
    FeatureMatching,
    FocalLoss,
    GradientPenalty,
    HingeLoss,
    KPlusOneLoss,
    LeastSquaresLoss,
    LogitAdjustedLoss,
    MajorityPenalty,
    NonSaturatingLoss,
    R1Penalty,
    TwoHeadedLoss,
    WassersteinGradientPenalty,
    WassersteinLoss,
    cramer_scores,
    energy_distance_loss,
    feature_matching_loss,
)
from gan_imbalance.types import InputError

REAL = torch.tensor([-2.0, -0.3, 0.4, 1.7])
FAKE = torch.tensor([-1.4, 0.2, 0.9])
ADVERSARIAL = [NonSaturatingLoss, LeastSquaresLoss, HingeLoss, WassersteinLoss, ClippedWassersteinLoss]
PENALTIES = [WassersteinGradientPenalty, DRAGANPenalty, R1Penalty]
AUXILIARY = [TwoHeadedLoss, KPlusOneLoss]
CLASSIFICATION = [CrossEntropy, FocalLoss, LogitAdjustedLoss]

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


def test_feature_matching_is_the_squared_distance_of_means() -> None:
    real, fake = torch.randn(5, 4), torch.randn(7, 4)
    expected = np.linalg.norm(real.numpy().mean(0) - fake.numpy().mean(0)) ** 2
    assert feature_matching_loss(real, fake).item() == pytest.approx(expected, rel=1e-5)
    assert FeatureMatching(weight=2.5)(real, fake).item() == pytest.approx(2.5 * expected, rel=1e-5)


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


def test_the_boundary_is_where_the_loss_changes_sides() -> None:
    assert NonSaturatingLoss().boundary(REAL, FAKE) == HingeLoss().boundary(REAL, FAKE) == 0
    assert LeastSquaresLoss().boundary(REAL, FAKE) == 0.5
    middle = (r.mean() + f.mean()) / 2
    assert float(WassersteinLoss().boundary(REAL, FAKE)) == pytest.approx(middle)
    assert float(TwoHeadedLoss(ClippedWassersteinLoss()).boundary(REAL, FAKE)) == pytest.approx(middle)
    assert KPlusOneLoss().boundary(REAL, FAKE) == 0


def _meta(*shape: int) -> Tensor:
    return torch.empty(*shape, device="meta", requires_grad=True)


def _labels() -> Tensor:
    return torch.empty(4, dtype=torch.long, device="meta")


def _adversarial_step(loss: AdversarialLoss) -> None:
    (loss.discriminator_loss(_meta(4), _meta(4)) + loss.generator_loss(_meta(4))).backward()
    loss.constrain(nn.Linear(2, 1, device="meta"))


def _penalty_step(penalty: GradientPenalty) -> None:
    critic = nn.Linear(2, 1, device="meta")
    penalty(lambda x: critic(x)[:, 0].square(), _meta(4, 2), _meta(4, 2)).backward()


def _classification_step(loss: ClassificationLoss) -> None:
    loss.attach([3, 2, 1])
    loss.to("meta")(_meta(4, 3), _labels()).mean().backward()


def _auxiliary_step(loss: AuxiliaryLoss) -> None:
    value = loss.discriminator_loss(_meta(4, 3), _labels(), _meta(4, 3), _labels())
    (value + loss.generator_loss(_meta(4, 3), _labels())).backward()


@pytest.mark.parametrize(
    "step",
    [
        *(lambda c=c: _adversarial_step(c()) for c in ADVERSARIAL),
        lambda: _adversarial_step(NonSaturatingLoss((0.9, 1.0), (0.0, 0.1))),
        *(lambda c=c: _penalty_step(c()) for c in PENALTIES),
        *(lambda c=c: _auxiliary_step(c()) for c in AUXILIARY),
        *(lambda c=c: _classification_step(c()) for c in CLASSIFICATION),
        lambda: FeatureMatching()(_meta(4, 3), _meta(4, 3)).backward(),
    ],
)
def test_nothing_waits_for_the_device(step: Callable[[], None]) -> None:
    # Tensors on the meta device have no values: asking for one, as .item() does, raises.
    step()


@pytest.mark.parametrize(
    ("module", "parameters"),
    [
        (NonSaturatingLoss((0.9, 1.0)), {"real_label_range": (0.9, 1.0), "fake_label_range": (0.0, 0.0)}),
        (ClippedWassersteinLoss(0.1), {"clip": 0.1}),
        (DRAGANPenalty(2.0, 0.3), {"weight": 2.0, "noise_scale": 0.3}),
        (TwoHeadedLoss(None, 0.3, True), {"class_weight": 0.3, "classify_fakes": True}),
        (FeatureMatching(3.0), {"weight": 3.0}),
        (FocalLoss(1.5), {"gamma": 1.5}),
        (LogitAdjustedLoss(0.5), {"tau": 0.5}),
    ],
)
def test_parameters_are_kept_under_their_names(module: nn.Module, parameters: dict[str, object]) -> None:
    assert {name: getattr(module, name) for name in parameters} == parameters


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


def logits_and_labels() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    return 3 * torch.randn(50, 4, generator=random), torch.randint(4, (50,), generator=random)


def test_a_classifiers_losses_are_one_per_sample() -> None:
    logits, labels = logits_and_labels()
    for loss_class in CLASSIFICATION:
        loss = loss_class()
        loss.attach([10, 20, 30, 40])
        losses = loss(logits, labels)
        assert losses.shape == (50,)
        torch.testing.assert_close(losses[:7], loss(logits[:7], labels[:7]))
    expected = [cross_entropy(logits[i : i + 1], labels[i : i + 1]) for i in range(50)]
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
    loss.attach(counts.tolist())
    f, y = logits.double().numpy(), labels.numpy()
    true = f[np.arange(50), y][:, None]
    terms = (counts / counts[y][:, None]) ** tau * np.exp(f - true)
    others = np.arange(4) != y[:, None]
    np.testing.assert_allclose(loss(logits, labels), np.log1p((terms * others).sum(axis=1)), rtol=1e-4, atol=1e-6)


def test_logit_adjustment_brings_the_best_constant_to_balance() -> None:
    # where nothing tells the classes apart, cross entropy learns their shares, and the adjusted loss that all are equal
    counts = torch.tensor([900, 90, 10])
    loss = LogitAdjustedLoss()
    loss.attach(counts.tolist())
    logits = torch.zeros(1, 3, requires_grad=True)
    (loss(logits.expand(3, 3), torch.arange(3)) * counts / counts.sum()).sum().backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 3), atol=1e-7, rtol=0)


# -- the majority penalty ---------------------------------------------------------------------------------------


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
