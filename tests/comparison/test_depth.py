"""How deep one stands in the package where a generator trains within a comparison."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from pytorch_lightning import Trainer

import gan_imbalance
from gan_imbalance.main import main
from gan_imbalance.types import InputError

PACKAGE = Path(gan_imbalance.__file__).parent
LINEAR = '{"linear": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 200}}}'


def test_ten_calls_lead_from_the_command_to_the_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    walks: list[list[str]] = []

    def fit(self: Trainer, *arguments: Any, **options: Any) -> None:
        walks.append([one.name for one in traceback.extract_stack() if PACKAGE in Path(one.filename).parents])
        raise InputError("This is far enough.")

    monkeypatch.setattr(Trainer, "fit", fit)
    data = ("--data.bundled", "breast_cancer", "--remedies", "[small_wasserstein_gan]", "--controls", "false")
    splits = ("--seeds", "1", "--folds", "0", "--jobs", "1", "--wandb", "false", "--output", str(tmp_path / "run"))
    assert main(["compare", *data, "--classifiers", LINEAR, *splits]) == 1
    assert walks == [
        ["main", "compare", "drive", "run_tasks", "run_task", "rows", "resample", "top_up", "_make", "train_gan"]
    ]
