"""The Lending Club study rehearses itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from matplotlib import image

from experiments.lending_club_acgan.__main__ import _part, study
from gan_imbalance.main import main


@pytest.mark.slow
def test_it_rehearses(shared_data: Callable[[str], Path], workplace: Path) -> None:
    path = shared_data("lending_club.csv.gz")
    assert study(str(path), quick=True) == 0
    parts = Path("runs/lending_club_acgan")
    found = pd.read_csv(parts / "study" / "quick" / "differences.csv")
    against_nothing = found[found["against"] == "wide_deep nothing"]
    assert set(against_nothing["remedy"]) >= {
        "acgan",
        "conditional_wasserstein_gan",
        "two_headed_acgan",
        "smotenc_taught",
    }
    assert found["difference"].to_numpy() == pytest.approx(found["mean"] - found["mean_against"], abs=1e-6)
    assert found["splits"].eq(1).all()
    assert len(pd.read_csv(parts / "study.csv")) == 25_000
    for name in ("columns.png", "differences.png"):
        assert image.imread(parts / "study" / "quick" / name)[..., :3].std() > 0.05


@pytest.mark.slow
def test_the_gan_is_pictured_as_it_trains(shared_data: Callable[[str], Path], workplace: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    configs = (
        root / "configs/gan/auxiliary_classifier_gan.yaml",
        root / "experiments/lending_club_acgan/plots.yaml",
    )
    files = [part for config in configs for part in ("--config", str(config))]
    short = ["--trainer.max_epochs", "1", "--trainer.check_val_every_n_epoch", "1", "--data.steps_per_epoch", "2"]
    path = ["--data.path", str(shared_data("lending_club.csv.gz"))]
    assert main(["fit", *files, *path, *short, "--checkpoint.monitor", "null", "--trainer.accelerator", "cpu"]) == 0
    (plot,) = Path("runs").rglob("plots/*.png")
    assert image.imread(plot).shape == (640, 640, 4)


def test_no_row_serves_both_development_and_study() -> None:
    table = pd.DataFrame({"row": range(12_000)})
    study_rows, development_rows = (set(_part(table, development)["row"]) for development in (False, True))
    assert len(development_rows) == 10_000
    assert study_rows == set(range(12_000)) - development_rows
