"""Soft labels: every classifier learns them in the way that it can."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from gan_imbalance import TableClassifier
from gan_imbalance.classifiers import Classifier
from gan_imbalance.distillation import fit_softly, learned_as, real_targets
from gan_imbalance.distillation.soft_labels import as_weighted_copies, drawn
from gan_imbalance.losses import CrossEntropy, FocalLoss
from gan_imbalance.types import DataSpec, InputError


@given(seed=st.integers(0, 1000), classes=st.integers(2, 5))
def test_the_loss_of_weighted_copies_is_that_of_the_soft_labels(seed: int, classes: int) -> None:
    random = np.random.default_rng(seed)
    targets, found = (random.dirichlet(np.ones(classes), size=20) for _ in range(2))
    rows, labels, weights = as_weighted_copies(targets)
    np.testing.assert_allclose(np.bincount(rows, weights), 1)
    copies = np.sum(weights * -np.log(found[rows, labels]))
    # what counts for less than a thousandth of its row is left out
    np.testing.assert_allclose(copies, np.sum(-targets * np.log(found)), rtol=0.05)


def test_drawn_labels_are_the_soft_ones_on_average() -> None:
    targets = np.tile([[0.7, 0.2, 0.1]], (20_000, 1))
    np.testing.assert_allclose(np.bincount(drawn(targets, 0)) / 20_000, targets[0], atol=0.02)
    certain = np.eye(3)[[2, 0, 1]]
    assert drawn(certain, 0).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("classifier", "way"),
    [(TableClassifier(), "probabilities"), (LogisticRegression(), "weights"), (KNeighborsClassifier(), "draws")],
)
def test_every_classifier_learns_in_its_way(classifier: object, way: str) -> None:
    assert learned_as(classifier) == way
    X = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    truth = 1 / (1 + np.exp(-3 * X[:, 0]))
    fitted = fit_softly(classifier, X, np.stack([1 - truth, truth], axis=1), seed=0)
    assert fitted.classes_.tolist() == [0, 1]
    assert np.mean(np.abs(fitted.predict_proba(X)[:, 1] - truth)) < 0.12


def test_who_gives_no_probabilities_cannot_be_taught_them() -> None:
    with pytest.raises(InputError, match="LinearSVC has no predict_proba"):
        learned_as(LinearSVC())


def test_weights_of_rows_multiply_those_of_their_copies() -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    targets = np.tile([[0.5, 0.5]], (60, 1))
    targets[30:] = [0.0, 1.0]
    weights = np.repeat([1.0, 0.0], 30)
    first, other = (
        fit_softly(LogisticRegression(), *part)
        for part in ((X, targets, 0, weights), (X[:30], targets[:30], 0, np.ones(30)))
    )
    np.testing.assert_allclose(first.coef_, other.coef_, atol=1e-4)


def test_arrays_among_the_options_go_with_their_rows() -> None:
    class Watching(LogisticRegression):  # type: ignore[misc]
        def fit(self, X: object, y: object, sample_weight: object = None, mark: object = None) -> Watching:
            self.mark_ = mark
            super().fit(X, y, sample_weight)
            return self

    targets = np.array([[1.0, 0.0], [0.4, 0.6], [0.0, 1.0]])
    found = fit_softly(Watching(), np.eye(3), targets, 0, mark=np.array([7, 8, 9]))
    assert found.mark_.tolist() == [7, 8, 8, 9]


def test_soft_labels_that_are_certain_are_the_hard_ones() -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(80, 3)).astype(np.float32), np.repeat([0, 1], [60, 20])
    hard = TableClassifier(max_steps=20).fit(X, y).predict_proba(X)
    soft = TableClassifier(max_steps=20).fit(X, y, probabilities=np.eye(2)[y]).predict_proba(X)
    np.testing.assert_allclose(soft, hard, atol=1e-5)
    with pytest.raises(
        InputError, match=r"probabilities has shape \(80, 3\): give one per sample and class, \(80, 2\)"
    ):
        TableClassifier().fit(X, y, probabilities=np.ones((80, 3)))


@pytest.mark.parametrize("loss", [CrossEntropy(), FocalLoss()])
def test_a_loss_of_soft_labels_is_its_expectation(loss: CrossEntropy | FocalLoss) -> None:
    module = Classifier(loss=loss, class_weights=[1.0, 3.0])
    module.build(DataSpec("table", (3,), (0, 1)), [5, 5], {})
    module.eval()
    x, targets = torch.randn(6, 3), torch.rand(6, 1)
    soft = torch.cat([1 - targets, targets], dim=1)
    logits = module.network(x)
    each = torch.stack([loss(logits, torch.full((6,), label)) for label in (0, 1)], dim=1)
    weights = soft @ torch.tensor([1.0, 3.0])
    torch.testing.assert_close(module.loss_of((x, soft)), (weights * (soft * each).sum(1)).sum() / weights.sum())


def test_real_rows_have_their_labels_or_the_teachers() -> None:
    class Teacher:
        out_of_fold_ = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])

    labels = np.array([0, 1, 1])
    for real, targets, kept in (
        ("given", np.eye(2)[labels], [0, 1, 2]),
        ("teacher", Teacher.out_of_fold_, [0, 1, 2]),
        ("both", [[0.9, 0.1], [0.15, 0.85], [0.3, 0.7]], [0, 1, 2]),
        ("none", Teacher.out_of_fold_, []),
    ):
        found, positions = real_targets(labels, Teacher(), real)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, targets)
        assert positions.tolist() == kept
    with pytest.raises(InputError, match="real is 'some'"):
        real_targets(labels, Teacher(), "some")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="RandomForestClassifier, has no out_of_fold_"):
        real_targets(labels, RandomForestClassifier(), "given")
