from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gan_imbalance.data.imbalance import rows_to_add
from gan_imbalance.types import InputError

THREE = {"a": 50, "b": 20, "c": 5}
TWO = {0: 100, 1: 20}


@pytest.mark.parametrize("strategy", ["auto", "minority", "not minority", "not majority", "all"])
@pytest.mark.parametrize("counts", [THREE, {0: 30, 1: 100}])
def test_names_mean_what_imbalanced_learn_means(strategy: Any, counts: dict[Any, int]) -> None:
    utils = pytest.importorskip("imblearn.utils")
    y = np.repeat(list(counts), list(counts.values()))
    expected = utils.check_sampling_strategy(strategy, y, "over-sampling")
    assert rows_to_add(strategy, counts) == {label: rows for label, rows in expected.items() if rows}


@pytest.mark.parametrize(
    ("strategy", "counts", "added"),
    [
        (0.5, TWO, {1: 30}),
        (1.0, TWO, {1: 80}),
        (7, TWO, {1: 7}),
        (7, THREE, {"c": 7}),
        (0, TWO, {}),
        ({"1": 25}, TWO, {1: 5}),
        ({"c": 30, "b": 20}, THREE, {"c": 25}),
    ],
)
def test_numbers(strategy: Any, counts: Any, added: dict[Any, int]) -> None:
    assert rows_to_add(strategy, counts) == added


@pytest.mark.parametrize(
    ("strategy", "counts", "message"),
    [
        ("most", TWO, "'most' is unknown; choose one of"),
        (0.1, TWO, "0.1 is not between the present ratio 0.2 and 1"),
        (1.5, TWO, "1.5 is not between"),
        (0.5, THREE, "ratio 0.5.*3 classes, not two"),
        (-3, TWO, "cannot be negative"),
        (True, TWO, "sampling_strategy is True"),
        (None, TWO, "sampling_strategy is None"),
        ({"2": 50}, TWO, "Unknown class '2'"),
        ({1: 10}, TWO, "10 rows of class 1, which has 20"),
    ],
)
def test_what_cannot_be_is_refused(strategy: Any, counts: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows_to_add(strategy, counts)
