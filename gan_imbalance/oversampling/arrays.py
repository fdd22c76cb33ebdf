"""What over-samplers of images and of series share: arrays go in and come out, and a number of steps is the budget."""

from __future__ import annotations

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import Interval

from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.oversampling.core import Budget, GeneratorOverSampler, class_seed, draw_seed, plain_label
from gan_imbalance.oversampling.training import EPOCHS
from gan_imbalance.types import Label

Array = npt.NDArray[Any]


class ArrayOverSampler(GeneratorOverSampler):
    """Tops up rare classes of an array of samples; the originals come first, unchanged, in the result.

    A subclass says what the samples are: :meth:`_as_array` and :meth:`_as_data`.
    """

    steps: ClassVar[int]
    """Generator steps where ``max_steps`` is None."""

    batch_size: int
    ema_decay: float
    accelerator: str
    verbose: bool

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseOverSampler._parameter_constraints,
        "max_steps": [Interval(Integral, 0, None, closed="left"), None],
        "pretrain_steps": [Interval(Integral, 0, None, closed="left"), None],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "ema_decay": [Interval(Real, 0, 1, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "accelerator": [str],
        "verbose": ["boolean"],
    }

    @abstractmethod
    def _as_array(self, X: Any) -> Array:
        """Return what was given as an array, (n, ...).

        Raises:
            InputError: if it is of another form.
        """

    @abstractmethod
    def _as_data(self, X: Array, labels: npt.NDArray[np.int64], classes: tuple[Label, ...]) -> ImbalanceDataModule:
        """Return samples (n, ...) and their class indices (n,) as data of which all are learned."""

    def _check_X_y(self, X: Any, y: Any) -> tuple[Array, Any, bool]:
        """Return samples and labels as arrays, and whether y was encoded one-vs-all."""
        samples = self._as_array(X)
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        check_consistent_length(samples, y)
        return samples, np.asarray(y), binarize_y

    def _fit_resample(self, X: Array, y: Array) -> tuple[Array, Array]:
        classes, indices = np.unique(y, return_inverse=True)
        data = self._as_data(X, indices, tuple(classes.tolist()))
        self._seed = draw_seed(self.random_state)
        made, labels = [X], [y]
        for label, count in self.sampling_strategy_.items():
            if count:
                index = data.samples.classes.index(plain_label(label))
                samples = self._make(data, index, int(count), class_seed(self._seed, index))
                made.append(samples.reshape(-1, *X.shape[1:]))
                labels.append(np.full(int(count), label, dtype=y.dtype))
        return np.concatenate(made), np.concatenate(labels)

    def _budget(self, rows: int, together: bool) -> Budget:
        return Budget(self.steps if self.max_steps is None else self.max_steps)

    def _training(self, gan: BaseGenerator, data: Any, budget: Budget, seed: int) -> dict[str, Any]:
        batches = data.adapted(
            classes=None, batch_size=self.batch_size, steps_per_epoch=max(1, budget.steps // EPOCHS), seed=seed
        )
        return {
            "data": batches,
            "max_steps": budget.steps,
            "ema_decay": self.ema_decay,
            "monitor": self._hold_out(batches, seed),
            "accelerator": self.accelerator,
            "verbose": self.verbose,
        }
