"""The files of a comparison may come from anyone: reading them runs nothing, and what cannot be used is told."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance import Comparison, compare
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule
from gan_imbalance.main import main
from gan_imbalance.types import InputError

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
MARK = "exploded"
POPEN = {"class_path": "subprocess.Popen", "init_args": {"args": ["touch", MARK]}}


class Bomb:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (f"touch {MARK}",)


def run_in(folder: Path) -> Comparison:
    """Compare SMOTE with nothing, as far as that is not done yet."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=80), "y": random.normal(size=80), "label": [0] * 60 + [1] * 20})
    data = TabularDataModule(frame=frame, target="label")
    options: dict[str, Any] = {"seeds": 2, "folds": 0, "controls": False, "wandb": False}
    return compare(data, ["smote"], {"lr": LOGISTIC}, output=str(folder), **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished comparison."""
    return run_in(tmp_path_factory.mktemp("finished") / "run").folder


@pytest.fixture
def run(finished: Path, workplace: Path) -> Path:
    """Return a copy of the folder, to be changed, in the working folder."""
    return Path(shutil.copytree(finished, workplace / "run"))


def edit(pattern: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Return what changes the content of the JSON files that match a pattern."""

    def edited(folder: Path) -> None:
        paths = list(folder.glob(pattern))
        assert paths
        for path in paths:
            content = json.loads(path.read_text())
            path.write_text(json.dumps(change(content)))

    return edited


def overwrite(pattern: str, content: bytes) -> Callable[[Path], None]:
    """Return what writes other content to the files that match a pattern."""

    def written(folder: Path) -> None:
        paths = list(folder.glob(pattern))
        assert paths
        for path in paths:
            path.write_bytes(content)

    return written


def with_address(address: str) -> Callable[[Any], Any]:
    return lambda content: content | {"cells": [cell | {"address": address} for cell in content["cells"]]}


BOMB = pickle.dumps(Bomb())
CELLS = "cells/*[!d].json"
HOSTILE = {
    "a description that is a pickle": overwrite("comparison.json", BOMB),
    "a description that is a list": edit("comparison.json", lambda content: [POPEN]),
    "a description that names classes": edit("comparison.json", lambda content: {"judging": POPEN, "cells": [POPEN]}),
    "a description without classes": edit("comparison.json", lambda content: content | {"classes": POPEN}),
    "a kind that is a class": edit("comparison.json", lambda content: content | {"kind": "subprocess.Popen"}),
    "remedies that are classes": edit("comparison.json", lambda content: content | {"remedies": {"smote": POPEN}}),
    "cells elsewhere": edit("comparison.json", with_address("../comparison")),
    "cells at the root": edit("comparison.json", with_address("/etc/hostname")),
    "cells of numbers": edit("comparison.json", with_address(7)),  # type: ignore[arg-type]
    "a result that is a pickle": overwrite(CELLS, BOMB),
    "a result that is a list": edit(CELLS, lambda content: [POPEN]),
    "a result that names classes": edit(CELLS, lambda content: {"remedy": POPEN, "classifier": POPEN, "seconds": {}}),
    "a result nested without end": overwrite(CELLS, b"[" * 100_000),
    "scores that are a pickle": overwrite("cells/*.parquet", BOMB),
    "a reference that is a pickle": overwrite("reference.*", BOMB),
    "an answer that is a pickle": overwrite("answer.json", BOMB),
    "an answer that is a list": edit("answer.json", lambda content: [POPEN]),
}


@pytest.mark.parametrize("plant", HOSTILE.values(), ids=HOSTILE)
def test_a_report_runs_nothing_that_files_hold(
    plant: Callable[[Path], None], run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(run)
    code = main(["report", "run"])
    error = capsys.readouterr().err.strip()
    assert not Path(MARK).exists()
    assert code == 2, error
    assert error.startswith("gan-imbalance: error: ")
    assert "\n" not in error


def test_what_a_report_does_not_read_runs_nothing(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "study.pickle").write_bytes(BOMB)
    (run / "cache").mkdir(exist_ok=True)
    (run / "cache" / "teacher.pkl").write_bytes(BOMB)
    edit("comparison.json", lambda content: content | {"classifiers": {"lr": POPEN}})(run)
    assert main(["report", "run"]) == 0
    assert not Path(MARK).exists()


@pytest.mark.parametrize("table", ["results", "summary", "differences", "quality"])
def test_a_table_that_is_a_pickle_is_told(table: str, run: Path) -> None:
    (run / f"{table}.csv").write_bytes(b"\xff\xfe" + BOMB)
    found = Comparison.load(run)
    with pytest.raises(InputError, match="damaged"):
        getattr(found, table)
    assert not Path(MARK).exists()


def test_checkpoints_of_rows_lie_in_their_folder(run: Path) -> None:
    edit("synthetic/*.json", lambda content: content | {"checkpoints": ["../../secret"]})(run)
    address = next((run / "synthetic").glob("*.json")).name.removesuffix(".json")
    with pytest.raises(InputError, match=r"names '\.\./\.\./secret', which is no file of the comparison"):
        Store(run).checkpoint_paths(address)


RESUMED = {
    "a result that is a pickle": overwrite(CELLS, BOMB),
    "a result that is a list": edit(CELLS, lambda content: [POPEN]),
    "an answer that is a pickle": overwrite("answer.json", BOMB),
    "a manifest that is a pickle": overwrite("synthetic/*.json", BOMB),
    "a manifest that is a list": edit("synthetic/*.json", lambda content: [POPEN]),
}


@pytest.mark.parametrize("plant", RESUMED.values(), ids=RESUMED)
def test_a_comparison_that_goes_on_runs_nothing_that_files_hold(plant: Callable[[Path], None], run: Path) -> None:
    plant(run)
    if plant not in (RESUMED["a result that is a pickle"], RESUMED["a result that is a list"]):
        without_smote(run)
    with pytest.raises(InputError, match="is damaged"):
        run_in(run)
    assert not Path(MARK).exists()


def test_rows_that_are_a_pickle_are_a_failure(run: Path) -> None:
    without_smote(run)
    overwrite("synthetic/*.parquet", BOMB)(run)
    assert {failure.name for failure in run_in(run).failures} == {"smote, seed 0", "smote, seed 1"}
    assert not Path(MARK).exists()


def without_smote(folder: Path) -> None:
    """Remove the results of SMOTE, for which its rows are read again."""
    for path in folder.glob("cells/*smote*"):
        path.unlink()
