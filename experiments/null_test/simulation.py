"""What is simulated: tables, and the comparison that each is put to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from gan_imbalance.comparison.driver import Experiment
from gan_imbalance.comparison.plan.catalogue import CONTROLS, HALF_MINORITY, REAL_ROWS
from gan_imbalance.comparison.plan.planning import Classifiers
from gan_imbalance.comparison.plan.remedies import Amount, Remedy
from gan_imbalance.comparison.plan.study import DEFAULT_FOLDS
from gan_imbalance.data import TabularDataModule

PRACTICAL_DIFFERENCE = 0.01
PLANTED_GAIN = 3 * PRACTICAL_DIFFERENCE
RARE_KEPT = 31
# `--parts tuning` tells what gain they are worth
ROWS_PLANTED = 150

Matrix = npt.NDArray[Any]


class BlinkeredRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression that does not see some of the features.

    Args:
        unseen: positions of these.
    """

    def __init__(self, unseen: Sequence[int] = ()) -> None:
        self.unseen = unseen

    def fit(self, X: Matrix, y: Matrix) -> Self:
        """Learn from what is seen."""
        self.regression_ = LogisticRegression(solver="newton-cholesky").fit(self._seen(X), y)
        self.classes_ = self.regression_.classes_
        return self

    def predict_proba(self, X: Matrix) -> Matrix:
        """Return class probabilities, (rows, classes)."""
        chances: Matrix = self.regression_.predict_proba(self._seen(X))
        return chances

    def _seen(self, X: Matrix) -> Matrix:
        return np.delete(X, list(self.unseen), axis=1)


def _logistic(*unseen: int) -> Classifiers:
    path = f"{BlinkeredRegression.__module__}.{BlinkeredRegression.__qualname__}"
    return {"logistic_regression": {"class_path": path, "init_args": {"unseen": list(unseen)}}}


@dataclass(frozen=True)
class Part:
    """Tables of one kind, and the comparison that they are put to.

    Attributes:
        rows: of a table.
        rare: share of the rare class.
        features: how many, all normal with standard deviation 1 and independent within a class.
        shift: between the class means, in every feature.
        remedies: that compete; those whose role is ``gan`` are one side of the primary contest.
        keep: rare training rows that stay, the others are set aside; all if not given.
        amounts: of added rows.
        classifiers: who learns.
    """

    rows: int
    rare: float
    features: int
    shift: float
    remedies: Sequence[Remedy]
    keep: int | None = None
    amounts: Sequence[Amount] = ("balance",)
    classifiers: Classifiers = field(default_factory=_logistic)

    def table(self, *seed: int) -> pd.DataFrame:
        """Return a table; another seed gives another one of the same kind."""
        random = np.random.default_rng(seed)
        rare = random.random(self.rows) < self.rare
        features = random.normal(size=(self.rows, self.features)) + self.shift * rare[:, None]
        frame = pd.DataFrame(features, columns=[f"x{column}" for column in range(self.features)])
        return frame.assign(rare=rare.astype(int))

    def comparison(self, *seed: int) -> Experiment:
        """Return the comparison on such a table, with five folds, as is usual."""
        keep = None if self.keep is None else {"1": self.keep}
        return Experiment(
            TabularDataModule(frame=self.table(*seed), target="rare", keep=keep),
            self.remedies,
            self.classifiers,
            folds=DEFAULT_FOLDS,
            amounts=self.amounts,
            metric="pr_auc",
            practical_difference={"pr_auc": PRACTICAL_DIFFERENCE},
        )


_UNDER = "imblearn.under_sampling.RandomUnderSampler"
TWINS = (
    Remedy("one_twin", {"class_path": _UNDER, "init_args": {"random_state": 1}}, stated_role="gan"),
    Remedy("other_twin", {"class_path": _UNDER, "init_args": {"random_state": 2}}),
)
# twelve features are everybody's, and each of the two has three of its own, as good as the other's in the population
OWN_FEATURES = ((12, 13, 14), (15, 16, 17))
RIVALS = (
    Remedy("nothing"),
    Remedy("other_features", classifier={"unseen": list(OWN_FEATURES[0])}, stated_role="gan"),
)
PLANTED = (
    Remedy("nothing"),
    Remedy(REAL_ROWS, reserve=True, stated_role="gan"),
    CONTROLS[HALF_MINORITY],
)

PARTS = {
    "twins": Part(2400, 0.1, 6, 0.8, TWINS),
    "hard": Part(2400, 0.1, 18, 0.5, RIVALS, classifiers=_logistic(*OWN_FEATURES[1])),
    "gain": Part(6000, 1 / 3, 30, 0.4, PLANTED, keep=RARE_KEPT, amounts=(ROWS_PLANTED,)),
    "equal": Part(10_000, 0.1, 6, 0.8, TWINS),
}
"""By name: two nulls, a planted gain, and a planted zero that there are rows enough to see."""
