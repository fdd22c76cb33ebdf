"""Tasks of Ray."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import Any

from gan_imbalance.comparison.run.engines.parcel import run_parcel
from gan_imbalance.comparison.run.engines.remote import RETRIES, RemoteEngine
from gan_imbalance.types import InputError

# stands for the cluster that this machine belongs to
_THIS_MACHINE = "auto"


class RayEngine(RemoteEngine):
    """Tasks of Ray: each reserves its threads and GPUs, and is run again where its worker was killed."""

    package = extra = "ray"
    hint = "start one with `ray start`"

    def connect(self, package: Any) -> None:
        """Start Ray on this machine, or connect to it."""
        self._ray = package
        # nothing is reported about the use of Ray
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet = {"log_to_driver": False, "logging_level": logging.CRITICAL}
        if self.address is None:
            cores = self.workers_to_start * self.threads
            self._ray.init("local", num_cpus=cores, include_dashboard=False, **quiet)
        else:
            try:
                self._ray.init(self.address, **quiet)
            except (ConnectionError, RuntimeError) as error:
                raise self.no_answer() from error
        # a worker with a GPU would otherwise end after every task, and import anew for the next
        resources = {"num_cpus": self.threads, "num_gpus": self.gpus_per_task, "max_calls": 0}
        self._run = self._ray.remote(max_retries=RETRIES, **resources)(run_parcel)

    def _find(self, package: Any, address: str) -> None:
        if address.startswith("ray://"):
            raise InputError(
                "Ray Client is not supported: run the command on a machine of the cluster, --address auto."
            )
        if address != _THIS_MACHINE:
            super()._find(package, address)

    def greet(self, package: Any, address: str, seconds: float) -> None:
        """Ask for the cluster's status in a process of its own, since nothing else ends in time."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "status", "--address", address]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=seconds, text=True)
        except subprocess.TimeoutExpired as error:
            raise ConnectionError(str(error)) from error
        except subprocess.CalledProcessError as error:
            reason = error.stderr.strip().splitlines()[-1:] or ["no reason given"]
            if "AuthenticationError" in reason[0]:
                reason = ["it asks for a token; on one of its machines, --address auto finds it"]
            raise InputError(f"The Ray cluster at {address} cannot be used: {reason[0].rstrip('.')}.") from error

    def __exit__(self, *error: object) -> None:
        """Leave the cluster; it ends if it was started here."""
        self._ray.shutdown()

    @property
    def jobs(self) -> int:
        """Return how many tasks the machines have room for."""
        machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        return sum(self._room(machine) for machine in machines)

    def _room(self, machine: dict[str, float]) -> int:
        room = machine.get("CPU", 0) // self.threads
        return int(min(room, machine.get("GPU", 0) // self.gpus_per_task) if self.gpus_per_task else room)

    def pack(self, content: Any) -> bytes:
        """Return anything as bytes."""
        packed: bytes = self._ray.cloudpickle.dumps(content)
        return packed

    def share(self, content: bytes) -> Any:
        """Put it into the object store."""
        return self._ray.put(content)

    def submit(self, shared: Any, parcel: bytes) -> Any:
        """Begin a task."""
        return self._run.remote(shared, parcel)

    def wait(self, running: list[Any]) -> Any:
        """Return one of the results that are there."""
        return self._ray.wait(running)[0][0]

    def fetch(self, result: Any) -> bytes:
        """Return a result, or raise what the worker raised."""
        try:
            content: bytes = self._ray.get(result)
        except self._ray.exceptions.RayTaskError as error:
            # its own text is the worker's whole traceback
            raise error.cause from error
        return content
