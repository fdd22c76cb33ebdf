"""Controls of a fair comparison: over-samplers that learn nothing, which a GAN has to beat."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from imblearn.under_sampling.base import BaseUnderSampler
from sklearn.utils import check_random_state

from gan_imbalance.data import ImageDataModule
from gan_imbalance.oversampling import ImageOverSampler, TableOverSampler
from gan_imbalance.transforms.dtypes import Floats, count_decimals, to_numbers, with_columns
from gan_imbalance.transforms.image import FlipCrop, in_chunks, to_uint8
from gan_imbalance.types import InputError, Label


class JitterOverSampler(TableOverSampler):
    """Repeats rows of the class, their numbers moved a little.

    Rows are drawn with replacement. Every numeric value gets Gaussian noise, is rounded to the decimals of its column
    (so integers stay integers), and clipped to the range that the column has in all rows given, so that it is a value
    that the column could hold. Categories, booleans and missing values are copied. A GAN that does not beat it has
    found nothing between the real rows that blurred copies of them would not have given.

    Args:
        noise: standard deviation of the noise, in standard deviations of the column within the class; 0 copies.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        categorical: names of columns to take as categories, where their type does not tell.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        synthetic_: the rows added, with their target, as a DataFrame.
    """

    remedy_role: ClassVar[str] = "control"

    def __init__(
        self,
        noise: float = 0.05,
        *,
        sampling_strategy: Any = "auto",
        categorical: list[str] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, categorical=categorical, random_state=random_state)
        self.noise = noise

    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        if not 0 <= self.noise < np.inf:
            raise InputError(f"noise is {self.noise}; give a number of standard deviations, at least 0.")
        random = np.random.default_rng(seed)
        rows = table[table[target] == label]
        copies = rows.iloc[random.integers(len(rows), size=count)].reset_index(drop=True)
        moved: dict[str, Any] = {}
        for name, column_type in self._column_types(table.drop(columns=target)).items():
            if column_type == "numeric":
                numbers = to_numbers(rows[name])
                # a column without a value in the class has no spread, and nothing to move
                spread = 0.0 if np.isnan(numbers).all() else float(np.nanstd(numbers))
                noisy = to_numbers(copies[name]) + random.normal(scale=self.noise * spread, size=count)
                known = to_numbers(table[name])
                moved[name] = in_the_form_of(table[name], np.clip(noisy, np.nanmin(known), np.nanmax(known)))
        return with_columns(copies, moved)


class MarginalOverSampler(TableOverSampler):
    """Draws every column by itself, with replacement, from the values that the class has there.

    Every marginal distribution is right, missing values included, and no column depends on another. A GAN that does
    not beat it has brought the classifier nothing by the dependence that it learned between columns.

    Args:
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        categorical: taken so that all over-samplers take the same; whole values are drawn from every column.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        synthetic_: the rows added, with their target, as a DataFrame.
    """

    remedy_role: ClassVar[str] = "control"

    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        self._column_types(table.drop(columns=target))  # refuses the tables that the others refuse
        random = np.random.default_rng(seed)
        rows = table[table[target] == label]
        drawn = {name: rows[name].iloc[random.integers(len(rows), size=count)].array for name in table.columns}
        return pd.DataFrame(drawn)


def in_the_form_of(column: pd.Series[Any], numbers: Floats) -> pd.Series[Any]:
    """Return numbers, NaN where missing, with the decimals and the dtype of the column."""
    decimals = count_decimals(to_numbers(column))
    if decimals is not None:
        numbers = np.round(numbers, decimals)
    if pd.api.types.is_integer_dtype(column.dtype):
        # an unsigned integer below zero would come back as a huge one
        limits = np.iinfo(getattr(column.dtype, "numpy_dtype", column.dtype))
        numbers = np.clip(numbers, limits.min, limits.max)
    return pd.Series(numbers).astype(column.dtype)


class AugmentationOverSampler(ImageOverSampler):
    """Repeats images of the class, drawn with replacement, each augmented anew.

    A GAN that does not beat it has found nothing that changing real images a little would not have given. It is what
    :class:`JitterOverSampler` is for tables.

    Args:
        augmentation: maps float images in [-1, 1] to such of the same shape, or its ``class_path`` dict. None takes
            what the data say, and where they say nothing, shifts by up to an eighth of the width.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: images added per class.
    """

    remedy_role: ClassVar[str] = "control"

    def __init__(self, augmentation: Any = None, *, sampling_strategy: Any = "auto", random_state: Any = None) -> None:
        super().__init__(augmentation=augmentation, sampling_strategy=sampling_strategy, random_state=random_state)

    def _make(self, data: ImageDataModule, index: int, count: int, seed: int) -> npt.NDArray[np.uint8]:
        data = self._adapted(data)
        if data.augmentation is None:
            data = data.adapted(augmentation=FlipCrop(flip=0.0))
        rows = data.rows("train", [data.samples.classes[index]])
        drawn = data.stored(np.random.default_rng(seed).choice(rows, count))
        torch.manual_seed(seed)
        return in_chunks(lambda images: to_uint8(data.as_training_input(images)), drawn).numpy()


class HalfMinorityUnderSampler(BaseUnderSampler):  # type: ignore[misc]
    """Leaves half of the rarest class out, drawn at random; at least one row stays.

    What halving the real rare rows costs shows how large a difference a comparison can see, and whether rows of that
    class are scarce at all: where half of them do as well, no generator has anything to add.

    Args:
        random_state: seed, or a numpy random state.

    Attributes:
        sample_indices_: positions of the rows that stay, ascending.
    """

    remedy_role: ClassVar[str] = "control"

    def __init__(self, *, random_state: Any = None) -> None:
        super().__init__(sampling_strategy="auto")
        self.random_state = random_state

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        labels, codes = np.unique(y, return_inverse=True)
        rare = np.flatnonzero(codes == np.bincount(codes, minlength=len(labels)).argmin())
        random = check_random_state(self.random_state)
        left_out = random.permutation(rare)[: len(rare) // 2]
        self.sample_indices_ = np.setdiff1d(np.arange(len(y)), left_out)
        # imbalanced-learn hands over arrays or sparse matrices, whatever it was given
        return X[self.sample_indices_], y[self.sample_indices_]
