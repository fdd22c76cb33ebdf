"""The dry run of the fidelity study, and that it tells copies from new rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from experiments.card_fraud_fidelity.__main__ import study


@pytest.mark.slow
def test_the_rehearsal_tells_copies_and_an_untrained_gan_from_new_rows(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    study(str(shared_data("creditcard_sample.csv.gz")), output=str(tmp_path), quick=True)
    summary = pd.read_csv(tmp_path / "quick" / "summary.csv", index_col="rows")
    assert len(summary) == 6
    assert summary.loc["training half (real)", "copies_per_200"] == 200
    assert summary.loc["SMOTE", "copies_per_200"] == 0
    assert summary.loc["SMOTE", "closest_record_share"] > 0.9
    assert summary.loc["SMOTE", "less_smote"] == 0
    assert summary.loc["WGAN-GP, as it comes", "c2st_held_out"] > 0.9
    worse = summary["c2st_held_out"] - summary.loc["SMOTE", "c2st_held_out"]
    assert summary["less_smote"].to_numpy() == pytest.approx(worse.to_numpy())
    assert len(pd.read_csv(tmp_path / "quick" / "results.csv")) == 2 * 6
