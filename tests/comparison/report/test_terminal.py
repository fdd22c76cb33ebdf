"""What a terminal says: one table and, last, an answer of a few lines that a person can act on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gan_imbalance.comparison.plan.remedies import Remedy
from gan_imbalance.comparison.plan.study import Judging, Setting
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.make import make_report
from gan_imbalance.comparison.result import Comparison
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule
from gan_imbalance.metrics import Costs
from gan_imbalance.types import InputError

Fabricate = Callable[..., Store]

SPLITS = 10
GAN = "conditional_wasserstein_gan"
SMALL = np.array([1, -1, 2, -2, 1, -1, 2, -2, 1, -1]) / 1000
WIDE = 15 * SMALL
LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}


class Told:
    """The output of a report, its table and its verdict apart."""

    def __init__(self, text: str, path: Path) -> None:
        self.lines = text.splitlines()
        assert self.lines[-1] == f"Report: {path}"
        last_gap = len(self.lines) - 1 - self.lines[::-1].index("")
        self.before, self.verdict = self.lines[:last_gap], self.lines[last_gap + 1 :]
        # the path may be as long as it is
        assert max(map(len, self.lines[:-1])) <= 100
        assert len(self.verdict) <= 12
        self.answer = " ".join(self.verdict[:-1])

    @property
    def remedies(self) -> list[str]:
        """Return the lines of the table, without its head."""
        start = next(number for number, line in enumerate(self.before) if set(line.strip()) == {"─"})
        end = next(number for number, line in enumerate(self.before) if line.startswith("* by a GAN"))
        return self.before[start + 1 : end]


Tell = Callable[..., Told]


@pytest.fixture
def tell(fabricate: Fabricate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Return a function that makes results up and reads what their report prints."""

    def told(gains: dict[str, Any], verbose: bool = False, **options: Any) -> Told:
        store = fabricate(tmp_path / "mine", gains, **options)
        capsys.readouterr()
        path = make_report(Findings.of(store), save_plots=False)
        Comparison(store.folder, verbose=verbose).show()
        return Told(capsys.readouterr().out, path)

    return told


def test_a_gain_is_told_with_its_numbers(tell: Tell) -> None:
    told = tell({"smote": 0.02 + SMALL, GAN: 0.12 - SMALL, "real_rows": 0.15 + SMALL, "half_minority": -0.1 - SMALL})
    assert told.answer.startswith("GAN-made rows help. PR-AUC is ")
    assert f"with them ({GAN}, balance)" in told.answer
    assert "with the best other remedy (smote, balance): +0.100 (95 % interval +0.096 to +0.104)" in told.answer
    assert f"over {SPLITS} splits, with linear." in told.answer
    assert "they help above .99, no practical difference (under 0.01) below .01, they hurt below .01." in told.answer
    assert "Could it have seen a gain? Yes: further real rows help, +0.150" in told.answer
    assert "losing half of the rare rows hurts, -0.100" in told.answer
    assert "in four of five cases." in told.answer
    assert f"Recommended: {GAN}, balance, with linear (a GAN, " in told.answer
    assert "PR-AUC 0.624, +0.120 (+0.118 to +0.122) against doing nothing, finds 100 % of rare rows." in told.answer
    assert "To decide" not in told.answer


def test_a_loss_is_told(tell: Tell) -> None:
    told = tell({"class_weights": 0.1 + SMALL, GAN: -0.1 - SMALL, "half_minority": 0.0 + SMALL / 3})
    assert told.answer.startswith("GAN-made rows hurt. ")
    assert "they hurt above .99." in told.answer
    assert 'Could it have seen a gain? No, so its "no" means little.' in told.answer
    assert "Half of the rare rows do as well, +0.000 (" in told.answer
    assert "): a lack of rare rows is not the problem here." in told.answer
    assert "Recommended: class_weights, with linear (weights or a loss, " in told.answer


def test_no_practical_difference_is_a_finding(tell: Tell) -> None:
    told = tell({"smote": SMALL, GAN: 0.002 - SMALL}, rows_added={GAN: 0})
    assert told.answer.startswith("GAN-made rows make no practical difference. ")
    assert "no practical difference (under 0.01) above .99" in told.answer
    assert f"In {SPLITS} splits the chosen GAN added no rows." in told.answer
    assert "That is unknown: neither further real rows nor half of the rare rows were compared." in told.answer
    assert "Recommended: nothing, with linear (" in told.answer
    assert "No remedy is better by more than 0.01 on validation rows." in told.answer


def test_a_gain_that_is_ruled_out_could_have_been_seen(tell: Tell) -> None:
    told = tell({"smote": SMALL, GAN: 0.002 - SMALL, "half_minority": -0.01 + 2 * WIDE})
    start = "Could it have seen a gain? Yes: it leaves a gain of more than 0.01 a probability of below .01, although"
    assert f"{start} it does not see that losing half of the rare rows hurts" in told.answer


def test_a_gain_that_is_seen_needs_no_other_to_be_seen(tell: Tell) -> None:
    told = tell({"smote": SMALL, GAN: 0.1 - SMALL, "half_minority": -0.01 + 2 * WIDE})
    assert "Could it have seen a gain? Yes: it has seen one, although it does not see that losing half" in told.answer
    assert "means little" not in told.answer


def test_whether_it_takes_a_gan_is_told(tell: Tell) -> None:
    told = tell({GAN: 0.1 - SMALL, "jittered_copies": 0.05 + SMALL, "real_rows": 0.2 + SMALL})
    assert "They are also ahead of the best control (jittered_copies, balance): +0.050 (" in told.answer
    told = tell({GAN: 0.1 - SMALL, "jittered_copies": 0.1 + WIDE, "real_rows": 0.2 + SMALL})
    assert "That it takes a GAN is not shown: they are not surely ahead of the best control (" in told.answer


def test_what_would_decide_is_told(tell: Tell) -> None:
    told = tell(
        {GAN: 0.035 + WIDE[:4], "real_rows": 0.01 + 2 * WIDE[:4], "half_minority": -0.01 + 2 * WIDE[:4]},
        splits=4,
        validation={GAN: 0.03, "nothing": 0.0},
    )
    assert told.answer.startswith("Undecided whether GAN-made rows help. ")
    assert "No: it sees neither that further real rows help, " in told.answer
    assert "nor that losing half of the rare rows hurts, " in told.answer
    assert 'so its "no" means little' in told.answer
    assert "To decide: about " in told.answer
    needed = told.answer.partition("--max_splits ")[2].rstrip(".")
    assert (
        f"about {needed} splits in all, if they go on like these: --until decided --max_splits {needed}." in told.answer
    )
    assert int(needed) > 4


def test_what_no_number_of_splits_decides_is_told(tell: Tell) -> None:
    told = tell({"smote": WIDE, GAN: 0.01 - 3 * WIDE, "real_rows": 0.2 + WIDE}, validation={GAN: 0.1, "smote": 0.1})
    assert told.answer.startswith("Undecided whether GAN-made rows help. ")
    assert "Yes: further real rows help, +0.200" in told.answer
    assert (
        "To decide: no number of splits of these rows would; more rare test rows would (a split has 6)." in told.answer
    )


def test_without_a_gan_the_rest_is_told(tell: Tell) -> None:
    told = tell({"smote": 0.1 + SMALL, "real_rows": 0.1 + SMALL})
    assert told.answer.startswith(
        "No GAN took part, so there is no verdict on GAN-made rows. Could it have seen a gain? Yes"
    )
    assert "Recommended: smote, balance" in told.answer
    assert "To decide" not in told.answer


def test_one_split_tells_nothing_of_chance(tell: Tell) -> None:
    told = tell({GAN: 0.1}, splits=1)
    assert "A single split does not show how much is chance." in told.answer
    assert "To decide: these are too few splits; run more of them" in told.answer


def test_the_longest_names_fit(tell: Tell) -> None:
    transfer = Remedy(
        "minority_transfer_nothing_frozen",
        {"class_path": "gan_imbalance.oversampling.GANOverSampler", "init_args": {"gan": "GAN"}},
    )
    smote = Remedy("borderline_smote_with_few_neighbours", {"class_path": "imblearn.over_sampling.SMOTE"})
    chosen = {GAN: 0.1, transfer.name: 0.1, smote.name: 0.1}
    told = tell(
        {GAN: WIDE, transfer.name: 2 * WIDE, smote.name: -WIDE, "real_rows": WIDE, "half_minority": SMALL / 3},
        given=[transfer, smote],
        amounts=[231],
        classifiers={"logistic_regression": LOGISTIC, "gradient_boosted_trees": LOGISTIC},
        shares={"gradient_boosted_trees": -1},
        validation=chosen,
        rows_added={GAN: 0, transfer.name: 0},
    )
    for name in (f"* {GAN} +231", f"* {transfer.name} +231", f"  {smote.name} +231"):
        assert sum(line.startswith(f"{name} ") for line in told.remedies) == 1
    assert len(told.remedies) == 6


def test_the_table_is_sorted_and_marked(tell: Tell) -> None:
    told = tell({"smote": 0.02 + SMALL, GAN: -0.1 + SMALL, "class_weights": 0.001 + SMALL, "real_rows": 0.15 + SMALL})
    names = [line[:2] + line[2:].split()[0].rstrip(",") for line in told.remedies]
    assert names == ["o real_rows", "  smote", "  class_weights", "  nothing", f"* {GAN}"]
    marks = {line[2:].split()[0].rstrip(","): line.split()[-3] for line in told.remedies}
    assert marks == {**marks, "real_rows": "helps", GAN: "hurts", "class_weights": "same"}
    assert f"PR-AUC with linear, mean of {SPLITS} splits, best first" in told.before


def test_the_table_is_of_the_recommended_classifier_and_others_are_asked_for(tell: Tell) -> None:
    options = {"classifiers": {"first": LOGISTIC, "second": LOGISTIC}, "shares": {"first": 0.5}}
    gains = {"smote": 0.1 + SMALL, GAN: 0.02 - SMALL}
    brief, full = tell(gains, **options), tell(gains, verbose=True, **options)
    heads = ["PR-AUC with second, mean of 10 splits, best first", "PR-AUC with first, mean of 10 splits, best first"]
    assert [head in brief.before for head in heads] == [True, False]
    assert [head in full.before for head in heads] == [True, True]
    assert full.before.index(heads[1]) < full.before.index(heads[0])


def test_less_cost_is_a_gain(tell: Tell) -> None:
    judging = Judging(costs=Costs(miss=10, false_alarm=1))
    told = tell({"smote": SMALL, GAN: 0.2 - SMALL}, metric="expected_cost", judging=judging)
    assert told.answer.startswith("GAN-made rows help. Expected cost per row (lower is better) is ")
    assert told.remedies[0].startswith(f"* {GAN}")
    assert "helps" in told.remedies[0]


def test_what_is_missing_stands_before_the_verdict(tell: Tell, mixed_frame: pd.DataFrame) -> None:
    data = TabularDataModule(frame=mixed_frame, target="label", validation_fraction=0.2)
    told = tell(
        {"smote": 0.1, GAN: 0.2 + SMALL, "real_rows": 0.1}, data=data, failing={"smote": "RuntimeError: too many rows"}
    )
    assert "failed: smote, seed 3: RuntimeError: too many rows" in told.before
    assert any(
        line.startswith("left out: real_rows: the split has no reserve of minority rows") for line in told.before
    )
    assert "10 of 30 cells have no result yet" in told.before
    assert "over 10 splits" in told.answer


def test_an_unfinished_comparison_answers_by_its_complete_splits(tell: Tell) -> None:
    told = tell({"smote": SMALL, GAN: 0.2 - SMALL}, finished=3)
    assert "21 of 30 cells have no result yet" in told.before
    assert "over 3 splits" in told.answer


def test_other_settings_get_a_line(tell: Tell) -> None:
    told = tell({GAN: 0.1 + SMALL}, settings=[Setting(6), Setting(12)])
    assert "12 minority rows: GAN-made rows help" in told.before
    assert told.answer.startswith("With 6 minority rows: GAN-made rows help.")


def test_without_a_result_there_is_no_report(fabricate: Fabricate, tmp_path: Path) -> None:
    store = fabricate(tmp_path, {GAN: SMALL}, finished=0)
    with pytest.raises(
        InputError, match=r"No cell of the comparison in .* is finished: run gan-imbalance compare first"
    ):
        make_report(Findings.of(store))
    assert not (tmp_path / "report.html").exists()
