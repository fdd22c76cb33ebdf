"""Real and synthetic rows side by side: what their columns hold, and what no real row would hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from gan_imbalance.quality import spelled
from gan_imbalance.transforms.column_types import require_columns
from gan_imbalance.transforms.dtypes import Floats, count_decimals, parsed
from gan_imbalance.transforms.written_numbers import warn_of_numbers
from gan_imbalance.types import InputError, quoted

_DATE = r"\d{4}-\d\d-\d\d"
_MAX_CLASSES = 50
# a value that should be in at least this many synthetic rows and is in less than a tenth of them is lost, not unlucky
_EXPECTED_ROWS = 10
_LEAST_SHARE = 0.1
# that equal numbers share, however they were written and read
_DIGITS = 12
_SECONDS_PER_DAY = 86_400

ColumnType = Literal["numeric", "categorical", "date"]


@dataclass(frozen=True)
class Alert:
    """Something that synthetic rows hold and real ones do not, or the reverse.

    Attributes:
        column: where; empty for whole rows.
        problem: what, in a word or two, such as ``out of range``.
        rows: how many synthetic rows it concerns.
        text: the same in a sentence.
    """

    column: str
    problem: str
    rows: int
    text: str


@dataclass(frozen=True)
class Tables:
    """Tables in one form: numbers as float64, dates as days since 1970, categories as text; missing values stay.

    Attributes:
        real: rows that the generator learned from, with the columns of ``column_types``.
        synthetic: rows to judge.
        holdout: real rows that the generator has not seen, if there are any.
        column_types: what every column of the real rows holds, in order.
        strange: of numeric and date columns, synthetic values that are neither, by column.
    """

    real: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame | None
    column_types: dict[str, ColumnType]
    strange: Mapping[str, Sequence[Any]]

    @classmethod
    def of(
        cls,
        real: pd.DataFrame,
        synthetic: pd.DataFrame,
        holdout: pd.DataFrame | None = None,
        target: str | None = None,
        drop: Sequence[str] = (),
    ) -> Self:
        """Bring tables of any types to one form; the real rows say what a column holds.

        Raises:
            InputError: if a table has no rows or other columns than the real one, a name is unknown, the target is
                dropped or no column of classes, or a held-out value is of another type than the real ones.
        """
        named = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"held-out": holdout})
        for name, frame in named.items():
            if frame.empty:
                raise InputError(f"The {name} table has no rows or no columns; give one with both.")
        require_columns(drop, real.columns, "drop")
        columns = [name for name in real.columns if name not in set(drop)]
        if target is not None:
            require_columns([target], real.columns, "target")
            if target in drop:
                raise InputError(f"drop names {quoted(target)}, which is the target; leave it out.")
        for name, frame in named.items():
            _require_same_columns(columns, frame, name, drop)
        column_types: dict[str, ColumnType] = {name: _type_of(real[name]) for name in columns}
        if not any(real[name].notna().any() for name in columns):
            raise InputError("The real table has no value in any column; give one with values.")
        if target is not None:
            _require_classes(real[target])
            column_types[target] = "categorical"
        forms = {name: _form(frame[columns], column_types) for name, frame in named.items()}
        for name in ("real", "held-out"):
            for column, values in forms[name][1].items() if name in forms else ():
                raise InputError(
                    f"Column {quoted(column)} of the {name} table holds {quoted(values[0])} among numbers or dates; "
                    "correct it, or drop the column."
                )
        unseen = forms["held-out"][0] if "held-out" in forms else None
        return cls(forms["real"][0], forms["synthetic"][0], unseen, column_types, forms["synthetic"][1])

    @property
    def numeric(self) -> list[str]:
        """Return the columns that hold numbers or dates."""
        return [name for name, held in self.column_types.items() if held != "categorical"]

    @property
    def categorical(self) -> list[str]:
        """Return the columns that hold categories."""
        return [name for name, held in self.column_types.items() if held == "categorical"]

    def swapped(self) -> Tables | None:
        """Return one half of the held-out rows in the place of the synthetic ones; None where there are too few."""
        if self.holdout is None or len(self.holdout) < 2:
            return None
        order = np.random.default_rng(0).permutation(len(self.holdout))
        first, second = (self.holdout.iloc[order[start::2]] for start in (0, 1))
        return replace(self, synthetic=first, holdout=second, strange={})


def _require_same_columns(columns: Sequence[str], frame: pd.DataFrame, name: str, drop: Sequence[str]) -> None:
    missing = [column for column in columns if column not in frame.columns]
    more = [column for column in frame.columns if column not in {*columns, *drop}]
    if name != "real" and (missing or more):
        lacks = f"lacks {', '.join(map(repr, missing))}" if missing else ""
        has = f"has {', '.join(map(repr, more))} besides" if more else ""
        raise InputError(
            f"The {name} table {' and '.join(filter(None, (lacks, has)))}: give tables with the columns of the real "
            "one, or drop those that only the real one has."
        )


def _require_classes(column: pd.Series[Any]) -> None:
    count = column.nunique()
    if not 2 <= count <= _MAX_CLASSES:
        raise InputError(
            f"The target {quoted(column.name)} has {count} different values; name a column of 2 to {_MAX_CLASSES} "
            "classes."
        )


def _type_of(column: pd.Series[Any]) -> ColumnType:
    """Return what a real column holds; as elsewhere, numbers of exactly two different values are categories."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return "date"
    content = pd.api.types.infer_dtype(column, skipna=True)
    if content in ("integer", "floating", "mixed-integer-float", "decimal"):
        return "categorical" if column.nunique() == 2 or _is_category(column) else "numeric"
    if content in ("date", "datetime", "datetime64"):
        return "date"
    if content == "string" and not _is_category(column) and column.dropna().str.match(_DATE).all():
        return "date" if np.isnan(_to_days(column)).sum() == column.isna().sum() else "categorical"
    if content == "string" and not _is_category(column):
        warn_of_numbers(column)
    return "categorical"


def _is_category(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _form(frame: pd.DataFrame, column_types: Mapping[str, ColumnType]) -> tuple[pd.DataFrame, dict[str, list[Any]]]:
    """Return the frame in the common form, and the values that could not be brought to it."""
    columns: dict[str, Any] = {}
    strange: dict[str, list[Any]] = {}
    for name, held in column_types.items():
        column = frame[name].reset_index(drop=True)
        if held == "categorical":
            columns[name] = spelled(column)
            continue
        numbers = _to_days(column) if held == "date" else _to_floats(column)
        numbers[np.isinf(numbers)] = np.nan
        columns[name] = numbers
        wrong = np.isnan(numbers) & column.notna().to_numpy()
        if wrong.any():
            strange[name] = column[wrong].tolist()
    return pd.DataFrame(columns), strange


def _to_floats(column: pd.Series[Any]) -> Floats:
    """Return a copy of the column as float64, NaN where a value is no number."""
    if not pd.api.types.is_numeric_dtype(column.dtype):
        column = parsed(column)
    return np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))


def _to_days(column: pd.Series[Any]) -> Floats:
    moments = pd.to_datetime(column.astype(object), errors="coerce", utc=True, format="ISO8601")
    days = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    return np.array(days, dtype=np.float64)


def describe_columns(tables: Tables, shapes: pd.Series[float]) -> list[dict[str, Any]]:
    """Return of every column its type, score and, for real and synthetic rows, what it holds.

    Args:
        tables: in one form.
        shapes: score of every column, see :func:`~gan_imbalance.metrics.column_shapes`.
    """
    described = []
    for name, held in tables.column_types.items():
        pair = tables.real[name], tables.synthetic[name]
        described.append(
            {
                "name": name,
                "type": held,
                "score": float(shapes[name]),
                **{side: _describe(column, held) for side, column in zip(("real", "synthetic"), pair, strict=True)},
            }
        )
    return described


def _describe(column: pd.Series[Any], held: ColumnType) -> dict[str, Any]:
    if held == "categorical":
        counts = column.value_counts(normalize=True)
        most_frequent = {str(level): float(share) for level, share in counts.head(3).items()}
        return {
            "missing": float(column.isna().mean()),
            "distinct": len(counts),
            "most_frequent": most_frequent,
        }
    numbers = column.to_numpy()
    present = numbers[~np.isnan(numbers)]
    shared = {"missing": 1 - len(present) / len(numbers), "distinct": len(np.unique(present))}
    names = ("mean", "deviation", "low", "median", "high")
    if not present.size:
        return shared | dict.fromkeys(names, np.nan)
    values = present.mean(), present.std(), present.min(), np.median(present), present.max()
    described = {key: float(value) for key, value in zip(names, values, strict=True)}
    if held == "date":
        return shared | {key: value if key == "deviation" else _shown(value, held) for key, value in described.items()}
    return shared | described


def find_alerts(tables: Tables) -> list[Alert]:
    """Return what synthetic rows hold that real ones do not, and the reverse; columns in order, whole rows last."""
    alerts = [alert for name in tables.column_types for alert in _column_alerts(tables, name)]
    return [*alerts, *_row_alerts(tables)]


def _column_alerts(tables: Tables, name: str) -> Iterator[Alert]:
    real, synthetic = tables.real[name], tables.synthetic[name]
    if name in tables.strange:
        values = tables.strange[name]
        text = f"values such as {quoted(values[0])} where real rows hold {tables.column_types[name]} values"
        yield Alert(name, "wrong type", len(values), text)
    yield from _missing_alerts(name, real, synthetic, len(tables.strange.get(name, ())))
    present, made = real.dropna(), synthetic.dropna()
    if present.empty or made.empty:
        return
    if tables.column_types[name] == "categorical":
        yield from _category_alerts(name, present, made)
    else:
        yield from _number_alerts(name, present, made, tables.column_types[name])
    if _is_constant(made) and not _is_constant(present):
        only = _shown(made.iloc[0], tables.column_types[name])
        text = f"nothing but {only}; real rows hold {present.nunique():,} values"
        yield Alert(name, "constant", len(made), text)


def _is_constant(present: pd.Series[Any]) -> bool:
    values = present.to_numpy()
    return bool((values == values[0]).all())


def _missing_alerts(name: str, real: pd.Series[Any], synthetic: pd.Series[Any], strange: int) -> Iterator[Alert]:
    missing = int(synthetic.isna().sum()) - strange
    share = float(real.isna().mean())
    if missing and not share:
        yield Alert(name, "missing values", missing, "no value, while all real rows have one")
    if missing < _LEAST_SHARE * share * len(synthetic) and share * len(synthetic) >= _EXPECTED_ROWS:
        text = f"{share:.1%} of the real rows have no value, but {missing / len(synthetic):.1%} of the synthetic ones"
        yield Alert(name, "missing values lost", missing, text)


def _category_alerts(name: str, real: pd.Series[Any], synthetic: pd.Series[Any]) -> Iterator[Alert]:
    counts = synthetic.value_counts()
    shares = real.value_counts(normalize=True)
    unknown = counts[~counts.index.isin(shares.index)]
    if len(unknown):
        examples = ", ".join(repr(level) for level in unknown.index[:3])
        text = f"values that no real row holds, such as {examples}"
        yield Alert(name, "unknown value", int(unknown.sum()), text)
    expected = shares * len(synthetic)
    lost = expected[(expected >= _EXPECTED_ROWS) & (counts.reindex(shares.index).fillna(0) < _LEAST_SHARE * expected)]
    if len(lost):
        examples = ", ".join(f"{quoted(level)} ({shares[level]:.1%} of the real rows)" for level in lost.index[:3])
        text = f"{len(lost)} of {len(shares)} real values hardly occur: {examples}"
        yield Alert(name, "lost value", int(counts.reindex(lost.index).fillna(0).sum()), text)


def _number_alerts(name: str, real: pd.Series[Any], synthetic: pd.Series[Any], held: ColumnType) -> Iterator[Alert]:
    known, made = real.to_numpy(), synthetic.to_numpy()
    low, high = known.min(), known.max()
    outside = made[(made < low) | (made > high)]
    if len(outside):
        text = (
            f"outside of the real range {_shown(low, held)} to {_shown(high, held)}, such as {_shown(outside[0], held)}"
        )
        yield Alert(name, "out of range", len(outside), text)
    decimals = count_decimals(known)
    if decimals is None:
        return
    finer = made[made.round(decimals) != made]
    if len(finer):
        whole = "whole days" if held == "date" else "whole numbers"
        form = whole if not decimals else f"numbers of {decimals} decimals"
        text = f"no {form}, as all real values are, such as {finer[0]:.10g}"
        yield Alert(name, "not whole" if not decimals else "too many decimals", len(finer), text)


def _shown(value: Any, held: ColumnType) -> str:
    if held == "categorical":
        return repr(value)
    if held == "numeric":
        return f"{value:.10g}"
    # numpy's dates reach further than those of pandas
    second = np.datetime64(int(np.floor(value * _SECONDS_PER_DAY)), "s")
    return str(second).replace("T", " ").removesuffix(" 00:00:00")


def _row_alerts(tables: Tables) -> Iterator[Alert]:
    real, synthetic = _row_hashes(tables.real), _row_hashes(tables.synthetic)
    duplicates, real_share = int(synthetic.duplicated().sum()), float(real.duplicated().mean())
    if duplicates:
        share = duplicates / len(synthetic)
        text = f"{share:.1%} of the rows repeat an earlier one, against {real_share:.1%} of the real rows"
        yield Alert("", "duplicates", duplicates, text)
    copies = int(synthetic.isin(real).sum())
    if copies:
        held_out = ""
        if tables.holdout is not None:
            held_out = f", as do {_row_hashes(tables.holdout).isin(real).mean():.1%} of the held-out rows"
        text = f"{copies / len(synthetic):.1%} of the rows equal a real row{held_out}"
        yield Alert("", "copies", copies, text)


def _row_hashes(rows: pd.DataFrame) -> pd.Series[int]:
    """Return a number for every row, the same for rows that are equal but for the last digits of a float."""
    numbers = rows.select_dtypes("number").to_numpy(dtype=np.float64)
    magnitude = np.floor(np.log10(np.where(numbers != 0, np.abs(numbers), 1.0)))
    step = 10.0 ** (magnitude - _DIGITS + 1)
    # adding zero makes -0.0 the 0.0 that it equals
    rounded = pd.DataFrame(np.round(numbers / step) * step + 0.0, index=rows.index)
    return pd.util.hash_pandas_object(pd.concat([rounded, rows.select_dtypes("object")], axis=1), index=False)
