"""How synthetic time series compare with real ones: their dynamics, whether they can be told apart, what they teach.

Series are (n, channels, length). Give the last three figures real series that the generator has **not** seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_imbalance.metrics.distances import alike, as_series, channel_scale, like_series
from gan_imbalance.metrics.privacy import ClosestRecords, closest_records
from gan_imbalance.seeding import seeded
from gan_imbalance.types import InputError

Floats = npt.NDArray[np.float64]

_WIDTH, _BATCH, _LR = 24, 64, 3e-3
_FLOOR = 1e-10
_AT_ONCE = 256


def autocorrelation(series: Any, max_lag: int) -> Floats:
    """Return the mean autocorrelation of series at lags 0 to ``max_lag``, (channels, max_lag + 1), in [-1, 1].

    The usual biased estimator (Box and Jenkins 1970, section 2.1.5) of every series, then the mean over series. A
    constant one has 1 at lag 0 and 0 elsewhere.

    Args:
        series: (n, channels, length).
        max_lag: in time steps, below the length.

    Raises:
        InputError: if they are no series, or there is no such lag.
    """
    values = as_series(series).astype(np.float64)
    length = values.shape[2]
    if not 0 <= max_lag < length:
        raise InputError(f"max_lag is {max_lag}: give a lag from 0 to {length - 1}, below the length of the series.")
    scale = np.abs(values).max(axis=2)
    values = values - values.mean(axis=2, keepdims=True)
    power = np.square(values).sum(axis=2)
    # what rounding leaves of a constant
    power = np.where(power > length * np.square(1e-7 * scale), power, np.inf)
    lags = [(values[:, :, : length - lag] * values[:, :, lag:]).sum(axis=2) / power for lag in range(max_lag + 1)]
    means: Floats = np.stack(lags, axis=-1).mean(axis=0)
    means[:, 0] = 1
    return means


def power_spectrum(series: Any) -> Floats:
    """Return the mean periodogram of series about their own means, (channels, length // 2 + 1).

    At k / length cycles a time step it is the squared size of the Fourier coefficient by the length.

    Args:
        series: (n, channels, length).

    Raises:
        InputError: if they are no series.
    """
    values = as_series(series).astype(np.float64)
    values = values - values.mean(axis=2, keepdims=True)
    spectrum: Floats = (np.abs(np.fft.rfft(values, axis=2)) ** 2).mean(axis=0) / values.shape[2]
    return spectrum


def autocorrelation_distance(real: Any, synthetic: Any, max_lag: int) -> float:
    """Return the mean absolute difference of the mean autocorrelations at lags 1 to ``max_lag``, in [0, 2].

    Args:
        real: (n, channels, length).
        synthetic: (m, channels, length).
        max_lag: in time steps, from 1 to below the length.

    Raises:
        InputError: if they are no series, of different shapes, or there is no such lag.
    """
    first, second = alike(real, synthetic)
    if max_lag < 1:
        raise InputError(f"max_lag is {max_lag}: give at least 1.")
    return float(np.abs(autocorrelation(first, max_lag) - autocorrelation(second, max_lag))[:, 1:].mean())


def log_spectral_distance(real: Any, synthetic: Any) -> float:
    """Return the root mean squared difference of the mean spectra in decibels, over frequencies above 0 and channels.

    Gray and Markel 1976, Distance Measures for Speech Processing (https://doi.org/10.1109/TASSP.1976.1162849). Powers
    below 1e-10 of the real variance, 100 decibels down, count as that.

    Args:
        real: (n, channels, length).
        synthetic: (m, channels, length).

    Raises:
        InputError: if they are no series, or of different shapes.
    """
    first, second = alike(real, synthetic)
    floor = _FLOOR * np.square(channel_scale(first)[1].astype(np.float64))
    decibels = [10 * np.log10(np.maximum(power_spectrum(one)[:, 1:], floor)) for one in (first, second)]
    return float(np.sqrt(np.square(decibels[0] - decibels[1]).mean()))


def discriminative_score(real: Any, synthetic: Any, steps: int = 200, seed: int = 0) -> float:
    """Return how well a network tells held-out real series from synthetic ones, in [0, 0.5].

    How far its accuracy is from 0.5 (Yoon et al. 2019, Time-series Generative Adversarial Networks, section 5): equal
    numbers of both; one half of each trains the network, the other half is judged; 0 is the best. The network has
    causal convolutions instead of a GRU, so figures compare with each other but not with published ones.

    Args:
        real: (n, channels, length).
        synthetic: (m, channels, length).
        steps: of training, of 64 series.
        seed: of the halves, the network and its batches.

    Raises:
        InputError: if they are no series, of different shapes, or fewer than four of either kind.
    """
    first, second = alike(real, synthetic)
    size = min(len(first), len(second))
    if size < 4:
        raise InputError(f"The discriminative score takes four series of each kind, but there are {size}: give more.")
    random, half = np.random.default_rng(seed), size // 2
    first, second = (one[random.permutation(len(one))[:size]] for one in (first, second))
    mean, scale = channel_scale(first[:half])
    train, test = (
        torch.from_numpy((np.concatenate([first[part], second[part]]) - mean) / scale)
        for part in (slice(half), slice(half, size))
    )
    is_real = torch.arange(len(train)) < half
    with seeded(seed):
        network = _CausalNetwork(train.shape[1], 1)
        _train(
            network,
            lambda rows: F.binary_cross_entropy_with_logits(_score(network, train[rows]), is_real[rows].float()),
            len(train),
            steps,
        )
    scores = torch.cat([_score(network, chunk) for chunk in torch.split(test, _AT_ONCE)])
    accuracy = ((scores > 0) == (torch.arange(len(test)) < size - half)).double().mean()
    return abs(float(accuracy) - 0.5)


def predictive_score(training: Any, holdout: Any, steps: int = 200, seed: int = 0) -> float:
    """Return how far a one-step-ahead predictor is off on real series: mean absolute error, in standard deviations.

    Yoon et al. 2019, section 5: it is trained on synthetic series and judged on held-out real ones; beside it, judge
    one that was trained on the real series which the generator learned from. It predicts all channels, in units of
    their deviation in the held-out series; the network is that of :func:`discriminative_score`.

    Args:
        training: series that the predictor learns from, (n, channels, length).
        holdout: real series, (m, channels, length).
        steps: of training, of 64 series.
        seed: of the network and its batches.

    Raises:
        InputError: if they are no series, or of different shapes.
    """
    real, learned = alike(holdout, training)
    mean, scale = channel_scale(real)
    x, judged = (torch.from_numpy((one - mean) / scale) for one in (learned, real))

    def error(series: Tensor) -> Tensor:
        gaps: Tensor = network(series[:, :, :-1]) - series[:, :, 1:]
        return gaps.abs().mean(dim=(1, 2))

    with seeded(seed):
        network = _CausalNetwork(x.shape[1], x.shape[1])
        _train(network, lambda rows: error(x[rows]).mean(), len(x), steps)
    with torch.no_grad():
        return float(torch.cat([error(chunk) for chunk in torch.split(judged, _AT_ONCE)]).mean())


def closest_series(synthetic: Any, training: Any, holdout: Any) -> ClosestRecords:
    """Compare the distances to the closest training series with those to the closest held-out series.

    :func:`~gan_imbalance.metrics.closest_records` of flattened series in units of the training series' deviation of
    every channel. A share above 0.5, for equally many of both, means that synthetic series lie nearer to those that
    the generator learned from than to others of their kind.

    Args:
        synthetic: series to judge, (n, channels, length).
        training: series that the generator learned from, (m, channels, length).
        holdout: real series that it has not seen, (m, channels, length).

    Raises:
        InputError: if they are no series, or of different shapes.
    """
    known = as_series(training)
    mean, scale = channel_scale(known)
    synthetic, training, holdout = (
        ((like_series(one, known.shape[1:]) - mean) / scale).reshape(len(one), -1)
        for one in (synthetic, known, holdout)
    )
    return closest_records(synthetic, training, holdout, encoded=True)


class _CausalNetwork(nn.Module):
    """Convolutions of three steps that see the past only, four times as far in each layer.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for dilation, channels in ((1, inputs), (4, _WIDTH), (16, _WIDTH)):
            layers += [nn.ConstantPad1d((2 * dilation, 0), 0.0), nn.Conv1d(channels, _WIDTH, 3, dilation=dilation)]
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers, nn.Conv1d(_WIDTH, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, length) to (n, outputs, length)."""
        return self.layers(x)  # type: ignore[no-any-return]


def _score(network: nn.Module, x: Tensor) -> Tensor:
    """Return the logit that series (n, channels, length) are real, (n,): the mean over time."""
    return network(x).mean(dim=(1, 2))  # type: ignore[no-any-return]


def _train(network: nn.Module, loss: Callable[[Tensor], Tensor], count: int, steps: int) -> None:
    """Take steps on batches, of which ``loss`` is given the row numbers, drawn with replacement."""
    optimizer = torch.optim.Adam(network.parameters(), lr=_LR)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(torch.randint(count, (_BATCH,))).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network.requires_grad_(False)
