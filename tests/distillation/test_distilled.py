"""A distilled classifier stands wherever a classifier does."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from gan_imbalance import DistilledClassifier, GANOverSampler, TableClassifier
from gan_imbalance.comparison.controls import JitterOverSampler
from gan_imbalance.distillation import CrossFittedEnsemble
from gan_imbalance.types import InputError

TEACHER = CrossFittedEnsemble({"linear": LogisticRegression()}, folds=2)
JITTER = JitterOverSampler(noise=0.1)


def distilled(student: Any = None, **options: Any) -> DistilledClassifier:
    """Return one that learns quickly."""
    student = LogisticRegression() if student is None else student
    return DistilledClassifier(student, **{"generator": JITTER, "teacher": TEACHER, "random_state": 0, **options})


@parametrize_with_checks([distilled()])  # type: ignore[untyped-decorator]
def test_scikit_learns_checks(estimator: DistilledClassifier, check: Callable[[Any], None]) -> None:
    check(estimator)


@pytest.mark.parametrize(
    ("student", "way"),
    [
        (DecisionTreeClassifier(max_depth=3), "weights"),
        (KNeighborsClassifier(), "draws"),
        (TableClassifier(max_steps=20), "probabilities"),
    ],
)
@pytest.mark.parametrize("generator", [JITTER, GANOverSampler(max_steps=3), SMOTE(k_neighbors=3)])
def test_any_student_learns_from_any_generator(
    student: Any, way: str, generator: Any, mixed_frame: pd.DataFrame
) -> None:
    X, y = mixed_frame.drop(columns="label"), mixed_frame["label"]
    model = distilled(student, generator=generator, amounts=(1.5,)).fit(X, y)
    assert model.student_learned_as_ == way
    assert model.classes_.tolist() == ["no", "yes"]
    assert len(model.synthetic_) == len(model.soft_labels_) == 180
    np.testing.assert_allclose(model.soft_labels_.sum(axis=1), 1, rtol=1e-6)
    assert set(model.predict(X)) <= {"no", "yes"}
    if not isinstance(generator, SMOTE):
        assert list(model.synthetic_.columns) == list(X.columns)
        assert set(model.synthetic_["colour"]) <= set(X["colour"])


def test_a_student_comes_closer_to_its_teacher_than_the_labels_bring_it() -> None:
    random = np.random.default_rng(0)
    X = random.normal(size=(3000, 4))
    truth = 1 / (1 + np.exp(-2 * X[:, 0] - X[:, 1]))
    y = (random.random(3000) < truth).astype(int)
    tree = DecisionTreeClassifier(max_depth=5, random_state=0)
    alone = tree.fit(X[:500], y[:500]).predict_proba(X[500:])[:, 1]
    taught = distilled(clone(tree), amounts=(4.0,)).fit(X[:500], y[:500]).predict_proba(X[500:])[:, 1]
    errors = [np.mean((one - truth[500:]) ** 2) for one in (alone, taught)]
    assert errors[1] < 0.6 * errors[0]


def test_several_classes_and_drawn_amounts() -> None:
    y = np.repeat(["a", "b", "c"], [60, 30, 15])
    X = np.random.default_rng(0).normal(size=(105, 3)) + np.repeat([0, 2, 4], [60, 30, 15])[:, None]
    model = distilled(amounts=(0.0, 1.0, 2.0)).fit(X, y)
    assert model.predict_proba(X).shape == (105, 3)
    assert set(model.scores_) == {0.0, 1.0, 2.0}
    assert model.scores_[model.amount_] == max(model.scores_.values())
    assert len(model.synthetic_) == model.amount_ * 105
    nothing = distilled(amounts=(0.0,)).fit(X, y)
    assert (len(nothing.synthetic_), nothing.soft_labels_.shape) == (0, (0, 3))


def test_it_stands_in_pipelines_and_searches_and_can_be_kept() -> None:
    random = np.random.default_rng(0)
    X, y = random.normal(size=(80, 3)), np.repeat([0, 1], [60, 20])
    X[y == 1] += 1
    search = GridSearchCV(
        make_pipeline(StandardScaler(), distilled()), {"distilledclassifier__amounts": [(1.0,), (2.0,)]}, cv=2, n_jobs=2
    ).fit(X, y)
    model = search.best_estimator_
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    copy = clone(model).fit(X, y)
    assert np.array_equal(copy.predict_proba(X), model.predict_proba(X))


def test_the_students_default_is_xgboost_and_the_generators_a_gan(mixed_frame: pd.DataFrame) -> None:
    model = DistilledClassifier(teacher=TEACHER, random_state=0)
    model.fit(mixed_frame.drop(columns="label"), mixed_frame["label"])
    assert type(model.student_).__name__ == "XGBClassifier"
    assert len(model.synthetic_) == 2 * len(mixed_frame)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"amounts": ()}, "amounts is"),
        ({"amounts": (-1.0,)}, "amounts is"),
        ({"student": LinearSVC()}, "LinearSVC has no predict_proba"),
        ({"teacher": LogisticRegression()}, "has no out_of_fold_"),
        ({"real": "some"}, "real is 'some'"),
        ({"real": "none", "amounts": (0.0,)}, "nothing to learn"),
    ],
)
def test_what_cannot_be_distilled_is_told(options: dict[str, Any], message: str, mixed_frame: pd.DataFrame) -> None:
    model = distilled(**options)
    with pytest.raises(InputError, match=message):
        model.fit(mixed_frame.drop(columns="label"), mixed_frame["label"])
