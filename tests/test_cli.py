"""What the command line adds to Lightning's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
import yaml
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from pytorch_lightning.strategies import DDPStrategy

from gan_imbalance.cli import _without_requeueing
from gan_imbalance.main import main


@pytest.fixture
def rows(workplace: Path, mixed_frame: pd.DataFrame) -> Path:
    mixed_frame.to_csv(workplace / "rows.csv", index=False)
    return workplace


def checkpoint(run: str, name: str = "last") -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(f"runs/{run}/checkpoints/{name}.ckpt", weights_only=True)
    return loaded


def assert_equal_weights(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first["state_dict"].keys() == second["state_dict"].keys()
    assert all(torch.equal(tensor, second["state_dict"][name]) for name, tensor in first["state_dict"].items())


def test_a_runs_own_configuration_makes_it_again(rows: Path, tiny_fit: list[str]) -> None:
    assert main([*tiny_fit, "--model", "ConditionalGAN", "--model.latent_dim", "5", "--ema.decay", "0.5"]) == 0
    saved = Path("runs/ConditionalGAN/version_0/config.yaml")
    assert yaml.safe_load(saved.read_text())["ema"] == {"decay": 0.5}
    assert main(["fit", "--config", str(saved)]) == 0
    assert_equal_weights(checkpoint("ConditionalGAN/version_0"), checkpoint("ConditionalGAN/version_1"))


def test_resuming_in_the_middle_ends_where_one_run_does(rows: Path, tiny_fit: list[str]) -> None:
    gan = ("--model", "WassersteinGAN")
    assert main([*tiny_fit, *gan, "--trainer.max_epochs", "3"]) == 0
    assert main([*tiny_fit, *gan, "--trainer.max_epochs", "1"]) == 0
    resumed = ("--ckpt_path", "runs/WassersteinGAN/version_1/checkpoints/last.ckpt")
    assert main([*tiny_fit, *gan, "--trainer.max_epochs", "3", *resumed]) == 0
    assert_equal_weights(checkpoint("WassersteinGAN/version_0"), checkpoint("WassersteinGAN/version_2"))


def test_what_the_user_says_holds_and_not_what_the_checkpoint_was_trained_with(rows: Path, tiny_fit: list[str]) -> None:
    gan = ("--model", "GAN", "--model.discriminator_steps")
    assert main([*tiny_fit, *gan, "2", "--trainer.max_epochs", "1"]) == 0
    path = "runs/GAN/version_0/checkpoints/last.ckpt"
    assert main([*tiny_fit, *gan, "3", "--ckpt_path", path]) == 0
    said = yaml.safe_load(Path("runs/GAN/version_1/config.yaml").read_text())
    assert (said["model"]["init_args"]["discriminator_steps"], said["ckpt_path"]) == (3, path)
    assert checkpoint("GAN/version_1")["hyper_parameters"]["discriminator_steps"] == 3


def test_one_command_starts_a_run_and_goes_on_with_it(rows: Path, tiny_fit: list[str]) -> None:
    command = [*tiny_fit, "--model", "GAN", "--checkpoint.dirpath", "kept", "--ckpt_path", "last"]
    for epochs in (1, 3):
        assert main([*command, "--trainer.max_epochs", str(epochs)]) == 0
        assert torch.load("kept/last.ckpt", weights_only=True)["epoch"] == epochs - 1
    steps = pd.read_csv("runs/GAN/version_1/metrics.csv")["step"]
    assert steps.min() >= 2


SIGNALS = """
import signal
from pathlib import Path

from pytorch_lightning import Callback


class Signals(Callback):
    def on_train_start(self, trainer, pl_module):
        Path("handler").write_text(str(signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL))
"""


@pytest.fixture
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work as a task of a job of SLURM."""
    job = {"NTASKS": "1", "JOB_NAME": "train", "JOB_ID": "1", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    for name, value in {**job, "NODELIST": "localhost"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)


def test_under_slurm_no_signal_makes_a_process_save_in_the_middle_of_a_step(
    in_a_job: None, rows: Path, tiny_fit: list[str]
) -> None:
    Path("signals.py").write_text(SIGNALS)
    assert main([*tiny_fit, "--model", "GAN", "--trainer.callbacks+=signals.Signals"]) == 0
    assert Path("handler").read_text() == "True"


@pytest.mark.parametrize("place", ["nowhere", "plugins", "strategy"])
def test_wherever_slurms_environment_is_stated_it_puts_nothing_into_the_queue_again(place: str, in_a_job: None) -> None:
    stated = None if place == "nowhere" else SLURMEnvironment()
    strategy = DDPStrategy(cluster_environment=stated if place == "strategy" else None)
    plugins = _without_requeueing(stated if place == "plugins" else None, strategy)
    (environment,) = [*plugins, *([stated] if place == "strategy" else [])]
    assert isinstance(environment, SLURMEnvironment)
    assert stated in (None, environment)
    assert environment.auto_requeue is False


def test_outside_a_job_and_under_torchrun_the_trainer_finds_its_environment_itself(
    in_a_job: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(_without_requeueing(None, "auto")) == 1
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    assert _without_requeueing(None, "auto") == []
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    monkeypatch.delenv("SLURM_NTASKS")
    assert _without_requeueing(None, "auto") == []


def test_the_last_checkpoint_is_the_last_and_the_best_one_is_kept_beside_it(rows: Path, tiny_fit: list[str]) -> None:
    epochs = 4
    best = ("--checkpoint.monitor", "val/c2st", "--checkpoint.mode", "min")
    assert main([*tiny_fit, "--model", "GAN", "--trainer.max_epochs", str(epochs), *best]) == 0
    assert checkpoint("GAN/version_0")["epoch"] == epochs - 1
    figures = pd.read_csv("runs/GAN/version_0/metrics.csv").groupby("epoch")["val/c2st"].max()
    assert sorted(path.name for path in Path("runs/GAN/version_0/checkpoints").iterdir()) == [
        f"epoch_{figures.idxmin():05d}.ckpt",
        "last.ckpt",
    ]


def test_steps_of_the_discriminator_alone_are_kept_too(
    rows: Path, tiny_fit: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*tiny_fit, "--model", "GAN", "--model.warmup_steps", "99", "--trainer.limit_val_batches", "0"]) == 0
    assert checkpoint("GAN/version_0")["epoch"] == 1
    last = "runs/GAN/version_0/checkpoints/last.ckpt"
    assert capsys.readouterr().out.splitlines()[-1] == f"The last checkpoint is {last}"
    assert main([*tiny_fit, "--model", "GAN", "--ckpt_path", last]) == 0
    assert capsys.readouterr().out.startswith("Nothing was trained, so there is no new checkpoint")


def test_a_run_keeps_all_that_belongs_to_it(rows: Path, tiny_fit: list[str]) -> None:
    assert main([*tiny_fit, "--model", "GAN"]) == 0
    kept = {str(path.relative_to("runs/GAN/version_0")) for path in Path("runs/GAN/version_0").rglob("*.*")}
    assert {"config.yaml", "split.json", "metrics.csv", "checkpoints/last.ckpt"} <= kept
    assert any(path.startswith("plots/") for path in kept)


def test_a_classifier_has_no_callbacks_of_a_gan(rows: Path, tiny_fit: list[str]) -> None:
    assert main([*tiny_fit, "--model", "Classifier"]) == 0
    assert "generator_ema" not in checkpoint("Classifier/version_0")
    assert not Path("runs/Classifier/version_0/plots").exists()
    assert main([*tiny_fit, "--model", "GAN"]) == 0
    assert "generator_ema" in checkpoint("GAN/version_0")


def test_a_gan_has_the_callbacks_of_its_data(rows: Path, tiny_fit: list[str]) -> None:
    short = ("--trainer.max_epochs", "1", "--trainer.accelerator", "cpu", "--data.steps_per_epoch", "1")
    images = ("--data", "DigitsDataModule", "--data.only", "[0, 1]", *short, "--image_distances.classifier_steps", "5")
    assert main([*tiny_fit, "--model", "GAN"]) == 0
    assert main(["fit", "--model", "GAN", *images, "--checkpoint.monitor", "val/fid_classifier"]) == 0
    table, image = (Path(f"runs/GAN/version_{run}") for run in (0, 1))
    assert {folder.name for run in (table, image) for folder in run.iterdir() if folder.is_dir()} == {
        "checkpoints",
        "plots",
        "images",
    }
    assert list((table / "plots").iterdir())
    assert [path.name for path in (image / "images").iterdir()] == ["step_0000001.png"]
    assert [run for run in (table, image) if (run / "samples.html").exists()] == [image]
    figures = {run: set(pd.read_csv(run / "metrics.csv").columns) for run in (table, image)}
    shared = {"epoch", "step", "val/earth_mover", "val/fake_catch_rate", "val/distinct", "val/mode_coverage"}
    assert shared == figures[table] & figures[image]
    assert figures[table] - shared == {"val/c2st"}
    assert {name.removesuffix("_classifier") for name in figures[image] - shared} == {
        *("val/fid", "val/kid", "val/precision", "val/recall"),
    }


def test_callbacks_and_loggers_of_ones_own(rows: Path, tiny_fit: list[str]) -> None:
    settings = '{"monitor": "val/c2st", "patience": 0, "stopping_threshold": 1}'
    stop = f'[{{"class_path": "EarlyStopping", "init_args": {settings}}}]'
    logger = '{"class_path": "CSVLogger", "init_args": {"save_dir": "mine", "name": "gan"}}'
    own = ("--trainer.callbacks", stop, "--trainer.logger", logger, "--trainer.max_epochs", "9")
    assert main([*tiny_fit, "--model", "GAN", *own]) == 0
    assert not Path("runs").exists()
    last = torch.load("mine/gan/version_0/checkpoints/last.ckpt", weights_only=True)
    assert last["epoch"] < 8


def test_a_rehearsal_leaves_nothing(rows: Path, tiny_fit: list[str]) -> None:
    assert main([*tiny_fit, "--model", "GAN", "--trainer.fast_dev_run", "1"]) == 0
    assert [path.name for path in rows.iterdir()] == ["rows.csv"]


def test_an_empty_test_part_has_nothing_to_predict(
    rows: Path, tiny_fit: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("--model", "Classifier", "--data.test_fraction", "0")
    assert main([*tiny_fit, *model]) == 0
    trained = ("--ckpt_path", "runs/Classifier/version_0/checkpoints/last.ckpt")
    assert main(["predict", *tiny_fit[1:], *model, *trained]) == 2
    assert "The test part is empty, so there is nothing to predict: raise test_fraction." in capsys.readouterr().err
