"""Many tasks at the same time, on this machine or on any backend of joblib; results come back to the caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from itertools import groupby
from pathlib import Path
from typing import Any

import torch

from gan_imbalance.comparison.plan.cells import Task
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.lifeline import begin_worker
from gan_imbalance.comparison.run.rows import RowSet
from gan_imbalance.comparison.run.task import TaskResult, fail_task, run_task


def run_tasks(
    study: Study,
    tasks: Sequence[Task],
    known: Callable[[Task], Mapping[str, RowSet]],
    cost: Callable[[Task], float],
    cache: Path | None = None,
    jobs: int = 1,
    backend: str = "loky",
) -> Iterator[TaskResult]:
    """Run tasks, ``jobs`` at a time, and yield each result as soon as it is there.

    Tasks are begun split by split, and within a split the longest first, so that the workers end together.

    A process that the system kills, as a rule for its memory, costs what ran just then; the others go on.

    Args:
        study: what they share; each is sent its own split only.
        tasks: what to do.
        known: returns the rows of a task that were made before.
        cost: returns how long a task is expected to take, in any unit; asked when its split is begun.
        cache: folder of this machine where what several tasks need is kept, if any.
        jobs: number of processes; one runs in this process.
        backend: joblib's.
    """
    import joblib

    # torch knows what OMP_NUM_THREADS allows, joblib what the container does
    threads = max(1, min(joblib.cpu_count(), torch.get_num_threads()) // jobs)
    # backends other than that of processes here have neither this option nor this process as their parent
    options: dict[str, Any] = {}
    if backend == "loky":
        options = {"inner_max_num_threads": threads, "initializer": begin_worker, "initargs": (os.getpid(),)}
    waiting = list(tasks)
    while waiting:
        try:
            with joblib.parallel_config(backend, n_jobs=jobs, **options):
                # one task at a time, since batches would be reported late; no files for large arrays, which a kill
                # would leave
                parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, max_nbytes=None)
                for result in parallel(
                    joblib.delayed(run_task)(study.only(task.key), task, known(task), cache, threads)
                    for task in longest_first(waiting, cost)
                ):
                    waiting = [task for task in waiting if task.cells != result.task.cells]
                    yield result
        except BrokenProcessPool as error:
            given_up, waiting = waiting[:jobs], waiting[jobs:]
            yield from (fail_task(study, task, error) for task in given_up)


def longest_first(tasks: Iterable[Task], cost: Callable[[Task], float]) -> Iterator[Task]:
    """Yield tasks split by split, in order, and of each split the longest first."""
    for _, of_split in groupby(list(tasks), key=lambda task: task.key):
        yield from sorted(of_split, key=cost, reverse=True)


def end_workers() -> None:
    """Let the processes that ran tasks on this machine end, without waiting for it, which takes seconds."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=False)
