"""Comparisons that are there at once: run without the driver, or made up to say what a test needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.comparison.plan.catalogue import choose_remedies
from gan_imbalance.comparison.plan.cells import Cell, Task, group_cells
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.planning import leave_out_impossible, plan_cells
from gan_imbalance.comparison.plan.remedies import Amount, Remedy
from gan_imbalance.comparison.plan.study import Judging, Setting, Study, split_data, split_keys
from gan_imbalance.comparison.run.task import CellResult, Failure, TaskResult, run_task
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}

Planned = tuple[Store, Study, list[Task]]
Run = Callable[..., Planned]
Fabricate = Callable[..., Store]
Gains = Mapping[str, "float | Sequence[float] | np.ndarray"]


def a_frame() -> pd.DataFrame:
    """Return 90 rows of "no" and 30 of "yes"."""
    random = np.random.default_rng(0)
    rare = np.repeat([0, 1], [90, 30])
    numbers = {name: random.normal(size=120) + sign * rare for name, sign in (("amount", 1), ("age", -1))}
    colours = random.choice(["red", "blue"], 120)
    return pd.DataFrame({**numbers, "colour": colours, "label": np.where(rare, "yes", "no")})


def plan(
    folder: Path,
    data: TabularDataModule | None = None,
    remedies: Sequence[str | Remedy] = ("nothing", "smote"),
    classifiers: Mapping[str, dict[str, Any]] | None = None,
    amounts: Sequence[Amount] = ("balance",),
    splits: int = 2,
    settings: Sequence[Setting] = (Setting(),),
    tuning_budget: int = 0,
    controls: bool = False,
    judging: Judging | None = None,
    **told: Any,
) -> Planned:
    """Plan a comparison on random splits, and keep the plan."""
    data = data or TabularDataModule(frame=a_frame(), target="label", keep={"yes": 12}, validation_fraction=0.2)
    study = split_data(data, split_keys(range(splits), 0, settings), judging=judging)
    named = classifiers or {"linear": LOGISTIC}
    planned = plan_cells(study, choose_remedies(remedies, controls), named, amounts, tuning_budget)
    cells, left_out = leave_out_impossible(study, planned)
    tasks, adapter, store = group_cells(cells), adapter_of(study.samples), Store(folder)
    defaults = {"metric": "pr_auc", "practical_difference": {}, "tuning_budget": tuning_budget}
    description = Description.of(
        study, cells, tasks=tasks, left_out=left_out, kind=adapter.kind, **adapter.describe(), **{**defaults, **told}
    )
    store.write_plan(description, study)
    return store, study, tasks


@pytest.fixture(scope="session")
def run() -> Run:
    """Return a function that plans a comparison and runs it in this process."""

    def comparison(folder: Path, **options: Any) -> Planned:
        store, study, tasks = plan(folder, **options)
        for task in store.missing(study, tasks):
            store.write(run_task(study.only(task.key), task, store.known_rows(study, task)))
        return store, study, tasks

    return comparison


@pytest.fixture(scope="session")
def fabricate(tmp_path_factory: pytest.TempPathFactory) -> Fabricate:
    """Return a function that makes up the results of a comparison: what every remedy gains on each split."""
    templates: list[CellResult] = []

    def template() -> CellResult:
        if not templates:
            _, study, tasks = plan(tmp_path_factory.mktemp("template"), remedies=["nothing"], splits=1)
            templates.extend(run_task(study, tasks[0], {}).cells)
        return templates[0]

    def make(
        folder: Path,
        gains: Gains,
        splits: int = 10,
        rows_added: Mapping[str, int] | None = None,
        finished: int | None = None,
        validation: Mapping[str, float] | None = None,
        given: Sequence[Remedy] = (),
        failing: Mapping[str, str] | None = None,
        noise: float = 0.02,
        shares: Mapping[str, float] | None = None,
        **options: Any,
    ) -> Store:
        own = {remedy.name: remedy for remedy in given}
        remedies = ["nothing", *(own.get(name, name) for name in gains)]
        store, study, tasks = plan(folder, remedies=remedies, splits=splits, **options)
        base = 0.5 + noise * np.random.default_rng(1).standard_normal(splits)
        added = rows_added or {}
        chosen_by = validation or {}

        def result(cell: Cell) -> CellResult:
            content, name, number = deepcopy(template().content), cell.remedy.name, cell.key.seed
            gain = float(np.broadcast_to(gains.get(name, 0.0), splits)[number])
            gain *= (shares or {}).get(cell.classifier, 1)
            content |= {"seed": number, "fold": None, **cell.key.setting._asdict(), **cell.method._asdict()}
            content |= {"classifier": cell.classifier, "split_hash": study.splits[cell.key].hash}
            content["rows"]["added"] = added.get(name, 0 if cell.pool is None else cell.pool)
            for figures, value in (("metrics", base[number] + gain), ("validation", 0.5 + chosen_by.get(name, gain))):
                content[figures] |= {"pr_auc": float(value), "recall_yes": float(np.round(value, 1))}
                if "expected_cost" in content[figures] or study.judging.costs:
                    content[figures]["expected_cost"] = 1 - float(value)
            return CellResult(cell.address(study), content, template().scores)

        for task in [task for task in tasks if task.key.seed < (splits if finished is None else finished)]:
            reason = (failing or {}).get(task.remedy.name)
            addresses = tuple(cell.address(study) for cell in task.cells)
            failures = [] if reason is None else [Failure(task.display_name, reason, addresses)]
            results = [] if failures else [result(cell) for cell in task.cells]
            store.write(TaskResult(task, {}, results, failures))
        return store

    return make
