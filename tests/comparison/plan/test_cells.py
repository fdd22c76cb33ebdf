"""What a result is kept under, and which settings a tuned cell may choose from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES
from gan_imbalance.comparison.plan.cells import Candidate, candidates, group_cells
from gan_imbalance.comparison.plan.planning import plan_cells
from gan_imbalance.comparison.plan.study import Judging, Setting, SplitKey, resolve_folds, split_data, split_keys
from gan_imbalance.data import TabularDataModule
from gan_imbalance.metrics import Costs
from gan_imbalance.types import InputError

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
TREES = {"class_path": "xgboost.XGBClassifier", "init_args": {"n_estimators": 3}}


def test_the_address_depends_on_all_that_makes_a_result(data: TabularDataModule) -> None:
    study = split_data(data, split_keys(range(2), 0, [Setting()]))
    cell, *_ = plan_cells(study, [TABLE_REMEDIES["smote"]], {"linear": LOGISTIC}, ["balance"])
    others = [
        replace(cell, key=SplitKey(1)),
        replace(cell, amount=3),
        replace(cell, estimator=TREES),
        replace(cell, remedy=replace(cell.remedy, class_weight="balanced")),
        replace(cell, candidates=(Candidate(3),)),
    ]
    studies = [
        replace(study, data=study.data.adapted(samples=replace(study.samples, classes=("no", "maybe")))),
        replace(study, judging=Judging(positive_rate=0.5)),
        replace(study, judging=Judging(costs=Costs(2.0, 1.0))),
        replace(study, judging=Judging(at_recall=0.5)),
    ]
    addresses = {other.address(study) for other in (cell, *others)} | {cell.address(other) for other in studies}
    assert len(addresses) == 1 + len(others) + len(studies)


def test_a_part_of_more_rows_is_another_cell(data: TabularDataModule) -> None:
    study = split_data(data, split_keys([0], 0, [Setting()]))
    few, many = (
        plan_cells(study, [TABLE_REMEDIES["smote"]], {"linear": LOGISTIC}, amounts)[0] for amounts in ([4], [4, 8])
    )
    assert (few.amount, few.pool, many.pool) == (4, 4, 8)
    assert few.address(study) != many.address(study)


def test_tasks_hold_the_cells_of_a_remedy_and_a_split(data: TabularDataModule) -> None:
    study = split_data(data, split_keys(range(2), 3, [Setting()]), 3)
    remedies = [TABLE_REMEDIES[name] for name in ("nothing", "smote")]
    cells = plan_cells(study, remedies, {"linear": LOGISTIC, "trees": TREES}, [2, "balance"])
    tasks = group_cells(cells)
    assert [len(task.cells) for task in tasks] == [2, 4] * 6
    assert [cell for task in tasks for cell in task.cells] == cells
    assert tasks[0].rows_address_of(study, Candidate(None)) is None
    assert str(tasks[1].rows_address_of(study, Candidate(2))).endswith(".parquet")
    assert tasks[1].rows_address_of(study, Candidate(0)) is None


@given(budget=st.integers(1, 30), seed=st.integers(0, 5), name=st.sampled_from(["nothing", "smote", "random_under"]))
def test_candidates_are_distinct_within_the_budget_and_start_with_nothing(budget: int, seed: int, name: str) -> None:
    remedy = TABLE_REMEDIES[name]
    found = candidates(remedy, {"tune": {"C": [0.1, 1.0]}}, [4, "balance"], budget, seed)
    assert len({str(one) for one in found}) == len(found) <= budget
    assert (found[0].amount or 0, found[0].resampler, found[0].classifier) == (0, {}, {})
    if budget > 1:
        assert found[1].classifier == ({} if remedy.changes_rows else found[1].classifier)
    # everything is tried once the budget allows it: amounts x neighbours x C, and C without rows
    whole = {"nothing": 3, "smote": 2 * 4 * 3 + 3, "random_under": 2 * 3}[name]
    assert len(found) == min(budget, whole)


@pytest.mark.parametrize(
    ("judging", "message"),
    [
        ({"positive_rate": 0.0}, "positive_rate is 0"),
        ({"at_recall": 0.0}, "at_recall is 0"),
        ({"at_precision": 1.5}, r"at_precision is 1\.5"),
    ],
)
def test_judging_that_has_no_meaning(judging: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Judging(**judging)  # type: ignore[arg-type]


def test_folds_are_five_unless_there_is_a_test_set(data: TabularDataModule) -> None:
    assert resolve_folds(data, None) == 5
    assert resolve_folds(data, 0) == 0
    assert resolve_folds(data, 3) == 3
    for wrong in (1, -1):
        with pytest.raises(InputError, match=f"folds is {wrong}"):
            resolve_folds(data, wrong)


@pytest.mark.parametrize(
    "setting",
    [{"numeric_transform": "modes"}, {"point_masses": False}, {"max_levels": 3}, {"clusters": 4}, {"balanced": False}],
)
def test_what_a_generator_sees_is_part_of_its_addresses(setting: dict[str, Any], mixed_frame: pd.DataFrame) -> None:
    studies = [
        split_data(
            TabularDataModule(frame=mixed_frame, target="label", validation_fraction=0.2, **settings),
            split_keys([0], 0, [Setting()]),
        )
        for settings in ({}, setting)
    ]
    remedies = [TABLE_REMEDIES[name] for name in ("smote", "small_wasserstein_gan")]
    cells = plan_cells(studies[0], remedies, {"linear": LOGISTIC}, ["balance"])
    (smote, gan), tasks = cells, group_cells(cells)
    assert smote.address(studies[0]) == smote.address(studies[1])
    assert gan.address(studies[0]) != gan.address(studies[1])
    assert tasks[0].rows_address(studies[0]) == tasks[0].rows_address(studies[1])
    assert tasks[1].rows_address(studies[0]) != tasks[1].rows_address(studies[1])


@pytest.mark.parametrize("setting", [{"batch_size": 7}, {"steps_per_epoch": 3}, {"seed": 4}, {"classes": "minority"}])
def test_a_setting_that_does_nothing_here_is_refused(setting: dict[str, Any], mixed_frame: pd.DataFrame) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label", validation_fraction=0.2, **setting)
    with pytest.raises(InputError, match=f"does not use the data's {next(iter(setting))}: remove it; "):
        split_data(data, split_keys([0], 0, [Setting()]))


def test_remedies_that_share_the_fit_share_the_task(data: TabularDataModule) -> None:
    study = split_data(data, split_keys([0], 0, [Setting()]))
    names = ("nothing", "tuned_threshold", "class_weights", "smote")
    cells = plan_cells(study, [TABLE_REMEDIES[name] for name in names], {"linear": LOGISTIC}, ["balance"])
    together = [[cell.remedy.name for cell in task.cells] for task in group_cells(cells)]
    assert together == [["nothing", "tuned_threshold"], ["class_weights"], ["smote"]]
