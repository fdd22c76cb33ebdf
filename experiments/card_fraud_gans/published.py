"""Two mistakes of the published system that the package would not make, kept for comparison."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from torch import Tensor

from gan_imbalance.data.reading import read_table
from gan_imbalance.losses import WassersteinGradientPenalty
from gan_imbalance.oversampling import TableOverSampler
from gan_imbalance.types import InputError, Label


class WholeBatchPenalty(WassersteinGradientPenalty):
    """Gradient penalty with **one norm over the whole batch** instead of one per sample: a mistake.

    It asks a slope of about ``1 / sqrt(n)`` of every sample of a batch of n.
    """

    def penalty(self, gradients: Tensor) -> Tensor:
        """Return the unweighted penalty of gradients ``(scores, features)``: ``(||all g|| - 1)^2``."""
        norm: Tensor = torch.linalg.vector_norm(gradients)
        return (norm - 1).square()


class RowsOfAFile(TableOverSampler):
    """Adds rows that lie in a file already, whatever their writer has seen: test rows too, as published.

    Args:
        path: table in the form of the data set, of the class to be topped up.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        categorical: taken so that all over-samplers take the same.
        random_state: seed of the draw, with replacement.
    """

    def __init__(
        self,
        path: str,
        *,
        sampling_strategy: Any = "auto",
        categorical: list[str] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, categorical=categorical, random_state=random_state)
        self.path = path

    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        rows = read_table(self.path)
        if not set(table.columns) <= {*rows.columns, target}:
            raise InputError(f"{self.path} does not hold the columns of the table: make it anew.")
        return rows.sample(count, replace=True, random_state=seed).assign(**{target: label})[list(table.columns)]
