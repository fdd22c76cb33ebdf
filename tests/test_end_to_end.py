"""From a table to synthetic rows and a judged classifier, through the command alone."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from gan_imbalance import gans, generators
from gan_imbalance.data.split import Split
from gan_imbalance.gans import BaseGAN
from gan_imbalance.main import main
from gan_imbalance.synthesis import load_gan

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
# those of images choose their checkpoints by distances of features; those of series name networks for these
_OTHERS = ("val/fid_", "Temporal", "Recurrent")
GANS_OF_TABLES = sorted(
    path.stem for path in (CONFIGS / "gan").glob("*.yaml") if not any(part in path.read_text() for part in _OTHERS)
)
GANS = [name for name in (*gans.__all__, *generators.__all__) if not name.startswith("Base")]
SETTINGS = {"MinorityTransferGAN": ["--model.pretrain_epochs", "1"]}
MORE_EPOCHS = ("--trainer.max_epochs", "3")


def last_checkpoint(model: str, version: int = 0) -> Path:
    return Path("runs") / model / f"version_{version}" / "checkpoints" / "last.ckpt"


def steps_taken(checkpoint: Path) -> int:
    steps: int = torch.load(checkpoint, weights_only=True)["global_step"]
    return steps


def synthesized(checkpoint: Path, counts: dict[str, int], output: str, seed: int = 7) -> pd.DataFrame:
    """Return the rows that the command writes, as they are read back."""
    arguments = ("--ckpt_path", str(checkpoint), "--counts", json.dumps(counts), "--seed", str(seed))
    assert main(["synthesize", *arguments, "--output", output]) == 0
    return pd.read_parquet(output) if output.endswith(".parquet") else pd.read_csv(output)


def fit_resume_and_move(gan: str, fit: Sequence[str], resume: Sequence[str], empty: Path) -> Path:
    """Train, resume, and return the checkpoint after it was moved to a folder without the data."""
    fit = [*fit, "--model", gan, *SETTINGS.get(gan, [])]
    assert main(fit) == 0
    first = steps_taken(last_checkpoint(gan))
    assert main([*fit, *resume, "--ckpt_path", str(last_checkpoint(gan))]) == 0
    resumed = last_checkpoint(gan, version=1)
    assert steps_taken(resumed) == first * 3 // 2
    (empty / "elsewhere").mkdir()
    return Path(shutil.copy(resumed, empty / "elsewhere" / "gan.ckpt"))


def trained_labels(gan: BaseGAN) -> list[str]:
    return [str(gan.spec.classes[index]) for index in gan.trained_classes]


# -- GANs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GANS)
def test_a_gan_from_table_to_rows(
    name: str, workplace: Path, mixed_frame: pd.DataFrame, tiny_fit: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mixed_frame.to_csv("rows.csv", index=False)
    table = pd.read_csv("rows.csv")
    checkpoint = fit_resume_and_move(name, tiny_fit, MORE_EPOCHS, workplace)
    monkeypatch.chdir(checkpoint.parent)
    gan = load_gan(checkpoint.name)
    assert type(gan).__name__ == name
    assert not gan.training

    labels = trained_labels(gan)
    counts = {label: 17 + 4 * position for position, label in enumerate(labels)}
    rows = synthesized(checkpoint, counts, "out.parquet")
    assert list(rows.columns) == list(table.columns)
    assert rows.dtypes.to_dict() == table.dtypes.to_dict()
    assert rows["label"].value_counts().to_dict() == counts
    assert set(rows["colour"]) <= set(table["colour"])
    assert rows["amount"].between(table["amount"].min(), table["amount"].max()).all()
    assert (rows["source"] == "web").all()

    manifest = json.loads(Path("out.parquet.json").read_text())
    split = Split.load(workplace / "runs" / name / "version_1" / "split.json")
    assert manifest["gan"] == name
    assert manifest["counts"] == counts
    assert manifest["target"] == "label"
    assert manifest["seed"] == 7
    assert manifest["split_hash"] == split.hash
    assert manifest["checkpoint"]["path"] == checkpoint.name


@pytest.mark.parametrize("output", ["out.csv", "out.csv.gz", "deep/er/out.parquet"])
def test_every_format_holds_the_same_rows(output: str, workplace: Path, trained: dict[str, Path]) -> None:
    rows = synthesized(trained["gan"], {"yes": 30}, output)
    expected = synthesized(trained["gan"], {"yes": 30}, "expected.csv")
    pd.testing.assert_frame_equal(rows, expected, check_dtype=not output.endswith("parquet"))
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(rows, synthesized(trained["gan"], {"yes": 30}, "other.csv", seed=8))


def test_calibrated_rows_have_the_marginals_of_the_training_rows(workplace: Path, trained: dict[str, Path]) -> None:
    request = ("--ckpt_path", str(trained["gan"]), "--counts", '{"yes": 4000}', "--output", "out.csv")
    assert main(["synthesize", *request, "--calibrate", "true"]) == 0
    table = pd.read_csv(trained["rows"])
    train = table.iloc[Split.load(trained["gan"].parents[1] / "split.json").train]
    expected = train.loc[train["label"] == "yes", "amount"]
    assert np.isclose(pd.read_csv("out.csv")["amount"].median(), expected.median(), rtol=0.1)
    assert json.loads(Path("out.csv.json").read_text())["calibrated"]


def test_a_constant_column_is_no_mistake(workplace: Path, mixed_frame: pd.DataFrame, tiny_fit: list[str]) -> None:
    mixed_frame.assign(count=3, colour="red").to_csv("rows.csv", index=False)
    assert main([*tiny_fit, "--model", "WassersteinGAN"]) == 0
    rows = synthesized(last_checkpoint("WassersteinGAN"), {"yes": 5}, "out.csv")
    assert rows["count"].tolist() == [3] * 5
    assert rows["colour"].tolist() == ["red"] * 5


def test_a_trained_gan_is_validated(
    workplace: Path, trained: dict[str, Path], tiny_fit: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    arguments = ("--model", "WassersteinGAN", "--ckpt_path", str(trained["gan"]))
    assert main(["validate", *tiny_fit[1:], *arguments]) == 0
    assert "val/c2st" in capsys.readouterr().out


# -- classifiers ----------------------------------------------------------------------------------------------------


def test_a_classifier_on_mixed_batches(
    workplace: Path, trained: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(trained["rows"], "rows.csv")
    synthesized(trained["gan"], {"yes": 40}, "synthetic.csv")
    data = {
        "class_path": "MixedDataModule",
        "init_args": {
            "data": {
                "class_path": "TabularDataModule",
                "init_args": {"path": "rows.csv", "target": "label", "batch_size": 16, "steps_per_epoch": 3},
            },
            "synthetic": "synthetic.csv",
            "synthetic_share": 0.25,
        },
    }
    common = ["--model", "Classifier", "--data", json.dumps(data), "--trainer.accelerator", "cpu"]
    config = str(CONFIGS / "classifier" / "mlp.yaml")
    assert main(["fit", "--config", config, *common, "--trainer.max_epochs", "2"]) == 0
    run = Path("runs/Classifier")
    figures = pd.read_csv(run / "version_0" / "metrics.csv")
    assert figures["val/recall_yes"].between(0, 1).any()

    checkpoint = ("--ckpt_path", str(last_checkpoint("Classifier")))
    capsys.readouterr()
    assert main(["test", *common, *checkpoint]) == 0
    figures = pd.read_csv(run / "version_1" / "metrics.csv").iloc[0]
    for stage in ("test", "test/tuned"):
        for figure in ("recall_yes", "precision_yes", "pr_auc", "balanced_accuracy", "g_mean"):
            assert 0 <= figures[f"{stage}/{figure}"] <= 1

    assert main(["predict", *common, *checkpoint]) == 0
    predictions = pd.read_csv(run / "version_2" / "predictions.csv")
    assert predictions["row"].tolist() == Split.load(run / "version_0" / "split.json").test.tolist()
    assert list(predictions.columns) == ["row", "probability_no", "probability_yes"]
    assert np.allclose(predictions[["probability_no", "probability_yes"]].sum(axis=1), 1)
    assert "predictions.csv" in capsys.readouterr().out


# -- real data ------------------------------------------------------------------------------------------------------

REAL_TABLES = {
    "card_fraud": ("creditcard_sample.csv.gz", "Class"),
    "adult": ("adult_train.csv.gz", "income"),
}
FEW_STEPS = (
    *("--data.steps_per_epoch", "3"),
    *("--data.batch_size", "32"),
    *("--trainer.check_val_every_n_epoch", "1"),
    *("--trainer.accelerator", "cpu"),
    *("--trainer.enable_progress_bar", "false"),
    *("--fidelity.max_rows", "200"),
    *("--plots.max_rows", "200"),
)


@pytest.mark.slow
# every other one: that each trains, resumes and synthesizes is tested above, and that each configuration runs elsewhere
@pytest.mark.parametrize(("config", "table"), zip(GANS_OF_TABLES[::2], itertools.cycle(REAL_TABLES), strict=False))
def test_a_gan_on_real_data(
    table: str, config: str, workplace: Path, shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, target = REAL_TABLES[table]
    path = shared_data(file)
    settings = yaml.safe_load((CONFIGS / "gan" / f"{config}.yaml").read_text())["model"].get("init_args", {})
    # phases that would take longer than all of these few steps
    shorter = {name: value for name, value in {"pretrain_epochs": 1, "warmup_steps": 0}.items() if name in settings}
    short = [*FEW_STEPS, *(f"--model.{name}={value}" for name, value in shorter.items())]
    configs = [f"--config={CONFIGS / 'data' / table}.yaml", f"--config={CONFIGS / 'gan' / config}.yaml"]
    fit = ["fit", *configs, "--data.path", str(path), *short]
    assert main([*fit, "--trainer.max_epochs", "2"]) == 0
    (name,) = (folder.name for folder in Path("runs").iterdir())
    assert main([*fit, *MORE_EPOCHS, "--ckpt_path", str(last_checkpoint(name))]) == 0
    resumed = last_checkpoint(name, version=1)
    assert steps_taken(resumed) == steps_taken(last_checkpoint(name)) * 3 // 2

    (workplace / "elsewhere").mkdir()
    checkpoint = Path(shutil.copy(resumed, workplace / "elsewhere" / "gan.ckpt"))
    monkeypatch.chdir(checkpoint.parent)
    counts = dict.fromkeys(trained_labels(load_gan(checkpoint)), 50)
    rows = synthesized(checkpoint, counts, "rows.parquet")
    expected = pd.read_csv(path, na_values=["?"])
    assert list(rows.columns) == list(expected.columns)
    assert rows.dtypes.to_dict() == expected.dtypes.to_dict()
    assert rows[target].astype(str).value_counts().to_dict() == counts
