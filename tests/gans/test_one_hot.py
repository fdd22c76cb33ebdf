"""The one-hot GAN's tricks, each by itself, and the form of its rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, OneHotGAN
from gan_imbalance.networks import OneHotDiscriminator
from gan_imbalance.oversampling import GANOverSampler
from gan_imbalance.synthesis import synthesize
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


class Seen(Callback):
    """Keeps the real rows of every step as they are and as the discriminator was shown them."""

    def on_train_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
        self.given: list[Tensor] = []
        self.shown: list[Tensor] = []
        self.rates: list[float] = []
        objective = gan.discriminator_objective

        def watched(real: Tensor, fake: Tensor, conditions: Tensor) -> Tensor:
            self.shown.append(real)
            return objective(real, fake, conditions)

        gan.discriminator_objective = watched  # type: ignore[method-assign]

    def on_train_batch_start(self, trainer: pl.Trainer, gan: BaseGAN, batch: Any, batch_idx: int) -> None:
        self.given.append(batch[0][0])
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


@pytest.fixture
def seen(request: pytest.FixtureRequest, mixed_frame: pd.DataFrame, tiny_data: MakeData, fit: Fit) -> Any:
    """Return what a GAN with the given settings was shown in twenty steps, and its specification."""
    gan, watch = OneHotGAN(**request.param), Seen()
    data = tiny_data(frame=mixed_frame, batch_size=400, steps_per_epoch=20)
    fit(gan, data, max_epochs=1, callbacks=[watch], limit_val_batches=0)
    return watch, gan.spec


@pytest.mark.parametrize("seen", [{"bit_flips": 0.4, "bit_noise": 0.0}], indirect=True)
def test_flips_fall_to_zero_and_leave_bits_whole(seen: Any) -> None:
    watch, spec = seen
    flipped = [shown != given for given, shown in zip(watch.given, watch.shown, strict=True)]
    bits = [span for span in spec.spans if span.is_categorical]
    assert {span.size > 2 for span in bits} == {True, False}
    for step, changed in enumerate(flipped):
        expected = 0.4 * (1 - step / 20)
        for span in spec.spans:
            block = changed[:, span.start : span.stop]
            if not span.is_categorical:
                assert not block.any()
            elif span.size == 2:
                assert torch.equal(block[:, 0], block[:, 1])
        share = torch.cat([changed[:, span.start : span.stop] for span in bits], dim=1).float().mean()
        # five standard deviations of 400 rows with about five bits
        assert share.item() == pytest.approx(expected, abs=5 * (0.25 / 2000) ** 0.5)
    assert all(set(shown[:, bits[0].start].unique().tolist()) <= {0.0, 1.0} for shown in watch.shown)


@pytest.mark.parametrize("seen", [{"bit_flips": 0.0, "bit_noise": 0.02}], indirect=True)
def test_noise_moves_bits_by_at_most_two_per_cent_towards_the_other_value(seen: Any) -> None:
    watch, spec = seen
    given, shown = torch.cat(watch.given), torch.cat(watch.shown)
    bits = torch.zeros(spec.shape, dtype=torch.bool)
    for span in spec.spans:
        bits[span.start : span.stop] = span.is_categorical
    assert torch.equal(shown[:, ~bits], given[:, ~bits])
    moved = torch.where(given == 1, given - shown, shown)[:, bits]
    assert moved.min() >= 0
    assert moved.max() <= 0.02 + 1e-6
    assert moved.mean().item() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("seen", [{"bit_flips": 0.0, "bit_noise": 0.0, "scheduler": None}], indirect=True)
def test_all_can_be_switched_off(seen: Any) -> None:
    watch, _ = seen
    assert all(torch.equal(*pair) for pair in zip(watch.given, watch.shown, strict=True))
    assert set(watch.rates) == {1e-4}


@pytest.mark.parametrize("seen", [{}], indirect=True)
def test_the_learning_rate_starts_at_ten_times_and_falls(seen: Any) -> None:
    watch, _ = seen
    assert watch.rates[0] == pytest.approx(1e-3)
    assert all(later < earlier for earlier, later in zip(watch.rates, watch.rates[1:], strict=False))


def test_real_rows_are_compared_with_real_ones_only(tiny_data: MakeData, fit: Fit) -> None:
    gan = OneHotGAN(discriminator=partial(OneHotDiscriminator, dropout=0.0, distance_noise=0.0))
    fit(gan, tiny_data(), max_epochs=1)
    real, fake = torch.rand(2, 6, *gan.spec.shape)
    conditions = torch.zeros(6, dtype=torch.long)
    alone = gan.discriminate(real, conditions)
    both, _ = gan.judge_both(gan.discriminate, real, fake, conditions)
    assert torch.equal(both, alone)


@pytest.mark.parametrize("settings", [{"bit_flips": 0.6}, {"bit_flips": -0.1}, {"bit_noise": 0.7}])
def test_a_share_out_of_range_is_named(settings: dict[str, float]) -> None:
    (name,) = settings
    with pytest.raises(InputError, match=f"{name} is .* give a share"):
        OneHotGAN(**settings)


def test_flips_need_an_end_to_training(tiny_data: MakeData, fit: Fit) -> None:
    endless = {"max_epochs": -1, "max_time": {"seconds": 1}, "limit_val_batches": 0}
    with pytest.raises(InputError, match="set max_epochs or max_steps"):
        fit(OneHotGAN(), tiny_data(), **endless)
    fit(OneHotGAN(bit_flips=0.0), tiny_data(), **endless)


def characters(rows: int) -> pd.DataFrame:
    """Return 0/1 attributes: the first three of one character, of which none, one or all are set; two more."""
    random = np.random.default_rng(0)
    sets = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1]])[random.integers(3, size=rows)]
    free = random.integers(0, 2, size=(rows, 2))
    frame = pd.DataFrame(np.hstack([sets, free]), columns=["wings_a", "wings_b", "wings_c", "legs_a", "legs_b"])
    return frame.assign(kind=np.where(np.arange(rows) < rows // 4, "rare", "common"))


def test_a_character_may_have_none_or_several_of_its_attributes_set() -> None:
    frame = characters(120)
    sampler = GANOverSampler("OneHotGAN", max_steps=300, batch_size=32, random_state=1)
    rows, labels = sampler.fit_resample(frame.drop(columns="kind"), frame["kind"])
    made = rows.iloc[120:]
    assert (labels[120:] == "rare").all()
    assert rows.dtypes.equals(frame.drop(columns="kind").dtypes)
    assert set(np.unique(made)) == {0, 1}
    wings = made[["wings_a", "wings_b", "wings_c"]].sum(axis=1)
    assert (wings == 0).any()
    assert (wings == 3).any()


def test_a_table_of_every_kind_comes_back_as_one(mixed_frame: pd.DataFrame, tiny_data: MakeData, fit: Fit) -> None:
    gan = OneHotGAN()
    fit(gan, tiny_data(frame=mixed_frame), max_epochs=1)
    rows = synthesize(gan, {"yes": 60}, seed=0).rows
    assert rows.dtypes.to_dict() == mixed_frame.dtypes.to_dict()
    assert set(rows["colour"]) <= {"red", "green", "blue"}
    assert rows[["flag", "colour", "size"]].notna().all(axis=None)
