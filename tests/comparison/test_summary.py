"""Sentences and columns that the numbers allow, on results made up for the purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.cells import Study
from gan_imbalance.comparison.protocol import prepare_study
from gan_imbalance.comparison.statistics import holm, paired_comparison
from gan_imbalance.comparison.summary import summarise, verdicts
from gan_imbalance.data import TabularDataModule

SEEDS = 5
NOISE = np.array([0.00, 0.01, -0.01, 0.02, -0.02])
OTHER_NOISE = np.array([0.003, -0.004, 0.005, -0.002, 0.001])


@pytest.fixture
def study(data: TabularDataModule, tmp_path: Path) -> Study:
    return prepare_study(data, SEEDS, None, tmp_path)


def results(**scores: np.ndarray) -> pd.DataFrame:
    """Return results of one classifier, PR-AUC and recall alike; the name tells the kind."""
    kinds = {"nothing": "baseline", "wgan": "gan", "gan": "gan", "real_rows": "control"}
    return pd.DataFrame(
        {
            "seed": seed,
            "classifier": "linear",
            "remedy": remedy,
            "amount": "" if remedy == "nothing" else "balance",
            "kind": kinds.get(remedy, "standard"),
            "pr_auc": value,
            "recall_yes": value,
            "threshold": None,
            "rows_added": 7,
        }
        for remedy, values in scores.items()
        for seed, value in enumerate(values)
    )


def test_summary_is_the_corrected_test_against_nothing_with_holms_correction(study: Study) -> None:
    nothing, smote, wgan = 0.5 + NOISE, 0.6 + NOISE + OTHER_NOISE, 0.52 + OTHER_NOISE
    table = summarise(study, results(nothing=nothing, smote=smote, wgan=wgan))
    table = table[table["metric"] == "pr_auc"].set_index("remedy")
    ratio = np.mean([len(split.test) / len(split.train) for split in study.splits])
    expected = [paired_comparison(scores, nothing, float(ratio)) for scores in (smote, wgan)]
    assert table.loc["smote", "difference"] == pytest.approx(0.1 + OTHER_NOISE.mean())
    assert table.loc["smote", "difference_low"] == pytest.approx(expected[0].low)
    assert table.loc[["smote", "wgan"], "p"].tolist() == pytest.approx([found.p for found in expected])
    assert table.loc[["smote", "wgan"], "p_holm"].tolist() == pytest.approx(
        holm([found.p for found in expected]).tolist()
    )
    assert np.isnan(table.loc["nothing", "p"])
    assert table["mean"].tolist() == pytest.approx([0.5, 0.6 + OTHER_NOISE.mean(), 0.52 + OTHER_NOISE.mean()])


def test_seeds_that_only_one_has_are_left_out_of_the_difference(study: Study) -> None:
    table = summarise(study, results(nothing=0.5 + NOISE, smote=0.6 + NOISE[:3] + OTHER_NOISE[:3]))
    row = table[(table["remedy"] == "smote") & (table["metric"] == "pr_auc")].iloc[0]
    assert row["seeds"] == 3
    assert row["difference"] == pytest.approx(0.1 + OTHER_NOISE[:3].mean())


def test_a_true_gain_is_called_higher(study: Study) -> None:
    sentence = verdicts(study, results(nothing=0.5 + NOISE, smote=0.6 + NOISE, wgan=0.8 + NOISE + OTHER_NOISE))[
        "linear"
    ]
    assert "PR-AUC is higher with the best GAN, wgan, balance (0.801), than" in sentence
    assert "smote, balance (0.600)" in sentence


def test_a_true_loss_is_called_lower(study: Study) -> None:
    sentence = verdicts(study, results(nothing=0.8 + NOISE, wgan=0.5 + NOISE + OTHER_NOISE))["linear"]
    assert "PR-AUC is lower with the best GAN" in sentence
    assert "nothing (0.800)" in sentence


def test_no_difference_is_said_so(study: Study) -> None:
    sentence = verdicts(study, results(nothing=0.5 + NOISE, wgan=0.505 - NOISE))["linear"]
    assert "no difference in PR-AUC could be shown" in sentence
    assert "no difference in recall could be shown" in sentence


def test_controls_do_not_take_part_in_the_verdict(study: Study) -> None:
    table = results(nothing=0.5 + NOISE, wgan=0.55 - NOISE, real_rows=0.9 + NOISE)
    assert "real_rows" not in verdicts(study, table)["linear"]


def test_a_gain_that_is_one_of_many_tries_must_stand_the_correction(study: Study) -> None:
    gain = 0.5 + NOISE + np.array([0.02, 0.06, 0.03, 0.05, 0.04])
    assert "higher" in verdicts(study, results(nothing=0.5 + NOISE, wgan=gain))["linear"]
    idle = {f"idle{i}": 0.4 - (i + 1) * NOISE for i in range(12)}
    many = results(nothing=0.5 + NOISE, wgan=gain, **idle)
    # the correction is over all pairs, so the same gain among more remedies has a larger p
    alone, among = (
        float(verdicts(study, table)["linear"].split("adjusted p ")[1][:4])
        for table in (results(nothing=0.5 + NOISE, wgan=gain), many)
    )
    assert among > alone


@pytest.mark.parametrize("seeds", [1, SEEDS])
def test_equal_differences_are_no_evidence(study: Study, seeds: int) -> None:
    """Recall moves in whole rows, so few splits may differ by the very same; a t-test would call that certain."""
    table = results(nothing=np.full(seeds, 0.5), wgan=np.full(seeds, 0.75))
    assert "the splits allow no test" in verdicts(study, table)["linear"]
    row = summarise(study, table).iloc[1]
    assert row["difference"] == 0.25
    assert np.isnan(row["p"])
    assert np.isnan(row["difference_low"])


def test_without_a_gan_there_is_no_contest(study: Study) -> None:
    assert "no GAN" in verdicts(study, results(nothing=0.5 + NOISE, smote=0.6 + NOISE))["linear"]
