"""The loop: split by split, with the verdict as it stands, and on until it is decided or the bounds are reached."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gan_imbalance.comparison import driver
from gan_imbalance.comparison.analysis.decision import Probabilities
from gan_imbalance.comparison.driver import Experiment, Until, drive
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES
from gan_imbalance.comparison.plan.remedies import Remedy
from gan_imbalance.comparison.plan.study import SplitKey
from gan_imbalance.comparison.run.task import TaskResult
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
JITTER = {"class_path": "gan_imbalance.comparison.controls.JitterOverSampler"}
# stands for a GAN, and is quick
AS_GAN = Remedy("as_gan", JITTER, stated_role="gan")


@pytest.fixture
def data(mixed_frame: pd.DataFrame) -> TabularDataModule:
    """Return a data module with enough rows for two folds."""
    return TabularDataModule(frame=mixed_frame, target="label", keep={"yes": 6}, validation_fraction=0.2)


@pytest.fixture
def comparison(data: TabularDataModule) -> Experiment:
    remedies = [TABLE_REMEDIES["nothing"], TABLE_REMEDIES["smote"], AS_GAN]
    return Experiment(data, remedies, {"linear": LOGISTIC}, folds=2)


def seeds_of(store: Store) -> list[int]:
    return sorted({entry.key.seed for entry in store.read_plan().entries})


def test_splits_are_run_one_after_the_other_the_gans_first(comparison: Experiment) -> None:
    plan = comparison.plan(comparison.split(2))
    assert [(task.key.seed, task.key.fold, task.remedy.name) for task in plan.tasks] == [
        (seed, fold, name) for seed in (0, 1) for fold in (0, 1) for name in ("nothing", "as_gan", "smote")
    ]


def test_the_verdict_is_looked_at_after_every_split(comparison: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert drive(comparison, store, 2) == []
    looks = store.read_answer()["looks"]
    assert [look["splits"] for look in looks] == [1, 2, 3, 4]
    assert looks[0]["mark"] == "undecided"
    assert all(first["seconds"] <= second["seconds"] for first, second in pairwise(looks))
    # nothing is run, or looked at, twice
    drive(comparison, store, 2)
    assert len(store.read_answer()["looks"]) == 4


@pytest.fixture
def decide_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], list[int]]:
    """Return a function that makes the verdict stand from n splits on; it returns the splits at every look."""

    def patch(enough: int | None) -> list[int]:
        looks: list[int] = []

        def is_decided(self: Any) -> bool:
            looks.append(len(self.plan.study.splits))
            return enough is not None and looks[-1] >= enough

        monkeypatch.setattr(driver._Keeper, "is_decided", property(is_decided))
        return looks

    return patch


@pytest.mark.parametrize(
    ("enough", "most", "looks", "seeds"),
    [
        (2, 20, [2], [0]),
        (6, 20, [2, 4, 6], [0, 1, 2]),
        (None, 5, [2, 4], [0, 1]),
        (None, 2, [2], [0]),
    ],
)
def test_it_goes_on_until_decided_or_bounded(
    comparison: Experiment,
    tmp_path: Path,
    decide_at: Callable[[int | None], list[int]],
    enough: int | None,
    most: int,
    looks: list[int],
    seeds: list[int],
) -> None:
    store, seen = Store(tmp_path), decide_at(enough)
    assert drive(comparison, store, 1, Until(most, None)) == []
    assert (seen, seeds_of(store)) == (looks, seeds)


def test_it_does_not_begin_what_would_be_late(
    comparison: Experiment, tmp_path: Path, decide_at: Callable[[int | None], list[int]]
) -> None:
    decide_at(None)
    drive(comparison, Store(tmp_path), 1, Until(None, 1e-3))
    assert seeds_of(Store(tmp_path)) == [0]


def test_splits_without_folds_are_added_five_at_a_time(
    data: TabularDataModule, tmp_path: Path, decide_at: Callable[[int | None], list[int]]
) -> None:
    looks = decide_at(6)
    comparison = Experiment(data, [TABLE_REMEDIES["nothing"], AS_GAN], {"linear": LOGISTIC})
    drive(comparison, Store(tmp_path), 1, Until(20, None))
    assert looks == [1, 6]


def test_further_splits_leave_those_that_are_there_alone(comparison: Experiment, tmp_path: Path) -> None:
    store = Store(tmp_path)
    drive(comparison, store, 1)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()}
    drive(comparison, store, 2)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()}
    assert {path: after[path] for path in before} == before
    assert len(after) == 2 * len(before)


def test_a_split_is_looked_at_although_a_cell_of_it_failed(data: TabularDataModule, tmp_path: Path) -> None:
    broken = Remedy("broken", {"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"k_neighbors": "many"}})
    comparison = Experiment(data, [TABLE_REMEDIES["nothing"], AS_GAN, broken], {"linear": LOGISTIC}, folds=2)
    store = Store(tmp_path)
    failures = drive(comparison, store, 1)
    assert {failure.name for failure in failures} == {"broken, seed 0, fold 0", "broken, seed 0, fold 1"}
    assert [look["splits"] for look in store.read_answer()["looks"]] == [1, 2]


def test_the_driver_alone_writes(comparison: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task leaves nothing: what came of it is in what it returns."""
    seen: list[set[str]] = []
    write = Store.write

    def watched(self: Store, result: TaskResult, keep_rows: bool) -> None:
        seen.append({path.name for path in (tmp_path / "cells").glob("*")})
        write(self, result, keep_rows)

    monkeypatch.setattr(Store, "write", watched)
    drive(comparison, Store(tmp_path), 1)
    # a result and its scores a task, and none before the driver has it
    assert [len(names) for names in seen] == [2 * number for number in range(6)]


def test_a_decided_verdict_stops(comparison: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certain = Probabilities(0.0, 0.0, 1.0)
    monkeypatch.setattr("gan_imbalance.comparison.analysis.answer.posterior", lambda *arguments: certain)
    drive(comparison, Store(tmp_path), 1, Until(20, None))
    assert seeds_of(Store(tmp_path)) == [0]
    assert Store(tmp_path).read_answer()["looks"][-1]["mark"] == "helps"


def test_splits_of_an_earlier_call_count(comparison: Experiment) -> None:
    known = comparison.split(1)
    more = comparison.split(2, known)
    assert more.splits[SplitKey(0, 0)] is known.splits[SplitKey(0, 0)]
    assert comparison.split(2, more) is more
    assert pd.Index(more.splits).is_unique
