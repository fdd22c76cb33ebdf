"""Whether synthetic rows give away the training rows.

Distances are Euclidean between numeric rows, standardised by the training rows' mean and deviation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_imbalance.types import InputError

Rows = Tensor | np.ndarray[Any, Any]
"""Numeric rows ``(n, d)``, encoded alike and without missing values."""

_CHUNK_ELEMENTS = 10_000_000
_ROUNDING = 1e-5


def exact_copies(synthetic: Rows, training: Rows) -> float:
    """Return the share of synthetic rows that equal a training row, in [0, 1].

    Rows nearer than 1e-5 deviations are equal: that much can be lost in encoding them as float32.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    synthetic, training = _standardise(training, synthetic, training)
    return float((_nearest_distance(synthetic, training) < _ROUNDING).double().mean())


def closest_record_share(synthetic: Rows, training: Rows, holdout: Rows) -> float:
    """Return the share of synthetic rows nearer to a training row than to any held-out row, in [0, 1].

    Rows equally near to both count half. A generator that learned the distribution, not the rows, has a
    share of 0.5, if ``training`` and ``holdout`` are equally many: give equal numbers.

    References:
        Platzer & Reutterer (2021), Holdout-Based Empirical Assessment of Mixed-Type Synthetic Data,
        https://arxiv.org/abs/2104.00635

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    synthetic, training, holdout = _standardise(training, synthetic, training, holdout)
    margin = _nearest_distance(synthetic, holdout) - _nearest_distance(synthetic, training)
    return float((margin.sign().double() + 1).mean() / 2)


def _standardise(reference: Rows, *groups: Rows) -> list[Tensor]:
    """Return every group in units of the reference's deviation; a constant column keeps its unit."""
    # In single precision cdist's matrix products lose the digits that tell a copy from a neighbour.
    scale, *tensors = [torch.as_tensor(rows).detach().double() for rows in (reference, *groups)]
    for rows in tensors:
        if not len(rows) or rows.shape[1] != scale.shape[1] or not rows.isfinite().all():
            raise InputError(
                "Rows to compare must be non-empty, equally wide and finite: encode all with one transformer."
            )
    deviation = scale.std(dim=0, correction=0)
    deviation = torch.where(deviation > 0, deviation, 1.0)
    return [(rows - scale.mean(dim=0)) / deviation for rows in tensors]


def _nearest_distance(rows: Tensor, reference: Tensor) -> Tensor:
    """Return every row's distance to the nearest reference row, ``(n,)``, in chunks that fit into memory."""
    chunks = torch.split(rows, max(1, _CHUNK_ELEMENTS // len(reference)))
    return torch.cat([torch.cdist(chunk, reference).amin(dim=1) for chunk in chunks])
