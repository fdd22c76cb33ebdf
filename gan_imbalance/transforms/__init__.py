"""Reversible encodings between what a user has and what a network sees."""

from gan_imbalance.transforms.constraints import (
    AtMostOne,
    Constraint,
    ExactlyOne,
    FixedCombinations,
    LessOrEqual,
    ValueRange,
)
from gan_imbalance.transforms.table import TabularTransformer

__all__ = [
    "AtMostOne",
    "Constraint",
    "ExactlyOne",
    "FixedCombinations",
    "LessOrEqual",
    "TabularTransformer",
    "ValueRange",
]
