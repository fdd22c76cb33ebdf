"""The benchmark of a comparison's own cost runs, and ends with its figures."""

from __future__ import annotations

import json

import pytest

from experiments.benchmarks import compare_overhead


@pytest.mark.slow
def test_it_ends_with_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    compare_overhead.main(["--steps", "1"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(figures) == ["overhead_ratio"]
    # a process and a report cost more than fits of one step
    assert figures["overhead_ratio"] > 1
