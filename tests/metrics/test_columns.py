"""Scores of columns and pairs are sdmetrics' own, and mean what they should."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement

from gan_imbalance.metrics import column_pair_trends, column_shapes

CATEGORICAL = ("colour", "size")


def frame(n: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    amount = random.normal(size=n)
    return pd.DataFrame(
        {
            "amount": amount,
            "double": 2 * amount + random.normal(size=n) * seed,
            "other": random.exponential(size=n),
            "colour": random.choice(["red", "blue", "green"], n),
            "size": np.where(amount > 0, "big", "small").astype(object),
        }
    )


REAL, MADE = frame(200, 1), frame(150, 2)


def test_shapes_are_those_of_sdmetrics() -> None:
    found = column_shapes(REAL, MADE, CATEGORICAL)
    for name in REAL:
        score = TVComplement if name in CATEGORICAL else KSComplement
        assert found[name] == pytest.approx(score.compute(REAL[name], MADE[name]))


def test_shapes_by_hand() -> None:
    real = pd.DataFrame({"n": [1.0, 2.0, 3.0, 4.0, np.nan], "c": ["a", "a", "b", None, "b"]})
    made = pd.DataFrame({"n": [3.0, 4.0, 5.0, 6.0, 7.0], "c": ["a", "c", "b", "b", "b"]})
    # half of the real numbers lie below all made ones; a: 2/4 to 1/5, b: 2/4 to 3/5, c: 0 to 1/5
    assert column_shapes(real, made, ["c"]).to_dict() == pytest.approx({"n": 1 - 0.6, "c": 1 - 0.3})
    assert np.isnan(column_shapes(real, made.assign(n=np.nan), ["c"])["n"])


def test_pair_trends_are_those_of_sdmetrics() -> None:
    found = column_pair_trends(REAL, MADE, CATEGORICAL)
    assert list(found.index) == list(combinations(REAL.columns, 2))
    for pair in found.index:
        numeric = [name for name in pair if name not in CATEGORICAL]
        both = REAL[[*pair]].copy(), MADE[[*pair]].copy()
        if len(numeric) == 2:
            expected = CorrelationSimilarity.compute(*both)
        else:
            expected = ContingencySimilarity.compute(*both, continuous_column_names=numeric)
        assert found[pair] == pytest.approx(expected), pair
    assert found["amount", "double"] < 0.98


def test_missing_values_are_a_level_and_a_bin() -> None:
    real, made = (one.copy() for one in (REAL, MADE))
    real.loc[:40, "amount"], made.loc[100:, "colour"] = np.nan, None
    found = column_pair_trends(real, made, CATEGORICAL)["amount", "colour"]
    pair = ["amount", "colour"]
    expected = ContingencySimilarity.compute(real[pair].copy(), made[pair].copy(), continuous_column_names=["amount"])
    assert found == pytest.approx(expected)


def test_inputs_stay_as_they_were() -> None:
    before = REAL.copy(), MADE.copy()
    column_pair_trends(REAL, MADE, CATEGORICAL)
    for frame_before, now in zip(before, (REAL, MADE), strict=True):
        pd.testing.assert_frame_equal(frame_before, now)


def test_no_spread() -> None:
    constant = column_pair_trends(REAL, MADE.assign(double=1.0), CATEGORICAL)
    expected = 1 - abs(REAL["amount"].corr(REAL["double"])) / 2
    assert constant["amount", "double"] == pytest.approx(expected)
    assert np.isnan(column_pair_trends(REAL.assign(double=1.0), MADE, CATEGORICAL)["amount", "double"])


def test_fewer_pairs_are_a_fixed_part_of_all() -> None:
    every, some = column_pair_trends(REAL, MADE, CATEGORICAL), column_pair_trends(REAL, MADE, CATEGORICAL, 4, seed=3)
    assert len(some) == 4
    pd.testing.assert_series_equal(some, every[some.index])
    assert list(column_pair_trends(MADE, REAL, CATEGORICAL, 4, seed=3).index) == list(some.index)
    assert column_pair_trends(REAL[["amount"]], MADE[["amount"]], ()).empty
