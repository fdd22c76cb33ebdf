"""From remedies, classifiers and amounts to cells: which there are, and which the data does not allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from gan_imbalance.comparison.plan.cells import TUNE, TUNED, Candidate, Cell, candidates
from gan_imbalance.comparison.plan.remedies import Amount, Remedy
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.components import build, import_class
from gan_imbalance.kinds import find_kind
from gan_imbalance.types import DataKind, InputError

Classifiers = Mapping[str, dict[str, Any]]

TABLE_CLASSIFIERS: Classifiers = {
    "xgboost": {
        "class_path": "xgboost.XGBClassifier",
        "init_args": {"n_estimators": 100, "max_depth": 4},
        TUNE: {"learning_rate": [0.05, 0.1, 0.3], "min_child_weight": [1, 5]},
    },
    "logistic_regression": {
        "class_path": "sklearn.linear_model.LogisticRegression",
        "init_args": {"max_iter": 1000},
        TUNE: {"C": [0.01, 0.1, 1.0, 10.0]},
    },
    "mlp": {
        "class_path": "gan_imbalance.classifiers.TableClassifier",
        "init_args": {},
        TUNE: {"lr": [1e-3, 3e-3, 1e-2], "weight_decay": [0.0, 1e-3]},
    },
}
"""Who learns tables where a configuration names nobody."""

IMAGE_CLASSIFIERS: Classifiers = {
    "smate_cnn": {
        "class_path": "gan_imbalance.classifiers.ImageClassifier",
        "init_args": {
            "network": "gan_imbalance.networks.SMateCNN",
            "augmentation": {"class_path": "gan_imbalance.transforms.image.FlipCrop"},
        },
        TUNE: {"lr": [1e-4, 3e-4, 1e-3]},
    },
}
"""Who learns images where a configuration names nobody."""

SERIES_CLASSIFIERS: Classifiers = {
    "resnet1d": {
        "class_path": "gan_imbalance.classifiers.SeriesClassifier",
        "init_args": {},
        TUNE: {"lr": [3e-4, 1e-3, 3e-3]},
    },
}
"""Who learns time series where a configuration names nobody."""


def standard_classifiers(kind: DataKind) -> Classifiers:
    """Return who learns data of a kind by default."""
    return cast(Classifiers, import_class(find_kind(kind).classifiers))


def plan_cells(
    study: Study,
    remedies: Sequence[Remedy],
    classifiers: Classifiers,
    amounts: Sequence[Amount],
    tuning_budget: int = 0,
) -> list[Cell]:
    """Return every cell of the comparison: split by split, the cells of a remedy together."""
    cells = []
    for key, remedy in ((key, remedy) for key in study.splits for remedy in remedies):
        sizes = list(amounts) if remedy.is_sized else [None]
        pool = max(study.rows_to_add(key, amount) or 0 for amount in amounts) if remedy.is_sized else None
        for amount in sizes:
            for name, estimator in classifiers.items():
                cells.append(Cell(key, remedy, amount, name, estimator, (Candidate(amount),), pool))
        for name, estimator in classifiers.items() if tuning_budget else ():
            choices = candidates(remedy, remedy.estimator or estimator, amounts, tuning_budget, key.seed)
            cells.append(Cell(key, remedy, TUNED, name, estimator, choices, pool))
    return cells


def leave_out_impossible(study: Study, cells: Sequence[Cell]) -> tuple[list[Cell], dict[str, str]]:
    """Return the cells that data and classifiers allow, and the reasons why remedies are left out elsewhere."""
    without_reserve = {
        key.setting
        for key, split in study.splits.items()
        if not np.any(study.samples.labels[split.reserve] == study.minority)
    }
    known = {cell.classifier: known_arguments(cell.estimator) for cell in cells if cell.remedy.classifier}
    allowed, left_out = [], {}
    for cell in cells:
        missing = set(cell.remedy.classifier) - known.get(cell.classifier, set())
        if cell.remedy.reserve and cell.key.setting in without_reserve:
            name = ", ".join(filter(None, (cell.remedy.name, cell.key.setting.display_name)))
            left_out[name] = "the split has no reserve of minority rows (keep in the data, or minority_rows, makes one)"
        elif missing:
            left_out[f"{cell.remedy.name} with {cell.classifier}"] = f"the classifier has no argument {missing.pop()!r}"
        else:
            allowed.append(cell)
    return allowed, left_out


def check_classifier(name: str, estimator: dict[str, Any]) -> None:
    """Refuse a classifier that could not run.

    Raises:
        InputError: if it cannot be imported or built, or gives no probabilities.
    """
    class_path = estimator.get("class_path", "")
    if not hasattr(import_class(class_path), "predict_proba"):
        raise InputError(f"Classifier {name!r}: {class_path} has no predict_proba; choose one that has.")
    try:
        known = known_arguments(estimator)
    except TypeError as error:
        raise InputError(f"Classifier {name!r}: {class_path} does not take these arguments: {error}.") from error
    for argument in estimator.get(TUNE) or {}:
        if argument not in known:
            raise InputError(f"Classifier {name!r}: {class_path} has no argument {argument!r} to tune.")


def known_arguments(estimator: Mapping[str, Any]) -> set[str]:
    """Return the names of a classifier's arguments."""
    return set(build({key: value for key, value in estimator.items() if key != TUNE}).get_params())
