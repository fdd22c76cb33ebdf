"""How close synthetic rows come to real ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities.data import dim_zero_cat

from gan_imbalance.types import InputError

Float32s = NDArray[np.float32]


class TwoSampleAccuracy(Metric):
    """Accuracy of boosted trees telling real rows from synthetic ones (Lopez-Paz & Oquab, 2017, section 3).

    Equal numbers of both kinds; one half of each trains the trees, the other half is judged. 0.5 is the
    best that a generator can reach (less is chance), 1 the worst. Give it real rows that the generator
    has **not** seen: against its training rows, a generator that copies them looks perfect.

    References:
        Revisiting Classifier Two-Sample Tests, https://arxiv.org/abs/1610.06545

    Args:
        max_depth: of every tree.
        num_boost_round: number of trees.
        repeats: random halvings whose accuracies are averaged.
        seed: of the halvings.
        kwargs: of ``torchmetrics.Metric``.
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    real: list[Tensor]
    fake: list[Tensor]

    def __init__(
        self, max_depth: int = 4, num_boost_round: int = 10, repeats: int = 1, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_depth = max_depth
        self.num_boost_round = num_boost_round
        self.repeats = repeats
        self.seed = seed
        self.add_state("real", default=[], dist_reduce_fx="cat")
        self.add_state("fake", default=[], dist_reduce_fx="cat")

    def update(self, real: Tensor, fake: Tensor) -> None:
        """Collect real rows ``(n, d)`` and synthetic rows ``(m, d)``."""
        self.real.append(real.detach().float())
        self.fake.append(fake.detach().float())

    def compute(self) -> Tensor:
        """Return the mean accuracy over the repeats, a scalar in [0, 1].

        Raises:
            InputError: if there are fewer than two rows of either kind.
        """
        real, fake = (dim_zero_cat(rows).cpu().numpy() for rows in (self.real, self.fake))
        if min(len(real), len(fake)) < 2:
            raise InputError(
                f"The two-sample test needs two rows of each kind but got {len(real)} real and "
                f"{len(fake)} synthetic: hold out more rows."
            )
        rng = np.random.default_rng(self.seed)
        accuracies = [self._accuracy(real, fake, rng) for _ in range(self.repeats)]
        return torch.tensor(np.mean(accuracies), dtype=torch.float32, device=self.device)

    def _accuracy(self, real: Float32s, fake: Float32s, rng: np.random.Generator) -> float:
        """Return the accuracy on one half of the rows after training on the other."""
        size = min(len(real), len(fake))
        real, fake = (rng.permutation(rows)[:size] for rows in (real, fake))
        half = size // 2
        training, kinds = np.concatenate([real[:half], fake[:half]]), np.repeat([1.0, 0.0], half)
        probabilities = self._predict(training, kinds, np.concatenate([real[half:], fake[half:]]))
        return float(np.mean((probabilities > 0.5) == np.repeat([True, False], size - half)))

    def _predict(self, training: Float32s, kinds: NDArray[np.float64], judged: Float32s) -> Float32s:
        """Return the probability of being real of every judged row, after learning the kinds of the training rows."""
        import xgboost

        parameters = {
            "objective": "binary:logistic",
            "max_depth": self.max_depth,
            "nthread": torch.get_num_threads(),
        }
        trees = xgboost.train(parameters, xgboost.DMatrix(training, kinds), self.num_boost_round)
        probabilities: Float32s = trees.inplace_predict(judged)
        return probabilities


class LogisticTwoSampleAccuracy(TwoSampleAccuracy):
    """The two-sample test with logistic regression on standardised rows: sees shifted means, not shapes.

    Args:
        repeats: random halvings whose accuracies are averaged.
        seed: of the halvings.
        kwargs: of ``torchmetrics.Metric``.
    """

    def __init__(self, repeats: int = 1, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(repeats=repeats, seed=seed, **kwargs)

    def _predict(self, training: Float32s, kinds: NDArray[np.float64], judged: Float32s) -> Float32s:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(training, kinds)
        probabilities: Float32s = model.predict_proba(judged)[:, 1]
        return probabilities
