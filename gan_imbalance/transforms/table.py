"""Tables to features and back: every column in its place, with its dtype and its observed values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import Tensor

from gan_imbalance.transforms.categorical import CategoricalColumn
from gan_imbalance.transforms.codecs import Dates, Levels, Numbers, ValueCodec
from gan_imbalance.transforms.column_types import (
    convert_columns,
    infer_column_types,
    require_columns,
    require_plain_values,
)
from gan_imbalance.transforms.constraints import (
    Constraint,
    decode_constraints,
    encode_constraints,
    fit_constraints,
)
from gan_imbalance.transforms.dtypes import Encoded, Features
from gan_imbalance.transforms.levels import Unknown
from gan_imbalance.transforms.numeric import NumericColumn, NumericTransform, fit_numeric
from gan_imbalance.types import InputError, Label, Span

_ROWS_AT_ONCE = 2048


class TabularTransformer:
    """Encodes a table for a network and decodes what a generator made.

    A column that has an order (numbers, dates and times, ordered levels) becomes at most one continuous feature and
    one one-hot block of states: its continuous values, each of its point masses (values that far more rows hold than
    those beside them), and missing. With a single state there is no block, so that a column of distinct numbers is one
    feature, a constant one none, and a column of few values in many rows each a block like a category's. The
    continuous feature is, by ``numeric``,

    - ``quantile``: mapped to a standard normal, piecewise linearly;
    - ``standard``: shifted and scaled to zero mean and unit variance;
    - ``minmax``: to [-1, 1];
    - ``modes``: to [-1, 1] within a mode of a Gaussian mixture, each mode being a state
      (mode-specific normalisation; CTGAN, https://arxiv.org/abs/1907.00503, section 4.2).

    Numbers outside the fitted range are clipped to it. Categories become one-hot: the most frequent ones, all rarer
    ones together, and missing.

    Args:
        numeric: the map of continuous numbers.
        numeric_columns: columns to treat as numbers; others are inferred (see
            :func:`~gan_imbalance.transforms.column_types.infer_column_types`).
        categorical_columns: columns to treat as categories; one of mixed types keeps its values' types.
        log_columns: numeric columns that are first passed through sign(x) · log(1 + |x|).
        ordinal_columns: levels, lowest first, of columns whose categories have an order; ordered pandas categories
            know theirs. They are numbers like any other: the positions of the levels.
        date_columns: columns to treat as dates or times; text is returned in the format that all of it has.
        max_levels: categories of a column that have a feature of their own; where there are more, the most frequent.
        point_masses: whether frequent single numbers become states; those of a constant column do in any case.
        constraints: what holds between columns in every row, and will hold in every decoded one (see
            :mod:`~gan_imbalance.transforms.constraints`).

    Example:
        A column with a frequent value and gaps becomes one continuous feature and three states; all come back:

        >>> import numpy as np
        >>> import pandas as pd
        >>> from gan_imbalance import TabularTransformer
        >>> days = pd.Series([*range(1, 81), *[0] * 30, *[np.nan] * 10], name="days")
        >>> table = pd.DataFrame({"days": days, "colour": ["red", "blue", "green"] * 40})
        >>> transformer = TabularTransformer().fit(table)
        >>> [(span.name, span.encoding, span.size) for span in transformer.spans]
        [('days', 'linear', 1), ('days', 'categorical', 3), ('colour', 'categorical', 3)]
        >>> transformer.inverse_transform(transformer.transform(table)).equals(table)
        True
    """

    def __init__(
        self,
        numeric: NumericTransform = "quantile",
        numeric_columns: Sequence[str] | None = None,
        categorical_columns: Sequence[str] | None = None,
        log_columns: Sequence[str] = (),
        ordinal_columns: Mapping[str, Sequence[Label]] | None = None,
        date_columns: Sequence[str] | None = None,
        max_levels: int = 100,
        point_masses: bool = True,
        constraints: Sequence[Constraint] = (),
    ) -> None:
        self.numeric = numeric
        self.numeric_columns = numeric_columns
        self.categorical_columns = categorical_columns
        self.log_columns = log_columns
        self.ordinal_columns = ordinal_columns
        self.date_columns = date_columns
        self.max_levels = max_levels
        self.point_masses = point_masses
        if max_levels < 1:
            raise InputError(f"max_levels is {max_levels}; it must be at least 1.")
        self.constraints = constraints
        self._constraints: tuple[Constraint, ...] = ()
        self._names: list[str] = []
        self._set_columns(())

    def fit(self, frame: pd.DataFrame) -> Self:
        """Learn the columns of ``frame`` (n ≥ 1 rows).

        Raises:
            InputError: if there is no row or column, a name is unknown or a duplicate, no column varies, a column
                cannot be encoded (infinite values, values of several parts, mixed types without being named, a name
                for every row), or a row breaks a constraint.
        """
        if not frame.shape[1]:
            raise InputError("There are no columns to fit the table's encoding on; give at least one.")
        if frame.empty:
            raise InputError("There are no rows to fit the table's encoding on; give at least one.")
        require_plain_values(frame)
        ordinal = self.ordinal_columns or {}
        frame = convert_columns(frame, self.numeric_columns or ())
        types = infer_column_types(
            frame, self.numeric_columns or (), self.categorical_columns or (), ordinal, self.date_columns or ()
        )
        require_columns(self.log_columns, frame.columns, "log_columns")
        codecs: dict[str, ValueCodec] = {
            name: Numbers.of(frame[name])
            if column_type == "numeric"
            else Dates.of(frame[name])
            if column_type == "date"
            else Levels.of(frame[name], ordinal.get(name))
            for name, column_type in types.items()
            if column_type != "categorical"
        }
        self._names = list(types)
        self._constraints = fit_constraints(self.constraints, frame, codecs)
        frame, rewritten = encode_constraints(self._constraints, frame, "error")
        types = {name: rewritten.get(name) or types[name] for name in map(str, frame)}
        codecs |= {name: Numbers.of(frame[name]) for name, column_type in rewritten.items() if column_type == "numeric"}
        ordered = {
            name: (frame[name], codecs[name]) for name, column_type in types.items() if column_type != "categorical"
        }
        numbers = fit_numeric(ordered, self.numeric, self.log_columns, self.point_masses)
        self._set_columns(
            numbers[name] if name in numbers else CategoricalColumn.fit(frame[name], self.max_levels) for name in types
        )
        if not self.width:
            raise InputError("Every column of the table is constant; there is nothing to learn from it.")
        return self

    def transform(self, frame: pd.DataFrame, unknown: Unknown = "error") -> Features:
        """Encode ``frame``, whose columns are found by name.

        Args:
            frame: n rows with the fitted columns, in any order; others are ignored.
            unknown: what to do with a category, or a missing value, in a column that had none when
                fitted. ``ignore`` gives an unknown category no bit at all and a missing number the median.

        Returns:
            Features of shape (n, width).

        Raises:
            InputError: if a column is missing, or a value cannot be encoded.
        """
        self._require_fitted()
        require_columns(self._names, frame.columns, "the fitted table")
        frame, _ = encode_constraints(self._constraints, frame, unknown)
        # arrays of one span each; few rows at a time, which the processor's cache holds, become features
        encoded = [part for column in self._columns for part in column.encode(frame[column.name], unknown)]
        features = np.zeros((len(frame), self.width), dtype=np.float32)
        for start in range(0, len(frame), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            for span, part in zip(self.spans, encoded, strict=True):
                if span.is_categorical:
                    known = np.flatnonzero(part[rows] >= 0)
                    features[start + known, span.start + part[start + known].astype(np.intp)] = 1
                else:
                    features[rows, span.start] = part[rows]
        return features

    def inverse_transform(self, features: npt.ArrayLike | Tensor, seed: int = 0) -> pd.DataFrame:
        """Decode features of shape (n, width) to a table of the fitted form.

        Numbers are clipped to the fitted range and rounded to the fitted number of decimals, dates to the fitted
        unit; states and categories are those of the largest feature.

        Args:
            features: encoded rows.
            seed: of the draws among rare categories; the same seed gives the same rows.

        Raises:
            InputError: if the width is wrong or a feature is not finite.
        """
        self._require_fitted()
        if isinstance(features, Tensor):
            features = features.detach().cpu()
        array = np.asarray(features, dtype=np.float32)
        if array.ndim != 2 or array.shape[1] != self.width:
            raise InputError(f"Features of shape {array.shape} cannot be decoded; give (rows, {self.width}).")
        if not np.isfinite(array).all():
            raise InputError("Samples with infinite or undefined features cannot be decoded; the generator diverged.")
        encoded: list[Encoded] = [
            np.empty(len(array), np.intp) if span.is_categorical else np.empty(len(array), np.float32)
            for span in self.spans
        ]
        for start in range(0, len(array), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            for span, part in zip(self.spans, encoded, strict=True):
                block = array[rows, span.start : span.stop]
                part[rows] = block.argmax(axis=1) if span.is_categorical else block[:, 0]
        columns = {}
        parts = iter(encoded)
        for position, column in enumerate(self._columns):
            own = [next(parts) for _ in column.spans(0)]
            columns[column.name] = column.decode(own, len(array), np.random.default_rng([seed, position]))
        return decode_constraints(self._constraints, pd.DataFrame(columns), self._names)

    @property
    def width(self) -> int:
        """Return the number of features."""
        return sum(column.width for column in self._columns)

    def state_dict(self) -> dict[str, Any]:
        """Return what was learned as plain numbers, strings, lists, dicts and tensors."""
        return {
            "numeric": self.numeric,
            "max_levels": self.max_levels,
            "point_masses": self.point_masses,
            "names": self._names,
            "constraints": [constraint.to_state() for constraint in self._constraints],
            "columns": [column.to_state() for column in self._columns],
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the fitted transformer that :meth:`state_dict` described."""
        transformer = cls(state["numeric"], max_levels=state["max_levels"], point_masses=state["point_masses"])
        transformer._names = list(state["names"])
        transformer._constraints = tuple(Constraint.from_state(constraint) for constraint in state["constraints"])
        transformer._set_columns(_COLUMNS[column["type"]].from_state(column) for column in state["columns"])
        return transformer

    def _set_columns(self, columns: Iterable[_Column]) -> None:
        self._columns = tuple(columns)
        spans: list[Span] = []
        for column in self._columns:
            spans += column.spans(spans[-1].stop if spans else 0)
        self.spans = tuple(spans)

    def _require_fitted(self) -> None:
        if not self._columns:
            raise RuntimeError("This TabularTransformer has learned no table yet; call fit first.")


class _Column(Protocol):
    """One column's encoding: an array for each of its spans."""

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    def spans(self, start: int) -> list[Span]: ...

    def encode(self, column: pd.Series[Any], unknown: Unknown) -> list[Encoded]: ...

    def decode(self, encoded: Sequence[Encoded], rows: int, random: np.random.Generator) -> pd.Series[Any]: ...

    def to_state(self) -> dict[str, Any]: ...


_COLUMNS: dict[str, type[NumericColumn] | type[CategoricalColumn]] = {
    column.type: column for column in (NumericColumn, CategoricalColumn)
}
