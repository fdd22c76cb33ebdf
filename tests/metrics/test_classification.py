"""Figures for imbalanced classes, against scikit-learn and imbalanced-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from imblearn.metrics import geometric_mean_score
from sklearn import metrics as sk
from torch import Tensor
from torchmetrics.functional.classification import binary_precision_at_fixed_recall, binary_recall_at_fixed_precision

from gan_imbalance.metrics import Costs, ImbalanceMetrics, predict_classes, reweighted_precision, tune_threshold
from gan_imbalance.types import InputError


def make_scores(n: int, shares: list[float], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return probabilities with ties, informative but not perfect, and classes drawn by their shares."""
    rng = np.random.default_rng(seed)
    targets = rng.choice(len(shares), n, p=shares)
    logits = rng.normal(size=(n, len(shares))) + 1.5 * np.eye(len(shares))[targets]
    rounded = np.round(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), 2)
    return torch.tensor(rounded / rounded.sum(1, keepdims=True), dtype=torch.float32), torch.tensor(targets)


def measure(probabilities: Tensor, targets: Tensor, **options: object) -> dict[str, float]:
    metric = ImbalanceMetrics(classes=["good", "bad", 3][: probabilities.shape[1]], minority=1, **options)
    for rows in torch.arange(len(targets)).split(77):
        metric.update(probabilities[rows], targets[rows])
    return {name: value.item() for name, value in metric.compute().items()}


@pytest.mark.parametrize("shares", [[0.9, 0.1], [0.6, 0.1, 0.3]])
@pytest.mark.parametrize("threshold", [None, 0.25])
def test_figures_equal_scikit_learn_and_imbalanced_learn(shares: list[float], threshold: float | None) -> None:
    probabilities, targets = make_scores(500, shares)
    truth, predicted = targets.numpy(), predict_classes(probabilities, 1, threshold).numpy()
    positive, scores = truth == 1, probabilities[:, 1].double().numpy()
    figures = measure(probabilities, targets, threshold=threshold)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(truth, predicted)
    curve_precision, curve_recall, _ = sk.precision_recall_curve(positive, scores)
    expected = {
        "balanced_accuracy": sk.balanced_accuracy_score(truth, predicted),
        "g_mean": geometric_mean_score(truth, predicted),
        "accuracy": sk.accuracy_score(truth, predicted),
        "pr_auc": sk.average_precision_score(positive, scores),
        "roc_auc": sk.roc_auc_score(positive, scores),
        "precision_at_recall": curve_precision[curve_recall >= 0.8].max(),
        "recall_at_precision": curve_recall[curve_precision >= 0.8].max(),
        "brier": sk.brier_score_loss(positive, scores),
        "calibration_error": figures["calibration_error"],
    }
    for i, label in enumerate(["good", "bad", 3][: len(shares)]):
        expected |= {f"recall_{label}": recall[i], f"precision_{label}": precision[i], f"f1_{label}": f1[i]}
    assert figures == pytest.approx(expected, abs=1e-5)


def test_calibration_error_is_the_weighted_gap_of_fifteen_bins() -> None:
    probabilities, targets = make_scores(400, [0.7, 0.3], seed=3)
    scores, positive = probabilities[:, 1].numpy(), targets.numpy() == 1
    expected = 0.0
    for bin_ in range(15):
        low, high = bin_ / 15, (bin_ + 1) / 15
        inside = (scores >= low) & (scores < high) if bin_ < 14 else scores >= low
        if inside.any():
            expected += inside.mean() * abs(scores[inside].mean() - positive[inside].mean())
    assert measure(probabilities, targets)["calibration_error"] == pytest.approx(expected, abs=1e-6)


def test_calibration_error_of_a_hand_made_case() -> None:
    # Bin of .9: 4 rows, half of them positive (gap .4); bin of 1: 4 rows, all positive (gap 0).
    scores = torch.tensor([0.9] * 4 + [1.0] * 4)
    targets = torch.tensor([1, 1, 0, 0, 1, 1, 1, 1])
    figures = measure(torch.stack([1 - scores, scores], 1), targets)
    assert figures["calibration_error"] == pytest.approx((4 * 0.4 + 4 * 0.0) / 8)


def test_confusion_matrix_has_true_classes_as_rows() -> None:
    probabilities, targets = make_scores(300, [0.6, 0.1, 0.3])
    metric = ImbalanceMetrics(classes=[0, 1, 2], minority=1)
    metric.update(probabilities, targets)
    expected = sk.confusion_matrix(targets, predict_classes(probabilities, 1))
    np.testing.assert_array_equal(metric.confusion_matrix().numpy(), expected)
    assert not np.array_equal(expected, expected.T), "the case must tell rows from columns"
    metric.compute()
    np.testing.assert_array_equal(metric.confusion_matrix().numpy(), expected)


def test_reset_forgets() -> None:
    metric = ImbalanceMetrics(classes=[0, 1], minority=1)
    metric.update(torch.tensor([[0.1, 0.9]]), torch.tensor([0]))
    metric.reset()
    metric.update(torch.tensor([[0.1, 0.9]]), torch.tensor([1]))
    assert metric.compute()["recall_1"] == 1


def test_prediction_with_a_threshold_falls_back_to_the_best_of_the_others() -> None:
    probabilities = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.3, 0.6], [0.1, 0.29, 0.61], [0.3, 0.4, 0.3]])
    assert predict_classes(probabilities, 1).tolist() == [0, 2, 2, 1]
    assert predict_classes(probabilities, 1, 0.3).tolist() == [1, 1, 2, 1]
    assert predict_classes(probabilities, 1, 0.45).tolist() == [0, 2, 2, 0]


def test_for_two_classes_a_threshold_of_a_half_changes_nothing() -> None:
    probabilities, targets = make_scores(300, [0.8, 0.2])
    probabilities[0] = 0.5
    assert measure(probabilities, targets) == measure(probabilities, targets, threshold=0.5)


def test_probabilities_are_left_as_they_were() -> None:
    probabilities, targets = make_scores(20, [0.8, 0.2])
    before = probabilities.clone()
    measure(probabilities, targets)
    assert torch.equal(probabilities, before)


def test_figures_without_a_meaning_are_nan_or_zero() -> None:
    figures = measure(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 0]))
    meaningless = ("recall_bad", "pr_auc", "roc_auc", "precision_at_recall", "recall_at_precision")
    assert np.isnan([figures[name] for name in meaningless]).all()
    assert figures["precision_bad"] == 0
    assert figures["balanced_accuracy"] == figures["recall_good"] == 1
    missed = measure(torch.tensor([[0.9, 0.1], [0.8, 0.2]]), torch.tensor([0, 1]))
    assert missed["g_mean"] == missed["recall_bad"] == missed["f1_bad"] == 0


def test_rounding_errors_above_one_do_not_turn_scores_into_logits() -> None:
    # A sigmoid would make the two small scores equal.
    scores = torch.tensor([1.0 + 1e-6, 1e-9, 2e-9, 0.6])
    targets = torch.tensor([1, 0, 1, 0])
    figures = measure(torch.stack([1 - scores, scores], 1), targets)
    assert figures["brier"] == pytest.approx((0 + 0 + 1 + 0.6**2) / 4, abs=1e-5)
    assert figures["pr_auc"] == pytest.approx(sk.average_precision_score(targets == 1, scores))


TENTHS = st.integers(0, 10).map(lambda tenths: tenths / 10)


@given(st.lists(st.tuples(TENTHS, st.booleans()), min_size=2, max_size=40), TENTHS, TENTHS, st.booleans())
def test_precision_and_recall_at_a_level_equal_scikit_learn_and_torchmetrics(
    rows: list[tuple[float, bool]], at_recall: float, at_precision: float, doubles: bool
) -> None:
    scores, targets = torch.tensor([score for score, _ in rows]), torch.tensor([int(positive) for _, positive in rows])
    assume(0 < targets.sum() < len(targets) and at_recall and at_precision)
    probabilities = torch.stack([1 - scores, scores], 1)
    probabilities = probabilities.double() if doubles else probabilities
    figures = measure(probabilities, targets, at_recall=at_recall, at_precision=at_precision)
    precision, recall, _ = sk.precision_recall_curve(targets, scores)
    assert figures["precision_at_recall"] == pytest.approx(precision[recall >= at_recall].max())
    assert figures["recall_at_precision"] == pytest.approx(recall[precision >= at_precision].max())
    precision_at_recall, _ = binary_precision_at_fixed_recall(scores, targets, at_recall)
    recall_at_precision, _ = binary_recall_at_fixed_precision(scores, targets, at_precision)
    assert figures["precision_at_recall"] == precision_at_recall
    assert figures["recall_at_precision"] == recall_at_precision


def test_a_level_that_is_just_reached_counts() -> None:
    # One score only: 7 hits among 10 rows, which 0.7 in single precision would miss, being smaller.
    probabilities, targets = torch.full((10, 2), 0.5, dtype=torch.double), torch.tensor([1] * 7 + [0] * 3)
    assert measure(probabilities, targets, at_precision=0.7)["recall_at_precision"] == 1
    assert measure(probabilities, targets, at_precision=0.71)["recall_at_precision"] == 0
    assert measure(probabilities, targets, at_recall=1)["precision_at_recall"] == pytest.approx(0.7)


def test_levels_of_a_hand_made_case() -> None:
    scores, targets = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5]), torch.tensor([1, 0, 1, 1, 0])
    figures = measure(torch.stack([1 - scores, scores], 1), targets, at_recall=0.6, at_precision=0.7)
    # Thresholds from above: precision 1, 1/2, 2/3, 3/4, 3/5 at recall 1/3, 1/3, 2/3, 1, 1.
    assert figures["precision_at_recall"] == figures["recall_at_precision"] - 0.25 == 0.75


@pytest.mark.parametrize("threshold", [None, 0.3])
def test_expected_cost_counts_misses_and_false_alarms_of_any_class(threshold: float | None) -> None:
    probabilities, targets = make_scores(300, [0.6, 0.1, 0.3])
    options: dict[str, object] = {"threshold": threshold, "costs": Costs(miss=50.0, false_alarm=2.5)}
    figures = measure(probabilities, targets, **options)
    truth, predicted = targets.numpy() == 1, predict_classes(probabilities, 1, threshold).numpy() == 1
    missed, alarmed = (truth & ~predicted).sum(), (~truth & predicted).sum()
    assert missed > 0 < alarmed
    assert figures["expected_cost"] == pytest.approx((missed * 50 + alarmed * 2.5) / 300)
    assert "precision_reweighted" not in figures
    weighted = measure(probabilities, targets, **options, positive_rate=0.01)
    recall, fall_out = sk.recall_score(truth, predicted), alarmed / (~truth).sum()
    assert weighted["expected_cost"] == pytest.approx(0.01 * (1 - recall) * 50 + 0.99 * fall_out * 2.5)
    assert weighted["precision_reweighted"] == pytest.approx(reweighted_precision(recall, fall_out, 0.01))
    assert figures.items() - {("expected_cost", figures["expected_cost"])} <= weighted.items()


def test_the_positive_rate_of_the_rows_changes_nothing() -> None:
    probabilities, targets = make_scores(200, [0.8, 0.2], seed=1)
    rate = float((targets == 1).float().mean())
    weighted = measure(probabilities, targets, costs=Costs(7.0, 3.0), positive_rate=rate)
    assert weighted["expected_cost"] == pytest.approx(
        measure(probabilities, targets, costs=Costs(7, 3))["expected_cost"]
    )
    assert weighted["precision_reweighted"] == pytest.approx(weighted["precision_bad"])


def test_nothing_is_said_of_costs_or_rates_that_were_not_given() -> None:
    probabilities, targets = make_scores(50, [0.8, 0.2])
    assert {"expected_cost", "precision_reweighted"}.isdisjoint(measure(probabilities, targets))
    assert "expected_cost" not in measure(probabilities, targets, positive_rate=0.1)


def test_costs_without_both_kinds_of_rows() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    for targets, cost in ((torch.tensor([0, 0]), 1.5), (torch.tensor([1, 1]), 5)):
        assert measure(probabilities, targets, costs=Costs(10, 3))["expected_cost"] == cost
        weighted = measure(probabilities, targets, costs=Costs(10, 3), positive_rate=0.5)
        assert np.isnan([weighted["expected_cost"], weighted["precision_reweighted"]]).all()


@pytest.mark.parametrize("name", ["at_recall", "at_precision", "positive_rate"])
@pytest.mark.parametrize("value", [-0.1, 0.0, 1.1, float("nan")])
def test_levels_and_rates_that_are_no_shares_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name} is {value}; give a share"):
        ImbalanceMetrics([0, 1], 1, **{name: value})


def test_a_level_may_be_all_of_it_but_a_rate_may_not() -> None:
    ImbalanceMetrics([0, 1], 1, at_recall=1, at_precision=1)
    with pytest.raises(InputError, match="positive_rate is 1"):
        ImbalanceMetrics([0, 1], 1, positive_rate=1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("minority", [0, 1])
def test_tuned_threshold_has_the_best_f1_of_all(seed: int, minority: int) -> None:
    probabilities, targets = make_scores(120, [0.3, 0.7] if minority == 0 else [0.85, 0.15], seed)
    scores, positive = probabilities[:, minority].double().numpy(), targets.numpy() == minority
    threshold = tune_threshold(probabilities, targets, minority)
    candidates = np.unique([*scores, 0.5])
    f1 = np.array([sk.f1_score(positive, scores >= c) for c in candidates])
    best = candidates[np.isclose(f1, f1.max())]
    assert threshold == best[np.abs(best - 0.5).argmin()]
    assert sk.f1_score(positive, scores >= threshold) == pytest.approx(f1.max())


def test_tuned_threshold_stays_at_a_half_unless_moving_it_helps() -> None:
    scores = np.array([0.1, 0.2, 0.8, 0.9])
    probabilities = np.stack([1 - scores, scores], 1)
    assert tune_threshold(probabilities, np.array([0, 0, 1, 1]), 1) == 0.5
    assert tune_threshold(probabilities, np.array([0, 1, 1, 1]), 1) == 0.2
    assert tune_threshold(probabilities, np.array([0, 0, 0, 1]), 1) == 0.9
    # All four rows (2 hits of 4) and the last one (1 hit of 1) both have F1 2/3: 0.5, not 0.1.
    scores = np.array([0.1, 0.2, 0.3, 0.9])
    probabilities = np.stack([1 - scores, scores], 1)
    assert tune_threshold(probabilities, np.array([1, 0, 0, 1]), 1) == 0.5


def test_tuned_threshold_counts_the_row_that_it_was_taken_from() -> None:
    probabilities, targets = make_scores(200, [0.9, 0.1], seed=4)
    threshold = tune_threshold(probabilities, targets, 1)
    scores = probabilities[:, 1].double().numpy()
    expected = sk.f1_score(targets.numpy() == 1, scores >= threshold)
    assert measure(probabilities, targets, threshold=threshold)["f1_bad"] == pytest.approx(expected)


def test_threshold_without_minority_rows_is_refused() -> None:
    with pytest.raises(InputError, match="validation_fraction"):
        tune_threshold(torch.tensor([[0.4, 0.6]]), torch.tensor([0]), 1)


def test_reweighted_precision_is_that_of_a_resampled_test_set() -> None:
    # 100 positives of which 80 are found, 100 negatives of which 5 are taken for positives: 80 / 85.
    assert reweighted_precision(0.8, 0.05, 0.5) == pytest.approx(80 / 85)
    # With 9900 negatives instead, 495 of them are taken for positives.
    assert reweighted_precision(0.8, 0.05, 0.01) == pytest.approx(80 / (80 + 495))
    assert reweighted_precision(0.0, 0.0, 0.01) == 0
