"""The teacher: an ensemble whose probabilities of the rows that it learned from are out-of-fold."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from gan_imbalance.components import build
from gan_imbalance.types import InputError

Probabilities = npt.NDArray[np.float64]

MEMBERS: Mapping[str, dict[str, Any]] = {
    "boosted_trees": {
        "class_path": "xgboost.XGBClassifier",
        "init_args": {"n_estimators": 200, "max_depth": 4, "learning_rate": 0.1, "subsample": 0.8},
    },
    "extra_trees": {
        "class_path": "sklearn.ensemble.ExtraTreesClassifier",
        "init_args": {"n_estimators": 300, "min_samples_leaf": 2},
    },
    "logistic_regression": {
        "class_path": "sklearn.linear_model.LogisticRegression",
        "init_args": {"max_iter": 1000},
    },
    "network": {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {}},
}
"""The members of a teacher of tables unless others are named."""


def _of_images(network: dict[str, Any], augmentation: str) -> dict[str, Any]:
    return {
        "class_path": "gan_imbalance.classifiers.ImageClassifier",
        "init_args": {
            "network": network,
            # none mirrors, which changes what digits and letters are
            "augmentation": {
                "class_path": f"gan_imbalance.transforms.image.{augmentation}",
                "init_args": {"flip": 0.0},
            },
            "optimizer": "torch.optim.Adam",
            "max_steps": 1000,
            "batch_size": 64,
            "lr": 1e-3,
        },
    }


_CNN = {"class_path": "gan_imbalance.networks.SMateCNN", "init_args": {"width": 0.5}}

IMAGE_MEMBERS: Mapping[str, dict[str, Any]] = {
    "network": _of_images(_CNN, "FlipCrop"),
    "augmented_network": _of_images(_CNN, "SMateAugment"),
    "residual_network": _of_images({"class_path": "gan_imbalance.networks.ResNet20", "init_args": {}}, "FlipCrop"),
}
"""The members of a teacher of images unless others are named: they differ in network and augmentation."""

SERIES_MEMBERS: Mapping[str, dict[str, Any]] = {
    "residual_network": {"class_path": "gan_imbalance.classifiers.SeriesClassifier", "init_args": {}},
    "mini_rocket": {"class_path": "gan_imbalance.classifiers.MiniRocketClassifier", "init_args": {}},
}
"""The members of a teacher of time series unless others are named."""

# by the number of axes of their samples
_STANDARD = {3: SERIES_MEMBERS, 4: IMAGE_MEMBERS}

_SMALLEST = 1e-7


class CrossFittedEnsemble(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A weighted average of classifiers that also tells what it thinks of rows as if it had not learned from them.

    Every member is fitted in every fold on the rows of the others, so that each row has probabilities by members that
    never saw it (``out_of_fold_``): labels for distillation that are no echo of its own label. The weights of the
    members are chosen by greedy selection, with replacement, for the least log loss out-of-fold (Caruana,
    Niculescu-Mizil, Crew, Ksikes 2004, "Ensemble Selection from Libraries of Models", section 2). For other rows, the
    members are those fitted on all rows.

    Args:
        members: classifiers with ``predict_proba`` by name, or their ``class_path`` dicts. None takes boosted trees,
            extra trees, logistic regression and a small network (:data:`MEMBERS`); for images, networks that differ in
            kind and augmentation (:data:`IMAGE_MEMBERS`); for time series (n, channels, length), a residual network and
            MiniRocket (:data:`SERIES_MEMBERS`).
        folds: at most, stratified by class; as many as the rarest class has rows, where these are fewer.
        rounds: of the selection; more make finer weights.
        random_state: seed of folds and members, or a numpy random state.

    Attributes:
        classes_: labels, in the order of the probabilities.
        members_: the members fitted on all rows, by name; those without weight are left out.
        weights_: their weights by name, of sum 1.
        losses_: log loss of every member, out-of-fold, by name.
        out_of_fold_: probabilities of the rows it was fitted on, (n, classes).

    Example:
        Its out-of-fold probabilities are a fair estimate of those for new rows:

        >>> from sklearn.datasets import load_breast_cancer
        >>> from sklearn.linear_model import LogisticRegression
        >>> from gan_imbalance.distillation import MEMBERS, CrossFittedEnsemble
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> members = {"linear": LogisticRegression(max_iter=5000), "trees": MEMBERS["extra_trees"]}
        >>> teacher = CrossFittedEnsemble(members, random_state=0).fit(X[:300], y[:300])
        >>> teacher.out_of_fold_.shape, teacher.score(X[300:], y[300:]) > 0.9
        ((300, 2), True)
    """

    def __init__(
        self,
        members: Mapping[str, Any] | None = None,
        *,
        folds: int = 5,
        rounds: int = 20,
        random_state: Any = None,
    ) -> None:
        self.members = members
        self.folds = folds
        self.rounds = rounds
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags: rows with a class each."""
        return super().__sklearn_tags__()

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the members in every fold, choose their weights, and fit them on all rows.

        Args:
            X: features, (n, d); or what all members can learn, such as images, uint8 (n, channels, side, side),
                or time series, (n, channels, length).
            y: labels, (n,).

        Raises:
            InputError: if a member has no ``predict_proba``, there is none, ``folds`` or ``rounds`` are too few, all
                rows are of one class, or all but one are.
        """
        X, y = validate_data(self, X, y, allow_nd=True)
        check_classification_targets(y)
        if self.folds < 2 or self.rounds < 1:
            raise InputError(f"folds is {self.folds} and rounds {self.rounds}: give at least 2 and 1.")
        self.classes_, labels = np.unique(y, return_inverse=True)
        members = self._new_members(_STANDARD.get(X.ndim, MEMBERS))
        fold_of = self._folds(labels)
        predictions = {name: np.empty((len(X), len(self.classes_))) for name in members}
        for fold in range(fold_of.max() + 1):
            held_out = fold_of == fold
            for name, member in members.items():
                fitted = clone(member).fit(X[~held_out], labels[~held_out])
                predictions[name][held_out] = self._probabilities(fitted, X[held_out])
        self.losses_ = {name: _log_loss(found, labels) for name, found in predictions.items()}
        self.weights_ = select(predictions, labels, self.rounds)
        self.out_of_fold_ = _mean(predictions, self.weights_)
        single = np.bincount(labels)[labels] == 1
        self.out_of_fold_[single] = np.eye(len(self.classes_))[labels[single]]
        self.members_ = {name: members[name].fit(X, labels) for name in self.weights_}
        return self

    def predict_proba(self, X: Any) -> Probabilities:
        """Return the weighted mean of the members' probabilities, (n, classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, allow_nd=True)
        return _mean({name: self._probabilities(one, X) for name, one in self.members_.items()}, self.weights_)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the most probable labels, (n,)."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]  # type: ignore[no-any-return]

    def _new_members(self, standard: Mapping[str, Any]) -> dict[str, Any]:
        random = check_random_state(self.random_state)
        given = standard if self.members is None else self.members
        if not given:
            raise InputError("The teacher has no members: name at least one.")
        made = {}
        for name, member in given.items():
            one = build(member) if isinstance(member, Mapping) else clone(member)
            if not hasattr(one, "predict_proba"):
                raise InputError(
                    f"Member {name!r} of the teacher, {type(one).__name__}, has no predict_proba: wrap it in "
                    "sklearn.calibration.CalibratedClassifierCV, or name another."
                )
            parameters = one.get_params()
            if parameters.get("random_state", 0) in (None, 0) and "random_state" in parameters:
                one.set_params(random_state=int(random.randint(2**31 - 1)))
            made[name] = one
        return made

    def _folds(self, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the fold of every row, (n,)."""
        counts = np.bincount(labels)
        if len(counts) < 2:
            (label,) = self.classes_.tolist()
            raise InputError(f"All rows are of one class, {label!r}: a classifier needs rows of at least two classes.")
        rarest, name = int(counts.min()), self.classes_.tolist()[counts.argmin()]
        folds = min(self.folds, max(2, rarest))
        if rarest < 2 and len(counts) == 2:
            raise InputError(
                f"Class {name!r} has one row, without which nothing is left to tell apart: give 2 or more."
            )
        if rarest < 2:
            warnings.warn(
                f"Class {name!r} has one row, which no member can judge without having learned it: it keeps its label.",
                stacklevel=3,
            )
        elif folds < self.folds:
            warnings.warn(
                f"Class {name!r} has {rarest} rows: {folds} folds instead of {self.folds}.",
                stacklevel=3,
            )
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        fold_of = np.empty(len(labels), dtype=np.int64)
        with warnings.catch_warnings():
            # of classes with fewer rows than folds, which were told above
            warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
            for fold, (_, held_out) in enumerate(splitter.split(np.zeros((len(labels), 1)), labels)):
                fold_of[held_out] = fold
        return fold_of

    def _probabilities(self, member: Any, X: npt.NDArray[Any]) -> Probabilities:
        """Return a member's probabilities in the order of all classes; 0 for one that it never saw."""
        found = np.zeros((len(X), len(self.classes_)))
        found[:, np.asarray(member.classes_, dtype=np.int64)] = member.predict_proba(X)
        return found


def select(predictions: Mapping[str, Probabilities], labels: npt.NDArray[np.int64], rounds: int) -> dict[str, float]:
    """Return weights by greedy ensemble selection with replacement (Caruana et al. 2004), of sum 1.

    Starting from nothing, every round adds the member with which the mean of all added so far has the least log loss;
    the weights are those after the round with the least loss of all.

    Args:
        predictions: of every candidate, probabilities of the same rows, (n, classes).
        labels: class indices, (n,).
        rounds: at least 1.
    """
    total: Any = 0.0
    counts = dict.fromkeys(predictions, 0)
    best: tuple[float, dict[str, int]] | None = None
    for size in range(1, rounds + 1):
        losses = {name: _log_loss((total + one) / size, labels) for name, one in predictions.items()}
        chosen = min(losses, key=lambda name: losses[name])
        total = total + predictions[chosen]
        counts[chosen] += 1
        if best is None or losses[chosen] < best[0]:
            best = losses[chosen], dict(counts)
    assert best is not None, "there is at least one round"
    added = sum(best[1].values())
    return {name: count / added for name, count in best[1].items() if count}


def _mean(predictions: Mapping[str, Probabilities], weights: Mapping[str, float]) -> Probabilities:
    mean = sum(weight * predictions[name] for name, weight in weights.items())
    return mean / mean.sum(axis=1, keepdims=True)  # type: ignore[no-any-return, union-attr]


def _log_loss(probabilities: Probabilities, labels: npt.NDArray[np.int64]) -> float:
    """Return the mean of -log p of the true class."""
    return float(-np.log(probabilities[np.arange(len(labels)), labels].clip(_SMALLEST)).mean())
