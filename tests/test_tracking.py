"""What a run leaves behind, read back from the files that Weights & Biases wrote offline."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import wandb

from docs._tools.recorded_runs import read_runs
from gan_imbalance.data.split import Split
from gan_imbalance.files import file_hash
from gan_imbalance.main import main
from gan_imbalance.tracking import start_run, use_artifact, wandb_mode


def identities(artifacts: list[Any], kind: str) -> set[tuple[str, str]]:
    """Return name and digest, by which Weights & Biases knows an artifact again."""
    return {(artifact.name, artifact.digest) for artifact in artifacts if artifact.type == kind}


def files_of(artifacts: list[Any], kind: str) -> list[set[str]]:
    return [{file.path for file in artifact.manifest.contents} for artifact in artifacts if artifact.type == kind]


@pytest.fixture
def offline(workplace: Path, mixed_frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a table and without an account."""
    mixed_frame.to_csv(workplace / "rows.csv", index=False)
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(workplace / "none"))
    return workplace


def test_fit_and_synthesize_are_recorded(offline: Path, tiny_fit: list[str]) -> None:
    log_often = ("--trainer.log_every_n_steps", "1")
    with_files = ("--upload_artifacts", "true")
    assert main([*tiny_fit, "--model", "ConditionalGAN", "--model.latent_dim", "7", *log_often, *with_files]) == 0
    (run,) = read_runs(offline / "runs")
    folder = offline / "runs" / "ConditionalGAN" / "version_0"
    assert run.settings["project"] == "gan_imbalance"
    assert run.config["latent_dim"] == 7
    assert run.config["data"]["init_args"]["path"] == "rows.csv"
    assert run.config["trainer"]["max_epochs"] == 2
    assert run.config["ema"] == {"decay": 0.99}
    assert run.config["split_hash"] == Split.load(folder / "split.json").hash
    assert run.config["versions"]["torch"]
    logged = set().union(*run.history)
    assert {"train/generator_loss", "train/discriminator_loss", "val/c2st", "val/earth_mover"} <= logged
    assert sum("val/c2st" in row for row in run.history) == 2
    assert 0 <= run.summary["val/c2st"] <= 1
    (plot,) = next(row["plots/columns/filenames"] for row in run.history if "plots/columns/_type" in row)
    assert list((offline / "runs" / "wandb").glob(f"offline-run-*/files/{plot}"))
    for artifact in run.made:
        (file,) = artifact.manifest.contents
        assert (folder / "checkpoints" / file.path).stat().st_size == file.size

    checkpoint = folder / "checkpoints" / "last.ckpt"
    request = ("--ckpt_path", str(checkpoint), "--counts", '{"yes": 5, "no": 2}', "--seed", "3")
    assert main(["synthesize", *request, "--output", "out/rows.csv", *with_files]) == 0
    (run,) = read_runs(offline / "out")
    assert run.settings["job_type"] == "synthesize"
    assert run.config["counts"] == {"yes": 5, "no": 2}
    assert run.config["seed"] == 3
    assert run.config["split_hash"] == Split.load(folder / "split.json").hash
    assert run.config["checkpoint"] == {"path": checkpoint.name, "hash": file_hash(checkpoint)}
    assert (run.summary["rows/yes"], run.summary["rows/no"]) == (5, 2)
    assert files_of(run.made, "synthetic-set") == [{"rows.csv", "rows.csv.json"}]


def test_everything_that_a_fit_logs_is_drawn_over_generator_steps(offline: Path, tiny_fit: list[str]) -> None:
    options = ("--trainer.log_every_n_steps", "1", "--plots.every_n_epochs", "1", "--model.discriminator_steps", "3")
    assert main([*tiny_fit, "--model", "GAN", *options]) == 0
    (run,) = read_runs(offline / "runs")
    assert run.axes["*"] == "trainer/global_step"
    for prefix in ("train/", "val/", "plots/"):
        steps = [row["trainer/global_step"] for row in run.history if any(name.startswith(prefix) for name in row)]
        assert steps == sorted(steps)
        # two epochs of two steps, however many of the discriminator
        assert 2 <= len(steps) <= 4
        assert max(steps) in (3, 4)


def test_artifacts_lead_from_the_data_to_a_classifier(offline: Path, tiny_fit: list[str]) -> None:
    assert main([*tiny_fit, "--model", "GAN"]) == 0
    folder = offline / "runs" / "GAN" / "version_0"
    request = ("--counts", '{"yes": 5}', "--output", "out/rows.csv")
    assert main(["synthesize", "--ckpt_path", str(folder / "checkpoints" / "last.ckpt"), *request]) == 0
    real = {"class_path": "TabularDataModule", "init_args": {"path": "rows.csv", "target": "label"}}
    mixed = {"class_path": "MixedDataModule", "init_args": {"data": real, "synthetic": "out/rows.csv"}}
    trainer = [option for option in tiny_fit if "data" not in option][: tiny_fit.index("--data")]
    assert main([*trainer, "--data", json.dumps(mixed), "--model", "Classifier"]) == 0
    gan, classifier = read_runs(offline / "runs")
    (synthesis,) = read_runs(offline / "out")

    (dataset,) = gan.used
    assert (dataset.type, files_of(gan.used, "dataset")) == ("dataset", [set()])
    split, known = Split.load(folder / "split.json"), json.loads(dataset.metadata)
    assert dataset.name == f"dataset-{known.pop('table_hash')}-{split.hash}"
    parts = {part: len(split.rows(part)) for part in ("train", "validation", "test", "reserve")}
    assert known == {"split_hash": split.hash, "rows": parts, "classes": ["no", "yes"]}
    # whichever of them is taken up
    assert files_of(gan.made, "model") == [set(), set()]
    assert len(synthesis.used) == len(classifier.used) == 1
    assert identities(synthesis.used, "model") <= identities(gan.made, "model")
    assert identities(classifier.used, "synthetic-set") == identities(synthesis.made, "synthetic-set")
    assert files_of(classifier.made, "model")


@pytest.mark.parametrize("runs_of", ["one", "cells"])
def test_no_row_and_no_weight_is_uploaded_unless_asked_for(offline: Path, tiny_fit: list[str], runs_of: str) -> None:
    assert main([*tiny_fit, "--model", "GAN"]) == 0
    checkpoint = str(offline / "runs" / "GAN" / "version_0" / "checkpoints" / "last.ckpt")
    request = ("--counts", '{"yes": 5}', "--output", "out/rows.csv")
    assert main(["synthesize", "--ckpt_path", checkpoint, *request]) == 0
    what = ("--remedies", "[nothing, gan]", "--classifiers", _LOGISTIC_REGRESSION, "--gan_steps", "2")
    data = ("--data.path", "rows.csv", "--data.target", "label", "--data.validation_fraction", "0.2")
    rest = ("--seeds", "1", "--folds", "0", "--controls", "false", "--wandb_runs", runs_of, "--output", "runs/mine")
    assert main(["compare", *data, *what, *rest]) == 0
    runs = [run for folder in ("runs", "out", "runs/mine") for run in read_runs(offline / folder)]
    apart = {"cell", "resample"} if runs_of == "cells" else set()
    assert {run.settings.get("job_type") for run in runs} - {None} == {"synthesize", "comparison", *apart}
    sent = {file.path for run in runs for one in (*run.made, *run.used) for file in one.manifest.contents}
    tables = {"cells.table.json", "remedies.table.json"}
    assert sent == {"answer.json", "results.csv", "summary.csv", "report.html", *tables}


def test_a_classifier_of_real_rows_is_made_from_the_data_set(offline: Path, tiny_fit: list[str]) -> None:
    for model in ("Classifier", "GAN"):
        assert main([*tiny_fit, "--model", model]) == 0
    classifier, gan = read_runs(offline / "runs")
    assert identities(classifier.used, "dataset") == identities(gan.used, "dataset") != set()


def test_artifacts_of_a_comparison_lead_from_the_data_to_the_results(offline: Path, tiny_fit: list[str]) -> None:
    assert main([*tiny_fit, "--model", "GAN", "--data.validation_fraction", "0.2"]) == 0
    (fit,) = read_runs(offline / "runs")
    data = ("--data.path", "rows.csv", "--data.target", "label", "--data.validation_fraction", "0.2")
    what = ("--remedies", "[nothing, smote, gan]", "--classifiers", _LOGISTIC_REGRESSION, "--gan_steps", "2")
    rest = ("--seeds", "1", "--folds", "0", "--controls", "false", "--output", "runs/mine")
    assert main(["compare", *data, *what, *rest, "--upload_artifacts", "true", "--wandb_runs", "cells"]) == 0
    runs = read_runs(offline / "runs" / "mine")
    cells = {run.config["remedy"]: run for run in runs if run.settings["job_type"] == "cell"}
    made = {run.config["remedy"]: run for run in runs if run.settings["job_type"] == "resample"}
    assert (set(cells), set(made)) == ({"nothing", "smote", "gan"}, {"smote", "gan"})
    # the same table and split are the same artifact wherever they are used
    dataset = identities(fit.used, "dataset")
    assert len(dataset) == 1
    for run in (*made.values(), cells["nothing"]):
        assert identities(run.used, "dataset") == dataset
        assert run.settings["run_group"] == "mine"
        assert run.config["split_hash"] == fit.config["split_hash"]
    for remedy, run in made.items():
        assert len(identities(run.made, "synthetic-set")) == 1
        assert identities(cells[remedy].used, "synthetic-set") == identities(run.made, "synthetic-set")
        assert run.summary["seconds/resample"] >= 0
    assert [len(run.made) for run in (made["smote"], made["gan"])] == [1, 2]
    ((checkpoint,),) = files_of(made["gan"].made, "model")
    assert (offline / "runs" / "mine" / "synthetic" / checkpoint).is_file()
    for run in cells.values():
        assert len(run.used) == 1
        ((first, second),) = files_of(run.made, "result")
        assert {Path(first).suffix, Path(second).suffix} == {".json", ".parquet"}
        assert (offline / "runs" / "mine" / "cells" / first).is_file()


def test_runs_of_one_process_are_recorded_apart(offline: Path, tiny_fit: list[str]) -> None:
    for latent_dim in ("5", "6"):
        assert main([*tiny_fit, "--model", "GAN", "--model.latent_dim", latent_dim]) == 0
    assert [run.config["latent_dim"] for run in read_runs(offline / "runs")] == [5, 6]
    assert (offline / "runs" / "GAN" / "version_1" / "config.yaml").is_file()


def test_a_comparison_is_recorded(offline: Path) -> None:
    data = ("--data.path", "rows.csv", "--data.target", "label")
    what = (
        "--remedies",
        "[nothing, random_over]",
        "--classifiers",
        _LOGISTIC_REGRESSION,
        "--seeds",
        "2",
        "--folds",
        "0",
    )
    folder = offline / "runs" / "mine"
    rest = ("--controls", "false", "--output", str(folder))
    assert main(["compare", *data, *what, *rest]) == 0
    (run,) = read_runs(folder)
    assert (run.settings["job_type"], run.settings["display_name"]) == ("comparison", "mine")
    assert run.config["metric"] == "pr_auc"
    assert files_of(run.made, "report") == [{"answer.json", "report.html", "results.csv", "summary.csv"}]
    results = pd.read_csv(folder / "results.csv")
    validation = results[results["remedy"] == "nothing"]["validation_pr_auc"].mean()
    assert run.summary["validation_pr_auc/nothing"] == pytest.approx(validation)
    logged = {name: value for row in run.history for name, value in row.items()}
    assert {name.split("/")[0] for name in logged if name.endswith("/_type")} > {"cells", "remedies"}
    (recorded,) = folder.glob("wandb/offline-run-*/files")
    table = json.loads((recorded / logged["cells/path"]).read_text())
    assert [dict(zip(table["columns"], row, strict=True))["pr_auc"] for row in table["data"]] == pytest.approx(
        results["pr_auc"].tolist()
    )
    plots = {path.stem for path in (folder / "plots").glob("*.png")}
    assert {name for name in plots if (recorded / logged[f"{name}/path"]).is_file()} == plots != set()


def test_a_comparison_is_recorded_cell_by_cell_on_request(offline: Path) -> None:
    data = ("--data.path", "rows.csv", "--data.target", "label", "--classifiers", _LOGISTIC_REGRESSION)
    what = ("--remedies", "[nothing, random_over]", "--seeds", "2", "--folds", "0", "--controls", "false")
    assert main(["compare", *data, *what, "--wandb_runs", "cells", "--output", "runs/mine"]) == 0
    runs = read_runs(offline / "runs" / "mine")
    kinds = [run.settings["job_type"] for run in runs]
    assert {kind: kinds.count(kind) for kind in kinds} == {"cell": 4, "resample": 2, "comparison": 1}
    assert {run.settings["run_group"] for run in runs} == {"mine"}
    for cell in (run for run in runs if run.settings["job_type"] == "cell"):
        assert 0 <= cell.summary["test/pr_auc"] <= 1
        split = Split.load(offline / "runs" / "mine" / "splits" / f"seed-{cell.config['seed']}.json")
        assert cell.config["split_hash"] == split.hash


_LOGISTIC_REGRESSION = '{"logistic_regression": {"class_path": "sklearn.linear_model.LogisticRegression"}}'


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "offline"),
        ({"WANDB_API_KEY": "key"}, "online"),
        ({"WANDB_MODE": "disabled", "WANDB_API_KEY": "key"}, "disabled"),
        ({"WANDB_MODE": "online"}, "online"),
        ({"WANDB_MODE": "nonsense"}, "offline"),
        ({"NETRC": "accounts"}, "online"),
        ({"NETRC": "broken"}, "offline"),
    ],
)
def test_mode(offline: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    (offline / "accounts").write_text("machine api.wandb.ai login user password key\n")
    (offline / "broken").write_text("machine\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wandb_mode() == expected


def test_a_later_wandb_costs_the_origin_of_offline_runs_and_no_run() -> None:
    run, artifact = SimpleNamespace(offline=True), SimpleNamespace(name="dataset-abc")
    with pytest.warns(UserWarning, match=r"cannot say offline that a run was made from dataset-abc"):
        use_artifact(run, artifact)
    run._log_artifact = lambda artifact: None
    with pytest.warns(UserWarning, match=r"cannot say offline"):
        use_artifact(run, artifact)


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_tells_whether_it_failed(offline: Path, monkeypatch: pytest.MonkeyPatch, fails: bool) -> None:
    codes: list[int] = []
    finish = wandb.finish
    monkeypatch.setattr(wandb, "finish", lambda code: (codes.append(code), finish(code)))
    with suppress(KeyError), start_run(offline):
        if fails:
            raise KeyError
    assert codes == [int(fails)]
    assert wandb.run is None
