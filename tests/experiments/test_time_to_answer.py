"""The benchmark of the time to an answer, rehearsed on few rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks.time_to_answer import COLUMNS, SHARE, TARGET, main, run_compare, table


def test_the_table_is_what_it_says_and_the_same_every_time() -> None:
    frame = table(1000)
    pd.testing.assert_frame_equal(frame, table(1000))
    assert frame.shape == (1000, COLUMNS + 1)
    assert np.mean(frame[TARGET] == "yes") == SHARE
    assert not frame.isna().any().any()


@pytest.mark.slow
def test_the_first_verdict_comes_before_the_end(tmp_path: Path) -> None:
    table(600).to_csv(tmp_path / "table.csv", index=False)
    figures = run_compare(tmp_path / "table.csv", tmp_path / "run", 2)
    assert 0 < figures["first_verdict_s"] < figures["total_s"]


@pytest.mark.slow
def test_the_script_runs_on_the_same_splits(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ctgan", reason="ctgan is not installed; the extra `benchmark` has it")
    main(["--rows", "600", "--folds", "2"])
    figures = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert figures["ratio_to_script"] > 0
