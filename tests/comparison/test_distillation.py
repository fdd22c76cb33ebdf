"""Distilled remedies in a comparison: whose labels, how many rows, and which model stands in the classifiers' place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gan_imbalance.comparison import compare
from gan_imbalance.comparison.distillation import Distillation, EveryClass, Filtering, Teacher
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES
from gan_imbalance.comparison.training import Training
from gan_imbalance.data import TabularDataModule
from gan_imbalance.distillation import CrossFittedEnsemble

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
TEACHER = {
    "class_path": "gan_imbalance.distillation.CrossFittedEnsemble",
    "init_args": {"members": {"linear": LOGISTIC}, "folds": 3},
}
SMALL = {"class_path": "gan_imbalance.comparison.distillation.Distillation", "init_args": {"teacher": TEACHER}}


@pytest.fixture
def training() -> Training:
    """Return 80 real rows, 20 of class 1, and 40 added ones that were all made for it."""
    random = np.random.default_rng(0)
    labels = np.concatenate([np.repeat([0, 1], [60, 20]), np.ones(40, dtype=np.int64)])
    features = random.normal(size=(120, 3)) + labels[:, None]
    return Training(features, labels, np.arange(120) >= 80)


def test_added_rows_have_the_teachers_labels_and_real_ones_those_asked_for(training: Training) -> None:
    teacher = CrossFittedEnsemble({"linear": LogisticRegression()}, random_state=3)
    fitted = CrossFittedEnsemble({"linear": LogisticRegression()}, random_state=3)
    fitted.fit(training.features[:80], training.labels[:80])
    given = np.eye(2)[training.labels[:80]]
    for real, expected in (
        ("given", given),
        ("teacher", fitted.out_of_fold_),
        ("both", (given + fitted.out_of_fold_) / 2),
    ):
        taught = Distillation(teacher, real)(training, seed=0)  # type: ignore[arg-type]
        np.testing.assert_allclose(taught.probabilities[:80], expected)
        np.testing.assert_allclose(taught.probabilities[80:], fitted.predict_proba(training.features[80:]))
        assert np.array_equal(taught.features, training.features)
    alone = Distillation(teacher, "none")(training, seed=0)
    assert alone.added.all()
    assert len(alone.probabilities) == len(alone.features) == 40


@pytest.mark.parametrize("form", [(3,), (3, 1, 1)])
def test_of_the_added_rows_those_stay_that_the_teacher_agrees_with(training: Training, form: tuple[int, ...]) -> None:
    """Rows of any kind: the teacher here flattens them."""
    weights = np.linspace(1, 2, 120)
    given = training._replace(features=training.features.reshape(-1, *form), weights=weights)
    teacher = make_pipeline(FunctionTransformer(_flat), LogisticRegression())
    seen = clone(teacher).fit(given.features[:80], given.labels[:80]).predict(given.features[80:])
    assert 0 < (seen == 1).sum() < 40
    kept = np.concatenate([np.full(80, True), seen == 1])
    found = Filtering(teacher)(given, seed=0)
    assert found.probabilities is None
    for name in ("features", "labels", "added", "weights"):
        assert np.array_equal(getattr(found, name), getattr(given, name)[kept])
    # nothing added, nothing to learn
    real = given.take(np.arange(80))
    assert len(Filtering("no teacher")(real, seed=0).labels) == 80


def _flat(X: np.ndarray) -> np.ndarray:
    return X.reshape(len(X), -1)


def test_a_teacher_without_a_seed_has_that_of_the_split(training: Training) -> None:
    teacher = CrossFittedEnsemble({"linear": LogisticRegression()})
    one, again, other = (Distillation(teacher)(training, seed).probabilities for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_remedies_of_a_split_share_one_teacher(training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []
    learn = LogisticRegression.fit

    def count(self: Any, *args: Any, **kwargs: Any) -> Any:
        fits.append(len(args[0]))
        return learn(self, *args, **kwargs)

    monkeypatch.setattr(LogisticRegression, "fit", count)
    members, seed = {"linear": LogisticRegression(C=0.5)}, 11
    Distillation(CrossFittedEnsemble(members))(training, seed)
    # three folds or more, and all rows
    once = len(fits)
    real = Training(*(part[:80] for part in training[:3]))
    Distillation(CrossFittedEnsemble(members), "teacher")(real, seed)
    teacher = Teacher(members, random_state=seed).fit(training.features[:80], training.labels[:80])
    assert len(fits) == once == 6
    assert teacher.predict_proba(training.features[:5]).shape == (5, 2)
    # of other rows, labels or another seed, it is another
    Distillation(CrossFittedEnsemble(members))(training, seed + 1)
    Teacher(members, random_state=seed).fit(training.features[:80], 1 - training.labels[:80])
    Teacher(members, random_state=seed).fit(training.features[:79], training.labels[:79])
    assert len(fits) == 4 * once


def test_every_class_gets_its_share() -> None:
    assert EveryClass(2.0)(["no"] * 50 + ["yes"] * 7) == {"no": 150, "yes": 21}
    assert EveryClass(0.5)(np.array([0, 0, 0, 1])) == {0: 5, 1: 1}


def test_distilled_remedies_compete_beside_their_controls(data: TabularDataModule, tmp_path: Path) -> None:
    named = [TABLE_REMEDIES[name] for name in ("distilled_gan", "distilled_jitter", "distilled_real")]
    remedies: list[Any] = [replace(remedy.with_gan_steps(2), transform=SMALL) for remedy in named]
    remedies.append(replace(TABLE_REMEDIES["teacher"], estimator=TEACHER))
    network = {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {"max_steps": 4}}
    neighbours = {"class_path": "sklearn.neighbors.KNeighborsClassifier"}
    classifiers = {"linear": LOGISTIC, "network": network, "neighbours": neighbours}
    options: dict[str, Any] = {"seeds": 1, "folds": 0, "controls": False, "wandb": False, "output": str(tmp_path)}
    found = compare(data, remedies=remedies, classifiers=classifiers, **options)
    assert found.exit_code == 0
    results = pd.read_csv(tmp_path / "results.csv", keep_default_na=False).set_index(["classifier", "remedy"])
    for classifier in classifiers:
        added = results.loc[classifier]["rows_added"]
        assert added.to_dict() == {
            "nothing": 0,
            "distilled_gan": 132,
            "distilled_jitter": 132,
            "distilled_real": 0,
            "teacher": 0,
        }
        # the teacher is part of what the first of them takes
        assert results.loc[(classifier, "distilled_gan"), "seconds_resample"] > 0.005
        # one and the same model, whatever it stands in for
        assert results.loc[(classifier, "teacher"), "pr_auc"] == results.loc[("linear", "teacher"), "pr_auc"]
        assert results.loc[(classifier, "distilled_gan"), "brier"] != results.loc[(classifier, "nothing"), "brier"]
