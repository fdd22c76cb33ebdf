"""Sentences of an answer, where numbers are made up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gan_imbalance.comparison.analysis.answer import Answer, Contest, Recommendation
from gan_imbalance.comparison.analysis.decision import Probabilities
from gan_imbalance.comparison.analysis.metrics import Metric
from gan_imbalance.comparison.plan.study import Setting
from gan_imbalance.comparison.report import words

NAN = float("nan")
CONTEST = Contest(
    first="wgan +231 in 6 of 10 splits, 2 more",
    second="smote +231",
    classifiers=("xgboost", "ours"),
    splits=10,
    idle=0,
    mean=0.5123,
    other_mean=0.5,
    difference=0.0123,
    low=-0.02,
    high=0.04,
    p=0.3,
    probabilities=Probabilities(0.05, 0.55, 0.4),
    mark="undecided",
    detectable=0.051,
    splits_to_decide=24,
)


def answer(contest: Contest | None = CONTEST, **changed: Any) -> Answer:
    defaults: dict[str, Any] = {
        "setting": Setting(),
        "metric": Metric("pr_auc", "PR-AUC", 0.01),
        "splits": 3,
        "planned": 10,
        "allowance": 0.25,
        "rare_test_rows": 12.4,
        "primary": contest,
        "sensitivity": {},
        "by_classifier": {},
        "recommendations": (),
    }
    return Answer(**{**defaults, **changed})


def test_a_progress_display_gets_one_line() -> None:
    told = words.provisional(answer())
    assert told == "after 3 of 10 splits: undecided, P(helps) .40, P(no difference) .55"
    lost = replace(CONTEST, probabilities=Probabilities(0.97, 0.02, 0.01), mark="hurts")
    assert words.provisional(answer(lost)).endswith("hurts, P(helps) .01, P(no difference) .02, P(hurts) .97")
    same = replace(CONTEST, probabilities=Probabilities(0.0, 0.999, 0.001), mark="equal")
    assert "no practical difference, P(helps) below .01, P(no difference) above .99" in words.provisional(answer(same))
    early = replace(CONTEST, probabilities=Probabilities(NAN, NAN, NAN))
    assert words.provisional(answer(early, splits=1)) == "after 1 of 10 splits: too early to tell"
    assert words.provisional(answer(None)) == "after 3 of 10 splits: no GAN has a result"


def test_numbers_tell_which_remedies_and_classifiers_they_are_of() -> None:
    told = words.because(answer())
    assert "PR-AUC is 0.512 with them (wgan +231 in 6 of 10 splits, 2 more), 0.500 with the best other" in told
    assert "(smote +231): +0.012 (95 % interval -0.020 to +0.040) over 10 splits, mostly with xgboost." in told
    assert "they help .40, no practical difference (under 0.01) .55, they hurt .05." in told


@pytest.mark.parametrize(
    ("real", "half", "told"),
    [
        ("helps", "hurts", "Yes: further real rows help, +0.012 (-0.020 to +0.040) and losing half"),
        ("helps", "undecided", "; it does not see that losing half of the rare rows hurts"),
        ("undecided", "hurts", "Yes: losing half of the rare rows hurts"),
        ("undecided", "undecided", "No: it sees neither that further real rows help, +0.012"),
        ("undecided", None, "No: it does not see that further real rows help"),
        ("equal", "hurts", "Even further real rows gain nothing that matters, +0.012"),
        ("undecided", "equal", "Half of the rare rows do as well, +0.012"),
        ("equal", "equal", 'No, so its "no" means little. Half of the rare rows do as well'),
        ("hurts", "helps", "nor that losing half of the rare rows hurts"),
        (None, None, "That is unknown"),
    ],
)
def test_it_is_told_what_could_have_been_seen(real: Any, half: Any, told: str) -> None:
    marks = {"real_rows": real, "half_minority": half}
    found = {name: replace(CONTEST, mark=mark) for name, mark in marks.items() if mark is not None}
    sentence = words.sensitivity(answer(sensitivity=found))
    assert told in sentence
    seen = real == "helps" or half == "hurts"
    assert ('so its "no" means little' in sentence) == (bool(found) and not seen)
    assert sentence.endswith("It finds true gains of 0.051 in four of five cases.")


def test_what_would_decide_is_told_where_nothing_is_decided() -> None:
    assert "about 24 splits in all" in words.to_decide(answer())
    assert "more rare test rows would (a split has 12)" in words.to_decide(
        answer(replace(CONTEST, splits_to_decide=None))
    )
    assert words.to_decide(answer(replace(CONTEST, mark="equal"))) == ""
    assert words.to_decide(answer(None)) == ""


def test_doing_nothing_is_recommended_as_such() -> None:
    found = Recommendation("linear", "nothing", "nothing", 0.0212, 0.5, 0.7, None, ("smote with linear",) * 5)
    assert words.recommendation(answer(), found) == (
        "Recommended: nothing, with linear (0.02 s a fit): PR-AUC 0.500, finds 70 % of rare rows. No remedy is better "
        "by more than 0.01 on validation rows."
    )
    assert words.alternatives(found).endswith("smote with linear; and 2 more.")
    assert words.recommendation(answer()).startswith("Recommended: unknown, since no remedy has a result")


def test_a_teacher_that_helps_is_to_be_deployed() -> None:
    found = Recommendation("linear", "nothing", "nothing", 0.0212, 0.5, 0.7, None, ())
    taught = answer(recommendations=(found, found), teacher=replace(CONTEST, mark="helps"))
    assert words.recommendation(taught).endswith(
        "The teacher itself reaches PR-AUC 0.512, +0.012 (-0.020 to +0.040) against doing nothing: if you can deploy "
        "it, do."
    )
    assert "teacher" not in words.recommendation(taught, found)
    assert words.teacher(answer(teacher=CONTEST)).endswith("against doing nothing.")
    assert words.teacher(answer()) == ""


@pytest.mark.parametrize(("delta", "text"), [(0.01, "0.123"), (0.0004, "0.12346"), (5.0, "0.1"), (0.0, "0.123")])
def test_numbers_have_the_digits_that_matter(delta: float, text: str) -> None:
    assert words.number(Metric("cost", "Cost", delta), 0.123456) == text


def test_a_difference_that_rounds_to_nothing_has_no_minus() -> None:
    assert words.signed(Metric("pr_auc", "PR-AUC", 0.01), -0.0001) == "+0.000"
