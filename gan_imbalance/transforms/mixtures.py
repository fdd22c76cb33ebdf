"""Gaussian mixtures of many columns at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gan_imbalance.transforms.dtypes import Floats

_STEPS = 100
_KNOTS = 400
_COLUMNS_AT_ONCE = 16
_MODE_COUNTS = (1, 2, 3, 5, 7, 10)
_LEAST_WEIGHT = 0.005
# of the standard deviation of a normal column with the same middle half; and no mode is narrower than what lies
# between two values of a column of few
_LEAST_DEVIATION = 0.01
_QUARTILE_RANGE = 1.349


class Mixture(NamedTuple):
    """A one-dimensional Gaussian mixture: weights, means and standard deviations, each (modes,), by mean."""

    weights: Floats
    means: Floats
    deviations: Floats

    def likeliest(self, values: Floats) -> npt.NDArray[np.intp]:
        """Return the mode that every value belongs to most probably, shape (n,)."""
        distances = (values[:, None] - self.means) / self.deviations
        likeliest: npt.NDArray[np.intp] = (np.log(self.weights / self.deviations) - 0.5 * distances**2).argmax(axis=1)
        return likeliest


def fit_mixtures(columns: list[Floats], max_modes: int = 10) -> list[Mixture]:
    """Fit a Gaussian mixture to every column.

    Expectation-maximisation on 400 quantiles of each column, all columns and all numbers of modes (1, 2, 3, 5, 7,
    10) at once; per column the number with the best Bayesian information criterion wins, and modes lighter than
    0.005 are dropped (CTGAN's threshold, https://arxiv.org/abs/1907.00503, section 4.2).

    Args:
        columns: sorted values of each column, (values,) with at least two different ones.
        max_modes: most modes of a column.
    """
    parts = [columns[start : start + _COLUMNS_AT_ONCE] for start in range(0, len(columns), _COLUMNS_AT_ONCE)]
    return [mixture for part in parts for mixture in _fit(part, max_modes)]


def _fit(columns: list[Floats], max_modes: int) -> list[Mixture]:
    sizes = np.array([min(len(column), _KNOTS) for column in columns])
    knots = np.stack([column[np.linspace(0, len(column) - 1, _KNOTS).round().astype(np.intp)] for column in columns])
    lower, centre, upper = np.quantile(knots, (0.25, 0.5, 0.75), axis=1)
    scale = np.where(upper > lower, (upper - lower) / _QUARTILE_RANGE, knots.std(axis=1))
    x = (knots - centre[:, None]) / scale[:, None]
    counts = np.array([count for count in _MODE_COUNTS if count <= max_modes])
    gaps = np.diff(knots, axis=1)
    gap = np.array([np.median(row[row > 0]) for row in gaps])
    least = np.maximum(gap / scale, _LEAST_DEVIATION)
    weights, means, deviations, likelihood = _expectation_maximisation(x, counts, least[:, None, None])
    criterion = 2 * sizes[:, None] * likelihood - (3 * counts - 1) * np.log(sizes)[:, None]
    mixtures = []
    for i, best in enumerate(criterion.argmax(axis=1)):
        kept = np.flatnonzero(weights[i, best] >= _LEAST_WEIGHT)
        kept = kept[means[i, best, kept].argsort()]
        share = weights[i, best, kept] / weights[i, best, kept].sum()
        mixtures.append(
            Mixture(share, means[i, best, kept] * scale[i] + centre[i], deviations[i, best, kept] * scale[i])
        )
    return mixtures


def _expectation_maximisation(
    x: Floats, counts: npt.NDArray[np.int64], least: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return weights, means and deviations, (columns, candidates, modes), and the mean log-likelihood per knot.

    ``x`` are the knots, (columns, knots), ``counts`` the modes of every candidate, ``least`` the least deviation of
    every column, (columns, 1, 1). A candidate starts with modes of equal weight at the middles of as many equal parts
    of the values.
    """
    modes = counts.max()
    knots = x.shape[1]
    # the quantile that every mode of every candidate starts at, and where its part ends
    start = (np.arange(modes) + 0.5) / counts[:, None]
    absent = start > 1
    at = (np.minimum(start, 1) * (knots - 1)).round().astype(np.intp)
    half = (0.5 / counts[:, None] * (knots - 1)).astype(np.intp)
    means = x[:, at]
    spread = x[:, np.minimum(at + half, knots - 1)] - x[:, np.maximum(at - half, 0)]
    deviations = np.maximum(spread / np.sqrt(12), least)
    weights = np.broadcast_to(np.where(absent, 0, 1 / counts[:, None]), means.shape)
    # 1, x and x² of every knot: expectations and logits are products with them
    powers = x[:, None, :, None] ** np.arange(3)
    for _ in range(_STEPS):
        with np.errstate(divide="ignore"):
            constants = np.log(weights) - np.log(deviations) - 0.5 * (means / deviations) ** 2
        factors = np.stack([constants, means / deviations**2, -0.5 / deviations**2], axis=2)
        # an absent mode's constant is -inf, and 0 times that would be undefined
        shares = powers @ np.maximum(factors, -1e300)
        largest = shares.max(axis=-1, keepdims=True)
        np.exp(np.subtract(shares, largest, out=shares), out=shares)
        total = shares.sum(axis=-1, keepdims=True)
        likelihood = (largest + np.log(total)).mean(axis=(2, 3))
        shares /= total
        mass, first, second = np.moveaxis(shares.swapaxes(2, 3) @ powers, -1, 0)
        weights = mass / knots
        mass = np.maximum(mass, 1e-9)
        means = first / mass
        deviations = np.sqrt(np.maximum(second / mass - means**2, least**2))
    return weights, means, deviations, likelihood - 0.5 * np.log(2 * np.pi)
