"""The form a table came in, the form a model sees, and the way between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np
import pandas as pd

from gan_imbalance.transforms.column_types import require_columns, require_unique
from gan_imbalance.transforms.dtypes import cast, count_decimals, dtype_to_state, to_numbers, with_columns
from gan_imbalance.types import InputError, Label, quoted

Derivation = Literal["hour_of_day", "log10"]

_SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class TableSchema:
    """The columns of an input table; plain values only.

    Attributes:
        dtypes: dtype of every column of the input, in order, target included.
        target: the column to predict.
        dropped: columns that are left out for good.
        derivations: columns that a model sees in another form. ``hour_of_day``: seconds to hours, 0 to 23
            (back: the hour's first second of the first day); ``log10``: log10(x + 1) (back: 10**x - 1).
        decimals: number of decimals of the derived columns' input (None: as many as a float has).
    """

    dtypes: dict[str, dict[str, Any]]
    target: str
    dropped: tuple[str, ...] = ()
    derivations: dict[str, Derivation] = field(default_factory=dict)
    decimals: dict[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        target: str,
        drop: Sequence[str] = (),
        derive: Mapping[str, Derivation] | None = None,
    ) -> Self:
        """Describe ``frame``.

        Raises:
            InputError: if a name is unknown or a duplicate, the target is dropped or derived, a column is to be
                derived that holds no numbers, or no feature is left.
        """
        derive = dict(derive or {})
        require_unique(frame.columns)
        require_columns([target], frame.columns, "target")
        require_columns(drop, frame.columns, "drop")
        require_columns(derive, frame.columns, "derive")
        for option, names in (("drop", list(drop)), ("derive", list(derive))):
            if target in names:
                raise InputError(f"{option} names {quoted(target)}, which is the target; leave it out.")
        if not set(frame.columns) - {target, *drop}:
            raise InputError(f"The table has no column left besides the target {quoted(target)}; drop fewer.")
        return cls(
            dtypes={name: dtype_to_state(frame[name].dtype) for name in frame.columns},
            target=target,
            dropped=tuple(drop),
            derivations={name: how for name, how in derive.items() if name not in drop},
            decimals={name: count_decimals(to_numbers(frame[name])) for name in derive if name not in drop},
        )

    @property
    def features(self) -> list[str]:
        """Return the columns that a model sees, in order."""
        return [name for name in self.dtypes if name != self.target and name not in self.dropped]

    def derive(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a table of the input's form as a model sees it: without target and dropped columns.

        Raises:
            InputError: if a column is missing, or cannot be derived.
        """
        require_columns(self.features, frame.columns, "the table's form")
        derived = {name: _derive(frame[name], how) for name, how in self.derivations.items()}
        return with_columns(frame[self.features], derived)

    def restore(self, features: pd.DataFrame, labels: Sequence[Label]) -> pd.DataFrame:
        """Return rows as a model sees them in the input's form: its columns, order and dtypes.

        Args:
            features: n rows with the columns of :attr:`features`; dropped columns cannot come back.
            labels: the n values of the target.

        Raises:
            InputError: if a column is missing.
        """
        require_columns(self.features, features.columns, "the table's form")
        columns: dict[str, pd.Series[Any]] = {name: features[name] for name in self.features}
        for name, how in self.derivations.items():
            columns[name] = _underive(columns[name], how, self.decimals[name])
        columns[self.target] = pd.Series(list(labels), index=features.index, dtype=object)
        return pd.DataFrame(
            {name: cast(columns[name], dtype) for name, dtype in self.dtypes.items() if name in columns}
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """Rebuild the schema that :meth:`to_dict` wrote."""
        return cls(**{**state, "dropped": tuple(state["dropped"])})


def _derive(column: pd.Series[Any], how: Derivation) -> pd.Series[Any]:
    numbers = pd.Series(to_numbers(column), index=column.index)
    if how == "hour_of_day":
        return numbers // _SECONDS_PER_HOUR % 24
    if numbers.min() < 0:
        raise InputError(
            f"Column {quoted(column.name)} holds {numbers.min()}, but log10 needs 0 or more; "
            "correct it or take the column out of `derive`."
        )
    return pd.Series(np.log10(numbers + 1), index=column.index)


def _underive(column: pd.Series[Any], how: Derivation, decimals: int | None) -> pd.Series[Any]:
    if how == "hour_of_day":
        return column * _SECONDS_PER_HOUR
    numbers = 10**column - 1
    return numbers if decimals is None else numbers.round(decimals)
