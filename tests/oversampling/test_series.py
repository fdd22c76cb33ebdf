"""The over-sampler of time series: exact numbers in the form of the input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from gan_imbalance.data import TabularDataModule, TimeSeriesDataModule
from gan_imbalance.gans import WassersteinGAN
from gan_imbalance.networks import TemporalGenerator
from gan_imbalance.oversampling import TimeSeriesOverSampler
from gan_imbalance.types import InputError

TINY: dict[str, Any] = {
    "generator": {"class_path": "gan_imbalance.networks.TemporalGenerator", "init_args": {"width": 2}},
    "discriminator": {"class_path": "gan_imbalance.networks.TemporalDiscriminator", "init_args": {"width": 2}},
    "latent_dim": 3,
    "discriminator_steps": 1,
}


@pytest.fixture
def series() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return 26 series of two channels and 9 steps, and their classes: 12, 10 and 4 of each."""
    y = np.array(["cat", "dog", "eel"]).repeat([12, 10, 4])
    return np.random.default_rng(0).normal(size=(26, 2, 9)), y


def sampler(gan: str = "MinorityTransferGAN", **options: Any) -> TimeSeriesOverSampler:
    config = {"class_path": f"gan_imbalance.gans.{gan}", "init_args": TINY}
    return TimeSeriesOverSampler(config, **{"max_steps": 2, "batch_size": 4, "accelerator": "cpu", **options})


@pytest.mark.parametrize("gan", ["GAN", "ConditionalGAN", "MinorityTransferGAN"])
def test_classes_are_balanced_by_series_behind_the_originals(gan: str, series: Any) -> None:
    X, y = series
    made = sampler(gan, random_state=1)
    resampled, labels = made.fit_resample(X, y)
    assert np.array_equal(resampled[:26], X)
    assert np.array_equal(labels[:26], y)
    assert dict(zip(*np.unique(labels[26:], return_counts=True), strict=True)) == {"dog": 2, "eel": 8}
    assert np.isfinite(resampled).all()
    assert len({id(one) for one in made.gans_.values()}) == (1 if gan == "ConditionalGAN" else 2)
    again, _ = clone(made).fit_resample(torch.from_numpy(X), y)
    assert np.array_equal(again, resampled)


def test_series_come_back_in_their_container(series: Any) -> None:
    X, y = series
    cells = pd.DataFrame([[pd.Series(channel) for channel in one] for one in X], columns=["pulse", "pressure"])
    resampled, labels = sampler("GAN", random_state=1).fit_resample(cells, pd.Series(y))
    expected, _ = sampler("GAN", random_state=1).fit_resample(X, y)
    assert (resampled.shape, resampled.columns.tolist()) == ((36, 2), ["pulse", "pressure"])
    assert np.array_equal(np.array([[cell.to_numpy() for cell in row] for row in resampled.to_numpy()]), expected)
    assert isinstance(labels, pd.Series)


def test_series_without_an_axis_of_channels_come_out_without(series: Any) -> None:
    X, y = series
    resampled, _ = sampler("GAN").fit_resample(X[:, 0], y)
    assert resampled.shape == (36, 9)


def test_series_that_end_early_are_learned_with_their_ends(series: Any) -> None:
    X, y = series
    X[::2, :, 6:] = np.nan
    resampled, _ = sampler("GAN").fit_resample(X, y)
    made = resampled[26:]
    assert made.shape == (10, 2, 9)
    assert np.array_equal(np.isnan(made[:, 0]), np.isnan(made[:, 1]))
    assert not np.isnan(made[:, :, 0]).any()


def test_the_training_part_of_data_is_topped_up(series: Any) -> None:
    X, y = series
    data = TimeSeriesDataModule(X=X, y=y, test_fraction=0.25, validation_fraction=0.0)
    made, labels = sampler("GAN", sampling_strategy={"eel": 7}).top_up(data)
    assert (made.shape, made.dtype) == ((4, 2, 9), np.float32)
    assert labels.tolist() == [2] * 4
    with pytest.raises(InputError, match="TimeSeriesOverSampler tops up time series: use GANOverSampler for tables"):
        sampler().top_up(TabularDataModule(bundled="iris"))


def test_without_a_gan_it_takes_one_that_suits_series(series: Any) -> None:
    made = TimeSeriesOverSampler(max_steps=0, sampling_strategy={"eel": 5}, accelerator="cpu")
    made.fit_resample(*series)
    assert isinstance(made.gans_["eel"], WassersteinGAN)
    assert isinstance(made.gans_["eel"].generator, TemporalGenerator)


def test_the_default_learns_the_mean_and_the_spread_of_a_class_within_100_steps() -> None:
    random = np.random.default_rng(0)
    y = np.repeat(["slow", "fast"], [60, 30])
    angles = np.where(y == "slow", 1, 2)[:, None] * np.linspace(0, 2 * np.pi, 32) + random.normal(0, 0.5, (90, 1))
    X = random.normal(2, 0.5, (90, 1)) * np.sin(angles)
    made = TimeSeriesOverSampler(
        max_steps=100, sampling_strategy={"fast": 230}, accelerator="cpu", random_state=0
    ).fit_resample(X, y)[0][90:]
    real = X[y == "fast"]
    spread = real.std(axis=0).mean()
    assert made.std(axis=0).mean() / spread == pytest.approx(1, abs=0.25)
    assert np.abs(made.mean(axis=0) - real.mean(axis=0)).mean() < 0.25 * spread


def test_what_it_cannot_use_is_refused(series: Any) -> None:
    X, y = series
    X[3, 0, 4] = np.nan
    with pytest.raises(InputError, match="Series 3 of X has a missing value in step 4 of channel 0"):
        sampler().fit_resample(X, y)
    with pytest.raises(InputError, match="behind step 6 of any series"):
        sampler().fit_resample(np.where(np.arange(9) > 6, np.nan, series[0][:3]), y[[0, 12, 13]])
    with pytest.raises(InputError, match="pretrain_steps is 5, which is more than the 2 steps in all"):
        sampler(pretrain_steps=5).fit_resample(np.nan_to_num(X), y)
