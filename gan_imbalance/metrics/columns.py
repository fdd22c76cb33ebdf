"""How well single columns and pairs of columns are met: sdmetrics' scores, of which 1 is the best and 0 the worst.

Frames hold float64 in numeric columns and text in categorical ones; missing values are left out of numeric scores.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from itertools import combinations

import numpy as np
import pandas as pd


def column_shapes(real: pd.DataFrame, synthetic: pd.DataFrame, categorical: Collection[str]) -> pd.Series[float]:
    """Return of every column how alike its distributions are: 1 - KS (numeric), 1 - total variation (categorical).

    Args:
        real: n rows.
        synthetic: m rows with the same columns.
        categorical: which of them are categories.

    Returns:
        Scores in [0, 1] by column; NaN where one table has no value in it.
    """
    from sdmetrics.single_column import KSComplement, TVComplement

    scores = {}
    for name in real.columns:
        pair = real[name].dropna(), synthetic[name].dropna()
        score = TVComplement if name in categorical else KSComplement
        scores[name] = score.compute(*pair) if all(len(values) for values in pair) else np.nan
    return pd.Series(scores, dtype=float)


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
        max_pairs: at most so many pairs, drawn at random; None for all.
        seed: of that draw.

    Returns:
        Scores in [0, 1] by pair of names; NaN where a real column has no spread.
    """
    pairs = list(combinations(real.columns, 2))
    if max_pairs is not None and len(pairs) > max_pairs:
        chosen = np.random.default_rng(seed).permutation(len(pairs))[:max_pairs]
        pairs = [pairs[position] for position in sorted(chosen)]
    correlations = _correlation_similarity(real, synthetic, [name for name in real.columns if name not in categorical])
    scores = [
        _contingency_similarity(real[[*pair]], synthetic[[*pair]], categorical)
        if set(pair) & set(categorical)
        else correlations.at[pair]
        for pair in pairs
    ]
    index = pd.MultiIndex.from_tuples(pairs, names=["first", "second"]) if pairs else pd.Index([], dtype=object)
    return pd.Series(scores, index=index, dtype=float)


def _correlation_similarity(real: pd.DataFrame, synthetic: pd.DataFrame, numeric: list[str]) -> pd.DataFrame:
    """Return sdmetrics' CorrelationSimilarity of all pairs at once, which takes a hundredth of its time."""
    return 1 - (real[numeric].corr() - synthetic[numeric].corr().fillna(0)).abs() / 2


def _contingency_similarity(real: pd.DataFrame, synthetic: pd.DataFrame, categorical: Collection[str]) -> float:
    from sdmetrics.column_pairs import ContingencySimilarity

    numeric = [name for name in real.columns if name not in categorical]
    # sdmetrics writes bins into the frames it is given, to which pandas objects
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(ContingencySimilarity.compute(real.copy(), synthetic.copy(), continuous_column_names=numeric))
