from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor, nn

from gan_imbalance.callbacks import FiniteLossGuard, GeneratorEMA
from gan_imbalance.data import TabularDataModule, TimeSeriesDataModule
from gan_imbalance.gans import GAN, BaseGAN, ConditionalGAN, ConditionalWassersteinGAN, CramerGAN, WassersteinGAN
from gan_imbalance.generators.base import draw_by_row
from gan_imbalance.losses import ClippedWassersteinLoss, FeatureMatching, WassersteinGradientPenalty
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator, RecurrentGenerator, TemporalDiscriminator
from gan_imbalance.optimizers import WarmRestarts
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


class Recorder(Callback):
    """Keeps the networks and the random state as training starts, every batch, and the losses of every step."""

    def on_train_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.generator = copy.deepcopy(gan.generator)
        self.discriminator = copy.deepcopy(gan.discriminator)
        self.random_state = torch.get_rng_state()
        self.batches: list[tuple[Tensor, Tensor]] = []
        self.losses: list[dict[str, Tensor]] = []
        self.generator_weights: list[Tensor] = []

    def on_train_batch_start(self, trainer: pl.Trainer, gan: BaseGAN, batch: Any, batch_idx: int) -> None:
        self.batches.append(batch)

    def on_train_batch_end(self, trainer: pl.Trainer, gan: BaseGAN, outputs: Any, *args: Any) -> None:
        self.losses.append(outputs)
        self.generator_weights.append(nn.utils.parameters_to_vector(gan.generator.parameters()).detach().clone())


def assert_same_weights(left: nn.Module, right: nn.Module) -> None:
    torch.testing.assert_close(left.state_dict(), right.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_the_trainers_steps_are_the_generators(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, steps: int) -> None:
    recorder = Recorder()
    trainer = fit(tiny_gan(WassersteinGAN), tiny_data(), max_steps=steps, max_epochs=-1, callbacks=[recorder])
    assert trainer.global_step == len(recorder.batches) == steps


def test_checkpoints_count_generator_steps(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    every_second = ModelCheckpoint(tmp_path, "{step}", every_n_train_steps=2, save_top_k=-1)
    settings = {"callbacks": [every_second], "enable_checkpointing": True, "limit_val_batches": 0}
    fit(tiny_gan(WassersteinGAN), tiny_data(steps_per_epoch=5), max_epochs=1, **settings)
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == ["step=2.ckpt", "step=4.ckpt"]


def test_a_step_equals_a_hand_written_loop(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    """Algorithm 1 of Gulrajani et al. 2017, conditional, from the same weights, batches and random numbers."""
    recorder = Recorder()
    # Adam would blow the rounding error in the critic's last bias, whose gradient is 0, up to whole steps
    descent = partial(torch.optim.SGD, lr=0.05, momentum=0.5)
    gan = tiny_gan(
        ConditionalWassersteinGAN,
        discriminator_steps=3,
        penalty=WassersteinGradientPenalty(7.0),
        generator_optimizer=descent,
        discriminator_optimizer=descent,
    )
    fit(gan, tiny_data(steps_per_epoch=3), max_epochs=1, callbacks=[recorder])
    generator, critic = recorder.generator, recorder.discriminator
    optimizers = {network: descent(network.parameters()) for network in (generator, critic)}

    def step(network: nn.Module, loss: Tensor) -> None:
        weights = list(network.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights, materialize_grads=True), strict=True):
            weight.grad = gradient
        optimizers[network].step()

    torch.set_rng_state(recorder.random_state)
    for (real, conditions), losses in zip(recorder.batches, recorder.losses, strict=True):
        noise = torch.cat([torch.randn(2 * 16, 4), torch.randn(16, 4)]).reshape(3, 16, 4)
        fakes = [generator(z, c).detach() for z, c in zip(noise, conditions, strict=True)]
        for x, c, fake in zip(real, conditions, fakes, strict=True):
            mix = torch.rand(16, 1)
            between = (mix * x + (1 - mix) * fake).requires_grad_()
            slopes = torch.autograd.grad(critic(between, c).sum(), between, create_graph=True)[0].norm(dim=1)
            loss = critic(fake, c).mean() - critic(x, c).mean() + 7 * ((slopes - 1) ** 2).mean()
            step(critic, loss)
        torch.testing.assert_close(losses["train/discriminator_loss"], loss.detach(), rtol=1e-5, atol=1e-6)
        # the generator learns from the last fakes, judged by the critic as it is now
        loss = -critic(generator(noise[-1], c), c).mean()
        step(generator, loss)
        torch.testing.assert_close(losses["train/generator_loss"], loss.detach(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(generator.state_dict(), gan.generator.state_dict(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(critic.state_dict(), gan.discriminator.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gan_class", [ConditionalGAN, WassersteinGAN])
@pytest.mark.parametrize("at_validation", [True, False])
@pytest.mark.parametrize("scheduler", [None, partial(WarmRestarts, period=3)])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    gan_class: type[BaseGAN],
    at_validation: bool,
    scheduler: Any,
    tiny_gan: MakeGAN,
    tiny_data: MakeData,
    fit: Fit,
    tmp_path: Path,
) -> None:
    networks = {
        "generator": partial(DenseGenerator, widths=(8,), batch_norm=True),
        "discriminator": partial(DenseDiscriminator, widths=(8,), dropout=0.2, spectral_norm=True),
    }

    def make() -> BaseGAN:
        return tiny_gan(gan_class, scheduler=scheduler, **networks)

    goes_on_exactly(make, tiny_data, fit, tmp_path, at_validation)


def test_a_resumed_run_on_series_ends_where_an_uninterrupted_one_does(
    tiny_gan: MakeGAN, tiny_series: Callable[..., TimeSeriesDataModule], fit: Fit, tmp_path: Path
) -> None:
    networks = {
        "generator": partial(RecurrentGenerator, widths=(4,)),
        "discriminator": partial(TemporalDiscriminator, width=2, dropout=0.2, spectral_norm=True),
    }
    goes_on_exactly(lambda: tiny_gan(WassersteinGAN, **networks), tiny_series, fit, tmp_path, at_validation=True)


def goes_on_exactly(
    make_gan: Callable[[], BaseGAN],
    make_data: Callable[[], pl.LightningDataModule],
    fit: Fit,
    tmp_path: Path,
    at_validation: bool,
) -> None:
    def train(epochs: int, folder: str, ckpt_path: Path | None = None, seed: int = 0) -> BaseGAN:
        gan = make_gan()
        keep = ModelCheckpoint(tmp_path / folder, "{epoch}", save_top_k=-1, save_on_train_epoch_end=not at_validation)
        settings = {"callbacks": [GeneratorEMA(0.7), keep], "enable_checkpointing": True, "max_epochs": epochs}
        fit(gan, make_data(), ckpt_path=ckpt_path, seed=seed, **settings)
        return gan

    whole = train(4, "whole")
    train(2, "half")
    resumed = train(4, "resumed", tmp_path / "half" / "epoch=1.ckpt", seed=7)
    assert_same_weights(resumed, whole)
    last = [torch.load(tmp_path / run / "epoch=3.ckpt", weights_only=True) for run in ("whole", "resumed")]
    for key in ("state_dict", "optimizer_states", "generator_ema", "lr_schedulers", "random_states", "global_step"):
        torch.testing.assert_close(last[0][key], last[1][key], rtol=0, atol=0)


def test_the_discriminator_trains_alone_while_warming_up(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    recorder = Recorder()
    trainer = fit(tiny_gan(GAN, warmup_steps=3), tiny_data(), max_epochs=3, callbacks=[recorder])
    start = nn.utils.parameters_to_vector(recorder.generator.parameters())
    unchanged = [torch.equal(weights, start) for weights in recorder.generator_weights]
    assert unchanged == [True] * 3 + [False] * 3
    assert ["train/generator_loss" in losses for losses in recorder.losses] == [False] * 3 + [True] * 3
    assert trainer.global_step == 3


def test_losses_are_logged_as_often_as_the_trainer_says(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    logger = pl.loggers.CSVLogger(tmp_path)
    recorder = Recorder()
    settings = {"callbacks": [recorder], "logger": logger, "log_every_n_steps": 3, "limit_val_batches": 0}
    fit(tiny_gan(GAN), tiny_data(steps_per_epoch=4), max_epochs=2, **settings)
    table = pd.read_csv(Path(logger.log_dir) / "metrics.csv").dropna(subset=["train/generator_loss"])
    assert table["step"].tolist() == [2, 5]
    expected = [float(recorder.losses[i]["train/generator_loss"]) for i in (2, 5)]
    assert table["train/generator_loss"].tolist() == pytest.approx(expected)


def test_a_trainer_that_logs_nothing_trains_alike(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    bare, plain = tiny_gan(GAN), tiny_gan(GAN)
    unset = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"))
    fit(bare, tiny_data(), barebones=True, **unset)
    fit(plain, tiny_data())
    torch.testing.assert_close(bare.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_in_mixed_precision_every_step_starts_from_the_weights_of_the_last(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(cache_enabled: bool) -> BaseGAN:
        def autocast(_: MixedPrecision) -> torch.autocast:
            return torch.autocast("cpu", torch.bfloat16, cache_enabled=cache_enabled)

        # which of the two is Lightning's changes with its version
        monkeypatch.setattr(MixedPrecision, "autocast_context_manager", autocast)
        gan = tiny_gan(GAN, discriminator_steps=3)
        fit(gan, tiny_data(), max_epochs=1, precision="bf16-mixed")
        return gan

    assert_same_weights(train(cache_enabled=True), train(cache_enabled=False))


def test_a_clipped_and_penalised_critic_trains_in_mixed_precision(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    """Clipped to so little, vectors of the critic are the same in half precision, and their distance is 0."""
    gan = tiny_gan(CramerGAN, loss=ClippedWassersteinLoss(), penalty=WassersteinGradientPenalty())
    fit(gan, tiny_data(), precision="bf16-mixed", callbacks=[FiniteLossGuard(1)])
    weights = nn.utils.parameters_to_vector(gan.discriminator.parameters())
    assert 0 < weights.abs().max() <= 0.01


def test_feature_matching_is_added_to_the_generators_loss(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(ConditionalGAN, feature_matching=FeatureMatching(2.0))
    fit(gan, tiny_data(), max_epochs=1)
    real, fake, conditions = torch.randn(6, 5), torch.randn(6, 5), torch.tensor([0, 1, 0, 1, 0, 1])
    features = [gan.discriminator.features(x, conditions).mean(dim=0) for x in (real, fake)]
    adversarial = nn.functional.softplus(-gan.discriminator(fake, conditions)).mean()
    expected = adversarial + 2 * (features[0] - features[1]).square().sum()
    torch.testing.assert_close(gan.generator_objective(real, fake, conditions), expected)


def test_validation_scores_whole_packs_only(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(WassersteinGAN, discriminator=partial(DenseDiscriminator, widths=(8,), packing=4))
    fit(gan, tiny_data(), max_epochs=1)
    scores = gan.validation_step((torch.randn(11, *gan.spec.shape), torch.zeros(11, dtype=torch.long)), 0)
    assert {name: len(of_one) for name, of_one in scores.items()} == {"real_scores": 2, "fake_scores": 2}


@pytest.mark.parametrize(
    "argument", [{"latent_dim": 0}, {"discriminator_steps": 0}, {"warmup_steps": -1}, {"instance_noise": -0.1}]
)
def test_an_argument_out_of_range_is_named(argument: dict[str, Any]) -> None:
    ((name, value),) = argument.items()
    with pytest.raises(InputError, match=f"{name} is {value}: it must be at least"):
        GAN(**argument)


@pytest.mark.parametrize(
    ("selection", "message"), [(["maybe"], "Unknown class 'maybe'"), ([], "selection of classes is empty")]
)
def test_a_class_selection_that_finds_nothing_is_refused(
    selection: list[str], message: str, tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    with pytest.raises(InputError, match=message):
        fit(tiny_gan(GAN, classes=selection), tiny_data())


def test_columns_are_drawn_as_the_row_of_each_choice_weighs_them() -> None:
    weights = torch.tensor([[1.0, 3.0, 0.0], [0.0, 0.0, 2.0], [5.0, 0.0, 5.0]])
    choices = torch.tensor([0, 1, 2, 2]).repeat(1000)
    state = torch.get_rng_state()
    drawn = draw_by_row(weights, choices, seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(drawn, draw_by_row(weights, choices, seed=4))
    assert not torch.equal(drawn, draw_by_row(weights, choices, seed=5))
    for row, shares in enumerate([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0], [0.5, 0.0, 0.5]]):
        found = drawn[choices == row].bincount(minlength=3) / (choices == row).sum()
        # four standard deviations at most
        assert found.tolist() == pytest.approx(shares, abs=0.06)
        assert (found > 0).tolist() == [share > 0 for share in shares]
    assert draw_by_row(weights, choices[:0], seed=4).shape == (0,)
