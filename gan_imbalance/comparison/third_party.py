"""Third-party table generators to compare with; their dependencies are imported only when they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from joblib import parallel_config

from gan_imbalance.comparison.controls import in_the_form_of
from gan_imbalance.oversampling import TableOverSampler
from gan_imbalance.transforms.column_types import ColumnType
from gan_imbalance.transforms.dtypes import to_numbers, with_columns
from gan_imbalance.types import InputError, Label


class _ThirdPartyOverSampler(TableOverSampler):
    """A synthesizer of the package ``ctgan``, with that package's settings."""

    remedy_role: ClassVar[str] = "gan"
    _synthesizer: ClassVar[str]
    _batch_unit: ClassVar[int] = 1

    def __init__(
        self,
        *,
        epochs: int = 300,
        batch_size: int = 500,
        sampling_strategy: Any = "auto",
        categorical: list[str] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, categorical=categorical, random_state=random_state)
        self.epochs = epochs
        self.batch_size = batch_size

    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        if self.batch_size < 1 or self.batch_size % self._batch_unit:
            raise InputError(
                f"batch_size is {self.batch_size}; {self._synthesizer} needs a positive multiple of {self._batch_unit}."
            )
        synthesizer_class = _import_synthesizer(self._synthesizer)
        features = table.drop(columns=target)
        types = self._column_types(features)
        is_in_class = (table[target] == label).to_numpy()
        rows = features[is_in_class].reset_index(drop=True)
        encoded, discrete = _encode(rows, types)
        with _seeded(seed):
            synthesizer = synthesizer_class(epochs=self.epochs, batch_size=self.batch_size, enable_gpu=False)
            synthesizer.fit(encoded, discrete)
            made = synthesizer.sample(count)
        return with_columns(_decode(made, features, rows), {target: table[target][is_in_class].iloc[0]})


class CTGANOverSampler(_ThirdPartyOverSampler):
    """Tops up rare classes with rows of CTGAN (Xu et al., 2019), in its authors' implementation.

    It is trained only on the rows of the class, on the CPU. As in the Synthetic Data Vault and in this package's GANs,
    numbers are rounded to the decimals of their column and kept within the range of the class. CTGAN does not support
    missing numbers: they are filled with the median, and it learns an additional category that says whether a number
    is missing.

    Args:
        epochs: passes over the rows of the class, at least one step each.
        batch_size: rows per step, a multiple of 10; from a smaller class, rows are drawn with replacement.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        categorical: names of columns to treat as categorical where their dtype does not show it.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        synthetic_: the rows added, with their target, as a DataFrame.
    """

    _synthesizer = "CTGAN"
    # its discriminator scores ten rows at a time
    _batch_unit = 10


class TVAEOverSampler(_ThirdPartyOverSampler):
    """Tops up rare classes with rows of TVAE, CTGAN's variational counterpart, trained and decoded as CTGAN is.

    Args:
        epochs: passes over the rows of the class.
        batch_size: rows per step.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        categorical: names of columns to treat as categorical where their dtype does not show it.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        synthetic_: the rows added, with their target, as a DataFrame.
    """

    _synthesizer = "TVAE"


def _import_synthesizer(name: str) -> Any:
    try:
        import ctgan
    except ModuleNotFoundError as error:
        raise InputError(
            f"{name} is not installed (no module {error.name}): pip install 'gan-imbalance[benchmark]'."
        ) from error
    return getattr(ctgan, name)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global random states, which the package draws from, and restore them afterwards."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    # for 500 rows or more, the package would start processes that compete with those of the comparison
    with torch.random.fork_rng(), parallel_config("sequential"):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002


def _encode(rows: pd.DataFrame, types: dict[str, ColumnType]) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows as numbers without missing values, and which columns are discrete.

    A category, or a missing one, is encoded as the position of the first row that has it, so that it can be decoded
    whatever its type. The same holds for a numeric column that is constant within the class.
    """
    columns: dict[str, Any] = {}
    discrete = []
    for position, (name, column_type) in enumerate(types.items()):
        column = rows[name]
        if column_type != "numeric" or column.nunique() < 2:
            _, first, inverse = np.unique(pd.factorize(column)[0], return_index=True, return_inverse=True)
            columns[_key(position)] = first[inverse]
            discrete.append(_key(position))
            continue
        numbers = to_numbers(column)
        missing = np.isnan(numbers)
        columns[_key(position)] = np.where(missing, np.nanmedian(numbers), numbers)
        if missing.any():
            columns[_missing_key(position)] = missing.astype(np.int64)
            discrete.append(_missing_key(position))
    return pd.DataFrame(columns), discrete


def _decode(made: pd.DataFrame, table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return generated rows in the form of the table, whose ``rows`` the synthesizer learned from."""
    columns: dict[str, Any] = {}
    for position, name in enumerate(rows.columns):
        values = made[_key(position)].to_numpy()
        if pd.api.types.is_integer_dtype(values.dtype):
            columns[name] = rows[name].iloc[values].array
            continue
        observed = to_numbers(rows[name])
        numbers = np.clip(values, np.nanmin(observed), np.nanmax(observed))
        if _missing_key(position) in made:
            numbers = np.where(made[_missing_key(position)] == 1, np.nan, numbers)
        columns[name] = in_the_form_of(table[name], numbers)
    return pd.DataFrame(columns)


def _key(position: int) -> str:
    return f"column{position}"


def _missing_key(position: int) -> str:
    return f"column{position}missing"
