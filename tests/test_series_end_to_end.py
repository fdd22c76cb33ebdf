"""A user's own time series by the command line: trained on, and generated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_imbalance import SeriesSet, TimeSeriesDataModule, evaluate
from gan_imbalance.main import main

CHECKPOINT = "runs/{}/version_0/checkpoints/last.ckpt"


@pytest.mark.parametrize(
    ("gan", "networks"),
    [("MinorityTransferGAN", "Temporal"), ("ConditionalGAN", "Recurrent")],
)
def test_series_from_a_file_to_a_file(
    workplace: Path, gan: str, networks: str, capsys: pytest.CaptureFixture[str]
) -> None:
    X = np.random.default_rng(0).normal(size=(60, 9))
    text = ["\t".join([str(int(row % 4 == 0)), *map(str, values)]) for row, values in enumerate(X.round(3))]
    Path("train.tsv").write_text("\n".join(text[:50]))
    Path("test.tsv").write_text("\n".join(text[50:]))
    data = ("--data", "TimeSeriesDataModule", "--data.path", "train.tsv", "--data.test_path", "test.tsv")
    small = {"Temporal": "--model.{}.width=2", "Recurrent": "--model.{}.widths=[3]"}[networks]
    fit = [
        *("fit", "--model", gan, *data, "--data.steps_per_epoch", "2", "--data.batch_size", "8"),
        *("--data.validation_fraction", "0.2", "--trainer.accelerator", "cpu", "--trainer.max_epochs", "2"),
        *("--trainer.enable_progress_bar", "false", "--trainer.enable_model_summary", "false"),
        *("--model.generator", f"{networks}Generator", small.format("generator")),
        *("--model.discriminator", f"{networks}Discriminator", small.format("discriminator")),
        *("--checkpoint.monitor", "val/c2st"),
    ]
    phases = ["--model.pretrain_epochs", "1"] if gan == "MinorityTransferGAN" else []
    assert main([*fit, *phases]) == 0
    assert "The best checkpoint by val/c2st is" in capsys.readouterr().out
    path = CHECKPOINT.format(gan)
    request = ("synthesize", "--ckpt_path", path, "--counts", '{"1": 25}')
    assert main([*request, "--output", "made.npz"]) == 0
    assert "Wrote 25 series to made.npz" in capsys.readouterr().out
    made = SeriesSet.load("made.npz")
    assert (made.X.shape, made.classes) == ((25, 1, 9), (1,))
    manifest = json.loads(Path("made.npz.json").read_text())
    data_module = TimeSeriesDataModule(path="train.tsv", test_path="test.tsv", validation_fraction=0.2)
    assert (manifest["kind"], manifest["shape"], manifest["classes"]) == ("series", [1, 9], [0, 1])
    assert manifest["split_hash"] == data_module.split.hash
    assert main([*request, "--output", "made.csv"]) == 2
    assert "series are written as .npz; end its name in that." in capsys.readouterr().err
    assert main([*request, "--output", "more.npz", "--calibrate", "true"]) == 2
    assert "calibrate is not for series" in capsys.readouterr().err


QUIET = ("--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false")


def test_the_bundled_series_from_training_to_an_answer(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundled = ("--data", "TimeSeriesDataModule", "--data.bundled", "anomalous_sines")
    fit = [
        *("fit", "--config", "gan/wasserstein_gan_series", *bundled, "--model.classes", '["fault"]', *QUIET),
        *("--model.generator.width", "2", "--model.discriminator.width", "2", "--data.steps_per_epoch", "2"),
        *("--trainer.max_epochs", "1", "--trainer.check_val_every_n_epoch", "1", "--data.batch_size", "8"),
    ]
    assert main(fit) == 0
    request = ("--counts", '{"fault": 40}', "--output", "made.npz")
    assert main(["synthesize", "--ckpt_path", CHECKPOINT.format("WassersteinGAN"), *request]) == 0
    samples = TimeSeriesDataModule(bundled="anomalous_sines").samples
    assert isinstance(samples, SeriesSet)
    split = TimeSeriesDataModule(bundled="anomalous_sines").split
    for part, rows in (("train", split.train), ("test", split.test)):
        SeriesSet(samples.X[rows], samples.labels[rows], samples.classes).save(f"{part}.npz")
    capsys.readouterr()
    assert main(["evaluate", "--real", "train.npz", "--synthetic", "made.npz", "--holdout", "test.npz"]) == 0
    shown = capsys.readouterr().out
    assert "Discriminative score" in shown
    assert "synthetic series" in shown
    found = json.loads(Path("evaluation/evaluation.json").read_text())
    # flat lines against sines
    assert found["metrics"]["discriminative_score"] > 0.4
    assert found["metrics"]["log_spectral_distance"] > found["real_figures"]["log_spectral_distance"]
    assert found["files"]["synthetic"]["rows"] == 40
    page = Path("evaluation/evaluation.html").read_text()
    assert "are the synthetic series good, and private?" in page
    assert "<h2>Columns</h2>" not in page
    config = {
        "remedies": ["smote_dtw", "gan", "real_rows"],
        "classifiers": {
            "resnet1d": {
                "class_path": "gan_imbalance.classifiers.SeriesClassifier",
                "init_args": {"network": "gan_imbalance.networks.ResNet1D"},
            }
        },
    }
    Path("comparison.yaml").write_text(json.dumps(config))
    options = ("--data.keep", '{"fault": 12}', "--controls", "false", "--quick", "true")
    assert main(["compare", *bundled, "--config", "comparison.yaml", *options]) == 0
    results = pd.read_csv("runs/compare/quick/results.csv")
    assert results["remedy"].tolist() == ["nothing", "smote_dtw", "gan", "real_rows"]
    assert {"pr_auc", "recall_fault", "quality_discriminative_score", "quality_log_spectral_distance"} <= set(results)
    report = Path("runs/compare/quick/report.html").read_text()
    assert "600 of 64 steps, one channel" in report
    assert "t-SNE of real and synthetic minority samples" in report


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--synthetic", "made.csv"), "made.csv is no set of time series, as the others are"),
        (("--synthetic", "long.npz"), "The series of synthetic have 1 channel of 9 steps, but the real ones 1 channel"),
        (("--synthetic", "other.npz"), "No series of real is of a class that was generated (storm): name others by"),
        (("--synthetic", "real.npz", "--target", "y"), "target is 'y', but is for tables; leave it out to compare"),
        (("--synthetic", "real.npz", "--max_rows", "3"), "max_rows is 3; compare at least 10 rows."),
    ],
)
def test_series_that_cannot_be_evaluated_are_told_of_in_a_sentence(
    workplace: Path, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    X = np.random.default_rng(0).normal(size=(12, 1, 9)).astype(np.float32)
    labels = np.arange(12) % 2
    SeriesSet(X[..., :8], labels, ("calm", "windy")).save("real.npz")
    SeriesSet(X, labels, ("calm", "windy")).save("long.npz")
    SeriesSet(X[..., :8], 0 * labels, ("storm",)).save("other.npz")
    Path("made.csv").write_text("a,b\n1,2\n")
    assert main(["evaluate", "--real", "real.npz", *options]) == 2
    assert message in capsys.readouterr().err


def test_series_of_unequal_lengths_and_of_several_channels_are_evaluated(workplace: Path) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2, 12)).astype(np.float32)
    X[::3, :, 8:] = np.nan
    real, made = (SeriesSet(part, np.arange(30) % 2, (0, 1)) for part in (X[:30], X[30:]))
    found = evaluate(real, made, made, output=None)
    assert found.noun == "series"
    assert found.metrics.loc["exact_copies", "synthetic"] == 0
    assert found.metrics.loc["closest_record_share", "synthetic"] == 0
    assert evaluate(made, made, output="found").metrics.loc["exact_copies", "synthetic"] == 1
    assert Path("found/evaluation.html").exists()
