"""The benchmark of the training step: it runs, and its proof of equal work proves something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from experiments.benchmarks import training_step as benchmark
from experiments.benchmarks.loops import TOLERANCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_it_proves_equal_work_and_ends_with_its_ratios() -> None:
    command = [sys.executable, "-m", "experiments.benchmarks.training_step", "--quick", "--threads", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    ratios = json.loads(lines[-1])
    assert list(ratios) == ["ratio_small", "ratio_large"]
    assert all(0 < ratio < 10 for ratio in ratios.values())
    assert "1 thread(s)" in lines[0]
    assert sum("losses of 2 steps agree" in line for line in lines) == 2


def test_other_work_is_noticed() -> None:
    torch.manual_seed(0)
    size = benchmark.Size(8, (4,), (4,))
    data = benchmark.our_data(size)
    assert benchmark.largest_difference(size, data) <= TOLERANCE
    assert benchmark.largest_difference(size, data, penalty_weight=10.1) > TOLERANCE
