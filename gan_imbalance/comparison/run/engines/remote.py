"""What Ray and Dask have in common: a few more tasks are on their way than run, and results are fetched one by one."""

from __future__ import annotations

import os
import pickle
import socket
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import torch

from gan_imbalance.comparison.plan.cells import Task
from gan_imbalance.comparison.plan.study import Study
from gan_imbalance.comparison.run.engine import Engine, longest_first, threads_per_job
from gan_imbalance.comparison.run.rows import RowSet
from gan_imbalance.comparison.run.task import TaskResult, fail_task
from gan_imbalance.types import InputError

RETRIES = 2
"""How often a task is run again whose worker was killed."""

# so that no worker waits while the driver writes
_SPARE_TASKS = 2
# until something listens at an address, since a cluster may be just starting
_SECONDS_TO_LISTEN = 5.0
# until it says what it is, of which importing Ray takes three, and more on a busy machine
_SECONDS_TO_ANSWER = 9.0


class RemoteEngine(Engine):
    """Workers of a cluster, which is started on this machine unless it runs already.

    Args:
        jobs: number of workers to start on this machine.
        address: of a cluster that runs already.
        gpus_per_task: GPUs, or share of one, that are reserved for each task.
        threads: of each task; if not given, its share of the cores of this machine, or with an address one, or
            OMP_NUM_THREADS where that is set.
    """

    package: ClassVar[str]
    """What is imported."""
    extra: ClassVar[str]
    """What is installed."""
    hint: ClassVar[str]
    """How a worker is started."""

    def __init__(
        self, jobs: int = 1, address: str | None = None, gpus_per_task: float = 0.0, threads: int | None = None
    ) -> None:
        if gpus_per_task < 0 or (gpus_per_task > 1 and gpus_per_task % 1):
            raise InputError(f"gpus_per_task is {gpus_per_task}: give a share between 0 and 1, or a whole number.")
        self.workers_to_start, self.address, self.gpus_per_task = jobs, address, gpus_per_task
        if threads:
            self.threads = threads
        elif address is None:
            self.threads = threads_per_job(jobs)
        else:
            self.threads = torch.get_num_threads() if "OMP_NUM_THREADS" in os.environ else 1

    def __enter__(self) -> Self:
        """Start workers, or connect to those that are there.

        Raises:
            InputError: if the package is missing, nothing answers, or no worker has room for a task.
        """
        try:
            package = import_module(self.package)
        except ImportError as error:
            install = f"pip install 'gan-imbalance[{self.extra}]'"
            raise InputError(f"The engine {self.extra} cannot be imported ({error}): {install}.") from error
        if self.address is not None:
            self._find(package, self.address)
        with ExitStack() as on_failure:
            # whatever ends this, an interruption included, leaves no worker behind
            on_failure.push(self)
            self.connect(package)
            if not self.jobs:
                needs = f"{self.threads} thread{'s' * (self.threads > 1)} and {self.gpus_per_task:g} GPUs"
                raise InputError(f"No worker has room for a task, which takes {needs}: {self.hint}.")
            on_failure.pop_all()
        return self

    def _find(self, package: Any, address: str) -> None:
        """Wait until a cluster answers; by themselves, both wait for minutes where something else listens."""
        end = time.monotonic() + _SECONDS_TO_LISTEN
        place = _host_and_port(address)
        while True:
            try:
                socket.create_connection(place, max(0.1, end - time.monotonic())).close()
                return self.greet(package, address, _SECONDS_TO_ANSWER)
            except ConnectionRefusedError as error:
                if time.monotonic() > end:
                    raise self.no_answer() from error
                time.sleep(0.5)
            except OSError as error:
                raise self.no_answer() from error

    def no_answer(self) -> InputError:
        """Return the mistake that an address is at which no cluster answers."""
        return InputError(
            f"No {self.extra.title()} cluster answers at {self.address}: {self.hint}, or leave the address out to "
            "start workers on this machine."
        )

    @abstractmethod
    def greet(self, package: Any, address: str, seconds: float) -> None:
        """Return if a cluster answers.

        Args:
            package: as it was imported.
            address: where something listens.
            seconds: to wait.

        Raises:
            OSError: if none does.
        """

    @abstractmethod
    def connect(self, package: Any) -> None:
        """Start workers, or connect to those that are there.

        Args:
            package: as it was imported.

        Raises:
            InputError: if there are none, or not such as tasks need.
        """

    @abstractmethod
    def pack(self, content: Any) -> bytes:
        """Return anything as bytes, with classes that a notebook or a script defines."""

    @abstractmethod
    def share(self, content: bytes) -> Any:
        """Make what all tasks need available to workers, and return what stands for it."""

    @abstractmethod
    def submit(self, shared: Any, parcel: bytes) -> Any:
        """Begin a task, and return what stands for its result, which must be hashable."""

    @abstractmethod
    def wait(self, running: list[Any]) -> Any:
        """Return one of the results that are there, when there is one."""

    @abstractmethod
    def fetch(self, result: Any) -> bytes:
        """Return a result that is there, or raise what came instead."""

    def run_tasks(
        self,
        study: Study,
        tasks: Sequence[Task],
        known: Callable[[Task], Mapping[str, RowSet]],
        cost: Callable[[Task], float],
        cache: Path | None = None,
    ) -> Iterator[TaskResult]:
        """Run tasks, and yield each result as soon as it is there."""
        # other machines do not have the folder
        folder = cache.resolve() if cache is not None and self.address is None else None
        shared = self.share(self.pack(replace(study, splits={})))
        waiting = longest_first(tasks, cost)
        running: dict[Any, Task] = {}
        while True:
            for task in islice(waiting, max(0, self.jobs + _SPARE_TASKS - len(running))):
                parcel = self.pack((study.splits[task.key], task, known(task), folder, self.threads))
                running[self.submit(shared, parcel)] = task
            if not running:
                return
            done = self.wait(list(running))
            task = running.pop(done)
            yield self._result(study, task, done)

    def _result(self, study: Study, task: Task, done: Any) -> TaskResult:
        try:
            result: TaskResult = pickle.loads(self.fetch(done))
        except Exception as error:
            return fail_task(study, task, error)
        return result


def _host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or port is None:
        raise InputError(f"address is {address!r}: give a host and a port, such as 10.0.0.1:6379.")
    return host, port
