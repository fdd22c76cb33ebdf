"""The two-sample test must see a difference, and see none where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from xgboost import XGBClassifier

from gan_imbalance.metrics.fidelity import LogisticTwoSampleAccuracy, TwoSampleAccuracy
from gan_imbalance.types import InputError


def normal(n: int, shift: float = 0.0, seed: int = 0) -> Tensor:
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(seed)) + shift


def accuracy(real: Tensor, fake: Tensor, **options: int) -> float:
    metric = TwoSampleAccuracy(**options)
    metric.update(real, fake)
    return float(metric.compute())


def test_same_distribution_is_a_coin_toss_and_another_is_seen() -> None:
    assert accuracy(normal(400), normal(400, seed=1), repeats=5) == pytest.approx(0.5, abs=0.06)
    assert accuracy(normal(400), normal(400, shift=5, seed=1)) > 0.97
    assert 0.6 < accuracy(normal(400), normal(400, shift=1, seed=1), repeats=3) < 0.95


def test_trees_are_those_of_the_published_set_up() -> None:
    real, fake = normal(200), normal(200, shift=0.5, seed=1)
    rng = np.random.default_rng(7)
    real_rows, fake_rows = rng.permutation(real.numpy()), rng.permutation(fake.numpy())
    trees = XGBClassifier(max_depth=4, n_estimators=10, n_jobs=1)
    trees.fit(np.concatenate([real_rows[:100], fake_rows[:100]]), np.repeat([1, 0], 100))
    judged = np.concatenate([real_rows[100:], fake_rows[100:]])
    expected = (trees.predict(judged) == np.repeat([1, 0], 100)).mean()
    assert accuracy(real, fake, seed=7) == pytest.approx(expected)


def test_kinds_are_balanced_so_that_a_constant_answer_scores_a_half() -> None:
    # Constant rows cannot be told apart: with unequal numbers the majority answer would score 0.9.
    assert accuracy(torch.zeros(20, 2), torch.zeros(180, 2)) == 0.5
    assert accuracy(torch.zeros(181, 2), torch.zeros(21, 2)) == 0.5


def test_batches_add_up_and_the_seed_decides() -> None:
    real, fake = normal(150), normal(210, shift=0.3, seed=1)
    metric = TwoSampleAccuracy(seed=3)
    for real_batch, fake_batch in zip(real.split(50), fake.split(70), strict=True):
        metric.update(real_batch, fake_batch)
    assert float(metric.compute()) == accuracy(real, fake, seed=3)
    assert len({accuracy(real, fake, seed=seed) for seed in range(4)}) > 1


def test_repeats_average_different_halvings() -> None:
    real, fake = normal(60), normal(60, shift=0.5, seed=1)
    rng_scores = [accuracy(real, fake, repeats=repeats) for repeats in (1, 2, 8)]
    assert len(set(rng_scores)) > 1


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="1 real and 5 synthetic"):
        accuracy(normal(1), normal(5))


def test_logistic_regression_sees_means_and_not_shapes() -> None:
    def logistic(real: Tensor, fake: Tensor) -> float:
        metric = LogisticTwoSampleAccuracy(repeats=5)
        metric.update(real, fake)
        return float(metric.compute())

    wide = 3 * normal(400, seed=1)
    assert logistic(normal(400), normal(400, shift=3, seed=1)) > 0.9
    assert logistic(normal(400), wide) == pytest.approx(0.5, abs=0.08)
    assert accuracy(normal(400), wide) > 0.75
