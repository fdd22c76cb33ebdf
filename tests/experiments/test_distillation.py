"""The study of distillation: what it measures, and how it sums it up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from experiments.distillation import __main__ as study
from experiments.distillation import candidates
from experiments.distillation.residual import ResidualGAN
from gan_imbalance import TabularDataModule
from gan_imbalance.distillation import MEMBERS
from gan_imbalance.synthesis import load_gan, save_gan
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
def test_a_quick_run_measures_every_candidate(
    shared_data: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data("tables").parent
    arguments = ["--quick", "--only", "yeast_me2", "--data", str(folder), "--output", str(tmp_path)]
    few = {"linear": MEMBERS["logistic_regression"]}
    with (
        patch("gan_imbalance.distillation.teacher.MEMBERS", few),
        patch.object(candidates, "STEPS", 2),
        patch.object(candidates, "STUDENTS", ("logistic_regression",)),
    ):
        candidates.main(arguments)
        results = pd.read_csv(tmp_path / "results.csv")
        # goes on where it was: there is nothing left to measure
        with patch.object(candidates, "measure_split", side_effect=AssertionError):
            candidates.main(arguments)
    assert set(results["rows"]) >= {
        "jitter",
        "GAN",
        "residual GAN",
        "transfer GAN",
        "MUNGE",
        "mixed columns",
        "GAN, disagree",
    }
    assert results["pr_auc"].between(0, 1).all()
    assert "gain over jitter" in capsys.readouterr().out


def _split(rows: int = 40) -> study.EncodedSplit:
    random = np.random.default_rng(0)
    group = np.arange(rows) % 2
    size = random.normal(size=rows).round(1) + 100 * group
    colour = np.where(group, "red", "blue")
    frame = pd.DataFrame({"size": size, "count": group * 10, "colour": colour, "rare": np.arange(rows) < rows // 4})
    return study.EncodedSplit.of(TabularDataModule(frame=frame, target="rare"), 0)


def test_munge_moves_values_towards_the_nearest_row() -> None:
    split = _split()
    made = candidates.munge(split, 200, 0)
    assert made.dtypes.equals(split.table.dtypes)
    assert made["size"].between(split.table["size"].min(), split.table["size"].max()).all()
    # the nearest row is of the same group, so no value comes from the other one
    assert (made["colour"] == np.where(made["size"] > 50, "red", "blue")).all()
    assert len(pd.merge(made, split.table, on=list(made)).drop_duplicates()) < len(made.drop_duplicates())
    pd.testing.assert_frame_equal(candidates.munge(split, 200, 0), made)
    unchanged = candidates.munge(split, 50, 0, p=0.0)
    assert unchanged.isin(split.table.to_dict("list")).all(axis=None)


def test_columns_are_mixed_within_a_predicted_class() -> None:
    split = _split()
    red = (split.table["colour"] == "red").to_numpy().astype(np.int64)
    made = candidates.mixed_columns(split, red, 200, 0)
    assert (made["colour"] == np.where(made["size"] > 50, "red", "blue")).all()
    everything = candidates.mixed_columns(split, 0 * red, 200, 0)
    assert (everything["colour"] != np.where(everything["size"] > 50, "red", "blue")).any()


def test_rows_are_chosen_by_doubt_and_by_disagreement() -> None:
    teacher = np.array([[0.5, 0.5], [1.0, 0.0], [0.6, 0.4], [1.0, 0.0]])
    student = np.array([[0.5, 0.5], [1.0, 0.0], [0.1, 0.9], [0.3, 0.7]])
    found = candidates.chosen_rows(teacher, student, 2, 0)
    assert set(found["drawn by entropy"]) == {0, 2}
    assert found["disagree"].tolist() == [3, 2]
    assert candidates.divergence(teacher, student)[3] == pytest.approx(-np.log(0.3), abs=1e-4)


def test_gains_over_another_candidate_are_paired() -> None:
    rows = [
        {"table": table, "seed": 0, "student": student, "rows": name, "pr_auc": base + gain}
        for table, base, bonus in (("a", 0.2, 0.0), ("b", 0.5, 0.1))
        for student, more in (("xgboost", 0.0), ("mlp", 0.2))
        for name, gain in (("jitter", 0.0), ("MUNGE", 0.1 + bonus + more))
    ]
    found = candidates.gains(pd.DataFrame(rows), "jitter")
    assert found.loc[("xgboost", "MUNGE"), "mean"] == pytest.approx(0.15)
    assert found.loc[("both", "MUNGE"), ["a", "b", "better"]].tolist() == pytest.approx([0.2, 0.3, 2])
    # a mean of five standard errors, and one degree of freedom
    assert found.loc[("both", "MUNGE"), "probability"] == pytest.approx(0.5 + np.arctan(5) / np.pi)


@pytest.fixture
def residual(fit: Callable[..., pl.Trainer], mixed_frame: pd.DataFrame) -> ResidualGAN:
    """Return a residual GAN that has had two steps on a table with every kind of column."""
    gan = ResidualGAN()
    fit(gan, TabularDataModule(frame=mixed_frame, target="label", batch_size=16, steps_per_epoch=1))
    return gan


def test_a_residual_gan_starts_between_rows_of_the_class(residual: ResidualGAN) -> None:
    conditions = torch.arange(2).repeat(50)
    starts = residual.draw_start(conditions)
    for condition in range(2):
        rows = residual.rows[residual.members[condition]]
        made = starts[conditions == condition]
        assert (made >= rows.amin(dim=0)).all()
        assert (made <= rows.amax(dim=0)).all()
        assert (torch.cdist(made, rows).amin(dim=1) > 1e-6).any()


def test_a_residual_gan_that_adds_nothing_returns_where_it_started(residual: ResidualGAN) -> None:
    with torch.no_grad():
        for weight in residual.generator.parameters():
            weight.zero_()
    conditions = torch.arange(2).repeat(10)
    torch.manual_seed(0)
    starts = residual.draw_start(conditions)
    torch.manual_seed(0)
    # but for the margin of what is bounded: of a share, and of tanh
    bounded = residual.is_categorical | residual.is_tanh
    made = residual.generate(conditions)
    torch.testing.assert_close(made[:, ~bounded], starts[:, ~bounded])
    torch.testing.assert_close(made[:, bounded], starts[:, bounded], atol=0.1, rtol=0)


def test_a_residual_gan_learns_from_a_single_row(fit: Callable[..., pl.Trainer]) -> None:
    frame = pd.DataFrame({"size": np.arange(21.0), "rare": np.arange(21) == 20})
    gan = ResidualGAN()
    fit(gan, TabularDataModule(frame=frame, target="rare", test_fraction=0.0, validation_fraction=0.0, batch_size=8))
    only = gan.rows[gan.members[1]]
    assert len(only) == 1
    torch.testing.assert_close(gan.draw_start(torch.tensor([1, 1])), only.expand(2, -1))


def test_a_residual_gan_tells_what_it_lacks(residual: ResidualGAN, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^neighbours is 0"):
        ResidualGAN(neighbours=0)
    save_gan(residual, tmp_path / "gan.ckpt")
    with pytest.raises(InputError, match="no training rows to start from"):
        load_gan(tmp_path / "gan.ckpt", trust=("experiments",)).sample(torch.tensor([0, 1]), seed=0)
