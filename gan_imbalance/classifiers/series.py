"""Classifiers of time series that are no networks: MiniRocket's features, and the nearest series by time warping."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d
from torch import Tensor
from torch.nn import functional as F

from gan_imbalance.metrics.distances import Series, as_series, channel_scale, like_series
from gan_imbalance.metrics.warping import dtw_distances
from gan_imbalance.types import InputError

_TAPS = 9
_KERNELS = np.full((84, _TAPS), -1, dtype=np.float32)
for _kernel, _positions in zip(_KERNELS, combinations(range(_TAPS), 3), strict=True):
    _kernel[list(_positions)] = 2
_GOLDEN_RATIO = (np.sqrt(5) + 1) / 2
_CELLS_AT_ONCE = 8_000_000

Indices = npt.NDArray[np.int64]


class MiniRocket(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """How often fixed convolutions of a series exceed thresholds: features for a linear classifier.

    Dempster et al. 2021, MiniRocket: A Very Fast (Almost) Deterministic Transform for Time Series Classification
    (https://arxiv.org/abs/2012.08791), in torch: 84 kernels of nine taps, of which three are 2 and the others -1, at
    dilations up to the length, and thresholds that are quantiles of what the kernels make of training series. For
    several channels, every kernel has a random set of them, whose outputs are summed, as in its authors' code
    (https://github.com/angus924/minirocket). Channels are standardised by all training series.

    Args:
        num_features: rounded down to a multiple of 84, but at least that.
        max_dilations: of every kernel.
        random_state: seed of the training series that thresholds come from, and of the channels.

    Attributes:
        dilations_: of the kernels, ascending.
        channels_: whether a kernel sees a channel, (dilations, 84, channels).
        biases_: thresholds at every dilation, (84, thresholds) each.
        length_: of the series.
        mean_: of every channel, (channels, 1).
        scale_: standard deviation of every channel, (channels, 1).
    """

    def __init__(self, num_features: int = 10_000, *, max_dilations: int = 32, random_state: int = 0) -> None:
        self.num_features = num_features
        self.max_dilations = max_dilations
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose dilations, channels and thresholds.

        Args:
            X: series, (n, channels, length) or (n, length), of at least 9 time steps.
            y: is not looked at.

        Raises:
            InputError: if they are no series or too short, or a parameter is below 1.
        """
        for name in ("num_features", "max_dilations"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give at least 1.")
        series = as_series(X)
        count, channels, length = series.shape
        if length < _TAPS:
            raise InputError(f"MiniRocket's kernels have {_TAPS} taps, but series have {length} time steps: give more.")
        self.mean_, self.scale_ = channel_scale(series)
        self.length_ = length
        random = np.random.default_rng(self.random_state)
        kernels = len(_KERNELS)
        self.dilations_, thresholds = _spread(length, max(1, self.num_features // kernels), self.max_dilations)
        # as many as 2 to a uniform power, up to nine
        powers = random.uniform(0, np.log2(min(channels, _TAPS) + 1), size=(len(self.dilations_), kernels))
        ranks = random.permuted(np.broadcast_to(np.arange(channels), (*powers.shape, channels)), axis=2)
        self.channels_ = ranks < (2**powers).astype(int)[..., None]
        # of low discrepancy: any of them in a row are spread evenly
        quantiles = np.arange(1, kernels * thresholds.sum() + 1) * _GOLDEN_RATIO % 1
        used = np.split(quantiles, np.cumsum(kernels * thresholds)[:-1])
        self.biases_ = []
        for position, shares in enumerate(used):
            shares = shares.reshape(kernels, -1)
            chosen = self._standardised(series[random.integers(count, size=kernels)])
            biases = np.empty(shares.shape, dtype=np.float32)
            for own, outputs in self._outputs(chosen, position):
                # every kernel has a series of its own
                for kernel, steps in zip(own, outputs[own, range(len(own))].numpy(), strict=True):
                    biases[kernel] = np.quantile(steps, shares[kernel])
            self.biases_.append(biases)
        return self

    def transform(self, X: Any) -> npt.NDArray[np.float32]:
        """Return the shares of time steps at which kernels exceed their thresholds, (n, features), in [0, 1].

        Raises:
            InputError: if X differs in form from what was learned.
        """
        check_is_fitted(self)
        series = like_series(X, (self.channels_.shape[2], self.length_))
        at_once = max(1, _CELLS_AT_ONCE // (max(biases.size for biases in self.biases_) * self.length_))
        chunks = [series[begin : begin + at_once] for begin in range(0, len(series), at_once)]
        return np.concatenate([self._features(self._standardised(chunk)) for chunk in chunks])

    def _features(self, x: Tensor) -> npt.NDArray[np.float32]:
        features = []
        for position, biases in enumerate(self.biases_):
            shares = torch.empty(len(x), *biases.shape)
            for own, outputs in self._outputs(x, position):
                excess = outputs[:, :, None] - torch.from_numpy(biases[own])[:, :, None]
                # the share of positive ones, several times as fast as by comparison
                shares[:, own] = excess.clamp_(min=0).sign_().mean(dim=3)
            features.append(shares.flatten(1).numpy())
        return np.concatenate(features, axis=1)

    def _outputs(self, x: Tensor, position: int) -> Iterator[tuple[Indices, Tensor]]:
        """Yield kernels and what they make of series (n, channels, length) at a dilation, (n, kernels, steps).

        Half of the kernels see the series with zeros around it, the others only where they lie within it.
        """
        dilation = int(self.dilations_[position])
        margin = dilation * (_TAPS // 2)
        for padded in (True, False):
            own = np.arange((position + (not padded)) % 2, len(_KERNELS), 2)
            weights = _KERNELS[own][:, None] * self.channels_[position, own][:, :, None]
            padding = margin if padded else 0
            yield own, F.conv1d(x, torch.from_numpy(weights.astype(np.float32)), padding=padding, dilation=dilation)

    def _standardised(self, series: Series) -> Tensor:
        return torch.from_numpy((series - self.mean_) / self.scale_)


def _spread(length: int, thresholds: int, max_dilations: int) -> tuple[Indices, Indices]:
    """Return the dilations of kernels, and how many of a kernel's thresholds each has.

    Dilations are spread exponentially from 1 to where a kernel is as long as the series; more of the thresholds go to
    those that several exponents round to (section 3.1.1 there, and its authors' code).
    """
    exponents = np.linspace(0, np.log2((length - 1) / (_TAPS - 1)), min(thresholds, max_dilations))
    # the last one is whole, which rounding must not take from it
    dilations, shares = np.unique((2**exponents + 1e-9).astype(np.int64), return_counts=True)
    counts = (shares * (thresholds / len(exponents))).astype(np.int64)
    counts[: thresholds - counts.sum()] += 1
    return dilations, counts


class MiniRocketClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on the features of :class:`MiniRocket`: seconds of training, and hard to beat.

    Args:
        num_features: of MiniRocket.
        C: inverse strength of the L2 penalty on standardised features.
        class_weight: scikit-learn's: ``"balanced"``, a dict, or None.
        random_state: seed of the features.

    Attributes:
        classes_: labels, in the order of the probabilities.
        rocket_: the fitted :class:`MiniRocket`.
        head_: the fitted scaling and regression.

    Example:
        Slow and fast sines, wherever they begin:

        >>> import numpy as np
        >>> from gan_imbalance import MiniRocketClassifier
        >>> random = np.random.default_rng(0)
        >>> y = np.array(["slow", "fast"])[np.arange(200) % 2]
        >>> speed = np.where(y == "slow", 0.2, 0.6)[:, None]
        >>> X = np.sin(speed * np.arange(50) + 6 * random.random((200, 1)))
        >>> model = MiniRocketClassifier(num_features=500).fit(X[:100], y[:100])
        >>> model.score(X[100:], y[100:])
        1.0
    """

    def __init__(
        self, num_features: int = 10_000, *, C: float = 0.1, class_weight: Any = None, random_state: int = 0
    ) -> None:
        self.num_features = num_features
        self.C = C
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn.

        Args:
            X: series, (n, channels, length) or (n, length), of at least 9 time steps.
            y: labels, (n,).
            sample_weight: how much every series counts, (n,).

        Raises:
            InputError: if X are no series or too short.
        """
        from sklearn.decomposition import PCA
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        labels = _labels(X, y)
        self.rocket_ = MiniRocket(self.num_features, random_state=self.random_state).fit(X)
        features = self.rocket_.transform(X).astype(np.float64)
        # turned into as many features as there are series, of which the penalised regression is the same but quick
        rotation = [PCA(svd_solver="full")] if len(features) < features.shape[1] else []
        regression = LogisticRegression(C=self.C, class_weight=self.class_weight, max_iter=1000)
        self.head_ = make_pipeline(StandardScaler(), *rotation, regression)
        self.head_.fit(features, labels, logisticregression__sample_weight=sample_weight)
        self.classes_ = self.head_.classes_
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return class probabilities, (n, classes)."""
        check_is_fitted(self)
        return self.head_.predict_proba(self.rocket_.transform(X))  # type: ignore[no-any-return]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels, (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]  # type: ignore[no-any-return]


class DTWClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The class of the nearest training series by dynamic time warping, the yardstick of classifiers of time series.

    Bagnall et al. 2017, The Great Time Series Classification Bake Off (https://arxiv.org/abs/1602.01711). The nearer
    its nearest series, the more probable is a class: probabilities are proportional to the inverse of the distances, so
    that samples can be ranked. Channels are standardised by all training series. The time that it takes grows with
    training times predicted series.

    Args:
        band: how far a path may leave the diagonal, as a share of the length, in [0, 1]; 0 is the Euclidean distance.

    Attributes:
        classes_: labels, in the order of the probabilities.
        series_: the training series, standardised, (n, channels, length).
        indices_: of their classes, (n,).
        mean_: of every channel, (channels, 1).
        scale_: standard deviation of every channel, (channels, 1).

    Example:
        Bumps here and there; where they are does not matter, their number does:

        >>> import numpy as np
        >>> from gan_imbalance import DTWClassifier
        >>> time, starts = np.arange(40), np.arange(10, 16)[:, None]
        >>> one = np.exp(-((time - starts) ** 2) / 4)
        >>> X, y = np.concatenate([one, one + np.exp(-((time - starts - 15) ** 2) / 4)]), np.repeat([1, 2], 6)
        >>> model = DTWClassifier(band=0.2).fit(X[::2], y[::2])
        >>> model.predict(X[1::2]).tolist()
        [1, 1, 1, 2, 2, 2]
    """

    def __init__(self, band: float = 0.1) -> None:
        self.band = band

    def fit(self, X: Any, y: Any) -> Self:
        """Keep the series.

        Args:
            X: series, (n, channels, length) or (n, length).
            y: labels, (n,).

        Raises:
            InputError: if X are no series.
        """
        labels, series = _labels(X, y), as_series(X)
        self.mean_, self.scale_ = channel_scale(series)
        self.series_ = (series - self.mean_) / self.scale_
        self.classes_, self.indices_ = np.unique(labels, return_inverse=True)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return class probabilities, (n, classes).

        Raises:
            InputError: if X differs in form from what was learned, or the band is out of range.
        """
        check_is_fitted(self)
        series = (like_series(X, self.series_.shape[1:]) - self.mean_) / self.scale_
        distances = dtw_distances(series, self.series_, self.band)
        by_class = [distances[:, self.indices_ == index].min(axis=1) for index in range(len(self.classes_))]
        closeness = 1 / np.maximum(np.stack(by_class, axis=1).astype(np.float64), np.finfo(np.float32).tiny)
        return closeness / closeness.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the labels of the nearest series, (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]  # type: ignore[no-any-return]


def _labels(X: Any, y: Any) -> npt.NDArray[Any]:
    """Return labels, (n,), one of each sample."""
    labels: npt.NDArray[Any] = column_or_1d(y)
    check_consistent_length(X, labels)
    check_classification_targets(labels)
    return labels
