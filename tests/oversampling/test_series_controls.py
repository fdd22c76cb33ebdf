"""What learns nothing of series: numbers of every class, seeds, and what each sampler keeps of the originals."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import clone

from gan_imbalance.oversampling import DTWSMOTE, JitterSeriesSampler, SeriesSMOTE, TimeWarpSampler
from gan_imbalance.oversampling.series_controls import SeriesSampler
from gan_imbalance.types import InputError

EACH = pytest.mark.parametrize("sampler", [JitterSeriesSampler(), TimeWarpSampler(), SeriesSMOTE(), DTWSMOTE()])
SMOTES = pytest.mark.parametrize("smote", [SeriesSMOTE, DTWSMOTE])


def three_classes() -> tuple[np.ndarray, np.ndarray]:
    """Return 27 series of two channels, (27, 2, 25), in classes of 12, 9 and 6 that lie 100 apart."""
    y = np.repeat(["a", "b", "c"], [12, 9, 6])
    random = np.random.default_rng(0)
    X = random.normal(size=(27, 2, 25)) + 100 * np.repeat([0, 1, 2], [12, 9, 6])[:, None, None]
    return X.astype(np.float32), y


@EACH
def test_every_class_gets_its_number(sampler: SeriesSampler) -> None:
    X, y = three_classes()
    more, labels = clone(sampler).set_params(random_state=0).fit_resample(X, y)
    assert (more.dtype, more.shape[1:]) == (np.float32, (2, 25))
    assert np.array_equal(more[:27], X)
    assert np.array_equal(labels[:27], y)
    assert Counter(labels.tolist()) == {"a": 12, "b": 12, "c": 12}
    assert np.array_equal((more.mean(axis=(1, 2)) / 100).round(), np.searchsorted(["a", "b", "c"], labels))
    _, labels = clone(sampler).set_params(sampling_strategy={"c": 10}, random_state=0).fit_resample(X, y)
    assert Counter(labels.tolist()) == {"a": 12, "b": 9, "c": 10}
    _, labels = clone(sampler).set_params(sampling_strategy=0.9).fit_resample(X[:21], y[:21] == "a")
    assert Counter(labels.tolist()) == {True: 12, False: 10}


@EACH
def test_series_come_back_in_their_container(sampler: SeriesSampler) -> None:
    X, y = three_classes()
    frames = [pd.DataFrame(one.T, columns=["pulse", "pressure"]) for one in X]
    more, _ = clone(sampler).set_params(random_state=0).fit_resample(frames, y)
    expected, _ = clone(sampler).set_params(random_state=0).fit_resample(X, y)
    assert more[-1].columns.tolist() == ["pulse", "pressure"]
    assert np.array_equal(np.stack([frame.to_numpy().T for frame in more]), expected)


@EACH
def test_a_seed_makes_it_reproducible(sampler: SeriesSampler) -> None:
    X, y = three_classes()
    first, same, other = (clone(sampler).set_params(random_state=seed).fit_resample(X, y)[0][27:] for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)
    # no series is made twice
    assert len(np.unique(first, axis=0)) == len(first)


@EACH
@pytest.mark.parametrize("dtype", [np.float64, np.int16])
def test_rows_come_back_as_rows_of_their_dtype(sampler: SeriesSampler, dtype: type) -> None:
    X, y = three_classes()
    rows = (10 * X[:, 0]).astype(dtype)
    more, _ = clone(sampler).set_params(random_state=0).fit_resample(rows, y)
    assert (more.dtype, more.shape) == (dtype, (36, 25))
    assert np.array_equal(more[:27], rows)


@EACH
def test_what_is_missing_or_no_series_is_refused(sampler: SeriesSampler) -> None:
    X, y = three_classes()
    X[3, 0, 4] = np.nan
    with pytest.raises(InputError, match="Series 3 has a value that is missing"):
        clone(sampler).fit_resample(X, y)
    with pytest.raises(InputError, match="Time series are numbers of shape"):
        clone(sampler).fit_resample(X[None], y)
    with pytest.raises(InputError, match="got sample_weight, but takes X and y alone"):
        clone(sampler).fit_resample(X, y, sample_weight=np.ones(27))


@pytest.mark.parametrize("sampler", [JitterSeriesSampler(0), TimeWarpSampler(0)])
def test_without_any_change_they_copy(sampler: SeriesSampler) -> None:
    X, y = three_classes()
    more, _ = sampler.fit_resample(X, y)
    gaps = np.abs(more[27:, None] - X[None]).max(axis=(2, 3)).min(axis=1)
    assert gaps.max() < 1e-4


def test_noise_is_a_share_of_the_spread_of_the_channel_within_the_class() -> None:
    X, y = np.zeros((60, 2, 40)), np.repeat([0, 1], [50, 10])
    X[y == 1] = np.sqrt(2) * np.sin(np.arange(40) * np.pi / 20) * np.array([[1], [10]])
    X[y == 0] = 1e6
    more, _ = JitterSeriesSampler(0.1, random_state=0).fit_resample(X, y)
    noise = more[60:] - X[y == 1][0]
    np.testing.assert_allclose(noise.std(axis=(0, 2)), [0.1, 1.0], rtol=0.1)
    np.testing.assert_allclose(noise.mean(axis=(0, 2)) / [0.1, 1.0], 0, atol=0.1)


def test_warped_time_goes_forward_between_the_ends_for_all_channels_alike() -> None:
    time = np.linspace(0, 1, 50)
    X, y = np.stack([time, 1 - time])[None] + np.zeros((30, 1, 1)), np.repeat([0, 1], [25, 5])
    more, _ = TimeWarpSampler(0.5, random_state=0).fit_resample(X, y)
    first, second = more[30:, 0], more[30:, 1]
    assert np.all(np.diff(first) > 0)
    np.testing.assert_allclose(first[:, [0, -1]], np.broadcast_to([0, 1], (20, 2)), atol=1e-6)
    np.testing.assert_allclose(second, 1 - first, atol=1e-6)
    # early and late, and by how much does the deviation say
    early = (first - time)[:, 25]
    assert early.min() < -0.02 < 0.02 < early.max()
    mild, _ = TimeWarpSampler(0.05, random_state=0).fit_resample(X, y)
    assert np.abs(mild[30:, 0] - time).max() < np.abs(first - time).max() / 3


def test_smote_on_flattened_series_is_imbalanced_learns() -> None:
    X, y = three_classes()
    X, y = X[:21], y[:21]
    ours, _ = SeriesSMOTE(3, random_state=0).fit_resample(X, y)
    members, added = X[y == "b"].reshape(9, -1), ours[21:].reshape(3, -1)
    for row in added:
        # on the line between two members of which one is among the three nearest of the other
        ends = [
            (one, other)
            for one in range(9)
            for other in np.linalg.norm(members - members[one], axis=1).argsort()[1:4]
            if np.linalg.norm(row - members[one]) + np.linalg.norm(row - members[other])
            < np.linalg.norm(members[one] - members[other]) + 1e-3
        ]
        assert ends
    theirs, _ = SMOTE(k_neighbors=3, random_state=0).fit_resample(X.reshape(21, -1), y)
    assert theirs.shape == (24, 50)


def test_smote_along_a_path_keeps_a_bump_one_bump() -> None:
    bump = np.exp(-np.square(np.arange(60) - np.array([[20], [28]])) / 8)
    X, y = np.concatenate([np.zeros((30, 60)), bump]), np.repeat([0, 1], [30, 2])
    aligned, _ = DTWSMOTE(band=0.2, random_state=0).fit_resample(X, y)
    peaks = aligned[32:].argmax(axis=1)
    assert np.all((peaks >= 20) & (peaks <= 28))
    assert len(np.unique(peaks)) > 4
    assert np.all(aligned[32:].max(axis=1) > 0.9)
    pointwise, _ = SeriesSMOTE(random_state=0).fit_resample(X, y)
    assert pointwise[32:].max(axis=1).min() < 0.6


def test_without_a_band_the_path_is_the_line_of_smote() -> None:
    X = np.random.default_rng(0).normal(size=(12, 2, 20)).astype(np.float32)
    y = np.repeat([0, 1], [10, 2])
    more, _ = DTWSMOTE(band=0, random_state=0).fit_resample(X, y)
    shares = (more[12:] - X[10]) / (X[11] - X[10])
    np.testing.assert_allclose(
        shares, np.broadcast_to(np.median(shares, axis=(1, 2))[:, None, None], shares.shape), atol=1e-2
    )
    assert np.all((shares > -1e-2) & (shares < 1 + 1e-2))


def test_neighbours_are_found_by_warping() -> None:
    time = np.arange(40)
    near = np.exp(-np.square(time - np.array([[15], [18]])) / 2)
    # pointwise, a low constant is nearer to a bump than the same bump is three steps later
    X = np.concatenate([np.zeros((20, 40)), near, np.full((1, 40), 0.05)])
    y = np.repeat([0, 1], [20, 3])
    more, _ = DTWSMOTE(1, band=0.2, random_state=1).fit_resample(X, y)
    made = more[23:]
    assert np.sum(made.max(axis=1) > 0.8) > 8


@SMOTES
def test_a_class_of_one_is_refused(smote: type[SeriesSMOTE]) -> None:
    X, y = three_classes()
    with pytest.raises(InputError, match="one series, which has no neighbour"):
        smote().fit_resample(X[:10], np.arange(10) == 0)
    with pytest.raises(InputError, match="k_neighbors is 0"):
        smote(0).fit_resample(X, y)


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (JitterSeriesSampler(-0.1), r"noise is -0\.1: give a number of standard deviations"),
        (TimeWarpSampler(np.inf), "sigma is inf: give a number of standard deviations"),
        (TimeWarpSampler(knots=-1), "knots is -1: give a number of at least 0"),
        (DTWSMOTE(band=2), "band is 2: give a share of the length"),
    ],
)
def test_what_cannot_be_is_refused(sampler: SeriesSampler, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sampler.fit_resample(*three_classes())
