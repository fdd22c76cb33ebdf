"""What runs many tasks at the same time, on this machine or on others; results come back to the caller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from pkgutil import resolve_name
from typing import Literal, Self

import torch

from gan_imbalance.comparison.plan.cells import Task
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.rows import RowSet
from gan_imbalance.comparison.run.task import TaskResult
from gan_imbalance.types import InputError

EngineName = Literal["local", "ray", "dask"]

_ENGINES: dict[str, str] = {
    "local": "gan_imbalance.comparison.run.engines.local:LocalEngine",
    "ray": "gan_imbalance.comparison.run.engines.ray:RayEngine",
    "dask": "gan_imbalance.comparison.run.engines.dask:DaskEngine",
}


class Engine(ABC):
    """Workers that run tasks. It is a context manager: at its end, those that it has started are gone."""

    threads: int
    """Of every task; torch rounds otherwise with other ones."""

    @abstractmethod
    def __enter__(self) -> Self:
        """Start workers, or connect to those that are there.

        Raises:
            InputError: if there are none.
        """

    @abstractmethod
    def __exit__(self, *error: object) -> None:
        """End the workers that were started."""

    @property
    @abstractmethod
    def jobs(self) -> int:
        """Return how many tasks run at the same time."""

    @abstractmethod
    def run_tasks(
        self,
        study: Study,
        tasks: Sequence[Task],
        known: Callable[[Task], Mapping[str, RowSet]],
        cost: Callable[[Task], float],
        cache: Path | None = None,
    ) -> Iterator[TaskResult]:
        """Run tasks, and yield each result as soon as it is there.

        Tasks are begun split by split, and within a split the longest first, so that the workers end together. What
        raises or is killed costs its own task only, whose result says so.

        Args:
            study: what they share; each is sent its own split only.
            tasks: what to do.
            known: returns the rows of a task that were made before; asked when it is begun.
            cost: returns how long a task is expected to take, in any unit; asked when its split is begun.
            cache: folder of this machine where what several tasks need is kept, if any.
        """


def open_engine(
    name: EngineName = "local",
    jobs: int = 1,
    address: str | None = None,
    gpus_per_task: float = 0.0,
    threads: int | None = None,
) -> Engine:
    """Return an engine, to be used in a ``with`` statement.

    Args:
        name: which one.
        jobs: number of workers on this machine; one of the local engine is this process.
        address: of a Ray or Dask cluster that runs already; its workers are used instead.
        gpus_per_task: GPUs, or share of one, that Ray or Dask reserves for each task.
        threads: of each task; its share of the cores of this machine if not given, or one on a cluster.

    Raises:
        InputError: if there is no such engine, or it has no use for an argument.
    """
    if name not in _ENGINES:
        raise InputError(f"There is no engine {name!r}: the engines are {', '.join(_ENGINES)}.")
    engine: Engine = resolve_name(_ENGINES[name])(jobs, address, gpus_per_task, threads)
    return engine


def threads_per_job(jobs: int) -> int:
    """Return the threads that each of several jobs of this machine has."""
    import joblib

    # torch knows what OMP_NUM_THREADS allows, joblib what the container does
    cores: int = joblib.cpu_count()
    return max(1, min(cores, torch.get_num_threads()) // jobs)


def longest_first(tasks: Iterable[Task], cost: Callable[[Task], float]) -> Iterator[Task]:
    """Yield tasks split by split, in order, and of each split the longest first."""
    for _, of_split in groupby(list(tasks), key=lambda task: task.key):
        yield from sorted(of_split, key=cost, reverse=True)
