"""A classifier that learned from synthetic rows is judged on real ones."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score
from xgboost import XGBClassifier

from gan_imbalance.metrics import train_and_test
from gan_imbalance.types import InputError


def labelled(n: int, seed: int, useful: bool = True) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.2).astype(np.int8)
    return (random.normal(size=(n, 3)) + 2 * useful * labels[:, None]).astype(np.float32), labels


def test_figures_are_those_of_the_trees() -> None:
    train, test = labelled(300, 0), labelled(200, 1)
    found = train_and_test(*train, *test, classes=["no", "yes"], minority=1, seed=3)
    chances = XGBClassifier(random_state=3, n_jobs=1).fit(*train).predict_proba(test[0])[:, 1]
    assert found["pr_auc"] == pytest.approx(average_precision_score(test[1], chances))
    assert found["f1_yes"] == pytest.approx(f1_score(test[1], chances >= 0.5))


def test_useless_rows_teach_nothing() -> None:
    test = labelled(1000, 1)
    good, bad = (train_and_test(*labelled(500, 0, useful), *test, ["no", "yes"], 1) for useful in (True, False))
    assert bad["roc_auc"] < 0.65 < 0.9 < good["roc_auc"]


def test_a_class_that_is_not_there_is_never_predicted() -> None:
    features, labels = labelled(300, 0)
    test = labelled(200, 1)
    found = train_and_test(features, 2 * labels, test[0], test[1] * 2, classes=["a", "b", "c"], minority=2)
    assert found["precision_b"] == 0
    assert found["pr_auc"] > 0.7


def test_one_class_teaches_nothing() -> None:
    features, labels = labelled(50, 0)
    with pytest.raises(InputError, match="All training rows are of class 'no'"):
        train_and_test(features, 0 * labels, features, labels, ["no", "yes"], 1)
