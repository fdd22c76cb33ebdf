"""One task: the rows of a remedy on a split, and a result for each of its cells."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from gan_imbalance.comparison.plan.cells import TUNED, Cell, Task
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.fitting import Evaluator
from gan_imbalance.comparison.run.rows import RowSet
from gan_imbalance.devices import spare_gpu_lookups
from gan_imbalance.files import provenance, without_own_folders
from gan_imbalance.types import InputError


class CellResult(NamedTuple):
    """What came of a cell.

    Attributes:
        address: what it is kept under.
        content: settings, figures, and what it took, in plain values.
        scores: position, class index and probabilities of every test row.
    """

    address: str
    content: dict[str, Any]
    scores: pd.DataFrame


class Failure(NamedTuple):
    """A cell, or a whole task, that could not be made, and why.

    Attributes:
        name: as a person calls it.
        reason: in a sentence.
        addresses: of the results that are missing for it.
        traceback: where it happened.
    """

    name: str
    reason: str
    addresses: tuple[str, ...] = ()
    traceback: tuple[str, ...] = ()


class TaskResult(NamedTuple):
    """What came of a task, all of it, so that whoever asked can keep it.

    Attributes:
        task: which one.
        rows: sets of rows that were made, by address.
        cells: results.
        failures: what is missing.
    """

    task: Task
    rows: dict[str, RowSet]
    cells: list[CellResult]
    failures: list[Failure]


def run_task(
    study: Study, task: Task, known: Mapping[str, RowSet], cache: Path | None = None, threads: int = 1
) -> TaskResult:
    """Run a task in this process.

    Args:
        study: of the task's split.
        task: what to do.
        known: sets of rows that were made before, by address.
        cache: folder of this machine where what several tasks need is kept, if any.
        threads: for torch; the others take theirs from the environment that joblib sets.

    Returns:
        All that came of it; whatever a resampler or a classifier raises costs its own cells only, and is reported.
    """
    torch.set_num_threads(threads)
    spare_gpu_lookups()
    try:
        evaluator = Evaluator.of(study, task, known, cache)
        # at once, so that a resampler that fails is reported once; what is tuned costs its own cells only
        for cell in task.cells:
            if cell.amount != TUNED:
                evaluator.rows(*cell.candidates)
    except Exception as error:
        return fail_task(study, task, error)
    results: list[CellResult] = []
    failures: list[Failure] = []
    for cell in task.cells:
        try:
            results.append(_run_cell(evaluator, cell))
        except Exception as error:
            failures.append(_failure(cell.display_name, error, [cell.address(study)]))
    return TaskResult(task, evaluator.made, results, failures)


def fail_task(study: Study, task: Task, error: Exception) -> TaskResult:
    """Return the result of a task that could not be run."""
    failure = _failure(task.display_name, error, [cell.address(study) for cell in task.cells])
    return TaskResult(task, {}, [], [failure])


def _failure(name: str, error: Exception, addresses: Iterable[str]) -> Failure:
    reason = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return Failure(
        name,
        without_own_folders(reason),
        tuple(addresses),
        tuple(map(without_own_folders, traceback.format_exception(error))),
    )


def _run_cell(evaluator: Evaluator, cell: Cell) -> CellResult:
    study, key = evaluator.study, cell.key
    split, labels = study.splits[key], study.samples.labels
    made = {id(rows): rows.usage for rows in map(evaluator.rows, cell.candidates)}
    trainings = [evaluator.training(cell.remedy, candidate) for candidate in cell.candidates]
    made |= {id(training): usage for training, usage in trainings}
    fitted = [evaluator.fit(cell, candidate) for candidate in cell.candidates]
    # of equally good ones the first, which adds no rows
    best = max(fitted, key=lambda one: one.pr_auc)
    tuned = evaluator.threshold(best)
    threshold = tuned if cell.remedy.threshold == "tuned" else None
    probabilities = evaluator.probabilities(best)
    figures = evaluator.judge(probabilities, labels[split.test], threshold, tuned)
    if study.judging.correct_prior:
        before = evaluator.uncorrected_calibration(best, labels[split.test])
        figures.plain["calibration_error_uncorrected"] = before
    chosen = evaluator.rows(best.candidate)
    added = int(np.sum(best.training.added))
    content = provenance(
        seed=key.seed,
        fold=key.fold,
        **key.setting._asdict(),
        **cell.method._asdict(),
        classifier=cell.classifier,
        settings={"remedy": cell.remedy.settings, "classifier": cell.estimator, "judging": study.judging.settings},
        data_hash=study.samples.hash,
        split_hash=split.hash,
        candidates=[{**asdict(one.candidate), "validation_pr_auc": one.pr_auc} for one in fitted],
        chosen=asdict(best.candidate),
        rows={"train": len(best.training.labels), "kept": len(best.training.labels) - added, "added": added},
        threshold=threshold,
        tuned_threshold=tuned,
        metrics=figures.plain,
        tuned_metrics=figures.tuned,
        validation=evaluator.judge(best.validation, labels[split.validation], threshold, tuned).plain,
        history=best.history,
        confusion_matrix=figures.matrix,
        seconds={
            "resample": sum(usage.seconds for usage in made.values()),
            "fit": sum(one.usage.seconds for one in fitted),
        },
        peak_memory_mib={
            "resample": max(usage.peak_memory_mib for usage in made.values()),
            "fit": max(one.usage.peak_memory_mib for one in fitted),
        },
        notes=chosen.notes,
        quality=chosen.quality,
        warnings=sorted({warning for one in fitted for warning in one.warnings}),
    )
    scores = pd.DataFrame(probabilities, columns=[f"probability_{label}" for label in study.samples.classes])
    scores.insert(0, "label", labels[split.test])
    scores.insert(0, "row", split.test)
    return CellResult(cell.address(study), content, scores)
