"""The dry run of the study of distillation on digits."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from gan_imbalance.comparison.command import QUICK_STEPS
from gan_imbalance.main import main

CONFIG = Path(__file__).resolve().parents[2] / "experiments" / "digits_distillation" / "config.yaml"


@pytest.mark.slow
def test_the_rehearsal_runs_every_remedy(tmp_path: Path) -> None:
    options = ["--quick", "true", "--output", str(tmp_path), "--wandb", "false"]
    assert main(["compare", "--config", str(CONFIG), *options]) == 0
    results = pd.read_csv(tmp_path / "quick" / "results.csv", keep_default_na=False).set_index("remedy")
    assert len(results) == 11
    added, train = results["rows_added"], results.loc["nothing", "rows_train"]
    assert 0 <= added["filtered_conditional_gan"] <= added["conditional_gan"]
    # of every class, each by itself rounded
    assert added["distilled_conditional_gan"] == added["distilled_augmentation"] == 2 * train
    assert added["distilled_real"] == added["teacher"] == 0
    # a dry run teaches briefly, too
    for path in (tmp_path / "quick" / "cells").glob("*.json"):
        remedy = json.loads(path.read_text())["settings"]["remedy"]
        teacher = remedy["estimator"] or ((remedy["transform"] or {}).get("init_args") or {}).get("teacher")
        for member in teacher["init_args"]["members"].values() if teacher else ():
            assert member["init_args"]["max_steps"] == QUICK_STEPS
