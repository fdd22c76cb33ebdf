from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gan_imbalance.classifiers import TableClassifier
from gan_imbalance.networks import MixedTableClassifier
from gan_imbalance.types import Span

Data = tuple[np.ndarray, np.ndarray]
FAST = {"max_steps": 60, "lr": 1e-2}


@pytest.fixture
def data() -> Data:
    """Return 90 rows of three normal columns in three classes, a few units apart."""
    y = np.array(["low", "middle", "high"])[np.arange(90) % 3]
    centres = {"low": -3.0, "middle": 0.0, "high": 3.0}
    X = np.random.default_rng(0).normal(size=(90, 3)) + np.array([centres[label] for label in y])[:, None]
    return X, y


def test_it_learns(data: Data) -> None:
    model = TableClassifier(**FAST).fit(*data)
    assert model.classes_.tolist() == ["high", "low", "middle"]
    assert model.n_features_in_ == 3
    assert model.score(*data) > 0.9
    probabilities = model.predict_proba(data[0])
    assert probabilities.shape == (90, 3)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.array_equal(model.predict(data[0]), model.classes_[probabilities.argmax(axis=1)])


def test_it_stands_among_scikit_learns_own(data: Data) -> None:
    scores = cross_val_score(make_pipeline(StandardScaler(), TableClassifier(**FAST)), *data, cv=3, error_score="raise")
    assert (scores > 0.8).all()
    copy = clone(TableClassifier(max_steps=7, weight_decay=0.5))
    assert copy.get_params()["max_steps"] == 7
    assert copy.get_params()["weight_decay"] == 0.5


def test_a_seed_makes_it_reproducible_and_the_global_one_is_left_alone(data: Data) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second, other = (
        TableClassifier(max_steps=5, random_state=seed).fit(*data).predict_proba(data[0]) for seed in (1, 1, 2)
    )
    assert torch.equal(torch.rand(1), expected)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_rows_of_no_weight_are_not_learned_from(data: Data) -> None:
    X, y = data
    wrong = np.where(np.arange(90) < 45, y, "low")
    model = TableClassifier(**FAST).fit(X, wrong, sample_weight=(np.arange(90) < 45).astype(float))
    assert model.score(X, y) > 0.9
    assert TableClassifier(**FAST).fit(X, wrong).score(X, y) < 0.9


def test_it_takes_the_steps_it_is_given(data: Data) -> None:
    assert TableClassifier(max_steps=3).fit(*data).module_.trainer.global_step == 3


def test_it_is_pickled_with_its_weights(data: Data) -> None:
    model = TableClassifier(max_steps=5).fit(*data)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(data[0]), model.predict_proba(data[0]))


def test_misuse_is_told_as_scikit_learn_tells_it(data: Data) -> None:
    with pytest.raises(NotFittedError):
        TableClassifier().predict(data[0])
    model = TableClassifier(max_steps=1).fit(*data)
    with pytest.raises(ValueError, match="3 features"):
        model.predict(data[0][:, :2])
    with pytest.raises(ValueError, match="NaN"):
        TableClassifier().fit(np.full((4, 2), np.nan), [0, 1, 0, 1])


def test_the_best_weights_may_be_kept_instead_of_the_last(data: Data) -> None:
    seen: list[np.ndarray] = []

    def judge(step: int, model: TableClassifier) -> float:
        seen.append(model.predict_proba(data[0]))
        return [0.2, 0.9, 0.4][len(seen) - 1]

    best, last = (TableClassifier(max_steps=300, keep_best=kept) for kept in (True, False))
    assert np.array_equal(best.fit(*data, on_epoch=judge).predict_proba(data[0]), seen[1])
    seen.clear()
    assert np.array_equal(last.fit(*data, on_epoch=judge).predict_proba(data[0]), seen[2])


def test_a_network_named_by_its_class_path_learns_of_the_columns(data: Data) -> None:
    spans = (Span("first", "linear", 0, 1), Span("second", "categorical", 1, 2))
    model = TableClassifier("gan_imbalance.networks.MixedTableClassifier", spans=spans, max_steps=2).fit(*data)
    assert isinstance(model.module_.network, MixedTableClassifier)
    assert len(model.module_.network.blocks[0].embeddings) == 1
