"""In which order tasks are begun, by whom, and which engines are refused."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gan_imbalance.comparison.run.engine import longest_first, open_engine
from gan_imbalance.types import InputError


def test_tasks_are_begun_split_by_split_and_the_longest_of_a_split_first() -> None:
    tasks: list[Any] = [SimpleNamespace(key=key, name=name) for key in (0, 1) for name in ("short", "long", "middle")]
    seconds = {"short": 1.0, "middle": 2.0, "long": 3.0}
    begun = longest_first(tasks, lambda task: seconds[task.name])  # type: ignore[attr-defined]
    assert [(task.key, task.name) for task in (next(begun), next(begun), next(begun))] == [
        (0, "long"),
        (0, "middle"),
        (0, "short"),
    ]
    # what the first split took is known when the second is begun
    seconds = {"short": 9.0, "middle": 2.0, "long": 3.0}
    assert [(task.key, task.name) for task in begun] == [(1, "short"), (1, "long"), (1, "middle")]


def workers_of_this_process() -> list[int]:
    """Return the processes of loky that this one has begun."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            is_child = f"\nPPid:\t{os.getpid()}\n" in status.read_text()
            if is_child and b"LokyProcess" in status.with_name("cmdline").read_bytes():
                found.append(int(status.parent.name))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_processes_that_were_begun_in_vain_end_with_the_mistake() -> None:
    def fail() -> None:
        with open_engine("local", jobs=2):
            assert wait_until(lambda: len(workers_of_this_process()) == 2)
            raise InputError("a mistake")

    with pytest.raises(InputError, match="a mistake"):
        fail()
    assert wait_until(lambda: not workers_of_this_process())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_processes_that_had_nothing_to_run_are_not_waited_for() -> None:
    with open_engine("local", jobs=2):
        assert wait_until(lambda: len(workers_of_this_process()) == 2)
    assert wait_until(lambda: not workers_of_this_process(), seconds=3)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_tasks_run_in_the_processes_that_were_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_task(study: Any, task: Any, *args: Any) -> Any:
        return SimpleNamespace(task=task, process=os.getpid())

    monkeypatch.setattr("gan_imbalance.comparison.run.engines.local.run_task", run_task)
    tasks: list[Any] = [SimpleNamespace(key=0, cells=number) for number in range(4)]
    study: Any = SimpleNamespace(only=lambda key: None)
    with open_engine("local", jobs=2) as engine:
        # asked at once, while they are begun in the background
        results = list(engine.run_tasks(study, tasks, lambda task: {}, lambda task: 1.0))
        begun = workers_of_this_process()
        assert len(begun) == 2
        results += engine.run_tasks(study, tasks, lambda task: {}, lambda task: 1.0)
        assert workers_of_this_process() == begun
    assert {result.process for result in results} <= set(begun)  # type: ignore[attr-defined]
    assert len(results) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "spark"}, "There is no engine 'spark': the engines are local, ray, dask"),
        ({"address": "10.0.0.1:6379"}, r"address is 10\.0\.0\.1:6379, which the local engine does not use"),
        ({"gpus_per_task": 0.5}, r"gpus_per_task is 0\.5, which the local engine does not use"),
        ({"name": "ray", "gpus_per_task": -1.0}, r"gpus_per_task is -1\.0: give a share"),
        ({"name": "ray", "gpus_per_task": 1.5}, r"gpus_per_task is 1\.5: give a share"),
        ({"name": "dask", "gpus_per_task": 0.5}, "Dask does not know the GPUs"),
    ],
)
def test_an_engine_that_has_no_use_for_an_argument(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_engine(**arguments)


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("dask", "distributed")])
def test_a_missing_package_is_told_with_how_to_install_it(
    engine: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install 'gan-imbalance\[{engine}\]'"), open_engine(engine):
        pass


@pytest.mark.parametrize(("engine", "package"), [("ray", "ray"), ("dask", "distributed")])
@pytest.mark.parametrize("address", ["nowhere", "host:port", ":6379"])
def test_an_address_without_host_or_port(engine: Any, package: str, address: str) -> None:
    pytest.importorskip(package)
    with pytest.raises(InputError, match="give a host and a port"), open_engine(engine, address=address):
        pass


def test_a_connection_from_outside_a_ray_cluster_is_refused() -> None:
    pytest.importorskip("ray")
    with pytest.raises(InputError, match="on a machine of the cluster"), open_engine("ray", address="ray://host:10001"):
        pass


@pytest.mark.parametrize(
    ("engine", "package", "listens"), [("ray", "ray", False), ("dask", "distributed", True)], ids=["ray", "dask"]
)
def test_an_address_at_which_no_cluster_answers_is_told_soon(engine: Any, package: str, listens: bool) -> None:
    pytest.importorskip(package)
    started = time.monotonic()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        if listens:
            other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        told = rf"No {engine.title()} cluster answers at {address}"
        with pytest.raises(InputError, match=told), open_engine(engine, address=address):
            pass
    assert time.monotonic() - started < 15
