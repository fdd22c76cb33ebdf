"""Data, remedies, classifiers and seeds: what is run, in which order, and what has been done already."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cache
from itertools import product, starmap
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import numpy as np
import torch

from gan_imbalance.comparison.cells import (
    TUNE,
    TUNED,
    Candidate,
    Cell,
    Failure,
    Setting,
    SplitKey,
    Study,
    Unit,
    candidates,
    check_classifier,
    fail_unit,
    group_cells,
    known_arguments,
    run_unit,
)
from gan_imbalance.comparison.publish import publish_report, publish_unit
from gan_imbalance.comparison.record import write_record
from gan_imbalance.comparison.remedies import Amount, Remedy, choose_remedies
from gan_imbalance.comparison.report import make_report
from gan_imbalance.components import build, to_config
from gan_imbalance.data import ImageDataModule, ImbalanceDataModule
from gan_imbalance.data.base import A_TABLE
from gan_imbalance.types import InputError

Classifiers = Mapping[str, dict[str, Any]]

STANDARD_CLASSIFIERS: Classifiers = {
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
    "ours": {
        "class_path": "gan_imbalance.classifiers.TableClassifier",
        "init_args": {},
        TUNE: {"lr": [3e-4, 1e-3, 3e-3], "weight_decay": [0.0, 1e-3]},
    },
}

STANDARD_IMAGE_CLASSIFIERS: Classifiers = {
    "smate_cnn": {
        "class_path": "gan_imbalance.classifiers.ImageClassifier",
        "init_args": {
            "network": "gan_imbalance.networks.SMateCNN",
            "augmentation": {"class_path": "gan_imbalance.transforms.image.FlipCrop"},
        },
        TUNE: {"lr": [1e-4, 3e-4, 1e-3]},
    },
}

# more than the epochs that a transfer GAN spends in its first phase
QUICK_STEPS = 12


def compare(
    data: ImbalanceDataModule = A_TABLE,
    remedies: list[str | Remedy] | None = None,
    # plain dicts, since jsonargparse would build the class_paths in those of Any, with arguments that it made up
    classifiers: dict[str, dict] | None = None,  # type: ignore[type-arg]
    seeds: int = 3,
    folds: int | None = None,
    minority_rows: list[int] | None = None,
    imbalance_ratios: list[float] | None = None,
    amounts: list[Amount] | None = None,
    tuning_budget: int = 0,
    controls: bool = True,
    positive_rate: float | None = None,
    gan_steps: int = 2000,
    jobs: int = 1,
    backend: str = "loky",
    output: str = "runs/compare",
    quick: bool = False,
    wandb: bool = True,
) -> int:
    """Find out whether GAN-made rows help a classifier, against every standard remedy on the same splits.

    Results lie in ``output``: splits, synthetic rows with the GANs that made them, one file per cell,
    results.csv, summary.csv and report.html. A comparison that was killed goes on with the missing cells, one
    with failed cells tries these again; a cell is made again when its settings change.

    Args:
        data: the table or the images; seed n splits them with ``split_seed`` n.
        remedies: names of remedies (ours, or imbalanced-learn's such as BorderlineSMOTE), and remedies of one's
            own; all standard ones of the kind of data if not given. "nothing", which all are compared with, is
            always among them.
        classifiers: class_path dict of each classifier, in scikit-learn's manner; XGBoost, logistic regression and ours
            if not given, and SMate's network for images. ``tune`` in it lists values that tuned cells choose from.
        seeds: number of random splits: seeds 0, 1, ...
        folds: cut the rows of every seed into so many folds, each the test part once, instead of one random split.
        minority_rows: numbers of real minority training rows to compare at; the others become the reserve.
        imbalance_ratios: majority training rows per minority row to compare at: fewer minority rows are kept or,
            where minority_rows says how many, fewer majority rows.
        amounts: what every over-sampling remedy adds: numbers of minority rows; "balance" (the default) for as
            many as the majority has more; numbers between 0 and 1 for a share of every batch. Fewer are a random
            part of more, so a GAN is trained once.
        tuning_budget: adds a tuned form of every remedy, which tries so many settings (of amounts, 0 rows always
            among them, resampler and classifier) at most and takes the one with the best PR-AUC on validation rows.
        controls: whether tuned threshold, jittered copies, independent marginals, an untrained generator and
            further real rows join, named or not.
        positive_rate: true share of the minority, if the table's is not; adds precision_reweighted.
        gan_steps: training steps of every GAN of ours that has no max_steps of its own.
        jobs: cells that run at the same time, each with its share of the cores.
        backend: joblib's, "loky" for processes here; others as they are registered, such as "ray" or "dask".
        output: folder of the results.
        quick: a rehearsal in ``output``/quick: every remedy and classifier with one seed, the last amount, nothing
            tuned, and hardly trained networks of ours.
        wandb: whether to record cells, synthetic rows and the report in Weights & Biases (offline without an
            account); a rehearsal is not.

    Returns:
        The exit code: 0, or 1 if a cell failed.

    Raises:
        InputError: if an argument, the table or a remedy cannot be used, before anything is run.
    """
    for name, value, least in (("seeds", seeds, 1), ("jobs", jobs, 1), ("gan_steps", gan_steps, 0)):
        _check_number(name, value, least)
    _check_number("tuning_budget", tuning_budget, 0)
    _check_amounts(amounts or [])
    if positive_rate is not None and not 0 < positive_rate < 1:
        raise InputError(f"positive_rate is {positive_rate}: give the minority's true share, between 0 and 1.")
    data = build(data)
    of_images = isinstance(data, ImageDataModule)
    chosen = choose_remedies(remedies, controls, "image" if of_images else "table")
    chosen = tuple(remedy.with_gan_steps(gan_steps) for remedy in chosen)
    standard = STANDARD_IMAGE_CLASSIFIERS if of_images else STANDARD_CLASSIFIERS
    estimators: dict[str, dict[str, Any]] = to_config(classifiers or standard)
    folder = Path(output)
    for name, estimator in estimators.items():
        check_classifier(name, estimator)
    if quick:
        seeds, tuning_budget, folder = 1, 0, folder / "quick"
        amounts = (amounts or ["balance"])[-1:]
        chosen = tuple(remedy.with_gan_steps(QUICK_STEPS, override=True) for remedy in chosen)
        estimators = {name: _with_few_steps(estimator) for name, estimator in estimators.items()}
    settings = list(starmap(Setting, product(minority_rows or (None,), imbalance_ratios or (None,))))
    study = prepare_study(data, folder, seeds, folds, settings, positive_rate)
    cells = plan_cells(study, chosen, estimators, amounts or ["balance"], tuning_budget)
    cells, left_out = _leave_out_impossible(study, cells)
    write_record(study, cells, left_out, tuning_budget)
    failures = run_cells(study, cells, jobs, backend, publish=wandb and not quick)
    if not any(cell.path(study).is_file() for cell in cells):
        raise InputError(f"No cell could be made; the first one, {failures[0].name}: {failures[0].reason}")
    report = make_report(folder, save_pictures=not quick)
    if wandb and not quick:
        publish_report(folder, report)
    return 1 if failures else 0


def _check_number(name: str, value: int, least: int) -> None:
    if value < least:
        raise InputError(f"{name} is {value}: give a whole number of at least {least}.")


def _check_amounts(amounts: Sequence[Amount]) -> None:
    for amount in amounts:
        is_rows = isinstance(amount, int) and not isinstance(amount, bool) and amount >= 1
        is_share = isinstance(amount, float) and 0 < amount < 1
        if not (is_rows or is_share or amount == "balance"):
            raise InputError(
                f"amounts holds {amount!r}: give numbers of rows of at least 1, shares of a batch between 0 and 1, "
                'or "balance".'
            )

    if len(set(amounts)) < len(amounts):
        raise InputError(f"amounts holds a value twice: {list(amounts)}.")


def _with_few_steps(estimator: dict[str, Any]) -> dict[str, Any]:
    """Return a classifier that is trained by steps or rounds with very few of them, another one as it is."""
    known = known_arguments(estimator)
    few = {name: QUICK_STEPS for name in ("max_steps", "n_estimators") if name in known}
    return {**estimator, "init_args": {**(estimator.get("init_args") or {}), **few}}


def split_keys(seeds: int, folds: int | None, settings: Sequence[Setting]) -> list[SplitKey]:
    """Return every split of a comparison, settings varying slowest."""
    fold_numbers = [None] if folds is None else range(folds)
    return [SplitKey(seed, fold, setting) for setting in settings for seed in range(seeds) for fold in fold_numbers]


def prepare_study(
    data: ImbalanceDataModule,
    output: Path,
    seeds: int,
    folds: int | None = None,
    settings: Sequence[Setting] = (Setting(),),
    positive_rate: float | None = None,
) -> Study:
    """Read the table and split it; the splits are written to ``output``.

    Raises:
        InputError: if the table cannot be used or split, a part that is needed is empty, or ``output``
            cannot be written.
    """
    samples = data.samples
    splits = {
        key: data.split_with(key.seed, key.fold, folds, *key.setting) for key in split_keys(seeds, folds, settings)
    }
    first = next(iter(splits.values()))
    for part, option in (("validation", "validation_fraction"), ("test", "test_fraction")):
        if not len(first.rows(part)):  # type: ignore[arg-type]
            raise InputError(f"The {part} part is empty, but thresholds and figures need it: raise {option}.")
    for key, split in splits.items():
        counts = np.bincount(samples.labels[split.train], minlength=len(samples.classes))
        if counts.min() == counts.max():
            raise InputError(
                "All classes have equally many training rows: induce an imbalance with keep in the data, "
                "minority_rows or imbalance_ratios."
            )
        if counts.min() < 2:
            label = samples.classes[int(counts.argmin())]
            raise InputError(f"Class {label!r} has {counts.min()} training row with {key.name}: keep more.")
    minorities = {int(np.bincount(samples.labels[split.train]).argmin()) for split in splits.values()}
    if len(minorities) > 1:
        rarest = " and ".join(repr(samples.classes[index]) for index in sorted(minorities))
        raise InputError(f"Which class is the rarest in training depends on the split ({rarest}): keep fewer of one.")
    for key, split in splits.items():
        split.save(output / "splits" / f"{key.slug}.json")
    return Study(samples, splits, minorities.pop(), positive_rate, output)


def _leave_out_impossible(study: Study, cells: Sequence[Cell]) -> tuple[list[Cell], dict[str, str]]:
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
            name = ", ".join(filter(None, (cell.remedy.name, cell.key.setting.name)))
            left_out[name] = "the split has no reserve of minority rows (keep in the data, or minority_rows, makes one)"
        elif missing:
            left_out[f"{cell.remedy.name} with {cell.classifier}"] = f"the classifier has no argument {missing.pop()!r}"
        else:
            allowed.append(cell)
    return allowed, left_out


def plan_cells(
    study: Study,
    remedies: Sequence[Remedy],
    classifiers: Classifiers,
    amounts: Sequence[Amount],
    tuning_budget: int = 0,
) -> list[Cell]:
    """Return every cell of the comparison, the cells of a split and a remedy together."""
    cells = []
    for key, remedy in ((key, remedy) for key in study.splits for remedy in remedies):
        sizes = list(amounts) if remedy.is_sized else [None]
        pool = max(study.rows_to_add(key, amount) or 0 for amount in amounts) if remedy.is_sized else None
        for amount in sizes:
            for name, estimator in classifiers.items():
                cells.append(Cell(key, remedy, amount, name, estimator, (Candidate(amount),), pool))
        for name, estimator in classifiers.items() if tuning_budget else ():
            choices = candidates(remedy, estimator, amounts, tuning_budget, key.seed)
            cells.append(Cell(key, remedy, TUNED, name, estimator, choices, pool))
    return cells


def missing_units(study: Study, cells: Sequence[Cell]) -> list[Unit]:
    """Return the units that have cells without a result, with those cells only."""
    units = group_cells(cells)
    missing = (tuple(cell for cell in unit.cells if not cell.path(study).is_file()) for unit in units)
    return [replace(unit, cells=cells_left) for unit, cells_left in zip(units, missing, strict=True) if cells_left]


def run_cells(
    study: Study, cells: Sequence[Cell], jobs: int = 1, backend: str = "loky", publish: bool = False
) -> list[Failure]:
    """Run the cells without a result, ``jobs`` at a time, and show how far they are.

    Args:
        study: what they share.
        cells: all cells of the comparison.
        jobs: number of processes; one runs in this process.
        backend: joblib's.
        publish: whether to record new results in Weights & Biases.

    Returns:
        What failed.
    """
    units = sorted(missing_units(study, cells), key=_turn(cells))
    failures: list[Failure] = []
    with _progress() as progress:
        task = progress.add_task("", total=len(cells), completed=len(cells) - sum(len(unit.cells) for unit in units))
        waiting = list(units)
        while waiting:
            running = list(waiting)
            _describe(progress, task, waiting, jobs)
            try:
                for position, failed in _run_units(study, running, jobs, backend):
                    unit = running[position]
                    failures += failed
                    waiting.remove(unit)
                    _describe(progress, task, waiting, jobs)
                    progress.advance(task, len(unit.cells))
                    if publish:
                        _publish(study, unit)
            # a process that the system killed, as a rule for its memory: what ran just then is given up
            except BrokenProcessPool as error:
                failures += [fail_unit(study, unit, error) for unit in waiting[:jobs]]
                waiting = waiting[jobs:]
    return failures


def _turn(cells: Sequence[Cell]) -> Callable[[Unit], tuple[bool, bool, int]]:
    """Return a sort key of units: what all are compared with, then GANs, then the others, remedy by remedy.

    GANs take longest, and each about as long on every split: so the jobs end together.
    """
    order = list(dict.fromkeys(cell.remedy.name for cell in cells))
    return lambda unit: (
        unit.remedy.kind != "baseline",
        not unit.remedy.is_gan,
        order.index(unit.remedy.name),
    )


def _publish(study: Study, unit: Unit) -> None:
    """Record a unit in Weights & Biases; its results are in files already, so that no failure there costs them."""
    try:
        publish_unit(study, unit)
    except Exception as error:
        warnings.warn(f"{unit.name} could not be recorded in Weights & Biases: {error}", stacklevel=2)


def _run_units(study: Study, units: Sequence[Unit], jobs: int, backend: str) -> Iterator[tuple[int, list[Failure]]]:
    """Yield the position and the failures of every unit, as soon as it is done."""
    import joblib

    # torch knows what OMP_NUM_THREADS allows, joblib what the container does
    threads = max(1, min(joblib.cpu_count(), torch.get_num_threads()) // jobs)
    # backends other than that of processes here have neither this option nor this process as their parent
    limit, parent = ({"inner_max_num_threads": threads}, os.getpid()) if backend == "loky" else ({}, None)
    with (
        # workers on other machines see the results' folder, if any
        TemporaryDirectory(prefix=".", dir=study.output) as folder,
        joblib.parallel_config(backend, n_jobs=jobs, **limit),
    ):
        study_path = Path(folder) / "study.pickle"
        joblib.dump(study, study_path)
        # one unit at a time, since batches would be reported late
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        yield from parallel(
            joblib.delayed(_numbered_unit)(position, study_path, unit, threads, parent)
            for position, unit in enumerate(units)
        )


def _numbered_unit(
    position: int, study_path: Path, unit: Unit, threads: int, parent: int | None
) -> tuple[int, list[Failure]]:
    if parent is not None:
        _end_with(parent)
    return position, run_unit(study_path, unit, threads)


@cache
def _end_with(parent: int) -> None:
    """Make this process, unless it is ``parent`` itself, end with it.

    A worker whose parent was killed would go on with what waits in its queue, beside a second call's workers.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    if os.getpid() != parent:
        Thread(target=watch, daemon=True).start()


def _progress() -> Any:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells,"),
        TimeElapsedColumn(),
        TextColumn("so far,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        TextColumn("{task.description}"),
        # a mean over few units, since a GAN takes far longer than the others
        speed_estimate_period=600,
    )


def _describe(progress: Any, task: Any, waiting: Sequence[Unit], jobs: int) -> None:
    """Show what runs: workers take the units in order, so it is the first ones that are not done."""
    progress.update(task, description="; ".join(unit.name for unit in waiting[:jobs]), refresh=True)
