"""Whatever has an order, as at most one continuous feature and one block of states.

The states of a column are those of its continuous values (one, or the modes of their distribution), one for each
point mass (a value that far more rows hold than the values beside it, such as the zeros of a day count), and one for
missing values. A network thus generates missing values and point masses as it generates categories: at their rate, and
depending on the other columns. With a single state there is no block.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from gan_imbalance.transforms.codecs import ValueCodec, codec_from_state, codec_to_state
from gan_imbalance.transforms.dtypes import Encoded, Floats
from gan_imbalance.transforms.levels import Unknown, refuse_missing
from gan_imbalance.transforms.mixtures import fit_mixtures
from gan_imbalance.types import Span

NumericTransform = Literal["quantile", "standard", "minmax", "modes"]
States = npt.NDArray[np.intp]

_MAX_KNOTS = 1000
# a point mass: at least this share of the rows, this many of them, and this many times the rows of the values beside it
_MASS_SHARE = 0.02
_MASS_ROWS = 10
_MASS_RATIO = 3
_MAX_MASSES = 16
# a column of few values in many rows each is nothing but point masses
_FEW_VALUES = 32
_ROWS_PER_VALUE = 50
# CTGAN's, section 4.2
_DEVIATIONS = 4
# numbers below 2**-900 are multiplied by a power of two, since the slopes between them would be infinite
_TINY = 900


class ContinuousMap(Protocol):
    """Continuous numbers to (state, feature) and back."""

    @property
    def encoding(self) -> Literal["linear", "tanh"]:
        """Return the encoding of the feature."""

    @property
    def states(self) -> int:
        """Return how many states share the feature."""

    @property
    def neutral(self) -> float:
        """Return the feature where there is no continuous value."""

    def encode(self, numbers: Floats) -> tuple[States, Floats]:
        """Return the state and the feature of every number, each (n,)."""

    def decode(self, states: States, features: Floats) -> Floats:
        """Return the number of every state and feature, (n,)."""


@dataclass(frozen=True)
class PiecewiseMap:
    """A monotone piecewise-linear map from ``values`` to ``positions``, both of shape (knots,).

    ``quantile``: to a standard normal; ``standard``: to zero mean and unit variance; ``minmax``: to [-1, 1].
    """

    transform: NumericTransform
    values: Tensor
    positions: Tensor
    neutral: float

    states: ClassVar[int] = 1

    @classmethod
    def fit(cls, values: Floats, transform: NumericTransform) -> Self:
        """Learn the map of sorted ``values``, (n,)."""
        ends = values[[0, -1]]
        knots, positions = ends, np.array([-1.0, 1.0])
        if transform == "quantile":
            ranks, knots = _quantiles(values)
            positions = torch.special.ndtri(torch.from_numpy((ranks + 0.5) / values.size)).numpy()
        elif transform == "standard" and ends[0] < ends[1]:
            centre = values.mean()
            reach = np.abs(ends - centre).max()
            # squares of the smallest numbers are 0
            positions = (ends - centre) / (values.std() or reach * ((values - centre) / reach).std())
        median = _interpolate(np.array([np.median(values)]), knots, positions)
        return cls(transform, torch.from_numpy(knots), torch.from_numpy(positions), float(median[0]))

    @property
    def encoding(self) -> Literal["linear", "tanh"]:
        """Return the encoding of the feature."""
        return "tanh" if self.transform == "minmax" else "linear"

    def encode(self, numbers: Floats) -> tuple[States, Floats]:
        """Return state 0 and the feature of every number."""
        return np.zeros(len(numbers), dtype=np.intp), _interpolate(numbers, self.values.numpy(), self.positions.numpy())

    def decode(self, states: States, features: Floats) -> Floats:
        """Return the number of every feature."""
        numbers: Floats = np.interp(features, self.positions.numpy(), self.values.numpy())
        return numbers


@dataclass(frozen=True)
class ModesMap:
    """Mode-specific normalisation (CTGAN, https://arxiv.org/abs/1907.00503, section 4.2).

    A number belongs to its likeliest mode of a Gaussian mixture; its feature is its distance to that mode's mean in
    four standard deviations, or in the largest distance that the mode has to bridge, so that nothing is cut off.
    (CTGAN draws the mode by its probability, and cuts off.)

    Attributes:
        means: of the modes, (modes,).
        scales: what a feature of 1 stands for, (modes,).
        edges: numbers between which the likeliest mode is the same, (cells - 1,).
        modes: that mode, (cells,).
    """

    means: Tensor
    scales: Tensor
    edges: Tensor
    modes: Tensor

    encoding: ClassVar[Literal["linear", "tanh"]] = "tanh"
    neutral: ClassVar[float] = 0.0

    @classmethod
    def fit_all(cls, columns: list[Floats]) -> list[Self]:
        """Learn the maps of the sorted values of many columns at once."""
        maps = []
        for values, mixture in zip(columns, fit_mixtures(columns), strict=True):
            knots = np.unique(values[_ranks(values.size)])
            likeliest = mixture.likeliest(knots)
            changes = np.flatnonzero(np.diff(likeliest))
            edges = (knots[changes] + knots[changes + 1]) / 2
            # a mode that is nowhere the likeliest is none
            kept, cells = np.unique(likeliest[np.append(changes, len(knots) - 1)], return_inverse=True)
            means, scales = mixture.means[kept], _DEVIATIONS * mixture.deviations[kept]
            starts = np.searchsorted(values, edges, side="right")
            for ends in (values[np.append(0, starts)], values[np.append(starts, 0) - 1]):
                np.maximum.at(scales, cells, np.abs(ends - means[cells]))
            maps.append(cls(*(torch.from_numpy(part) for part in (means, scales, edges, cells))))
        return maps

    @property
    def states(self) -> int:
        """Return the number of modes."""
        return len(self.means)

    def encode(self, numbers: Floats) -> tuple[States, Floats]:
        """Return the mode of every number, and its feature in [-1, 1]."""
        modes = self.modes.numpy()[np.searchsorted(self.edges.numpy(), numbers)]
        features = (numbers - self.means.numpy()[modes]) / self.scales.numpy()[modes]
        return modes, np.clip(features, -1, 1)

    def decode(self, states: States, features: Floats) -> Floats:
        """Return the number of every mode and feature."""
        numbers: Floats = self.means.numpy()[states] + np.clip(features, -1, 1) * self.scales.numpy()[states]
        return numbers


@dataclass(frozen=True)
class NumericColumn:
    """A column that has an order (see the module).

    Attributes:
        name: of the column.
        codec: its values as numbers, and back.
        log: whether continuous numbers first pass sign(x) · log(1 + |x|).
        map: of the continuous numbers; None if there are none.
        point_masses: sorted, (point_masses,).
        fill: number that stands for a missing value where none was missing when fitted.
        missing: whether values were missing.
    """

    name: str
    codec: ValueCodec
    log: bool
    map: ContinuousMap | None
    point_masses: Tensor
    fill: float
    missing: bool

    type: ClassVar[str] = "numeric"

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the column that :meth:`to_state` described."""
        fields = {key: value for key, value in state.items() if key != "type"}
        if state["map"]:
            parts = {key: value for key, value in state["map"].items() if key != "type"}
            fields["map"] = _MAPS[state["map"]["type"]](**parts)
        return cls(**{**fields, "codec": codec_from_state(state["codec"])})

    def to_state(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        map_state = {"type": type(self.map).__name__, **vars(self.map)} if self.map else None
        return {"type": self.type, **vars(self), "codec": codec_to_state(self.codec), "map": map_state}

    @property
    def _continuous(self) -> int:
        return self.map.states if self.map else 0

    @property
    def _block(self) -> int:
        """Return the width of the block of states."""
        states = self._continuous + len(self.point_masses) + self.missing
        return states if states > 1 else 0

    @property
    def width(self) -> int:
        """Return the number of features."""
        return int(self.map is not None) + self._block

    def spans(self, start: int) -> list[Span]:
        """Return the spans of the features, the first of which is ``start``."""
        spans = [Span(self.name, self.map.encoding, start, 1)] if self.map else []
        return spans + ([Span(self.name, "categorical", start + len(spans), self._block)] if self._block else [])

    def encode(self, column: pd.Series[Any], unknown: Unknown) -> list[Encoded]:
        """Return the features of n values, then their states, as far as there are spans for them.

        Numbers outside the fitted range are clipped to it; where all known values are point masses, others become the
        nearest.

        Raises:
            InputError: if a value cannot be read, or is missing where none was and ``unknown`` is "error".
        """
        numbers = self.codec.numbers(column, unknown)
        missing = np.isnan(numbers)
        if missing.any() and not self.missing:
            if unknown == "error":
                raise refuse_missing(self.name)
            missing, numbers = np.zeros_like(missing), np.where(missing, self.fill, numbers)
        encoded: list[Encoded] = []
        states = np.full(len(numbers), self._continuous + len(self.point_masses), dtype=np.intp)
        present = ~missing
        if len(self.point_masses):
            nearest, is_mass = self._nearest_mass(numbers)
            chosen = present & is_mass
            states[chosen] = self._continuous + nearest[chosen]
            present &= ~is_mass
        if self.map:
            known = numbers if present.all() else np.where(present, numbers, self.fill)
            continuous, features = self.map.encode(_log(known) if self.log else known)
            states[present] = continuous[present]
            encoded.append(np.where(present, features, self.map.neutral).astype(np.float32))
        return [*encoded, states] if self._block else encoded

    def decode(self, encoded: Sequence[Encoded], rows: int, random: np.random.Generator) -> pd.Series[Any]:
        """Return the n values of what :meth:`encode` returns."""
        del random  # nothing is drawn
        states = encoded[-1].astype(np.intp) if self._block else np.zeros(rows, dtype=np.intp)
        numbers = np.full(rows, np.nan)
        if self.map:
            clipped = np.minimum(states, self._continuous - 1)
            numbers = self.map.decode(clipped, encoded[0].astype(np.float64))
            numbers = _exp(numbers) if self.log else numbers
        # after the continuous states come the point masses, then missing
        fixed = np.append(self.point_masses.numpy(), np.nan)
        discrete = states >= self._continuous
        numbers[discrete] = fixed[states[discrete] - self._continuous]
        return self.codec.series(numbers)

    def _nearest_mass(self, numbers: Floats) -> tuple[States, npt.NDArray[np.bool_]]:
        """Return the nearest point mass of every number, and whether the number is that point mass."""
        point_masses = self.point_masses.numpy()
        nearest = np.searchsorted((point_masses[:-1] + point_masses[1:]) / 2, numbers)
        nearest = np.minimum(nearest, len(point_masses) - 1)
        return nearest, (point_masses[nearest] == numbers) | (self.map is None)


class _Prepared(NamedTuple):
    """A column's point masses, the sorted rest, the median of both, and whether values are missing."""

    point_masses: Floats
    rest: Floats
    fill: float
    missing: bool


def fit_numeric(
    columns: Mapping[str, tuple[pd.Series[Any], ValueCodec]],
    transform: NumericTransform,
    log_columns: Collection[str],
    point_masses: bool,
) -> dict[str, NumericColumn]:
    """Learn columns that have an order.

    Args:
        columns: values and form of every column, by name.
        transform: of the continuous numbers.
        log_columns: names of the columns whose continuous numbers first pass sign(x) · log(1 + |x|).
        point_masses: whether to look for point masses.
    """
    prepared = [_prepare(*column, name in log_columns, point_masses) for name, column in columns.items()]
    varying = [part.rest for part in prepared if part.rest.size]
    maps: Iterator[ContinuousMap] = (
        iter(ModesMap.fit_all(varying))
        if transform == "modes"
        else (PiecewiseMap.fit(rest, transform) for rest in varying)
    )
    return {
        name: NumericColumn(
            name=name,
            codec=codec,
            log=name in log_columns,
            map=next(maps) if part.rest.size else None,
            point_masses=torch.from_numpy(part.point_masses),
            fill=part.fill,
            missing=part.missing,
        )
        for (name, (_, codec)), part in zip(columns.items(), prepared, strict=True)
    }


def _prepare(column: pd.Series[Any], codec: ValueCodec, log: bool, point_masses: bool) -> _Prepared:
    numbers = codec.numbers(column)
    present = np.sort(numbers[~np.isnan(numbers)])
    values, counts = np.unique(present, return_counts=True)
    is_mass = _are_point_masses(counts) if point_masses else np.zeros(len(values), dtype=np.bool_)
    # a single value left has no distribution
    is_mass |= np.count_nonzero(~is_mass) == 1
    rest = present[np.repeat(~is_mass, counts)]
    rest = _log(rest) if log else rest
    fill = float(np.median(present)) if present.size else np.nan
    return _Prepared(values[is_mass], rest, fill, present.size < numbers.size)


def _are_point_masses(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which values, of whose rows in ascending order there are ``counts``, stand out; shape (values,).

    All of them, where there are at most 32 with 50 rows each on average. Otherwise, at most 16 that 2 % of the
    rows hold, and at least 10 rows, and at least three times as many as the median of the two values on either side.
    """
    rows = counts.sum()
    if len(counts) <= _FEW_VALUES and rows >= _ROWS_PER_VALUE * len(counts):
        return np.ones(len(counts), dtype=np.bool_)
    is_mass = np.zeros(len(counts), dtype=np.bool_)
    frequent = np.flatnonzero(counts >= max(_MASS_ROWS, _MASS_SHARE * rows))
    if len(counts) > 2 and frequent.size:
        around = np.pad(counts, 2, mode="reflect")[frequent[:, None] + np.array([0, 1, 3, 4])]
        frequent = frequent[counts[frequent] >= _MASS_RATIO * np.median(around, axis=1)]
        is_mass[frequent[np.argsort(-counts[frequent], kind="stable")[:_MAX_MASSES]]] = True
    return is_mass


def _ranks(size: int) -> States:
    """Return the ranks of at most 1000 evenly spaced of ``size`` sorted values."""
    return np.unique(np.linspace(0, size - 1, min(size, _MAX_KNOTS)).round().astype(np.intp))


def _quantiles(values: Floats) -> tuple[Floats, Floats]:
    """Return at most 1000 evenly spaced quantiles of sorted values, and their ranks, which may lie between two values.

    All but the ends are means of two neighbours, of which no other is made, so that they tell no row's value.
    """
    last = values.size - 1
    pairs = (last - 1) // 2
    lower = 1 + 2 * np.linspace(0, pairs - 1, min(pairs, _MAX_KNOTS - 2)).round().astype(np.intp)
    ranks = np.concatenate([[0.0], lower + 0.5, [last]])
    means = values[lower] / 2 + values[lower + 1] / 2
    return ranks, np.concatenate([values[:1], means, values[-1:]])


def _interpolate(numbers: Floats, values: Floats, positions: Floats) -> Floats:
    """Return the positions of ``numbers``; one that several knots share gets the middle of theirs."""
    exponent = -int(np.frexp(np.abs(values[[0, -1]]).max())[1])
    if exponent > _TINY:
        numbers, values = (np.ldexp(part, exponent) for part in (np.clip(numbers, *values[[0, -1]]), values))
    highest = np.interp(numbers, values, positions)
    lowest = -np.interp(-numbers, -values[::-1], -positions[::-1])
    middle: Floats = (highest + lowest) / 2
    return middle


def _log(numbers: Floats) -> Floats:
    signed: Floats = np.sign(numbers) * np.log1p(np.abs(numbers))
    return signed


def _exp(numbers: Floats) -> Floats:
    signed: Floats = np.sign(numbers) * np.expm1(np.abs(numbers))
    return signed


_MAPS: dict[str, type[PiecewiseMap] | type[ModesMap]] = {"PiecewiseMap": PiecewiseMap, "ModesMap": ModesMap}
