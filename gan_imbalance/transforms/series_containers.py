"""Containers that aeon and sktime hold time series in: to an array, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.types import InputError

Array = npt.NDArray[Any]
Repack = Callable[[Array], Any]


def unpack(X: Any) -> tuple[Any, Repack]:
    """Return series as an array, and a function that puts such an array into a container of the same kind.

    Known are, by the names that aeon and sktime have for them: numpy3D, (n, channels, length); np-list, n arrays
    (channels, length); df-list, n frames with a column per channel; pd-multiindex, a frame with a row per time step,
    its index of two levels, series and time; nested_univ, a frame with a row per series and a pandas Series in every
    cell; pd-wide, a frame with a row per series and a column per time step. What comes back is numbered anew, from 0.

    Args:
        X: n series of equal length; what is no container of these is returned as it is.

    Returns:
        The array, (n, channels, length), or (n, length) of pd-wide, and the function.

    Raises:
        InputError: if series have other channels or lengths than the first.
    """
    if isinstance(X, pd.DataFrame):
        if isinstance(X.index, pd.MultiIndex):
            return _of_steps(X)
        if X.size and isinstance(X.iat[0, 0], pd.Series):
            return _of_cells(X)
        return X.to_numpy(), lambda made: pd.DataFrame(made, columns=X.columns)
    if isinstance(X, list | tuple) and X:
        if isinstance(X[0], pd.DataFrame):
            return _of_frames(X)
        if np.ndim(X[0]) == 2:
            return _stacked([np.asarray(one) for one in X]), list
    return X, lambda made: made


def _stacked(series: Sequence[Array]) -> Array:
    """Return arrays (channels, length) as one."""
    for number, one in enumerate(series):
        if one.shape != series[0].shape:
            raise InputError(
                f"Series {number} has shape {one.shape}, but series 0 {series[0].shape}: bring all to the same "
                "channels and length."
            )
    return np.stack(series)


def _of_frames(frames: Sequence[pd.DataFrame]) -> tuple[Array, Repack]:
    first = frames[0]

    def repack(made: Array) -> list[pd.DataFrame]:
        return [pd.DataFrame(one.T, first.index, first.columns) for one in made]

    return _stacked([frame.to_numpy().T for frame in frames]), repack


def _of_steps(frame: pd.DataFrame) -> tuple[Array, Repack]:
    if frame.index.nlevels != 2:
        raise InputError(f"The index of X has {frame.index.nlevels} levels: give it two, series and time step.")
    # in the order of y, that of their first rows
    frames = [steps.droplevel(0) for _, steps in frame.groupby(level=0, sort=False)]
    series, repack_frames = _of_frames(frames)

    def repack(made: Array) -> pd.DataFrame:
        together: pd.DataFrame = pd.concat(dict(enumerate(repack_frames(made))), names=frame.index.names)
        return together

    return series, repack


def _of_cells(frame: pd.DataFrame) -> tuple[Array, Repack]:
    cells = frame.to_numpy()
    times = cells[0, 0].index
    lengths = np.array([[len(cell) for cell in row] for row in cells])
    if (lengths != len(times)).any():
        number, column = np.argwhere(lengths != len(times))[0]
        raise InputError(
            f"Series {number} has {lengths[number, column]} time steps in column {frame.columns[column]!r}, but the "
            f"first {len(times)}: bring all to the same length."
        )

    def repack(made: Array) -> pd.DataFrame:
        rows = [[pd.Series(channel, times) for channel in one] for one in made]
        return pd.DataFrame(rows, columns=frame.columns)

    return np.array([[cell.to_numpy() for cell in row] for row in cells]), repack
