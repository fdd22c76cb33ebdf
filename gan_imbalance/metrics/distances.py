"""Distances between encoded rows, in chunks that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_imbalance.types import InputError

Matrix = Tensor | np.ndarray[Any, Any]
"""Numeric rows ``(n, d)``, encoded alike and without missing values."""

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


def standardise(reference: Matrix, *groups: Matrix) -> list[Tensor]:
    """Return every group in units of the reference's deviation; a constant column keeps its unit.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    scale, *tensors = as_matrices(reference, *groups)
    deviation = scale.std(dim=0, correction=0)
    deviation = torch.where(deviation > 0, deviation, 1.0)
    return [(rows - scale.mean(dim=0)) / deviation for rows in tensors]


def nearest_distances(rows: Tensor, reference: Tensor) -> Tensor:
    """Return every row's Euclidean distance to the nearest reference row, ``(n,)``."""
    return torch.cat([torch.cdist(chunk, reference).amin(dim=1) for chunk in _chunks(rows, reference)])


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
