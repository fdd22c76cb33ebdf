"""One cell of a comparison (split, remedy, amount, classifier), and the file that holds its result."""

from __future__ import annotations

import inspect
import json
import re
import traceback
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from gan_imbalance.comparison.forms import Form, form_of
from gan_imbalance.comparison.remedies import Amount, Remedy
from gan_imbalance.comparison.resampling import Resampled, resample
from gan_imbalance.comparison.resources import measured
from gan_imbalance.components import build, import_class
from gan_imbalance.data.base import Samples
from gan_imbalance.data.imbalance import Rows
from gan_imbalance.data.split import Split
from gan_imbalance.files import atomic_path, content_hash, provenance, write_json
from gan_imbalance.metrics import ImbalanceMetrics, reweighted_precision, tune_threshold
from gan_imbalance.transforms.dtypes import Features
from gan_imbalance.types import InputError

THRESHOLD_FREE = ("pr_auc", "roc_auc", "brier", "calibration_error")

TUNED = "tuned"
"""The amount of a cell whose settings are chosen on validation rows."""

TUNE = "tune"
"""Key of a classifier's configuration: of its arguments, the values that tuned cells may choose from."""


class Setting(NamedTuple):
    """What a comparison varies about the real training rows; None leaves it as the data has it.

    Attributes:
        minority_rows: real minority rows.
        imbalance_ratio: majority rows per minority row.
    """

    minority_rows: int | None = None
    imbalance_ratio: float | None = None

    @property
    def name(self) -> str:
        """Return how a person calls it; empty for the data as it is."""
        rows = "" if self.minority_rows is None else f"{self.minority_rows} minority rows"
        ratio = "" if self.imbalance_ratio is None else f"imbalance ratio {self.imbalance_ratio:g}"
        return ", ".join(filter(None, (rows, ratio)))


class SplitKey(NamedTuple):
    """Which split of a comparison: its seed, its fold where there are folds, and its setting."""

    seed: int
    fold: int | None = None
    setting: Setting = Setting()

    @property
    def name(self) -> str:
        """Return how a person calls it."""
        fold = "" if self.fold is None else f"fold {self.fold}"
        return ", ".join(filter(None, (f"seed {self.seed}", fold, self.setting.name)))

    @property
    def slug(self) -> str:
        """Return it as part of a file name."""
        fold = "" if self.fold is None else f"-fold-{self.fold}"
        rows, ratio = self.setting
        return f"seed-{self.seed}{fold}" + (f"-rows-{rows}" if rows else "") + (f"-ratio-{ratio:g}" if ratio else "")


@dataclass(frozen=True)
class Study:
    """What all cells of a comparison share.

    Attributes:
        samples: all of the data.
        splits: every split, settings varying slowest.
        minority: index of the rare class.
        positive_rate: true share of the minority, for the re-weighted precision.
        output: folder of the results.
    """

    samples: Samples
    splits: Mapping[SplitKey, Split]
    minority: int
    positive_rate: float | None
    output: Path

    def rows_to_add(self, key: SplitKey, amount: Amount | None) -> int | None:
        """Return the number of minority rows that an amount means in a split's training part."""
        if amount is None or isinstance(amount, int):
            return amount
        counts = np.bincount(self.samples.labels[self.splits[key].train], minlength=len(self.samples.classes))
        return int(counts.max() - counts[self.minority])


class Arm(NamedTuple):
    """A remedy with an amount of added rows ("" where it has none to choose), as tables tell them apart."""

    remedy: str
    amount: str
    kind: str

    @property
    def is_baseline(self) -> bool:
        """Return whether it is what all others are compared with: nothing at all, tuning included."""
        return self.kind == "baseline" and not self.amount

    @property
    def name(self) -> str:
        """Return how tables call it."""
        if not self.amount:
            return self.remedy
        if self.amount.startswith("0."):
            return f"{self.remedy}, {float(self.amount):.0%} of a batch"
        return f"{self.remedy} +{self.amount}" if self.amount.isdigit() else f"{self.remedy}, {self.amount}"


@dataclass(frozen=True)
class Candidate:
    """Settings that a cell may choose among on validation rows.

    Attributes:
        amount: of rows added; None where the remedy decides, 0 for the training rows as they are.
        resampler: arguments of the resampler that differ from the remedy's.
        classifier: arguments of the classifier that differ from the configured ones.
    """

    amount: Amount | None
    resampler: dict[str, Any] = field(default_factory=dict)
    classifier: dict[str, Any] = field(default_factory=dict)


def candidates(
    remedy: Remedy, estimator: Mapping[str, Any], amounts: Iterable[Amount], budget: int, seed: int
) -> tuple[Candidate, ...]:
    """Return at most ``budget`` candidates; the first adds no rows and changes nothing.

    The second is the remedy as it is, with the last of the ``amounts``; the others are drawn at random, without
    repetition, from all combinations of amounts, the resampler's ``tune`` and the classifier's. So every remedy
    has the same number of tries, as far as it has combinations, and doing nothing is always one of them.

    Args:
        remedy: whose candidates.
        estimator: the classifier, with its ``tune``: of its arguments, the values to choose from.
        amounts: of rows, that a remedy may choose from.
        budget: at least 1.
        seed: of the draw.
    """
    sizes = [*amounts] if remedy.is_sized else [None]
    as_it_is = Candidate(0 if remedy.changes_rows else None)
    with_rows = [Candidate(*choice) for choice in product(sizes, _grid(remedy.tune), _grid(estimator.get(TUNE)))]
    without_rows = [replace(as_it_is, classifier=choice) for choice in _grid(estimator.get(TUNE))]
    first = [as_it_is, Candidate(sizes[-1])]
    others = _distinct(one for one in without_rows + with_rows if one not in first)
    drawn = [others[position] for position in np.random.default_rng(seed).permutation(len(others))]
    return tuple(_distinct(first + drawn)[:budget])


def _distinct(choices: Iterable[Candidate]) -> list[Candidate]:
    return list({content_hash(asdict(choice)): choice for choice in choices}.values())


def _grid(values: Mapping[str, list[Any]] | None) -> list[dict[str, Any]]:
    """Return every combination, the empty one, which changes nothing, first."""
    names = list(values or {})
    return [{}, *(dict(zip(names, choice, strict=True)) for choice in product(*(values or {}).values()) if names)]


@dataclass(frozen=True)
class Cell:
    """A split, a remedy, an amount of added rows (None where the remedy has none to choose), a classifier.

    Attributes:
        candidates: what a tuned cell, whose amount is :data:`TUNED`, chooses from; else one.
        pool: rows that the remedy makes on its split, of which the amounts are random parts; None where it decides.
    """

    key: SplitKey
    remedy: Remedy
    amount: str | Amount | None
    classifier: str
    estimator: dict[str, Any]
    candidates: tuple[Candidate, ...]
    pool: int | None

    @property
    def arm(self) -> Arm:
        """Return what it is called but for split and classifier."""
        return Arm(self.remedy.name, "" if self.amount is None else str(self.amount), self.remedy.kind)

    @property
    def name(self) -> str:
        """Return how a person calls it."""
        return f"{self.arm.name} with {self.classifier}, {self.key.name}"

    def path(self, study: Study) -> Path:
        """Return the file of its result; the name changes with whatever the result depends on."""
        made_from = [
            study.samples.hash,
            study.splits[self.key].hash,
            study.minority,
            study.positive_rate,
            self.remedy.settings,
            self.amount,
            self.estimator,
            [asdict(candidate) for candidate in self.candidates],
            self.pool,
        ]
        name = f"{self.classifier}-{self.arm.name}-{self.key.slug}"
        return study.output / "cells" / f"{slug(name)}-{content_hash(made_from)}.json"


@dataclass(frozen=True)
class Unit:
    """Cells of one remedy and one split: they share the synthetic rows.

    Attributes:
        cells: at least one.
    """

    cells: tuple[Cell, ...]

    @property
    def key(self) -> SplitKey:
        """Return the split of all its cells."""
        return self.cells[0].key

    @property
    def remedy(self) -> Remedy:
        """Return the remedy of all its cells."""
        return self.cells[0].remedy

    @property
    def name(self) -> str:
        """Return how a person calls it."""
        return f"{self.remedy.name}, {self.key.name}"

    def synthetic_path(self, study: Study, remedy: Remedy | None = None) -> Path:
        """Return the file of the rows that the remedy, or it with other settings, adds."""
        remedy = remedy or self.remedy
        made_from = [
            study.samples.hash,
            study.splits[self.key].hash,
            study.minority,
            remedy.resampler,
            remedy.reserve,
            self.cells[0].pool,
        ]
        name = f"{remedy.name}-{self.key.slug}"
        return study.output / "synthetic" / f"{slug(name)}-{content_hash(made_from)}{form_of(study.samples).suffix}"


def group_cells(cells: Iterable[Cell]) -> list[Unit]:
    """Return all cells of a comparison as units, in order."""
    grouped: dict[tuple[SplitKey, str], list[Cell]] = {}
    for cell in cells:
        grouped.setdefault((cell.key, cell.remedy.name), []).append(cell)
    return [Unit(tuple(together)) for together in grouped.values()]


@dataclass(frozen=True)
class Failure:
    """A cell, or a whole unit, that could not be made, and why."""

    name: str
    reason: str


def run_unit(study_path: Path, unit: Unit, threads: int) -> list[Failure]:
    """Make the cells of a unit in this process; each result is a file, and so is each failure.

    Args:
        study_path: pickled :class:`Study`.
        unit: what to do.
        threads: for torch; the others take theirs from the environment that joblib sets.

    Returns:
        What failed.
    """
    torch.set_num_threads(threads)
    study = _read_study(study_path)
    try:
        bench = _Bench.of(study, unit)
    # whatever a resampler or a classifier raises costs its own cells only, and is reported
    except Exception as error:
        return [fail_unit(study, unit, error)]
    failures: list[Failure] = []
    for cell in unit.cells:
        try:
            _run_cell(bench, cell)
        except Exception as error:
            failures.append(Failure(cell.name, _reason(error)))
            _write_failure(cell.path(study), failures[-1], error)
        else:
            failure_path(cell.path(study)).unlink(missing_ok=True)
    return failures


def fail_unit(study: Study, unit: Unit, error: Exception) -> Failure:
    """Write the reason why a unit has no results, and return it."""
    failure = Failure(unit.name, _reason(error))
    for cell in unit.cells:
        if not cell.path(study).is_file():
            _write_failure(cell.path(study), failure, error)
    return failure


@lru_cache(maxsize=1)
def _read_study(path: Path) -> Study:
    import joblib

    study: Study = joblib.load(path)
    return study


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"


def failure_path(result: Path) -> Path:
    """Return where the reason lies why there is no result."""
    return result.with_suffix(".failed.json")


def _write_failure(path: Path, failure: Failure, error: Exception) -> None:
    write_json(failure_path(path), {**asdict(failure), "traceback": traceback.format_exception(error)})


def training_rows(study: Study, unit: Unit, remedy: Remedy) -> Resampled:
    """Return a remedy's training rows, read from their file if there is one, else made and written."""
    split = study.splits[unit.key]
    if not remedy.changes_rows:
        none = split.train[:0]
        return Resampled(split.train, form_of(study.samples).take(none), none)
    path = unit.synthetic_path(study, remedy)
    if not Resampled.exists(path):
        made = resample(remedy, study.samples, split, study.minority, unit.cells[0].pool, study.output)
        made.save(path, study.samples, remedy=remedy.settings, split=unit.key.name, split_hash=split.hash)
    # always as the file has it, so that a resumed comparison goes on with the very same rows
    return Resampled.load(path, study.samples)


class _Training(NamedTuple):
    """What a classifier learns from.

    Attributes:
        features: encoded rows, (n, ...).
        labels: class indices, (n,).
        added: mask of the rows that the remedy added, (n,).
    """

    features: npt.NDArray[Any]
    labels: Rows
    added: np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class _Bench:
    """A unit with the parts of its split as classifiers see them."""

    study: Study
    unit: Unit
    form: Form
    validation: npt.NDArray[Any]
    test: npt.NDArray[Any]
    resampled: dict[str, Resampled] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study, unit: Unit) -> _Bench:
        split = study.splits[unit.key]
        form = form_of(study.samples, split.train, study.output)
        validation, test = (form.encode(form.take(part)) for part in (split.validation, split.test))
        bench = cls(study, unit, form, validation, test)
        # at once, so that a resampler that fails is told once; what is tuned costs its own cells only
        for cell in unit.cells:
            if cell.amount != TUNED:
                bench.rows(*cell.candidates)
        return bench

    def rows(self, candidate: Candidate) -> Resampled:
        """Return the training rows that a candidate takes its part of."""
        remedy = self.unit.remedy.with_init_args(**candidate.resampler)
        if candidate.amount == 0:
            remedy = Remedy(remedy.name)
        key = content_hash(remedy.settings)
        if key not in self.resampled:
            self.resampled[key] = training_rows(self.study, self.unit, remedy)
        return self.resampled[key]

    def training(self, candidate: Candidate) -> _Training:
        """Return what a classifier learns from under a candidate."""
        form, key = self.form, self.unit.key
        chosen = self.rows(candidate).limited_to(self.study.rows_to_add(key, candidate.amount), key.seed)
        labels = np.concatenate([form.samples.labels[chosen.kept], chosen.labels])
        features = np.concatenate([form.encode(rows) for rows in (form.take(chosen.kept), chosen.added)])
        return _Training(features, labels, np.arange(len(labels)) >= len(chosen.kept))


class _Fitted(NamedTuple):
    """A classifier and what it learned from, and how well it does on validation rows."""

    classifier: Any
    candidate: Candidate
    training: _Training
    validation: Features
    pr_auc: float
    history: list[dict[str, float]]


def _run_cell(bench: _Bench, cell: Cell) -> None:
    study, key = bench.study, cell.key
    split, labels = study.splits[key], study.samples.labels
    made = {id(rows): rows for rows in map(bench.rows, cell.candidates)}.values()
    with measured() as usage, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = [_fit(bench, cell, candidate) for candidate in cell.candidates]
    # of equally good ones the first, which adds no rows
    best = max(fitted, key=lambda one: one.pr_auc)
    tuned = tune_threshold(best.validation, labels[split.validation], study.minority)
    chances = _probabilities(best.classifier, bench.test, len(study.samples.classes))
    threshold = tuned if cell.remedy.threshold == "tuned" else None
    figures, matrix = _judge(study, chances, labels[split.test], threshold)
    tuned_figures, _ = _judge(study, chances, labels[split.test], tuned)
    path = cell.path(study)
    _write_scores(path, study, split.test, chances)
    # the result comes last, since its presence says that the cell is done
    write_json(
        path,
        provenance(
            seed=key.seed,
            fold=key.fold,
            **key.setting._asdict(),
            **cell.arm._asdict(),
            classifier=cell.classifier,
            settings={"remedy": cell.remedy.settings, "classifier": cell.estimator},
            data_hash=study.samples.hash,
            split_hash=split.hash,
            candidates=[{**asdict(one.candidate), "validation_pr_auc": one.pr_auc} for one in fitted],
            chosen=asdict(best.candidate),
            rows={
                "train": len(best.training.labels),
                "kept": int(np.sum(~best.training.added)),
                "added": int(np.sum(best.training.added)),
            },
            threshold=threshold,
            tuned_threshold=tuned,
            metrics=figures,
            tuned_metrics={name: value for name, value in tuned_figures.items() if name not in THRESHOLD_FREE},
            validation_pr_auc=best.pr_auc,
            history=best.history,
            confusion_matrix=matrix,
            seconds={"resample": sum(rows.usage.seconds for rows in made), "fit": usage.seconds},
            peak_memory_mib={
                "resample": max(rows.usage.peak_memory_mib for rows in made),
                "fit": usage.peak_memory_mib,
            },
            notes=bench.rows(best.candidate).notes,
            quality=bench.rows(best.candidate).quality,
            warnings=sorted({str(warning.message).splitlines()[0] for warning in caught}),
        ),
    )


def _fit(bench: _Bench, cell: Cell, candidate: Candidate) -> _Fitted:
    study = bench.study
    training = bench.training(candidate)
    positive = study.samples.labels[study.splits[cell.key].validation] == study.minority
    history: list[dict[str, float]] = []

    def judge(classifier: Any) -> tuple[Features, float]:
        chances = _probabilities(classifier, bench.validation, len(study.samples.classes))
        return chances, _pr_auc(chances[:, study.minority], positive)

    def watch(step: int, classifier: Any) -> float:
        history.append({"step": step, "validation_pr_auc": judge(classifier)[1]})
        return history[-1]["validation_pr_auc"]

    classifier = _new_classifier(bench, cell, candidate)
    wanted = inspect.signature(classifier.fit).parameters
    options: dict[str, Any] = {"on_epoch": watch} if "on_epoch" in wanted else {}
    weights = _class_weights(cell, training)
    share = candidate.amount if isinstance(candidate.amount, float) else cell.remedy.share
    if not training.added.any():
        share = None
    if share is not None and "added_share" in wanted:
        options |= {"added": training.added, "added_share": share}
    elif share is not None:
        weights = weights * share_weights(training.added, share)
    if share is not None or cell.remedy.class_weight is not None:
        options["sample_weight"] = weights
    classifier.fit(training.features, training.labels, **options)
    chances, pr_auc = judge(classifier)
    return _Fitted(classifier, candidate, training, chances, pr_auc, history)


def _new_classifier(bench: _Bench, cell: Cell, candidate: Candidate) -> Any:
    init_args = {**(cell.estimator.get("init_args") or {}), **cell.remedy.classifier, **candidate.classifier}
    classifier = build({"class_path": cell.estimator["class_path"], "init_args": init_args})
    if "random_state" in classifier.get_params() and "random_state" not in init_args:
        classifier.set_params(random_state=cell.key.seed)
    bench.form.prepare_classifier(classifier)
    return classifier


def _class_weights(cell: Cell, training: _Training) -> Features:
    from sklearn.utils.class_weight import compute_sample_weight

    return compute_sample_weight(cell.remedy.class_weight, training.labels)  # type: ignore[no-any-return]


def share_weights(added: np.ndarray[Any, np.dtype[np.bool_]], share: float) -> Features:
    """Return weights with which the added rows have the share in the sum that they would have in every batch."""
    count = int(added.sum())
    if not count:
        return np.ones(len(added), dtype=np.float32)
    return np.where(added, share / (1 - share) * (len(added) - count) / count, 1.0)


def _pr_auc(scores: Features, positive: np.ndarray[Any, np.dtype[np.bool_]]) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(positive, scores))


def _probabilities(classifier: Any, features: npt.NDArray[Any], classes: int) -> Features:
    """Return class probabilities, float32 (rows, classes), 0 for a class that the classifier never saw."""
    chances = np.zeros((len(features), classes), dtype=np.float32)
    chances[:, np.asarray(classifier.classes_, dtype=np.int64)] = classifier.predict_proba(features)
    return chances


def _judge(
    study: Study, chances: Features, labels: Rows, threshold: float | None
) -> tuple[dict[str, float], list[list[int]]]:
    """Return figures and confusion matrix (true class, predicted class) of real rows."""
    metrics = ImbalanceMetrics(study.samples.classes, study.minority, threshold)
    metrics.update(torch.from_numpy(chances), torch.from_numpy(labels))
    figures = {name: float(value) for name, value in metrics.compute().items()}
    matrix = metrics.confusion_matrix()
    if study.positive_rate is not None:
        others = torch.arange(len(matrix)) != study.minority
        false_positives = matrix[others, study.minority].sum() / matrix[others].sum()
        recall = figures[f"recall_{study.samples.classes[study.minority]}"]
        figures["precision_reweighted"] = reweighted_precision(recall, float(false_positives), study.positive_rate)
    counts: list[list[int]] = matrix.tolist()
    return figures, counts


def _write_scores(path: Path, study: Study, rows: Rows, chances: Features) -> None:
    """Keep the test rows' probabilities, so that every figure can be made again."""
    names = [f"probability_{label}" for label in study.samples.classes]
    scores = pd.DataFrame(chances, columns=names)
    scores.insert(0, "label", study.samples.labels[rows])
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
        known = known_arguments(estimator)
    except TypeError as error:
        raise InputError(f"Classifier {name!r}: {class_path} does not take these arguments: {error}.") from error
    for argument in estimator.get(TUNE) or {}:
        if argument not in known:
            raise InputError(f"Classifier {name!r}: {class_path} has no argument {argument!r} to tune.")


def known_arguments(estimator: Mapping[str, Any]) -> set[str]:
    """Return the names of a classifier's arguments."""
    return set(build({key: value for key, value in estimator.items() if key != TUNE}).get_params())


def slug(text: str) -> str:
    """Return the text as part of a file name."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", text)
