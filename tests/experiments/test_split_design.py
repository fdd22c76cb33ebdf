"""The simulated splits, learners and rates, and a look at all of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, recall_score
from sklearn.neighbors import NearestCentroid

from experiments.split_design.__main__ import (
    LOOKS,
    PRACTICAL,
    SCHEMES,
    SITUATIONS,
    Scheme,
    Table,
    calibrate,
    compare_allowances,
    compare_looks,
    compare_schemes,
    declared,
    draw_table,
    find_boosts,
    hold_outs,
    key_rates,
    marks_of,
    mirrored,
    needed_allowance,
    power_at_equal_error,
    rows_allowance,
    scheme_splits,
    score,
    simulate_schemes,
    twins,
)

ROWS = (60, 240)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def table(random: np.random.Generator) -> Table:
    return draw_table(random, ROWS, features=6, own=2, distance=2.0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_splits_never_train_on_what_they_test(scheme: Scheme, random: np.random.Generator) -> None:
    rows, count = 60, 30
    splits = scheme_splits(random, scheme, rows, count)
    assert splits.tested.shape == (count, rows // scheme.parts)
    assert not np.take_along_axis(splits.trained, splits.tested, axis=1).any()
    assert (splits.trained.sum(axis=1) == rows - rows // scheme.parts - rows // 10).all()
    tested = np.bincount(splits.tested.ravel(), minlength=rows)
    if scheme.folds:
        # whole repetitions test every row equally often, and so do the first of them
        assert set(tested) == {count // scheme.parts}
        assert set(np.bincount(splits.tested[: scheme.parts].ravel(), minlength=rows)) == {1}
    else:
        assert len(set(tested)) > 1
    assert len(set(splits.trained.sum(axis=0))) > 1


def test_figures_are_those_of_scikit_learn(table: Table, random: np.random.Generator) -> None:
    rare, common = (hold_outs(random, number, number // 5, number // 2, 3) for number in ROWS)
    figures = score(table, rare, common)
    for split in range(3):
        trained, tested = (
            [table.rare[rare_part], table.common[common_part]]
            for rare_part, common_part in (
                (rare.trained[split] > 0, common.trained[split] > 0),
                (rare.tested[split], common.tested[split]),
            )
        )
        truth = [np.repeat([1, 0], [len(part) for part in parts]) for parts in (trained, tested)]
        fitted = NearestCentroid().fit(np.concatenate(trained), truth[0])
        low, high = fitted.centroids_
        rows = np.concatenate(tested)
        assert figures[0, split] == pytest.approx(average_precision_score(truth[1], rows @ (high - low)))
        assert figures[1, split] == pytest.approx(recall_score(truth[1], fitted.predict(rows)))


def test_nothing_is_true_of_either_pair_and_a_boost_is(random: np.random.Generator) -> None:
    found = []
    for _ in range(150):
        table = draw_table(random, ROWS, 6, 2, 2.0)
        splits = tuple(scheme_splits(random, Scheme(5, True), number, 5) for number in ROWS)
        found.append(
            [
                mirrored(table, 2, *splits)[0].mean(),
                twins(random, table, 2, *splits)[0].mean(),
                mirrored(table, 2, *splits, boost=1.0)[0].mean(),
                twins(random, table, 2, *splits, boost=0.5)[0].mean(),
            ]
        )
    means, errors = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(len(found))
    assert (abs(means[:2]) < 4 * errors[:2]).all()
    assert (means[2:] > 0.05).all()


def test_the_needed_allowance_is_found_and_keeps_its_word(random: np.random.Generator) -> None:
    # a luck of the table that all ten splits share, of half the variance between them
    differences = random.normal(size=(3000, 10)) + np.sqrt(0.5) * random.normal(size=(3000, 1))
    assert needed_allowance(differences) == pytest.approx(0.5, abs=0.06)
    assert declared(differences, 0.5)[0] == pytest.approx(0.05, abs=0.015)
    assert declared(differences, 0.0)[0] > 0.3


def test_marks_and_looks(random: np.random.Generator) -> None:
    clear = 0.03 + 0.001 * random.normal(size=(20, 30))
    marks = marks_of(clear, 0.25, range(5, 31, 5))
    assert marks["helps"] == marks["wrong"] == 1
    assert marks["splits"] == 5
    assert marks_of(-clear, 0.25)["hurts"] == 1
    assert marks_of(clear - 0.03, 0.25)["equal"] == 1
    unclear = marks_of(PRACTICAL + random.normal(size=(20, 30)), 0.25, range(10, 31, 10))
    assert unclear["undecided"] > 0.8
    assert unclear["splits"] > 25


def test_power_at_equal_error(random: np.random.Generator) -> None:
    null = random.normal(size=(2000, 10))
    assert power_at_equal_error(null, random.normal(size=(2000, 10))) == pytest.approx(0.025, abs=0.015)
    assert power_at_equal_error(null, null + 3) > 0.99


def test_calibration() -> None:
    assert calibrate(lambda boost: boost**2, 0.25) == pytest.approx(0.5, abs=1e-3)
    rows = (240, 2160)
    assert all(0 < boost < 1.9 for boost in find_boosts(rows, 3))


def test_allowances() -> None:
    loans = SITUATIONS["loans"].allowances()
    assert loans["test / not tested"] == pytest.approx(5000 / 19_000)
    assert loans["test / trained"] == 2.5
    assert SITUATIONS["ordinary"].allowances()["test / trained"] == 0.25
    # one repetition of folds tests every row once, so that nothing is shared
    assert rows_allowance(Scheme(10, True), 10) == 0
    assert rows_allowance(Scheme(5, True), 10) == pytest.approx(0.1)
    assert rows_allowance(Scheme(5, False), 10) == 0.25


def test_a_look_at_all_of_it() -> None:
    allowances = {"digits": compare_allowances(SITUATIONS["digits"], 30)}
    candidates = allowances["digits"]["PR-AUC"]["candidates"]
    assert candidates["none"]["error_hard"] >= candidates["test / not tested"]["error_hard"]
    assert candidates["none"]["power"] >= candidates["test / not tested"]["power"]
    seen = simulate_schemes(ROWS, 6)
    result = {
        "simulations": 6,
        "allowances": allowances,
        "schemes": {"tiny": compare_schemes(seen)},
        "looks": {"tiny": compare_looks(seen)},
    }
    assert set(result["looks"]["tiny"]) == set(LOOKS)
    assert result["schemes"]["tiny"]["2x5 folds"]["allowance"] == 0.25
    assert "10x3 folds" in result["schemes"]["tiny"]
    rates = json.loads(json.dumps(key_rates(result)))
    assert set(rates) == {"simulations", "error_hard", "schemes", "looks"}
    assert set(rates["schemes"]["tiny"]) == {
        *("10 x 20 % held out", "10 x 33 % held out", "5x2 folds", "2x5 folds", "1x10 folds"),
    }
