"""Processes of this machine, by joblib."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Self

from gan_imbalance.comparison.plan.cells import Task
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.engine import Engine, longest_first, threads_per_job
from gan_imbalance.comparison.run.lifeline import begin_worker
from gan_imbalance.comparison.run.rows import RowSet
from gan_imbalance.comparison.run.task import TaskResult, fail_task, run_task
from gan_imbalance.types import InputError

# no files for large arrays, which a kill would leave; the same for all, or joblib would begin other processes
_MAX_NBYTES = None


class LocalEngine(Engine):
    """Processes of this machine.

    One that the system kills, as a rule for its memory, costs what ran just then; the others go on.

    Args:
        jobs: number of processes; one is this process.
        address: none, since other machines take another engine.
        gpus_per_task: none, since all processes see all GPUs.
        threads: of each task; its share of the cores if not given.
    """

    def __init__(
        self, jobs: int = 1, address: str | None = None, gpus_per_task: float = 0.0, threads: int | None = None
    ) -> None:
        for name, value in (("address", address), ("gpus_per_task", gpus_per_task)):
            if value:
                raise InputError(f"{name} is {value}, which the local engine does not use: add --engine ray or dask.")
        self._jobs = jobs
        self.threads = threads or threads_per_job(jobs)
        self._beginning = Thread(target=self._begin, daemon=True)

    @property
    def jobs(self) -> int:
        """Return how many tasks run at the same time."""
        return self._jobs

    def __enter__(self) -> Self:
        """Begin the processes, which import for seconds, without waiting."""
        if self.jobs > 1:
            self._beginning.start()
        return self

    def _begin(self) -> None:
        import joblib

        # killed as they begin, which tasks notice, too
        with suppress(BrokenProcessPool, RuntimeError), self._configured():
            joblib.Parallel(max_nbytes=_MAX_NBYTES)(joblib.delayed(os.getpid)() for _ in range(self.jobs))

    def __exit__(self, *error: object) -> None:
        """Kill the processes.

        By then no task runs; what was begun in vain would keep this process from ending as long as it imports.
        """
        if self.jobs > 1:
            from joblib.externals.loky import get_reusable_executor

            get_reusable_executor(reuse=True).shutdown(wait=False, kill_workers=True)

    def run_tasks(
        self,
        study: Study,
        tasks: Sequence[Task],
        known: Callable[[Task], Mapping[str, RowSet]],
        cost: Callable[[Task], float],
        cache: Path | None = None,
    ) -> Iterator[TaskResult]:
        """Run tasks, and yield each result as soon as it is there."""
        import joblib

        waiting = list(tasks)
        if self.jobs > 1:
            # joblib would wait for ever where two threads ask it for its processes
            self._beginning.join()
        while waiting:
            begun: list[Task] = []
            try:
                with self._configured():
                    # one task at a time, since batches would be reported late
                    parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1, max_nbytes=_MAX_NBYTES)
                    for result in parallel(
                        joblib.delayed(run_task)(study.only(task.key), task, known(task), cache, self.threads)
                        for task in _noted(longest_first(waiting, cost), begun)
                    ):
                        waiting = [task for task in waiting if task.cells != result.task.cells]
                        yield result
            except BrokenProcessPool as error:
                running = [task for task in begun if task in waiting][: self.jobs]
                waiting = [task for task in waiting if task not in running]
                yield from (fail_task(study, task, error) for task in running)

    def _configured(self) -> Any:
        import joblib

        return joblib.parallel_config(
            "loky",
            n_jobs=self.jobs,
            inner_max_num_threads=self.threads,
            initializer=begin_worker,
            initargs=(os.getpid(),),
        )


def _noted(tasks: Iterable[Task], begun: list[Task]) -> Iterator[Task]:
    """Yield tasks, and keep those that were asked for in ``begun``."""
    for task in tasks:
        begun.append(task)
        yield task
