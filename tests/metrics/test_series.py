"""Figures of series against other formulas, and against series of which the answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.signal import periodogram

from gan_imbalance.metrics import (
    autocorrelation,
    autocorrelation_distance,
    closest_series,
    discriminative_score,
    log_spectral_distance,
    power_spectrum,
    predictive_score,
)
from gan_imbalance.types import InputError

RANDOM = np.random.default_rng(0)


def sines(count: int, speed: float, noise: float = 0.05, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    waves = np.sin(speed * np.arange(32) + random.uniform(0, 2 * np.pi, size=(count, 2, 1)))
    return waves + noise * random.normal(size=waves.shape)


def test_autocorrelation_is_that_of_every_series_on_average() -> None:
    X = RANDOM.normal(size=(5, 2, 20)).cumsum(axis=2)
    expected = np.zeros((2, 7))
    for one in X:
        for channel, values in enumerate(one - one.mean(axis=1, keepdims=True)):
            full = np.correlate(values, values, mode="full")[19:26]
            expected[channel] += full / full[0] / 5
    np.testing.assert_allclose(autocorrelation(X, 6), expected, atol=1e-5)


def test_autocorrelation_of_an_alternating_and_of_a_constant_series() -> None:
    X = np.stack([np.tile([1.0, -1.0], 10), np.full(20, 0.1)])[None]
    found = autocorrelation(X, 3)
    np.testing.assert_allclose(found[0], [1, -19 / 20, 18 / 20, -17 / 20], rtol=1e-6)
    assert found[1].tolist() == [1, 0, 0, 0]


def test_the_spectrum_of_a_sine_has_one_peak_of_its_power() -> None:
    wave = 3 + 2 * np.sin(2 * np.pi * 5 * np.arange(40) / 40)
    spectrum = power_spectrum(wave[None])
    assert spectrum.shape == (1, 21)
    assert spectrum.argmax() == 5
    # half of the squared amplitude is the variance, and half of a sine's power lies at the negative frequency
    np.testing.assert_allclose(spectrum[0, 5], 40 * 2**2 / 4, rtol=1e-5)
    assert np.delete(spectrum[0], 5).max() < 1e-6


def test_the_spectrum_is_scipys() -> None:
    X = RANDOM.normal(size=(6, 2, 21))
    _, expected = periodogram(X, detrend="constant", return_onesided=False, scaling="density")
    np.testing.assert_allclose(power_spectrum(X), expected.mean(axis=0)[:, :11], atol=1e-5)


def test_distances_are_zero_for_equal_sets_and_known_for_known_ones() -> None:
    X = sines(50, 0.5)
    assert autocorrelation_distance(X, X, 10) == log_spectral_distance(X, X) == 0
    # ten times as large: the same correlations, 20 decibels more
    assert autocorrelation_distance(X, 10 * X, 10) == pytest.approx(0, abs=1e-6)
    assert log_spectral_distance(X, 10 * X) == pytest.approx(20, rel=1e-4)
    fast = sines(50, 1.5)
    expected = np.abs(autocorrelation(X, 4) - autocorrelation(fast, 4))[:, 1:].mean()
    assert autocorrelation_distance(X, fast, 4) == pytest.approx(expected)
    assert expected > 0.3
    assert log_spectral_distance(X, np.zeros_like(X)) > 50


def test_a_network_tells_other_series_apart_but_not_like_ones() -> None:
    real, like, other = sines(200, 0.5), sines(200, 0.5, seed=1), sines(200, 1.0, seed=2)
    assert discriminative_score(real, other, steps=60) > 0.4
    assert discriminative_score(real, like, steps=60) < 0.15


def test_a_predictor_learns_from_like_series_only() -> None:
    real, like, other = sines(100, 0.5), sines(100, 0.5, seed=1), sines(100, 2.0, seed=2)
    learned, misled = (predictive_score(one, real, steps=80) for one in (like, other))
    assert learned < 0.5 < misled
    # units are those of the held-out series
    assert predictive_score(100 * like + 7, 100 * real + 7, steps=80) == pytest.approx(learned, abs=0.02)


@pytest.mark.parametrize("score", [discriminative_score, predictive_score])
def test_scores_are_those_of_a_seed_and_leave_the_global_one_alone(score: Any) -> None:
    real, made = sines(40, 0.5), sines(40, 0.7, seed=1)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first = score(made, real, steps=5, seed=3)
    assert torch.equal(torch.rand(3), expected)
    assert score(made, real, steps=5, seed=3) == first


def test_copies_lie_nearer_to_training_series() -> None:
    training, holdout, fresh = (sines(60, 0.5, seed=seed) for seed in range(3))
    assert closest_series(training + 0.01, training, holdout).share > 0.95
    assert closest_series(fresh, training, holdout).share == pytest.approx(0.5, abs=0.25)
    # in deviations of the channel
    units = np.array([[1e-3], [1e3]])
    scaled = closest_series(fresh * units, training * units, holdout * units)
    np.testing.assert_allclose(scaled, closest_series(fresh, training, holdout), rtol=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X: autocorrelation(X, 32), "max_lag is 32: give a lag from 0 to 31"),
        (lambda X: autocorrelation_distance(X, X, 0), "max_lag is 0: give at least 1"),
        (lambda X: log_spectral_distance(X, X[:, :1]), "Series of 1 channels and length 32 were given where"),
        (lambda X: discriminative_score(X, X[:3]), "takes four series of each kind, but there are 3"),
        (lambda X: predictive_score(X[:, :, :9], X), "Series of 2 channels and length 9 were given where"),
        (lambda X: closest_series(X, X, X[..., :4]), "Series of 2 channels and length 4 were given where"),
        (lambda X: power_spectrum(np.where(X > 0, X, np.nan)), "Series 0 has a value that is missing"),
    ],
)
def test_what_cannot_be_compared_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call(sines(5, 0.5))
