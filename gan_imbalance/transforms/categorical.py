"""Categories as one-hot blocks, the rare ones as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gan_imbalance.transforms.dtypes import Encoded, cast, dtype_to_state
from gan_imbalance.transforms.levels import MISSING, UNKNOWN, Unknown, factorize, find_levels, refuse_missing, take
from gan_imbalance.types import InputError, Label, Span, quoted

_IDENTIFIER_LEVELS = 1000
_IDENTIFIER_SHARE = 0.9


@dataclass(frozen=True)
class CategoricalColumn:
    """One-hot over the most frequent levels, then one feature for all rare ones, then one for missing values.

    Where the rare feature is the largest, one of the rare levels is drawn by their frequencies.

    Attributes:
        name: of the column.
        dtype: of the column.
        levels: those with a feature of their own, sorted, then the rare ones.
        frequent: how many have a feature of their own.
        rare_counts: rows of every rare level, shape (rare levels,).
        missing: whether values were missing.
    """

    name: str
    dtype: dict[str, Any]
    levels: list[Label]
    frequent: int
    rare_counts: Tensor
    missing: bool

    type: ClassVar[str] = "categorical"

    @classmethod
    def fit(cls, column: pd.Series[Any], max_levels: int) -> Self:
        """Learn the levels of a column of n rows.

        Raises:
            InputError: if a level is neither text, number nor boolean, or nearly every row has a level of its own.
        """
        codes, levels = factorize(column)
        present = codes[codes >= 0]
        if len(levels) > _IDENTIFIER_LEVELS and len(levels) > _IDENTIFIER_SHARE * len(present):
            raise InputError(
                f"Column {quoted(column.name)} has {len(levels)} categories; drop it if it names the row, "
                "or name it as numeric if it holds numbers."
            )
        counts = np.bincount(present, minlength=len(levels))
        by_count = np.argsort(-counts, kind="stable")
        frequent = len(levels) if len(levels) <= max_levels + 1 else max_levels
        order = [*np.sort(by_count[:frequent]), *by_count[frequent:]]
        return cls(
            name=str(column.name),
            dtype=dtype_to_state(column.dtype),
            levels=[levels[position] for position in order],
            frequent=frequent,
            rare_counts=torch.from_numpy(counts[order[frequent:]]),
            missing=len(present) < len(codes),
        )

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the column that :meth:`to_state` described."""
        return cls(**{key: value for key, value in state.items() if key != "type"})

    def to_state(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        return {"type": self.type, **vars(self)}

    @property
    def _known(self) -> int:
        """Return how many features are not for missing values."""
        return self.frequent + (len(self.levels) > self.frequent)

    @property
    def width(self) -> int:
        """Return the number of features."""
        choices = self._known + self.missing
        return choices if choices > 1 else 0

    def spans(self, start: int) -> list[Span]:
        """Return the spans of the features, the first of which is ``start``."""
        return [Span(self.name, "categorical", start, self.width)] if self.width else []

    def encode(self, column: pd.Series[Any], unknown: Unknown) -> list[Encoded]:
        """Return the features' positions of n values, if there is a span for them.

        An unknown category that is ignored has a negative one.

        Raises:
            InputError: if a value is unknown, or missing where none was, and ``unknown`` is "error".
        """
        codes = np.minimum(find_levels(column, self.levels, unknown), self._known - 1)
        if not self.missing and unknown == "error" and (codes == MISSING).any():
            raise refuse_missing(self.name)
        codes[codes == MISSING] = self._known if self.missing else UNKNOWN
        return [codes] if self.width else []

    def decode(self, encoded: Sequence[Encoded], rows: int, random: np.random.Generator) -> pd.Series[Any]:
        """Return the n values of what :meth:`encode` returns; rare levels are drawn."""
        codes = encoded[0].astype(np.intp) if self.width else np.zeros(rows, dtype=np.intp)
        missing = codes == self._known
        if self._known > self.frequent:
            rare = np.flatnonzero(codes == self.frequent)
            ends = self.rare_counts.numpy().cumsum()
            codes[rare] += np.searchsorted(ends, random.integers(ends[-1], size=len(rare)), side="right")
        codes[missing] = MISSING
        return cast(take(self.levels, codes), self.dtype)
