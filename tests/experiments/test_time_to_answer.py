"""The benchmark of the time to an answer, rehearsed on few rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks import time_to_answer
from experiments.benchmarks.time_to_answer import COLUMNS, SHARE, TARGET, run_compare, table

ROWS = 600
FEW = ("--seeds", "1", "--folds", "2", "--remedies", "[random_over, small_wasserstein_gan]", "--controls", "false")


def test_the_table_is_what_it_says_and_the_same_every_time() -> None:
    frame = table(1000)
    pd.testing.assert_frame_equal(frame, table(1000))
    assert frame.shape == (1000, COLUMNS + 1)
    assert np.mean(frame[TARGET] == "yes") == SHARE
    assert not frame.isna().any().any()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    """Run a comparison; return its folder and the seconds that it took."""
    folder = tmp_path_factory.mktemp("compared")
    table(ROWS).to_csv(folder / "table.csv", index=False)
    return folder / "run", run_compare(folder / "table.csv", folder / "run", *FEW)


@pytest.mark.slow
def test_the_first_verdict_comes_before_the_end(compared: tuple[Path, dict[str, float]]) -> None:
    seconds = compared[1]
    assert 0 < seconds["first_verdict_s"] < seconds["total_s"]


@pytest.mark.slow
def test_the_script_runs_on_the_same_splits(
    compared: tuple[Path, dict[str, float]], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ctgan", reason="ctgan is not installed; the extra `benchmark` has it")

    def again(path: Path, output: Path, *options: str) -> dict[str, float]:
        shutil.copytree(compared[0], output)
        return compared[1]

    monkeypatch.setattr(time_to_answer, "run_compare", again)
    time_to_answer.main(["--rows", str(ROWS), "--folds", "2"])
    figures = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert figures["ratio_to_script"] > 0
