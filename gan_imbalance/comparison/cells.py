"""One cell of a comparison (seed, remedy, amount, classifier), and the file that holds its result."""

from __future__ import annotations

import json
import re
import resource
import warnings
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from gan_imbalance.comparison.remedies import Amount, Remedy
from gan_imbalance.comparison.resampling import Resampled, fit_encoder, resample
from gan_imbalance.components import build, import_class
from gan_imbalance.data.imbalance import Rows
from gan_imbalance.data.split import Split
from gan_imbalance.data.tables import Table
from gan_imbalance.files import atomic_path, content_hash, provenance, write_json
from gan_imbalance.metrics import ImbalanceMetrics, reweighted_precision, tune_threshold
from gan_imbalance.transforms.table import Features, TabularTransformer
from gan_imbalance.types import InputError

THRESHOLD_FREE = ("pr_auc", "roc_auc", "brier", "calibration_error")


@dataclass(frozen=True)
class Study:
    """What all cells of a comparison share.

    Attributes:
        table: the whole table.
        table_hash: changes with any value of it.
        splits: one per seed.
        minority: index of the rare class.
        positive_rate: true share of the minority, for the re-weighted precision.
        output: folder of the results.
    """

    table: Table
    table_hash: str
    splits: tuple[Split, ...]
    minority: int
    positive_rate: float | None
    output: Path

    def split(self, seed: int) -> Split:
        """Return the split of a seed."""
        return next(split for split in self.splits if split.seed == seed)

    def rows_to_add(self, seed: int, amount: Amount | None) -> int | None:
        """Return the number of minority rows that an amount means in a seed's training part."""
        if amount != "balance":
            return amount
        counts = np.bincount(self.table.labels[self.split(seed).train], minlength=len(self.table.classes))
        return int(counts.max() - counts[self.minority])


class Arm(NamedTuple):
    """A remedy with an amount of added rows ("" where it has none to choose), as tables tell them apart."""

    remedy: str
    amount: str
    kind: str

    @property
    def name(self) -> str:
        """Return how tables call it."""
        if not self.amount:
            return self.remedy
        return f"{self.remedy} +{self.amount}" if self.amount.isdigit() else f"{self.remedy}, {self.amount}"


@dataclass(frozen=True)
class Cell:
    """A seed, a remedy, an amount of added rows (None where the remedy has none to choose), a classifier."""

    seed: int
    remedy: Remedy
    amount: Amount | None
    classifier: str
    estimator: dict[str, Any]

    @property
    def arm(self) -> Arm:
        """Return what it is called but for seed and classifier."""
        return Arm(self.remedy.name, "" if self.amount is None else str(self.amount), self.remedy.kind)

    @property
    def name(self) -> str:
        """Return how a person calls it."""
        return f"{self.arm.name} with {self.classifier}, seed {self.seed}"

    def path(self, study: Study) -> Path:
        """Return the file of its result; the name changes with whatever the result depends on."""
        made_from = [
            study.table_hash,
            study.split(self.seed).hash,
            study.minority,
            study.positive_rate,
            asdict(self.remedy),
            self.amount,
            self.estimator,
        ]
        name = f"{self.classifier}-{self.arm.name}-seed{self.seed}"
        return study.output / "cells" / f"{_slug(name)}-{content_hash(made_from)}.json"


@dataclass(frozen=True)
class Unit:
    """Cells of one remedy and one seed: they share the synthetic rows.

    Attributes:
        cells: at least one.
        rows: the most rows that any amount of the comparison adds; None where the remedy decides.
    """

    cells: tuple[Cell, ...]
    rows: int | None

    @property
    def seed(self) -> int:
        """Return the seed of all its cells."""
        return self.cells[0].seed

    @property
    def remedy(self) -> Remedy:
        """Return the remedy of all its cells."""
        return self.cells[0].remedy

    @property
    def name(self) -> str:
        """Return how a person calls it."""
        return f"{self.remedy.name}, seed {self.seed}"

    def synthetic_path(self, study: Study) -> Path:
        """Return the file of the rows that the remedy adds."""
        made_from = [
            study.table_hash,
            study.split(self.seed).hash,
            study.minority,
            self.remedy.resampler,
            self.remedy.reserve,
            self.rows,
        ]
        name = f"{self.remedy.name}-seed{self.seed}"
        return study.output / "synthetic" / f"{_slug(name)}-{content_hash(made_from)}.parquet"


def group_cells(study: Study, cells: Iterable[Cell]) -> list[Unit]:
    """Return all cells of a comparison as units, in order."""
    grouped: dict[tuple[int, str], list[Cell]] = {}
    for cell in cells:
        grouped.setdefault((cell.seed, cell.remedy.name), []).append(cell)
    units = []
    for (seed, _), together in grouped.items():
        rows = [study.rows_to_add(seed, cell.amount) for cell in together]
        units.append(Unit(tuple(together), max((count for count in rows if count is not None), default=None)))
    return units


@dataclass(frozen=True)
class Failure:
    """A cell, or a whole unit, that could not be made, and why."""

    name: str
    reason: str


def run_unit(study_path: Path, unit: Unit, threads: int) -> list[Failure]:
    """Make the cells of a unit in this process; each result is a file.

    Args:
        study_path: pickled :class:`Study`.
        unit: what to do.
        threads: for torch; the others take theirs from the environment that joblib sets.

    Returns:
        What failed.
    """
    torch.set_num_threads(threads)
    study = _read_study(study_path)
    failures: list[Failure] = []
    try:
        parts = _Parts.of(study, unit)
    # whatever a resampler or a classifier raises costs its own cells only, and is reported
    except Exception as error:
        return [Failure(unit.name, _reason(error))]
    for cell in unit.cells:
        try:
            _run_cell(study, cell, parts)
        except Exception as error:
            failures.append(Failure(cell.name, _reason(error)))
    return failures


@lru_cache(maxsize=1)
def _read_study(path: Path) -> Study:
    import joblib

    study: Study = joblib.load(path)
    return study


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def training_rows(study: Study, unit: Unit) -> Resampled:
    """Return the remedy's training rows, read from their file if there is one, else made and written."""
    split = study.split(unit.seed)
    if not unit.remedy.changes_rows:
        return Resampled(split.train, study.table.features.iloc[:0], study.table.labels[:0])
    path = unit.synthetic_path(study)
    if not Resampled.exists(path):
        made = resample(unit.remedy, study.table, split, study.minority, unit.rows)
        made.save(path, study.table, remedy=asdict(unit.remedy), seed=unit.seed, split_hash=split.hash)
    # always as the file has it, so that a resumed comparison goes on with the very same rows
    return Resampled.load(path, study.table)


@dataclass(frozen=True)
class _Parts:
    """The parts of a split as classifiers see them."""

    encoder: TabularTransformer
    resampled: Resampled
    validation: Features
    test: Features

    @classmethod
    def of(cls, study: Study, unit: Unit) -> _Parts:
        split, features = study.split(unit.seed), study.table.features
        encoder = fit_encoder(study.table, split.train)
        return cls(
            encoder,
            training_rows(study, unit),
            encoder.transform(features.iloc[split.validation], unknown="ignore"),
            encoder.transform(features.iloc[split.test], unknown="ignore"),
        )

    def training(self, study: Study, cell: Cell) -> tuple[Features, Rows, Resampled]:
        """Return features and labels to train on, and which rows they are."""
        chosen = self.resampled.limited_to(study.rows_to_add(cell.seed, cell.amount), cell.seed)
        frames = (study.table.features.iloc[chosen.kept], chosen.added)
        features = np.concatenate([self.encoder.transform(rows, unknown="ignore") for rows in frames])
        return features, np.concatenate([study.table.labels[chosen.kept], chosen.labels]), chosen


def _run_cell(study: Study, cell: Cell, parts: _Parts) -> None:
    split, classes = study.split(cell.seed), study.table.classes
    features, labels, rows = parts.training(study, cell)
    started = perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = _fit(cell, features, labels)
    seconds = perf_counter() - started
    chances = _probabilities(classifier, parts.validation, len(classes))
    tuned = tune_threshold(chances, study.table.labels[split.validation], study.minority)
    chances = _probabilities(classifier, parts.test, len(classes))
    threshold = tuned if cell.remedy.threshold == "tuned" else None
    figures, matrix = _judge(study, chances, study.table.labels[split.test], threshold)
    tuned_figures, _ = _judge(study, chances, study.table.labels[split.test], tuned)
    path = cell.path(study)
    _write_scores(path, study, split.test, chances)
    # the result comes last, since its presence says that the cell is done
    write_json(
        path,
        provenance(
            seed=cell.seed,
            **cell.arm._asdict(),
            classifier=cell.classifier,
            settings={"remedy": asdict(cell.remedy), "classifier": cell.estimator},
            table_hash=study.table_hash,
            split_hash=split.hash,
            rows={"train": len(labels), "kept": len(rows.kept), "added": len(rows.labels)},
            threshold=threshold,
            tuned_threshold=tuned,
            metrics=figures,
            tuned_metrics={name: value for name, value in tuned_figures.items() if name not in THRESHOLD_FREE},
            confusion_matrix=matrix,
            seconds={"resample": rows.seconds, "fit": seconds},
            # of the worker until now, so the largest of all the cells that it made
            peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            notes=rows.notes,
            warnings=sorted({str(warning.message).splitlines()[0] for warning in caught}),
        ),
    )


def _fit(cell: Cell, features: Features, labels: Rows) -> Any:
    from sklearn.utils.class_weight import compute_sample_weight

    classifier = build(cell.estimator)
    if "random_state" in classifier.get_params() and "random_state" not in (cell.estimator.get("init_args") or {}):
        classifier.set_params(random_state=cell.seed)
    weights = {}
    if cell.remedy.class_weight is not None:
        weights = {"sample_weight": compute_sample_weight(cell.remedy.class_weight, labels)}
    return classifier.fit(features, labels, **weights)


def _probabilities(classifier: Any, features: Features, classes: int) -> Features:
    """Return class probabilities, float32 (rows, classes), 0 for a class that the classifier never saw."""
    chances = np.zeros((len(features), classes), dtype=np.float32)
    chances[:, np.asarray(classifier.classes_, dtype=np.int64)] = classifier.predict_proba(features)
    return chances


def _judge(
    study: Study, chances: Features, labels: Rows, threshold: float | None
) -> tuple[dict[str, float], list[list[int]]]:
    """Return figures and confusion matrix (true class, predicted class) of real rows."""
    metrics = ImbalanceMetrics(study.table.classes, study.minority, threshold)
    metrics.update(torch.from_numpy(chances), torch.from_numpy(labels))
    figures = {name: float(value) for name, value in metrics.compute().items()}
    matrix = metrics.confusion_matrix()
    if study.positive_rate is not None:
        others = torch.arange(len(matrix)) != study.minority
        false_positives = matrix[others, study.minority].sum() / matrix[others].sum()
        recall = figures[f"recall_{study.table.classes[study.minority]}"]
        figures["precision_reweighted"] = reweighted_precision(recall, float(false_positives), study.positive_rate)
    counts: list[list[int]] = matrix.tolist()
    return figures, counts


def _write_scores(path: Path, study: Study, rows: Rows, chances: Features) -> None:
    """Keep the test rows' probabilities, so that every figure can be made again."""
    names = [f"probability_{label}" for label in study.table.classes]
    scores = pd.DataFrame(chances, columns=names)
    scores.insert(0, "label", study.table.labels[rows])
    scores.insert(0, "row", rows)
    with atomic_path(scores_path(path)) as temporary:
        scores.to_parquet(temporary, index=False)


def scores_path(result: Path) -> Path:
    """Return where the per-row test scores of a result lie."""
    return result.with_suffix(".parquet")


def read_result(path: Path) -> dict[str, Any]:
    """Read the result of a cell."""
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def check_classifier(name: str, estimator: dict[str, Any]) -> None:
    """Refuse a classifier that could not run.

    Raises:
        InputError: if it cannot be imported or built, or gives no probabilities.
    """
    class_path = estimator.get("class_path", "")
    if not hasattr(import_class(class_path), "predict_proba"):
        raise InputError(f"Classifier {name!r}: {class_path} has no predict_proba; choose one that has.")
    try:
        build(estimator)
    except TypeError as error:
        raise InputError(f"Classifier {name!r}: {class_path} does not take these arguments: {error}.") from error


def _slug(text: str) -> str:
    """Return the text as part of a file name."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", text)
