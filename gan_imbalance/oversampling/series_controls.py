"""Over-samplers of time series that learn nothing: noise, time warping, and SMOTE in two forms."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.utils import check_consistent_length

from gan_imbalance.metrics.distances import Series, as_series, channel_scale
from gan_imbalance.metrics.warping import dtw_distances, dtw_paths
from gan_imbalance.oversampling.core import class_seed, draw_seed, refuse_parameters
from gan_imbalance.transforms.series_containers import unpack
from gan_imbalance.types import InputError, quoted

Labels = npt.NDArray[Any]


class SeriesSampler(BaseOverSampler):  # type: ignore[misc]
    """Tops up rare classes of time series; who writes the series is left open.

    Series are numbers, (n, channels, length), or (n, length) of one channel, or in a container of aeon's or sktime's
    (:func:`~gan_imbalance.transforms.series_containers.unpack`); the result has their form and dtype, the originals
    first and unchanged.

    Args:
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: series added per class.
    """

    remedy_role: ClassVar[str] = "control"
    """What a comparison counts it among: ``gan``, ``control`` or ``standard``."""

    def __init__(self, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.random_state = random_state

    def fit_resample(self, X: Any, y: Any, **params: Any) -> Any:
        """Return the original series and then those added, and their labels; see imbalanced-learn.

        Raises:
            InputError: if X are no series of equal length, a value is missing, or there are parameters, such as
                ``sample_weight``.
        """
        refuse_parameters(params)
        series, repack = unpack(X)
        resampled, labels = super().fit_resample(series, y)
        return repack(resampled), labels

    def _check_X_y(self, X: Any, y: Any) -> tuple[npt.NDArray[Any], Labels, bool]:
        """Return series and labels as arrays, and whether y was encoded one-vs-all."""
        given = np.asarray(X)
        as_series(given)
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        check_consistent_length(given, y)
        return given, np.asarray(y), binarize_y

    def _fit_resample(self, X: npt.NDArray[Any], y: Labels) -> tuple[npt.NDArray[Any], Labels]:
        series, classes = as_series(X), np.unique(y)
        seed = draw_seed(self.random_state)
        added, labels = [X], [y]
        for label, count in self.sampling_strategy_.items():
            if count:
                index = int(np.flatnonzero(classes == label)[0])
                made = self._generate(series, y == label, int(count), class_seed(seed, index))
                if np.issubdtype(X.dtype, np.integer):
                    made = made.round()
                added.append(made.reshape(-1, *X.shape[1:]).astype(X.dtype))
                labels.append(np.full(int(count), label, dtype=y.dtype))
        return np.concatenate(added), np.concatenate(labels)

    @abstractmethod
    def _generate(self, series: Series, in_class: npt.NDArray[np.bool_], count: int, seed: int) -> Series:
        """Return further series of a class, (count, channels, length).

        Args:
            series: of all classes, (n, channels, length).
            in_class: which of them are of the class, (n,).
            count: how many to return, at least 1.
            seed: no other class has the same.
        """


class JitterSeriesSampler(SeriesSampler):
    """Repeats series of the class, drawn with replacement, with white noise on every value.

    A GAN that does not beat it has found nothing that blurred copies would not have given. It is what
    :class:`~gan_imbalance.comparison.controls.JitterOverSampler` is for tables.

    Args:
        noise: standard deviation of the noise, in standard deviations of the channel within the class; 0 copies.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: series added per class.

    Example:
        >>> import numpy as np
        >>> from gan_imbalance import JitterSeriesSampler
        >>> X, y = np.random.default_rng(0).normal(size=(12, 2, 50)), np.repeat(["common", "rare"], [9, 3])
        >>> more, labels = JitterSeriesSampler(random_state=0).fit_resample(X, y)
        >>> more.shape, labels[12:].tolist()
        ((18, 2, 50), ['rare', 'rare', 'rare', 'rare', 'rare', 'rare'])
    """

    def __init__(self, noise: float = 0.05, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.noise = noise

    def _generate(self, series: Series, in_class: npt.NDArray[np.bool_], count: int, seed: int) -> Series:
        _require_deviation("noise", self.noise)
        random, members = np.random.default_rng(seed), series[in_class]
        copies: Series = members[random.integers(len(members), size=count)]
        spread = members.std(axis=(0, 2))[:, None]
        copies += self.noise * spread * random.standard_normal(copies.shape)
        return copies


class TimeWarpSampler(SeriesSampler):
    """Repeats series of the class, drawn with replacement, with time running faster here and slower there.

    Um et al. 2017, Data Augmentation of Wearable Sensor Data for Parkinson's Disease Monitoring Using Convolutional
    Neural Networks (https://arxiv.org/abs/1706.00527): the speed of time is a cubic spline through normal numbers
    around 1 at equally distant knots. Ends stay where they are, all channels are warped alike, and a speed is at least
    a tenth, so that time never runs backwards.

    Args:
        sigma: standard deviation of the speed at a knot; 0 copies.
        knots: between the ends of the series.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: series added per class.

    Example:
        Values between known ones, at other times:

        >>> import numpy as np
        >>> from gan_imbalance import TimeWarpSampler
        >>> X, y = np.linspace(0, 1, 50)[None] + np.zeros((12, 1)), np.repeat(["common", "rare"], [9, 3])
        >>> more, labels = TimeWarpSampler(random_state=0).fit_resample(X, y)
        >>> bool((np.diff(more[12:]) > 0).all()), more[12:, -1].tolist() == [1.0] * 6
        (True, True)
    """

    def __init__(
        self, sigma: float = 0.2, *, knots: int = 4, sampling_strategy: Any = "auto", random_state: Any = None
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.sigma = sigma
        self.knots = knots

    def _generate(self, series: Series, in_class: npt.NDArray[np.bool_], count: int, seed: int) -> Series:
        from scipy.interpolate import CubicSpline

        _require_deviation("sigma", self.sigma)
        if self.knots < 0:
            raise InputError(f"knots is {self.knots}: give a number of at least 0.")
        random, members = np.random.default_rng(seed), series[in_class]
        length = series.shape[2]
        places = np.linspace(0, length - 1, self.knots + 2)
        speeds = CubicSpline(places, random.normal(1, self.sigma, size=(len(places), count)))(np.arange(1, length))
        times = np.cumsum(np.maximum(speeds, _SLOWEST), axis=0).T
        times = np.concatenate([np.zeros((count, 1)), times * ((length - 1) / times[:, -1:])], axis=1)
        return _at(members[random.integers(len(members), size=count)], times)


class SeriesSMOTE(SeriesSampler):
    """SMOTE on flattened series: values between those of a series and of one of its nearest neighbours.

    Chawla et al. 2002 (https://arxiv.org/abs/1106.1813), by imbalanced-learn's own. Neighbours are found, and values
    interpolated, time step by time step, so that series which are shifted against each other are blurred.

    Args:
        k_neighbors: among which the neighbour is drawn; all others where a class has fewer.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: series added per class.

    Example:
        >>> import numpy as np
        >>> from gan_imbalance import SeriesSMOTE
        >>> X, y = np.random.default_rng(0).normal(size=(12, 2, 50)), np.repeat(["common", "rare"], [9, 3])
        >>> SeriesSMOTE(random_state=0).fit_resample(X, y)[0].shape
        (18, 2, 50)
    """

    remedy_role: ClassVar[str] = "standard"

    def __init__(self, k_neighbors: int = 5, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(sampling_strategy=sampling_strategy, random_state=random_state)
        self.k_neighbors = k_neighbors

    def _generate(self, series: Series, in_class: npt.NDArray[np.bool_], count: int, seed: int) -> Series:
        from imblearn.over_sampling import SMOTE

        members = int(in_class.sum())
        smote = SMOTE(
            sampling_strategy={True: members + count},
            k_neighbors=_neighbours(self.k_neighbors, members),
            random_state=seed % 2**32,
        )
        more, _ = smote.fit_resample(series.reshape(len(series), -1), in_class)
        made: Series = more[len(series) :].reshape(count, *series.shape[1:])
        return made


class DTWSMOTE(SeriesSMOTE):
    """SMOTE with time: neighbours are nearest by dynamic time warping, and what is alike is interpolated.

    A new series lies between a series and its neighbour along the path that aligns them: of two time steps that the
    path joins, a weighted mean is taken of their values and of their times, and the result is read off at whole time
    steps. Series that are shifted against each other so give one that lies in between, instead of two faint ones.
    Distances and paths are those of :mod:`gan_imbalance.metrics.warping`, of channels standardised within the class.

    Args:
        k_neighbors: among which the neighbour is drawn; all others where a class has fewer.
        band: how far a path may leave the diagonal, as a share of the length, in [0, 1]; with 0 it is
            :class:`SeriesSMOTE`, but for the standardisation.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: series added per class.

    Example:
        Between two bumps of height 1 lies another bump, almost as high, where SMOTE would have two of half the height:

        >>> import numpy as np
        >>> from gan_imbalance import DTWSMOTE
        >>> bumps = np.exp(-((np.arange(60) - np.array([[20], [28]])) ** 2) / 8)
        >>> X, y = np.concatenate([np.zeros((9, 60)), bumps]), np.repeat(["common", "rare"], [9, 2])
        >>> more, labels = DTWSMOTE(band=0.2, random_state=0).fit_resample(X, y)
        >>> bool((more[11:].max(axis=1) > 0.9).all())
        True
    """

    def __init__(
        self, k_neighbors: int = 5, *, band: float = 0.1, sampling_strategy: Any = "auto", random_state: Any = None
    ) -> None:
        super().__init__(k_neighbors, sampling_strategy=sampling_strategy, random_state=random_state)
        self.band = band

    def _generate(self, series: Series, in_class: npt.NDArray[np.bool_], count: int, seed: int) -> Series:
        random, members = np.random.default_rng(seed), series[in_class]
        candidates = _neighbours(self.k_neighbors, len(members))
        mean, scale = channel_scale(members)
        scaled = (members - mean) / scale
        distances = dtw_distances(scaled, scaled, self.band)
        np.fill_diagonal(distances, np.inf)
        nearest = distances.argsort(axis=1, kind="stable")[:, :candidates]
        chosen = random.integers(len(members), size=count)
        others = nearest[chosen, random.integers(candidates, size=count)]
        paths = dtw_paths(scaled[chosen], scaled[others], self.band)
        made = np.empty((count, *series.shape[1:]), dtype=np.float32)
        steps = np.arange(series.shape[2])
        for row, (one, other, path, share) in enumerate(zip(chosen, others, paths, random.random(count), strict=True)):
            weights = np.array([1 - share, share])
            times = path @ weights
            for channel in range(series.shape[1]):
                aligned = np.stack([members[one, channel, path[:, 0]], members[other, channel, path[:, 1]]], axis=1)
                made[row, channel] = np.interp(steps, times, aligned @ weights)
        return made


_SLOWEST = 0.1


def _at(series: Series, times: npt.NDArray[np.float64]) -> Series:
    """Return series (n, channels, length) at times (n, length) in [0, length - 1], by linear interpolation."""
    times = np.clip(times, 0, series.shape[2] - 1)
    before = np.minimum(times.astype(np.int64), series.shape[2] - 2)
    share = (times - before)[:, None].astype(np.float32)
    first, second = (np.take_along_axis(series, (before + step)[:, None], axis=2) for step in (0, 1))
    values: Series = (1 - share) * first + share * second
    return values


def _neighbours(k_neighbors: int, members: int) -> int:
    """Return among how many neighbours to draw.

    Raises:
        InputError: if there are none.
    """
    if k_neighbors < 1:
        raise InputError(f"k_neighbors is {k_neighbors}: give at least 1.")
    if members < 2:
        raise InputError(
            "A class to be topped up has one series, which has no neighbour to interpolate with: give more series, "
            "leave the class out of sampling_strategy, or jitter it."
        )
    return min(k_neighbors, members - 1)


def _require_deviation(name: str, value: float) -> None:
    if not 0 <= value < np.inf:
        raise InputError(f"{name} is {quoted(value)}: give a number of standard deviations, at least 0.")
