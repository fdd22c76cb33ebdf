"""The study of the synthesizer runs through in its quick form, and its figures are what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.diabetes_synthesizer import __main__ as study_of

FILE = "diabetes_binary_health_indicators_BRFSS2015.csv.gz"


@pytest.mark.slow
def test_the_quick_form_writes_every_table(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    path = shared_data(FILE)
    study_of.study(path=str(path), output=str(tmp_path), quick=True)
    folder = tmp_path / "quick"
    results = pd.read_csv(folder / "results.csv")
    kinds = [study_of.REAL, study_of.MARGINALS, *study_of.SYNTHESIZERS]
    assert results["rows"].tolist() == [kind for kind in kinds for _ in range(2)]
    assert (results["impossible_values"] == 0).all()
    comparison = pd.read_csv(folder / "comparison.csv")
    assert set(comparison["rows"]) == set(study_of.SYNTHESIZERS)
    asked = pd.read_csv(folder / "asked.csv")
    assert asked.groupby("rows").size().to_dict() == dict.fromkeys(study_of.SYNTHESIZERS, 7)
    # two headers and their lines, of which the very first follows no other line
    assert (folder / "tables.md").read_text(encoding="utf-8").count("\n| ") == len(kinds) + len(asked) + 3
    made, real = pd.read_csv(folder / "synthetic.csv"), pd.read_csv(path, nrows=5)
    assert made.dtypes.equals(real.dtypes)
    assert made[study_of.TARGET].value_counts().to_dict() == {1.0: 500, 0.0: 500}
    assert "MentHlth" in (folder / "profile" / "evaluation.html").read_text(encoding="utf-8")


def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "BMI": random.integers(20, 40, 200).astype(float),
            "Smoker": random.integers(0, 2, 200).astype(float),
            study_of.TARGET: np.repeat([0.0, 1.0], [150, 50]),
        }
    )


def test_impossible_values_are_counted() -> None:
    real = frame()
    made = real.copy()
    made.loc[0, "BMI"], made.loc[1, "BMI"], made.loc[2, "Smoker"] = 25.5, 90.0, 2.0
    assert study_of.count_impossible(real, real) == 0
    assert study_of.count_impossible(made, real) == 3


def test_another_dtype_is_impossible_in_every_row() -> None:
    real = frame()
    assert study_of.count_impossible(real.astype({"Smoker": int}), real) == len(real)


def test_classes_are_balanced() -> None:
    assert study_of.balanced(frame(), np.random.default_rng(0))[study_of.TARGET].value_counts().to_dict() == {
        0: 50,
        1: 50,
    }
