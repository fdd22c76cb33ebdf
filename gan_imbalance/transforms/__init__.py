"""Reversible encodings between what a user has and what a network sees."""

from gan_imbalance.transforms.constraints import (
    AtMostOne,
    Constraint,
    ExactlyOne,
    FixedCombinations,
    LessOrEqual,
    ValueRange,
)
from gan_imbalance.transforms.image import DiffAugment, FlipCrop, SMateAugment, SMateImgaug
from gan_imbalance.transforms.mixing import CutMix, MixUp
from gan_imbalance.transforms.table import TabularTransformer

__all__ = [
    "AtMostOne",
    "Constraint",
    "CutMix",
    "DiffAugment",
    "ExactlyOne",
    "FixedCombinations",
    "FlipCrop",
    "LessOrEqual",
    "MixUp",
    "SMateAugment",
    "SMateImgaug",
    "TabularTransformer",
    "ValueRange",
]
