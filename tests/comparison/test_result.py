"""A comparison in Python returns what it found; its folder tells the same again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest

from gan_imbalance import Comparison, compare
from gan_imbalance.comparison import Remedy
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.store import Store
from gan_imbalance.data import TabularDataModule
from gan_imbalance.types import InputError

LOGISTIC = {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
JITTER = {"class_path": "gan_imbalance.comparison.controls.JitterOverSampler"}
# what a remedy's name may do to a page
NASTY = "<b>&"


@pytest.fixture
def found(data: TabularDataModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Comparison:
    """Return a comparison of a remedy in a GAN's place and of one that cannot run."""
    broken = {"class_path": "imblearn.over_sampling.SMOTE", "init_args": {"k_neighbors": "many"}}
    remedies: list[Any] = ["smote", Remedy(NASTY, JITTER, stated_role="gan"), Remedy("broken", broken), "half_minority"]
    options: dict[str, Any] = {"seeds": 2, "folds": 0, "controls": False, "wandb": False}
    # a name that a reader of tables takes for a missing value
    comparison = compare(data, remedies, {"None": LOGISTIC}, output=str(tmp_path / "mine #1"), **options)
    told = capsys.readouterr()
    # the progress, which ends with how it stands, and nothing else
    assert told.out.strip().startswith("━")
    assert " after 2 of 2 splits: " in told.out.replace("\n", " ")
    assert not any(word in told.out for word in ("remedy", "Recommended", "failed:", "Report:"))
    assert told.err == ""
    return comparison


def test_it_has_what_the_files_have(found: Comparison) -> None:
    answer = json.loads((found.folder / "answer.json").read_text())["answers"][0]
    assert (found.verdict, found.recommendation) == (answer["verdict"], answer["recommendation"])
    assert found.answer == answer
    assert len(found.results) == 4 * 2
    assert set(found.summary["remedy"]) == {"nothing", "smote", NASTY, "half_minority"}
    assert found.report.is_file()
    assert set(found.quality["remedy"]) == {"smote", NASTY}
    assert set(found.differences["other"]) == {"nothing", "smote, balance", "half_minority"}


def test_tables_are_read_as_they_were_made(found: Comparison) -> None:
    made = Findings.of(Store(found.folder))
    tables = {"results": made.results, "summary": made.summary, "differences": made.pairs, "quality": made.quality}
    for name, table in tables.items():
        # missing values are written in one way only
        same = table.astype({"minority_rows": "Int64", "imbalance_ratio": float})
        pd.testing.assert_frame_equal(getattr(found, name), same, check_exact=True, check_dtype=False)


def test_failures_are_told(found: Comparison) -> None:
    assert found.exit_code == 1
    assert {failure.name for failure in found.failures} == {"broken, seed 0", "broken, seed 1"}
    assert all("SMOTE" in failure.reason for failure in found.failures)
    told = "".join(found.failures[0].traceback)
    assert "fit_resample" in told
    assert 'File "gan_imbalance/comparison/run/' in told
    assert str(Path.home()) not in told


def test_decisions_are_a_row_per_question(found: Comparison) -> None:
    decisions, answer = found.decisions, found.answer
    assert list(decisions) == [
        *("setting", "family", "classifier", "remedy", "against", "splits", "mean", "difference", "low", "high"),
        *("probability_better", "probability_equal", "probability_worse", "mark"),
    ]
    primary = decisions[decisions["family"] == "primary"].iloc[0]
    assert primary["difference"] == answer["primary"]["difference"]
    assert primary["mark"] == answer["primary"]["mark"]
    assert list(decisions.loc[decisions["family"] == "sensitivity", "remedy"]) == ["half_minority"]
    against = decisions[(decisions["family"] == "exploratory") & (decisions["against"] == "nothing")]
    assert set(against["remedy"]) == {"smote, balance", f"{NASTY}, balance", "half_minority"}
    shares = decisions[["probability_better", "probability_equal", "probability_worse"]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(1)
    assert set(decisions["mark"]) <= {"helps", "hurts", "equal", "undecided"}


def test_a_folder_tells_the_same_again(found: Comparison) -> None:
    again = Comparison.load(found.folder)
    assert str(again) == repr(again) == str(found)
    assert (again.failures, again.exit_code) == (found.failures, 1)
    for name in ("results", "summary", "differences", "quality", "decisions"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name))


def test_a_notebook_shows_answer_and_remedies_as_text(found: Comparison) -> None:
    page = found._repr_html_()
    assert found.verdict in page
    assert NASTY not in page
    assert "&lt;b&gt;&amp;" in page
    assert f'<a href="{quote(found.report.as_posix())}">report.html</a>' in page
    assert "%231/report.html" in page
    assert "Failed: broken, seed 0: " in page
    assert page.count("<tr>") == 3
    assert str(found).startswith(f"{found.verdict}.\n")


def test_the_command_line_shows_it(found: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    found.show()
    assert capsys.readouterr().out.rstrip().endswith(f"Report: {found.report}")


def test_without_a_gan_there_is_no_primary_question(data: TabularDataModule, tmp_path: Path) -> None:
    options: dict[str, Any] = {"seeds": 2, "folds": 0, "controls": False, "wandb": False}
    found = compare(data, ["smote"], {"linear": LOGISTIC}, output=str(tmp_path), **options)
    assert found.verdict.startswith("No GAN took part")
    assert set(found.decisions["family"]) == {"exploratory"}
    assert "<table" in found._repr_html_()
    assert found.differences.empty


def test_nothing_alone_decides_nothing(data: TabularDataModule, tmp_path: Path) -> None:
    options: dict[str, Any] = {"seeds": 1, "folds": 0, "controls": False, "wandb": False}
    found = compare(data, ["nothing"], {"linear": LOGISTIC}, output=str(tmp_path), **options)
    assert found.decisions.empty
    assert found.recommendation is not None
    assert found.recommendation.startswith("Recommended: nothing, with linear")
    assert found.verdict in found._repr_html_()


def test_several_settings_are_told_apart(data: TabularDataModule, tmp_path: Path) -> None:
    options: dict[str, Any] = {"seeds": 2, "folds": 0, "controls": False, "wandb": False, "minority_rows": [6, 12]}
    remedy = Remedy("mine", JITTER, stated_role="gan")
    found = compare(data, [remedy], {"linear": LOGISTIC}, output=str(tmp_path), **options)
    assert set(found.decisions["setting"]) == {"6 minority rows", "12 minority rows"}
    assert len(found.decisions[found.decisions["family"] == "primary"]) == 2


def test_a_folder_without_a_report_is_refused(found: Comparison, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no comparison"):
        Comparison.load(tmp_path)
    Store(found.folder).write_answer({"looks": []})
    with pytest.raises(InputError, match="holds no report of a comparison: run gan-imbalance report"):
        Comparison.load(found.folder)
