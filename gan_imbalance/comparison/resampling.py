"""From a remedy to training rows; SMOTE and a GAN differ only in who wrote the rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.comparison.remedies import Remedy
from gan_imbalance.comparison.resources import Usage, measured
from gan_imbalance.components import build
from gan_imbalance.data.imbalance import Rows
from gan_imbalance.data.split import Split
from gan_imbalance.data.tables import Table
from gan_imbalance.files import provenance
from gan_imbalance.gans import BaseGAN
from gan_imbalance.oversampling import TableOverSampler
from gan_imbalance.quality import judge_rows
from gan_imbalance.synthesis import manifest_path, save_gan, write_synthetic_set
from gan_imbalance.transforms.dtypes import Features
from gan_imbalance.transforms.kinds import named_columns
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.types import InputError, Label, Span, SyntheticSet

# pairs of columns, the same ones for all remedies; more would take longer than many a remedy
_JUDGED_PAIRS = 50


@dataclass(frozen=True)
class Resampled:
    """The training rows that a remedy makes of a split's.

    Attributes:
        kept: real training rows that stay, as positions in the table.
        added: further rows, as a model sees them.
        labels: their class indices, shape (added rows,).
        notes: what was adapted to the data, in words.
        history: figures by training step, for GANs.
        usage: what resampling took, training of a GAN included.
        quality: how good, and how private, the added minority rows are: see :func:`~gan_imbalance.quality.judge_rows`.
        gans: the trained GANs, if any; written by :meth:`save`, not read back.
    """

    kept: Rows
    added: pd.DataFrame
    labels: Rows
    notes: list[str] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    quality: dict[str, float] = field(default_factory=dict)
    gans: tuple[BaseGAN, ...] = ()

    def limited_to(self, rows: int | None, seed: int) -> Resampled:
        """Return the same with at most so many added rows, drawn at random; fewer are a subset of more."""
        if rows is None or rows >= len(self.labels):
            return self
        chosen = np.random.default_rng(seed).permutation(len(self.labels))[:rows]
        return replace(self, added=self.added.iloc[chosen], labels=self.labels[chosen])

    def save(self, path: Path, table: Table, **made_from: Any) -> None:
        """Write the added rows in the input's form (Parquet), the GANs, and a manifest with all else beside them."""
        for number, gan in enumerate(self.gans):
            save_gan(gan, checkpoint_path(path, number))
        rows = table.schema.restore(self.added, [table.classes[label] for label in self.labels])
        manifest = provenance(
            **made_from,
            kept=self.kept.tolist(),
            notes=self.notes,
            history=self.history,
            usage=asdict(self.usage),
            quality=self.quality,
            checkpoints=[checkpoint_path(path, number).name for number in range(len(self.gans))],
        )
        write_synthetic_set(SyntheticSet(rows, table.schema.target, manifest), path)

    @classmethod
    def load(cls, path: Path, table: Table) -> Resampled:
        """Read what :meth:`save` wrote."""
        rows = pd.read_parquet(path)
        manifest = json.loads(manifest_path(path).read_text(encoding="utf-8"))
        codes = pd.Categorical(rows[table.schema.target].astype(object), categories=list(table.classes)).codes
        return cls(
            kept=np.array(manifest["kept"], dtype=np.int64),
            # an empty file has forgotten the categories
            added=table.schema.derive(rows).astype(table.features.dtypes),
            labels=codes.astype(np.int64),
            notes=manifest["notes"],
            history=manifest["history"],
            usage=Usage(**manifest["usage"]),
            # comparisons of earlier versions did not judge rows
            quality=manifest.get("quality", {}),
        )

    @staticmethod
    def exists(path: Path) -> bool:
        """Return whether :meth:`save` finished: the manifest is written last."""
        return manifest_path(path).is_file()


def checkpoint_path(rows: Path, number: int) -> Path:
    """Return where a GAN lies that wrote synthetic rows."""
    return rows.with_name(f"{rows.stem}-gan{number}.ckpt")


def fit_encoder(table: Table, rows: Rows) -> TabularTransformer:
    """Return the encoding that classifiers and imbalanced-learn's samplers see, fitted on ``rows``."""
    # a classifier needs no states, and SMOTE would copy them from a neighbour
    transformer = TabularTransformer(
        "standard", spikes=False, ordinal_columns=table.ordinal, **named_columns(table.column_types)
    )
    return transformer.fit(table.features.iloc[rows])


def resample(remedy: Remedy, table: Table, split: Split, minority: int, rows: int | None) -> Resampled:
    """Apply the remedy to the training rows of a split.

    imbalanced-learn's samplers see standardised, imputed numbers, and categories one-hot (SMOTENC and SMOTEN:
    as codes); a GAN's sampler sees the table. What they add comes back in the table's form. The added minority rows
    are judged against those of the training and the validation part; no test row is looked at.

    Args:
        remedy: one that changes rows.
        table: the whole table.
        split: which of its rows to learn from; its seed is the resampler's, too, unless that has its own.
        minority: index of the class to top up.
        rows: how many rows to add to it; None where the remedy decides.

    Raises:
        InputError: if further real rows are asked for and the reserve has none, or the resampler does not
            take its arguments.
    """
    transformer = fit_encoder(table, split.train)
    if remedy.reserve:
        made = _from_reserve(table, split, minority, rows)
    else:
        made = _from_sampler(remedy, table, split, minority, rows, transformer)
    return replace(made, quality=_judge(made, table, split, minority, transformer))


def _judge(
    made: Resampled, table: Table, split: Split, minority: int, transformer: TabularTransformer
) -> dict[str, float]:
    train, validation = (part[table.labels[part] == minority] for part in (split.train, split.validation))
    return judge_rows(
        transformer,
        table.features.iloc[train],
        made.added[made.labels == minority],
        table.features.iloc[validation],
        max_pairs=_JUDGED_PAIRS,
        seed=split.seed,
    )


def _from_sampler(
    remedy: Remedy, table: Table, split: Split, minority: int, rows: int | None, transformer: TabularTransformer
) -> Resampled:
    originals = _Rows(table.features.iloc[split.train].reset_index(drop=True), table.labels[split.train])
    sampler, notes = _build_sampler(remedy, transformer.spans)
    minority_rows = int(np.count_nonzero(originals.labels == minority))
    if getattr(sampler, "random_state", split.seed) is None:
        sampler.random_state = split.seed
    notes += _limit_neighbours(sampler, minority_rows)
    form: _Form = _TableForm(table)
    if not isinstance(sampler, TableOverSampler):
        form = _ArrayForm(transformer, _wants_codes(sampler))
    elif sampler.categorical is None:
        # told, since it infers from the types of the columns what the configuration may say otherwise
        sampler.categorical = [name for name, kind in table.column_types.items() if kind == "categorical"]
    if remedy.is_sized and rows is not None:
        sampler.sampling_strategy = {form.label(minority): minority_rows + rows}
    with measured() as usage:
        kept, added = _fit_resample(sampler, form, originals)
    return Resampled(
        kept=split.train[kept],
        added=added.features.reset_index(drop=True),
        labels=added.labels,
        notes=notes,
        history=getattr(sampler, "history_", []),
        usage=usage,
        gans=tuple({id(gan): gan for gan in getattr(sampler, "gans_", {}).values()}.values()),
    )


class _Rows(NamedTuple):
    features: pd.DataFrame
    labels: Rows


def _from_reserve(table: Table, split: Split, minority: int, rows: int | None) -> Resampled:
    candidates = split.reserve[table.labels[split.reserve] == minority]
    if not len(candidates):
        raise InputError("The split has no reserve of minority rows: set keep in the data, or leave real_rows out.")
    drawn = np.random.default_rng(split.seed).permutation(candidates)[:rows]
    return Resampled(split.train, table.features.iloc[drawn].reset_index(drop=True), table.labels[drawn])


def _build_sampler(remedy: Remedy, spans: Sequence[Span]) -> tuple[Any, list[str]]:
    """Return the resampler, and notes: SMOTE becomes the variant that suits the columns."""
    config = dict(remedy.resampler or {})
    categorical = [position for position, span in enumerate(spans) if span.kind == "categorical"]
    notes = []
    if config["class_path"] == "imblearn.over_sampling.SMOTE" and categorical:
        variant = "SMOTENC" if len(categorical) < len(spans) else "SMOTEN"
        notes = [f"{variant}, since there are categories or missing values"]
        config["class_path"] = f"imblearn.over_sampling.{variant}"
    if config["class_path"] == "imblearn.over_sampling.SMOTENC":
        config["init_args"] = {"categorical_features": categorical, **remedy.init_args}
    try:
        sampler = build(config)
    except TypeError as error:
        raise InputError(
            f"Remedy {remedy.name!r}: {config['class_path']} does not take these arguments: {error}."
        ) from error
    return sampler, notes


def _limit_neighbours(sampler: Any, minority_rows: int) -> list[str]:
    """Lower the number of neighbours to what a small minority has, and say so."""
    notes = []
    for parameter in ("k_neighbors", "n_neighbors"):
        neighbours = getattr(sampler, parameter, None)
        if isinstance(neighbours, int) and neighbours >= minority_rows:
            setattr(sampler, parameter, minority_rows - 1)
            notes.append(f"{parameter} {minority_rows - 1} instead of {neighbours}: {minority_rows} minority rows")
    return notes


def _wants_codes(sampler: Any) -> bool:
    from imblearn.over_sampling import SMOTEN, SMOTENC

    return isinstance(sampler, SMOTENC | SMOTEN)


class _Form(Protocol):
    """What a sampler sees of a table, and the way back."""

    def label(self, index: int) -> Label: ...

    def encode(self, rows: _Rows) -> tuple[Any, Any]: ...

    def decode(self, features: Any, labels: Any) -> _Rows: ...


@dataclass(frozen=True)
class _TableForm:
    """The table as it is, classes and the target's name included, so that a GAN's checkpoint knows them."""

    table: Table

    @property
    def classes(self) -> list[Label]:
        """Return the classes as the sampler sees them: scikit-learn takes 0.5 and 1.5 for no classes at all."""
        classes = list(self.table.classes)
        fractions = any(isinstance(label, float) and not label.is_integer() for label in classes)
        return list(range(len(classes))) if fractions else classes

    def label(self, index: int) -> Label:
        return self.classes[index]

    def encode(self, rows: _Rows) -> tuple[pd.DataFrame, pd.Series[Any]]:
        classes = self.classes
        return rows.features, pd.Series([classes[index] for index in rows.labels], name=self.table.schema.target)

    def decode(self, features: pd.DataFrame, labels: pd.Series[Any]) -> _Rows:
        codes = pd.Categorical(labels.astype(object), categories=self.classes).codes
        return _Rows(features, codes.astype(np.int64))


@dataclass(frozen=True)
class _ArrayForm:
    """Encoded features, or one number per column: its standardised value or the code of its category."""

    transformer: TabularTransformer
    as_codes: bool

    def label(self, index: int) -> Label:
        return index

    def encode(self, rows: _Rows) -> tuple[Features, Rows]:
        features = self.transformer.transform(rows.features)
        if not self.as_codes:
            return features, rows.labels
        blocks = [features[:, span.start : span.stop] for span in self.transformer.spans]
        columns = [block.argmax(axis=1) if block.shape[1] > 1 else block[:, 0] for block in blocks]
        return np.column_stack(columns).astype(np.float32), rows.labels

    def decode(self, features: npt.NDArray[Any], labels: Rows) -> _Rows:
        if self.as_codes:
            columns = zip(self.transformer.spans, features.T, strict=True)
            features = np.hstack([_one_hot(column, span) for span, column in columns])
        return _Rows(self.transformer.inverse_transform(features), np.asarray(labels, dtype=np.int64))


def _one_hot(column: npt.NDArray[Any], span: Span) -> npt.NDArray[Any]:
    return np.eye(span.size)[column.astype(np.int64)] if span.kind == "categorical" else column[:, None]


def _fit_resample(sampler: Any, form: _Form, originals: _Rows) -> tuple[Rows, _Rows]:
    """Return the positions of the originals that are kept, and the rows added.

    A sampler that neither names the rows it chose nor puts all originals first wrote all rows itself.
    """
    encoded, targets = form.encode(originals)
    resampled, labels = sampler.fit_resample(encoded, targets)
    indices = np.asarray(getattr(sampler, "sample_indices_", []))
    # a sampler may name the rows that it started from, and move them
    if len(indices) and pd.DataFrame(resampled).equals(pd.DataFrame(encoded[indices])):
        kept, repeated = _first_occurrences(indices)
        return kept, _Rows(originals.features.iloc[repeated], originals.labels[repeated])
    count = len(originals.labels)
    unchanged = pd.DataFrame(resampled[:count]).equals(pd.DataFrame(encoded))
    first = count if unchanged else 0
    return np.arange(first), form.decode(resampled[first:], labels[first:])


def _first_occurrences(indices: Rows) -> tuple[Rows, Rows]:
    """Return the sorted distinct ``indices``, and those that repeat an earlier one."""
    distinct, first = np.unique(indices, return_index=True)
    return distinct, np.delete(indices, first)
