"""Many tasks at the same time, on this machine or on any backend of joblib; results come back to the caller."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from threading import Thread
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

    threads = _threads(jobs)
    waiting = list(tasks)
    while waiting:
        begun: list[Task] = []
        try:
            with _configured(jobs, backend):
                # one task at a time, since batches would be reported late; no files for large arrays, which a kill
                # would leave
                parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, max_nbytes=None)
                for result in parallel(
                    joblib.delayed(run_task)(study.only(task.key), task, known(task), cache, threads)
                    for task in _noted(longest_first(waiting, cost), begun)
                ):
                    waiting = [task for task in waiting if task.cells != result.task.cells]
                    yield result
        except BrokenProcessPool as error:
            running = [task for task in begun if task in waiting][:jobs]
            waiting = [task for task in waiting if task not in running]
            yield from (fail_task(study, task, error) for task in running)


@contextmanager
def workers(jobs: int, backend: str) -> Iterator[None]:
    """Begin the processes that :func:`run_tasks` uses, which import for seconds, without waiting; kill them at last.

    By then no task runs; what was begun in vain would keep this process from ending as long as it imports.
    """
    if jobs == 1 or backend != "loky":
        yield
        return
    import joblib
    from joblib.externals.loky import get_reusable_executor

    def begin() -> None:
        # killed as they begin, which tasks notice, too
        with suppress(BrokenProcessPool, RuntimeError), _configured(jobs, backend):
            joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(jobs))

    Thread(target=begin, daemon=True).start()
    try:
        yield
    finally:
        get_reusable_executor(reuse=True).shutdown(wait=False, kill_workers=True)


def _threads(jobs: int) -> int:
    import joblib

    # torch knows what OMP_NUM_THREADS allows, joblib what the container does
    cores: int = joblib.cpu_count()
    return max(1, min(cores, torch.get_num_threads()) // jobs)


def _configured(jobs: int, backend: str) -> Any:
    import joblib

    # backends other than that of processes here have neither these options nor this process as their parent
    options: dict[str, Any] = {}
    if backend == "loky":
        options = {"inner_max_num_threads": _threads(jobs), "initializer": begin_worker, "initargs": (os.getpid(),)}
    return joblib.parallel_config(backend, n_jobs=jobs, **options)


def _noted(tasks: Iterable[Task], begun: list[Task]) -> Iterator[Task]:
    """Yield tasks, and keep those that were asked for in ``begun``."""
    for task in tasks:
        begun.append(task)
        yield task


def longest_first(tasks: Iterable[Task], cost: Callable[[Task], float]) -> Iterator[Task]:
    """Yield tasks split by split, in order, and of each split the longest first."""
    for _, of_split in groupby(list(tasks), key=lambda task: task.key):
        yield from sorted(of_split, key=cost, reverse=True)
