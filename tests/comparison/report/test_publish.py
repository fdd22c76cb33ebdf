"""What a comparison records in one run, or of its cells, whoever receives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.comparison.report import publish
from gan_imbalance.data import TabularDataModule

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}

Run = Callable[..., int]


class RecordedRun:
    """Keeps what it is told."""

    offline = True

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.summary: dict[str, Any] = {}
        self.used: list[Any] = []
        self.made: list[Any] = []
        self.logged: dict[str, Any] = {}

    def log(self, values: dict[str, Any]) -> None:
        self.logged |= values

    def log_artifact(self, artifact: Any) -> None:
        self.made.append(artifact)

    def _log_artifact(self, artifact: Any, is_user_created: bool, use_after_commit: bool) -> None:
        assert is_user_created
        assert use_after_commit
        self.used.append(artifact)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[RecordedRun]:
    """Return the runs that are started, which goes on while a comparison runs."""
    started = []

    @contextmanager
    def start(folder: Path, **settings: Any) -> Iterator[RecordedRun]:
        started.append(RecordedRun(settings))
        yield started[-1]

    monkeypatch.setattr(publish, "start_run", start)
    return started


@pytest.fixture
def run(data: TabularDataModule, tmp_path: Path) -> Run:
    """Return a function that compares on one split, in the folder `mine`, and records every cell."""

    def comparison(**options: Any) -> int:
        defaults: dict[str, Any] = {
            "data": data,
            "classifiers": {"linear": LOGISTIC},
            "seeds": 1,
            "folds": 0,
            "controls": False,
            "wandb_runs": "cells",
            "output": str(tmp_path / "mine"),
        }
        found = compare(**{**defaults, **options})
        found.show()
        return found.exit_code

    return comparison


def of_type(runs: list[RecordedRun], job_type: str) -> list[RecordedRun]:
    return [run for run in runs if run.settings["job_type"] == job_type]


def digests(artifacts: list[Any]) -> dict[str, str]:
    return {artifact.name: artifact.digest for artifact in artifacts}


def test_every_amount_uses_the_rows_that_were_made_once(run: Run, runs: list[RecordedRun]) -> None:
    assert run(remedies=["nothing", "smote"], amounts=[4, "balance"]) == 0
    (made,) = of_type(runs, "resample")
    nothing, few, many = sorted(of_type(runs, "cell"), key=lambda one: str(one.settings["config"]["remedy"]))
    assert digests(few.used) == digests(many.used) == digests(made.made)
    assert digests(nothing.used) == digests(made.used)
    assert {one.settings["group"] for one in runs} == {"mine"}


def test_a_tuned_cell_uses_the_rows_that_it_chose(run: Run, runs: list[RecordedRun]) -> None:
    assert run(remedies=["smote"], tuning_budget=4) == 0
    (made,) = of_type(runs, "resample")
    # the remedy as it is and two draws, one of which may be of the same rows
    assert len(digests(made.made)) >= 2
    known = {**digests(made.made), **digests(made.used)}
    for cell in of_type(runs, "cell"):
        (used,) = cell.used
        assert known[used.name] == used.digest
        assert used.type == ("dataset" if cell.settings["config"]["chosen"]["amount"] in (0, None) else "synthetic-set")


def test_rows_that_are_left_out_have_a_set_too(run: Run, runs: list[RecordedRun]) -> None:
    assert run(remedies=["random_under"]) == 0
    (made,) = of_type(runs, "resample")
    (cell,) = (cell for cell in of_type(runs, "cell") if cell.settings["config"]["remedy"] == "random_under")
    assert digests(cell.used) == digests(made.made)


def test_a_second_call_records_what_was_missing_only(run: Run, runs: list[RecordedRun], tmp_path: Path) -> None:
    run(remedies=["nothing", "smote"])
    first = digests(of_type(runs, "resample")[0].made)
    runs.clear()
    next((tmp_path / "mine" / "cells").glob("linear-smote*.json")).unlink()
    run(remedies=["nothing", "smote"])
    assert [one.settings["job_type"] for one in runs] == ["resample", "cell", "comparison"]
    assert digests(runs[0].made) == first


def test_names_hold_for_every_remedy_and_label(run: Run, runs: list[RecordedRun], mixed_frame: pd.DataFrame) -> None:
    labels = mixed_frame["label"].map({"yes": "yes / ja", "no": "no: nein"})
    data = TabularDataModule(frame=mixed_frame.assign(label=labels), target="label", validation_fraction=0.2)
    gan = {"class_path": "gan_imbalance.oversampling.GANOverSampler", "init_args": {"gan": "GAN", "max_steps": 1}}
    assert run(data=data, remedies=[Remedy("my: GAN / ü " + "long" * 20, gan)]) == 0
    artifacts = [artifact for one in runs for artifact in (*one.used, *one.made)]
    assert {artifact.type for artifact in artifacts} == {"dataset", "model", "synthetic-set", "result", "report"}
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,128}", artifact.name) for artifact in artifacts)


def test_a_task_without_rows_has_no_run(run: Run, runs: list[RecordedRun]) -> None:
    broken = {"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"k_neighbors": "many"}}
    assert run(remedies=[Remedy("broken", broken)]) == 1
    assert [one.settings["job_type"] for one in runs] == ["cell", "comparison"]


def test_the_summary_tells_of_validation_rows_with_the_best_amount(
    run: Run, runs: list[RecordedRun], tmp_path: Path
) -> None:
    assert run(remedies=["nothing", "smote"], amounts=[4, "balance"], seeds=2) == 0
    results = pd.read_csv(tmp_path / "mine" / "results.csv")
    smote = results[results["remedy"] == "smote"].groupby("amount")["validation_pr_auc"].mean().max()
    (whole,) = of_type(runs, "comparison")
    # no GAN took part, so there is no verdict
    assert set(whole.summary) == {"validation_pr_auc/nothing", "validation_pr_auc/smote"}
    assert whole.summary["validation_pr_auc/smote"] == pytest.approx(smote)


def test_the_summary_tells_the_verdict(run: Run, runs: list[RecordedRun]) -> None:
    gan = {"class_path": "gan_imbalance.oversampling.GANOverSampler", "init_args": {"gan": "GAN", "max_steps": 1}}
    assert run(remedies=["nothing", Remedy("mine", gan)], seeds=3) == 0
    (whole,) = of_type(runs, "comparison")
    assert whole.summary["verdict"] in ("helps", "hurts", "equal", "undecided")
    shares = [whole.summary[f"probability/{name}"] for name in ("worse", "equal", "better")]
    assert sum(shares) == pytest.approx(1)
    (artifact,) = whole.made
    assert {"answer.json", "report.html", "results.csv", "summary.csv"} == set(artifact.manifest.entries)


def test_a_sweep_has_one_run(run: Run, runs: list[RecordedRun], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", "abcd1234")
    assert run(remedies=["nothing", "smote"]) == 0
    assert [one.settings["job_type"] for one in runs] == ["comparison"]


def test_one_run_has_everything(run: Run, runs: list[RecordedRun], tmp_path: Path) -> None:
    options = {"remedies": ["nothing", "smote", "gan"], "amounts": [4, "balance"], "seeds": 2, "gan_steps": 1}
    assert run(**options, wandb_runs="one") == 0
    (whole,) = runs
    assert whole.settings["name"] == whole.settings["group"] == "mine"
    config = whole.settings["config"]
    assert (config["splits"], set(config["remedies"])) == (2, {"nothing", "smote", "gan"})
    results = pd.read_csv(tmp_path / "mine" / "results.csv")
    cells = whole.logged["cells"]
    assert cells.get_column("address") == results["address"].tolist()
    assert cells.get_column("pr_auc") == pytest.approx(results["pr_auc"].tolist())
    assert set(cells.get_column("amount")) == {"", "4", "balance"}
    assert set(whole.logged["remedies"].get_column("remedy")) == {"nothing", "smote", "gan"}
    plots = {path.stem for path in (tmp_path / "mine" / "plots").glob("*.png")}
    assert plots == set(whole.logged) - {"cells", "remedies"} != set()
    assert [artifact.type for artifact in whole.made] == ["report"]
    # those of its two splits, as runs of its cells would use them
    runs.clear()
    for path in (tmp_path / "mine" / "cells").glob("linear-nothing*.json"):
        path.unlink()
    assert run(**options) == 0
    one_by_one = {(one.used[0].name, one.used[0].digest) for one in of_type(runs, "cell")}
    assert {(used.name, used.digest) for used in whole.used} == one_by_one
    assert len(one_by_one) == 2


def test_one_run_takes_along_on_request_what_the_others_would(
    run: Run, runs: list[RecordedRun], tmp_path: Path
) -> None:
    assert run(remedies=["nothing", "gan"], gan_steps=1, upload_artifacts=True, wandb_runs="one") == 0
    (whole,) = runs
    taken = {artifact.type: {Path(file).name for file in artifact.manifest.entries} for artifact in whole.made}
    assert taken["result"] == {path.name for path in (tmp_path / "mine" / "cells").iterdir()}
    assert taken["synthetic-set"] == {path.name for path in (tmp_path / "mine" / "synthetic").iterdir()}
    assert {Path(name).suffix for name in taken["synthetic-set"]} == {".ckpt", ".json", ".parquet"}
    assert len(taken["result"]) == 4


def test_without_weights_and_biases_nothing_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert run(remedies=["nothing", "smote"]) == 0
    assert not list(tmp_path.rglob("*.wandb"))


@pytest.mark.parametrize(
    ("wandb_runs", "warned"), [("one", ["The comparison"]), ("cells", ["nothing", "The comparison"])]
)
def test_a_failure_to_record_costs_no_result(
    wandb_runs: str, warned: list[str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path, **settings: Any) -> None:
        raise OSError("no network")

    monkeypatch.setattr(publish, "start_run", fail)
    with pytest.warns(UserWarning, match="could not be recorded in Weights & Biases: no network") as warnings:
        assert run(remedies=["nothing"], wandb_runs=wandb_runs) == 0
    told = [str(one.message) for one in warnings if "could not be recorded" in str(one.message)]
    assert [one for one, name in zip(told, warned, strict=True) if not one.startswith(name)] == []
    assert (tmp_path / "mine" / "report.html").is_file()
