"""Plots of real and generated time series: the series themselves, where they lie, and their dynamics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from pytorch_lightning import Trainer

from gan_imbalance.callbacks.plots import TrainingPlots
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.metrics.distances import Series, alike, channel_scale
from gan_imbalance.metrics.series import autocorrelation, power_spectrum
from gan_imbalance.types import DataKind, InputError, Label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Classes = npt.NDArray[np.int64]

_NAMES, _COLOURS = ("real", "synthetic"), ("C0", "C1")


class SeriesPlots(TrainingPlots):
    """Draws real training series and generated ones of the same classes as training goes, to files and to loggers.

    Args:
        every_n_epochs: how often, in validation epochs.
        series_per_class: how many of each kind.
        seed: of the choice and of the generated series.
    """

    name: ClassVar[str] = "series"
    folder: ClassVar[str] = "series"
    kinds: ClassVar[tuple[DataKind, ...]] = ("series",)
    """The kinds of data that it can watch."""

    def __init__(self, every_n_epochs: int = 10, series_per_class: int = 10, seed: int = 0) -> None:
        super().__init__(every_n_epochs, seed)
        self.series_per_class = series_per_class

    def _figure(self, trainer: Trainer, gan: BaseGenerator) -> Figure:
        data = trainer.datamodule  # type: ignore[attr-defined]
        samples, conditions = data.encoded("train", gan.class_selection)
        classes = torch.tensor(data.spec.condition_classes)[conditions]
        order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(self.seed))
        shown = torch.cat(
            [order[classes[order] == label][: self.series_per_class] for label in np.unique(classes.numpy())]
        )
        made = data.as_exported(gan.sample_conditions(conditions[shown].to(gan.device), self.seed).cpu())
        labels = classes[shown].numpy()
        figure = draw_series(samples[shown], labels, made, labels, data.spec.classes, self.series_per_class)
        figure.suptitle(f"step {trainer.global_step}", fontsize="medium")
        return figure


def draw_series(
    real: Any,
    real_classes: Classes,
    synthetic: Any,
    synthetic_classes: Classes,
    classes: Sequence[Label],
    per_class: int = 10,
) -> Figure:
    """Return a figure with a line per class and a column per channel, series of both kinds over each other.

    Args:
        real: (n, channels, length).
        real_classes: their class indices, (n,).
        synthetic: (m, channels, length).
        synthetic_classes: their class indices, (m,).
        classes: names of the classes, in order of the indices; those without a series are left out.
        per_class: how many series of each kind and class are drawn, the first ones.

    Raises:
        InputError: if they are no series, or of different shapes.
    """
    import matplotlib.pyplot as plt

    kinds = list(zip(alike(real, synthetic), (real_classes, synthetic_classes), strict=True))
    present = np.unique(np.concatenate([labels for _, labels in kinds]))
    shape = len(present), kinds[0][0].shape[1]
    figure, grid = plt.subplots(
        *shape, figsize=(4 * shape[1], 2 * shape[0]), sharex=True, sharey="col", squeeze=False, layout="constrained"
    )
    for axes, index in zip(grid, present, strict=True):
        axes[0].set_ylabel(str(classes[index]))
        for (series, labels), name, colour in zip(kinds, _NAMES, _COLOURS, strict=True):
            lines = series[labels == index][:per_class]
            for channel, axis in enumerate(axes):
                axis.plot(lines[:, channel].T, color=colour, linewidth=0.8, alpha=0.5)
                axis.plot([], [], color=colour, label=name)
    for channel, axis in enumerate(grid[-1]):
        axis.set_xlabel("time step" if shape[1] == 1 else f"time step, channel {channel}")
    grid[0, 0].legend(loc="upper right")
    return figure


def draw_embeddings(real: Any, synthetic: Any, max_series: int = 500, seed: int = 0) -> Figure:
    """Return a figure of both kinds of series in two dimensions: principal components of the real ones, and t-SNE.

    As in Yoon et al. 2019 (TimeGAN), figure 3, but of whole series, standardised by the real ones channel by channel.

    Args:
        real: (n, channels, length).
        synthetic: (m, channels, length).
        max_series: of each kind that are drawn at most.
        seed: of their choice and of t-SNE.

    Raises:
        InputError: if they are no series, of different shapes, or fewer than two of either kind.
    """
    import matplotlib.pyplot as plt
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    first, second = alike(real, synthetic)
    if min(len(first), len(second)) < 2:
        raise InputError("Embeddings take two series of each kind: give more.")
    mean, scale = channel_scale(first)
    random = np.random.default_rng(seed)
    rows = [
        ((one[random.permutation(len(one))[:max_series]] - mean) / scale).reshape(-1, mean.size * one.shape[2])
        for one in (first, second)
    ]
    sizes = len(rows[0])
    together = np.concatenate(rows)
    # at most a third of the neighbours that there are
    perplexity = min(30.0, (len(together) - 1) / 3)
    points = {
        "principal components": PCA(2, svd_solver="full").fit(rows[0]).transform(together),
        "t-SNE": TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(together),
    }
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for axis, (title, place) in zip(axes, points.items(), strict=True):
        for part, name, colour in zip((place[:sizes], place[sizes:]), _NAMES, _COLOURS, strict=True):
            axis.scatter(*part.T, s=10, alpha=0.5, linewidths=0, color=colour, label=name)
        axis.set_title(title)
    axes[0].legend(loc="upper right")
    return figure


def draw_dynamics(real: Any, synthetic: Any, max_lag: int | None = None) -> Figure:
    """Return a figure of mean autocorrelations beside mean power spectra, a line per channel, of both kinds of series.

    Args:
        real: (n, channels, length).
        synthetic: (m, channels, length).
        max_lag: of the autocorrelation, in time steps; half of the length if None.

    Raises:
        InputError: if they are no series, of different shapes, or there is no such lag.
    """
    import matplotlib.pyplot as plt

    kinds = alike(real, synthetic)
    _, channels, length = kinds[0].shape
    lag = length // 2 if max_lag is None else max_lag
    measures: dict[str, Callable[[Series], npt.NDArray[np.float64]]] = {
        "autocorrelation by lag": lambda series: autocorrelation(series, lag),
        # that of the mean is none
        "power by cycles in the series": lambda series: power_spectrum(series)[:, 1:],
    }
    figure, grid = plt.subplots(channels, 2, figsize=(9, 3 * channels), squeeze=False, layout="constrained")
    for column, (title, measure) in enumerate(measures.items()):
        for series, name, colour in zip(kinds, _NAMES, _COLOURS, strict=True):
            for axis, values in zip(grid[:, column], measure(series), strict=True):
                axis.plot(np.arange(column, len(values) + column), values, color=colour, label=name)
        grid[0, column].set_title(title)
    for axis in grid[:, 1]:
        axis.set_yscale("log")
    grid[0, 0].legend(loc="upper right")
    return figure
