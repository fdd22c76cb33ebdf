"""What differs between the kinds of data that are compared; all else is the same for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from gan_imbalance.comparison.plots import Plot
from gan_imbalance.components import import_class
from gan_imbalance.data.base import Samples
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.kinds import find_kind
from gan_imbalance.quality import judge_features
from gan_imbalance.types import DataKind, Label

Content = Any
"""Samples without their labels: a DataFrame of n rows, uint8 images (n, channels, side, side), or float32 series
(n, channels, length)."""


class View(Protocol):
    """What a sampler sees of samples, and the way back."""

    def label(self, index: int) -> Label:
        """Return what the sampler sees of a class index."""
        ...

    def encode(self, content: Content, labels: Indices) -> tuple[Any, Any]:
        """Return ``X`` and ``y`` for ``fit_resample``."""
        ...

    def decode(self, content: Any, labels: Any) -> tuple[Content, Indices]:
        """Return content and class indices of what came back."""
        ...


@dataclass(frozen=True)
class EncodedView:
    """Samples as an array, and class indices.

    Attributes:
        to_array: returns samples as a sampler sees them, (n, ...).
        to_content: returns the samples that such an array stands for.
    """

    to_array: Callable[[Content], npt.NDArray[Any]]
    to_content: Callable[[npt.NDArray[Any]], Content]

    def label(self, index: int) -> Label:
        """Return the class index itself."""
        return index

    def encode(self, content: Content, labels: Indices) -> tuple[npt.NDArray[Any], Indices]:
        """Return the array and the class indices."""
        return self.to_array(content), labels

    def decode(self, content: npt.NDArray[Any], labels: Indices) -> tuple[Content, Indices]:
        """Return what came back."""
        return self.to_content(content), np.asarray(labels, dtype=np.int64)


@dataclass(frozen=True)
class DataAdapter(ABC):
    """Samples of one kind as a comparison handles them.

    A further kind says how its samples are taken, encoded, shown to samplers and kept in files; all else has a default.

    Attributes:
        samples: all samples of the data.
        fitted_on: positions of those that an encoding may be learned from.
        cache: folder where what several tasks of one machine need is kept; None where it is kept nowhere.
    """

    kind: ClassVar[DataKind]
    """Name of the kind in files."""

    suffix: ClassVar[str]
    """Of the files that hold added samples."""

    shown_quality: ClassVar[tuple[str, ...]] = ("precision", "recall", "exact_copies", "closest_record_share")
    """Names of the figures of added samples that tables show, in order."""

    quality_text: ClassVar[str] = (
        "Precision, recall and closest records compare with real validation samples, copies with training samples. No "
        "test sample is looked at."
    )
    """What they are compared with, and what is best."""

    quality_method: ClassVar[str] = "At most 1,000 samples of each kind, drawn at random, as classifiers see them."
    """How they are computed."""

    samples: Any
    fitted_on: Indices
    cache: Path | None = None

    @abstractmethod
    def take(self, rows: Indices) -> Content:
        """Return samples by their positions in the data."""

    @abstractmethod
    def encode(self, content: Content) -> npt.NDArray[Any]:
        """Return samples as classifiers see them, (n, ...)."""

    def prepare_classifier(self, classifier: Any) -> None:
        """Tell a classifier what it needs to know of the encoding; nothing by default."""
        return

    def adapt_resampler(self, config: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return a resampler's ``class_path`` dict as it suits the data, and what was changed, in words."""
        return dict(config), []

    @abstractmethod
    def view(self, sampler: Any) -> View:
        """Return what a sampler sees, such as an :class:`EncodedView`."""

    def judge(self, known: Indices, made: Content, unseen: Indices, seed: int) -> dict[str, float]:
        """Return how good, and how private, made samples are, by default as they are encoded.

        Args:
            known: positions of the samples of their class that the maker learned from.
            made: its samples.
            unseen: positions of real samples of the class that it has not seen.
            seed: of all draws.
        """
        if not len(made):
            return {}
        encoded = [self.encode(part) for part in (self.take(known), made, self.take(unseen))]
        training, synthetic, holdout = (part.reshape(len(part), -1) for part in encoded)
        return judge_features(training, synthetic, holdout, seed=seed)

    @abstractmethod
    def dump(self, content: Content, labels: Indices) -> bytes:
        """Return samples as a file in the input's form holds them."""

    @abstractmethod
    def load(self, file: bytes) -> tuple[Content, Indices]:
        """Return the samples that :meth:`dump` made a file of."""

    def describe(self) -> dict[str, Any]:
        """Return what the comparison's file says of the form, in plain values."""
        return {}

    def dump_reference(self, rows: Indices) -> bytes:
        """Return samples, which the report compares made ones with, as a file holds them."""
        return self.dump(self.take(rows), self.samples.labels[rows])

    @classmethod
    @abstractmethod
    def of_description(cls, content: Mapping[str, Any], reference: bytes) -> Self:
        """Return the form of reference samples, all of which are fitted on.

        Args:
            content: of the comparison's description.
            reference: what :meth:`dump_reference` returned.
        """

    def facts(self, count: int) -> dict[str, str]:
        """Return what the report's reader must know of n samples."""
        return {"Samples": f"{count:,}"}

    def plots(self, made: Mapping[str, Content], minority: int) -> Iterator[Plot]:
        """Yield plots of samples of the minority that every remedy made, beside the real ones; none by default."""
        return iter(())


def adapter_of(samples: Samples, fitted_on: Indices | None = None, cache: Path | None = None) -> DataAdapter:
    """Return the form of samples.

    Args:
        samples: all of them.
        fitted_on: positions of those that an encoding may be learned from; all where none is used.
        cache: folder where what several tasks need is kept.
    """
    rows = np.arange(len(samples.labels)) if fitted_on is None else fitted_on
    return cast(DataAdapter, _adapter(samples.kind)(samples, rows, cache))


def kind_of(samples: Samples) -> DataKind:
    """Return the name of the kind of data."""
    return samples.kind


def adapter_of_description(content: Mapping[str, Any], reference: bytes) -> DataAdapter:
    """Return the form of a comparison's reference samples.

    Args:
        content: of the comparison's description.
        reference: what :meth:`DataAdapter.dump_reference` returned.
    """
    adapter: DataAdapter = _adapter(content["kind"]).of_description(content, reference)
    return adapter


def file_suffix(kind: str) -> str:
    """Return the ending of the files that hold samples of a kind."""
    suffix: str = _adapter(kind).suffix
    return suffix


def _adapter(kind: DataKind) -> Any:
    return import_class(find_kind(kind).adapter)


def pick(content: Content, positions: Indices) -> Content:
    """Return samples by their positions in ``content``."""
    if isinstance(content, pd.DataFrame):
        return content.iloc[positions].reset_index(drop=True)
    return content[positions]


def equal(first: Any, second: Any) -> bool:
    """Return whether two contents, or encodings of them, hold the very same values."""
    frames = (part if isinstance(part, pd.DataFrame) else _flat(part) for part in (first, second))
    return bool(next(frames).equals(next(frames)))


def _flat(array: Any) -> pd.DataFrame:
    return pd.DataFrame(np.reshape(array, (len(array), -1)) if np.ndim(array) > 2 else array)
