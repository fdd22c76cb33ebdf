"""The loop of a comparison: plan, run, keep, look at the answer; and again, where it is to go on until decided."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import islice
from statistics import fmean
from time import perf_counter
from typing import Any, NamedTuple

from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.comparison.analysis.answer import Answer, complete_splits, find_answers
from gan_imbalance.comparison.analysis.tables import results_table
from gan_imbalance.comparison.plan.cells import Cell, Task, group_cells
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.planning import Classifiers, leave_out_impossible, plan_cells
from gan_imbalance.comparison.plan.remedies import Amount, Remedy
from gan_imbalance.comparison.plan.study import Judging, Setting, SplitKey, Study, split_data, split_keys
from gan_imbalance.comparison.report.publish import publish_task
from gan_imbalance.comparison.report.words import provisional
from gan_imbalance.comparison.run.engine import Engine, longest_first
from gan_imbalance.comparison.run.engines.local import LocalEngine
from gan_imbalance.comparison.run.task import Failure, TaskResult
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.tracking import at_no_risk
from gan_imbalance.types import InputError

# random splits that are added at a time, as many as the folds that a repetition has by default
_SPLITS_AT_A_TIME = 5


@dataclass(frozen=True)
class Experiment:
    """What is compared, whatever the number of splits.

    Attributes:
        data: the table or the images.
        remedies: who competes, what all are compared with first.
        classifiers: who learns.
        folds: into how many parts the rows of a seed are dealt; 0 for one random split.
        settings: of the real training rows.
        amounts: of added rows.
        tuning_budget: candidates of every tuned cell.
        judging: of test rows.
        metric: that the verdict is about.
        practical_difference: what does not matter, by metric.
        threads: of every task.
        private: whether no real row, or copy of one, is kept.
    """

    data: ImbalanceDataModule
    remedies: Sequence[Remedy]
    classifiers: Classifiers
    folds: int = 0
    settings: Sequence[Setting] = (Setting(),)
    amounts: Sequence[Amount] = ("balance",)
    tuning_budget: int = 0
    judging: Judging = field(default_factory=Judging)
    metric: str = "pr_auc"
    practical_difference: Mapping[str, float] = field(default_factory=dict)
    threads: int = 1
    private: bool = False

    @property
    def splits_per_seed(self) -> int:
        """Return how many splits a seed has, at one setting."""
        return self.folds or 1

    def split(self, seeds: int, known: Study | None = None) -> Study:
        """Return the splits of a number of seeds; those that are known are not made again.

        Raises:
            InputError: if the data cannot be used or split.
        """
        keys = split_keys(range(seeds), self.folds, self.settings)
        made = {} if known is None else dict(known.splits)
        new = [key for key in keys if key not in made]
        if known is not None and not new:
            return known
        study = split_data(self.data, new, self.folds, self.judging)
        if known is not None and study.minority != known.minority:
            raise InputError("Which class is the rarest in training depends on the split: keep fewer of one.")
        made |= study.splits
        return replace(study, splits={key: made[key] for key in keys})

    def plan(self, study: Study) -> Plan:
        """Return what is to be run on the splits."""
        cells = plan_cells(study, self.remedies, self.classifiers, self.amounts, self.tuning_budget)
        cells, left_out = leave_out_impossible(study, cells)
        return Plan(self, study, tuple(cells), left_out)


@dataclass(frozen=True)
class Plan:
    """A comparison on certain splits.

    Attributes:
        experiment: what is compared.
        study: with the splits.
        cells: all of them, split by split.
        left_out: remedies that the data does not allow, and why.
    """

    experiment: Experiment
    study: Study
    cells: tuple[Cell, ...]
    left_out: dict[str, str]

    @cached_property
    def tasks(self) -> list[Task]:
        """Return all tasks: split by split; there first what all are compared with, then GANs, which take longest."""
        turn = {key: position for position, key in enumerate(self.study.splits)}
        tasks = group_cells(self.cells)
        return sorted(
            tasks, key=lambda task: (turn[task.key], task.remedy.role != "baseline", task.remedy.role != "gan")
        )

    @cached_property
    def description(self) -> Description:
        """Return the plan in plain values."""
        adapter = adapter_of(self.study.samples)
        return Description.of(
            self.study,
            self.cells,
            self.tasks,
            self.left_out,
            kind=adapter.kind,
            **adapter.describe(),
            tuning_budget=self.experiment.tuning_budget,
            metric=self.experiment.metric,
            practical_difference=dict(self.experiment.practical_difference),
            threads=self.experiment.threads,
            private=self.experiment.private,
        )


class Until(NamedTuple):
    """When a comparison that goes on until it is decided ends.

    Attributes:
        splits: the most at every setting, if there is a limit.
        seconds: no further splits where these would be over before they are done, if there is a limit.
    """

    splits: int | None
    seconds: float | None


def drive(
    experiment: Experiment,
    store: Store,
    seeds: int,
    until: Until | None = None,
    engine: Engine | None = None,
    publish: bool = False,
    upload: bool = False,
) -> list[Failure]:
    """Run what has no result yet, and with ``until`` further splits as long as the primary verdict is not decided.

    Verdicts are looked at, to stop, after ``seeds`` and then after every further repetition (five splits where there
    are no folds); ``experiments/null_test`` shows how often this errs.

    Args:
        experiment: what is compared.
        store: where results are kept.
        seeds: how many, to begin with.
        until: bounds, if it is to go on until it is decided.
        engine: what runs the tasks; this process if not given.
        publish: whether the rows and the cells of every task have runs of their own in Weights & Biases.
        upload: whether rows, GANs and scores go there, too.

    Returns:
        What failed.
    """
    started = perf_counter()
    engine = engine or LocalEngine()
    study = experiment.split(seeds)
    with store.alone(), _display() as progress:
        keeper = _Keeper(store, progress, started, engine.jobs, publish, upload)
        while True:
            waiting = keeper.begin(experiment.plan(study))
            known = partial(store.known_rows, study)
            cache = None if experiment.private else store.cache
            for result in engine.run_tasks(study, waiting, known, keeper.cost, cache):
                keeper.keep(result)
            step = 1 if experiment.folds else _SPLITS_AT_A_TIME
            splits = seeds * experiment.splits_per_seed
            if until is None or keeper.is_decided:
                break
            further = step * experiment.splits_per_seed
            per_split = (perf_counter() - started) / splits
            late = until.seconds is not None and perf_counter() - started + per_split * further > until.seconds
            if late or (until.splits is not None and splits + further > until.splits):
                break
            seeds += step
            study = experiment.split(seeds, study)
    return keeper.failures


class _Keeper:
    """Keeps what comes of a plan's tasks, and tells how it stands."""

    plan: Plan
    waiting: list[Task]

    def __init__(self, store: Store, progress: Any, started: float, jobs: int, publish: bool, upload: bool) -> None:
        self.store, self.progress, self.started = store, progress, started
        self.jobs, self.publish, self.upload = jobs, publish, upload
        self.bar = progress.add_task("")
        self.results: dict[str, dict[str, Any]] = {}
        self.seconds: dict[str, list[float]] = {}
        self.failures: list[Failure] = []
        self.looks: list[dict[str, Any]] = store.read_answer().get("looks", [])

    def begin(self, plan: Plan) -> list[Task]:
        """Write a plan down, and return the tasks of it that have no result yet."""
        store, study = self.store, plan.study
        store.write_plan(plan.description, study)
        self.plan = plan
        for result in store.read_finished(plan.description):
            self._remember(result["address"], result)
        self.waiting = list(store.missing(study, plan.tasks))
        self.progress.update(self.bar, total=len(plan.cells), completed=len(self.results))
        self._tell()
        return list(self.waiting)

    def keep(self, result: TaskResult) -> None:
        """Write what came of a task, and look at the verdict when its split is complete."""
        # those of other remedies are real ones, copies of some, or lie between two
        self.store.write(result, not self.plan.experiment.private or result.task.remedy.role == "gan")
        for cell in result.cells:
            self._remember(cell.address, {**cell.content, "address": cell.address})
        self.failures += result.failures
        self.progress.advance(self.bar, len(result.task.cells))
        if self.publish:
            with at_no_risk(result.task.display_name):
                publish_task(self.store, self.plan.study, result.task, self.upload)
        self.waiting = [task for task in self.waiting if task.cells != result.task.cells]
        self._tell()
        if not any(task.key == result.task.key for task in self.waiting):
            self._look(result.task.key)

    def cost(self, task: Task) -> float:
        """Return the mean seconds of what is done of a task's remedies, by which its other splits are begun."""
        remedies = {cell.remedy.name: cell.remedy for cell in task.cells}
        return sum(fmean(self.seconds.get(name, [remedy.effort])) for name, remedy in remedies.items())

    def _remember(self, address: str, result: dict[str, Any]) -> None:
        if address not in self.results:
            self.seconds.setdefault(result["remedy"], []).append(sum(result["seconds"].values()))
        self.results[address] = result

    @property
    def is_decided(self) -> bool:
        """Return whether the primary verdict stands, at the first setting."""
        answers = self._answers()
        return bool(answers) and answers[0].mark != "undecided"

    def _tell(self) -> None:
        """Show what runs: workers take the tasks in this order, so it is the first ones that are not done."""
        running = "; ".join(task.display_name for task in islice(longest_first(self.waiting, self.cost), self.jobs))
        self.progress.update(self.bar, description=running, refresh=True)

    def _look(self, key: SplitKey) -> None:
        """Show, and keep, how the verdict stands now that a further split is complete."""
        answer = next((one for one in self._answers() if one.setting == key.setting), None)
        if answer is None:
            return
        self.progress.verdict = provisional(answer)
        told = answer.primary is not None and not math.isnan(answer.primary.probabilities.equal)
        self.looks.append(
            {
                "setting": answer.setting.display_name,
                "splits": answer.splits,
                "seconds": round(perf_counter() - self.started, 2),
                "mark": answer.mark,
                "probabilities": answer.primary.probabilities._asdict() if answer.primary and told else None,
            }
        )
        self.store.write_answer({"looks": self.looks})

    def _answers(self) -> list[Answer]:
        description = self.plan.description
        order = (entry.address for entry in description.entries)
        table = results_table(self.results[address] for address in order if address in self.results)
        failed = {address for failure in self.failures for address in failure.addresses}
        return find_answers(description, complete_splits(description, table, failed))


def _display() -> Any:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Display(Progress):
        """A bar, and below it how the verdict stands."""

        verdict = ""

        def get_renderables(self) -> Iterator[Any]:
            yield from super().get_renderables()
            if self.verdict:
                yield Text(self.verdict)

    return Display(
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("cells,"),
        TimeElapsedColumn(),
        TextColumn("so far,"),
        TimeRemainingColumn(),
        TextColumn("left"),
        TextColumn("{task.description}"),
        # a mean over few tasks, since a GAN takes far longer than the others
        speed_estimate_period=600,
    )
