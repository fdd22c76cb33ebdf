"""The dry run of the study on digits, and every digit in turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from experiments import digits_transfer
from experiments.digits_transfer.__main__ import data_of, leads
from experiments.digits_transfer.__main__ import main as study
from gan_imbalance.main import main
from gan_imbalance.types import InputError

CONFIG = Path(digits_transfer.__file__).with_name("config.yaml")


@pytest.mark.slow
def test_the_rehearsal_runs_every_remedy(tmp_path: Path) -> None:
    options = ["--quick", "true", "--output", str(tmp_path), "--wandb", "false"]
    assert main(["compare", "--config", str(CONFIG), *options]) == 0
    results = pd.read_csv(tmp_path / "quick" / "results.csv")
    assert len(results) == 13
    assert {"recall_8", "balanced_accuracy", "quality_frechet_distance"} < set(results)
    pairs = pd.read_csv(tmp_path / "quick" / "differences.csv")
    assert {"random_over, balance", "minority_transfer_from_scratch, balance"} < set(pairs["other"])


def test_digits_take_their_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert study(["--quick", "--digits", "3", "8", "--splits", "1", "--jobs", "1", "--output", str(tmp_path)]) == 0
    found = pd.read_csv(tmp_path / "digits" / "means.csv")
    assert found.groupby("digit").size().to_dict() == {3: 7, 8: 7}
    assert found["recall"].between(0, 1).all()
    assert "pr_auc, minority_transfer_gan minus" in capsys.readouterr().out


def test_a_lead_is_judged_over_digits() -> None:
    table = {
        "minority_transfer_gan": [0.9, 0.8, 0.9, 0.8],
        "nothing": [0.5, 0.5, 0.5, 0.4],
        "smote": [0.9, 0.8, 0.9, 0.79],
    }
    rows = [
        {"digit": digit, "remedy": remedy, "recall": recall}
        for remedy, recalls in table.items()
        for digit, recall in enumerate(recalls)
    ]
    found = leads(pd.DataFrame(rows)).set_index("minus")
    assert found.loc["nothing", "gain"] == pytest.approx(0.375)
    assert found.loc["nothing", "better"] > 0.9
    assert found.loc["smote", "equal"] > 0.9
    assert found.loc["smote", "low"] < 0.0025 < found.loc["smote", "high"]


def test_mnist_is_digits_of_another_size(monkeypatch: pytest.MonkeyPatch) -> None:
    random = torch.Generator().manual_seed(0)

    class File:
        classes = tuple(f"{digit} - by name" for digit in range(10))
        data = torch.randint(256, (1000, 28, 28), generator=random, dtype=torch.uint8)
        targets = torch.arange(1000) % 10

        def __init__(self, root: str, train: bool, download: bool) -> None:
            assert not train
            if root == "nowhere":
                raise RuntimeError("no network")

    monkeypatch.setattr("torchvision.datasets.MNIST", File)
    data = data_of("mnist", 3, "data")
    counts = data.class_counts()
    assert data.samples.images.shape == (1000, 1, 12, 12)
    assert (data.samples.classes[int(np.argmin(counts))], min(counts)) == (3, 7)
    with pytest.raises(InputError, match="neither found in nowhere nor fetched"):
        data_of("mnist", 3, "nowhere")
