"""The study of distillation: what it measures, and how it sums it up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from experiments.distillation import __main__ as study
from experiments.distillation import reported
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
    settings = (
        ("nothing", None, None, 0.0),
        ("none", 0.0, "both", 0.02),
        ("default GAN", 2.0, "both", 0.05),
        ("jitter", 2.0, "both", 0.1),
    )
    rows = [
        {"table": table, "seed": seed, "student": "mlp", "rows": name, "amount": amount, "real": real, "pr_auc": value}
        for table, bonus in (("a", 0.0), ("b", 0.1))
        for seed, base in ((0, 0.5), (1, 0.7))
        for name, amount, real, gain in settings
        for value in [base + gain + bool(gain) * (bonus + seed / 10)]
    ]
    rows += [{"table": table, "seed": seed, "rows": "teacher", "pr_auc": 0.9} for table in "ab" for seed in (0, 1)]
    results = pd.DataFrame(rows)
    found = study.gains(results)
    jitter, teacher = found.loc[("mlp", "jitter", "both", 2.0)], found.loc[("mlp", "teacher", "", 0.0)]
    assert (jitter["a"], jitter["b"], jitter["mean"]) == pytest.approx((0.15, 0.25, 0.2))
    # two tables: a standard error of 0.05 and one degree of freedom
    assert jitter["high"] - jitter["mean"] == pytest.approx(12.706 * 0.05, rel=1e-3)
    assert jitter["better"] == 2
    assert teacher["mean"] == pytest.approx(0.3)
    beside = study.contrasts(results)
    assert beside.loc[("mlp", "none"), "mean"] == pytest.approx(0.03)
    assert beside.loc[("mlp", "jitter"), "mean"] == pytest.approx(-0.05)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        study.main(["--tables", str(tmp_path / "none")])


@pytest.mark.slow
def test_reported_tables_are_compared(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shared_data("tables").parent
    few = {"linear": MEMBERS["logistic_regression"]}
    with patch("gan_imbalance.distillation.teacher.MEMBERS", few):
        reported.main(["--quick", "--data", str(folder), "--output", str(tmp_path), "--jobs", "1"])
    results = pd.read_csv(tmp_path / "results.csv")
    assert set(results["remedy"]) == set(reported.REMEDIES)
    assert results["pr_auc"].between(0, 1).all()


def test_gains_over_tables_are_paired() -> None:
    levels = dict.fromkeys(reported.REMEDIES, 0.5)
    rows = [
        {"table": table, "classifier": "mlp", "remedy": remedy, "pr_auc": level + base + bonus * (remedy == "teacher")}
        for table, base, bonus in (("a", 0.0, 0.1), ("b", 0.2, 0.2))
        for remedy, level in levels.items()
    ]
    found = {(row["remedy"], row["against"]): row for row in reported.gains(pd.DataFrame(rows))}
    teacher = found["teacher", "nothing"]
    assert teacher["gain"] == pytest.approx(0.15)
    assert teacher["mean_rank"] == 1
    # a mean of three standard errors, and one degree of freedom
    assert teacher["probability_better"] == pytest.approx(0.5 + np.arctan(3) / np.pi)
    assert found["distilled_gan", "teacher"]["better"] == 0
