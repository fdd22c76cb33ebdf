"""A distilled classifier comes back from its file as it was, and the file runs nothing."""

from __future__ import annotations

import os
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from imblearn.over_sampling import SMOTE
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from skops.io import dumps

from gan_imbalance import DistilledClassifier, GANOverSampler, TableClassifier
from gan_imbalance.comparison.controls import JitterOverSampler
from gan_imbalance.distillation import MEMBERS, CrossFittedEnsemble
from gan_imbalance.types import InputError

NETWORK = {"class_path": "gan_imbalance.TableClassifier", "init_args": {"max_steps": 10}}
EVERY_KIND = {name: {**member} for name, member in MEMBERS.items()} | {"network": NETWORK}
EVERY_KIND["extra_trees"] = {**MEMBERS["extra_trees"], "init_args": {"n_estimators": 5}}
EVERY_KIND["boosted_trees"] = {**MEMBERS["boosted_trees"], "init_args": {"n_estimators": 5}}
SIMPLE = CrossFittedEnsemble({"linear": LogisticRegression()}, folds=2)
JITTER = JitterOverSampler(noise=0.1)


class Mine(LogisticRegression):  # type: ignore[misc]
    """A class that nobody trusts unasked."""


def fitted(frame: pd.DataFrame, student: Any = None, **options: Any) -> DistilledClassifier:
    settings = {"generator": JITTER, "teacher": SIMPLE, "random_state": 0, **options}
    student = LogisticRegression() if student is None else student
    return DistilledClassifier(student, **settings).fit(frame.drop(columns="label"), frame["label"])


@pytest.mark.parametrize(
    ("student", "options"),
    [
        ({"class_path": "xgboost.XGBClassifier", "init_args": {"n_estimators": 5}}, {"teacher": None}),
        (TableClassifier(max_steps=10), {"generator": GANOverSampler(max_steps=3), "amounts": (0.5, 1.0)}),
        (TableClassifier("gan_imbalance.networks.MixedTableClassifier", max_steps=2), {"amounts": (0.0,)}),
        (make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=5)), {"random_state": None}),
        (KNeighborsClassifier(algorithm="kd_tree"), {"generator": SMOTE(k_neighbors=3)}),
    ],
)
def test_it_comes_back_bit_for_bit(
    student: Any, options: dict[str, Any], mixed_frame: pd.DataFrame, tmp_path: Path
) -> None:
    if options.get("teacher", SIMPLE) is None:
        options = {**options, "teacher": CrossFittedEnsemble(EVERY_KIND, folds=2, rounds=3)}
    model = fitted(mixed_frame, student, **options)
    if "teacher" in options:
        # the selection may leave some out
        model.teacher_.members_ = {
            name: member.fit(model.transformer_.transform(mixed_frame), mixed_frame["label"].eq("yes").astype(int))
            for name, member in model.teacher_._new_members(MEMBERS).items()
        }
        model.teacher_.weights_ = dict.fromkeys(model.teacher_.members_, 0.25)
    model.save(tmp_path / "model.ckpt")
    again = DistilledClassifier.load(tmp_path / "model.ckpt")
    X = mixed_frame.drop(columns="label")
    assert np.array_equal(again.predict_proba(X), model.predict_proba(X))
    assert np.array_equal(again.predict(X), model.predict(X))
    features = model.transformer_.transform(X)
    assert np.array_equal(again.transformer_.transform(X), features)
    assert np.array_equal(again.teacher_.predict_proba(features), model.teacher_.predict_proba(features))
    assert np.array_equal(again.teacher_.out_of_fold_, model.teacher_.out_of_fold_)
    assert np.array_equal(again.soft_labels_, model.soft_labels_)
    if isinstance(model.synthetic_, pd.DataFrame):
        pd.testing.assert_frame_equal(again.synthetic_, model.synthetic_, check_exact=True)
    else:
        assert np.array_equal(again.synthetic_, model.synthetic_)
    simple = ("classes_", "amount_", "student_learned_as_", "n_features_in_", "feature_names_in_")
    for name in simple:
        assert np.array_equal(getattr(again, name), getattr(model, name)), name
    assert getattr(again, "scores_", None) == getattr(model, "scores_", None)
    assert again.amounts == list(model.amounts)
    if model.random_state == 0:
        # the settings are those that it was fitted with
        refitted = clone(again).fit(X, mixed_frame["label"])
        assert "teacher" in options or np.array_equal(refitted.predict_proba(X), model.predict_proba(X))


def test_a_class_of_others_is_loaded_where_it_is_trusted(mixed_frame: pd.DataFrame, tmp_path: Path) -> None:
    path, model = tmp_path / "model.ckpt", fitted(mixed_frame, Mine())
    model.save(path)
    name = f"{Mine.__module__}.Mine"
    with pytest.raises(InputError, match=rf"model\.ckpt names {name}, which is not trusted.*give trust=\['{name}'\]"):
        DistilledClassifier.load(path)
    with pytest.raises(InputError, match=r"trust has 'a\.B, c': give packages or classes"):
        DistilledClassifier.load(path, trust="a.B, c")
    for trust in (name, [name], Mine.__module__):
        assert isinstance(DistilledClassifier.load(path, trust=trust).student_, Mine)


def test_what_values_cannot_tell_is_refused_when_saving(mixed_frame: pd.DataFrame, tmp_path: Path) -> None:
    wrapped = fitted(mixed_frame, CalibratedClassifierCV(TableClassifier(max_steps=2), cv=2))
    with pytest.raises(InputError, match=r"The student .* without pickle"):
        wrapped.save(tmp_path / "model.ckpt")
    assert not list(tmp_path.iterdir())


class Bomb:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, ("touch exploded",)


def estimator(value: Any) -> dict[str, torch.Tensor]:
    return {"estimator": torch.frombuffer(bytearray(dumps(value)), dtype=torch.uint8)}


def popen() -> dict[str, Any]:
    return {"class_path": "subprocess.Popen", "init_args": {"args": ["touch", "exploded"]}}


def as_student(content: dict[str, Any], settings: dict[str, Any]) -> None:
    content["student"] = {"settings": settings, "learned": content["learned"], "module": {}}


def a_network_of(content: dict[str, Any], network: Any) -> None:
    module = {"hyper_parameters": {"network": network, "loss": popen()}, "state_dict": {}, "classifier": FORM}
    content["student"] = {"settings": NETWORK, "learned": content["learned"], "module": module}


FORM = {"class_path": "gan_imbalance.classifiers.Classifier", "spec": {}, "classes": [], "data_state": {}}


def cut(tensor: torch.Tensor) -> torch.Tensor:
    return tensor[: len(tensor) // 2].clone()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content["settings"].update(student=popen()), r"names subprocess\.Popen"),
        (lambda content: content["settings"].update(generator={**NETWORK, "init_args": {"loss": popen()}}), "Popen"),
        (lambda content: content["settings"].update(teacher={"class_path": "os.system"}), r"names os\.system"),
        (lambda content: as_student(content, popen()), r"names subprocess\.Popen"),
        (lambda content: a_network_of(content, "os.system"), r"names os\.system"),
        # in a trusted package, but nothing to be called
        (lambda content: a_network_of(content, "gan_imbalance.main.command"), r"names gan_imbalance\.main\.command"),
        (lambda content: content.update(student=estimator(FunctionTransformer(os.system))), r"names posix\.system"),
        (lambda content: content.update(student=estimator(subprocess.Popen)), r"names subprocess\.Popen"),
        (lambda content: content.update(learned=cut(content["learned"])), "is damaged"),
        (lambda content: content["rows"].update(parquet=cut(content["rows"]["parquet"])), "is damaged"),
        (lambda content: content.pop("transformer"), "is damaged"),
    ],
)
def test_a_hostile_or_damaged_part_is_told_and_runs_nothing(
    change: Callable[[dict[str, Any]], Any], message: str, saved: Path, workplace: Path
) -> None:
    checkpoint = torch.load(saved, weights_only=True)
    change(checkpoint["distilled_classifier"])
    torch.save(checkpoint, "changed.ckpt")
    with pytest.raises(InputError, match=message) as told:
        DistilledClassifier.load("changed.ckpt")
    assert "\n" not in str(told.value)
    assert not Path("exploded").exists()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a model."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("saved") / "model.ckpt"
    frame = pd.DataFrame({"a": random.normal(size=60), "b": random.normal(size=60), "label": [0, 1] * 30})
    fitted(frame).save(path)
    return path


def test_another_file_is_told_and_runs_nothing(saved: Path, workplace: Path) -> None:
    Path("cut.ckpt").write_bytes(saved.read_bytes()[:-500])
    Path("pickle.ckpt").write_bytes(pickle.dumps(Bomb()))
    torch.save({"distilled_classifier": Bomb()}, "bomb.ckpt")
    torch.save({"classifier": {}}, "other.ckpt")
    for name, message in {
        "missing.ckpt": "There is no checkpoint missing.ckpt",
        "cut.ckpt": "truncated or not a checkpoint",
        "pickle.ckpt": "truncated or not a checkpoint",
        "bomb.ckpt": "something else than tensors and plain values",
        "other.ckpt": "not a checkpoint of a distilled_classifier",
    }.items():
        with pytest.raises(InputError, match=message):
            DistilledClassifier.load(name)
    assert not Path("exploded").exists()
