"""A GAN of time series as an imbalanced-learn over-sampler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gan_imbalance.data.series import SeriesSet, TimeSeriesDataModule
from gan_imbalance.data.series_files import read_arrays
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.oversampling.arrays import Array, ArrayOverSampler
from gan_imbalance.transforms.series import Series
from gan_imbalance.transforms.series_containers import unpack
from gan_imbalance.types import InputError, Label

_ADAM = {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 1.0e-3}}

DEFAULT_SERIES_GAN: dict[str, Any] = {
    "class_path": "gan_imbalance.gans.WassersteinGAN",
    "init_args": {
        "penalty": {
            "class_path": "gan_imbalance.losses.WassersteinGradientPenalty",
            "init_args": {"weight": 1.0},
        },
        "discriminator_steps": 2,
        "generator_optimizer": _ADAM,
        "discriminator_optimizer": _ADAM,
    },
}
"""A Wasserstein GAN for classes of up to a few hundred series, ``configs/gan/wasserstein_gan_series.yaml``."""


class TimeSeriesOverSampler(ArrayOverSampler):
    """Tops up rare classes of time series with series that a GAN made.

    Series are numbers of shape (n, channels, length), or (n, length) of one channel, and come out so; or of equal
    length in a container of aeon's or sktime's (:func:`~gan_imbalance.transforms.series_containers.unpack`). One that
    is shorter than the others is NaN behind its end; those that are made end by themselves. The originals come first,
    unchanged, in the result. A conditional GAN learns all classes at once; of an unconditional one, each class to be
    topped up gets its own. A :class:`~gan_imbalance.gans.MinorityTransferGAN` first learns the series of all other
    classes as one class, and then the class: what it learned first is kept in ``cache``, for all that start alike.

    Args:
        gan: name of a GAN of ours (``"WassersteinGAN"``), a subclass of :class:`BaseGenerator`, an instance (whose
            settings are used, not its weights), or a ``class_path`` dict; None takes a convolutional one that learns
            fast (:data:`DEFAULT_SERIES_GAN`).
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        max_steps: generator steps of every GAN, a first phase included; 0 samples from an untrained one. None takes
            1,000.
        pretrain_steps: how many of the steps a minority transfer takes before it sees the class; 0, with nothing
            frozen, is its control from scratch. None takes half of them.
        batch_size: real series per discriminator step.
        ema_decay: of the generator's moving average.
        validation_fraction: share of the series held out to choose the checkpoint by the two-sample test; 0 trains on
            all series and takes the last one.
        cache: folder where pretrained GANs are kept, by a hash of all that they depend on.
        accelerator: Lightning's: ``"auto"``, ``"cpu"``, ``"gpu"``, ...
        verbose: whether to show a progress bar.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: series added per class.
        gans_: the trained GAN of every class that was topped up.
        history_: per epoch of training, the class, step and last losses and metrics.

    Example:
        Few steps; real series need hundreds:

        >>> import numpy as np
        >>> from gan_imbalance import TimeSeriesOverSampler
        >>> X, y = np.random.default_rng(0).normal(size=(40, 16)), np.repeat(["calm", "storm"], [30, 10])
        >>> sampler = TimeSeriesOverSampler(max_steps=2, accelerator="cpu", random_state=0)
        >>> more, labels = sampler.fit_resample(X, y)
        >>> more.shape, (labels == "storm").sum().item()
        ((60, 16), 30)
    """

    steps = 1000

    def __init__(
        self,
        gan: str | type[BaseGenerator] | BaseGenerator | Mapping[str, Any] | None = None,
        *,
        sampling_strategy: Any = "auto",
        max_steps: int | None = None,
        pretrain_steps: int | None = None,
        batch_size: int = 32,
        ema_decay: float = 0.99,
        validation_fraction: float = 0.0,
        cache: str | Path | None = None,
        accelerator: str = "auto",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.gan = gan
        self.max_steps = max_steps
        self.pretrain_steps = pretrain_steps
        self.batch_size = batch_size
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.cache = cache
        self.accelerator = accelerator
        self.verbose = verbose
        self.random_state = random_state

    def fit_resample(self, X: Any, y: Any, **params: Any) -> Any:
        """Return the original series and then those added, in the container that they came in, and their labels.

        Raises:
            InputError: if X are no series, or there are parameters, such as ``sample_weight``.
        """
        series, repack = unpack(X)
        resampled, labels = super().fit_resample(series, y, **params)
        return repack(resampled), labels

    @property
    def _given(self) -> Any:
        return DEFAULT_SERIES_GAN if self.gan is None else self.gan

    def _as_array(self, X: Any) -> Array:
        return X.numpy() if isinstance(X, Tensor) else np.asarray(X)

    def _as_data(self, X: Array, labels: npt.NDArray[np.int64], classes: tuple[Label, ...]) -> TimeSeriesDataModule:
        series = SeriesSet(read_arrays(X, labels).X, labels, classes)
        return TimeSeriesDataModule(X=series, test_fraction=0.0, validation_fraction=0.0)

    def _check_data(self, data: Any) -> None:
        if not isinstance(data, TimeSeriesDataModule):
            raise InputError(f"{type(self).__name__} tops up time series: use GANOverSampler for tables.")

    def _joined(self, data: TimeSeriesDataModule, made: list[Series]) -> Series:
        return np.concatenate([data.samples.X[:0], *made])
