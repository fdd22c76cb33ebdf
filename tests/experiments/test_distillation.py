"""The study of distillation: what it measures, and how it sums it up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest

from experiments.distillation import __main__ as study
from gan_imbalance.distillation import MEMBERS
from gan_imbalance.types import InputError


@pytest.mark.slow
def test_a_quick_run_measures_every_setting(
    shared_data: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data("tables")
    arguments = ["--quick", "--only", "yeast_me2", "--tables", str(folder), "--output", str(tmp_path)]
    few = {"linear": MEMBERS["logistic_regression"]}
    with (
        patch("gan_imbalance.distillation.teacher.MEMBERS", few),
        patch.object(study, "AMOUNTS", (1.0,)),
        patch.object(study, "REAL", ("both", "none")),
    ):
        study.main(arguments)
    results = pd.read_csv(tmp_path / "results.csv")
    taught = results.dropna(subset=["real"])
    assert set(taught["rows"]) == {"none", "default GAN", "jitter"}
    # nothing is learned from no rows at all
    assert len(taught) == 3 * (1 + 2 * 2)
    assert taught["pr_auc"].between(0, 1).all()
    assert "logistic_regression" in capsys.readouterr().out


def test_gains_are_over_doing_nothing_on_the_same_split() -> None:
    rows = [
        {"table": "a", "seed": seed, "student": "mlp", "rows": name, "amount": amount, "real": real, "pr_auc": value}
        for seed, base in ((0, 0.5), (1, 0.7))
        for name, amount, real, value in (
            ("nothing", None, None, base),
            ("jitter", 2.0, "both", base + 0.1 + seed / 10),
        )
    ]
    found = study.gains(pd.DataFrame(rows)).loc[("mlp", "jitter", "both", 2.0)]
    assert found["a"] == found["mean"] == pytest.approx(0.15)
    assert found["better"] == 1


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        study.main(["--tables", str(tmp_path / "none")])
