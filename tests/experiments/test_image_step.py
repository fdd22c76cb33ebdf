"""The benchmark of the training step on images: it runs, and its proof of equal work proves something."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments.benchmarks import image_step as benchmark
from experiments.benchmarks.loops import TOLERANCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_it_proves_equal_work_and_ends_with_its_ratios() -> None:
    command = [sys.executable, "-m", "experiments.benchmarks.image_step", "--quick", "--variants", "contiguous"]
    done = subprocess.run([*command, "--threads", "1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    ratios = json.loads(lines[-1])
    on_processor = ["ratio_smate", "ratio_smate_contiguous", "ratio_resnet", "ratio_resnet_contiguous"]
    assert [name for name in ratios if "gpu" not in name] == on_processor
    assert all(0 < ratio < 10 for ratio in ratios.values())
    assert "1 thread(s)" in lines[0]
    for pair in ("smate", "resnet"):
        assert any(line.startswith(f"{pair}: losses of 2 steps agree") for line in lines)


@pytest.mark.parametrize(
    ("pair", "changes"),
    [
        (benchmark.smate(0.03), {"learning_rates": (1.1e-4, 2e-4)}),
        (benchmark.smate(0.03), {"betas": (0.5, 0.9)}),
        (benchmark.resnet(3, 4), {"betas": (0.5, 0.9)}),
        (benchmark.resnet(3, 4), {"discriminator_loss": lambda real, fake: fake.mean() - real.mean()}),
    ],
    ids=["learning rate", "memory", "momentum", "loss"],
)
def test_other_work_is_noticed(pair: benchmark.Pair, changes: dict[str, object]) -> None:
    torch.manual_seed(0)
    pair = replace(pair, batch_size=4)
    data = benchmark.our_data(pair)
    assert benchmark.largest_difference(pair, data, "cpu", 4) <= TOLERANCE
    assert benchmark.largest_difference(pair, data, "cpu", 4, replace(pair, **changes)) > TOLERANCE


def test_the_hand_written_networks_of_smate_have_the_published_size() -> None:
    counts = [sum(p.numel() for p in network.parameters()) for network in benchmark.smate(1.0).networks()]
    assert counts == [1466115, 522497]
