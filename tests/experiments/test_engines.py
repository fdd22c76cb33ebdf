"""The benchmark of engines ends with its figures."""

from __future__ import annotations

import json

import pytest

from experiments.benchmarks import engines


def test_workers_are_compared_with_one_and_tasks_with_those_of_this_process(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(name: str, jobs: int, steps: int) -> tuple[float, float, int]:
        wall = 40.0 if jobs == 1 else 25.0
        return wall, 2.0 if name == "local" else 2.4, 40

    monkeypatch.setattr(engines, "measured", measured)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    engines.main(["--engines", "ray"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures == {"local_speed_up": 1.6, "ray_speed_up": 1.6, "ray_overhead_ms": 10.0}


def test_tasks_that_train_a_single_step_are_all_returned() -> None:
    with engines.open_engine() as engine:
        seconds, tasks = engines.returned(engine, splits=1)
    assert seconds > 0
    assert tasks == engines.CELLS // engines.SPLITS
