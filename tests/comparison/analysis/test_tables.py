"""Tables that the numbers allow, on results made up for the purpose."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.analysis.decision import adjusted_marks, posterior
from gan_imbalance.comparison.analysis.statistics import bootstrap_scores, holm, paired_comparison
from gan_imbalance.comparison.analysis.tables import (
    allowance,
    at_one_amount,
    differences,
    summarise,
    summarise_quality,
)
from gan_imbalance.comparison.plan.cells import TUNED
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.study import Setting, split_data, split_keys
from gan_imbalance.data import TabularDataModule

SEEDS = 5
NOISE = np.array([0.00, 0.01, -0.01, 0.02, -0.02])
OTHER_NOISE = np.array([0.003, -0.004, 0.005, -0.002, 0.001])


@pytest.fixture
def description(data: TabularDataModule) -> Description:
    return Description.of(split_data(data, split_keys(range(SEEDS), None, [Setting()])), [])


def results(**scores: np.ndarray) -> pd.DataFrame:
    """Return results of one classifier, PR-AUC and recall alike; the name tells the role."""
    roles = {"nothing": "baseline", "wgan": "gan", "gan": "gan", "real_rows": "control"}
    return pd.DataFrame(
        {
            "seed": seed,
            "fold": None,
            "minority_rows": None,
            "imbalance_ratio": None,
            "classifier": "linear",
            "remedy": remedy,
            "amount": "" if remedy == "nothing" else "balance",
            "role": roles.get(remedy, "standard"),
            "pr_auc": value,
            "recall_yes": value,
            "threshold": None,
            "rows_added": 7,
            "address": f"{remedy}-{seed}",
        }
        for remedy, values in scores.items()
        for seed, value in enumerate(values)
    )


def test_summary_is_the_corrected_test_against_nothing_with_holms_correction(description: Description) -> None:
    nothing, smote, wgan = 0.5 + NOISE, 0.6 + NOISE + OTHER_NOISE, 0.52 + OTHER_NOISE
    table = summarise(description, results(nothing=nothing, smote=smote, wgan=wgan))
    table = table[table["metric"] == "pr_auc"].set_index("remedy")
    ratio = allowance(description, description.settings[0])
    expected = [paired_comparison(scores, nothing, float(ratio)) for scores in (smote, wgan)]
    assert table.loc["smote", "difference"] == pytest.approx(0.1 + OTHER_NOISE.mean())
    assert table.loc["smote", "difference_low"] == pytest.approx(expected[0].low)
    assert table.loc[["smote", "wgan"], "p"].tolist() == pytest.approx([found.p for found in expected])
    assert table.loc[["smote", "wgan"], "p_holm"].tolist() == pytest.approx(
        holm([found.p for found in expected]).tolist()
    )
    assert np.isnan(table.loc["nothing", "p"])
    assert table["mean"].tolist() == pytest.approx([0.5, 0.6 + OTHER_NOISE.mean(), 0.52 + OTHER_NOISE.mean()])


def test_seeds_that_only_one_has_are_left_out_of_the_difference(description: Description) -> None:
    table = summarise(description, results(nothing=0.5 + NOISE, smote=0.6 + NOISE[:3] + OTHER_NOISE[:3]))
    row = table[(table["remedy"] == "smote") & (table["metric"] == "pr_auc")].iloc[0]
    assert row["splits"] == 3
    assert row["difference"] == pytest.approx(0.1 + OTHER_NOISE[:3].mean())


def test_one_amount_is_the_last_that_is_not_tuned() -> None:
    rows = pd.DataFrame(
        {"remedy": ["smote"] * 3 + ["weights"] * 2, "amount": ["4", "balance", "tuned", "", "tuned"], "mean": range(5)}
    )
    assert at_one_amount(rows)["mean"].tolist() == [1, 3]


def test_marks_are_corrected_over_the_remedies_and_probabilities_are_not(description: Description) -> None:
    nothing, smote, wgan = 0.5 + NOISE, 0.53 + NOISE + OTHER_NOISE, 0.502 + NOISE - OTHER_NOISE
    table = summarise(description, results(nothing=nothing, smote=smote, wgan=wgan))
    table = table[table["metric"] == "pr_auc"].set_index("remedy")
    ratio = allowance(description, description.settings[0])
    found = [posterior(scores - nothing, ratio, 0.01) for scores in (smote, wgan)]
    for name, probabilities in zip(("smote", "wgan"), found, strict=True):
        columns = [f"probability_{side}" for side in ("worse", "equal", "better")]
        assert table.loc[name, columns].tolist() == pytest.approx(list(probabilities))
    assert table.loc[["smote", "wgan"], "mark"].tolist() == adjusted_marks(found) == ["helps", "equal"]
    assert table.loc["nothing", "mark"] == ""


def test_intervals_stay_within_what_the_metric_can_be(description: Description) -> None:
    high = np.array([0.9, 1.0, 0.95, 1.0, 0.99])
    table = summarise(description, results(nothing=np.array([0.8, 1.0, 0.7, 1.0, 0.9]), smote=high))
    assert table[["low", "high"]].stack().between(0, 1).all()
    row = table[(table["remedy"] == "smote") & (table["metric"] == "pr_auc")].iloc[0]
    assert row["difference_high"] <= 1 - 0.88 + 1e-9


def test_rows_that_splits_share_are_allowed_for_by_test_rows_over_all_others(data: TabularDataModule) -> None:
    folds = Description.of(split_data(data, split_keys(range(2), 5, [Setting()]), 5), [])
    assert allowance(folds, Setting()) == pytest.approx(1 / 4, rel=0.02)


def test_a_single_split_has_the_bootstraps_interval_over_its_test_rows(description: Description) -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 20])
    probabilities = np.clip(0.3 * labels + random.normal(0.4, 0.2, size=80), 0, 1)
    scores = pd.DataFrame({"label": labels, "probability_yes": probabilities})
    asked: list[str] = []

    def read(address: str) -> pd.DataFrame:
        asked.append(address)
        return scores

    rows = summarise(description, results(nothing=np.array([0.7])), read).set_index("metric")
    expected = bootstrap_scores(probabilities, labels == 1, 0.5)
    assert tuple(rows.loc["pr_auc", ["low", "high"]]) == pytest.approx(expected["pr_auc"])
    assert tuple(rows.loc["recall_yes", ["low", "high"]]) == pytest.approx(expected["recall"])
    assert asked == ["nothing-0"]


def test_settings_are_summarised_apart(data: TabularDataModule) -> None:
    description = Description.of(split_data(data, split_keys(range(SEEDS), None, [Setting(6), Setting(12)])), [])
    few = results(nothing=0.5 + NOISE, wgan=0.6 + NOISE).assign(minority_rows=6)
    many = results(nothing=0.7 + NOISE, wgan=0.8 + NOISE).assign(minority_rows=12)
    summary = summarise(description, pd.concat([few, many], ignore_index=True))
    means = summary[(summary["metric"] == "pr_auc") & (summary["remedy"] == "nothing")].set_index("minority_rows")
    assert means["mean"].to_dict() == pytest.approx({6: 0.5, 12: 0.7})


@pytest.mark.parametrize("seeds", [2, SEEDS])
def test_equal_differences_are_no_evidence(description: Description, seeds: int) -> None:
    """Recall moves in whole rows, so few splits may differ by the very same; a t-test would call that certain."""
    table = results(nothing=np.full(seeds, 0.5), wgan=np.full(seeds, 0.75))
    row = summarise(description, table).iloc[1]
    assert row["difference"] == 0.25
    assert np.isnan(row["p"])
    assert np.isnan(row["difference_low"])
    assert row["mark"] == "undecided"


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
    assert (row["metric"], row["splits"], row["role"]) == ("membership_auc", SEEDS, "gan")
    assert row["mean"] == pytest.approx(0.6 + NOISE.mean())
    assert row["low"] < row["mean"] < row["high"]
    only_tuned = summarise_quality(tuned, SHOWN)
    assert only_tuned["mean"].tolist() == pytest.approx([0.9])


def test_no_rows_have_no_quality() -> None:
    assert summarise_quality(results(nothing=0.5 + NOISE), SHOWN).empty


def test_every_gan_is_compared_with_every_other_remedy(description: Description) -> None:
    made = results(nothing=0.5 + NOISE, smote=0.55 + NOISE[::-1], wgan=0.6 + OTHER_NOISE, gan=0.6 - NOISE)
    made["balanced_accuracy"] = made["pr_auc"]
    found = differences(description, made).set_index(["metric", "method", "other"])
    gans = {method for _, method, _ in found.index}
    assert len(gans) * 3 * 3 == len(found)
    for method in gans:
        with_nothing = found.loc[("pr_auc", method, "nothing")]
        summed = summarise(description, made).set_index(["metric", "method"]).loc[("pr_auc", method)]
        for name in ("difference", "difference_low", "difference_high", "p"):
            assert with_nothing[name] == pytest.approx(summed[name])
