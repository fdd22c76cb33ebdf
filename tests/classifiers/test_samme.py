from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.ensemble import AdaBoostClassifier
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from gan_imbalance.classifiers import SAMME, ImageClassifier
from gan_imbalance.data import CIFAR10DataModule
from gan_imbalance.networks import SMateCNN
from gan_imbalance.types import InputError

STUMP = DecisionTreeClassifier(max_depth=1)
Data = tuple[np.ndarray, np.ndarray]


def five_classes() -> Data:
    X, y = make_classification(300, 8, n_informative=6, n_classes=5, class_sep=1.5, random_state=0)
    return X, np.array(list("abcde"))[y]


@pytest.mark.parametrize(
    ("data", "learner"),
    [
        (five_classes(), DecisionTreeClassifier(max_depth=2)),
        (load_iris(return_X_y=True), STUMP),
        (make_classification(200, 5, random_state=1), STUMP),
    ],
    ids=["five classes", "three classes", "two classes"],
)
@pytest.mark.parametrize("learning_rate", [1.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_scikit_learns_adaboost(
    data: Data, learner: DecisionTreeClassifier, learning_rate: float, weighted: bool
) -> None:
    X, y = data
    settings = {"estimator": learner, "n_estimators": 15, "learning_rate": learning_rate, "random_state": 0}
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y)) if weighted else None
    ours, theirs = (boosting(**settings).fit(X, y, sample_weight=weights) for boosting in (SAMME, AdaBoostClassifier))
    assert len(ours.estimators_) == len(theirs.estimators_) > 5
    np.testing.assert_allclose(ours.estimator_errors_, theirs.estimator_errors_[: len(ours.estimators_)])
    np.testing.assert_allclose(ours.estimator_weights_, theirs.estimator_weights_[: len(ours.estimators_)])
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    others = len(ours.classes_) - 1
    shares = ours.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    margins = shares * (1 + 1 / others) - 1 / others
    if others == 1:
        margins = margins[:, 1] - margins[:, 0]
    np.testing.assert_allclose(theirs.decision_function(X), margins, atol=1e-12)


def test_it_ends_with_a_learner_that_makes_no_error() -> None:
    X, y = load_iris(return_X_y=True)
    learner = DecisionTreeClassifier()
    ours, theirs = (boosting(learner, random_state=0).fit(X, y) for boosting in (SAMME, AdaBoostClassifier))
    assert len(ours.estimators_) == len(theirs.estimators_) == 1
    assert np.array_equal(ours.predict(X), y)
    assert np.array_equal(ours.predict_proba(X).max(axis=1), np.ones(150))


def test_every_learner_has_a_seed_of_its_own() -> None:
    model = SAMME(DecisionTreeClassifier(max_depth=2, splitter="random"), n_estimators=5).fit(*five_classes())
    assert len({learner.random_state for learner in model.estimators_}) == 5
    again = clone(model).fit(*five_classes())
    assert np.array_equal(again.estimator_errors_, model.estimator_errors_)


def test_it_beats_its_own_weak_learner_on_digits() -> None:
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    train, test, train_labels, test_labels = train_test_split(images, labels, random_state=0)
    weak = ImageClassifier(
        partial(SMateCNN, width=0.25), max_steps=60, batch_size=64, lr=1e-3, accelerator="cpu", weighting="draw"
    )
    model = SAMME(weak, n_estimators=6, random_state=0).fit(train, train_labels)
    single = model.estimators_[0].score(test, test_labels)
    assert single < 0.95
    assert model.score(test, test_labels) > single + 0.02


@pytest.mark.slow
def test_it_beats_its_own_weak_learner_on_cifar(shared_data: Callable[[str], Path]) -> None:
    root = str(shared_data("cifar-10-batches-py").parent)
    four = ["airplane", "automobile", "ship", "truck"]
    data = CIFAR10DataModule(root=root, only=four, size=16, max_images=6000)
    train, test = (data.samples.take(rows) for rows in (data.split.train, data.split.test))
    weak = ImageClassifier(
        partial(SMateCNN, width=0.25), max_steps=60, batch_size=64, lr=1e-3, accelerator="cpu", weighting="draw"
    )
    model = SAMME(weak, n_estimators=16, random_state=0).fit(train.images, train.labels)
    single = model.estimators_[0].score(test.images, test.labels)
    # guessing is right on a quarter
    assert single > 0.3
    assert model.score(test.images, test.labels) > single + 0.02


def test_what_cannot_be_boosted_is_named() -> None:
    X, y = five_classes()
    with pytest.raises(
        InputError, match="KNeighborsClassifier cannot be boosted, since its fit takes no sample_weight"
    ):
        SAMME(KNeighborsClassifier()).fit(X, y)
    with pytest.raises(InputError, match="The first DecisionTreeClassifier is wrong on 50%"):
        SAMME(STUMP).fit(np.zeros((4, 1)), [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_estimators": 0}, "n_estimators is 0: give at least 1"),
        ({"learning_rate": -1.0}, r"learning_rate is -1\.0: give a number above 0"),
        ({"learning_rate": 0.0}, r"learning_rate is 0\.0"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SAMME(STUMP, **settings).fit(*five_classes())


def test_labels_and_weights_are_checked() -> None:
    X, y = five_classes()
    with pytest.raises(InputError, match="All samples are of class a: boosting needs at least two classes"):
        SAMME(STUMP).fit(X, ["a"] * len(X))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SAMME(STUMP).fit(X, y, sample_weight=np.ones(3))
