"""Thresholds by cost, and probabilities of a classifier that saw other class shares, against brute force and theory."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from gan_imbalance.metrics import Costs, ImbalanceMetrics, correct_prior, predict_classes, tune_threshold
from gan_imbalance.types import InputError

Array = NDArray[np.float64]


def two_columns(scores: object) -> Array:
    column = np.asarray(scores, dtype=np.float64)
    return np.stack([1 - column, column], 1)


# -- costs -----------------------------


def test_costs_default_to_the_same() -> None:
    assert Costs() == (1, 1)
    assert Costs(miss=10) == Costs(10, 1)
    assert pickle.loads(pickle.dumps(Costs(10, 2))) == Costs(10, 2)


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ((-1.0, 1.0), "miss is -1.0"),
        ((1.0, float("inf")), "false_alarm is inf"),
        ((float("nan"), 1.0), "miss is nan"),
        ((0.0, 0.0), "both 0"),
    ],
)
def test_costs_that_mean_nothing_are_refused(costs: tuple[float, float], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        Costs(*costs)
    assert "\n" not in str(error.value)


# -- thresholds -----------------------------

COST = st.sampled_from([0.0, 0.1, 0.3, 1.0, 7.0, 1e6])


def cost_at(
    threshold: float, scores: Array, positive: NDArray[np.bool_], costs: Costs, positive_rate: float | None
) -> float:
    alarmed = scores >= threshold
    if positive_rate is None:
        return float(np.where(positive, ~alarmed * costs.miss, alarmed * costs.false_alarm).mean())
    fall_out = alarmed[~positive].mean() if not positive.all() else 0.0
    missed = (~alarmed)[positive].mean()
    return float(positive_rate * missed * costs.miss + (1 - positive_rate) * fall_out * costs.false_alarm)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=40),
    COST,
    COST,
    st.sampled_from([None, 0.01, 0.3, 0.9]),
)
def test_the_tuned_threshold_costs_least_and_is_the_closest_to_a_half(
    rows: list[tuple[int, int]], miss: float, false_alarm: float, positive_rate: float | None
) -> None:
    scores, targets = np.array(rows).T[0] / 12, np.array(rows).T[1]
    assume((targets == 1).any() and (miss or false_alarm))
    costs = Costs(miss, false_alarm)
    probabilities = np.stack([(1 - scores) / 2, scores, (1 - scores) / 2], 1)
    threshold = tune_threshold(probabilities, targets, 1, costs, positive_rate)
    candidates = np.unique([*scores, 0.5, 2.0])
    cost = np.array([cost_at(one, scores, targets == 1, costs, positive_rate) for one in candidates])
    best = candidates[np.isclose(cost, cost.min(), rtol=1e-9, atol=1e-15)]
    assert threshold == best[np.abs(best - 0.5).argmin()]


def test_the_tuned_threshold_has_the_least_cost_of_the_metric() -> None:
    random = np.random.default_rng(0)
    targets = torch.from_numpy(random.choice(3, 400, p=[0.5, 0.1, 0.4]))
    logits = random.normal(size=(400, 3)) + np.eye(3)[targets]
    probabilities = torch.from_numpy(logits).float().softmax(1)

    def cost(threshold: float | None) -> float:
        metric = ImbalanceMetrics([0, 1, 2], 1, threshold, costs=Costs(100, 1), positive_rate=0.03)
        metric.update(probabilities, targets)
        return float(metric.compute()["expected_cost"])

    tuned = tune_threshold(probabilities, targets, 1, Costs(100, 1), 0.03)
    assert cost(tuned) == pytest.approx(min(cost(float(one)) for one in [*probabilities[:, 1], 0.5, 2]))
    assert cost(tuned) < min(cost(None), cost(tune_threshold(probabilities, targets, 1)))


def test_dear_false_alarms_may_forbid_every_alarm() -> None:
    # The highest score is that of another class, so that any alarm is partly wrong.
    probabilities, targets = two_columns([0.2, 0.6, 0.8, 1.0]), np.array([0, 1, 1, 0])
    threshold = tune_threshold(probabilities, targets, 1, Costs(1, 3))
    assert threshold > 1
    for dtype in (torch.float32, torch.float64):
        assert not predict_classes(torch.from_numpy(probabilities).to(dtype), 1, threshold).any()
    assert tune_threshold(probabilities, targets, 1, Costs(3, 1)) == 0.5
    # One more alarm than needed costs nothing, and 0.5 raises none.
    assert tune_threshold(two_columns([0.1, 0.3]), np.array([0, 1]), 1, Costs(0, 1)) == 0.5


def test_dear_misses_find_every_row_of_the_minority() -> None:
    probabilities, targets = two_columns([0.05, 0.2, 0.6, 0.8]), np.array([0, 1, 0, 1])
    assert tune_threshold(probabilities, targets, 1, Costs(1000, 1)) == 0.2
    assert tune_threshold(probabilities, targets, 1, Costs(1, 0)) == 0.2


def test_equal_scores_are_all_alarms_or_none() -> None:
    probabilities, targets = two_columns([0.7] * 4), np.array([0, 1, 1, 0])
    assert tune_threshold(probabilities, targets, 1, Costs(2, 1)) == 0.5
    assert tune_threshold(probabilities, targets, 1, Costs(1, 2)) > 1
    # where both cost the same, 0.5 is closest to itself
    assert tune_threshold(probabilities, targets, 1, Costs(1, 1)) == 0.5


def test_equal_costs_are_found_equal_in_spite_of_rounding() -> None:
    # At 0.5 three misses at 0.1, at 0.1 one false alarm at 0.3, which as doubles is less.
    assert 3 * 0.1 > 0.3
    scores, targets = [0.5, 0.1, 0.1, 0.1, 0.1], np.array([1, 1, 1, 1, 0])
    assert tune_threshold(two_columns(scores), targets, 1, Costs(0.1, 0.3)) == 0.5


def test_the_positive_rate_moves_the_threshold_by_cost_but_not_that_by_f1() -> None:
    probabilities, targets = two_columns([0.1, 0.2, 0.4, 0.8]), np.array([0, 1, 0, 1])
    costs = Costs(1, 1)
    assert tune_threshold(probabilities, targets, 1, costs, 0.9) == 0.2
    assert tune_threshold(probabilities, targets, 1, costs, 0.1) == 0.5
    assert tune_threshold(probabilities, targets, 1, positive_rate=0.1) == tune_threshold(probabilities, targets, 1)


def test_thresholds_without_rows_or_with_an_odd_rate_are_refused() -> None:
    with pytest.raises(InputError, match="validation_fraction"):
        tune_threshold(two_columns([0.6]), np.array([0]), 1, Costs())
    with pytest.raises(InputError, match="positive_rate is 1"):
        tune_threshold(two_columns([0.6]), np.array([1]), 1, Costs(), 1)


# -- class shares -----------------------------

SHARE = st.floats(0.001, 1)


@given(
    st.integers(2, 5).flatmap(
        lambda k: st.tuples(
            *(st.lists(st.lists(SHARE, min_size=k, max_size=k), min_size=n, max_size=6) for n in (1, 2))
        )
    )
)
def test_corrected_probabilities_follow_bayes_and_can_be_taken_back(drawn: tuple[list[list[float]], ...]) -> None:
    probabilities = np.array(drawn[0]) / np.sum(drawn[0], axis=1, keepdims=True)
    trained, true = drawn[1][:2]
    corrected = correct_prior(probabilities, trained, true).numpy()
    for before, after in zip(probabilities, corrected, strict=True):
        products = [p * t / s for p, s, t in zip(before, trained, true, strict=True)]
        np.testing.assert_allclose(after, np.array(products) / sum(products))
    np.testing.assert_allclose(correct_prior(corrected, true, trained), probabilities)
    np.testing.assert_allclose(correct_prior(probabilities, true, true), probabilities)


@given(st.floats(0, 1), st.floats(0.01, 1), st.floats(0.001, 0.5))
def test_after_under_sampling_it_is_the_correction_of_dal_pozzolo(chance: float, beta: float, rate: float) -> None:
    # All positives are kept, and the share beta of the negatives.
    corrected = correct_prior(two_columns([chance]), [(1 - rate) * beta, rate], [1 - rate, rate])
    assert float(corrected[0, 1]) == pytest.approx(beta * chance / (beta * chance - chance + 1))


@given(st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_for_two_classes_it_is_theorem_2_of_elkan(chance: float, trained: float, true: float) -> None:
    corrected = correct_prior(two_columns([chance]), [1 - trained, trained], [1 - true, true])
    expected = true * (chance - chance * trained) / (trained - chance * trained + true * chance - trained * true)
    assert float(corrected[0, 1]) == pytest.approx(expected)


def test_numbers_of_rows_serve_as_shares() -> None:
    probabilities = torch.tensor([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]])
    corrected = correct_prior(probabilities, [100, 100, 200], torch.tensor([900, 100, 1000]))
    torch.testing.assert_close(corrected, correct_prior(probabilities, [0.25, 0.25, 0.5], np.array([0.45, 0.05, 0.5])))
    assert corrected.dtype == torch.float32
    # 0.2 * 9 : 0.5 * 1 : 0.3 * 5
    torch.testing.assert_close(corrected[0], torch.tensor([1.8, 0.5, 1.5]) / 3.8)
    assert correct_prior(probabilities.half(), [1, 1, 2], [9, 1, 10]).dtype == torch.float32
    assert correct_prior(probabilities[:0], [1, 1, 2], [9, 1, 10]).shape == (0, 3)


def test_classes_without_a_share() -> None:
    probabilities = torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.2, 0.8], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    # never seen: 2; not in the world: 1
    corrected = correct_prior(probabilities, [0.5, 0.5, 0.0], [0.4, 0.0, 0.6])
    assert corrected.tolist() == [[1, 0, 0], *probabilities[1:].tolist()]
    seen = correct_prior(probabilities[:1], [0.5, 0.5, 0.0], [0.3, 0.1, 0.6])
    torch.testing.assert_close(seen, torch.tensor([[0.75, 0.25, 0.0]]))
    assert torch.equal(correct_prior(probabilities, [1, 1, 0], [0, 0, 1]), probabilities)


def test_what_is_given_stays_as_it_was() -> None:
    probabilities = torch.tensor([[0.5, 0.5]])
    correct_prior(probabilities, [1, 1], [9, 1])
    assert probabilities.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("shares", [[0.5, 0.5], [[0.5, 0.2, 0.3]], [0, 0, 0], [1, -0.1, 0.1], [1, float("nan"), 0]])
def test_shares_that_are_none_are_refused(shares: list[float]) -> None:
    probabilities = torch.full((2, 3), 1 / 3)
    with pytest.raises(InputError, match=r"The trained shares are .*; give 3 finite numbers"):
        correct_prior(probabilities, shares, [1, 1, 1])
    with pytest.raises(InputError, match="The true shares are"):
        correct_prior(probabilities, [1, 1, 1], shares)


def test_a_classifier_of_over_sampled_rows_is_calibrated_again() -> None:
    random = np.random.default_rng(0)

    def draw(counts: tuple[int, int]) -> tuple[Array, NDArray[np.int64]]:
        labels = np.repeat([0, 1], counts)
        return random.normal(size=(len(labels), 2)) + 1.2 * labels[:, None], labels

    features, labels = draw((4750, 250))
    rows = np.concatenate([np.arange(5000), random.choice(np.flatnonzero(labels), 4500)])
    classifier = LogisticRegression().fit(features[rows], labels[rows])
    test_features, test_labels = draw((19_000, 1000))
    probabilities = torch.from_numpy(classifier.predict_proba(test_features))

    def judge(probabilities: torch.Tensor) -> dict[str, float]:
        metric = ImbalanceMetrics([0, 1], 1)
        metric.update(probabilities, torch.from_numpy(test_labels))
        return {name: float(value) for name, value in metric.compute().items()}

    before, after = judge(probabilities), judge(correct_prior(probabilities, np.bincount(labels[rows]), [0.95, 0.05]))
    assert before["calibration_error"] > 0.15
    assert after["calibration_error"] < 0.02
    assert after["brier"] < before["brier"] / 2
    assert after["roc_auc"] == pytest.approx(before["roc_auc"])
