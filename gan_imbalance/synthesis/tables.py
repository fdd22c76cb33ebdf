"""Rows of a table from a generator's samples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gan_imbalance.checkpoints import telling_damage
from gan_imbalance.data.schema import TableSchema
from gan_imbalance.files import atomic_path, file_hash
from gan_imbalance.gans import ConditionalTabularGAN
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.transforms import TabularTransformer
from gan_imbalance.transforms.column_types import require_columns
from gan_imbalance.transforms.dtypes import with_columns
from gan_imbalance.transforms.levels import find_levels, take
from gan_imbalance.types import InputError, SyntheticSet

_CALIBRATION_SAMPLES = 10_000
_WRITERS = {".csv": "to_csv", ".csv.gz": "to_csv", ".parquet": "to_parquet"}


class TableSynthesis:
    """:class:`~gan_imbalance.synthesis.synthesize.Synthesis` of tables; samples are a DataFrame of features."""

    noun: ClassVar[str] = "rows"
    options: ClassVar[tuple[str, ...]] = ("calibrate", "given")

    def generate(
        self,
        gan: BaseGenerator,
        labels: Tensor,
        seed: int,
        calibrate: bool = False,
        given: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Return the features of one row per label.

        Args:
            gan: trained.
            labels: class indices, (n,).
            seed: the same seed gives the same rows.
            calibrate: whether to give numeric columns the marginals of the training rows.
            given: a categorical column and the value of every row.
        """
        with telling_damage("What the generator knows of the table"):
            transformer = TabularTransformer.from_state_dict(gan.data_state["transformer"])
        if given:
            encoded = _sample_given(gan, transformer, labels, given, seed).float().cpu()
        else:
            encoded = gan.sample(labels, seed).float().cpu()
        if calibrate:
            encoded = calibrate_marginals(gan, transformer, encoded, seed)
        features = transformer.inverse_transform(encoded, seed)
        return with_columns(features, _exact_values(gan, given, features)) if given else features

    def pack(
        self,
        gan: BaseGenerator,
        made: pd.DataFrame,
        labels: Tensor,
        manifest: dict[str, Any],
        calibrate: bool = False,
        given: Mapping[str, Any] | None = None,
    ) -> SyntheticSet:
        """Return rows with their target, in the input's columns and dtypes."""
        with telling_damage("What the generator knows of the table"):
            schema = TableSchema.from_dict(gan.data_state["schema"])
        rows = schema.restore(made, [gan.spec.classes[index] for index in labels.tolist()])
        told = {"calibrated": calibrate, "given": dict(given or {})}
        return SyntheticSet(rows, schema.target, {**manifest, **told, "dropped_columns": list(schema.dropped)})

    def write(self, synthetic: SyntheticSet, path: Path) -> dict[str, Any]:
        """Write .csv, .csv.gz or .parquet by the ending."""
        writer = next((writer for ending, writer in _WRITERS.items() if path.name.endswith(ending)), None)
        if writer is None:
            raise InputError(f"Cannot write {path.name}: end its name in .csv, .csv.gz or .parquet.")
        with atomic_path(path) as temporary:
            getattr(synthetic.rows, writer)(temporary, index=False)
            return {"target": synthetic.target, "rows_hash": file_hash(temporary)}


def _sample_given(
    gan: BaseGenerator, transformer: TabularTransformer, labels: Tensor, given: Mapping[str, Any], seed: int
) -> Tensor:
    """Return one encoded sample per label (n,), each with the given value of a categorical column."""
    if not isinstance(gan, ConditionalTabularGAN):
        raise InputError(
            f"A {type(gan).__name__} cannot be conditioned on the value of a column: train a ConditionalTabularGAN, "
            "or omit given."
        )
    columns = {span.name: span for span in gan.spec.categorical_columns}
    told = ", ".join(map(repr, columns)) or "none here"
    if len(given) != 1:
        raise InputError(f"given names {len(given)} columns: give the value of one, of {told}.")
    column, value = next(iter(given.items()))
    if column == gan.data_state["schema"]["target"]:
        raise InputError(f"given names the target {column!r}: say in counts how many rows each class gets.")
    # any row will do: it is there to find the value's place in the encoding
    row = transformer.inverse_transform(np.zeros((1, transformer.width)))
    require_columns([column], row.columns, "given")
    if column not in columns:
        raise InputError(f"given names {column!r}, whose values are not categories that vary: choose one of {told}.")
    encoded = transformer.transform(with_columns(row, {column: pd.Series([value], dtype=object)}))[0]
    span = columns[column]
    return gan.sample_given(labels, span.start + int(encoded[span.start : span.stop].argmax()), seed)


def _exact_values(gan: BaseGenerator, given: Mapping[str, Any], features: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """Return the given column with its value in every row; one of rare levels would else be drawn among them."""
    ((column, value),) = given.items()
    levels = next(state["levels"] for state in gan.data_state["transformer"]["columns"] if state["name"] == column)
    code = find_levels(pd.Series([value], dtype=object, name=column), levels, "error")
    return {column: take(levels, code.repeat(len(features))).astype(features[column].dtype)}


def calibrate_marginals(gan: BaseGenerator, transformer: TabularTransformer, encoded: Tensor, seed: int) -> Tensor:
    """Map every numeric feature by its rank among the generator's own samples to the normal quantile of that rank.

    The quantile transform makes the training rows' marginals standard normal, so decoded rows then have exactly
    those marginals; the dependence between columns (the copula) stays the generator's. Where a column has states
    (point masses, missing values), which one a row is in stays the generator's, too, and the continuous values are
    ranked among themselves. No data is looked at: ranks are taken in 10,000 fresh samples.

    Args:
        gan: the generator of the samples; it learnt one class.
        transformer: its quantile transformer.
        encoded: samples, (n, features).
        seed: of the fresh samples.

    Raises:
        InputError: if the training rows' marginals are not standard normal, because the transform is another, or
            because they are of several classes.
    """
    if transformer.numeric != "quantile" or len(set(gan.spec.condition_classes)) > 1:
        raise InputError(
            "calibrate needs a GAN of one class on quantile-transformed columns: train it with "
            "numeric_transform quantile and one class, or leave calibrate off."
        )
    labels = torch.full((_CALIBRATION_SAMPLES,), gan.trained_classes[0])
    reference = gan.sample(labels, seed + 1).float().cpu()
    states = {span.name: span for span in gan.spec.spans if span.is_categorical}
    calibrated = encoded.clone()
    for span in gan.spec.spans:
        if span.encoding == "linear":
            known = reference[:, span.start]
            if span.name in states:
                # the first state is that of continuous values
                block = states[span.name]
                known = known[reference[:, block.start : block.stop].argmax(dim=1) == 0]
            ranks = torch.searchsorted(known.sort().values, encoded[:, span.start].contiguous())
            calibrated[:, span.start] = torch.special.ndtri((ranks + 0.5) / (len(known) + 1))
    return calibrated
