"""Classifiers of series: the network, MiniRocket's features, and the nearest series by time warping."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from gan_imbalance.classifiers import DTWClassifier, MiniRocket, MiniRocketClassifier, SeriesClassifier, series
from gan_imbalance.networks import ResNet1D
from gan_imbalance.types import InputError

Data = tuple[np.ndarray, np.ndarray]
SMALL = {"network": partial(ResNet1D, width=4), "max_steps": 60, "lr": 3e-3, "accelerator": "cpu"}
CLASSIFIERS = [SeriesClassifier(**SMALL), MiniRocketClassifier(200), DTWClassifier(0.2)]  # type: ignore[arg-type]
EACH = pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: type(model).__name__)


@pytest.fixture(scope="module")
def data() -> Data:
    """Return 90 series of two channels, (90, 2, 30), whose second one has a faster sine in some classes."""
    random = np.random.default_rng(0)
    y = np.array(["fast", "middle", "slow"])[np.arange(90) % 3]
    speed = np.array([{"fast": 0.9, "middle": 0.5, "slow": 0.2}[label] for label in y])[:, None]
    waves = np.sin(speed * np.arange(30) + random.uniform(0, 1, size=(90, 1)))
    noise = random.normal(size=(90, 30))
    return np.stack([1000 + 50 * noise, waves + 0.1 * random.normal(size=waves.shape)], axis=1), y


@EACH
def test_easy_classes_are_told_apart(model: Any, data: Data) -> None:
    X, y = data
    fitted = clone(model).fit(X[:60], y[:60])
    assert fitted.classes_.tolist() == ["fast", "middle", "slow"]
    probabilities = fitted.predict_proba(X[60:])
    assert np.mean(fitted.predict(X[60:]) == y[60:]) > 0.9
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.array_equal(fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(X[60:]))


@EACH
def test_units_do_not_matter(model: Any, data: Data) -> None:
    X, y = data
    first = clone(model).fit(X, y).predict_proba(X)
    other = X * np.array([1e-3, 1e3])[:, None] + np.array([5.0, -7.0])[:, None]
    np.testing.assert_allclose(clone(model).fit(other, y).predict_proba(other), first, atol=0.05)


@EACH
def test_rows_are_series_of_one_channel(model: Any, data: Data) -> None:
    X, y = data[0][:, 1], data[1]
    flat, deep = clone(model).fit(X, y), clone(model).fit(X[:, None], y)
    assert np.array_equal(flat.predict_proba(X), deep.predict_proba(torch.from_numpy(X[:, None])))


@EACH
def test_what_is_no_series_is_refused(model: Any, data: Data) -> None:
    X, y = data
    for wrong in (X[:, 0, 0], X[..., None], X[:, :, :1], X[:, :0]):
        with pytest.raises(InputError, match="Time series are numbers of shape"):
            clone(model).fit(wrong, y)
    gap = X.copy()
    gap[7, 1, 3] = np.nan
    with pytest.raises(InputError, match="Series 7 has a value that is missing"):
        clone(model).fit(gap, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        clone(model).fit(X, y[:-1])
    with pytest.raises(InputError, match=r"Series of 2 channels and length 29 .* those of 2 channels and length 30"):
        clone(model).fit(X, y).predict(X[:, :, :29])


def test_a_network_sees_standardised_channels(data: Data) -> None:
    X, y = data
    seen: list[torch.Tensor] = []

    class Seen(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x)
            return x

    model = SeriesClassifier(**{**SMALL, "max_steps": 30}, augmentation=Seen()).fit(X, y)
    batches = torch.cat(seen)
    # of 960 series drawn with replacement
    assert batches.mean(dim=(0, 2)).abs().max() < 0.1
    assert (batches.std(dim=(0, 2)) - 1).abs().max() < 0.1
    np.testing.assert_allclose(model.mean_[:, 0], X.mean(axis=(0, 2)), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model.scale_[:, 0], X.std(axis=(0, 2)), rtol=1e-4)


def test_a_network_takes_its_steps_and_calls_back_every_fifty(data: Data) -> None:
    taken: list[int] = []
    SeriesClassifier(**{**SMALL, "max_steps": 110}).fit(*data, on_epoch=lambda steps, model: taken.append(steps))
    assert taken == [50, 100, 110]


def test_a_constant_channel_is_left_alone(data: Data) -> None:
    X, y = data
    X = X.copy()
    X[:, 0] = 0.1
    assert SeriesClassifier(**SMALL).fit(X, y).scale_[0, 0] == 1
    assert np.isfinite(DTWClassifier().fit(X, y).predict_proba(X)).all()


# -- MiniRocket ---------------------------------------------------------------------------------------------------


def by_definition(rocket: MiniRocket, x: np.ndarray) -> np.ndarray:
    """Return the features of a series, (channels, length), tap by tap."""
    x = (x - rocket.mean_) / rocket.scale_
    length, features = x.shape[1], []
    kernels = [[2 if tap in chosen else -1 for tap in range(9)] for chosen in combinations(range(9), 3)]
    for position, (dilation, biases) in enumerate(zip(rocket.dilations_, rocket.biases_, strict=True)):
        for number, kernel in enumerate(kernels):
            total = x[rocket.channels_[position, number]].sum(axis=0)
            within = np.pad(total, 4 * dilation)
            out = sum(weight * within[tap * dilation : tap * dilation + length] for tap, weight in enumerate(kernel))
            margin = 4 * dilation if (position + number) % 2 else 0
            features.append(np.mean(out[margin : length - margin] > biases[number][:, None], axis=1))
    return np.concatenate(features)


@pytest.mark.parametrize("length", [9, 30])
def test_features_are_those_of_the_definition(length: int, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    X = data[0][:, :, :length]
    rocket = MiniRocket(400).fit(X[:40])
    # not of the series that thresholds come from, which rounding carries across them
    features = rocket.transform(X[40:])
    assert features.shape == (50, 336)
    for row, one in zip(features[:3], X[40:], strict=False):
        np.testing.assert_allclose(row, by_definition(rocket, one), atol=1e-6)
    monkeypatch.setattr(series, "_CELLS_AT_ONCE", 1)
    assert np.array_equal(features, rocket.transform(X[40:]))


def test_thresholds_lie_at_quantiles_of_what_kernels_make_of_the_series(data: Data) -> None:
    features = MiniRocket(10_000).fit_transform(data[0])
    assert features.shape == (90, 9996)
    assert np.all((features >= 0) & (features <= 1))
    # every quantile is as likely as another
    assert features.mean() == pytest.approx(0.5, abs=0.03)


def test_dilations_grow_to_the_length_of_the_series() -> None:
    dilations, counts = series._spread(length=81, thresholds=119, max_dilations=32)
    assert (dilations[0], dilations[-1], counts.sum()) == (1, 10, 119)
    assert np.all(np.diff(dilations) > 0)
    dilations, counts = series._spread(length=9, thresholds=3, max_dilations=32)
    assert (dilations.tolist(), counts.tolist()) == ([1], [3])


def test_channels_are_drawn_for_every_kernel() -> None:
    X = np.random.default_rng(0).normal(size=(5, 6, 20))
    channels = MiniRocket(1000, random_state=1).fit(X).channels_
    assert set(np.unique(channels.sum(axis=2))) == {1, 2, 3, 4, 5, 6}
    # each has the same chances
    assert channels.mean(axis=(0, 1)).max() < 2 * channels.mean(axis=(0, 1)).min()
    assert MiniRocket(1000).fit(X[:, :1]).channels_.all()


def test_features_are_those_of_a_seed(data: Data) -> None:
    X = data[0]
    first, same, other = (MiniRocket(200, random_state=seed).fit_transform(X) for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_the_regression_is_that_of_all_features(data: Data) -> None:
    X, y = data
    weights = np.where(y == "slow", 3.0, 1.0)
    model = MiniRocketClassifier(500, C=0.2).fit(X, y, sample_weight=weights)
    features = StandardScaler().fit_transform(model.rocket_.transform(X).astype(float))
    whole = LogisticRegression(C=0.2, max_iter=5000, tol=1e-6).fit(features, y, sample_weight=weights)
    np.testing.assert_allclose(model.predict_proba(X), whole.predict_proba(features), atol=1e-3)


def test_series_shorter_than_a_kernel_are_refused(data: Data) -> None:
    with pytest.raises(InputError, match="kernels have 9 taps, but series have 8 time steps"):
        MiniRocket().fit(data[0][:, :, :8])
    with pytest.raises(InputError, match="num_features is 0: give at least 1"):
        MiniRocket(0).fit(data[0])


# -- time warping -------------------------------------------------------------------------------------------------


def test_without_a_band_it_is_the_nearest_neighbour(data: Data) -> None:
    X, y = data
    ours = DTWClassifier(band=0).fit(X[:60], y[:60])
    scaled = ((X - ours.mean_) / ours.scale_).reshape(90, -1)
    theirs = KNeighborsClassifier(1).fit(scaled[:60], y[:60])
    assert np.array_equal(ours.predict(X[60:]), theirs.predict(scaled[60:]))


def test_nearer_classes_are_more_probable_and_copies_certain(data: Data) -> None:
    X, y = data
    model = DTWClassifier().fit(X, y)
    assert np.all(model.predict_proba(X).max(axis=1) > 0.999)
    probabilities = DTWClassifier().fit(X[:60], y[:60]).predict_proba(X[60:])
    assert np.all((probabilities > 0) & (probabilities < 1))


def test_a_band_out_of_range_is_refused(data: Data) -> None:
    with pytest.raises(InputError, match="band is -1"):
        DTWClassifier(band=-1).fit(*data).predict(data[0])
