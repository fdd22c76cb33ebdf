"""Whether a generator repeats itself, or has forgotten kinds of rows; in words."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from gan_imbalance.metrics.distances import Matrix, as_matrices, standardise
from gan_imbalance.types import plural

_MAX_ROWS = 5000
_MAX_MODES = 20
# a mode that should hold at least this many synthetic rows and holds less than a tenth is missing, not unlucky:
# 5e-5 is the chance of no row where 10 are expected
_EXPECTED_ROWS = 10
_LEAST_SHARE = 0.1
_LEAST_DISTINCT = 0.5
_LEAST_MODES = 0.9
# beyond float32's rounding of encoded values
_DECIMALS = 4


class CollapseWarning(UserWarning):
    """Synthetic rows are less varied than the real ones."""


class Variety(NamedTuple):
    """How varied synthetic rows are.

    Attributes:
        distinct: share of distinct rows among as many synthetic rows as there are real ones, in (0, 1].
        real_distinct: share of distinct rows among the real ones, in (0, 1].
        modes: number of modes of the real rows that synthetic rows could be expected in.
        modes_covered: how many of them hold at least a tenth of the synthetic rows that are to be expected.
    """

    distinct: float
    real_distinct: float
    modes: int
    modes_covered: int

    @property
    def mode_coverage(self) -> float:
        """Return the share of the modes that are covered, in [0, 1]."""
        return self.modes_covered / self.modes


def measure_variety(real: Matrix, synthetic: Matrix, seed: int = 0) -> Variety:
    """Count distinct synthetic rows, and the modes of the real rows (clusters of KMeans) that they cover.

    At most 5,000 rows of each kind are looked at, and equally many for the shares of distinct rows.

    Args:
        real: encoded rows, ``(n, d)``.
        synthetic: rows encoded alike, ``(m, d)``.
        seed: of the choice of rows and of the clusters.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    from sklearn.cluster import KMeans

    random = np.random.default_rng(seed)
    # unlike distances, clusters are to see rare categories
    groups = standardise(real, *as_matrices(real, synthetic))
    first, second = (random.permutation(rows.cpu().numpy())[:_MAX_ROWS] for rows in groups)
    size = min(len(first), len(second))
    count = min(max(size // 50, 1), _MAX_MODES, _count_distinct(first))
    clusters = KMeans(count, n_init=3, random_state=seed).fit(first)
    expected = np.bincount(clusters.labels_, minlength=count) / len(first) * len(second)
    found = np.bincount(clusters.predict(second), minlength=count)
    judged = expected >= min(_EXPECTED_ROWS, expected.max())
    return Variety(
        _count_distinct(second[:size]) / size,
        _count_distinct(first[:size]) / size,
        int(judged.sum()),
        int((found >= _LEAST_SHARE * expected)[judged].sum()),
    )


def _count_distinct(rows: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    return len(np.unique(rows.round(_DECIMALS), axis=0))


def describe_collapse(variety: Variety, samples: str = "row") -> list[str]:
    """Return a sentence for each sign of collapse; none where there is no sign.

    Args:
        variety: of synthetic samples.
        samples: what one of them is called: row, image, series.
    """
    several = plural(samples)
    sentences = []
    if variety.distinct < _LEAST_DISTINCT * variety.real_distinct:
        sentences.append(
            f"The generator repeats itself: {variety.distinct:.0%} of the synthetic {several} are distinct, against "
            f"{variety.real_distinct:.0%} of as many real ones; train it longer or with another loss."
        )
    if variety.mode_coverage < _LEAST_MODES:
        missing = variety.modes - variety.modes_covered
        sentences.append(
            f"The generator has lost kinds of {several}: {missing} of {variety.modes} groups of similar real "
            f"{several} have hardly a synthetic {samples}; train it longer or with another loss, or learn from more "
            f"{several}."
        )
    return sentences


def warn_of_collapse(real: Matrix, synthetic: Matrix, seed: int = 0) -> list[str]:
    """Warn, by a :class:`CollapseWarning` for each sign, where synthetic rows are less varied than real ones.

    Args:
        real: encoded rows that the generator learned from, ``(n, d)``.
        synthetic: rows that it made, encoded alike, ``(m, d)``.
        seed: of the choice of rows and of the clusters.

    Returns:
        The sentences of the warnings.

    Raises:
        InputError: if there are no rows, widths differ, or a value is not finite.
    """
    sentences = describe_collapse(measure_variety(real, synthetic, seed))
    for sentence in sentences:
        warnings.warn(sentence, CollapseWarning, stacklevel=2)
    return sentences
