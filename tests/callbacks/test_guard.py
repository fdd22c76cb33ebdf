from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from gan_imbalance.callbacks import FiniteLossGuard
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import GAN, BaseGAN
from gan_imbalance.losses import WassersteinLoss
from gan_imbalance.types import InputError

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
    with pytest.raises(InputError, match=r"Training diverged: .* by step 4\. .* good checkpoint is .*epoch=0\.ckpt"):
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
    with pytest.raises(InputError, match=r"by step 4\. .* last good checkpoint is .*step=3\.ckpt"):
        fit(gan, tiny_data(steps_per_epoch=20), **settings)
    assert [path.name for path in tmp_path.glob("*.ckpt")] == ["step=3.ckpt"]
    assert_finite(tmp_path / "step=3.ckpt")


def test_without_checkpoints_it_says_what_to_do(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    with pytest.raises(InputError, match=r"not finite by step 3\. Lower the learning rates") as caught:
        fit(tiny_gan(GAN, loss=Diverging(1)), tiny_data(steps_per_epoch=9), callbacks=[FiniteLossGuard(3)])
    assert "checkpoint" not in str(caught.value)


def test_the_last_steps_are_looked_at_too(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(GAN, loss=Diverging(3))
    with pytest.raises(InputError, match="Training diverged"):
        fit(gan, tiny_data(), callbacks=[FiniteLossGuard()], limit_val_batches=0)
