"""Reversible encodings between what a user has and what a network sees."""

from gan_imbalance.transforms.table import TabularTransformer

__all__ = ["TabularTransformer"]
