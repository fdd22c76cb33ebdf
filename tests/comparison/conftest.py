"""A small mixed table whose rare class has a reserve."""

from __future__ import annotations

import pandas as pd
import pytest

from gan_imbalance.data import TabularDataModule


@pytest.fixture
def data(mixed_frame: pd.DataFrame) -> TabularDataModule:
    """Return a data module with 12 rows of "yes" to train on and 6 in reserve, among 54 of "no"."""
    return TabularDataModule(frame=mixed_frame, target="label", keep={"yes": 12}, validation_fraction=0.2)
