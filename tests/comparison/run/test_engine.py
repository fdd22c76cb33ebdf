"""In which order tasks are begun, and by whom."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gan_imbalance.comparison.run.engine import longest_first, workers
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
        with workers(2, "loky"):
            assert wait_until(lambda: len(workers_of_this_process()) == 2)
            raise InputError("a mistake")

    with pytest.raises(InputError, match="a mistake"):
        fail()
    assert wait_until(lambda: not workers_of_this_process())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks for processes in /proc")
def test_processes_that_had_nothing_to_run_are_not_waited_for() -> None:
    with workers(2, "loky"):
        assert wait_until(lambda: len(workers_of_this_process()) == 2)
    assert wait_until(lambda: not workers_of_this_process(), seconds=3)
