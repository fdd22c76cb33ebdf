"""Two tables judged side by side, from files to the page, and every mistake told in a sentence."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gan_imbalance import evaluate
from gan_imbalance.evaluation.profile import Tables, find_alerts
from gan_imbalance.main import main
from gan_imbalance.quality import QUALITY_METRICS
from gan_imbalance.types import InputError
from tests.odd_tables import odd_frames, unless_refused

NASTY = "<b>&amp;"


def table(n: int, seed: int) -> pd.DataFrame:
    """Return rows with a column of every type; the rows of one seed are those of one population."""
    random = np.random.default_rng(seed)
    amount = random.normal(size=n)
    opened = pd.Timestamp("2001-01-01") + pd.to_timedelta(random.integers(0, 500, n), unit="D")
    return pd.DataFrame(
        {
            "amount": amount.round(2),
            "age": random.integers(18, 90, n),
            "rate": np.where(random.random(n) < 0.2, np.nan, random.random(n)),
            "colour": random.choice(["red", "blue", NASTY], n),
            "flag": random.random(n) < 0.5,
            "opened": opened.strftime("%Y-%m-%d"),
            "label": np.where(amount + random.normal(size=n) > 1, "bad", "good"),
        }
    )


REAL, MADE, HELD_OUT = (table(n, seed) for n, seed in ((400, 0), (300, 1), (200, 2)))


def alerts(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return the number of rows by column and problem."""
    return {(alert.column, alert.problem): alert.rows for alert in find_alerts(Tables.of(real, synthetic))}


# -- alerts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("amount", -50.0, "out of range"),
        ("amount", 0.12345, "too many decimals"),
        ("age", 17, "out of range"),
        ("age", 20.5, "not whole"),
        ("age", None, "missing values"),
        ("age", "old", "wrong type"),
        ("age", np.inf, "wrong type"),
        ("colour", "pink", "unknown value"),
        ("flag", "maybe", "unknown value"),
        ("opened", "2031-05-01", "out of range"),
        ("opened", "2001-05-01 12:00", "not whole"),
        ("opened", "soon", "wrong type"),
        ("label", "ugly", "unknown value"),
    ],
)
def test_what_no_real_row_holds_is_told_and_counted(column: str, value: object, problem: str) -> None:
    made = REAL.sample(200, random_state=0, ignore_index=True).astype({column: object})
    made.loc[[3, 50, 199], column] = value
    found = alerts(REAL, made)
    assert found.pop((column, problem)) == 3
    assert set(found) <= {("", "copies"), ("", "duplicates")}


def test_rows_of_the_same_kind_raise_no_alert() -> None:
    assert alerts(REAL, REAL.sample(frac=1, random_state=0)) == {("", "copies"): 400}


def test_what_was_lost_is_told() -> None:
    made = MADE.assign(colour="red", rate=MADE["rate"].fillna(0.5), age=30)
    found = alerts(REAL, made)
    assert found["colour", "lost value"] == 0
    assert found["rate", "missing values lost"] == 0
    assert found["colour", "constant"] == found["age", "constant"] == 300


def test_copies_are_found_however_a_file_spells_them(tmp_path: Path) -> None:
    made = pd.concat([MADE, REAL.iloc[:40], REAL.iloc[:1]])
    made["age"] = made["age"].astype(float)
    made.to_csv(tmp_path / "made.csv", index=False)
    # the default reader of pandas may be wrong in a number's last digit
    found = alerts(REAL, pd.read_csv(tmp_path / "made.csv"))
    assert found["", "copies"] == 41
    assert found["", "duplicates"] == 1


def test_types_are_those_of_the_real_table() -> None:
    real = REAL.assign(
        moment=pd.Timestamp("2020-01-01", tz="UTC"), code=pd.Categorical(REAL["age"]), bit=REAL["age"] % 2, none=np.nan
    )
    types = Tables.of(real, real).column_types
    assert [name for name, held in types.items() if held == "numeric"] == ["amount", "age", "rate", "none"]
    assert [name for name, held in types.items() if held == "date"] == ["opened", "moment"]


# -- figures --------------------------------------------------------------------------------------------------------


def test_every_figure_is_there_and_tells_copies_from_fresh_rows() -> None:
    fresh = evaluate(REAL, MADE, HELD_OUT, "label", output=None)
    copied = evaluate(REAL, REAL.iloc[:300], HELD_OUT, "label", output=None)
    assert list(fresh.metrics.index) == [figure.name for figure in QUALITY_METRICS]
    assert not fresh.metrics.isna().any(axis=None)
    figures = fresh.metrics["synthetic"]
    assert figures["exact_copies"] == 0
    assert figures["membership_low"] < 0.5 < figures["membership_high"]
    assert figures["closest_record_share"] == pytest.approx(0.5, abs=0.1)
    assert figures["two_sample_trees"] == pytest.approx(0.5, abs=0.1)
    assert fresh.collapse == copied.collapse == []
    assert copied.metrics["synthetic"]["exact_copies"] == 1
    assert copied.metrics["synthetic"]["membership_low"] > 0.7
    assert copied.metrics["synthetic"]["closest_record_share"] > 0.6
    assert abs(fresh.utility["real"]["roc_auc"] - fresh.utility["synthetic"]["roc_auc"]) < 0.1


def test_bad_rows_look_bad() -> None:
    shuffled = MADE.apply(lambda column: column.sample(frac=1, random_state=len(column.name)).to_numpy())
    made = shuffled.assign(age=30, amount=MADE["amount"] + 3)
    found = evaluate(REAL, made, HELD_OUT, "label", output=None)
    assert found.metrics["synthetic"]["two_sample_trees"] > 0.9
    assert found.metrics["synthetic"]["two_sample_logistic"] > 0.9
    assert found.metrics["synthetic"]["precision"] < found.metrics["real"]["precision"]
    assert found.utility["synthetic"]["roc_auc"] < found.utility["real"]["roc_auc"] - 0.1
    assert found.columns[1]["score"] < 0.7


def test_collapse_is_told_in_words() -> None:
    found = evaluate(REAL, MADE.iloc[[0, 1, 2] * 100], HELD_OUT, output=None)
    assert "The generator repeats itself: 1% of the synthetic rows are distinct" in found.collapse[0]
    assert found.verdict.startswith(found.collapse[0])


def test_the_same_seed_finds_the_same() -> None:
    tables = (REAL, MADE, HELD_OUT)
    first, second, other = (evaluate(*tables, output=None, max_rows=100, seed=seed).to_dict() for seed in (0, 0, 1))
    assert first == second != other


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def files(workplace: Path) -> Path:
    REAL.to_csv("real.csv", index=False)
    MADE[MADE.columns[::-1]].to_parquet("made.parquet")
    HELD_OUT.to_csv("held_out.csv.gz", index=False)
    return workplace


def test_from_files_to_the_page(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--real", "real.csv", "--synthetic", "made.parquet", "--holdout", "held_out.csv.gz")
    assert main(["evaluate", *arguments, "--target", "label", "--output", "out"]) == 0
    told = capsys.readouterr().out
    assert "Membership inference, AUC" in told
    assert told.endswith("Report: out/evaluation.html\n")

    found = json.loads((files / "out" / "evaluation.json").read_text())
    assert found["files"]["synthetic"]["rows"] == 300
    assert set(found["utility"]) == {"real", "synthetic"}
    assert len(found["pairs"]) == 21
    assert [column["name"] for column in found["columns"]] == list(REAL.columns)
    assert found["columns"][5]["type"] == "date"
    assert found["columns"][5]["real"]["low"].startswith("2001-01-")

    page = (files / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert NASTY not in page
    assert "Nearer to a training than to a held-out row" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    alternatives = re.findall(r'<img src="data:[^"]+" alt="([^"]+)"', page)
    assert len(alternatives) == page.count("<img") == 3
    assert alternatives[0].startswith("Heat maps of the correlations among")


def test_python_returns_what_the_command_writes(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluate("real.csv", MADE, HELD_OUT, "label", output="out #1")
    assert capsys.readouterr() == ("", "")
    written = json.loads((files / "out #1" / "evaluation.json").read_text())
    assert {name: written[name] for name in found.to_dict()} == json.loads(json.dumps(found.to_dict()))
    assert written["files"]["real"]["path"] == "real.csv"
    assert written["files"]["holdout"] == {"path": None, "hash": None, "rows": 200}
    assert found.report == Path("out #1/evaluation.html")
    assert "a DataFrame: 300 rows</dd>" in found.report.read_text(encoding="utf-8")
    assert str(found) == repr(found) == f"{found.verdict}\nReport: {found.report}"
    page = found._repr_html_()
    assert '<a href="out%20%231/evaluation.html">evaluation.html</a>' in page
    assert "Membership inference, AUC" in page


def test_a_notebook_shows_alerts_as_text(workplace: Path) -> None:
    real, made = (rows.rename(columns={"age": NASTY}) for rows in (REAL, MADE.assign(age=20.5)))
    found = evaluate(real, made, output=None)
    assert found.report is None
    assert str(found) == found.verdict
    page = found._repr_html_()
    assert NASTY not in page
    assert html.escape(NASTY) in page
    assert "No held-out rows were given" in page
    assert list(workplace.iterdir()) == []
    with pytest.raises(InputError, match="There is no file absent"):
        evaluate(real, "absent.csv")


def test_without_held_out_rows_it_says_what_cannot_be_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--real", "real.csv", "--synthetic", "made.parquet", "--target", "label"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "No held-out rows were given" in told
    assert "so the target is not used" in told
    found = json.loads((files / "evaluation" / "evaluation.json").read_text())
    assert found["utility"] == found["real_figures"] == {}
    assert found["metrics"]["membership_auc"] is None
    assert found["metrics"]["two_sample_trees"] > 0.3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (["--real", "absent.csv"], "There is no file absent.csv; name the table's file by --real."),
        (["--holdout", "absent.csv"], "name the table's file by --holdout."),
        (["--synthetic", "other.csv"], "The synthetic table lacks 'age' and has 'size' besides"),
        (["--holdout", "other.csv"], "The held-out table lacks 'age'"),
        (["--holdout", "strange.csv"], "Column 'age' of the held-out table holds 'old'"),
        (["--synthetic", "empty.csv"], "has no rows"),
        (["--target", "lable"], "There is no column 'lable' in the table, as target asks for; did you mean 'label'?"),
        (["--target", "rate"], "The target 'rate' has 3"),
        (["--drop", "[colur]"], "did you mean 'colour'?"),
        (["--drop", "[label]", "--target", "label"], "drop names 'label', which is the target"),
        (["--max_rows", "3"], "max_rows is 3; compare at least 10 rows."),
        (["--output", "real.csv/out"], "Cannot write"),
    ],
)
def test_mistakes_are_told(files: Path, capsys: pytest.CaptureFixture[str], changes: list[str], expected: str) -> None:
    MADE.rename(columns={"age": "size"}).to_csv("other.csv", index=False)
    HELD_OUT.astype({"age": object}).replace({"age": {HELD_OUT["age"][0]: "old"}}).to_csv("strange.csv", index=False)
    MADE.iloc[:0].to_csv("empty.csv", index=False)
    assert main(["evaluate", "--real", "real.csv", "--synthetic", "made.parquet", *changes]) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("synthetic", [MADE.iloc[:1], MADE.iloc[:4]])
def test_a_few_rows_have_the_figures_that_they_can_have(synthetic: pd.DataFrame) -> None:
    found = evaluate(REAL, synthetic, HELD_OUT.iloc[:3], "label", output=None)
    figures = found.metrics["synthetic"]
    assert np.isnan(figures["coverage"])
    assert figures["exact_copies"] == 0
    assert "nan" not in found._repr_html_().lower()


def test_columns_without_values_or_spread(workplace: Path) -> None:
    real, made = (rows.assign(none=np.nan, one=1, word="a") for rows in (REAL, MADE))
    found = evaluate(real, made, HELD_OUT.assign(none=np.nan, one=1, word="a"), output=None)
    assert not {alert.column for alert in found.alerts} & {"none", "one", "word", ""}
    with pytest.raises(InputError, match="has no value in any column"):
        Tables.of(real[["none"]], made[["none"]])


def test_of_many_columns_a_sample_of_pairs_is_compared(workplace: Path) -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(2, 100, 60)).reshape(200, 60)).add_prefix("c")
    found = evaluate(wide[:100], wide[100:], output=workplace / "out")
    assert len(found.pairs) == 1000
    assert "Of 1,770 pairs of columns 1,000 are compared, drawn at random with seed 0." in found.notes
    first, second = found.pairs.index[0]
    difference = wide[:100][[first, second]].corr() - wide[100:][[first, second]].corr()
    assert found.pairs.iloc[0] == pytest.approx(1 - abs(difference.iloc[0, 1]) / 2)


@pytest.mark.parametrize(
    "values",
    [2**62 + np.arange(400), np.random.default_rng(0).normal(size=400) * 1e-300, (-1) ** np.arange(400) * (2**63 - 1)],
    ids=["identifiers", "tiny", "edge"],
)
def test_numbers_at_the_edge_of_what_they_can_be(values: np.ndarray, workplace: Path) -> None:  # type: ignore[type-arg]
    real = REAL.assign(amount=values)
    found = evaluate(real, real[:200], real[200:], output=workplace / "out")
    assert found.metrics["synthetic"].notna().all()


# -- whatever comes -------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=40, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(frame=odd_frames(), data=st.data())
def test_any_tables_are_compared_or_refused(frame: pd.DataFrame, data: st.DataObject) -> None:
    holdout = data.draw(st.sampled_from([None, frame]))
    target = data.draw(st.sampled_from([None, *map(str, frame.columns)]))
    found = unless_refused(lambda: evaluate(frame, frame.iloc[::-1], holdout, target, output=None))
    if found is None:
        return
    assert found.metrics.loc["exact_copies", "synthetic"] == 1
    shapes = [column["score"] for column in found.columns]
    assert np.isnan(shapes).sum() + np.isclose(shapes, 1).sum() == len(shapes)
