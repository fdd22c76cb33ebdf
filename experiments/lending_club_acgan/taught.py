"""A classifier whose synthetic rows get their classes from a teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from gan_imbalance.classifiers import TableClassifier


class TaughtClassifier(TableClassifier):
    """:class:`TableClassifier` that takes synthetic rows without their classes, and has a teacher name these.

    The teacher, a logistic regression, learns from the real training rows alone; the class of every synthetic row is
    drawn from its probabilities, which for many rows comes to soft labels: distillation (Hinton et al. 2015,
    https://arxiv.org/abs/1503.02531) on rows that nobody labelled. Without synthetic rows it is a TableClassifier.
    """

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        added: Any = None,
        added_share: float = 0.5,
        on_epoch: Callable[[int, Self], float | None] | None = None,
    ) -> Self:
        """Train the network; see :meth:`TableClassifier.fit`. ``added`` says which rows are synthetic, (n,)."""
        if added is not None and np.any(added):
            # C was chosen on the development rows
            teacher = LogisticRegression(C=0.1, max_iter=1000).fit(X[~added], y[~added])
            chances = teacher.predict_proba(X[added]).cumsum(axis=1)
            draws = np.random.default_rng(self.random_state).random((len(chances), 1))
            y = np.array(y)
            y[added] = teacher.classes_[(draws > chances[:, :-1]).sum(axis=1)]
        return super().fit(X, y, sample_weight, added, added_share, on_epoch)
