"""Time series in a comparison: how they are shown to samplers and classifiers, kept in files, judged and drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from gan_imbalance.comparison import plots
from gan_imbalance.comparison.adapters import DataAdapter, EncodedView
from gan_imbalance.comparison.plots import Plot
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.data.series import SeriesSet
from gan_imbalance.quality import judge_series
from gan_imbalance.transforms.series import Series, SeriesScaler
from gan_imbalance.types import DataKind, Label


@dataclass(frozen=True)
class SeriesAdapter(DataAdapter):
    """:class:`~gan_imbalance.comparison.adapters.DataAdapter` of series; content is float32 (n, channels, length)."""

    kind: ClassVar[DataKind] = "series"
    suffix: ClassVar[str] = ".npz"
    shown_quality: ClassVar[tuple[str, ...]] = (
        "discriminative_score",
        "predictive_score",
        "real_predictive_score",
        "autocorrelation_distance",
        "log_spectral_distance",
        "exact_copies",
        "closest_record_share",
    )
    quality_text: ClassVar[str] = (
        "All figures but copies compare with real validation series, copies with training series. No test series is "
        "looked at. The discriminative score is how far a small network's accuracy in telling both kinds apart is from "
        "a coin toss; the predictive score is the error of one that learned from synthetic series, and beside it from "
        "the real training series, to tell the next value of real ones."
    )
    quality_method: ClassVar[str] = (
        "At most 500 series of each kind drawn at random, every channel in [-1, 1]. Discriminative and predictive "
        "score: Yoon et al. (2019), by causal convolutions in place of a recurrent network. Autocorrelation: mean "
        "absolute difference up to half of the length; spectrum: root mean squared difference of mean powers in "
        "decibels (Gray and Markel, 1976); closest series: Euclidean, training and validation series equally many. "
        "quality.csv has the figures, results.csv those of every split. With few validation series they are rough."
    )

    samples: SeriesSet

    @cached_property
    def scaler(self) -> SeriesScaler:
        """What brings channels to [-1, 1] by the series that may be learned from, and tells where shorter ones end."""
        return SeriesScaler(self.samples.is_padded).fit(self.take(self.fitted_on))

    def take(self, rows: Indices) -> Series:
        """Return series by their positions."""
        return self.samples.X[rows]

    def encode(self, content: Series) -> Series:
        """Return series with every channel in [-1, 1], and a mask where some are shorter, (n, channels, length)."""
        return self.scaler.transform(content)

    def view(self, sampler: Any) -> EncodedView:
        """Show samplers of series the encoded series, and others all of their values in a row."""
        from gan_imbalance.oversampling.series_controls import SeriesSampler

        if isinstance(sampler, SeriesSampler):
            return EncodedView(self.encode, self.scaler.inverse_transform)
        return EncodedView(self._flat, self._unflat)

    def _flat(self, content: Series) -> npt.NDArray[np.float32]:
        return self.encode(content).reshape(len(content), -1)

    def _unflat(self, values: npt.NDArray[Any]) -> Series:
        return self.scaler.inverse_transform(values.reshape(len(values), -1, self.samples.X.shape[2]))

    def judge(self, known: Indices, made: Series, unseen: Indices, seed: int) -> dict[str, float]:
        """Return the figures of :func:`~gan_imbalance.quality.judge_series`, of encoded series."""
        if not len(made):
            return {}
        training, synthetic, holdout = (self.encode(part) for part in (self.take(known), made, self.take(unseen)))
        return judge_series(training, synthetic, holdout, seed=seed)

    def dump(self, content: Series, labels: Indices) -> bytes:
        """Return series as an .npz holds them."""
        return SeriesSet(content, labels, self.samples.classes).to_bytes()

    def load(self, file: bytes) -> tuple[Series, Indices]:
        """Return the series that :meth:`dump` made a file of."""
        return _read(file, self.samples.classes)

    def describe(self) -> dict[str, Any]:
        """Return the shape of a series."""
        return {"shape": list(self.samples.X.shape[1:])}

    @classmethod
    def of_description(cls, content: Mapping[str, Any], reference: bytes) -> Self:
        """Return the series of a reference."""
        classes = tuple(content["classes"])
        series = SeriesSet(*_read(reference, classes), classes)
        return cls(series, np.arange(len(series.X)))

    def facts(self, count: int) -> dict[str, str]:
        """Return what a reader must know of the series."""
        channels, length = self.samples.X.shape[1:]
        of_channels = "one channel" if channels == 1 else f"{channels} channels"
        longest = "up to " if self.samples.is_padded else ""
        return {"Time series": f"{count:,} of {longest}{length} steps, {of_channels}"}

    def plots(self, made: Mapping[str, Series], minority: int) -> Iterator[Plot]:
        """Yield real and synthetic series over each other for every remedy, where they lie, and their dynamics."""
        real = self.encode(self.take(np.flatnonzero(self.samples.labels == minority)))
        synthetic = {name: self.encode(series) for name, series in made.items() if len(series)}
        for name, series in synthetic.items():
            yield plots.series_sheet(real, series, name)
        if synthetic and len(real) > 1:
            flat = {name: series.reshape(len(series), -1) for name, series in synthetic.items()}
            yield plots.principal_components(real.reshape(len(real), -1), flat)
            yield plots.neighbourhoods(real.reshape(len(real), -1), flat)
            yield plots.dynamics(real, synthetic)


def _read(file: bytes, classes: tuple[Label, ...]) -> tuple[Series, Indices]:
    """Return the series of an .npz, (n, channels, length), and their class indices, (n,)."""
    index = {label: position for position, label in enumerate(classes)}
    with np.load(BytesIO(file), allow_pickle=False) as arrays:
        return arrays["X"], np.array([index[label] for label in arrays["y"].tolist()], dtype=np.int64)
