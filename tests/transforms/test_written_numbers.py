"""Numbers come back from whatever people write them with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_imbalance.transforms.written_numbers import is_doubtful, is_grouped, is_plain, possible_marks, read_numbers


def column(*texts: Any) -> pd.Series:
    return pd.Series(texts, name="a", dtype=object)


def spelled(number: float, decimals: int, decimal: str, gap: str) -> str:
    """Return a number with marks of thousands."""
    return f"{number:,.{decimals}f}".replace(",", "g").replace(".", decimal).replace("g", gap)


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2).map(float), min_size=1, max_size=8),
    st.sampled_from(
        [(".", ","), (",", "."), (",", " "), (",", "\u00a0"), (",", "\u202f"), (".", "'"), (",", ""), (".", "")]
    ),
)
def test_a_column_is_read_as_it_was_written(numbers: list[float], marks: tuple[Any, str]) -> None:
    decimal, gap = marks
    texts = column(*[spelled(number, 2, decimal, gap) for number in numbers])
    assert possible_marks(texts) == (decimal,)
    assert not is_doubtful(texts)
    read = read_numbers(texts, decimal)
    assert read.dtype == np.float64
    assert read.tolist() == numbers
    assert is_grouped(texts, decimal) == (gap in (".", ",") and any(abs(number) >= 1000 for number in numbers))


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8), st.sampled_from([",", "."]))
def test_whole_numbers_with_marks_of_thousands_are_never_sure_to_be_decimals(numbers: list[int], gap: str) -> None:
    decimal = {",": ".", ".": ","}[gap]
    texts = column(*[spelled(number, 0, decimal, gap) for number in numbers])
    assert decimal in possible_marks(texts)
    read = read_numbers(texts, decimal)
    assert read.dtype == np.int64
    assert read.tolist() == numbers


@pytest.mark.parametrize(
    ("texts", "marks"),
    [
        (["1,234", "567"], (".", ",")),
        # who marks thousands marks all
        (["1,234", "5678"], (",",)),
        (["0,123", "1,234"], (",",)),
        (["1,234,567"], (".",)),
        (["1,5"], (",",)),
        (["12"], (".", ",")),
        (["1,23,456"], ()),
        (["1.2.3"], ()),
        (["01.02.2024"], ()),
        (["1 23"], ()),
        (["--1"], ()),
        (["(1"], ()),
        ([","], ()),
        (["12", "a"], ()),
        ([12, "12"], ()),
        ([None, None], ()),
    ],
)
def test_marks_are_told_by_all_values(texts: list[Any], marks: tuple[str, ...]) -> None:
    assert possible_marks(column(*texts)) == marks


def test_gaps_stay() -> None:
    texts = column("1,5", None, "2")
    np.testing.assert_array_equal(read_numbers(texts, ","), [1.5, np.nan, 2.0])
    np.testing.assert_array_equal(read_numbers(column("1.000", None), ","), [1000.0, np.nan])


def test_whole_numbers_beyond_int64_are_floats() -> None:
    assert read_numbers(column("9.223.372.036.854.775.808"), ",").tolist() == [2.0**63]


def test_signs_are_no_part_of_plain_numbers() -> None:
    assert is_plain(column("1,5", "2"))
    assert not any(is_plain(column(text, "2")) for text in ("1,5 %", "$1", "€ 1", "(1)"))
