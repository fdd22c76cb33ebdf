from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from gan_imbalance.callbacks import GeneratorEMA
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import GAN, BaseGAN, MinorityTransferGAN
from gan_imbalance.networks import DenseGenerator
from gan_imbalance.synthesis import load_gan
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]
Weights = dict[str, Tensor]


class Recorder(Callback):
    """Keeps the generator's weights at every step and at every validation."""

    def __init__(self) -> None:
        self.raw: list[Weights] = []
        self.validated: list[Weights] = []
        self.stepped_from: list[Weights] = []

    def on_train_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.raw.append(copy(gan))

    def on_train_batch_start(self, trainer: pl.Trainer, gan: BaseGAN, *args: Any) -> None:
        self.stepped_from.append(copy(gan))

    def on_train_batch_end(self, trainer: pl.Trainer, gan: BaseGAN, *args: Any) -> None:
        self.raw.append(copy(gan))

    def on_validation_epoch_end(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.validated.append(copy(gan))


def copy(gan: BaseGAN) -> Weights:
    return {name: tensor.clone() for name, tensor in gan.generator.state_dict().items()}


def averages(raw: list[Weights], decay: float) -> list[Weights]:
    """Return the average after every step, by the formula."""
    average = raw[0]
    history = [average]
    for step, weights in enumerate(raw[1:], start=1):
        kept = min(decay, (1 + step) / (10 + step))
        average = {name: kept * average[name] + (1 - kept) * weights[name] for name in weights}
        history.append(average)
    return history


@pytest.mark.parametrize("decay", [0.0, 0.2, 0.99])
def test_the_average_is_validated_saved_and_left_at_the_end(
    decay: float, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    recorder, keep = Recorder(), ModelCheckpoint(tmp_path, "{epoch}", save_top_k=-1)
    gan = tiny_gan(GAN)
    # in either order: what comes before in the list must see the average, too
    callbacks = [recorder, GeneratorEMA(decay), keep]
    fit(gan, tiny_data(), max_epochs=3, callbacks=callbacks, enable_checkpointing=True)
    expected = averages(recorder.raw, decay)
    after_epochs = expected[2::2]
    torch.testing.assert_close(recorder.validated, after_epochs)
    torch.testing.assert_close(copy(gan), after_epochs[-1])
    torch.testing.assert_close(recorder.stepped_from, recorder.raw[:-1], rtol=0, atol=0)
    for epoch, average in enumerate(after_epochs):
        checkpoint = torch.load(tmp_path / f"epoch={epoch}.ckpt", weights_only=True)
        saved = {name: checkpoint["state_dict"][f"generator.{name}"] for name in average}
        torch.testing.assert_close(saved, average)
        torch.testing.assert_close(checkpoint["generator_ema"]["raw"], recorder.raw[2 * epoch + 2], rtol=0, atol=0)
        assert checkpoint["generator_ema"]["updates"] == 2 * epoch + 2
    loaded = load_gan(tmp_path / "epoch=1.ckpt")
    torch.testing.assert_close(copy(loaded), after_epochs[1])


def test_a_checkpoint_is_the_same_during_validation_and_after(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    class Saver(Callback):
        def on_validation_epoch_end(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
            trainer.save_checkpoint(tmp_path / "during.ckpt")

        def on_train_epoch_end(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
            trainer.save_checkpoint(tmp_path / "after.ckpt")

    fit(tiny_gan(GAN), tiny_data(), max_epochs=1, callbacks=[GeneratorEMA(), Saver()])
    during, after = (torch.load(tmp_path / f"{when}.ckpt", weights_only=True) for when in ("during", "after"))
    for key in ("state_dict", "generator_ema"):
        torch.testing.assert_close(during[key], after[key], rtol=0, atol=0)


def test_without_decay_it_follows_the_raw_weights(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan, plain = tiny_gan(GAN), tiny_gan(GAN)
    fit(gan, tiny_data(), callbacks=[GeneratorEMA(0.0)])
    fit(plain, tiny_data())
    torch.testing.assert_close(gan.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_training_is_none_the_wiser(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan, plain = tiny_gan(GAN), tiny_gan(GAN)
    recorders = Recorder(), Recorder()
    fit(gan, tiny_data(), callbacks=[recorders[0], GeneratorEMA()])
    fit(plain, tiny_data(), callbacks=[recorders[1]])
    torch.testing.assert_close(recorders[0].raw, recorders[1].raw, rtol=0, atol=0)


def test_buffers_and_frozen_weights_are_copied(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    keep = ModelCheckpoint(tmp_path, "{epoch}", save_top_k=-1)
    gan = tiny_gan(
        MinorityTransferGAN, pretrain_epochs=1, generator=partial(DenseGenerator, widths=(8, 8), batch_norm=True)
    )
    fit(gan, tiny_data(), callbacks=[GeneratorEMA(), keep], enable_checkpointing=True)
    checkpoint = torch.load(tmp_path / "epoch=1.ckpt", weights_only=True)
    for name, raw in checkpoint["generator_ema"]["raw"].items():
        copied = name.startswith("blocks.0.") or "running" in name or "tracked" in name
        assert torch.equal(raw, checkpoint["state_dict"][f"generator.{name}"]) is copied, name


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_out_of_range_is_named(decay: float) -> None:
    with pytest.raises(InputError, match=f"decay is {decay}"):
        GeneratorEMA(decay)
