"""Dynamic time warping: how far two series are apart once their time axes may be stretched.

Sakoe and Chiba 1978 (https://doi.org/10.1109/TASSP.1978.1163055). The distance is the root of the least sum of squared
differences along a path through both series; time steps of all channels are aligned together. The path moves at most
``band`` of the length off the diagonal. All pairs are worked through at once, diagonal by diagonal, since the cells of
a diagonal do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gan_imbalance.metrics.distances import Series
from gan_imbalance.types import InputError

_CELLS_AT_ONCE = 2_000_000


class _Diagonal(NamedTuple):
    """The least sums on the way to the cells (i, total - i), for i from first to last, of all pairs.

    Attributes:
        first: the lowest i.
        last: the highest i; below the lowest, if the band leaves no cell.
        sums: (last - first + 1, *pairs).
    """

    first: int
    last: int
    sums: Tensor


def dtw_distances(series: Series, others: Series, band: float = 0.1) -> npt.NDArray[np.float32]:
    """Return the distance of every series to every other one, (n, m).

    Args:
        series: (n, channels, length).
        others: (m, channels, length).
        band: how far a path may leave the diagonal, as a share of the length, in [0, 1]; 0 is the Euclidean distance.

    Raises:
        InputError: if the band is out of range.
    """
    length = series.shape[2]
    radius = _radius(length, band)
    first, second = (torch.from_numpy(np.ascontiguousarray(one.transpose(2, 1, 0))) for one in (series, others))
    backwards = second.flip(0)
    at_once = max(1, _CELLS_AT_ONCE // ((radius + 1) * first.shape[1] * len(others)))
    distances = []
    for chunk in torch.split(first, at_once, dim=2):

        def costs(total: int, low: int, high: int, chunk: Tensor = chunk) -> Tensor:
            start = length - 1 - total
            gaps = chunk[low : high + 1, :, :, None] - backwards[start + low : start + high + 1, :, None]
            return gaps.square_().sum(dim=1)

        *_, end = _diagonals(length, radius, (chunk.shape[2], len(others)), costs)
        distances.append(end.sums[0].sqrt())
    return torch.cat(distances).numpy()


def dtw_paths(series: Series, others: Series, band: float = 0.1) -> list[npt.NDArray[np.int64]]:
    """Return the best path of each pair of series, (steps, 2) each: the time steps of the first and of the second.

    Args:
        series: (n, channels, length).
        others: the other series of each pair, (n, channels, length).
        band: how far a path may leave the diagonal, as a share of the length, in [0, 1].

    Raises:
        InputError: if the band is out of range.
    """
    count, _, length = series.shape
    radius = _radius(length, band)
    at_once = max(1, _CELLS_AT_ONCE // length**2)
    paths: list[npt.NDArray[np.int64]] = []
    for begin in range(0, count, at_once):
        pairs = slice(begin, begin + at_once)
        first, second = (torch.from_numpy(np.ascontiguousarray(one[pairs].T)) for one in (series, others))
        backwards = second.flip(0)

        def costs(total: int, low: int, high: int, first: Tensor = first, backwards: Tensor = backwards) -> Tensor:
            start = length - 1 - total
            return (first[low : high + 1] - backwards[start + low : start + high + 1]).square_().sum(dim=1)

        # by cell (i + 1, j + 1), so that those before the first have a place
        sums = torch.full((length + 1, length + 1, first.shape[2]), torch.inf)
        for total, diagonal in enumerate(_diagonals(length, radius, (first.shape[2],), costs)):
            rows = torch.arange(diagonal.first, diagonal.last + 1)
            sums[rows + 1, total - rows + 1] = diagonal.sums
        paths += _trace(sums.numpy())
    return paths


def _trace(sums: npt.NDArray[np.float32]) -> list[npt.NDArray[np.int64]]:
    """Return the paths that lead to the last cells, from sums (length + 1, length + 1, pairs) along the way."""
    pairs = np.arange(sums.shape[2])
    i, j = (np.full(len(pairs), sums.shape[0] - 1) for _ in range(2))
    visited = [(i, j)]
    while (i + j > 2).any():
        # of equal ways the diagonal one; what is at the beginning stays there
        before = np.stack([sums[i - 1, j - 1, pairs], sums[i - 1, j, pairs], sums[i, j - 1, pairs]])
        step, moves = before.argmin(axis=0), i + j > 2
        i, j = i - (moves & (step != 2)), j - (moves & (step != 1))
        visited.append((i, j))
    steps = np.array(visited)[::-1] - 1
    first_steps = (steps.sum(axis=1) == 0).sum(axis=0) - 1
    return [steps[first:, :, pair] for pair, first in enumerate(first_steps)]


def _diagonals(
    length: int, radius: int, pairs: tuple[int, ...], costs: Callable[[int, int, int], Tensor]
) -> Iterator[_Diagonal]:
    """Yield the least sums diagonal by diagonal; each is overwritten three diagonals later.

    Args:
        length: of both series.
        radius: how many steps a path may be off the diagonal.
        pairs: shape of the pairs.
        costs: returns the costs of the cells (i, total - i) for i from first to last, (last - first + 1, *pairs).
    """
    # of the diagonal two before, of the one before, and of this one, by i + 1, with infinity around the cells
    before, last, now = (torch.full((length + 2, *pairs), torch.inf) for _ in range(3))
    before[0] = 0
    for total in range(2 * length - 1):
        low = max(0, total - length + 1, (total - radius + 1) // 2)
        high = min(length - 1, total, (total + radius) // 2)
        # a path comes from (i - 1, j - 1), (i - 1, j) or (i, j - 1)
        best = torch.minimum(before[low : high + 1], torch.minimum(last[low : high + 1], last[low + 1 : high + 2]))
        sums = now[low + 1 : high + 2].copy_(best.add_(costs(total, low, high)))
        now[low] = now[high + 2] = torch.inf
        yield _Diagonal(low, high, sums)
        before, last, now = last, now, before


def _radius(length: int, band: float) -> int:
    """Return a band in time steps.

    Raises:
        InputError: if it is out of range.
    """
    if not 0 <= band <= 1:
        raise InputError(f"band is {band}: give a share of the length, from 0 to 1.")
    return round(band * length)
