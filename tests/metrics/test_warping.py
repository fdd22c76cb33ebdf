"""Distances and paths are those of a plain loop over the cells."""

from __future__ import annotations

import numpy as np
import pytest

from gan_imbalance.metrics import warping
from gan_imbalance.metrics.warping import dtw_distances, dtw_paths
from gan_imbalance.types import InputError

RANDOM = np.random.default_rng(0)
ONE, OTHER = (RANDOM.normal(size=(n, 2, 13)).astype(np.float32) for n in (4, 5))


def by_loop(x: np.ndarray, y: np.ndarray, radius: int) -> float:
    """Return the distance of two series, (channels, length), cell by cell."""
    length = x.shape[1]
    sums = np.full((length + 1, length + 1), np.inf)
    sums[0, 0] = 0
    for i in range(length):
        for j in range(length):
            if abs(i - j) <= radius:
                cost = ((x[:, i] - y[:, j]) ** 2).sum()
                sums[i + 1, j + 1] = cost + min(sums[i, j], sums[i, j + 1], sums[i + 1, j])
    return float(np.sqrt(sums[-1, -1]))


@pytest.mark.parametrize("band", [0.0, 0.1, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("at_once", [2_000_000, 40])
def test_distances_equal_those_of_a_loop(band: float, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warping, "_CELLS_AT_ONCE", at_once)
    expected = [[by_loop(x, y, round(band * 13)) for y in OTHER] for x in ONE]
    np.testing.assert_allclose(dtw_distances(ONE, OTHER, band), expected, rtol=1e-5)


def test_without_a_band_it_is_the_euclidean_distance() -> None:
    expected = np.linalg.norm(ONE[:, None] - OTHER[None], axis=(2, 3))
    np.testing.assert_allclose(dtw_distances(ONE, OTHER, 0), expected, rtol=1e-5)


def test_a_shift_costs_nothing_within_the_band() -> None:
    bump = np.exp(-np.square(np.arange(40) - 15.0))[None, None].astype(np.float32)
    late = np.roll(bump, 5, axis=2)
    assert dtw_distances(bump, late, 0.2)[0, 0] == pytest.approx(0, abs=1e-3)
    assert dtw_distances(bump, late, 0.05)[0, 0] > 0.5


@pytest.mark.parametrize("band", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("at_once", [2_000_000, 400])
def test_a_path_is_allowed_and_as_short_as_the_distance(
    band: float, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warping, "_CELLS_AT_ONCE", at_once)
    pairs = OTHER[:4]
    expected = np.diagonal(dtw_distances(ONE, pairs, band))
    paths = dtw_paths(ONE, pairs, band)
    assert len(paths) == 4
    for x, y, path, distance in zip(ONE, pairs, paths, expected, strict=True):
        assert (path[0].tolist(), path[-1].tolist()) == ([0, 0], [12, 12])
        assert {tuple(step) for step in np.diff(path, axis=0)} <= {(1, 1), (1, 0), (0, 1)}
        assert np.abs(path[:, 0] - path[:, 1]).max() <= round(band * 13)
        assert np.sqrt(np.square(x[:, path[:, 0]] - y[:, path[:, 1]]).sum()) == pytest.approx(distance, rel=1e-5)


def test_a_band_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match=r"band is 1\.5: give a share of the length"):
        dtw_distances(ONE, OTHER, 1.5)
