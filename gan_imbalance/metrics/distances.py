"""Distances between encoded rows, in chunks that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_imbalance.types import InputError

Matrix = Tensor | np.ndarray[Any, Any]
"""Numeric rows ``(n, d)``, encoded alike and without missing values."""

Series = np.ndarray[Any, np.dtype[np.float32]]
"""Time series ``(n, channels, length)``, equally long and without missing values."""

_ROUNDING = 1e-6
_CHUNK_ELEMENTS = 10_000_000


def as_matrices(*groups: Matrix) -> list[Tensor]:
    """Return every group of rows as double precision, on the device it lies on.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    # In single precision cdist's matrix products lose the digits that tell a copy from a neighbour.
    tensors = [torch.as_tensor(rows).detach().double() for rows in groups]
    for rows in tensors:
        if not len(rows) or rows.shape[1] != tensors[0].shape[1] or not rows.isfinite().all():
            raise InputError(
                "Rows to compare must be non-empty, equally wide and finite: encode all with one transformer."
            )
    return tensors


def as_series(X: Any) -> Series:
    """Return time series as float32, (n, channels, length); rows (n, length) become series of one channel.

    Raises:
        InputError: if there are none, they have another form, fewer than two time steps, or a value is not finite.
    """
    numbers = np.asarray(X, dtype=np.float32)
    series = numbers[:, None] if numbers.ndim == 2 else numbers
    if series.ndim != 3 or not series.size or series.shape[2] < 2:
        raise InputError(
            f"Time series are numbers of shape (n, channels, length) or (n, length), n above 0 and a length of at "
            f"least 2, but X has shape {numbers.shape}: bring it to that form."
        )
    if not np.isfinite(series).all():
        first = int(np.flatnonzero(~np.isfinite(series).all(axis=(1, 2)))[0])
        raise InputError(
            f"Series {first} has a value that is missing or infinite: fill it in, or leave the series out."
        )
    return series


def like_series(X: Any, shape: Sequence[int]) -> Series:
    """Return time series of a shape, (channels, length), as float32.

    Raises:
        InputError: if they are none, or of another shape.
    """
    series = as_series(X)
    if series.shape[1:] != tuple(shape):
        given, known = (f"{channels} channels and length {length}" for channels, length in (series.shape[1:], shape))
        raise InputError(f"Series of {given} were given where those of {known} were learned: bring them to that form.")
    return series


def alike(real: Any, synthetic: Any) -> tuple[Series, Series]:
    """Return real and synthetic time series as float32, (n, channels, length) and (m, channels, length).

    Raises:
        InputError: if they are none, or of different shapes.
    """
    first = as_series(real)
    return first, like_series(synthetic, first.shape[1:])


def channel_scale(series: Series) -> tuple[Series, Series]:
    """Return mean and standard deviation of every channel over all series and time steps, (channels, 1) each.

    A constant channel has a deviation of 1, so that both can standardise.
    """
    values = series.astype(np.float64)
    mean, deviation = (
        of_channels.reshape(-1, 1).astype(np.float32) for of_channels in (values.mean((0, 2)), values.std((0, 2)))
    )
    # what rounding leaves of a constant
    return mean, np.where(deviation > _ROUNDING * np.abs(mean), deviation, np.float32(1))


def standardise(reference: Matrix, *groups: Matrix) -> list[Tensor]:
    """Return every group in units of the reference's deviation; a constant column keeps its unit.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    scale, *tensors = as_matrices(reference, *groups)
    deviation = scale.std(dim=0, correction=0)
    deviation = torch.where(deviation > 0, deviation, 1.0)
    return [(rows - scale.mean(dim=0)) / deviation for rows in tensors]


def nearest(rows: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """Return every row's Euclidean distance to the nearest reference row, and that row's position, ``(n,)`` each."""
    found = [torch.cdist(chunk, reference).min(dim=1) for chunk in _chunks(rows, reference)]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


def nearest_distances(rows: Tensor, reference: Tensor) -> Tensor:
    """Return every row's Euclidean distance to the nearest reference row, ``(n,)``."""
    return nearest(rows, reference)[0]


def neighbour_radii(rows: Tensor, k: int) -> Tensor:
    """Return every row's Euclidean distance to its ``k``-th nearest other row, ``(n,)``, for n > k."""
    radii = [block.kthvalue(k + 1, dim=1).values for block in exact_distances(rows, rows)]
    return torch.cat(radii)


def exact_distances(rows: Tensor, reference: Tensor) -> Iterator[Tensor]:
    """Yield chunks of the Euclidean distances ``(n, m)``, by rows; equal rows are exactly 0 apart."""
    for chunk in _chunks(rows, reference):
        yield torch.cdist(chunk, reference, compute_mode="donot_use_mm_for_euclid_dist")


def _chunks(rows: Tensor, reference: Tensor) -> tuple[Tensor, ...]:
    return torch.split(rows, max(1, _CHUNK_ELEMENTS // len(reference)))
