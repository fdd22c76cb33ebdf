from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from gan_imbalance.callbacks import FiniteLossGuard, TrainingDiverged
from gan_imbalance.classifiers import Classifier
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import GAN, BaseGAN
from gan_imbalance.losses import WassersteinLoss
from gan_imbalance.main import main

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


class Diverging(WassersteinLoss):
    """After some generator steps the loss is not a number, or only its slope is."""

    def __init__(self, good_steps: int, slope_only: bool = False) -> None:
        super().__init__()
        self.good_steps = good_steps
        self.slope_only = slope_only
        self.steps = 0

    def generator_loss(self, fake: Tensor) -> Tensor:
        self.steps += 1
        loss = super().generator_loss(fake)
        if self.steps <= self.good_steps:
            return loss
        return loss + (loss - loss).abs().sqrt() if self.slope_only else loss * torch.nan


def told(step: int, slope_only: bool) -> str:
    if slope_only:
        return rf"the generator's weights are not finite after step {step}\."
    return rf"the generator loss of step {step} is not finite\."


class Injection(pl.Callback):
    """At one step, a number that is not finite in the batch, or in the gradient of a network."""

    def __init__(self, step: int, place: str, value: float) -> None:
        self.step = step
        self.place = place
        self.value = value

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 != self.step:
            return
        if self.place == "batch":
            batch[0].flatten()[0] = self.value
        else:
            for one in getattr(pl_module, self.place).parameters():
                one.register_hook(lambda gradient: gradient * self.value)


def assert_finite(path: Path) -> None:
    weights = torch.load(path, weights_only=True)["state_dict"].values()
    assert all(bool(weight.isfinite().all()) for weight in weights)


def test_training_that_stays_finite_goes_on(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    assert fit(tiny_gan(GAN), tiny_data(), callbacks=[FiniteLossGuard(1)]).global_step == 4


@pytest.mark.parametrize("slope_only", [False, True])
@pytest.mark.parametrize("at_validation", [True, False])
@pytest.mark.parametrize("good_steps", [2, 3])
def test_the_last_good_checkpoint_is_kept_and_named(
    slope_only: bool,
    at_validation: bool,
    good_steps: int,
    tiny_gan: MakeGAN,
    tiny_data: MakeData,
    fit: Fit,
    tmp_path: Path,
) -> None:
    keep = ModelCheckpoint(tmp_path, "{epoch}", save_last=True, save_on_train_epoch_end=not at_validation)
    callbacks: list[Any] = [FiniteLossGuard(), keep]
    gan = tiny_gan(GAN, loss=Diverging(good_steps, slope_only))
    said = told(good_steps + 1, slope_only) + r".* good checkpoint is .*epoch=0\.ckpt"
    with pytest.raises(TrainingDiverged, match=said):
        fit(gan, tiny_data(), max_epochs=5, callbacks=callbacks, enable_checkpointing=True)
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == ["epoch=0.ckpt", "last.ckpt"]
    assert_finite(tmp_path / "epoch=0.ckpt")
    assert_finite(tmp_path / "last.ckpt")


@pytest.mark.parametrize("slope_only", [False, True])
def test_a_checkpoint_between_epochs_is_guarded_too(
    slope_only: bool, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    keep = ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=1)
    gan = tiny_gan(GAN, loss=Diverging(3, slope_only))
    settings = {"callbacks": [FiniteLossGuard(), keep], "enable_checkpointing": True}
    with pytest.raises(TrainingDiverged, match=told(4, slope_only) + r".* last good checkpoint is .*step=3\.ckpt"):
        fit(gan, tiny_data(steps_per_epoch=20), **settings)
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["step=3.ckpt"]
    assert_finite(tmp_path / "step=3.ckpt")


def test_without_checkpoints_it_says_what_to_do(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    with pytest.raises(TrainingDiverged, match=r"of step 2 is not finite\. Lower the learning rates") as caught:
        fit(tiny_gan(GAN, loss=Diverging(1)), tiny_data(steps_per_epoch=9), callbacks=[FiniteLossGuard(3)])
    assert "checkpoint" not in str(caught.value)


def test_the_last_steps_are_looked_at_too(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(GAN, loss=Diverging(3))
    with pytest.raises(TrainingDiverged, match=told(4, slope_only=False)):
        fit(gan, tiny_data(), callbacks=[FiniteLossGuard()], limit_val_batches=0)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("place", ["batch", "discriminator", "generator"])
def test_step_and_network_are_named(
    place: str, value: float, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    keep = ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=2)
    callbacks = [Injection(7, place, value), FiniteLossGuard(20), keep]
    network = "generator" if place == "generator" else "discriminator"
    with pytest.raises(TrainingDiverged, match=rf"{network}('s weights| loss) .*step 7\b.*step=6\.ckpt"):
        fit(tiny_gan(GAN), tiny_data(steps_per_epoch=20), callbacks=callbacks, enable_checkpointing=True)
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["step=6.ckpt"]
    assert_finite(tmp_path / "step=6.ckpt")


def test_a_classifier_is_guarded_too(tiny_data: MakeData, fit: Fit) -> None:
    with pytest.raises(TrainingDiverged, match=r"loss of step 3 is not finite"):
        fit(Classifier(), tiny_data(steps_per_epoch=9), callbacks=[Injection(3, "batch", torch.nan), FiniteLossGuard()])


@pytest.mark.parametrize("network", ["generator", "discriminator"])
@pytest.mark.parametrize("gan", ["GAN", "ConditionalWassersteinGAN", "ConditionalTabularGAN"])
def test_the_command_ends_with_1(
    gan: str,
    network: str,
    workplace: Path,
    trained: dict[str, Path],
    tiny_fit: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Weights that grow wild may leave every loss finite."""
    shutil.copy(trained["rows"], "rows.csv")
    optimizer = f"--model.{network}_optimizer"
    rate = [optimizer, "torch.optim.Adam", f"{optimizer}.lr", "1000"]
    assert main([*tiny_fit, "--model", gan, *rate, "--data.steps_per_epoch", "50"]) == 1
    assert f"Training diverged: the {network}'s weights are " in capsys.readouterr().err.splitlines()[-1]
    assert not [*workplace.rglob("*.ckpt")]
