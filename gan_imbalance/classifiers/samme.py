"""Boosting of classifiers of many classes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_consistent_length, check_is_fitted, has_fit_parameter

from gan_imbalance.types import InputError


class SAMME(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """AdaBoost for many classes: every learner attends to what those before it got wrong, and they vote.

    Zhu et al. 2009, Multi-class AdaBoost (https://doi.org/10.4310/SII.2009.v2.n3.a8), algorithm 2. A learner with the
    weighted error e votes with the weight log((1 - e) / e) + log(K - 1), positive where it does better than guessing
    among K classes. Boosting ends early with a learner that makes no error, and before one that is no better than
    guessing. Samples may have any form that the learners take.

    Networks that learn for few steps are best boosted with ``weighting="draw"`` (:class:`ImageClassifier`): a few heavy
    samples in a batch make the weighted loss noisy, and what is boosted by it is hardly better than one network.

    Args:
        estimator: the learner, cloned; its ``fit`` takes ``sample_weight``.
        n_estimators: how many of them there are at most.
        learning_rate: by which every learner's weight is multiplied, above 0.
        random_state: seed of the learners' own seeds.

    Attributes:
        classes_: labels, in the order of the probabilities.
        estimators_: the learners.
        estimator_errors_: their errors on the weighted training samples, in [0, 1].
        estimator_weights_: of their votes.

    Example:
        Trees of two levels, which vote by how well each did:

        >>> from sklearn.datasets import load_iris
        >>> from sklearn.tree import DecisionTreeClassifier
        >>> from gan_imbalance import SAMME
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SAMME(DecisionTreeClassifier(max_depth=2), n_estimators=5).fit(X, y)
        >>> len(model.estimators_), model.score(X, y) > 0.9
        (5, True)
    """

    def __init__(
        self, estimator: Any, *, n_estimators: int = 10, learning_rate: float = 1.0, random_state: int = 0
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the learners, one after the other.

        Args:
            X: samples, (n, ...).
            y: labels, (n,).
            sample_weight: how much every sample counts at first, (n,); alike if None.

        Raises:
            InputError: if the learner takes no weights, the first one is no better than guessing, there is one class
                only, or a parameter is out of range.
        """
        if self.n_estimators < 1:
            raise InputError(f"n_estimators is {self.n_estimators}: give at least 1.")
        if self.learning_rate <= 0:
            raise InputError(f"learning_rate is {self.learning_rate}: give a number above 0.")
        if not has_fit_parameter(self.estimator, "sample_weight"):
            raise InputError(
                f"{type(self.estimator).__name__} cannot be boosted, since its fit takes no sample_weight: choose "
                "another estimator."
            )
        y = np.asarray(y)
        check_consistent_length(y, sample_weight)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise InputError(f"All samples are of class {self.classes_[0]}: boosting needs at least two classes.")
        weights = np.ones(len(y)) if sample_weight is None else np.array(sample_weight, dtype=float)
        random = np.random.RandomState(self.random_state)
        self.estimators_: list[Any] = []
        errors: list[float] = []
        votes: list[float] = []
        for _ in range(self.n_estimators):
            weights /= weights.sum()
            learner = _with_seed(clone(self.estimator), random.randint(2**31 - 1)).fit(X, y, sample_weight=weights)
            wrong = learner.predict(X) != y
            error = float(weights[wrong].sum())
            if error >= 1 - 1 / len(self.classes_):
                break
            # one that makes no error would outvote all others for good
            vote = self.learning_rate * (np.log(1 / error - 1) + np.log(len(self.classes_) - 1)) if error > 0 else 1.0
            self.estimators_.append(learner)
            errors.append(error)
            votes.append(vote)
            if error == 0:
                break
            weights[wrong] *= np.exp(vote)
        if not self.estimators_:
            raise InputError(
                f"The first {type(self.estimator).__name__} is wrong on {error:.0%} of the weighted training samples, "
                "no better than guessing, so it cannot be boosted: have it learn for longer."
            )
        self.estimator_errors_, self.estimator_weights_ = np.array(errors), np.array(votes)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the weighted share of the votes that every class has, (n, classes)."""
        check_is_fitted(self)
        chosen = np.stack([learner.predict(X) for learner in self.estimators_], axis=1)
        votes = (chosen[:, :, None] == self.classes_) * self.estimator_weights_[:, None]
        return votes.sum(axis=1) / self.estimator_weights_.sum()  # type: ignore[no-any-return]

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the labels with most votes, (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]  # type: ignore[no-any-return]


def _with_seed(estimator: Any, seed: int) -> Any:
    """Return the estimator with a seed of its own, if it takes one."""
    return estimator.set_params(random_state=seed) if "random_state" in estimator.get_params() else estimator
