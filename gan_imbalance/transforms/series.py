"""Series with every channel in [-1, 1], and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gan_imbalance.types import InputError

Series = npt.NDArray[np.float32]


class SeriesScaler:
    """Every channel of series in [-1, 1], and back.

    The smallest and the largest value of a channel among the series that it learned become -1 and 1, so that a
    generator whose last layer is a tanh can make all that lies between, and nothing else. What other series have beyond
    is further out, and comes back as the nearest of the two.

    Series of unequal lengths are NaN behind their end. There, numbers become 0, and a further channel, the mask, tells:
    it is 1 up to the end, and -1 behind it. Decoded, a series ends before the first step whose mask is not above 0;
    one step it always has.

    Args:
        masked: whether there is a mask.

    Attributes:
        low: the smallest value of each channel, float64 of shape (channels,).
        high: the largest.
    """

    def __init__(self, masked: bool = False) -> None:
        self.masked = masked
        self.low: npt.NDArray[np.float64]
        self.high: npt.NDArray[np.float64]

    def fit(self, X: Series) -> Self:
        """Learn the range of every channel of series (n, channels, length)."""
        self.low, self.high = (find(X, axis=(0, 2)).astype(np.float64) for find in (np.nanmin, np.nanmax))
        return self

    @property
    def channels(self) -> int:
        """Return how many channels series have, without the mask."""
        return len(self.low)

    def transform(self, X: Series) -> Series:
        """Return series (n, channels, length) encoded, (n, channels, length), with the mask as a further channel.

        Raises:
            InputError: if series end early, but there is no mask.
        """
        missing = np.isnan(X).any(axis=1, keepdims=True)
        if missing.any() and not self.masked:
            raise InputError("Series of unequal lengths were given, but those that were learned have one: cut them.")
        # a channel of one value is 0
        width = np.where(self.high > self.low, self.high - self.low, 1.0)[:, None]
        middle = ((self.high + self.low) / 2)[:, None]
        scaled = np.where(missing, 0.0, 2 * (X - middle) / width)
        if self.masked:
            scaled = np.concatenate([scaled, np.where(missing, -1.0, 1.0)], axis=1)
        return scaled.astype(np.float32)

    def inverse_transform(self, encoded: Series) -> Series:
        """Return encoded series as they were, float32 of shape (n, channels, length), in the range that was learned."""
        scaled, mask = encoded[:, : self.channels].astype(np.float64), encoded[:, self.channels :]
        low, high = self.low[:, None], self.high[:, None]
        X = np.clip((high + low) / 2 + scaled * (high - low) / 2, low, high).astype(np.float32)
        if self.masked:
            observed = np.logical_and.accumulate(mask > 0, axis=2)
            observed[:, :, 0] = True
            X = np.where(observed, X, np.float32(np.nan))
        return X

    def state_dict(self) -> dict[str, Any]:
        """Return what was learned, in plain values."""
        return {"masked": self.masked, "low": self.low.tolist(), "high": self.high.tolist()}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the scaler that :meth:`state_dict` described."""
        scaler = cls(bool(state["masked"]))
        scaler.low, scaler.high = (np.array(state[name], dtype=np.float64) for name in ("low", "high"))
        return scaler
