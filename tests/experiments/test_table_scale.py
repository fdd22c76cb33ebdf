from __future__ import annotations

import json

import pytest

from experiments.benchmarks import table_scale


def test_the_table_has_every_kind_of_column() -> None:
    frame = table_scale.make_table(5000, levels=300)
    assert frame.shape == (5000, 20)
    assert len(frame.select_dtypes("number").columns) == 10
    assert frame["many"].nunique() == 300


def test_it_ends_with_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    table_scale.main(["--quick"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["rows"] == 20_000
    assert 0 < figures["peak_gb"] < 3
    assert 0 < figures["ratio_ten_times"] < 30
