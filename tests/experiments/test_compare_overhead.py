"""The benchmark of a comparison's own cost runs, and ends with its figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.benchmarks import compare_overhead


@pytest.mark.slow
def test_it_ends_with_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    compare_overhead.main(["--steps", "1"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(figures) == ["overhead_ratio"]
    # a process and a report cost more than fits of one step
    assert figures["overhead_ratio"] > 1


def test_several_jobs_are_compared_with_one_that_has_the_threads_of_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(folder: Path, steps: int, jobs: int, threads: int | None = None) -> tuple[float, float]:
        wall = 30.0 if jobs == 2 else 40.0 if threads is None else 60.0
        return wall, wall / 1.25

    monkeypatch.setattr(compare_overhead, "run", run)
    compare_overhead.main(["--jobs", "2"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures == {"overhead_ratio": 1.25, "speed_up": 2.0, "speed_up_to_all_threads": 1.33}
