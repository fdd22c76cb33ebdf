"""The benchmark over tables: what it sums up, and a quick run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from experiments.benchmark import __main__ as benchmark
from experiments.benchmark import summary
from experiments.benchmark.tables import TABLES, data_of
from gan_imbalance.types import InputError


def test_a_quick_run_goes_on_and_is_summed_up(
    shared_data: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--quick", "--jobs", "1", "--data", str(shared_data("")), "--output", str(tmp_path)]
    benchmark.main([*arguments, "--remedies", "nothing", "smote"])
    cells = sorted((tmp_path / "solar_flare" / "quick" / "cells").glob("*.json"))
    assert len(cells) == 2 * len(benchmark.CLASSIFIERS)
    before = [cell.stat().st_mtime_ns for cell in cells]
    benchmark.main([*arguments, "--remedies", "nothing", "smote", "class_weights"])
    assert [cell.stat().st_mtime_ns for cell in cells] == before
    results = pd.read_csv(tmp_path / "results.csv")
    assert set(results["remedy"]) == {"nothing", "smote", "class_weights"}
    assert results["pr_auc"].between(0, 1).all()
    assert "decision_tree" in capsys.readouterr().out


def test_results_of_a_run_count_before_those_recorded(tmp_path: Path) -> None:
    columns = ["table", "classifier", "remedy", "pr_auc", "splits"]
    recorded = tmp_path / "results.csv"
    rows = [("car", "mlp", "smote", 0.5, 5), ("car", "mlp", "adasyn", 0.4, 5), ("adult", "mlp", "smote", 0.6, 5)]
    pd.DataFrame(rows, columns=columns).to_csv(recorded, index=False)
    (tmp_path / "car").mkdir()
    (tmp_path / "car" / "report.html").touch()
    ran = pd.DataFrame([("car", "mlp", "smote", 0.7, 5), ("car", "mlp", "nothing", 0.8, 5)], columns=columns)
    with patch.object(summary, "_means", lambda folder, name: ran):
        found = summary.results_of(tmp_path, ["car", "digits"], recorded)
        assert found["pr_auc"].tolist() == [0.7, 0.8, 0.4]
        assert summary.results_of(tmp_path, ["car", "adult"], recorded)["pr_auc"].tolist() == [0.7, 0.8, 0.4, 0.6]
    # what was recorded over other splits of the table is not set beside these
    with patch.object(summary, "_means", lambda folder, name: ran.assign(splits=10)):
        assert summary.results_of(tmp_path, ["car", "adult"], recorded)["pr_auc"].tolist() == [0.7, 0.8, 0.6]


def test_without_results_there_is_nothing_to_sum_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "RECORDED", tmp_path / "results.csv")
    with pytest.raises(InputError, match="no finished comparison"):
        benchmark.main(["--summarise", "--data", str(tmp_path), "--output", str(tmp_path / "none")])
    with pytest.raises(InputError, match="no folder"):
        benchmark.main(["--data", str(tmp_path / "none")])


def test_remedies_are_judged_over_tables() -> None:
    gains = {"smote": (-0.1, -0.1, -0.1), "distilled_gan": (0.02, 0.04, 0.06), "teacher": (0.1, 0.1, 0.1)}
    bases = dict(zip("abc", (0.2, 0.5, 0.8), strict=True))
    results = pd.DataFrame(
        [
            {"table": table, "classifier": "mlp", "remedy": remedy, "pr_auc": base + gain}
            for remedy, by_table in {"nothing": (0.0, 0.0, 0.0), **gains}.items()
            for (table, base), gain in zip(bases.items(), by_table, strict=True)
        ]
    )
    judged = pd.DataFrame(summary.judged(results)).set_index("remedy")
    assert judged["rank"].drop("teacher").to_dict() == {"nothing": 2, "smote": 3, "distilled_gan": 1}
    # what stands in the classifier's place has no rank
    assert np.isnan(judged.loc["teacher", "rank"])
    distilled = judged.loc["distilled_gan"]
    assert distilled["gain"] == pytest.approx(0.04)
    # Student's t with two degrees of freedom, a standard error of 0.02 / sqrt(3)
    assert distilled["high"] == pytest.approx(0.04 + 4.3027 * 0.02 / np.sqrt(3), abs=1e-4)
    assert (distilled["won"], distilled["tied"], distilled["lost"]) == (3, 0, 0)
    assert judged.loc["smote", "distilled_leads"] == pytest.approx(0.14)
    assert judged.loc["smote", "worse"] > 0.9 > judged.loc["smote", "better"]
    assert judged.loc["nothing", ["gain", "p_gain", "equal"]].tolist() == [0, 0.5, 1]


def test_a_gain_that_grows_with_a_property_is_told() -> None:
    tables = ["a", "b", "c", "d"]
    results = pd.DataFrame(
        [
            {"table": table, "classifier": "mlp", "remedy": remedy, "pr_auc": 0.5 + (remedy == "smote") * number / 10}
            for number, table in enumerate(tables)
            for remedy in ("nothing", "smote")
        ]
    )
    properties = pd.DataFrame({"rows": [1, 2, 3, 4], "columns": [4, 3, 2, 1]}, index=tables)
    found = summary.where_it_helps(results, properties).loc[("mlp", "smote")]
    assert found.to_dict() == pytest.approx({"rows": 1.0, "columns": -1.0})


@pytest.mark.parametrize("name", ["solar_flare", "car", "digits"])
def test_tables_are_cut_to_the_stated_size(name: str, shared_data: Callable[[str], Path]) -> None:
    data = data_of(shared_data(""), name)
    assert sum(data.class_counts()) <= 3000 + len(data.samples.classes)
    assert min(data.class_counts()) >= 30


def test_a_large_table_keeps_its_shares(shared_data: Callable[[str], Path]) -> None:
    whole, cut = 261 / 4177, data_of(shared_data(""), "abalone").class_counts()
    assert cut[1] / sum(cut) == pytest.approx(whole, rel=0.05)
    assert {table.group for table in TABLES.values()} == {"choose", "report"}
