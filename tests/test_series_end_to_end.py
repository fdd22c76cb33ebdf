"""A user's own time series by the command line: trained on, and generated."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gan_imbalance import SeriesSet, TimeSeriesDataModule
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
