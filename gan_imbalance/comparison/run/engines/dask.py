"""Futures of Dask."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from typing import Any

from gan_imbalance.comparison.run.engines.parcel import run_parcel
from gan_imbalance.comparison.run.engines.remote import RETRIES, RemoteEngine
from gan_imbalance.types import InputError

# of a first worker, after the scheduler has answered
_SECONDS_TO_COME = 30


def _same(content: bytes) -> bytes:
    return content


class DaskEngine(RemoteEngine):
    """Futures of Dask, whose workers run one task at a time.

    How often a task is run again whose worker was killed is a setting of the scheduler (``allowed-failures``).
    """

    package, extra = "distributed", "dask"
    hint = "start one with `dask scheduler` and `dask worker ADDRESS --nthreads 1`"

    def __init__(
        self, jobs: int = 1, address: str | None = None, gpus_per_task: float = 0.0, threads: int | None = None
    ) -> None:
        super().__init__(jobs, address, gpus_per_task, threads)
        if gpus_per_task and address is None:
            raise InputError(
                "Dask does not know the GPUs of a machine: start workers with `--resources GPU=...` and name their "
                "scheduler by --address, or take --engine ray."
            )
        self._open = ExitStack()

    def greet(self, package: Any, address: str, seconds: float) -> None:
        """Connect once, within a time limit, which only an asynchronous client can have."""

        async def meet() -> None:
            client = package.Client(address, asynchronous=True, set_as_default=False)
            try:
                await asyncio.wait_for(client, seconds)
            finally:
                await client.close()

        asyncio.run(meet())

    def connect(self, package: Any) -> None:
        """Start workers on this machine, or connect to a scheduler."""
        import dask
        from distributed.utils import silence_logging_cmgr

        settings = {
            "distributed.scheduler.allowed-failures": RETRIES,
            # what all tasks share is sent once
            "distributed.admin.large-graph-warning-threshold": "1 TiB",
        }
        self._open.enter_context(dask.config.set(settings))
        self._open.enter_context(silence_logging_cmgr(logging.CRITICAL))
        where: Any = self.address
        if where is None:
            where = self._open.enter_context(self._cluster(package))
        self._client = self._open.enter_context(package.Client(where, set_as_default=False))
        try:
            self._client.wait_for_workers(1, timeout=_SECONDS_TO_COME)
        except TimeoutError as error:
            raise InputError(f"The Dask scheduler at {self.address} has no workers: {self.hint}.") from error
        if any(threads > 1 for threads in self._client.nthreads().values()):
            raise InputError("A worker of Dask runs one task at a time: start all with `dask worker --nthreads 1`.")

    def _cluster(self, package: Any) -> Any:
        return package.LocalCluster(
            n_workers=self.workers_to_start,
            threads_per_worker=1,
            # as much as there is, as without Dask
            memory_limit=None,
            # without a dashboard there is a server all the same, at a port that may be taken
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            env={"OMP_NUM_THREADS": str(self.threads)},
        )

    def __exit__(self, *error: object) -> None:
        """Leave the cluster; it ends if it was started here."""
        self._open.close()

    @property
    def jobs(self) -> int:
        """Return the number of workers that have what a task reserves."""
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        except OSError as error:
            raise self._lost() from error
        return sum(worker["resources"].get("GPU", 0) >= self.gpus_per_task for worker in workers)

    def pack(self, content: Any) -> bytes:
        """Return anything as bytes."""
        import cloudpickle

        packed: bytes = cloudpickle.dumps(content)
        return packed

    def share(self, content: bytes) -> Any:
        """Make it the result of a task, which is made again where its worker is killed; scattered data would not be."""
        return self._client.submit(_same, content, pure=False)

    def submit(self, shared: Any, parcel: bytes) -> Any:
        """Begin a task."""
        resources = {"GPU": self.gpus_per_task} if self.gpus_per_task else None
        return self._client.submit(run_parcel, shared, parcel, pure=False, resources=resources)

    def wait(self, running: list[Any]) -> Any:
        """Return one of the results that are there."""
        from distributed import CancelledError, wait

        try:
            with self._client.as_current():
                return next(iter(wait(running, return_when="FIRST_COMPLETED").done))  # type: ignore[no-untyped-call]
        except CancelledError as error:
            raise self._lost() from error

    def _lost(self) -> InputError:
        where = self.address or "this machine"
        return InputError(f"Dask's scheduler at {where} is gone: the same command goes on from what is done.")

    def fetch(self, result: Any) -> bytes:
        """Return a result, or raise what the worker raised."""
        content: bytes = result.result()
        return content
