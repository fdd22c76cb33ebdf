"""A few of the simulated comparisons, that they are run as any other is, and how they are counted."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from experiments.null_test.__main__ import Look, looks, main, rates, share
from experiments.null_test.simulation import PARTS, TWINS, BlinkeredRegression, Part
from gan_imbalance.comparison.driver import Until, drive
from gan_imbalance.comparison.plan.catalogue import HALF_MINORITY, REAL_ROWS
from gan_imbalance.comparison.store import Store

SMALL = Part(300, 0.2, 3, 0.6, TWINS)
"""Twins that differ by their luck, so that nothing is decided soon."""


def test_looks_are_those_of_a_comparison_until_decided(tmp_path: Path) -> None:
    ours = list(looks(SMALL.comparison(0), most=20))
    store = Store(tmp_path)
    assert not drive(SMALL.comparison(0), store, 2, Until(splits=20, seconds=None))
    kept = json.loads((tmp_path / "answer.json").read_text())["looks"]
    assert [look.splits for look in ours] == [10, 15, 20]
    at = {look["splits"]: look for look in kept}
    assert max(at) == ours[-1].splits
    assert [look.mark for look in ours] == [at[look.splits]["mark"] for look in ours] == ["undecided"] * 3


def test_what_is_decided_at_once_is_looked_at_once() -> None:
    certain = replace(PARTS["equal"], features=2, shift=4.0, rows=2000)
    [look] = looks(certain.comparison(0))
    assert (look.splits, look.mark) == (10, "equal")


def test_rows_that_truly_help_are_seen_to() -> None:
    certain = replace(PARTS["gain"], rows=2400, keep=15, amounts=(400,))
    look = next(looks(certain.comparison(0)))
    assert look.mark == look.mark_without_allowance == "helps"
    assert look.difference > 0.03
    assert REAL_ROWS in look.seen


def test_rivals_are_equally_good_by_symmetry_and_differ_in_a_table() -> None:
    rivals = replace(PARTS["hard"], rows=600)
    found = np.array([next(looks(rivals.comparison(number))).difference for number in range(4)])
    assert np.abs(found).min() > 0
    table = PARTS["hard"].table(1)
    means = table.groupby("rare").mean()
    assert np.allclose(means.loc[1] - means.loc[0], PARTS["hard"].shift, atol=0.35)


def test_a_blinkered_regression_is_one_of_the_other_features() -> None:
    table = SMALL.table(3)
    features, labels = table.drop(columns="rare").to_numpy(), table["rare"].to_numpy()
    mine = BlinkeredRegression([1]).fit(features, labels)
    theirs = LogisticRegression(solver="newton-cholesky").fit(features[:, [0, 2]], labels)
    assert np.allclose(mine.predict_proba(features), theirs.predict_proba(features[:, [0, 2]]))


def test_tables_differ_and_can_be_made_again() -> None:
    assert SMALL.table(0, 1).equals(SMALL.table(0, 1))
    assert not SMALL.table(0, 1).equals(SMALL.table(1, 1))
    assert PARTS["twins"].table(0)["rare"].mean() == pytest.approx(0.1, abs=0.025)


def test_marks_are_counted_at_the_first_and_at_the_last_look() -> None:
    undecided = Look(10, "undecided", "hurts", -0.02, ())
    helped = Look(15, "helps", "helps", 0.03, (REAL_ROWS,))
    hurt = Look(10, "hurts", "hurts", -0.04, (HALF_MINORITY,))
    found = rates([[undecided, helped], [hurt], [undecided], [undecided]])
    assert found["comparisons"] == 4
    first, last = found["first"], found["until_decided"]
    assert first["undecided"]["rate"] == 0.75
    assert first["wrong_if_null"]["rate"] == 0.25
    assert first["wrong_if_null_without_allowance"]["rate"] == 1
    assert first["splits"] == 10
    assert last["helps"]["rate"] == last["hurts"]["rate"] == last[f"{REAL_ROWS}_seen"]["rate"] == 0.25
    assert last["wrong_if_null"]["rate"] == 0.5
    assert last["splits"] == 11.25
    assert last["mean_difference"] == pytest.approx((0.03 - 0.04 - 0.02 - 0.02) / 4)


def test_an_interval_is_clopper_and_pearsons() -> None:
    found = share([False] * 200)
    assert (found["rate"], found["low"]) == (0, 0)
    assert found["high"] == pytest.approx(1 - 0.025 ** (1 / 200))


def test_the_last_line_holds_all_rates(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(PARTS, "twins", SMALL)
    monkeypatch.setattr(sys, "argv", ["null_test", "--comparisons", "2", "--parts", "twins"])
    main()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["twins"]["comparisons"] == 2
    marks = [told["twins"]["first"][mark]["rate"] for mark in ("helps", "hurts", "equal", "undecided")]
    assert sum(marks) == 1
