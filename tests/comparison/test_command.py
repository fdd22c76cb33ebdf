"""What a comparison runs, what it does not run twice, and what no test row can change."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.comparison.command import QUICK_STEPS, _first_seeds, _seconds
from gan_imbalance.comparison.driver import Until
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES
from gan_imbalance.data import TabularDataModule
from gan_imbalance.files import write_json
from gan_imbalance.main import main
from gan_imbalance.synthesis import load_gan, manifest_path
from gan_imbalance.types import InputError

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
OURS = {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {"max_steps": 4}}
GAN_SAMPLER = "gan_imbalance.oversampling.GANOverSampler"
TREES = {"class_path": "xgboost.XGBClassifier", "init_args": {"n_estimators": 3}}
REMEDIES = ["nothing", "tuned_threshold", "smote", "random_under", "real_rows"]

Run = Callable[..., int]


class Fragile(LogisticRegression):  # type: ignore[misc]
    """Fails where rows were added."""

    limit = 70

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Fragile:
        if len(y) > self.limit:
            raise RuntimeError("too many rows")
        return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]


@pytest.fixture
def run(data: TabularDataModule, tmp_path: Path) -> Run:
    """Return a function that compares a few remedies on two seeds, in the folder `tmp_path`."""

    def comparison(**options: Any) -> int:
        defaults: dict[str, Any] = {
            "data": data,
            "remedies": REMEDIES,
            "classifiers": {"linear": LOGISTIC},
            "seeds": 2,
            "folds": 0,
            "amounts": [4, "balance"],
            "output": str(tmp_path),
            "controls": False,
            "wandb": False,
        }
        found = compare(**{**defaults, **options})
        found.show()
        return found.exit_code

    return comparison


def results_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "results.csv", keep_default_na=False)


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.json")}


def test_every_cell_has_a_row_and_every_figure_a_summary(run: Run, tmp_path: Path) -> None:
    assert run(positive_rate=0.01) == 0
    results, summary = results_of(tmp_path), pd.read_csv(tmp_path / "summary.csv")
    methods = [("nothing", ""), ("tuned_threshold", ""), ("smote", "4"), ("smote", "balance"), ("random_under", "")]
    methods += [("real_rows", "4"), ("real_rows", "balance")]
    assert results[["seed", "remedy", "amount"]].to_records(index=False).tolist() == [
        (seed, *method) for seed in (0, 1) for method in methods
    ]
    added = results[results["seed"] == 0].set_index(["remedy", "amount"])["rows_added"].to_dict()
    assert added == dict(zip(methods, [0, 0, 4, 42, 0, 4, 6], strict=True))
    assert results["precision_reweighted"].between(0, 1).all()
    assert summary.groupby("metric").size().eq(len(methods)).all()
    assert summary["splits"].eq(2).all()
    for name in ("report.html", "splits/seed-0.json", "splits/seed-1.json"):
        assert (tmp_path / name).is_file()


def test_a_second_call_runs_nothing_and_a_lost_cell_only_itself(run: Run, tmp_path: Path) -> None:
    run()
    cells, synthetic = times(tmp_path / "cells"), times(tmp_path / "synthetic")
    lost = next((tmp_path / "cells").glob("linear-smote_+4-seed-1-*.json"))
    lost.unlink()
    run()
    assert times(tmp_path / "synthetic") == synthetic
    again = times(tmp_path / "cells")
    assert {name for name in cells if again[name] != cells[name]} == {lost.name}


def test_a_changed_remedy_runs_its_own_cells_only(run: Run, tmp_path: Path) -> None:
    run()
    before = times(tmp_path / "cells")
    smote = {"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"k_neighbors": 2}}
    run(remedies=["nothing", Remedy("smote", smote)])
    added = set(times(tmp_path / "cells")) - set(before)
    assert len(added) == 4
    assert all(name.startswith("linear-smote") for name in added)


def test_a_failing_cell_is_told_and_tried_again_and_the_rest_goes_on(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fragile = {"class_path": f"{Fragile.__module__}.Fragile"}
    classifiers = {"fragile": fragile, "linear": LOGISTIC}
    assert run(classifiers=classifiers, remedies=["smote"], seeds=1, amounts=["balance"]) == 1
    output = capsys.readouterr().out
    assert "failed: smote, balance with fragile, seed 0: RuntimeError: too many rows" in output
    assert "too many rows" in (tmp_path / "report.html").read_text(encoding="utf-8")
    results = results_of(tmp_path)
    assert list(zip(results["classifier"], results["remedy"], strict=True)) == [
        ("fragile", "nothing"),
        ("linear", "nothing"),
        ("linear", "smote"),
    ]
    assert run(classifiers=classifiers, remedies=["smote"], seeds=1, amounts=["balance"]) == 1


def test_a_failing_resampler_is_told_once(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    broken = {"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"k_neighbors": "many"}}
    classifiers = {"linear": LOGISTIC, "trees": TREES}
    assert run(remedies=[Remedy("broken", broken)], classifiers=classifiers, seeds=1) == 1
    assert capsys.readouterr().out.count("failed: broken, seed 0: ") == 1


def test_what_the_data_does_not_allow_is_left_out_with_a_reason(
    run: Run, mixed_frame: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label", validation_fraction=0.2)
    assert run(data=data, remedies=["nothing", "real_rows"]) == 0
    assert "left out: real_rows: the split has no reserve" in capsys.readouterr().out


def test_quick_trains_hardly_and_stays_apart(run: Run, tmp_path: Path) -> None:
    ours = {"class_path": "gan_imbalance.classifiers.TableClassifier"}
    assert run(quick=True, remedies=["gan"], classifiers={"ours": ours}) == 0
    results = results_of(tmp_path / "quick")
    assert results["seed"].unique().tolist() == [0]
    cell = json.loads(next((tmp_path / "quick" / "cells").glob("ours-gan*.json")).read_text(encoding="utf-8"))
    assert cell["settings"]["remedy"]["resampler"]["init_args"]["max_steps"] == QUICK_STEPS
    assert cell["settings"]["classifier"]["init_args"]["max_steps"] == QUICK_STEPS
    assert not (tmp_path / "results.csv").exists()


@pytest.mark.parametrize(("wandb_runs", "first", "second"), [("one", 1, 1 + 1), ("cells", 2 + 1, 3 + 2)])
def test_wandb_has_a_run_and_on_request_one_per_cell(
    wandb_runs: str, first: int, second: int, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    for seeds, runs in ((2, first), (3, second)):
        assert run(remedies=["nothing"], seeds=seeds, wandb=True, wandb_runs=wandb_runs) == 0
        assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == runs


LEARNERS = [
    "smote",
    "jittered_copies",
    TABLE_REMEDIES["gan"].with_gan_steps(3),
    # its checkpoint is chosen on validation rows of its own
    Remedy("chosen", {"class_path": GAN_SAMPLER, "init_args": {"max_steps": 20, "validation_fraction": 0.25}}),
]


def learned(folder: Path) -> dict[str, Any]:
    """Return all that a comparison learned or chose, and its figures, without what tells of time or place."""
    cells = [json.loads(path.read_text()) for path in sorted((folder / "cells").glob("*.json"))]
    rows = sorted((folder / "synthetic").glob("*.parquet"), key=made_by)
    gans = [load_gan(path) for one in rows for path in sorted(one.parent.glob(f"{one.stem}*.ckpt"))]
    return {
        "rows": [pd.read_parquet(path) for path in rows],
        "weights": [gan.state_dict() for gan in gans],
        "transformers": [gan.data_state for gan in gans],
        "chosen": [(cell["tuned_threshold"], cell["candidates"], cell["chosen"], cell["history"]) for cell in cells],
        "figures": [cell["metrics"] for cell in cells],
    }


def made_by(rows: Path) -> str:
    """Return the settings of the remedy that wrote synthetic rows; the file's name changes with the table."""
    return json.dumps(json.loads(manifest_path(rows).read_text())["remedy"])


def assert_same_but_figures(clean: dict[str, Any], dirty: dict[str, Any]) -> None:
    assert clean["chosen"] == dirty["chosen"]
    assert len(clean["weights"]) == 2
    for one, other in zip(clean["rows"], dirty["rows"], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    torch.testing.assert_close(clean["weights"], dirty["weights"], rtol=0, atol=0, equal_nan=True)
    assert repr(clean["transformers"]) == repr(dirty["transformers"])
    assert clean["figures"] != dirty["figures"]


def test_a_poisoned_test_file_changes_neither_split_nor_model(
    run: Run, mixed_frame: pd.DataFrame, tmp_path: Path
) -> None:
    held_out = np.arange(len(mixed_frame)) % 3 == 0
    mixed_frame[~held_out].to_parquet(tmp_path / "train.parquet")
    test = mixed_frame[held_out].copy()
    for name in ("clean", "poisoned"):
        test.to_parquet(tmp_path / "test.parquet")
        data = TabularDataModule(
            path=str(tmp_path / "train.parquet"), test_path="test.parquet", target="label", validation_fraction=0.2
        )
        assert run(data=data, remedies=LEARNERS, seeds=1, tuning_budget=3, output=str(tmp_path / name)) == 0
        test["label"] = np.random.default_rng(0).permutation(test["label"])
        test[["amount", "rate"]] *= 1000
    splits = [(tmp_path / name / "splits" / "seed-0.json").read_bytes() for name in ("clean", "poisoned")]
    assert splits[0] == splits[1]
    assert_same_but_figures(learned(tmp_path / "clean"), learned(tmp_path / "poisoned"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "seeds is 0"),
        ({"jobs": 0}, "jobs is 0"),
        ({"amounts": [0]}, "amounts holds 0"),
        ({"amounts": ["much"]}, "amounts holds 'much'"),
        ({"amounts": [4, 4]}, "a value twice"),
        ({"amounts": [1.5]}, r"amounts holds 1\.5"),
        ({"tuning_budget": -1}, "tuning_budget is -1"),
        ({"folds": 1}, "folds is 1"),
        ({"folds": -2}, "folds is -2"),
        ({"minority_rows": [1000]}, "1000"),
        ({"classifiers": {"x": {**LOGISTIC, "tune": {"depth": [2]}}}}, "no argument 'depth' to tune"),
        ({"positive_rate": 1.5}, r"positive_rate is 1\.5"),
        ({"remedies": ["smoke"]}, "no remedy 'smoke'"),
        ({"classifiers": {"x": {"class_path": "no.such.Classifier"}}}, r"Cannot import 'no\.such\.Classifier'"),
        ({"classifiers": {"x": {"class_path": "sklearn.svm.LinearSVC"}}}, "has no predict_proba"),
        ({"classifiers": {"x": {**LOGISTIC, "init_args": {"depth": 2}}}}, "does not take these arguments"),
    ],
)
def test_bad_arguments_are_told_before_anything_is_written(
    run: Run, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(**options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_fraction": 0.0}, "validation part is empty"),
        ({"test_fraction": 0.0}, "test part is empty"),
        ({"keep": {"no": 10, "yes": 10}}, "equally many"),
        ({"keep": {"yes": 1}}, "has 1 training row"),
    ],
)
def test_data_that_cannot_be_compared(
    run: Run, mixed_frame: pd.DataFrame, options: dict[str, Any], message: str
) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label", **{"validation_fraction": 0.2, **options})
    with pytest.raises(InputError, match=message):
        run(data=data)


def test_output_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Cannot write"):
        run(output=str(tmp_path / "file"))


def test_folds_are_paired_and_every_row_is_tested_once_a_seed(run: Run, tmp_path: Path) -> None:
    assert run(folds=3, seeds=2, remedies=["smote"], amounts=["balance"]) == 0
    results = results_of(tmp_path)
    assert results.groupby("remedy").size().to_dict() == {"nothing": 6, "smote": 6}
    for seed in (0, 1):
        tests = [json.loads((tmp_path / "splits" / f"seed-{seed}-fold-{fold}.json").read_text()) for fold in range(3)]
        rows = np.concatenate([split["test"] for split in tests])
        assert np.array_equal(np.sort(rows), np.arange(len(rows)))
    assert pd.read_csv(tmp_path / "summary.csv")["splits"].eq(6).all()


def test_real_rows_and_ratios_are_axes_with_the_same_test_rows(run: Run, tmp_path: Path) -> None:
    options = {"minority_rows": [6, 12], "imbalance_ratios": [2.0, 4.0], "remedies": ["smote"], "amounts": ["balance"]}
    assert run(**options) == 0
    results = results_of(tmp_path)
    kept = results[results["remedy"] == "nothing"].groupby(["minority_rows", "imbalance_ratio"])["rows_train"].unique()
    assert {key: value.tolist() for key, value in kept.items()} == {
        (rows, ratio): [rows + round(rows * ratio)] for rows in (6, 12) for ratio in (2.0, 4.0)
    }
    splits = [json.loads(path.read_text()) for path in (tmp_path / "splits").glob("seed-0*.json")]
    assert len(splits) == 4
    assert len({str(split["test"]) for split in splits}) == 1
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "linear, 6 minority rows, imbalance ratio 2" in page
    assert (tmp_path / "plots" / "pr_auc_by_real_minority_rows_linear.png").is_file()


def test_a_share_of_every_batch_is_a_weight_where_there_are_no_batches(run: Run, tmp_path: Path) -> None:
    assert run(remedies=["smote"], amounts=[0.5], classifiers={"linear": LOGISTIC, "ours": OURS}, seeds=1) == 0
    results = results_of(tmp_path).set_index(["classifier", "remedy"])
    assert results.loc[("linear", "smote"), "amount"] == "0.5"
    assert results.loc[("linear", "smote"), "rows_added"] == 42
    assert results.loc[("linear", "smote"), "brier"] != results.loc[("linear", "nothing"), "brier"]


def test_tuned_cells_choose_on_validation_rows_among_as_many_candidates(run: Run, tmp_path: Path) -> None:
    tuned = {**LOGISTIC, "tune": {"C": [0.01, 0.1, 10.0]}}
    remedies = ["smote", "class_weights", "random_under"]
    assert run(remedies=remedies, classifiers={"linear": tuned}, tuning_budget=4) == 0
    cells = [json.loads(path.read_text()) for path in (tmp_path / "cells").glob("linear-*_tuned-*.json")]
    assert len(cells) == 4 * 2
    for cell in cells:
        tried = cell["candidates"]
        assert len(tried) == 4
        assert tried[0]["amount"] == (0 if cell["remedy"] in ("smote", "random_under") else None)
        assert tried[0]["resampler"] == tried[0]["classifier"] == {}
        best = max(one["validation_pr_auc"] for one in tried)
        chosen = next(one for one in tried if one["validation_pr_auc"] == best)
        assert cell["chosen"] == {name: value for name, value in chosen.items() if name != "validation_pr_auc"}
        if cell["chosen"]["amount"] == 0:
            assert cell["rows"]["added"] == 0
    assert "tries 4 settings at most" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_comparison_is_reported_again_from_its_files_alone(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gan = TABLE_REMEDIES["gan"].with_gan_steps(2)
    assert run(remedies=["smote", gan], output=str(tmp_path / "there")) == 0
    (tmp_path / "there").rename(tmp_path / "here")
    before = {name: (tmp_path / "here" / name).read_bytes() for name in ("results.csv", "summary.csv", "report.html")}
    for name in before:
        (tmp_path / "here" / name).unlink()
    assert main(["report", str(tmp_path / "here")]) == 0
    for name in ("results.csv", "summary.csv"):
        assert (tmp_path / "here" / name).read_bytes() == before[name]
    page = (tmp_path / "here" / "report.html").read_text(encoding="utf-8")
    assert page.count("<img") == before["report.html"].decode().count("<img")
    assert capsys.readouterr().out.count("Report: ") == 2


def test_what_failed_is_in_the_files_until_it_is_made(run: Run, tmp_path: Path) -> None:
    options: dict[str, Any] = {"remedies": ["smote"], "seeds": 1, "amounts": ["balance"]}
    fragile = {"fragile": {"class_path": f"{Fragile.__module__}.Fragile"}}
    assert run(classifiers=fragile, **options) == 1
    failed = json.loads(next((tmp_path / "cells").glob("*.failed.json")).read_text())
    assert failed["reason"] == "RuntimeError: too many rows"
    assert "in fit" in "".join(failed["traceback"])
    Fragile.limit = 1000
    try:
        assert run(classifiers=fragile, **options) == 0
    finally:
        Fragile.limit = 70
    assert not list((tmp_path / "cells").glob("*.failed.json"))
    assert "What failed" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_memory_and_seconds_of_every_fit_are_recorded(run: Run, tmp_path: Path) -> None:
    assert run(remedies=["smote"], seeds=1) == 0
    results = results_of(tmp_path)
    assert (results["seconds_fit"] > 0).all()
    assert results["peak_memory_mib_fit"].between(50, 10_000).all()
    assert (results[results["remedy"] == "smote"]["peak_memory_mib_resample"] > 50).all()


def test_a_tuned_setting_that_fails_costs_the_tuned_cells_only(run: Run, tmp_path: Path) -> None:
    remedy = replace(TABLE_REMEDIES["smote"], tune={"k_neighbors": ["many"]})
    assert run(remedies=[remedy], seeds=1, amounts=["balance"], tuning_budget=9) == 1
    results = results_of(tmp_path)
    assert set(zip(results["remedy"], results["amount"], strict=True)) == {
        ("nothing", ""),
        ("nothing", "tuned"),
        ("smote", "balance"),
    }


DEADLY = """
import os, time
from sklearn.linear_model import LogisticRegression

class Deadly(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        if len(y) > 70:
            # the other job has time to end what it is at
            time.sleep(3)
            os._exit(1)
        return super().fit(X, y, sample_weight)
"""


@pytest.mark.slow
def test_a_killed_worker_costs_what_it_did_and_is_told(data: TabularDataModule, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY)
    data.given_frame.to_parquet(tmp_path / "table.parquet")
    init_args = {"path": "table.parquet", "target": "label", "keep": {"yes": 12}, "validation_fraction": 0.2}
    config = {
        "data": {"class_path": "gan_imbalance.data.TabularDataModule", "init_args": init_args},
        "remedies": ["nothing", "smote"],
        "classifiers": {"deadly": {"class_path": "deadly.Deadly"}},
        "seeds": 1,
        "folds": 0,
        "jobs": 2,
        "controls": False,
        "output": "run",
        "wandb": False,
    }
    write_json(tmp_path / "config.yaml", config)
    command = [sys.executable, "-m", "gan_imbalance", "compare", "--config", "config.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert results_of(tmp_path / "run")[["remedy", "seed"]].to_numpy().tolist() == [["nothing", 0]]
    assert "terminated" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert next((tmp_path / "run" / "cells").glob("deadly-smote*.failed.json"))


def test_classifiers_may_hold_others(run: Run, tmp_path: Path) -> None:
    nested = {
        "class_path": "sklearn.ensemble.AdaBoostClassifier",
        "init_args": {"estimator": LogisticRegression(C=0.5), "n_estimators": 2},
    }
    assert run(classifiers={"nested": nested}, remedies=["nothing"], seeds=1) == 0
    cell = json.loads(next((tmp_path / "cells").glob("*.json")).read_text(encoding="utf-8"))
    inner = cell["settings"]["classifier"]["init_args"]["estimator"]
    assert inner["init_args"]["C"] == 0.5


def test_settings_without_a_reserve_leave_real_rows_out_there_only(
    run: Run, mixed_frame: pd.DataFrame, tmp_path: Path
) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label", validation_fraction=0.2)
    whole = data.class_counts()[1]
    assert run(data=data, remedies=["real_rows"], minority_rows=[6, whole], amounts=[4]) == 0
    results = results_of(tmp_path)
    assert results[results["remedy"] == "real_rows"]["minority_rows"].unique().tolist() == [6]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"real_rows, {whole} minority rows" in page


def test_the_rarest_class_must_be_the_same_in_all_splits(run: Run) -> None:
    random = np.random.default_rng(0)
    rows_each = random.integers(2, 20, size=24)
    frame = pd.DataFrame(random.normal(size=(rows_each.sum(), 3)), columns=list("abc"))
    frame["patient"] = np.repeat(np.arange(24), rows_each)
    frame["label"] = np.where(frame["patient"] % 2, "x", "y")
    data = TabularDataModule(frame=frame, target="label", group="patient", test_fraction=0.25, validation_fraction=0.2)
    with pytest.raises(InputError, match="rarest in training depends on the split"):
        run(data=data, seeds=8, minority_rows=[10])


def test_rows_of_several_classes_may_have_a_share_too(run: Run, tmp_path: Path) -> None:
    strategy = {"sampling_strategy": {"no": 60, "yes": 20}}
    jitter = {"class_path": "gan_imbalance.comparison.controls.JitterOverSampler", "init_args": strategy}
    remedies = [Remedy("together", jitter), Remedy("half", jitter, share=0.5)]
    assert run(remedies=remedies, classifiers={"linear": LOGISTIC, "ours": OURS}, seeds=1) == 0
    results = results_of(tmp_path).set_index(["classifier", "remedy"])
    for classifier in ("linear", "ours"):
        assert (
            results.loc[(classifier, "half"), "rows_added"] == results.loc[(classifier, "together"), "rows_added"] > 0
        )
        assert results.loc[(classifier, "half"), "brier"] != results.loc[(classifier, "together"), "brier"]


@pytest.mark.parametrize(
    ("seeds", "folds", "most", "first"),
    [
        (None, 5, None, 2),
        (None, 10, None, 1),
        (None, 0, None, 10),
        (None, 20, None, 1),
        (3, 5, None, 3),
        (None, 5, 7, 1),
        (None, 0, 4, 4),
        (2, 5, 20, 2),
    ],
)
def test_ten_splits_come_first_unless_they_are_too_many(
    seeds: int | None, folds: int, most: int | None, first: int
) -> None:
    assert _first_seeds(seeds, folds, None if most is None else Until(most, None)) == first


def test_more_seeds_than_the_bound_allows() -> None:
    with pytest.raises(InputError, match="max_splits is 9, but 2 times 5 folds come first"):
        _first_seeds(2, 5, Until(9, None))


@pytest.mark.parametrize(("time", "seconds"), [(90, 90.0), ("90", 90.0), ("00:00:01:30", 90.0), (0.5, 0.5)])
def test_a_time_is_seconds_or_as_lightning_takes_it(time: float | str, seconds: float) -> None:
    assert _seconds(time) == seconds


def test_a_comparison_goes_on_until_it_is_decided(run: Run, tmp_path: Path, mixed_frame: pd.DataFrame) -> None:
    """A remedy that does nothing in a GAN's place makes no practical difference, whatever the splits."""
    twin = {"class_path": "gan_imbalance.comparison.controls.JitterOverSampler", "init_args": {"random_state": 1}}
    data = TabularDataModule(frame=mixed_frame, target="label", validation_fraction=0.2)
    remedies = [Remedy("one", twin), Remedy("other", twin, stated_role="gan")]
    options: dict[str, Any] = {"data": data, "remedies": remedies, "amounts": [1], "seeds": 1, "folds": 3}
    assert run(**options, until="decided", max_splits=6, practical_difference=0.9) == 0
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert answer["answers"][0]["mark"] == "equal"
    assert len(answer["looks"]) == 3
    assert run(**options, until="decided", max_splits=6, practical_difference=0.0) == 0
    assert len(json.loads((tmp_path / "answer.json").read_text())["looks"]) > 3
