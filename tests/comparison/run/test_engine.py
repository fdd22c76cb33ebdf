"""In which order tasks are begun."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gan_imbalance.comparison.run.engine import longest_first


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
