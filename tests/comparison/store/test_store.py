"""What a comparison leaves on disk: whole or absent, written by one process at a time, and read again."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES
from gan_imbalance.comparison.plan.cells import Task, group_cells
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.planning import plan_cells
from gan_imbalance.comparison.plan.study import Setting, Study, split_data, split_keys
from gan_imbalance.comparison.run.task import fail_task, run_task
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule
from gan_imbalance.files import atomic_path
from gan_imbalance.synthesis import load_gan, manifest_path
from gan_imbalance.types import InputError

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}


@pytest.fixture
def study(data: TabularDataModule) -> Study:
    return split_data(data, split_keys([0], 0, [Setting()]))


def tasks_of(study: Study, *names: str) -> list[Task]:
    remedies = [TABLE_REMEDIES[name].with_gan_steps(2) for name in names]
    return group_cells(plan_cells(study, remedies, {"linear": LOGISTIC}, ["balance"]))


def test_results_rows_and_checkpoints_are_kept_and_read(study: Study, tmp_path: Path) -> None:
    store, (task,) = Store(tmp_path), tasks_of(study, "wasserstein_gan")
    assert store.missing(study, [task]) == [task]
    assert store.known_rows(study, task) == {}
    result = run_task(study, task, {})
    store.write(result)
    assert store.missing(study, [task]) == []
    (cell,), address = result.cells, task.rows_address(study)
    assert store.read_cell(cell.address) == {**json.loads(json.dumps(cell.content)), "address": cell.address}
    pd.testing.assert_frame_equal(store.read_scores(cell.address), cell.scores)
    assert store.has_rows(address)
    assert store.known_rows(study, task)[address].rows == result.rows[address].rows
    # as `gan-imbalance synthesize` names it, so that whoever reads its rows reads these
    assert store.manifest_path(address) == manifest_path(store.rows_path(address))
    (checkpoint,) = store.checkpoint_paths(address)
    assert load_gan(checkpoint).is_built


def test_rows_are_found_again_by_remedies_that_were_added_later(study: Study, tmp_path: Path) -> None:
    smote = TABLE_REMEDIES["smote"]
    both = [smote, replace(smote, name="weighted_smote", class_weight="balanced")]
    (task,) = group_cells(plan_cells(study, both, {"linear": LOGISTIC}, ["balance"]))
    store = Store(tmp_path)
    store.write(run_task(study, replace(task, cells=task.cells[:1]), {}))
    (left,) = store.missing(study, [task])
    assert [cell.remedy.name for cell in left.cells] == ["weighted_smote"]
    result = run_task(study, left, store.known_rows(study, left))
    assert not result.rows
    assert [cell.content["remedy"] for cell in result.cells] == ["weighted_smote"]


def test_a_failure_is_told_until_the_result_is_there(study: Study, tmp_path: Path) -> None:
    store, tasks = Store(tmp_path), tasks_of(study, "nothing", "smote")
    cells = [cell for task in tasks for cell in task.cells]
    description = Description.of(study, cells, tasks, kind="table", **adapter_of(study.samples).describe())
    store.write(fail_task(study, tasks[0], RuntimeError("no memory")))
    (failure,) = store.failures(description)
    assert (failure.name, failure.reason) == ("nothing, seed 0", "RuntimeError: no memory")
    assert failure.addresses == (cells[0].address(study),)
    assert failure.traceback[-1] == "RuntimeError: no memory\n"
    store.write(run_task(study, tasks[0], {}))
    assert store.failures(description) == []
    assert not list(tmp_path.rglob("*.failed.json"))


def test_a_table_is_read_as_it_was_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    texts = {"classifier": ["None", "nan"], "amount": ["", "balance"], "split_hash": ["1234", "12e34"]}
    table = pd.DataFrame({**texts, "fold": pd.array([0, None], dtype="Int64"), "mean": [0.1 + 0.2, np.nan]})
    store.write_table(table, "table.csv")
    pd.testing.assert_frame_equal(store.read_table("table.csv"), table, check_exact=True, check_dtype=False)
    store.write_table(pd.DataFrame(), "empty.csv")
    assert store.read_table("empty.csv").empty


def test_the_plan_and_samples_are_read_without_the_data(study: Study, tmp_path: Path) -> None:
    store, tasks = Store(tmp_path), tasks_of(study, "nothing", "smote")
    cells = [cell for task in tasks for cell in task.cells]
    told = adapter_of(study.samples).describe()
    description = Description.of(study, cells, tasks, kind="table", metric="recall", **told)
    store.write_plan(description, study)
    read = store.read_plan()
    assert (read.classes, read.minority_label, read.metric) == (["no", "yes"], "yes", "recall")
    assert [entry.address for entry in read.entries] == [cell.address(study) for cell in cells]
    assert read.keys == list(study.splits)
    adapter = store.read_adapter(read)
    assert set(adapter.samples.labels) == {0, 1}


@pytest.mark.parametrize("content", ["", "{}", '{"cells": []}', "[]"])
def test_a_folder_that_holds_no_comparison(content: str, tmp_path: Path) -> None:
    (tmp_path / "comparison.json").write_text(content)
    with pytest.raises(InputError, match="holds no comparison"):
        Store(tmp_path).read_plan()


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    left = [tmp_path / "cells" / ".partial-x.abc.json", tmp_path / "cache" / ".features.pt.lock"]
    for path in left:
        path.parent.mkdir()
        path.write_text("{")
    (tmp_path / "cells" / "kept.json").write_text("{}")
    (tmp_path / "quick").mkdir()
    (tmp_path / "quick" / ".comparison.lock").write_text("")
    with store.alone():
        assert not any(path.exists() for path in left)
    # the lock of a dry run that runs at the same time is not ours
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"kept.json", ".comparison.lock"}


def test_what_a_report_is_just_writing_is_left_to_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    # a report is made when the folder is free for the next comparison
    with atomic_path(tmp_path / "report.html") as temporary, store.alone():
        assert temporary.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


HOLD = """
import sys, time
from gan_imbalance.comparison.store import Store

with Store(sys.argv[1]).alone():
    print("held", flush=True)
    time.sleep(1)
"""


def test_a_second_comparison_waits_for_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with Store(tmp_path).alone():
            process.wait()
    assert "Another comparison is writing" in capsys.readouterr().out
    assert process.returncode == 0


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write"), Store(tmp_path / "file").alone():
        pass
