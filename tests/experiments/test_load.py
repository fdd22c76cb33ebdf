"""The benchmark of load runs with little of everything, and its made-up results are taken for results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.benchmarks import load
from gan_imbalance.comparison.store import Store


def figures(part: str, capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Return what a part measures."""
    load.main(["--parts", part, "--quick"])
    found: dict[str, float] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_many_fits(capsys: pytest.CaptureFixture[str]) -> None:
    found = figures("fits", capsys)
    assert found["fits"] == load.QUICK.fits
    assert found["ms_per_fit"] > 0


def test_every_cell_has_a_result_of_its_own(tmp_path: Path) -> None:
    load.make_rows(400).to_parquet(tmp_path / "table.parquet")
    cells = load.fill(load.comparison(tmp_path / "table.parquet", tmp_path / "out", seeds=1))
    store = Store(tmp_path / "out")
    results = store.read_finished(store.read_plan())
    assert len(results) == cells == 200
    assert len({result["metrics"]["pr_auc"] for result in results if result["fold"]}) > 100


@pytest.mark.slow
@pytest.mark.parametrize("part", ["cells", "processes", "rows"])
def test_commands(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(part, capsys)
    if part == "cells":
        assert found["cells"] == 200
        assert 0 < found["nothing_to_do_processor_s"] <= found["nothing_to_do_s"] + 1
        assert found["report_s"] > 0
    elif part == "processes":
        assert (found["processes"], found["different_results"]) == (load.PROCESSES, 1)
    else:
        assert found["columns"] == 20
        assert 0.1 < found["synthesize_peak_gb"] < 4
        assert 0.1 < found["fit_peak_gb"] < 4
