"""The dry run of the study on digits."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from gan_imbalance.main import main

CONFIG = Path(__file__).resolve().parents[2] / "experiments" / "digits_transfer" / "config.yaml"


@pytest.mark.slow
def test_the_rehearsal_runs_every_remedy(tmp_path: Path) -> None:
    options = ["--quick", "true", "--output", str(tmp_path), "--wandb", "false"]
    assert main(["compare", "--config", str(CONFIG), *options]) == 0
    results = pd.read_csv(tmp_path / "quick" / "results.csv")
    assert len(results) == 13
    assert {"recall_8", "balanced_accuracy", "quality_frechet_distance"} < set(results)
    pairs = pd.read_csv(tmp_path / "quick" / "differences.csv")
    assert {"random_over, balance", "minority_transfer_from_scratch, balance"} < set(pairs["other"])
