"""What is answered on results made up for the purpose: who is compared, what is decided and recommended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.analysis.answer import Answer, Contest, complete_splits, find_answers
from gan_imbalance.comparison.analysis.decision import posterior
from gan_imbalance.comparison.analysis.tables import allowance
from gan_imbalance.comparison.plan.catalogue import choose_remedies
from gan_imbalance.comparison.plan.cells import Cell
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.planning import plan_cells
from gan_imbalance.comparison.plan.study import Setting, Study, split_data, split_keys
from gan_imbalance.data import TabularDataModule

SPLITS = 5
NOISE = np.array([0.00, 0.01, -0.01, 0.02, -0.02])
OTHER_NOISE = np.array([0.003, -0.004, 0.005, -0.002, 0.001])
LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {}}
REMEDIES = ["nothing", "class_weights", "smote", "gan", "wasserstein_gan", "real_rows", "half_minority"]


@pytest.fixture
def study(data: TabularDataModule) -> Study:
    return split_data(data, split_keys(range(SPLITS), None, [Setting()]))


@pytest.fixture
def cells(study: Study) -> list[Cell]:
    classifiers = {"linear": LOGISTIC, "trees": LOGISTIC}
    return plan_cells(study, choose_remedies(REMEDIES, controls=False), classifiers, ["balance"])


@pytest.fixture
def description(study: Study, cells: list[Cell]) -> Description:
    return Description.of(study, cells)


def results(cells: list[Cell], study: Study, classifier: str = "linear", **scores: Any) -> pd.DataFrame:
    """Return results of one classifier, the same on validation and on test rows."""
    rows = [
        {
            "seed": cell.key.seed,
            "fold": None,
            "minority_rows": None,
            "imbalance_ratio": None,
            "classifier": cell.classifier,
            **cell.method._asdict(),
            "pr_auc": scores[cell.remedy.name][cell.key.seed],
            "validation_pr_auc": scores[cell.remedy.name][cell.key.seed],
            "tuned_recall_yes": 0.7,
            "rows_added": cell.pool or 0,
            "seconds_resample": float(cell.remedy.role == "gan"),
            "seconds_fit": 1.0,
            "address": cell.address(study),
        }
        for cell in cells
        if cell.remedy.name in scores and cell.classifier == classifier
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def made(cells: list[Cell], study: Study) -> Any:
    """Return a function that makes results of the fixtures' cells."""
    return lambda **scores: results(cells, study, **scores)


def only(description: Description, table: pd.DataFrame) -> Answer:
    (answer,) = find_answers(description, table)
    return answer


def contest(answer: Answer) -> Contest:
    assert answer.primary is not None
    return answer.primary


def test_a_gain_and_a_loss_are_called_so(description: Description, made: Any) -> None:
    gain = only(description, made(nothing=0.5 + NOISE, smote=0.6 + NOISE, gan=0.8 + NOISE + OTHER_NOISE))
    assert (gain.mark, contest(gain).first, contest(gain).second) == ("helps", "gan, balance", "smote, balance")
    assert contest(gain).mean == pytest.approx(0.8 + OTHER_NOISE.mean())
    assert contest(gain).other_mean == pytest.approx(0.6)
    loss = only(description, made(nothing=0.8 + NOISE, gan=0.5 + NOISE + OTHER_NOISE))
    assert (loss.mark, contest(loss).second) == ("hurts", "nothing")


def test_what_does_not_matter_is_called_equal(description: Description, made: Any) -> None:
    assert only(description, made(nothing=0.5 + NOISE, gan=0.5 + NOISE + OTHER_NOISE / 2)).mark == "equal"
    undecided = only(description, made(nothing=0.5 + NOISE, gan=0.505 - NOISE))
    assert undecided.mark == "undecided"


def test_probabilities_are_those_of_the_correlated_test(description: Description, made: Any) -> None:
    gain = np.array([0.02, 0.06, 0.03, 0.05, 0.04])
    found = contest(only(description, made(nothing=0.5 + NOISE, gan=0.5 + NOISE + gain)))
    ratio = allowance(description, Setting())
    assert found.probabilities == pytest.approx(posterior(gain, ratio, 0.01))


def test_controls_take_no_part_but_tell_what_could_be_seen(description: Description, made: Any) -> None:
    table = made(nothing=0.5 + NOISE, gan=0.55 - NOISE, real_rows=0.9 + OTHER_NOISE, half_minority=0.5 - NOISE)
    answer = only(description, table)
    assert contest(answer).second == "nothing"
    assert answer.seen == ["real_rows"]
    assert answer.sensitivity["half_minority"].mark == "undecided"
    assert "real_rows" not in answer.recommendations[0].remedy


def test_every_split_chooses_by_its_own_validation_rows_only(description: Description, made: Any) -> None:
    """The validation rows of one split are test rows of others, so a choice over all splits would know these."""
    table = made(nothing=0.5 + NOISE, wasserstein_gan=0.6 + OTHER_NOISE, gan=0.7 + OTHER_NOISE)
    table["validation_pr_auc"] = 0.5
    table.loc[(table["remedy"] == "wasserstein_gan") & (table["seed"] == 3), "validation_pr_auc"] = 0.9
    table.loc[(table["remedy"] == "gan") & (table["seed"] != 3), "validation_pr_auc"] = 0.9
    found = contest(only(description, table))
    assert found.first == "gan, balance in 4 of 5 splits, 1 more"
    assert found.mean == pytest.approx((np.where(np.arange(SPLITS) == 3, 0.6, 0.7) + OTHER_NOISE).mean())


def test_both_sides_learn_with_the_same_classifier(description: Description, cells: list[Cell], study: Study) -> None:
    linear = results(cells, study, nothing=0.5 + NOISE, smote=0.9 + OTHER_NOISE, gan=0.6 + NOISE)
    trees = results(cells, study, "trees", nothing=0.7 + NOISE, smote=0.7 + NOISE, gan=0.8 + OTHER_NOISE)
    answer = only(description, pd.concat([linear, trees], ignore_index=True))
    assert contest(answer).classifiers == ("linear",)
    assert contest(answer).mean == pytest.approx(0.6)
    assert answer.by_classifier["trees"].mean == pytest.approx((0.8 + OTHER_NOISE).mean())
    assert [one.classifier for one in answer.recommendations] == ["linear", "linear", "trees"]


def test_a_gan_that_adds_no_rows_is_counted(description: Description, made: Any) -> None:
    table = made(nothing=0.5 + NOISE, gan=0.6 + OTHER_NOISE)
    table.loc[(table["remedy"] == "gan") & (table["seed"] < 2), "rows_added"] = 0
    assert contest(only(description, table)).idle == 2


def test_means_are_over_the_splits_that_both_have(description: Description, made: Any) -> None:
    table = made(nothing=0.5 + NOISE, gan=0.61 + OTHER_NOISE)
    found = contest(only(description, table[(table["remedy"] == "nothing") | (table["seed"] < 2)]))
    assert found.splits == 2
    assert found.other_mean == pytest.approx(0.505)


@pytest.mark.parametrize("splits", [1, 2, SPLITS])
def test_equal_differences_decide_nothing(description: Description, made: Any, splits: int) -> None:
    """Recall moves in whole rows, so few splits may differ by the very same; a t-test would call that certain."""
    table = made(nothing=np.full(SPLITS, 0.5), gan=np.full(SPLITS, 0.75))
    found = contest(only(description, table[table["seed"] < splits]))
    assert found.mark == "undecided"
    assert found.difference == 0.25
    assert np.isnan([found.low, found.high, *found.probabilities, found.any_gain]).all()
    assert found.splits_to_decide is None


def test_without_a_gan_there_is_no_contest(description: Description, made: Any) -> None:
    answer = only(description, made(nothing=0.5 + NOISE, smote=0.6 + NOISE))
    assert answer.primary is None
    assert answer.mark == "undecided"
    assert answer.recommendations[0].remedy == "smote, balance"


def test_of_equally_good_remedies_the_cheapest_is_recommended(description: Description, made: Any) -> None:
    scores = {"nothing": 0.5 + NOISE, "gan": 0.609 + NOISE, "smote": 0.605 + NOISE, "class_weights": 0.601 + NOISE}
    found = only(description, made(**scores)).recommendations[0]
    assert (found.remedy, found.effort) == ("class_weights", "weights or a loss")
    assert found.as_good == ("smote, balance with linear", "gan, balance with linear")
    assert only(description, made(**{**scores, "nothing": 0.6 + NOISE})).recommendations[0].against_nothing is None


def test_a_split_counts_when_all_its_cells_were_tried(
    description: Description, made: Any, cells: list[Cell], study: Study
) -> None:
    scores = {name: 0.5 + NOISE for name in REMEDIES}
    linear = made(**scores)
    trees = results(cells, study, "trees", **scores)
    table = pd.concat([linear, trees], ignore_index=True)
    assert len(complete_splits(description, table)) == len(table)
    lost = table[(table["seed"] == 2) & (table["remedy"] == "gan")]["address"]
    left = table[~table["address"].isin(lost)]
    assert set(complete_splits(description, left)["seed"]) == {0, 1, 3, 4}
    assert set(complete_splits(description, left, list(lost))["seed"]) == set(range(SPLITS))
    # where none is complete, all are told of
    assert len(complete_splits(description, linear)) == len(linear)


def test_a_file_can_hold_the_answer(description: Description, made: Any) -> None:
    plain = only(description, made(nothing=0.5 + NOISE, gan=0.6 + NOISE + OTHER_NOISE)).to_dict()
    assert (plain["mark"], plain["seen"], plain["setting"]) == ("helps", [], "")
    assert plain["primary"]["first"] == "gan, balance"
