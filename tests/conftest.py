"""Fixtures that several test files share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

_SHARED_DATA = Path(os.environ.get("GAN_IMBALANCE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the path of a shared data file, or skip the test where it is absent."""

    def path_of(name: str) -> Path:
        path = _SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"{path} is absent; GAN_IMBALANCE_DATA may name the folder that holds {name}")
        return path

    return path_of


@pytest.fixture
def mixed_frame() -> pd.DataFrame:
    """Return 120 rows with a column of every kind; the target `label` has 90 "no" and 30 "yes"."""
    random = np.random.default_rng(0)
    rows = 120
    labels = np.array(["no"] * 90 + ["yes"] * 30)
    return pd.DataFrame(
        {
            "amount": random.lognormal(3, 1, rows).round(2),
            "count": random.integers(0, 30, rows),
            "score": pd.array(np.where(np.arange(rows) % 7, random.integers(300, 850, rows), -1), "Int64"),
            "rate": np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows) + (labels == "yes")),
            "flag": random.random(rows) < 0.3,
            "colour": random.choice(["red", "green", "blue"], rows),
            "size": pd.Categorical(random.choice(["S", "M"], rows), ["S", "M", "L"], ordered=True),
            "source": "web",
            "label": labels,
        }
    ).assign(score=lambda frame: frame["score"].mask(frame["score"] < 0))
