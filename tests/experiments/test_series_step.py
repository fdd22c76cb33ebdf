"""The benchmark of the training step on time series: it runs, and its proof of equal work proves something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from experiments.benchmarks import series_step as benchmark
from experiments.benchmarks.loops import TOLERANCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_it_proves_equal_work_and_ends_with_its_ratio() -> None:
    command = [sys.executable, "-m", "experiments.benchmarks.series_step", "--quick", "--threads", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    ratios = json.loads(lines[-1])
    assert list(ratios) == ["ratio_series"]
    assert 0 < ratios["ratio_series"] < 10
    assert any(line.startswith("series: losses of 2 steps agree") for line in lines)


def test_other_work_is_noticed() -> None:
    torch.manual_seed(0)
    data = benchmark.our_data()
    assert benchmark.largest_difference(1, data, steps=3) <= TOLERANCE
    assert benchmark.largest_difference(1, data, steps=3, penalty_weight=10.1) > TOLERANCE
