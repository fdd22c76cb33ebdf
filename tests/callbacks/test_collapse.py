from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from gan_imbalance.callbacks import CollapseMonitor
from gan_imbalance.data import ImageDataModule, TabularDataModule
from gan_imbalance.gans import GAN, BaseGAN
from gan_imbalance.metrics import CollapseWarning
from gan_imbalance.networks import DCGANDiscriminator, DCGANGenerator

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


class Recorder(Callback):
    def __init__(self) -> None:
        self.figures: list[dict[str, float]] = []

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.figures.append({name: float(value) for name, value in trainer.callback_metrics.items()})


class Stuck(GAN):
    """Samples one row until its time has come."""

    looks = 0
    stuck_for = 99

    def sample_conditions(self, conditions: Tensor, seed: int) -> Tensor:
        self.looks += 1
        rows, _ = self.trainer.datamodule.encoded("train", self.class_selection)  # type: ignore[attr-defined]
        chosen = torch.arange(len(conditions)) % len(rows)
        return rows[chosen * 0 if self.looks <= self.stuck_for else chosen]


def test_collapse_is_told_once_it_lasts(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    recorder = Recorder()
    callbacks: list[Any] = [CollapseMonitor(every_n_epochs=2, patience=2), recorder]
    with pytest.warns(CollapseWarning, match=r"By step 6: The generator repeats itself") as caught:
        fit(tiny_gan(Stuck), tiny_data(), max_epochs=9, callbacks=callbacks)
    assert len([one for one in caught if one.category is CollapseWarning and "repeats" in str(one.message)]) == 1
    # only every second validation looks, and the figures stand until the next
    assert recorder.figures[-1]["val/distinct"] < 0.1


def test_a_generator_that_recovers_is_not_told_of(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(Stuck)
    # validation itself samples once each time, too
    gan.stuck_for = 3
    recorder = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        fit(gan, tiny_data(), max_epochs=6, callbacks=[CollapseMonitor(1, patience=3), recorder])
    shares = [figures["val/distinct"] for figures in recorder.figures]
    assert shares[0] < 0.1
    assert shares[-1] == pytest.approx(1)
    assert recorder.figures[-1]["val/mode_coverage"] == 1


def test_it_goes_on_where_it_was(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    first, second = CollapseMonitor(patience=5), CollapseMonitor(patience=5)
    trainer = fit(tiny_gan(Stuck), tiny_data(), max_epochs=2, callbacks=[first])
    kept: dict[str, object] = {}
    again: dict[str, object] = {}
    first.on_save_checkpoint(trainer, trainer.lightning_module, kept)
    second.on_load_checkpoint(trainer, trainer.lightning_module, kept)
    second.on_save_checkpoint(trainer, trainer.lightning_module, again)
    assert kept == again == {"collapse": [2, 1]}


def test_images_that_are_all_alike_are_told_of(
    tiny_gan: MakeGAN, tiny_images: Callable[..., ImageDataModule], fit: Fit
) -> None:
    class StuckImages(GAN):
        def sample_conditions(self, conditions: Tensor, seed: int) -> Tensor:
            return torch.zeros(len(conditions), *self.spec.shape)

    recorder = Recorder()
    networks = {
        "generator": partial(DCGANGenerator, width=8),
        "discriminator": partial(DCGANDiscriminator, width=8),
    }
    with pytest.warns(CollapseWarning, match=r"of the synthetic images are distinct"):
        fit(tiny_gan(StuckImages, **networks), tiny_images(), callbacks=[CollapseMonitor(1, patience=2), recorder])
    assert recorder.figures[-1]["val/distinct"] < 0.1
