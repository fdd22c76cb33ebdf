"""What must hold between the columns of every row: satisfied by construction, never by rejection.

A constraint re-writes the columns that it binds into columns that cannot break it, before they are encoded: one
joint category for all allowed combinations, or the larger of two numbers as its distance to the smaller. What is
decoded from any features is written back so that it holds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from gan_imbalance.components import import_class, to_config
from gan_imbalance.transforms.codecs import Dates, Numbers, ValueCodec, codec_from_state, codec_to_state
from gan_imbalance.transforms.column_types import ColumnType, require_columns
from gan_imbalance.transforms.dtypes import Floats, cast, dtype_to_state, to_numbers
from gan_imbalance.transforms.levels import Unknown, factorize, find_levels, take
from gan_imbalance.trust import Component
from gan_imbalance.types import InputError


class Constraint(Component):
    """Something that holds in every row; a missing value breaks nothing unless said otherwise.

    A constraint keeps its constructor's parameters as attributes of the same names, and everything that it learned
    in ``learned``: plain values and tensors, by name.
    """

    learned: dict[str, Any]

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Return the columns that it speaks of."""

    @property
    def rewritten(self) -> list[str]:
        """Return those of its columns that it writes in another form; none by default."""
        return []

    @abstractmethod
    def broken(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return which of n rows break it, shape (n,)."""

    def fit(self, frame: pd.DataFrame, codecs: Mapping[str, ValueCodec]) -> Self:
        """Return a copy that has learned its columns.

        Args:
            frame: n rows.
            codecs: of the columns that have an order.

        Raises:
            InputError: if a column is unknown or of the wrong type, or a row breaks it.
        """
        require_columns(self.names, frame.columns, f"the constraint {self}")
        fitted = copy(self)
        fitted.learned = self._learn(frame, codecs)
        rows = np.flatnonzero(fitted.broken(frame))
        if rows.size:
            raise InputError(
                f"Row {frame.index[rows[0]]} (and {rows.size - 1} more) breaks the constraint {self}: "
                f"{self._shown(frame, int(rows[0]))}; correct or drop such rows, or take the constraint out."
            )
        return fitted

    def _learn(self, frame: pd.DataFrame, codecs: Mapping[str, ValueCodec]) -> dict[str, Any]:
        return {}

    def encode(self, frame: pd.DataFrame, unknown: Unknown) -> dict[str, tuple[ColumnType, pd.Series[Any]]]:
        """Return the columns, by name, with their types, that stand for the re-written ones."""
        return {}

    def decode(self, frame: pd.DataFrame) -> dict[str, pd.Series[Any]]:
        """Return the re-written columns, from a table of the columns that stand for them and all those it needs."""
        return {}

    def to_state(self) -> dict[str, Any]:
        """Return plain values and tensors."""
        return {"class_path": f"{type(self).__module__}.{type(self).__qualname__}", **vars(self)}

    @staticmethod
    def from_state(state: Mapping[str, Any]) -> Constraint:
        """Rebuild the fitted constraint that :meth:`to_state` described.

        Raises:
            InputError: if its class is not there, or no constraint.
        """
        found = import_class(state["class_path"])
        if not issubclass(found, Constraint):
            raise InputError(f"{state['class_path']} stands in place of a constraint, but is none.")
        constraint: Constraint = object.__new__(found)
        vars(constraint).update({key: value for key, value in state.items() if key != "class_path"})
        return constraint

    def _shown(self, frame: pd.DataFrame, row: int) -> str:
        """Return what its columns hold in a row, for a message."""
        return ", ".join(
            f"column {name!r} holds {frame[name].iloc[row : row + 1].tolist()[0]!r}" for name in self.names
        )

    def __str__(self) -> str:
        """Return how it was stated."""
        arguments = ", ".join(f"{key}={value!r}" for key, value in self._stated().items())
        return f"{type(self).__name__}({arguments})"

    def to_config(self) -> dict[str, Any]:
        """Return how it was stated as a ``class_path`` dict."""
        class_path = f"{type(self).__module__}.{type(self).__qualname__}"
        return {"class_path": class_path, "init_args": to_config(self._stated())}

    def _stated(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "learned"}


class ValueRange(Constraint):
    """Every value of a column lies between two others, either of which may be left out.

    Decoded values lie between the smallest and the largest training value in any case; this makes sure of those.

    Args:
        column: of numbers or dates.
        minimum: number, or date as text.
        maximum: number, or date as text.
    """

    def __init__(self, column: str, minimum: float | str | None = None, maximum: float | str | None = None) -> None:
        self.column = column
        self.minimum = minimum
        self.maximum = maximum

    @property
    def names(self) -> list[str]:
        """Return the column."""
        return [self.column]

    def _learn(self, frame: pd.DataFrame, codecs: Mapping[str, ValueCodec]) -> dict[str, Any]:
        return {"codec": codec_to_state(_ordered_codec(self, frame, self.column, codecs))}

    def broken(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return which of n rows lie outside, shape (n,)."""
        codec = codec_from_state(self.learned["codec"])
        values = _comparable(codec, frame[self.column])
        below = values < self._bound(codec, self.minimum) if self.minimum is not None else False
        above = values > self._bound(codec, self.maximum) if self.maximum is not None else False
        return np.broadcast_to(below | above, values.shape)

    def _bound(self, codec: ValueCodec, value: float | str) -> Any:
        try:
            if isinstance(codec, Dates):
                return pd.Timedelta(value).to_numpy() if codec.is_duration else pd.Timestamp(value).to_numpy()
            return float(value)
        except (ValueError, TypeError) as error:
            kind = "date" if isinstance(codec, Dates) else "number"
            raise InputError(f"The constraint {self} has the bound {value!r}, which is no {kind}.") from error


class LessOrEqual(Constraint):
    """One column is at most another, where both have a value.

    The larger one is encoded as its distance to the smaller one (where that is missing: to its median). A decoded
    distance below 0 counts as 0, and what does not lie on the larger column's grid is raised to it.

    Args:
        low: column of numbers or dates.
        high: column of numbers, or of dates as ``low``.
    """

    def __init__(self, low: str, high: str) -> None:
        self.low = low
        self.high = high

    @property
    def names(self) -> list[str]:
        """Return both columns."""
        return [self.low, self.high]

    @property
    def rewritten(self) -> list[str]:
        """Return the larger column."""
        return [self.high]

    def _learn(self, frame: pd.DataFrame, codecs: Mapping[str, ValueCodec]) -> dict[str, Any]:
        low, high = (_ordered_codec(self, frame, name, codecs) for name in self.names)
        if isinstance(low, Dates) != isinstance(high, Dates) or (
            isinstance(low, Dates)
            and isinstance(high, Dates)
            and (low.is_duration, low.zone is None) != (high.is_duration, high.zone is None)
        ):
            raise InputError(
                f"The constraint {self} compares columns of different types; "
                "make both numbers, durations, or dates (with or without time zones)."
            )
        bases = _on_scale(high, low, frame[self.low])
        known = bases[~np.isnan(bases)]
        decimals = [
            codec.decimals for codec in (low, high) if isinstance(codec, Numbers) and codec.decimals is not None
        ]
        return {
            "low": codec_to_state(low),
            "high": codec_to_state(high),
            # one of its values: between two of them, distances would not lie on the grid that they are rounded to
            "fill": float(np.quantile(known, 0.5, method="lower")) if known.size else 0.0,
            "decimals": max(decimals) if len(decimals) == 2 else None,
        }

    @property
    def _codecs(self) -> tuple[ValueCodec, ValueCodec]:
        return codec_from_state(self.learned["low"]), codec_from_state(self.learned["high"])

    def broken(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return in which of n rows the larger column is the smaller, shape (n,)."""
        low, high = self._codecs
        broken: npt.NDArray[np.bool_] = _comparable(high, frame[self.high]) < _comparable(low, frame[self.low])
        return broken

    def encode(self, frame: pd.DataFrame, unknown: Unknown) -> dict[str, tuple[ColumnType, pd.Series[Any]]]:
        """Return the distances, under the larger column's name."""
        low, high = self._codecs
        distances = high.numbers(frame[self.high]) - self._bases(low, high, frame[self.low])
        if self.learned["decimals"] is not None:
            distances = np.round(distances, self.learned["decimals"])
        return {self.high: ("numeric", pd.Series(distances, index=frame.index, name=self.high))}

    def decode(self, frame: pd.DataFrame) -> dict[str, pd.Series[Any]]:
        """Return the larger column."""
        low, high = self._codecs
        distances = to_numbers(frame[self.high])
        distances = np.where(frame[self.low].isna(), distances, np.maximum(distances, 0))
        column = high.series(self._bases(low, high, frame[self.low]) + distances)
        smaller = _comparable(low, frame[self.low])
        for _ in range(2):
            below = _comparable(high, column) < smaller
            if not below.any():
                break
            # the grid, or a shorter float, has rounded down: by less than one step
            numbers = high.numbers(column)
            column = high.series(np.where(below, numbers + high.step(numbers), numbers))
        else:
            # above the largest value of the larger column, the smaller one occurs only where that is missing
            below = _comparable(high, column) < smaller
            column = high.series(np.where(below, np.nan, high.numbers(column)))
        return {self.high: column.set_axis(frame.index)}

    def _bases(self, low: ValueCodec, high: ValueCodec, column: pd.Series[Any]) -> Floats:
        bases = _on_scale(high, low, column)
        return np.where(np.isnan(bases), self.learned["fill"], bases)


class FixedCombinations(Constraint):
    """Columns hold only combinations of values that training rows hold, missing values included.

    They are encoded as one category, whose levels are the combinations.

    Args:
        columns: two or more columns of categories, or of few numbers.
    """

    def __init__(self, columns: list[str]) -> None:
        self.columns = columns
        if len(columns) < 2 or len(set(columns)) < len(columns):
            raise InputError(f"The constraint {self} binds no two columns; name at least two, each once.")

    @property
    def names(self) -> list[str]:
        """Return the columns."""
        return self.columns

    @property
    def rewritten(self) -> list[str]:
        """Return the columns."""
        return self.columns

    def broken(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return that no row breaks it: what the rows hold is allowed."""
        return np.zeros(len(frame), dtype=np.bool_)

    def _learn(self, frame: pd.DataFrame, codecs: Mapping[str, ValueCodec]) -> dict[str, Any]:
        codes, levels = zip(*(factorize(frame[name]) for name in self.columns), strict=True)
        combinations = np.unique(np.stack(codes, axis=1), axis=0)
        return {
            "dtypes": [dtype_to_state(frame[name].dtype) for name in self.columns],
            "levels": list(levels),
            "combinations": torch.from_numpy(combinations),
        }

    def encode(self, frame: pd.DataFrame, unknown: Unknown) -> dict[str, tuple[ColumnType, pd.Series[Any]]]:
        """Return the number of every row's combination.

        Raises:
            InputError: if a row holds an unknown combination and ``unknown`` is "error".
        """
        pairs = zip(self.columns, self.learned["levels"], strict=True)
        codes = np.stack([find_levels(frame[name], levels, unknown) for name, levels in pairs], axis=1)
        known = self.learned["combinations"].numpy()
        numbers = pd.MultiIndex.from_arrays([*known.T]).get_indexer(pd.MultiIndex.from_arrays([*codes.T]))
        if unknown == "error" and (numbers < 0).any():
            row = int(numbers.argmin())
            raise InputError(
                f"Row {frame.index[row]} breaks the constraint {self}: {self._shown(frame, row)}, a combination that "
                "the rows that it was fitted on do not have."
            )
        return {" + ".join(self.columns): ("categorical", pd.Series(numbers, index=frame.index))}

    def decode(self, frame: pd.DataFrame) -> dict[str, pd.Series[Any]]:
        """Return the columns of the combinations."""
        codes = self.learned["combinations"].numpy()[frame[" + ".join(self.columns)].to_numpy()]
        parts = zip(self.columns, self.learned["levels"], codes.T, self.learned["dtypes"], strict=True)
        return {name: cast(take(levels, part), dtype).set_axis(frame.index) for name, levels, part, dtype in parts}


class AtMostOne(FixedCombinations):
    """At most one of several columns is set: holds a value that is neither missing nor 0 nor False.

    Args:
        columns: flags, or columns of few values.
    """

    def broken(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return in which of n rows more than one is set, shape (n,)."""
        return np.greater(self._set_columns(frame), 1)

    def _set_columns(self, frame: pd.DataFrame) -> npt.NDArray[np.int64]:
        """Return how many columns are set in each of n rows, shape (n,)."""
        columns = [frame[name] for name in self.columns]
        counts: npt.NDArray[np.int64] = np.sum(
            [(column.notna() & column.ne(0).fillna(False)).to_numpy(dtype=bool) for column in columns], axis=0
        )
        return counts


class ExactlyOne(AtMostOne):
    """Exactly one of several columns is set: holds a value that is neither missing nor 0 nor False.

    Args:
        columns: flags, or columns of few values.
    """

    def broken(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return in which of n rows none or more than one is set, shape (n,)."""
        return np.not_equal(self._set_columns(frame), 1)


def fit_constraints(
    constraints: Sequence[Constraint], frame: pd.DataFrame, codecs: Mapping[str, ValueCodec]
) -> tuple[Constraint, ...]:
    """Return the constraints fitted on a table, in an order in which they can be decoded.

    Args:
        constraints: as stated.
        frame: n rows.
        codecs: of the columns that have an order.

    Raises:
        InputError: if one cannot be fitted, or two re-write the same column, or they go round in a circle.
    """
    pending = [constraint.fit(frame, codecs) for constraint in constraints]
    rewritten = [name for constraint in pending for name in constraint.rewritten]
    for name in rewritten:
        if rewritten.count(name) > 1:
            raise InputError(f"Two constraints determine column {name!r}; state one of them only.")
    ordered: list[Constraint] = []
    while pending:
        open_ = {name for constraint in pending for name in constraint.rewritten}
        ready = [one for one in pending if not open_ & {*one.names} - {*one.rewritten}]
        if not ready:
            raise InputError(f"The constraints {', '.join(map(str, pending))} go round in a circle; take one out.")
        ordered += ready
        pending = [one for one in pending if one not in ready]
    return tuple(ordered)


def encode_constraints(
    constraints: Sequence[Constraint], frame: pd.DataFrame, unknown: Unknown
) -> tuple[pd.DataFrame, dict[str, ColumnType]]:
    """Return the table with re-written columns in the places of the originals, and the types of those."""
    types: dict[str, ColumnType] = {}
    if not constraints:
        return frame, types
    columns = {str(name): column for name, column in frame.items()}
    for constraint in constraints:
        encoded = constraint.encode(frame, unknown)
        first = next(iter(constraint.rewritten), None)
        parts = [
            {name: column for name, (_, column) in encoded.items()} if name == first else {name: column}
            for name, column in columns.items()
            if name == first or name not in constraint.rewritten
        ]
        columns = {name: column for part in parts for name, column in part.items()}
        types |= {name: column_type for name, (column_type, _) in encoded.items()}
    return pd.DataFrame(columns), types


def decode_constraints(constraints: Sequence[Constraint], frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return the table with its own columns, in which every constraint holds."""
    if not constraints:
        return frame
    columns = {str(name): column for name, column in frame.items()}
    for constraint in constraints:
        columns |= constraint.decode(pd.DataFrame(columns))
    return pd.DataFrame({name: columns[name] for name in names})


def _ordered_codec(
    constraint: Constraint, frame: pd.DataFrame, name: str, codecs: Mapping[str, ValueCodec]
) -> ValueCodec:
    """Return the form of a column of numbers or dates, whatever it is encoded as."""
    codec = codecs.get(name)
    if isinstance(codec, Numbers | Dates):
        return codec
    if not pd.api.types.is_numeric_dtype(frame[name].dtype):
        raise InputError(f"The constraint {constraint} compares column {name!r}, which holds no numbers or dates.")
    return Numbers.of(frame[name])


def _on_scale(codec: ValueCodec, other: ValueCodec, column: pd.Series[Any]) -> Floats:
    """Return a column of the form ``other`` in the numbers of ``form``, cut off to its units; shape (n,)."""
    if isinstance(codec, Dates) and isinstance(other, Dates):
        return codec.units(other.moments(column))
    return other.numbers(column)


def _comparable(codec: ValueCodec, column: pd.Series[Any]) -> npt.NDArray[Any]:
    """Return a column's numbers, or its dates to the last nanosecond (in UTC); shape (n,)."""
    return codec.exact(column) if isinstance(codec, Dates) else codec.numbers(column)
