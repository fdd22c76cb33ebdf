from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import yaml
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, WandbLogger

from gan_imbalance.callbacks import RunRecord
from gan_imbalance.data import TabularDataModule
from gan_imbalance.data.split import Split
from gan_imbalance.files import atomic_path
from gan_imbalance.gans import GAN, BaseGAN

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


def test_a_run_keeps_its_split_and_what_made_it(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    data, logger = tiny_data(), CSVLogger(tmp_path, name="GAN", version=0)
    fit(tiny_gan(GAN), data, callbacks=[RunRecord()], logger=logger, enable_checkpointing=True)
    folder = tmp_path / "GAN" / "version_0"
    assert Split.load(folder / "split.json").hash == data.split.hash
    assert list((folder / "checkpoints").glob("*.ckpt"))
    logged = yaml.safe_load((folder / "hparams.yaml").read_text())
    assert logged["split_hash"] == data.split.hash
    assert "torch" in logged["versions"]
    assert "git_revision" in logged
    assert logged["latent_dim"] == 4


def test_what_a_killed_run_was_writing_is_removed_by_the_next(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "GAN" / "version_0" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / ".partial-last.abc.ckpt").touch()
    (checkpoints / "last.ckpt").touch()
    with atomic_path(tmp_path / "GAN" / "version_0" / "curves.png") as living:
        fit(tiny_gan(GAN), tiny_data(), callbacks=[RunRecord()], logger=CSVLogger(tmp_path, name="GAN", version=1))
        assert living.exists()
    assert [path.name for path in checkpoints.iterdir()] == ["last.ckpt"]


def test_without_a_logger_nothing_is_written(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    fit(tiny_gan(GAN), tiny_data(), callbacks=[RunRecord()])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("monitored", [True, False])
def test_the_best_checkpoint_or_else_the_last_becomes_an_artifact(
    monitored: bool,
    tiny_gan: MakeGAN,
    tiny_data: MakeData,
    fit: Fit,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artifacts: list[tuple[str, str]] = []

    class Run:
        config: Any = type("Config", (), {"update": lambda *args, **kwargs: None})()

        def log_artifact(self, artifact: Any) -> None:
            artifacts.extend((file, artifact.type) for file in artifact.manifest.entries)

        def __getattr__(self, name: str) -> Any:
            return lambda *args, **kwargs: None

    monkeypatch.setattr(WandbLogger, "experiment", Run())
    keep = ModelCheckpoint(tmp_path, "{epoch}", save_top_k=1 if monitored else 0, save_last=True)
    settings = {"callbacks": [RunRecord(upload_artifacts=True), keep], "enable_checkpointing": True}
    logger = WandbLogger(save_dir=tmp_path, mode="disabled", version="x")
    fit(tiny_gan(GAN), tiny_data(), logger=logger, **settings)
    assert artifacts == [("epoch=1.ckpt" if monitored else "last.ckpt", "model")]
