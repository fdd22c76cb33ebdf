"""Time series, from wherever they lie, to a leak-proof split and tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pytorch_lightning.utilities import rank_zero_info
from torch import Tensor

from gan_imbalance.data.base import ImbalanceDataModule
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.data.loaders import Batch
from gan_imbalance.data.reading import beside
from gan_imbalance.data.series_files import (
    Columns,
    ReadSeries,
    ends_of,
    read_arrays,
    read_series,
    read_written,
    stack_series,
)
from gan_imbalance.data.split import connected_groups
from gan_imbalance.data.targets import find_classes, find_groups
from gan_imbalance.files import atomic_path, content_hash
from gan_imbalance.transforms.series import Series, SeriesScaler
from gan_imbalance.types import DataKind, DataSpec, InputError, Label, find_class, quoted

Lengths = Literal["equal", "pad", "cut"]
"""What becomes of series of unequal lengths: they are refused, padded to the longest, or cut to the shortest."""

BundledSeries = Literal["anomalous_sines"]
"""Series that are there without a file."""


@dataclass(frozen=True)
class SeriesSet:
    """n time series of one length, or padded to one, and their classes.

    Attributes:
        X: float32 of shape (n, channels, length); a series that is shorter is NaN behind its end, in all channels.
        labels: class index of every series, int64 of shape (n,).
        classes: every class, in the order of the indices.
        recordings: equal for series that were cut out of one recording, int64 of shape (n,); None if none were.
        test_rows: mask of the series of a separate test file, shape (n,), if there is one.

    Example:
        Arrays become a file that the command line reads, too:

        >>> import numpy as np
        >>> from gan_imbalance import SeriesSet
        >>> series = SeriesSet(np.zeros((3, 1, 8), np.float32), np.array([0, 0, 1]), ("calm", "storm"))
        >>> series.save("weather.npz")
        >>> np.load("weather.npz")["y"].tolist()
        ['calm', 'calm', 'storm']
    """

    kind: ClassVar[DataKind] = "series"

    X: Series
    labels: npt.NDArray[np.int64]
    classes: tuple[Label, ...]
    recordings: npt.NDArray[np.int64] | None = None
    test_rows: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Make sure that everything fits."""
        if self.X.dtype != np.float32 or self.X.ndim != 3 or self.labels.shape != (len(self.X),):
            raise InputError(
                f"X is {self.X.dtype} of shape {self.X.shape}, and labels have shape {self.labels.shape}; give float32 "
                "of shape (n, channels, length), and n class indices."
            )

    @cached_property
    def groups(self) -> npt.NDArray[np.int64]:
        """Equal for series that are equal, or of one recording, ascending by first occurrence, shape (n,)."""
        contents = np.array([series.tobytes() for series in self.X], dtype=object)
        equal = pd.factorize(contents)[0].astype(np.int64)
        return equal if self.recordings is None else connected_groups(equal, self.recordings)

    @cached_property
    def hash(self) -> str:
        """16 hex digits that change with any value, label, class or group."""
        form = content_hash([list(self.X.shape), list(self.classes)])
        return content_hash(self.X.tobytes() + self.labels.tobytes() + self.groups.tobytes() + form.encode())

    @classmethod
    def of(cls, train: ReadSeries, test: ReadSeries | None = None, lengths: Lengths = "pad") -> Self:
        """Return the series of one file, or of that and a separate test file, as one set.

        Args:
            train: of the one.
            test: of the other.
            lengths: what becomes of series of unequal lengths.

        Raises:
            InputError: if channels differ, lengths do although they must not, or classes cannot be told.
        """
        X, y, groups = train
        test_rows = None
        if test is not None:
            if test.X.shape[1] != X.shape[1]:
                raise InputError(
                    f"The series have {X.shape[1]} channels, but those of the test file {test.X.shape[1]}."
                )
            if (groups is None) != (test.groups is None):
                raise InputError("One of the two files tells the groups of its series, the other does not: give both.")
            test_rows = np.arange(len(X) + len(test.X)) >= len(X)
            X, y = stack_series([*X, *test.X]), pd.concat([y, test.y], ignore_index=True)
            groups = None if groups is None else pd.concat([groups, test.groups], ignore_index=True)
        labels, classes = find_classes(y)
        recordings = None if groups is None else find_groups(groups)
        return cls(_of_one_length(X, lengths), labels, classes, recordings, test_rows)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the .npz that :meth:`save` wrote, of the length that the series had, also where all end before.

        Raises:
            InputError: if there is no such file, or it holds something else.
        """
        return cls.of(read_written(path))

    def take(self, rows: Indices) -> Self:
        """Return some of the series, by their positions; the classes stay what they are."""
        recordings = None if self.recordings is None else self.recordings[rows]
        test_rows = None if self.test_rows is None else self.test_rows[rows]
        return replace(self, X=self.X[rows], labels=self.labels[rows], recordings=recordings, test_rows=test_rows)

    def of_classes(self, labels: Sequence[Label]) -> Self:
        """Return the series of some classes, which keep their order, and no other class.

        Raises:
            InputError: if a class is unknown, or there are fewer than two of them.
        """
        wanted = sorted({find_class(label, self.classes) for label in labels})
        if len(wanted) < 2:
            raise InputError(
                f"only names one class, {quoted(labels[0])}, so there is nothing to tell apart; name more."
            )
        taken = self.take(np.flatnonzero(np.isin(self.labels, wanted)))
        classes = tuple(self.classes[index] for index in wanted)
        return replace(taken, labels=np.searchsorted(wanted, taken.labels), classes=classes)

    @property
    def is_padded(self) -> bool:
        """Return whether some series is shorter than the others."""
        return bool(np.isnan(self.X[:, 0, -1]).any())

    def save(self, path: str | Path) -> None:
        """Write the series as .npz, atomically: the arrays ``X``, ``y`` and, if there are recordings, ``groups``.

        Raises:
            InputError: if the path has another ending, or cannot be written.
        """
        if Path(path).suffix != ".npz":
            raise InputError(f"Cannot write {Path(path).name}: series are written as .npz; end its name in that.")
        with atomic_path(path) as temporary:
            temporary.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the .npz that :meth:`save` writes."""
        arrays: dict[str, Any] = {"X": self.X, "y": np.array(self.classes)[self.labels]}
        if self.recordings is not None:
            arrays["groups"] = self.recordings
        file = BytesIO()
        np.savez(file, allow_pickle=False, **arrays)
        return file.getvalue()


@dataclass(frozen=True)
class SyntheticSeries:
    """Synthetic time series in the input's own form, and what made them.

    Attributes:
        samples: the series, their labels and the classes of the data.
        manifest: generator, seed, counts, split hash and versions (see :func:`gan_imbalance.files.provenance`).

    Example:
        What :func:`~gan_imbalance.synthesis.synthesize` gives of a generator of series:

        >>> import numpy as np
        >>> from gan_imbalance import TimeSeriesOverSampler, synthesize
        >>> X, y = np.random.default_rng(0).normal(size=(40, 1, 16)), np.repeat(["calm", "storm"], [30, 10])
        >>> sampler = TimeSeriesOverSampler("GAN", max_steps=1, accelerator="cpu")
        >>> _ = sampler.fit_resample(X, y)
        >>> made = synthesize(sampler.gans_["storm"], {"storm": 5}, seed=0)
        >>> made.samples.X.shape, made.manifest["counts"]
        ((5, 1, 16), {'storm': 5})
    """

    kind: ClassVar[DataKind] = "series"

    samples: SeriesSet
    manifest: dict[str, Any]


class TimeSeriesDataModule(ImbalanceDataModule):
    """Time series, split once, as batches for a GAN or a classifier (see :class:`ImbalanceDataModule`).

    Samples are float32 of shape (channels, length); every channel is brought to [-1, 1] by the training series of the
    classes that are learned (:class:`~gan_imbalance.transforms.series.SeriesScaler`). Equal series, and those of one
    group, never straddle the split. Exactly one of ``path``, ``bundled`` and ``X`` says where they are.

    Args:
        path: an .npz with the arrays ``X`` (n, channels, length) or (n, length), ``y`` and perhaps ``groups``; a text
            file of the UCR archive (.tsv, .txt, also compressed: a series per line, its label first); a .ts; or a long
            table (.csv, .parquet, ...) with a row per time step.
        bundled: ``anomalous_sines``: 600 noisy sines of 64 steps, slow and fast ones, and 60 with a fault.
        X: the series, from Python: an array (n, channels, length) or (n, length), a list of series of any lengths, or a
            :class:`SeriesSet`, which knows all the rest.
        y: the class of every series of ``X``, (n,).
        groups: the recording that every series of ``X`` was cut out of, (n,).
        test_path: file of a separate test set, which is the test part; a relative path is looked for beside ``path``
            first.
        id: column of a long table that tells which series a row belongs to.
        time: column of a long table by which the steps of a series are ordered; the rows' order if None.
        values: columns of a long table that are the channels; all others if none are named.
        target: column of a long table that tells the class.
        group: column of a long table, or array of an .npz (``groups`` if None), that says which series were cut out of
            one recording, of one patient or machine: they stay on one side of every split.
        lengths: what becomes of series of unequal lengths: ``equal`` refuses them; ``pad`` fills them up to the
            longest, and tells where they end in a further channel, the mask, that is learned as the others are: what is
            generated is NaN behind the end that its own mask tells; ``cut`` keeps as many first steps as the shortest
            has.
        only: classes to take, of several; they keep their order.
        kwargs: see :class:`ImbalanceDataModule`.

    Example:
        Few of the rare series stay; the other ones are the reserve:

        >>> from gan_imbalance import TimeSeriesDataModule
        >>> data = TimeSeriesDataModule(bundled="anomalous_sines", keep={"fault": 20})
        >>> data.setup()
        >>> data.spec.classes, data.spec.shape, data.class_counts(), len(data.split.reserve)
        (('fast', 'fault', 'slow'), (1, 64), [189, 20, 189], 22)
    """

    sources: ClassVar[tuple[str, ...]] = ("X", "y", "given_groups")

    def __init__(
        self,
        path: str | None = None,
        bundled: BundledSeries | None = None,
        X: Any = None,
        y: Any = None,
        groups: Any = None,
        test_path: str | None = None,
        id: str | None = None,
        time: str | None = None,
        values: Sequence[str] = (),
        target: str | None = None,
        group: str | None = None,
        lengths: Lengths = "equal",
        only: Sequence[Label] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.path = path
        self.bundled = bundled
        self.X = X
        self.y = y
        self.given_groups = groups
        self.test_path = test_path
        self.columns = Columns(id, time, tuple(values), target, group)
        self.lengths = lengths
        self.only = only
        self.scaler: SeriesScaler
        if sum(source is not None for source in (path, bundled, X)) != 1:
            raise InputError("Say where the series are by exactly one of path, bundled and X.")
        for option, value, allowed in (("bundled", bundled, BundledSeries), ("lengths", lengths, Lengths)):
            if value is not None and value not in get_args(allowed):
                raise InputError(f"{option} is {quoted(value)}; name one of {', '.join(get_args(allowed))}.")
        if path is None and any(self.columns):
            option, said = next((name, said) for name, said in self.columns._asdict().items() if said)
            raise InputError(f"{option} names {quoted(said)}, but there is no file with columns; leave it out.")

    @cached_property
    def samples(self) -> SeriesSet:
        """All series, or those of the classes that are taken."""
        series = self._read()
        return series.of_classes(self.only) if self.only else series

    def _read(self) -> SeriesSet:
        if isinstance(self.X, SeriesSet):
            return self.X
        if self.bundled is not None:
            read = anomalous_sines()
        elif self.path is not None:
            read = read_series(self.path, self.columns)
        else:
            read = read_arrays(self.X, self.y, self.given_groups)
        test = None if self.test_path is None else read_series(beside(self.test_path, self.path or ""), self.columns)
        return SeriesSet.of(read, test, self.lengths)

    @property
    def encoding(self) -> dict[str, Any]:
        """What becomes of unequal lengths, and how often conditions are drawn."""
        return {"lengths": self.lengths, "balanced": self.balanced}

    def fit_encoding(self, trained: tuple[int, ...], given: Mapping[str, Any]) -> DataSpec:
        """Fit the range of every channel on the training series of the classes that are learned, or take the given."""
        samples = self.samples
        if given:
            self.scaler = SeriesScaler.from_state_dict(given["scaler"])
        else:
            self.scaler = SeriesScaler(samples.is_padded).fit(samples.X[self._rows_of("train", trained)])
        channels, length = samples.X.shape[1:]
        shape = (channels + self.scaler.masked, length)
        return DataSpec("series", shape, samples.classes, condition_classes=trained)

    def stored(self, rows: Indices) -> Tensor:
        """Return encoded series, float32 of shape (n, channels, length)."""
        return torch.from_numpy(self.scaler.transform(self.samples.X[rows]))

    def stored_synthetic(self, synthetic: Any) -> Batch:
        """Return the encoded series of :class:`SyntheticSeries`, (n, channels, length), and their classes, (n,)."""
        if not isinstance(synthetic, SyntheticSeries):
            raise InputError("The synthetic samples are no series, but the data are; give synthetic series.")
        made, shape = synthetic.samples, self.samples.X.shape[1:]
        if made.X.shape[1:] != shape:
            raise InputError(
                f"The synthetic series have shape {made.X.shape[1:]}, but those of the data {shape}; generate them "
                "with a GAN that was trained on these data."
            )
        classes = np.array([find_class(label, self.spec.classes) for label in made.classes])
        return torch.from_numpy(self.scaler.transform(made.X)), torch.from_numpy(classes[made.labels])

    def as_exported(self, samples: Tensor) -> Tensor:
        """Return encoded series (n, channels, length) as they look after export, in the range that was learned."""
        return torch.from_numpy(self.scaler.transform(self.scaler.inverse_transform(samples.float().numpy())))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs to decode samples: plain values only."""
        return {"scaler": self.scaler.state_dict(), "split_hash": self.split.hash}


def anomalous_sines(seed: int = 0) -> ReadSeries:
    """Return 270 slow and 270 fast sines with noise, and 60 of either speed with a fault: 64 steps, one channel.

    A fault stands still for 8 to 16 steps, where it was last, and then leaps to where the sine is.

    Args:
        seed: of all draws.
    """
    random = np.random.default_rng(seed)
    y = np.repeat(["slow", "fast", "fault"], [270, 270, 60])
    periods = np.where(y == "slow", 2.0, np.where(y == "fast", 4.0, random.choice([2.0, 4.0], y.size)))
    periods, phases = periods * random.uniform(0.9, 1.1, y.size), random.uniform(0, 2 * np.pi, y.size)
    steps = np.arange(64)
    X = random.uniform(0.8, 1.2, (y.size, 1)) * np.sin(2 * np.pi * periods[:, None] * steps / 64 + phases[:, None])
    for row in np.flatnonzero(y == "fault"):
        start, length = random.integers(4, 44), random.integers(8, 17)
        X[row, start : start + length] = X[row, start]
    X += random.normal(0, 0.05, X.shape)
    return ReadSeries(X[:, None].astype(np.float32), pd.Series(y, name="y"))


def _of_one_length(X: Series, lengths: Lengths) -> Series:
    ends = ends_of(X)
    shortest, longest = int(ends.min()), int(ends.max())
    X = np.ascontiguousarray(X, dtype=np.float32)
    if shortest == longest or lengths == "pad":
        return X
    if lengths == "equal":
        raise InputError(
            f"The series have {shortest} to {longest} time steps; set lengths to pad, so that a mask is learned with "
            f"them, or to cut, to the first {shortest} steps of all."
        )
    if shortest < 2:
        raise InputError("The shortest series has one time step, to which none can be cut; set lengths to pad.")
    rank_zero_info(f"Series of {shortest} to {longest} time steps are cut to their first {shortest}.")
    return np.ascontiguousarray(X[..., :shortest])
