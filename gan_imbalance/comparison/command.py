"""The main job: do GAN-made rows help, compared with every standard remedy on the same splits?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product, starmap
from pathlib import Path
from typing import Any, Literal

from gan_imbalance.comparison.adapters import kind_of
from gan_imbalance.comparison.analysis.metrics import check_metric, check_practical_differences
from gan_imbalance.comparison.driver import Experiment, Until, drive
from gan_imbalance.comparison.plan.catalogue import choose_remedies
from gan_imbalance.comparison.plan.planning import check_classifier, known_arguments, standard_classifiers
from gan_imbalance.comparison.plan.remedies import Amount, Remedy
from gan_imbalance.comparison.plan.study import Judging, Setting, resolve_folds
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.make import make_report
from gan_imbalance.comparison.report.publish import publish_comparison
from gan_imbalance.comparison.result import Comparison
from gan_imbalance.comparison.run.engine import EngineName, open_engine
from gan_imbalance.comparison.store import Store
from gan_imbalance.components import build, import_class, to_config
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.base import A_TABLE
from gan_imbalance.interruption import Interrupted
from gan_imbalance.metrics import Costs
from gan_imbalance.tracking import at_no_risk
from gan_imbalance.types import InputError

_FIRST_SPLITS = 10
# more than the epochs that a transfer GAN spends in its first phase
QUICK_STEPS = 12


def compare(
    data: ImbalanceDataModule = A_TABLE,
    remedies: list[str | Remedy] | None = None,
    # plain dicts, since jsonargparse would build the class_paths in those of Any, with arguments that it made up
    classifiers: dict[str, dict] | None = None,  # type: ignore[type-arg]
    seeds: int | None = None,
    folds: int | None = None,
    minority_rows: list[int] | None = None,
    imbalance_ratios: list[float] | None = None,
    amounts: list[Amount] | None = None,
    tuning_budget: int = 0,
    controls: bool = True,
    metric: str = "pr_auc",
    practical_difference: float | dict[str, float] | None = None,
    until: Literal["decided"] | None = None,
    max_splits: int | None = None,
    max_time: float | str | None = None,
    positive_rate: float | None = None,
    cost_of_miss: float | None = None,
    cost_of_false_alarm: float | None = None,
    at_recall: float = 0.8,
    at_precision: float = 0.8,
    correct_prior: bool = False,
    gan_steps: int | None = None,
    jobs: int = 1,
    engine: EngineName = "local",
    address: str | None = None,
    gpus_per_task: float = 0.0,
    threads: int | None = None,
    output: str = "runs/compare",
    quick: bool = False,
    verbose: bool = False,
    wandb: bool = True,
    wandb_runs: Literal["one", "cells"] = "one",
    upload_artifacts: bool = False,
    private: bool = False,
) -> Comparison:
    """Find out whether GAN-made rows help a classifier, against every standard remedy on the same splits.

    Results lie in ``output``: splits, synthetic rows with the GANs that made them, one file per cell, answer.json,
    results.csv, summary.csv and report.html. A comparison that was killed goes on with the missing cells, one
    with failed cells tries these again; a cell is made again when its settings change.

    Args:
        data: the table, the images or the time series.
        remedies: names of remedies (ours, or imbalanced-learn's such as BorderlineSMOTE), and remedies of one's
            own; all standard ones of the kind of data if not given. "nothing", which all are compared with, is
            always among them.
        classifiers: class_path dict of each classifier, in scikit-learn's manner; XGBoost, logistic regression and ours
            if not given; SMate's network for images, and a residual one for time series. ``tune`` in it lists
            values that tuned cells choose from.
        seeds: how often the rows are dealt into folds anew, or number of random splits: seeds 0, 1, ...; twice, or
            ten splits, if not given.
        folds: number of folds that the rows of every seed are cut into, each the test part once; 5 if not given and
            there is no separate test set. 0 for random splits by the data's test_fraction.
        minority_rows: numbers of real minority training rows to compare at; the others become the reserve.
        imbalance_ratios: majority training rows per minority row to compare at: fewer minority rows are kept or,
            where minority_rows says how many, fewer majority rows.
        amounts: what every over-sampling remedy adds: numbers of minority rows; "balance" (the default) for as
            many as the majority has more; numbers between 0 and 1 for a share of every batch. Fewer are a random
            part of more, so a GAN is trained once.
        tuning_budget: adds a tuned form of every remedy, which tries this many settings (of amounts, 0 rows always
            among them, resampler and classifier) at most and takes the one with the best PR-AUC on validation rows.
        controls: whether tuned threshold, jittered copies, independent marginals, an untrained generator,
            further real rows and half of the real rare rows join, named or not.
        metric: what the verdict is about: pr_auc, recall, precision_at_recall, recall_at_precision, expected_cost, ...
        practical_difference: the difference in the metric that does not matter to you (0.01 in PR-AUC, 0.02 in
            recall if not given), or one for each of several metrics.
        until: "decided" adds splits until the verdict is decided, within max_splits, max_time or both.
        max_splits: with until: no more splits than these.
        max_time: with until: no further splits after this many seconds, or a time such as "00:01:30:00".
        positive_rate: true share of the minority, if the table's is not; adds precision_reweighted.
        cost_of_miss: what a row of the minority costs that is not found, in any unit. With costs, thresholds are chosen
            on validation rows for the least cost, and expected_cost is reported.
        cost_of_false_alarm: what any other row costs that is taken for the minority.
        at_recall: the recall at which precision is reported.
        at_precision: the precision at which recall is reported.
        correct_prior: whether to bring probabilities back from the class shares that a remedy trains on to those of the
            real training rows; the calibration error is reported before and after.
        gan_steps: training steps of every GAN of ours that has no max_steps of its own; if not given, as many as suit
            it (150 of the small one that is the default of tables, 2,000 of large ones).
        jobs: tasks that run at the same time on this machine, each with its share of the cores.
        engine: what runs tasks: "local" for processes of this machine, "ray" or "dask".
        address: of a Ray or Dask cluster that runs already, whose workers run as many tasks as they have room for; if
            not given, ``jobs`` workers are started on this machine, and ended with the comparison.
        gpus_per_task: GPUs, or share of one such as 0.25, that Ray or Dask reserves for each task.
        threads: of every task, by which the last digits of what torch computes depend: those that the comparison in
            ``output`` was begun with, else the task's share of the cores (one on a cluster that runs already).
        output: folder of the results.
        quick: a dry run in ``output``/quick: every remedy and classifier on one split, the last amount, nothing
            tuned, and briefly trained networks of ours.
        verbose: whether what is shown has the tables of all classifiers, and the quality of the added rows.
        wandb: whether to record figures, plots and the report in Weights & Biases (offline without an account); a
            dry run is not.
        wandb_runs: "one" for a single run at the end, with a table of the cells; "cells" for further ones as the
            comparison goes on, per set of added rows and per cell, whose artifacts tell what was made from what.
        upload_artifacts: whether synthetic rows, GANs and the scores of test rows go there, too.
        private: whether real rows, and what resamplers make of them, stay out of ``output``, reports and plots; rows
            that a GAN generated, and the GANs, are kept.

    Returns:
        What was found; the command line prints it, and ends with 1 if a cell failed.

    Raises:
        InputError: if an argument, the data or a remedy cannot be used, before anything is run.
    """
    for name, value, least in (
        ("seeds", seeds, 1),
        ("jobs", jobs, 1),
        ("threads", threads, 1),
        ("gan_steps", gan_steps, 0),
    ):
        _check_number(name, value, least)
    _check_number("tuning_budget", tuning_budget, 0)
    _check_amounts(amounts or [])
    costs = _costs(cost_of_miss, cost_of_false_alarm)
    judging = Judging(positive_rate, costs, at_recall, at_precision, correct_prior)
    check_metric(metric, costs is not None)
    given = practical_difference if isinstance(practical_difference, Mapping) else {metric: practical_difference}
    differences = {name: value for name, value in given.items() if value is not None}
    check_practical_differences(differences, costs is not None)
    bounds = _bounds(until, max_splits, max_time)
    data = build(data)
    kind = kind_of(data.samples)
    store = Store(Path(output, "quick") if quick else output)
    with open_engine(engine, jobs, address, gpus_per_task, threads or store.threads) as opened:
        chosen = choose_remedies(remedies, controls, kind)
        chosen = tuple(remedy.with_gan_steps(gan_steps) for remedy in chosen)
        estimators: dict[str, dict[str, Any]] = to_config(classifiers or standard_classifiers(kind))
        for name, estimator in estimators.items():
            check_classifier(name, estimator)
        folds = resolve_folds(data, folds)
        if quick:
            seeds, folds, bounds, tuning_budget = 1, 0, None, 0
            amounts = (amounts or ["balance"])[-1:]
            chosen = tuple(_shortened(remedy) for remedy in chosen)
            estimators = {name: _with_few_steps(estimator) for name, estimator in estimators.items()}
        experiment = Experiment(
            data,
            chosen,
            estimators,
            folds,
            list(starmap(Setting, product(minority_rows or (None,), imbalance_ratios or (None,)))),
            amounts or ["balance"],
            tuning_budget,
            judging,
            metric,
            differences,
            opened.threads,
            private,
        )
        publish, apart = wandb and not quick, wandb_runs == "cells"
        try:
            failures = drive(
                experiment,
                store,
                _first_seeds(seeds, folds, bounds),
                bounds,
                opened,
                publish and apart,
                upload_artifacts,
            )
        except (Interrupted, KeyboardInterrupt) as interruption:
            interruption.add_note(f"what is finished is kept in {store.folder}: the same command goes on from there")
            raise
    if failures and not store.read_finished(store.read_plan()):
        raise InputError(f"No cell could be made; the first one, {failures[0].name}: {failures[0].reason}")
    findings = Findings.of(store)
    report = make_report(findings, save_plots=not quick)
    if publish:
        with at_no_risk("The comparison"):
            publish_comparison(findings, report, upload_artifacts, in_whole=not apart)
    return Comparison(store.folder, verbose, findings)


def _check_number(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise InputError(f"{name} is {value}: give a whole number of at least {least}.")


def _costs(miss: float | None, false_alarm: float | None) -> Costs | None:
    """Return the costs of mistakes, the one that is not given 1; None where neither is."""
    if miss is None and false_alarm is None:
        return None
    for name, cost in (("cost_of_miss", miss), ("cost_of_false_alarm", false_alarm)):
        if cost is not None and not 0 <= cost < float("inf"):
            raise InputError(f"{name} is {cost}: give a number of at least 0.")
    return Costs(1.0 if miss is None else miss, 1.0 if false_alarm is None else false_alarm)


def _bounds(until: str | None, max_splits: int | None, max_time: float | str | None) -> Until | None:
    """Return when to stop; None where the number of splits is fixed."""
    named = [name for name, value in (("max_splits", max_splits), ("max_time", max_time)) if value is not None]
    if until is None:
        if named:
            raise InputError(f"{named[0]} bounds a comparison that goes on until it is decided: add --until decided.")
        return None
    if not named:
        raise InputError("--until decided needs a bound: give max_splits, max_time or both.")
    _check_number("max_splits", max_splits, 2)
    seconds = None if max_time is None else _seconds(max_time)
    return Until(max_splits, seconds)


def _first_seeds(seeds: int | None, folds: int, until: Until | None) -> int:
    """Return how many seeds to begin with: ten splits' if not given, but no more than the bound allows."""
    at_once = folds or 1
    most = None if until is None else until.splits
    if most is not None and (seeds or 1) * at_once > most:
        begun = f"{seeds or 1} times {folds} folds" if folds else f"{seeds} splits"
        raise InputError(f"max_splits is {most}, but {begun} come first: raise it, or lower seeds or folds.")
    first = seeds or max(1, _FIRST_SPLITS // at_once)
    return first if most is None else min(first, most // at_once)


def _seconds(time: float | str) -> float:
    from pytorch_lightning.callbacks import Timer

    try:
        timer = Timer(timedelta(seconds=float(time)) if not isinstance(time, str) or ":" not in time else time)
        seconds = timer.time_remaining()
    except Exception as error:
        raise InputError(f'max_time is {time!r}: give seconds, or a time such as "00:01:30:00".') from error
    if seconds is None or seconds <= 0:
        raise InputError(f"max_time is {time!r}: give a time above 0.")
    return seconds


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


def _shortened(remedy: Remedy) -> Remedy:
    """Return a remedy whose GAN, and the members of its teacher that are named, are trained with very few steps."""

    def short(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        value = {name: short(part) for name, part in value.items()}
        is_classifier = "class_path" in value and hasattr(import_class(value["class_path"]), "predict_proba")
        return _with_few_steps(value) if is_classifier else value

    few = remedy.with_gan_steps(QUICK_STEPS, override=True)
    return replace(few, transform=short(few.transform), estimator=short(few.estimator))


def _with_few_steps(estimator: dict[str, Any]) -> dict[str, Any]:
    """Return a classifier that is trained by steps or rounds with very few of them, another one as it is."""
    known = known_arguments(estimator)
    few = {name: QUICK_STEPS for name in ("max_steps", "n_estimators") if name in known}
    return {**estimator, "init_args": {**(estimator.get("init_args") or {}), **few}}
