"""Sentences and columns that the numbers allow, on results made up for the purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gan_imbalance.comparison.cells import TUNED, Setting
from gan_imbalance.comparison.protocol import prepare_study
from gan_imbalance.comparison.record import Record, write_record
from gan_imbalance.comparison.statistics import bootstrap_scores, holm, paired_comparison
from gan_imbalance.comparison.summary import at_one_amount, differences, summarise, summarise_quality, verdicts

from gan_imbalance.data import TabularDataModule

SEEDS = 5
NOISE = np.array([0.00, 0.01, -0.01, 0.02, -0.02])
OTHER_NOISE = np.array([0.003, -0.004, 0.005, -0.002, 0.001])


@pytest.fixture
def record(data: TabularDataModule, tmp_path: Path) -> Record:
    write_record(prepare_study(data, tmp_path, SEEDS), [], {}, 0)
    return Record.load(tmp_path)


def results(**scores: np.ndarray) -> pd.DataFrame:
    """Return results of one classifier, PR-AUC and recall alike; the name tells the kind."""
    kinds = {"nothing": "baseline", "wgan": "gan", "gan": "gan", "real_rows": "control"}
    return pd.DataFrame(
        {
            "seed": seed,
            "fold": None,
            "minority_rows": None,
            "imbalance_ratio": None,
            "classifier": "linear",
            "remedy": remedy,
            "amount": "" if remedy == "nothing" else "balance",
            "kind": kinds.get(remedy, "standard"),
            "pr_auc": value,
            "recall_yes": value,
            "threshold": None,
            "validation_pr_auc": value,
            "rows_added": 7,
            "file": f"cells/{remedy}-{seed}.json",
        }
        for remedy, values in scores.items()
        for seed, value in enumerate(values)
    )


def test_summary_is_the_corrected_test_against_nothing_with_holms_correction(record: Record) -> None:
    nothing, smote, wgan = 0.5 + NOISE, 0.6 + NOISE + OTHER_NOISE, 0.52 + OTHER_NOISE
    table = summarise(record, results(nothing=nothing, smote=smote, wgan=wgan))
    table = table[table["metric"] == "pr_auc"].set_index("remedy")
    ratio = record.test_train_ratio(record.settings[0])
    expected = [paired_comparison(scores, nothing, float(ratio)) for scores in (smote, wgan)]
    assert table.loc["smote", "difference"] == pytest.approx(0.1 + OTHER_NOISE.mean())
    assert table.loc["smote", "difference_low"] == pytest.approx(expected[0].low)
    assert table.loc[["smote", "wgan"], "p"].tolist() == pytest.approx([found.p for found in expected])
    assert table.loc[["smote", "wgan"], "p_holm"].tolist() == pytest.approx(
        holm([found.p for found in expected]).tolist()
    )
    assert np.isnan(table.loc["nothing", "p"])
    assert table["mean"].tolist() == pytest.approx([0.5, 0.6 + OTHER_NOISE.mean(), 0.52 + OTHER_NOISE.mean()])


def test_seeds_that_only_one_has_are_left_out_of_the_difference(record: Record) -> None:
    table = summarise(record, results(nothing=0.5 + NOISE, smote=0.6 + NOISE[:3] + OTHER_NOISE[:3]))
    row = table[(table["remedy"] == "smote") & (table["metric"] == "pr_auc")].iloc[0]
    assert row["splits"] == 3
    assert row["difference"] == pytest.approx(0.1 + OTHER_NOISE[:3].mean())


def test_a_true_gain_is_called_higher(record: Record) -> None:
    sentence = verdicts(record, results(nothing=0.5 + NOISE, smote=0.6 + NOISE, wgan=0.8 + NOISE + OTHER_NOISE))[
        "linear"
    ]
    assert "prefer “wgan, balance” among the GANs and “smote, balance” among the other remedies" in sentence
    assert "PR-AUC is higher with the GANs, 0.801 against 0.600" in sentence


def test_a_true_loss_is_called_lower(record: Record) -> None:
    sentence = verdicts(record, results(nothing=0.8 + NOISE, wgan=0.5 + NOISE + OTHER_NOISE))["linear"]
    assert "PR-AUC is lower with the GANs, 0.501 against 0.800" in sentence
    assert "“nothing” among the other remedies" in sentence


def test_no_difference_is_said_so(record: Record) -> None:
    sentence = verdicts(record, results(nothing=0.5 + NOISE, wgan=0.505 - NOISE))["linear"]
    assert "no difference in PR-AUC could be shown" in sentence
    assert "no difference in recall could be shown" in sentence


def test_controls_do_not_take_part_in_the_verdict(record: Record) -> None:
    table = results(nothing=0.5 + NOISE, wgan=0.55 - NOISE, real_rows=0.9 + NOISE)
    assert "real_rows" not in verdicts(record, table)["linear"]


def test_the_verdict_is_about_what_validation_rows_prefer(record: Record) -> None:
    table = results(nothing=0.5 + NOISE, wgan=0.9 + OTHER_NOISE, gan=0.6 + OTHER_NOISE)
    table.loc[table["remedy"] == "gan", "validation_pr_auc"] = 0.95
    sentence = verdicts(record, table)["linear"]
    assert "“gan, balance” among the GANs" in sentence
    assert "0.601 against 0.500" in sentence
    assert "wgan" not in sentence


def test_every_split_chooses_by_its_own_validation_rows_only(record: Record) -> None:
    """The validation rows of one split are test rows of others, so a choice over all splits would know these."""
    table = results(nothing=0.5 + NOISE, wgan=0.6 + OTHER_NOISE, gan=0.7 + OTHER_NOISE)
    table["validation_pr_auc"] = 0.5
    table.loc[(table["remedy"] == "wgan") & (table["seed"] == 3), "validation_pr_auc"] = 0.9
    table.loc[(table["remedy"] == "gan") & (table["seed"] != 3), "validation_pr_auc"] = 0.9
    sentence = verdicts(record, table)["linear"]
    expected = np.where(np.arange(SEEDS) == 3, 0.6, 0.7) + OTHER_NOISE
    assert "“gan, balance in 4 of 5 splits, 1 more” among the GANs" in sentence
    assert f"{expected.mean():.3f} against 0.500" in sentence


def test_a_gan_that_adds_no_rows_is_told(record: Record) -> None:
    table = results(nothing=0.5 + NOISE, wgan=0.6 + OTHER_NOISE)
    table.loc[(table["remedy"] == "wgan") & (table["seed"] < 2), "rows_added"] = 0
    assert "among the GANs, adding no rows in 2 of 5 splits" in verdicts(record, table)["linear"]


def test_means_are_over_the_splits_that_both_have(record: Record) -> None:
    table = results(nothing=0.5 + NOISE, wgan=np.array([0.6, 0.62]))
    assert f"{0.61:.3f} against {0.505:.3f}" in verdicts(record, table)["linear"]


def test_one_amount_is_the_last_that_is_not_tuned() -> None:
    rows = pd.DataFrame(
        {"remedy": ["smote"] * 3 + ["weights"] * 2, "amount": ["4", "balance", "tuned", "", "tuned"], "mean": range(5)}
    )
    assert at_one_amount(rows)["mean"].tolist() == [1, 3]


def test_the_verdict_corrects_for_its_two_metrics(record: Record) -> None:
    gain = np.array([0.02, 0.06, 0.03, 0.05, 0.04])
    sentence = verdicts(record, results(nothing=0.5 + NOISE, wgan=0.5 + NOISE + gain))["linear"]
    p = paired_comparison(gain, np.zeros(SEEDS), record.test_train_ratio(record.settings[0])).p
    assert f"adjusted p {2 * p:.2f}" in sentence


def test_a_single_split_has_the_bootstraps_interval_over_its_test_rows(record: Record) -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 20])
    chances = np.clip(0.3 * labels + random.normal(0.4, 0.2, size=80), 0, 1)
    table = results(nothing=np.array([0.7]))
    scores = pd.DataFrame({"label": labels, "probability_yes": chances})
    (record.folder / "cells").mkdir()
    scores.to_parquet(record.folder / "cells" / "nothing-0.parquet")
    rows = summarise(record, table).set_index("metric")
    expected = bootstrap_scores(chances, labels == 1, 0.5)
    assert tuple(rows.loc["pr_auc", ["low", "high"]]) == pytest.approx(expected["pr_auc"])
    assert tuple(rows.loc["recall_yes", ["low", "high"]]) == pytest.approx(expected["recall"])


def test_settings_are_summarised_apart(data: TabularDataModule, tmp_path: Path) -> None:
    settings = [Setting(6), Setting(12)]
    write_record(prepare_study(data, tmp_path, SEEDS, settings=settings), [], {}, 0)
    record = Record.load(tmp_path)
    few = results(nothing=0.5 + NOISE, wgan=0.6 + NOISE).assign(minority_rows=6)
    many = results(nothing=0.7 + NOISE, wgan=0.8 + NOISE).assign(minority_rows=12)
    table = pd.concat([few, many], ignore_index=True)
    summary = summarise(record, table)
    means = summary[(summary["metric"] == "pr_auc") & (summary["remedy"] == "nothing")].set_index("minority_rows")
    assert means["mean"].to_dict() == pytest.approx({6: 0.5, 12: 0.7})
    assert list(verdicts(record, table)) == ["linear, 6 minority rows", "linear, 12 minority rows"]


@pytest.mark.parametrize("seeds", [2, SEEDS])
def test_equal_differences_are_no_evidence(record: Record, seeds: int) -> None:
    """Recall moves in whole rows, so few splits may differ by the very same; a t-test would call that certain."""
    table = results(nothing=np.full(seeds, 0.5), wgan=np.full(seeds, 0.75))
    assert "the splits allow no test" in verdicts(record, table)["linear"]
    row = summarise(record, table).iloc[1]
    assert row["difference"] == 0.25
    assert np.isnan(row["p"])
    assert np.isnan(row["difference_low"])


def test_without_a_gan_there_is_no_contest(record: Record) -> None:
    assert "no GAN" in verdicts(record, results(nothing=0.5 + NOISE, smote=0.6 + NOISE))["linear"]


SHOWN = ["membership_auc", "column_shapes"]


def test_quality_is_summed_up_once_a_split() -> None:
    made = results(nothing=0.5 + NOISE, wgan=0.6 + NOISE).assign(quality_membership_auc=np.nan, quality_density=0.1)
    mine = made["remedy"] == "wgan"
    made.loc[mine, "quality_membership_auc"] = 0.6 + NOISE
    other = made.assign(classifier="trees")
    tuned = made[mine].assign(amount=TUNED, quality_membership_auc=0.9)
    found = summarise_quality(pd.concat([tuned, made, other]), SHOWN)
    assert found["remedy"].tolist() == ["wgan"]
    row = found.iloc[0]
    assert (row["metric"], row["splits"], row["kind"]) == ("membership_auc", SEEDS, "gan")
    assert row["mean"] == pytest.approx(0.6 + NOISE.mean())
    assert row["low"] < row["mean"] < row["high"]
    only_tuned = summarise_quality(tuned, SHOWN)
    assert only_tuned["mean"].tolist() == pytest.approx([0.9])


def test_no_rows_have_no_quality() -> None:
    assert summarise_quality(results(nothing=0.5 + NOISE), SHOWN).empty


def test_every_gan_is_compared_with_every_other_remedy(record: Record) -> None:
    made = results(nothing=0.5 + NOISE, smote=0.55 + NOISE[::-1], wgan=0.6 + OTHER_NOISE, gan=0.6 - NOISE)
    made["balanced_accuracy"] = made["pr_auc"]
    found = differences(record, made).set_index(["metric", "arm", "other"])
    gans = {arm for _, arm, _ in found.index}
    assert len(gans) * 3 * 3 == len(found)
    for arm in gans:
        with_nothing = found.loc[("pr_auc", arm, "nothing")]
        summed = summarise(record, made).set_index(["metric", "arm"]).loc[("pr_auc", arm)]
        for name in ("difference", "difference_low", "difference_high", "p"):
            assert with_nothing[name] == pytest.approx(summed[name])
