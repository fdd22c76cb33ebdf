"""How well single columns and pairs of columns are met: sdmetrics' scores, of which 1 is the best and 0 the worst.

Frames hold float64 in numeric columns and text in categorical ones; missing values are left out of numeric scores.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

_BINS = 10

Floats = npt.NDArray[np.float64]
Pair = tuple[str, str]
Codes = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Which level or bin every real, and every synthetic, row of a column has."""


def column_shapes(real: pd.DataFrame, synthetic: pd.DataFrame, categorical: Collection[str]) -> pd.Series[float]:
    """Return of every column how alike its distributions are: 1 - KS (numeric), 1 - total variation (categorical).

    Args:
        real: n rows.
        synthetic: m rows with the same columns.
        categorical: which of them are categories.

    Returns:
        Scores in [0, 1] by column; NaN where one table has no value in it.
    """
    scores = {}
    unordered = set(categorical)
    for name, values in real.items():
        score = _tv_complement if name in unordered else _ks_complement
        scores[name] = score(values, synthetic[name])
    return pd.Series(scores, dtype=float)


def _tv_complement(real: pd.Series[Any], synthetic: pd.Series[Any]) -> float:
    from sdmetrics.single_column import TVComplement

    pair = real.dropna(), synthetic.dropna()
    return float(TVComplement.compute(*pair)) if all(len(values) for values in pair) else np.nan


def _ks_complement(real: pd.Series[float], synthetic: pd.Series[float]) -> float:
    """Return sdmetrics' KSComplement, without the p-value that scipy computes for it, which takes most of its time."""
    numbers = (values.to_numpy(dtype=np.float64) for values in (real, synthetic))
    first, second = (np.sort(values[~np.isnan(values)]) for values in numbers)
    if not (first.size and second.size):
        return np.nan
    steps = np.concatenate([first, second])
    shares = [np.searchsorted(values, steps, side="right") / len(values) for values in (first, second)]
    return float(1 - np.abs(shares[0] - shares[1]).max())


def column_pair_trends(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    categorical: Collection[str],
    max_pairs: int | None = None,
    seed: int = 0,
) -> pd.Series[float]:
    """Return of pairs of columns how alike their dependence is.

    Two numeric columns: 1 - |difference of Pearson's correlations| / 2. Others: 1 - total variation of their joint
    table, numeric columns cut into ten bins of the real rows' range. All pairs count, however weak the dependence.
    A synthetic column without spread correlates with nothing (0).

    Args:
        real: n rows.
        synthetic: m rows with the same columns.
        categorical: which of them are categories.
        max_pairs: at most this many pairs, drawn at random; None for all.
        seed: of that draw.

    Returns:
        Scores in [0, 1] by pair of names; NaN where a real column has no spread.
    """
    positions = np.stack(np.triu_indices(real.shape[1], 1), axis=1)
    if max_pairs is not None and len(positions) > max_pairs:
        positions = positions[np.sort(np.random.default_rng(seed).permutation(len(positions))[:max_pairs])]
    pairs = [(real.columns[first], real.columns[second]) for first, second in positions]
    correlate = _correlation_similarity(real, synthetic, pairs, categorical)
    unordered = set(categorical)
    # of two numeric columns no code is needed
    coded = {*chain(*(pair for pair in pairs if unordered.intersection(pair)))}
    codes = {name: _coded(real[name], synthetic[name], name in unordered) for name in coded}
    scores = [
        _contingency_similarity(*(codes[name] for name in pair)) if unordered.intersection(pair) else correlate(pair)
        for pair in pairs
    ]
    index = pd.MultiIndex.from_tuples(pairs, names=["first", "second"]) if pairs else pd.Index([], dtype=object)
    return pd.Series(scores, index=index, dtype=float)


def _correlation_similarity(
    real: pd.DataFrame, synthetic: pd.DataFrame, pairs: Sequence[Pair], categorical: Collection[str]
) -> Callable[[Pair], float]:
    """Return what gives sdmetrics' CorrelationSimilarity of a pair of numeric columns.

    All pairs at once take a hundredth of its time; a sample of the pairs of many columns is taken one by one.
    """
    unordered = set(categorical)
    numeric = [name for name in real.columns if name not in unordered]
    if len(pairs) < len(numeric) * (len(numeric) - 1) // 2:
        named = {*chain(*pairs)} - set(categorical)
        tables = [{name: table[name].to_numpy(dtype=np.float64) for name in named} for table in (real, synthetic)]

        def correlate(pair: Pair) -> float:
            known, made = (_correlation(table[pair[0]], table[pair[1]]) for table in tables)
            return float(1 - abs(known - np.nan_to_num(made)) / 2)

        return correlate
    matrix = 1 - (real[numeric].corr() - synthetic[numeric].corr().fillna(0)).abs() / 2
    return lambda pair: cast(float, matrix.at[pair])


def _correlation(first: Floats, second: Floats) -> float:
    """Return Pearson's correlation of the rows where both have a value; NaN where one has no spread there."""
    both = ~(np.isnan(first) | np.isnan(second))
    if both.sum() < 2:
        return np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.corrcoef(first[both], second[both])[0, 1])


def _coded(real: pd.Series[Any], synthetic: pd.Series[Any], is_category: bool) -> Codes:
    """Return the levels of a column, missing values as one of their own, or the bins that its numbers lie in."""
    if is_category:
        codes, _ = pd.factorize(pd.concat([real, synthetic]), use_na_sentinel=False)
        return codes[: len(real)], codes[len(real) :]
    # as numpy's histogram, which refuses numbers that float64 tells apart by less than that
    low, high = (real.min(), real.max()) if real.min() < real.max() else (real.min() - 0.5, real.min() + 0.5)
    edges = np.linspace(low, high, _BINS + 1)
    edges[0], edges[-1] = -np.inf, np.inf
    # what is missing lies beyond the last bin
    return np.digitize(real, edges), np.digitize(synthetic, edges)


def _contingency_similarity(first: Codes, second: Codes) -> float:
    """Return sdmetrics' ContingencySimilarity of two columns coded once, which takes a tenth of its time."""
    levels = 1 + max(codes.max() for codes in second)
    joint = [one * levels + other for one, other in zip(first, second, strict=True)]
    _, cells = np.unique(np.concatenate(joint), return_inverse=True)
    parts = np.split(cells, [len(joint[0])])
    real, synthetic = (np.bincount(part, minlength=cells.max() + 1) / len(part) for part in parts)
    return float(1 - np.abs(real - synthetic).sum() / 2)
