"""Numbers as people write them: with decimal commas, marks of thousands, per cent and currencies."""

from __future__ import annotations

import re
import warnings
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from gan_imbalance.types import InputError, quoted

DecimalMark = Literal[".", ","]

# of thousands, whatever the decimal mark: blanks of three widths, apostrophes
_GAPS = " \u00a0\u202f'\u2019"
_SIGNS = "%€$£¥"


def _pattern(decimal: DecimalMark) -> re.Pattern[str]:
    """Return the form of a number that has a decimal mark, or none."""
    other = "," if decimal == "." else "."
    mark = re.escape(decimal)
    return re.compile(
        rf"(?P<left>[(\-+\u2212]?)\s?[{_SIGNS}]?\s?(?P<sign>[\-+\u2212]?)"
        rf"(?:(?P<grouped>[1-9]\d{{0,2}}(?P<gap>[{other}{_GAPS}])\d{{3}}(?:(?P=gap)\d{{3}})*)|(?P<whole>\d*))"
        rf"(?P<rest>{mark}\d+|{mark}(?<=\d.))?(?P<power>[eE][+-]?\d+)?"
        rf"\s?[{_SIGNS}]?(?P<right>\)?)"
    )


_PATTERNS: dict[DecimalMark, re.Pattern[str]] = {mark: _pattern(mark) for mark in get_args(DecimalMark)}


def possible_marks(column: pd.Series[Any]) -> tuple[DecimalMark, ...]:
    """Return the decimal marks, point first, by which every text of a column is a number; none where one is not.

    What is left after a mark of thousands are groups of three digits, and then all numbers of a column from 1000 on
    have it. So a column may be read by both marks only where each mark in it has three digits behind it.
    """
    texts = _texts(column)
    if texts is None:
        return ()
    return tuple(mark for mark in _PATTERNS if _matches(texts, mark) is not None)


def is_doubtful(column: pd.Series[Any]) -> bool:
    """Return whether a column of texts is other numbers by a decimal point than by a comma."""
    return len(possible_marks(column)) > 1 and bool(column.dropna().str.contains(r"[.,]").any())


def is_grouped(column: pd.Series[Any], decimal: DecimalMark) -> bool:
    """Return whether a column of texts is numbers by a decimal mark of which the other one parts thousands."""
    other = "," if decimal == "." else "."
    return decimal in possible_marks(column) and bool(column.dropna().str.contains(other, regex=False).any())


def is_plain(column: pd.Series[Any]) -> bool:
    """Return whether a column is of texts without signs of per cent and currencies, or parentheses."""
    texts = _texts(column)
    return texts is not None and not any(re.search(rf"[{_SIGNS}()]", text) for text in texts)


def read_numbers(column: pd.Series[Any], decimal: DecimalMark) -> pd.Series[Any]:
    """Return the numbers that texts tell: whole ones as int64 if none is missing, all others as float64.

    Per cent and currencies keep the number before the sign (``12 %`` is 12); parentheses are negative.

    Args:
        column: texts, which are all numbers by this mark.
        decimal: their decimal mark.
    """
    texts = _texts(column) or []
    matches = _matches(texts, decimal)
    assert matches is not None, "possible_marks tells by which mark they are numbers"
    plain = dict(zip(texts, map(_plain, matches), strict=True))
    if plain and not column.isna().any() and all(text.lstrip("-").isdigit() for text in plain.values()):
        whole = {text: int(number) for text, number in plain.items()}
        if max(map(abs, whole.values())) < 2**63:
            return column.map(whole).astype(np.int64)
    return column.map({text: float(number) for text, number in plain.items()}).astype(np.float64)


def numbers_of(column: pd.Series[Any], decimal: DecimalMark | None = None) -> pd.Series[Any]:
    """Return a column of texts as numbers if a person reads them so, or as it is: for a column that is named numeric.

    Texts that are numbers to a machine stay as they are.

    Raises:
        InputError: if they would be other numbers by a decimal point than by a comma, and none of them is given.
    """
    marks = possible_marks(column)
    if not marks or pd.to_numeric(column.dropna(), errors="coerce").notna().all():
        return column
    if decimal is None and is_doubtful(column):
        raise InputError(
            f"Column {quoted(column.name)} holds numbers such as {quoted(_example(column))}, whose mark may be of "
            "decimals or of thousands; name the decimal mark (on the command line: --data.decimal)."
        )
    return read_numbers(column, decimal if decimal in marks else marks[0])


def warn_of_numbers(column: pd.Series[Any]) -> None:
    """Warn of a column of texts that are numbers to a person, but are taken as categories."""
    if possible_marks(column) and pd.to_numeric(column.dropna(), errors="coerce").isna().any():
        warnings.warn(
            f"Column {quoted(column.name)} looks like numbers ({quoted(_example(column))}), but is taken as "
            "categories; name it in `numeric`, make it a column of numbers, or name it in `categorical`.",
            stacklevel=2,
        )


def _example(column: pd.Series[Any]) -> str:
    """Return the first text that is no number to a machine, or that has a mark."""
    texts = column.dropna()
    told = texts[pd.to_numeric(texts, errors="coerce").isna() | texts.str.contains(r"[.,]")]
    return str(told.iloc[0])


def _texts(column: pd.Series[Any]) -> list[str] | None:
    """Return the different texts of a column; None where it holds anything else, or nothing."""
    present = column.dropna()
    # one value tells of most columns that they hold no numbers
    if present.empty or not isinstance(present.iloc[0], str) or not any(map(str.isdigit, present.iloc[0])):
        return None
    distinct = present.unique().tolist()
    return distinct if all(isinstance(text, str) for text in distinct) else None


def _matches(texts: list[str], decimal: DecimalMark) -> list[re.Match[str]] | None:
    """Return the parts of the numbers that texts are by a decimal mark; None where one is none."""
    found = []
    for text in texts:
        match = _PATTERNS[decimal].fullmatch(text.strip())
        if match is None or not (match["grouped"] or match["whole"] or (match["rest"] or "")[1:]):
            return None
        if (match["left"] == "(") != bool(match["right"]) or (match["left"] and match["sign"]):
            return None
        found.append(match)
    # who marks thousands marks all
    if any(match["grouped"] for match in found) and any(len(match["whole"] or "") > 3 for match in found):
        return None
    return found


def _plain(match: re.Match[str]) -> str:
    """Return a number as Python writes it."""
    whole = re.sub(r"\D", "", match["grouped"]) if match["grouped"] else match["whole"]
    digits = (match["rest"] or "")[1:]
    is_negative = not {"-", "\u2212", "("}.isdisjoint((match["left"], match["sign"]))
    return ("-" if is_negative else "") + (whole or "0") + (f".{digits}" if digits else "") + (match["power"] or "")
