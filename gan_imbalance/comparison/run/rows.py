"""From a remedy to training rows; SMOTE and a GAN differ only in who wrote the rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from gan_imbalance.comparison.adapters import Content, DataAdapter, View, equal, pick
from gan_imbalance.comparison.plan.remedies import Remedy
from gan_imbalance.comparison.run.resources import Usage, measured
from gan_imbalance.components import build
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.data.split import Split
from gan_imbalance.files import content_hash, provenance
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.synthesis import checkpoint_bytes
from gan_imbalance.types import InputError


class RowSet(NamedTuple):
    """The rows that a remedy adds to a split's, as files hold them.

    Attributes:
        rows: in the form of the data, see :meth:`~gan_imbalance.comparison.adapters.DataAdapter.dump`.
        checkpoints: of the GANs that made them, if any.
        manifest: what made them, and what is known of them, in plain values.
    """

    rows: bytes
    checkpoints: tuple[bytes, ...]
    manifest: dict[str, Any]


@dataclass(frozen=True)
class Resampled:
    """The training rows that a remedy makes of a split's.

    Attributes:
        kept: real training rows that stay, as positions in the data.
        added: further rows, as a model sees them: see :data:`~gan_imbalance.comparison.adapters.Content`.
        labels: their class indices, shape (added rows,).
        notes: what was adapted to the data, in words.
        history: figures by training step, for GANs.
        usage: what resampling took, training of a GAN included.
        quality: how good, and how private, the added minority rows are: see :mod:`gan_imbalance.quality`.
        gans: the trained GANs, if any; :meth:`pack` packs them, :meth:`unpack` leaves them.
    """

    kept: Indices
    added: Content
    labels: Indices
    notes: list[str] = field(default_factory=list)
    history: list[dict[str, float]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    quality: dict[str, float] = field(default_factory=dict)
    gans: tuple[BaseGenerator, ...] = ()

    def limited_to(self, rows: int | None, seed: int) -> Resampled:
        """Return the same with at most ``rows`` added rows, drawn at random; fewer are a subset of more."""
        if rows is None or rows >= len(self.labels):
            return self
        chosen = np.random.default_rng(seed).permutation(len(self.labels))[:rows]
        return replace(self, added=pick(self.added, chosen), labels=self.labels[chosen])

    def pack(self, adapter: DataAdapter, **made_from: Any) -> RowSet:
        """Return the added rows in the form of the data, the GANs, and a manifest with all else, as files hold them."""
        rows = adapter.dump(self.added, self.labels)
        manifest = provenance(
            **made_from,
            kept=self.kept.tolist(),
            notes=self.notes,
            history=self.history,
            usage=asdict(self.usage),
            quality=self.quality,
            rows_hash=content_hash(rows),
        )
        return RowSet(rows, tuple(checkpoint_bytes(gan) for gan in self.gans), manifest)

    @classmethod
    def unpack(cls, packed: RowSet, adapter: DataAdapter) -> Resampled:
        """Return what :meth:`pack` packed, but for the GANs."""
        added, labels = adapter.load(packed.rows)
        manifest = packed.manifest
        return cls(
            kept=np.array(manifest["kept"], dtype=np.int64),
            added=added,
            labels=labels,
            notes=manifest["notes"],
            history=manifest["history"],
            usage=Usage(**manifest["usage"]),
            quality=manifest["quality"],
        )


def resample(
    remedy: Remedy, adapter: DataAdapter, data: ImbalanceDataModule, minority: int, rows: int | None
) -> Resampled:
    """Apply the remedy to the training rows of a split.

    imbalanced-learn's samplers see numbers (of a table standardised and imputed, and categories one-hot, or as codes
    for SMOTENC and SMOTEN); one with ``top_up`` learns from the data module itself, split and encoding included. What
    they add comes back in the data's form.
    The added minority rows are judged against those of the training and the validation part; no test row is looked at.

    Args:
        remedy: one that changes rows.
        adapter: of the data, fitted on the training part.
        data: with the split to learn from, whose seed is the resampler's, too, unless that has its own.
        minority: index of the class to top up.
        rows: how many rows to add to it; None where the remedy decides.

    Raises:
        InputError: if further real rows are asked for and the reserve has none, or the resampler does not
            take its arguments.
    """
    split, labels = data.split, adapter.samples.labels
    if remedy.reserve:
        made = _from_reserve(adapter, split, minority, rows)
    else:
        sampler, notes = _new_sampler(remedy, adapter, split, minority, rows)
        with measured() as usage:
            if hasattr(sampler, "top_up"):
                kept = np.arange(len(split.train))
                added, added_labels = sampler.top_up(data)
            else:
                view = adapter.view(sampler)
                kept, added, added_labels = _fit_resample(sampler, view, adapter.take(split.train), labels[split.train])
        made = Resampled(
            kept=split.train[kept],
            added=added,
            labels=added_labels,
            notes=notes,
            history=getattr(sampler, "history_", []),
            usage=usage,
            gans=tuple({id(gan): gan for gan in getattr(sampler, "gans_", {}).values()}.values()),
        )
    train, validation = (part[labels[part] == minority] for part in (split.train, split.validation))
    minority_rows = pick(made.added, np.flatnonzero(made.labels == minority))
    return replace(made, quality=adapter.judge(train, minority_rows, validation, split.seed))


def _new_sampler(
    remedy: Remedy, adapter: DataAdapter, split: Split, minority: int, rows: int | None
) -> tuple[Any, list[str]]:
    """Return the remedy's sampler as it suits the split, and what was adapted, in words."""
    config, notes = adapter.adapt_resampler(remedy.resampler or {})
    try:
        sampler = build(config)
    except TypeError as error:
        raise InputError(
            f"Remedy {remedy.name!r}: {config['class_path']} does not take these arguments: {error}."
        ) from error
    minority_rows = int(np.count_nonzero(adapter.samples.labels[split.train] == minority))
    if getattr(sampler, "random_state", split.seed) is None:
        sampler.random_state = split.seed
    # one that keeps what it learns, and has not been told where
    if adapter.cache is not None and getattr(sampler, "cache", "") is None:
        sampler.cache = str(adapter.cache)
    notes += _limit_neighbours(sampler, minority_rows)
    if remedy.is_sized and rows is not None:
        # one that learns the data module knows the classes by name
        learns = hasattr(sampler, "top_up")
        label = adapter.samples.classes[minority] if learns else adapter.view(sampler).label(minority)
        sampler.sampling_strategy = {label: minority_rows + rows}
    return sampler, notes


def _from_reserve(adapter: DataAdapter, split: Split, minority: int, rows: int | None) -> Resampled:
    labels = adapter.samples.labels
    candidates = split.reserve[labels[split.reserve] == minority]
    if not len(candidates):
        raise InputError("The split has no reserve of minority rows: set keep in the data, or leave real_rows out.")
    drawn = np.random.default_rng(split.seed).permutation(candidates)[:rows]
    return Resampled(split.train, adapter.take(drawn), labels[drawn])


def _limit_neighbours(sampler: Any, minority_rows: int) -> list[str]:
    """Lower the number of neighbours to what a small minority has, and say so."""
    notes = []
    for parameter in ("k_neighbors", "n_neighbors"):
        neighbours = getattr(sampler, parameter, None)
        if isinstance(neighbours, int) and neighbours >= minority_rows:
            setattr(sampler, parameter, minority_rows - 1)
            notes.append(f"{parameter} {minority_rows - 1} instead of {neighbours}: {minority_rows} minority rows")
    return notes


def _fit_resample(sampler: Any, view: View, content: Content, labels: Indices) -> tuple[Indices, Content, Indices]:
    """Return the positions of the originals that are kept, and the samples added with their labels.

    A sampler that neither names the rows it chose nor puts all originals first wrote all rows itself.
    """
    encoded, targets = view.encode(content, labels)
    resampled, resampled_targets = sampler.fit_resample(encoded, targets)
    indices = np.asarray(getattr(sampler, "sample_indices_", []))
    # a sampler may name the rows that it started from, and move them
    if len(indices) and equal(resampled, pick(encoded, indices)):
        kept, repeated = _first_occurrences(indices)
        return kept, pick(content, repeated), labels[repeated]
    count = len(labels)
    first = count if equal(resampled[:count], encoded) else 0
    added, added_labels = view.decode(resampled[first:], resampled_targets[first:])
    return np.arange(first), added, added_labels


def _first_occurrences(indices: Indices) -> tuple[Indices, Indices]:
    """Return the sorted distinct ``indices``, and those that repeat an earlier one."""
    distinct, first = np.unique(indices, return_index=True)
    return distinct, np.delete(indices, first)
