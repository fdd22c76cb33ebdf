"""The teacher: out-of-fold labels, greedy selection, and scikit-learn's manners."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from gan_imbalance.classifiers import ImageClassifier
from gan_imbalance.components import build
from gan_imbalance.distillation import CrossFittedEnsemble
from gan_imbalance.distillation.teacher import IMAGE_MEMBERS, MEMBERS, select
from gan_imbalance.types import InputError

LINEAR = {"linear": LogisticRegression()}


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Return 120 rows of three numbers, of which 30 are of class "yes", which lies a little apart."""
    labels = np.repeat(["no", "yes"], [90, 30])
    return np.random.default_rng(0).normal(size=(120, 3)) + 1.5 * (labels == "yes")[:, None], labels


# more folds would ask for more rows than many checks have
@parametrize_with_checks([CrossFittedEnsemble(LINEAR, folds=2, random_state=0)])  # type: ignore[untyped-decorator]
def test_scikit_learns_checks(estimator: CrossFittedEnsemble, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_labels_are_no_echo(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, _ = rows
    noise = np.random.default_rng(1).integers(2, size=len(X))
    teacher = CrossFittedEnsemble({"memory": KNeighborsClassifier(1)}, random_state=0).fit(X, noise)
    assert teacher.score(X, noise) == 1
    assert 0.3 < np.mean(teacher.out_of_fold_.argmax(axis=1) == noise) < 0.7


def test_no_row_is_judged_by_who_learned_it(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, labels = rows
    teacher = CrossFittedEnsemble(LINEAR, random_state=0).fit(X, labels)
    moved = X.copy()
    moved[7] += 100
    # the other rows of its own fold were judged by members that never saw it
    changed = CrossFittedEnsemble(LINEAR, random_state=0).fit(moved, labels)
    same = np.isclose(changed.out_of_fold_[:, 1], teacher.out_of_fold_[:, 1], atol=1e-12)
    same[7] = False
    assert same.sum() == len(X) // 5 - 1


def test_selection_is_caruanas(rows: tuple[np.ndarray, np.ndarray]) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(2, size=200)
    found = {
        name: np.clip(random.normal(labels, spread, size=200), 0.01, 0.99)
        for name, spread in (("good", 0.4), ("fair", 0.6), ("other", 0.6))
    }
    predictions = {name: np.stack([1 - one, one], axis=1) for name, one in found.items()}
    bag: list[str] = []
    losses = []
    for _ in range(6):
        tries = {
            name: log_loss(labels, np.mean([predictions[one] for one in [*bag, name]], axis=0)) for name in predictions
        }
        bag.append(min(tries, key=lambda name: tries[name]))
        losses.append(tries[bag[-1]])
    taken = bag[: int(np.argmin(losses)) + 1]
    assert select(predictions, labels, 6) == pytest.approx(
        {name: taken.count(name) / len(taken) for name in set(taken)}
    )
    # no other mean of as few is better by much
    best = min(
        log_loss(labels, np.mean([predictions[name] for name in some], axis=0))
        for some in product(predictions, repeat=3)
    )
    assert min(losses) < best + 0.01


def test_a_member_that_knows_nothing_is_left_out(rows: tuple[np.ndarray, np.ndarray]) -> None:
    class Lost(GaussianNB):  # type: ignore[misc]
        """Is sure of the opposite."""

        def predict_proba(self, X: Any) -> Any:
            return super().predict_proba(X)[:, ::-1]

    teacher = CrossFittedEnsemble({**LINEAR, "lost": Lost()}, random_state=0).fit(*rows)
    assert teacher.weights_ == {"linear": 1.0}
    assert list(teacher.members_) == ["linear"]
    assert teacher.losses_["lost"] > teacher.losses_["linear"]


def test_the_members_of_the_default_teacher_are_averaged(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, labels = rows
    teacher = CrossFittedEnsemble(folds=2, random_state=0).fit(X, labels)
    assert set(teacher.losses_) == set(MEMBERS)
    assert sum(teacher.weights_.values()) == pytest.approx(1)
    mean = sum(weight * teacher.members_[name].predict_proba(X) for name, weight in teacher.weights_.items())
    np.testing.assert_allclose(teacher.predict_proba(X), mean, rtol=1e-5)
    again = CrossFittedEnsemble(folds=2, random_state=0).fit(X, labels)
    assert np.array_equal(again.out_of_fold_, teacher.out_of_fold_)
    assert log_loss(labels, teacher.out_of_fold_) <= min(teacher.losses_.values()) + 1e-6


@pytest.fixture
def images() -> tuple[np.ndarray, np.ndarray]:
    """Return 48 images of 8 x 8 pixels, of which 12, the light ones, are of class "yes"."""
    labels = np.repeat(["no", "yes"], [36, 12])
    dark = np.random.default_rng(0).integers(0, 128, size=(48, 1, 8, 8))
    return (dark + 127 * (labels == "yes")[:, None, None, None]).astype(np.uint8), labels


def test_images_are_judged_out_of_fold(images: tuple[np.ndarray, np.ndarray]) -> None:
    X, labels = images
    network = {"network": build(IMAGE_MEMBERS["network"]).set_params(max_steps=8, accelerator="cpu")}
    teacher = CrossFittedEnsemble(network, folds=3, random_state=0).fit(X, labels)
    assert teacher.out_of_fold_.shape == teacher.predict_proba(X).shape == (48, 2)
    np.testing.assert_allclose(teacher.out_of_fold_.sum(axis=1), 1, rtol=1e-5)
    inverted = X.copy()
    inverted[7] = 255 - inverted[7]
    changed = CrossFittedEnsemble(network, folds=3, random_state=0).fit(inverted, labels)
    # the others of its fold were judged by a network that never saw it
    same = np.isclose(changed.out_of_fold_, teacher.out_of_fold_, rtol=0, atol=1e-9).all(axis=1)
    assert same.sum() == 48 // 3 - 1


def test_images_have_members_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: build(member).set_params(max_steps=1, accelerator="cpu") for name, member in IMAGE_MEMBERS.items()}
    monkeypatch.setattr("gan_imbalance.distillation.teacher._STANDARD", {4: few})
    labels = np.arange(12) % 2
    images = np.random.default_rng(0).integers(256, size=(12, 1, 8, 8)).astype(np.uint8)
    teacher = CrossFittedEnsemble(folds=2, random_state=0).fit(images, labels)
    assert set(teacher.losses_) == set(IMAGE_MEMBERS)
    assert all(isinstance(member, ImageClassifier) for member in teacher.members_.values())
    with pytest.raises(InputError, match=r"16 x 16 .* were given to a classifier of images of 1 x 8 x 8"):
        teacher.predict(np.zeros((2, 1, 16, 16), dtype=np.uint8))


def test_a_rare_class_makes_fewer_folds(rows: tuple[np.ndarray, np.ndarray]) -> None:
    X, labels = rows
    with pytest.warns(UserWarning, match="Class 'yes' has 3 rows: 3 folds instead of 5"):
        teacher = CrossFittedEnsemble(LINEAR, random_state=0).fit(X[:93], labels[:93])
    assert teacher.out_of_fold_.shape == (93, 2)
    three = np.where(np.arange(120) == 119, "zebra", labels)
    with pytest.warns(UserWarning, match="Class 'zebra' has one row"):
        teacher = CrossFittedEnsemble(LINEAR, random_state=0).fit(X, three)
    assert teacher.out_of_fold_[119].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("settings", "count", "message"),
    [
        ({}, 91, "Class 'yes' has one row, without which"),
        ({}, 90, "All rows are of one class, 'no'"),
        ({"members": {"svm": LinearSVC()}}, 120, "Member 'svm' of the teacher, LinearSVC, has no predict_proba"),
        ({"members": {}}, 120, "no members"),
        ({"folds": 1}, 120, "folds is 1"),
        ({"rounds": 0}, 120, "rounds 0"),
    ],
)
def test_what_cannot_be_taught_is_told(
    settings: dict[str, Any], count: int, message: str, rows: tuple[np.ndarray, np.ndarray]
) -> None:
    X, labels = rows
    with pytest.raises(InputError, match=message):
        CrossFittedEnsemble(**{"members": LINEAR, **settings}).fit(X[:count], labels[:count])
