"""A few of the simulated comparisons, and how they are counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from gan_imbalance.comparison.summary import Duel, Metric

from experiments.null_test.__main__ import MINORITY_SHARE, ROWS, Outcome, compare_once, rates, simulate


@pytest.mark.slow
def test_twins_are_no_different_and_a_true_gain_is_found() -> None:
    found = rates([compare_once(number) for number in range(4)])
    assert found["comparisons"] == 4
    assert found["twins_declared_different"] == 0
    assert found["gain_found"] == 1
    assert found["mean_gain_Recall"] > 0.2


def duels(p: float, gain: float) -> list[Duel]:
    return [Duel(Metric("pr_auc", "PR-AUC"), 0.5 + gain, 0.5, None, p), Duel(Metric("r", "Recall"), 0.5, 0.5, None, 1)]


def test_a_loss_is_no_gain_and_no_test_is_no_finding() -> None:
    found = rates([Outcome(duels(0.01, 0.1), duels(0.01, -0.1)), Outcome(duels(math.nan, 0.1), duels(0.01, 0.1))])
    assert found["twins_declared_different"] == 0.5
    assert found["gain_found"] == found["gain_found_PR-AUC"] == 0.5
    assert found["gain_found_Recall"] == 0


def test_tables_differ_and_can_be_made_again() -> None:
    one, other = simulate(0), simulate(1)
    assert one.equals(simulate(0))
    assert not one.equals(other)
    assert len(one) == ROWS
    assert one["rare"].mean() == pytest.approx(MINORITY_SHARE, abs=4 * np.sqrt(MINORITY_SHARE / ROWS))
