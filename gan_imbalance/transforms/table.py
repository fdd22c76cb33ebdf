"""Tables to features and back: every column in its place, with its dtype and its observed values."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from gan_imbalance.types import InputError, Label, Span

Kind = Literal["numeric", "categorical"]
NumericTransform = Literal["quantile", "standard", "minmax"]
Floats = npt.NDArray[np.float64]
Features = npt.NDArray[np.float32]

_MAX_CATEGORIES = 1000
_MAX_DECIMALS = 6
_MAX_KNOTS = 1000


class TabularTransformer:
    """Encodes a table for a network and decodes what a generator made.

    Numeric columns pass a piecewise-linear, monotone map whose knots are learned (``quantile``:
    to a standard normal; ``standard``: to zero mean and unit variance; ``minmax``: to [-1, 1]);
    values outside the fitted range are clipped to it. Categorical ones become one-hot. Missing
    values are a level of their own; a numeric column with missing values is filled with its median
    and followed by a two-way one-hot (present, missing). A constant column takes no feature.

    Args:
        numeric: the map of numeric columns.
        numeric_columns: columns to treat as numbers; others are inferred (see :func:`column_kinds`).
        categorical_columns: columns to treat as categories.
        log_columns: numeric columns that are first passed through sign(x) · log(1 + |x|).
    """

    def __init__(
        self,
        numeric: NumericTransform = "quantile",
        numeric_columns: Sequence[str] | None = None,
        categorical_columns: Sequence[str] | None = None,
        log_columns: Sequence[str] = (),
    ) -> None:
        self.numeric = numeric
        self.numeric_columns = numeric_columns
        self.categorical_columns = categorical_columns
        self.log_columns = log_columns
        self._set_columns(())

    def fit(self, frame: pd.DataFrame) -> Self:
        """Learn the columns of ``frame`` (n ≥ 1 rows).

        Raises:
            InputError: if there is no row, a name is unknown or double, no column varies, or a column
                cannot be encoded (infinite values, mixed types, dates, too many categories).
        """
        if frame.empty:
            raise InputError("There are no rows to fit the table's encoding on; give at least one.")
        frame = convert_columns(frame, self.numeric_columns or (), self.categorical_columns or ())
        kinds = column_kinds(frame, self.numeric_columns or (), self.categorical_columns or ())
        require_columns(self.log_columns, frame.columns, "log_columns")
        self._set_columns(
            _NumericColumn.fit(frame[name], self.numeric, name in self.log_columns)
            if kind == "numeric"
            else _CategoricalColumn.fit(frame[name])
            for name, kind in kinds.items()
        )
        if not self.width:
            raise InputError("Every column of the table is constant; there is nothing to learn from it.")
        return self

    def transform(self, frame: pd.DataFrame, unknown: Literal["error", "ignore"] = "error") -> Features:
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
        require_columns([column.name for column in self._columns], frame.columns, "the fitted table")
        features = np.zeros((len(frame), self.width), dtype=np.float32)
        for column, block in self._blocks(features):
            column.encode(frame[column.name], block, unknown)
        return features

    def inverse_transform(self, features: npt.ArrayLike | Tensor) -> pd.DataFrame:
        """Decode features of shape (n, width) to a table of the fitted form.

        Numbers are clipped to the fitted range and rounded to the fitted number of decimals;
        categories are those of the largest feature.

        Raises:
            InputError: if the width is wrong or a feature is not finite.
        """
        self._require_fitted()
        if isinstance(features, Tensor):
            features = features.detach().cpu()
        array = np.asarray(features, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != self.width:
            raise InputError(f"Features of shape {array.shape} cannot be decoded; give (rows, {self.width}).")
        if not np.isfinite(array).all():
            raise InputError("Samples with infinite or undefined features cannot be decoded; the generator diverged.")
        return pd.DataFrame({column.name: column.decode(block) for column, block in self._blocks(array)})

    @property
    def width(self) -> int:
        """Return the number of features."""
        return sum(column.width for column in self._columns)

    def state_dict(self) -> dict[str, Any]:
        """Return what was learned as plain numbers, strings, lists, dicts and tensors."""
        return {
            "numeric": self.numeric,
            "log_columns": list(self.log_columns),
            "columns": [{"kind": column.kind, **vars(column)} for column in self._columns],
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the fitted transformer that :meth:`state_dict` described."""
        kinds: dict[Kind, list[str]] = {"numeric": [], "categorical": []}
        for column in state["columns"]:
            kinds[column["kind"]].append(column["name"])
        transformer = cls(state["numeric"], kinds["numeric"], kinds["categorical"], state["log_columns"])
        transformer._set_columns(_column_from_state(column) for column in state["columns"])
        return transformer

    def _set_columns(self, columns: Iterable[_Column]) -> None:
        self._columns = tuple(columns)
        spans: list[Span] = []
        for column in self._columns:
            spans += column.spans(spans[-1].stop if spans else 0)
        self.spans = tuple(spans)

    def _blocks(self, features: npt.NDArray[Any]) -> Iterable[tuple[_Column, npt.NDArray[Any]]]:
        """Yield every column with its features, a view of shape (n, column.width)."""
        start = 0
        for column in self._columns:
            yield column, features[:, start : start + column.width]
            start += column.width

    def _require_fitted(self) -> None:
        if not self._columns:
            raise RuntimeError("This TabularTransformer has learned no table yet; call fit first.")


class _Column(Protocol):
    """One column's encoding; its attributes are its state."""

    kind: ClassVar[Kind]

    @property
    def name(self) -> str: ...

    @property
    def width(self) -> int: ...

    def spans(self, start: int) -> list[Span]: ...

    def encode(self, column: pd.Series[Any], block: Features, unknown: str) -> None:
        """Write the features into ``block`` of shape (n, width), which holds zeros."""

    def decode(self, block: Floats) -> pd.Series[Any]: ...


@dataclass(frozen=True)
class _NumericColumn:
    """A monotone piecewise-linear map from ``values`` to ``positions`` (both of shape (knots,))."""

    name: str
    dtype: dict[str, Any]
    transform: NumericTransform
    log: bool
    values: Tensor
    positions: Tensor
    minimum: float
    maximum: float
    fill: float
    decimals: int | None
    missing: bool

    kind: ClassVar[Kind] = "numeric"

    @classmethod
    def fit(cls, column: pd.Series[Any], transform: NumericTransform, log: bool) -> Self:
        numbers = to_numbers(column)
        present = np.sort(numbers[~np.isnan(numbers)])
        if not present.size:
            present = np.array([np.nan])
        values, positions = _knots(_log(present) if log else present, transform)
        return cls(
            name=str(column.name),
            dtype=dtype_to_state(column.dtype),
            transform=transform,
            log=log,
            values=torch.from_numpy(values),
            positions=torch.from_numpy(positions),
            minimum=float(present[0]),
            maximum=float(present[-1]),
            fill=float(np.median(present)),
            decimals=count_decimals(present),
            missing=bool(present.size < numbers.size),
        )

    @property
    def varies(self) -> bool:
        return self.maximum > self.minimum

    @property
    def width(self) -> int:
        return int(self.varies) + 2 * int(self.missing and not np.isnan(self.minimum))

    def spans(self, start: int) -> list[Span]:
        spans = []
        if self.varies:
            spans.append(Span(self.name, "tanh" if self.transform == "minmax" else "linear", start, 1))
        if self.width > 1:
            spans.append(Span(self.name, "categorical", start + len(spans), 2))
        return spans

    def encode(self, column: pd.Series[Any], block: Features, unknown: str) -> None:
        numbers = to_numbers(column)
        missing = np.isnan(numbers)
        if unknown == "error" and not self.missing and missing.any():
            raise InputError(
                f"Column {self.name!r} has missing values, but had none when its encoding was fitted; "
                "fill them in or drop those rows."
            )
        if self.varies:
            numbers = np.where(missing, self.fill, numbers)
            block[:, 0] = _interpolate(
                _log(numbers) if self.log else numbers, self.values.numpy(), self.positions.numpy()
            )
        if self.width > 1:
            block[:, -2], block[:, -1] = ~missing, missing

    def decode(self, block: Floats) -> pd.Series[Any]:
        numbers = np.full(len(block), self.minimum)
        if self.varies:
            numbers = np.interp(block[:, 0], self.positions.numpy(), self.values.numpy())
            numbers = np.clip(_exp(numbers) if self.log else numbers, self.minimum, self.maximum)
        if self.decimals is not None:
            numbers = np.round(numbers, self.decimals)
        if self.width > 1:
            numbers = np.where(block[:, -1] > block[:, -2], np.nan, numbers)
        return cast(pd.Series(numbers), self.dtype)


@dataclass(frozen=True)
class _CategoricalColumn:
    """One-hot over ``levels``, and over a last level for missing values if there were any."""

    name: str
    dtype: dict[str, Any]
    levels: list[Label]
    missing: bool

    kind: ClassVar[Kind] = "categorical"

    @classmethod
    def fit(cls, column: pd.Series[Any]) -> Self:
        codes, uniques = pd.factorize(column, sort=True)
        levels = pd.Index(uniques).tolist()
        if len(levels) > _MAX_CATEGORIES:
            raise InputError(
                f"Column {column.name!r} has {len(levels)} categories; drop it if it names the row, "
                "or name it as numeric if it holds numbers."
            )
        strange = [level for level in levels if not isinstance(level, str | int | float | bool)]
        if strange:
            raise InputError(
                f"Column {column.name!r} holds values such as {strange[0]!r}; "
                "convert them to numbers or strings, or drop the column."
            )
        return cls(str(column.name), dtype_to_state(column.dtype), levels, bool((codes < 0).any()))

    @property
    def width(self) -> int:
        choices = len(self.levels) + self.missing
        return choices if choices > 1 else 0

    def spans(self, start: int) -> list[Span]:
        return [Span(self.name, "categorical", start, self.width)] if self.width else []

    def encode(self, column: pd.Series[Any], block: Features, unknown: str) -> None:
        codes, uniques = pd.factorize(column)
        # Code -1, a missing value, picks the last entry.
        positions = np.array([*self._find(pd.Index(uniques).tolist(), unknown), self._missing(codes, unknown)])
        chosen = positions[codes]
        if self.width:
            rows = np.flatnonzero(chosen >= 0)
            block[rows, chosen[rows]] = 1

    def decode(self, block: Floats) -> pd.Series[Any]:
        choices = np.empty(len(self.levels) + self.missing, dtype=object)
        choices[: len(self.levels)] = self.levels
        choices[len(self.levels) :] = np.nan
        codes = block.argmax(axis=1) if self.width else np.zeros(len(block), dtype=np.int64)
        return cast(pd.Series(choices[codes], dtype=object), self.dtype)

    def _find(self, values: Sequence[Label], unknown: str) -> list[int]:
        """Return the position of every value among the levels (-1 where it is none of them)."""
        exact = {level: position for position, level in enumerate(self.levels)}
        # A file may hold as number what the fitted table held as text, and the reverse.
        spelled = {_spelling(level): position for level, position in exact.items()}
        positions = [exact.get(value, spelled.get(_spelling(value), -1)) for value in values]
        if unknown == "error" and -1 in positions:
            known = ", ".join(map(repr, self.levels[:8])) + (", …" if len(self.levels) > 8 else "")
            raise InputError(
                f"Column {self.name!r} holds the unknown category {values[positions.index(-1)]!r}; "
                f"the table that its encoding was fitted on had {known}."
            )
        return positions

    def _missing(self, codes: npt.NDArray[np.intp], unknown: str) -> int:
        """Return the position of missing values."""
        if unknown == "error" and not self.missing and (codes < 0).any():
            raise InputError(
                f"Column {self.name!r} has missing values, but had none when its encoding was fitted; "
                "fill them in or drop those rows."
            )
        return len(self.levels) if self.missing else -1


def _column_from_state(state: Mapping[str, Any]) -> _Column:
    fields = {key: value for key, value in state.items() if key != "kind"}
    return _NumericColumn(**fields) if state["kind"] == "numeric" else _CategoricalColumn(**fields)


def column_kinds(frame: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> dict[str, Kind]:
    """Return what every column holds: as named, or as its values say.

    Text, booleans, pandas categories and numbers of exactly two different values are categorical
    (so that nothing but those values can come back); other numbers are numeric.

    Raises:
        InputError: if a name is unknown, named twice or double in the table, or a column holds infinite
            numbers, mixed types or dates.
    """
    require_unique(frame.columns)
    require_columns(numeric, frame.columns, "numeric")
    require_columns(categorical, frame.columns, "categorical")
    if both := set(numeric) & set(categorical):
        raise InputError(f"Column {min(both)!r} is named both numeric and categorical; choose one.")
    kinds: dict[str, Kind] = {}
    for name in frame.columns:
        inferred = _infer_kind(frame[name], named_categorical=name in categorical)
        kinds[name] = "numeric" if name in numeric else "categorical" if name in categorical else inferred
    return kinds


def _infer_kind(column: pd.Series[Any], named_categorical: bool) -> Kind:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(dtype):
        return "categorical"
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype):
        to_numbers(column)
        return "categorical" if column.nunique() == 2 else "numeric"
    content = pd.api.types.infer_dtype(column, skipna=True)
    if content in ("integer", "floating", "mixed-integer-float", "decimal"):
        return _infer_kind(pd.to_numeric(column), named_categorical)
    if content not in ("string", "boolean", "empty"):
        raise _mixed(column) if content.startswith("mixed") else _unsupported(column, content)
    if content == "string" and not named_categorical:
        numbers = pd.to_numeric(pd.Series(column.dropna().unique()), errors="coerce").notna()
        if numbers.any() and not numbers.all():
            raise _mixed(column)
    return "categorical"


def _mixed(column: pd.Series[Any]) -> InputError:
    values = pd.Series(column.dropna().unique(), dtype=object)
    numbers = pd.to_numeric(values, errors="coerce").notna()
    examples = [values[numbers].iloc[:1].tolist(), values[~numbers].iloc[:1].tolist()]
    shown = " and ".join(repr(value) for example in examples for value in example)
    return InputError(
        f"Column {column.name!r} mixes types ({shown}); name it in `categorical` if it holds categories, "
        "or add what stands for a missing value to `missing_values`."
    )


def _unsupported(column: pd.Series[Any], content: str) -> InputError:
    return InputError(
        f"Column {column.name!r} holds {content} values, which cannot be encoded; "
        "drop it or convert it to numbers or strings."
    )


def convert_columns(frame: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """Return ``frame`` with numbers in columns named numeric and strings in mixed ones named categorical.

    Raises:
        InputError: if a column named numeric holds something that is no number.
    """
    changed: dict[str, Any] = {}
    for name in frame.columns.intersection(pd.Index(numeric)):
        if not pd.api.types.is_numeric_dtype(frame[name].dtype):
            changed[name] = to_numbers(frame[name])
    for name in frame.columns.intersection(pd.Index(categorical)):
        if pd.api.types.infer_dtype(frame[name], skipna=True).startswith("mixed"):
            changed[name] = frame[name].map(_spelling, na_action="ignore")
    return frame.assign(**changed) if changed else frame


def to_numbers(column: pd.Series[Any]) -> Floats:
    """Return the column as float64 of shape (n,), NaN where a value is missing.

    Raises:
        InputError: if a value is infinite or no number.
    """
    if not pd.api.types.is_numeric_dtype(column.dtype):
        plain = column.astype(object)
        column = pd.to_numeric(plain, errors="coerce")
        wrong = plain[column.isna() & plain.notna()]
        if len(wrong):
            raise InputError(
                f"Column {column.name!r} should hold numbers, but holds {wrong.iloc[0]!r}; correct it, "
                "add it to `missing_values`, or name the column in `categorical`."
            )
    numbers: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        raise InputError(f"Column {column.name!r} holds infinite values; replace them by numbers or missing values.")
    return numbers


def count_decimals(numbers: Floats) -> int | None:
    """Return the fewest decimals (0 to 6) that write every number exactly; None if none do."""
    present = numbers[~np.isnan(numbers)]
    for decimals in range(_MAX_DECIMALS + 1):
        if np.array_equal(np.round(present, decimals), present):
            return decimals
    return None


def require_columns(names: Iterable[str], columns: Iterable[str], where: str) -> None:
    """Raise unless every one of ``names`` (asked for by ``where``) is among ``columns``.

    Raises:
        InputError: naming the first that is not, and the column it may have meant.
    """
    known = list(columns)
    present = set(known)
    for name in names:
        if name not in present:
            close = difflib.get_close_matches(str(name), map(str, known), n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"the table has {', '.join(map(str, known))}."
            raise InputError(f"There is no column {name!r} in the table, as {where} asks for; {hint}")


def require_unique(columns: Sequence[str] | pd.Index[Any]) -> None:
    """Raise unless every column name occurs once.

    Raises:
        InputError: naming the first double one.
    """
    index = pd.Index(columns)
    if index.has_duplicates:
        raise InputError(f"The table has two columns named {index[index.duplicated()][0]!r}; rename one.")


def dtype_to_state(dtype: Any) -> dict[str, Any]:
    """Return a pandas dtype as plain strings and lists."""
    if isinstance(dtype, pd.CategoricalDtype):
        categories = dtype.categories
        return {
            "name": "category",
            "categories": categories.tolist(),
            "categories_dtype": str(categories.dtype),
            "ordered": bool(dtype.ordered),
        }
    return {"name": str(dtype)}


def cast(column: pd.Series[Any], dtype: Mapping[str, Any]) -> pd.Series[Any]:
    """Return ``column`` with the dtype that :func:`dtype_to_state` described."""
    if dtype["name"] != "category":
        return column.astype(dtype["name"])
    categories = pd.Index(dtype["categories"], dtype=dtype["categories_dtype"])
    return column.astype(pd.CategoricalDtype(categories, ordered=dtype["ordered"]))


def _spelling(value: Label) -> str:
    """Return how a value is written, with whole numbers written alike whatever their type."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _knots(values: Floats, transform: NumericTransform) -> tuple[Floats, Floats]:
    """Return the knots (values, positions) of the map of sorted ``values``."""
    if transform == "quantile":
        count = values.size
        ranks = np.unique(np.linspace(0, count - 1, min(count, _MAX_KNOTS)).round().astype(np.int64))
        positions = torch.special.ndtri(torch.from_numpy((ranks + 0.5) / count)).numpy()
        return values[ranks], positions
    ends = values[[0, -1]]
    if transform == "minmax" or ends[0] == ends[1]:
        return ends, np.array([-1.0, 1.0])
    return ends, (ends - values.mean()) / values.std()


def _interpolate(numbers: Floats, values: Floats, positions: Floats) -> Floats:
    """Return the positions of ``numbers``; one that several knots share gets the middle of theirs."""
    highest = np.interp(numbers, values, positions)
    lowest = -np.interp(-numbers, -values[::-1], -positions[::-1])
    middle: Floats = (highest + lowest) / 2
    return middle


def _log(numbers: Floats) -> Floats:
    signed: Floats = np.sign(numbers) * np.log1p(np.abs(numbers))
    return signed


def _exp(numbers: Floats) -> Floats:
    signed: Floats = np.sign(numbers) * np.expm1(np.abs(numbers))
    return signed
