"""A teacher of the training rows in a remedy: it labels what a resampler made and the rows themselves, or sorts out."""

from __future__ import annotations

from typing import Any, Self

import joblib
import numpy as np
from sklearn.base import clone

from gan_imbalance.comparison.training import Training
from gan_imbalance.distillation import CrossFittedEnsemble, RealLabels, real_targets

# of the split that this process was last at: the remedies that are distilled, and the teacher itself, differ in what is
# made of it
_last: dict[str, Any] = {}


def fitted_teacher(teacher: Any, features: Any, labels: Any) -> Any:
    """Return the teacher fitted on training rows; the last one again, where neither it nor the rows are others.

    So its seconds are told with the first remedy of a split that needs it.

    Args:
        teacher: to be fitted, with a ``random_state`` that is a number.
        features: (n, d).
        labels: class indices, (n,).
    """
    made_from = joblib.hash([teacher, features, labels])
    if made_from not in _last:
        fitted = teacher.fit(features, labels)
        _last.clear()
        _last[made_from] = fitted
    return _last[made_from]


class Teacher(CrossFittedEnsemble):
    """The teacher in the place of a classifier: how far its students could get.

    It is :class:`~gan_imbalance.distillation.CrossFittedEnsemble`, fitted once for all distilled remedies of a split.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Take over what was learned from these rows, or learn it."""
        fitted = fitted_teacher(CrossFittedEnsemble(**self.get_params(deep=False)), X, y)
        self.__dict__.update(fitted.__dict__)
        return self


class Distillation:
    """A :class:`~gan_imbalance.comparison.TrainingTransform`: added rows get a teacher's probabilities for labels.

    The teacher learns from the training rows of the split alone, and judges those out-of-fold.

    Args:
        teacher: with ``out_of_fold_`` after ``fit``. None takes
            :class:`~gan_imbalance.distillation.CrossFittedEnsemble`. Without a ``random_state`` of its own it gets the
            seed of the split.
        real: what the training rows themselves have for labels (:data:`~gan_imbalance.distillation.RealLabels`).
    """

    def __init__(self, teacher: Any = None, real: RealLabels = "both") -> None:
        self.teacher = teacher
        self.real = real

    def __call__(self, training: Training, seed: int) -> Training:
        """Return the rows with probabilities for labels."""
        teacher, added = _fitted(self.teacher, training, seed), training.added
        targets, kept = real_targets(training.labels[~added], teacher, self.real)
        probabilities = targets[kept]
        if added.any():
            probabilities = np.concatenate([probabilities, teacher.predict_proba(training.features[added])])
        chosen = np.concatenate([np.flatnonzero(~added)[kept], np.flatnonzero(added)])
        return training.take(chosen)._replace(probabilities=probabilities)


class Filtering:
    """A :class:`~gan_imbalance.comparison.TrainingTransform`: of the added rows, those stay whose class a teacher sees.

    A row stays if the class that it was made for is the teacher's most probable one, so that what looks like another
    class does no harm. The teacher learns from the training rows of the split alone.

    Args:
        teacher: any classifier; None and its ``random_state`` as for :class:`Distillation`.
    """

    def __init__(self, teacher: Any = None) -> None:
        self.teacher = teacher

    def __call__(self, training: Training, seed: int) -> Training:
        """Return the training rows, and the added ones that the teacher agrees with."""
        added = training.added
        kept = ~added
        if added.any():
            teacher = _fitted(self.teacher, training, seed)
            kept[added] = teacher.predict(training.features[added]) == training.labels[added]
        return training.take(kept)


def _fitted(teacher: Any, training: Training, seed: int) -> Any:
    """Return a teacher, None for the standard one, fitted on the training rows that were not added."""
    teacher = CrossFittedEnsemble() if teacher is None else clone(teacher)
    if teacher.get_params().get("random_state", seed) is None:
        teacher.set_params(random_state=seed)
    return fitted_teacher(teacher, training.features[~training.added], training.labels[~training.added])


class EveryClass:
    """A ``sampling_strategy`` that adds rows to every class, in the proportions that the classes have.

    Args:
        amount: added rows per row, above 0.
    """

    def __init__(self, amount: float = 2.0) -> None:
        self.amount = amount

    def __call__(self, y: Any) -> dict[Any, int]:
        """Return how many rows each class is to have, from the labels of those that are there."""
        labels, counts = np.unique(np.asarray(y), return_counts=True)
        return {
            label: int(count + round(self.amount * count)) for label, count in zip(labels.tolist(), counts, strict=True)
        }
