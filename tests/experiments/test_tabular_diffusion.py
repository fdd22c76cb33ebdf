"""The study of the diffusion model: what it measures, and how it sums it up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.tabular_diffusion.__main__ import GENERATORS, QUALITY_METRICS, main, summary
from gan_imbalance.types import InputError


def test_a_quick_run_writes_a_row_per_generator(
    shared_data: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared_data("tables")
    main(["--quick", "--tables", str(folder), "--output", str(tmp_path)])
    results = pd.read_csv(tmp_path / "results.csv")
    assert list(results["generator"]) == list(GENERATORS)
    assert results[list(QUALITY_METRICS)].notna().all(axis=None)
    assert "default GAN" in capsys.readouterr().out


def test_differences_are_between_tables() -> None:
    rows = [
        {
            "table": table,
            "seed": seed,
            "generator": name,
            **dict.fromkeys(["seconds", *QUALITY_METRICS], base + seed + shift),
        }
        for table, base in (("a", 0.0), ("b", 1.0))
        for seed in range(2)
        for name, shift in zip(GENERATORS, (0.0, 0.5 + base), strict=True)
    ]
    row = summary(pd.DataFrame(rows)).loc["pair_trends"]
    assert row["difference"] == pytest.approx(1.0)
    # two tables, 0.5 and 1.5: a standard error of 0.5 and one degree of freedom
    assert row["high"] - row["difference"] == pytest.approx(12.706 * 0.5, rel=1e-3)
    assert np.isclose(row["best"], 1)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        main(["--tables", str(tmp_path / "none")])
