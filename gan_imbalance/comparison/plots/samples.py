"""Real samples beside synthetic ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison.plots.canvas import (
    COLOURS,
    WIDTH,
    Numbers,
    Plot,
    canvas,
    short,
)
from gan_imbalance.metrics import autocorrelation, autocorrelation_distance, power_spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing


_MAX_POINTS = 300
_MAX_LEVELS = 8
SHEETS = ("images_", "series_")
"""How the names of plots begin that show samples themselves."""

# rows and columns of images, real or synthetic
_SHEET = (4, 12)
_LINES = 12
_LEAST_POWER = 1e-10
# of either kind: t-SNE takes a second for so many
_NEIGHBOURS = 150


def distributions(real: pd.DataFrame, synthetic: pd.DataFrame, categorical: Sequence[str], remedy: str) -> Plot:
    """Return the distributions of some columns, real against synthetic minority rows.

    Args:
        real: minority rows of the training part, with the columns to show.
        synthetic: those that the remedy added.
        categorical: which of the columns are categories.
        remedy: its name.
    """
    columns = list(real.columns)
    rows = -(-len(columns) // 2)
    drawing, axes = canvas(rows, 2, height=1.7 * rows + 0.4)
    for axis, column in zip(axes.flat, columns, strict=False):
        show = _bars if column in categorical else _histogram
        show(axis, real[column], synthetic[column])
        axis.set_title(short(column), fontsize=8)
        axis.set_yticks([])
        axis.tick_params(labelsize=7)
    for axis in list(axes.flat)[len(columns) :]:
        axis.set_visible(False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    means = [
        f"{column}: mean {real[column].mean():.3g} real, {synthetic[column].mean():.3g} synthetic"
        for column in columns
        if column not in categorical
    ]
    alt = (
        f"Distributions of {', '.join(columns)} in {len(real)} real and {len(synthetic)} synthetic rows. "
        + "; ".join(means)
    )
    caption = f"{remedy}: real and synthetic minority rows, first seed, the columns that part the classes most"
    return Plot(f"distributions_{remedy}", caption, alt, drawing)


def _histogram(axis: Axes, real: pd.Series[Any], synthetic: pd.Series[Any]) -> None:
    values = [column.dropna().to_numpy(dtype=np.float64) for column in (real, synthetic)]
    everything = np.concatenate(values)
    try:
        bins = np.histogram_bin_edges(everything, bins=25).tolist()
    # numbers such as identifiers, of which float64 tells fewer apart
    except ValueError:
        bins = [*np.unique(everything), np.nextafter(everything.max(), np.inf)]
    for column, colour, label in zip(values, COLOURS, ("real", "synthetic"), strict=False):
        if not column.size:
            continue
        axis.hist(column, bins=bins, density=True, histtype="stepfilled", alpha=0.5, color=colour, label=label)


def _bars(axis: Axes, real: pd.Series[Any], synthetic: pd.Series[Any]) -> None:
    texts = [column.astype(object).where(column.notna(), "missing").astype(str) for column in (real, synthetic)]
    levels = texts[0].value_counts().index[:_MAX_LEVELS]
    for column, shift, colour, label in zip(texts, (-0.2, 0.2), COLOURS, ("real", "synthetic"), strict=False):
        shares = column.value_counts(normalize=True).reindex(levels, fill_value=0)
        axis.bar(np.arange(len(levels)) + shift, shares, width=0.4, alpha=0.7, color=colour, label=label)
    axis.set_xticks(range(len(levels)), [short(level, 10) for level in levels], rotation=30, ha="right")


def correlations(real: pd.DataFrame, synthetic: pd.DataFrame) -> Plot:
    """Return Pearson's correlations of numeric columns, real beside synthetic.

    Args:
        real: numeric columns, at least two.
        synthetic: the same columns.
    """
    names = list(real.columns)
    pair = [rows.corr().to_numpy() for rows in (real, synthetic)]
    drawing, axes = canvas(2, 1, height=min(7.6, 3.6 + 0.22 * len(names)))
    for axis, matrix, title in zip(axes[:, 0], pair, ("real", "synthetic"), strict=True):
        image = axis.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
        axis.set_title(title, fontsize=8)
        size = 7 if len(names) <= 12 else 4
        axis.set_xticks([])
        axis.set_yticks(range(len(names)), [short(name, 20) for name in names], fontsize=size)
    bar = drawing.colorbar(image, ax=axes[:, 0].tolist(), shrink=0.5)
    bar.ax.tick_params(labelsize=7)
    gaps = np.abs(pair[0] - pair[1])[np.triu_indices(len(names), 1)]
    told = [f"{names[i]} and {names[j]}" for i, j in zip(*np.triu_indices(len(names), 1), strict=True)]
    alt = f"Heat maps of the correlations among {len(names)} columns, real and synthetic."
    if not np.isnan(gaps).all():
        alt += (
            f" Mean difference {np.nanmean(gaps):.3f}, largest {np.nanmax(gaps):.3f}: {told[int(np.nanargmax(gaps))]}."
        )
    return Plot("correlations", "Correlations of numeric columns, real and synthetic", alt, drawing)


def principal_components(real: Numbers, synthetic: Mapping[str, Numbers]) -> Plot:
    """Return real and synthetic minority rows in the plane of the real ones' first two principal components.

    Args:
        real: encoded minority rows of the training part, (n, d).
        synthetic: those of each remedy, (m, d).
    """
    mean = real.mean(axis=0)
    axes_of_plane = np.linalg.svd(real - mean, full_matrices=False)[2][:2].T
    # one feature has one axis
    axes_of_plane = np.pad(axes_of_plane, ((0, 0), (0, 2 - axes_of_plane.shape[1])))
    random = np.random.default_rng(0)

    def drawn(rows: Numbers) -> Numbers:
        plane: Numbers = (rows[random.permutation(len(rows))[:_MAX_POINTS]] - mean) @ axes_of_plane
        return plane

    drawing = _clouds({name: (drawn(real), drawn(made)) for name, made in synthetic.items()}, sharex=True, sharey=True)
    spreads = [f"{name} {_spread(real, generated, mean, axes_of_plane):.0%}" for name, generated in synthetic.items()]
    alt = (
        "Scatter of the first two principal components, real and synthetic minority rows. "
        f"Spread of the synthetic rows in this plane, relative to the real ones: {', '.join(spreads)}."
    )
    return Plot("principal_components", "Principal components of the real minority rows, first seed", alt, drawing)


def neighbourhoods(real: Numbers, synthetic: Mapping[str, Numbers]) -> Plot:
    """Return real and synthetic minority samples as t-SNE lays them out, those of each remedy with the real ones.

    As in Yoon et al. 2019 (TimeGAN), figure 3, but of whole samples.

    Args:
        real: encoded minority samples of the training part, (n, d), two or more.
        synthetic: those of each remedy, (m, d).
    """
    from sklearn.manifold import TSNE

    random, clouds = np.random.default_rng(0), {}
    for name, made in synthetic.items():
        both = [rows[random.permutation(len(rows))[:_NEIGHBOURS]] for rows in (real, made)]
        together = np.concatenate(both)
        # at most a third of the neighbours that there are
        perplexity = min(30.0, (len(together) - 1) / 3)
        places = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(together)
        clouds[name] = (places[: len(both[0])], places[len(both[0]) :])
    alt = f"Scatter of t-SNE's two dimensions, real and synthetic minority samples of {', '.join(synthetic)}."
    return Plot("neighbourhoods", "t-SNE of real and synthetic minority samples, first seed", alt, _clouds(clouds))


def _clouds(clouds: Mapping[str, tuple[Numbers, Numbers]], **options: Any) -> Drawing:
    """Return real and synthetic points in a plane, (n, 2) and (m, 2), a panel for each remedy."""
    rows = -(-len(clouds) // 2)
    drawing, axes = canvas(rows, 2, height=2.1 * rows + 0.3, **options)
    for axis, (name, pair) in zip(axes.flat, clouds.items(), strict=False):
        for points, colour, label in zip(pair, COLOURS, ("real", "synthetic"), strict=False):
            axis.scatter(*points.T, s=4, alpha=0.5, lw=0, color=colour, label=label)
        axis.set_title(short(name), fontsize=8)
    for axis in list(axes.flat)[len(clouds) :]:
        axis.set_visible(False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return drawing


def series_sheet(real: Numbers, synthetic: Numbers, remedy: str) -> Plot:
    """Return series of the minority, real and synthetic ones over each other, a panel for each channel.

    Args:
        real: series of the training part, (n, channels, length).
        synthetic: those that the remedy added.
        remedy: its name.
    """
    channels = real.shape[1]
    drawing, axes = canvas(channels, 1, height=1.8 * channels + 0.5, sharex=True)
    for channel, axis in enumerate(axes[:, 0]):
        for series, colour, label in zip((real, synthetic), COLOURS, ("real", "synthetic"), strict=False):
            axis.plot(series[:_LINES, channel].T, color=colour, lw=0.6, alpha=0.6)
            axis.plot([], [], color=colour, label=label)
        axis.tick_params(labelsize=7)
    axes[-1, 0].set_xlabel("time step")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    alt = f"{min(len(real), _LINES)} real series and {min(len(synthetic), _LINES)} of {remedy} over each other."
    caption = f"{remedy}: real and synthetic series of the rare class, first seed"
    return Plot(f"{SHEETS[1]}{remedy}", caption, alt, drawing)


def dynamics(real: Numbers, synthetic: Mapping[str, Numbers]) -> Plot:
    """Return mean autocorrelation and power spectrum of the minority's series, real and synthetic, a row per channel.

    Args:
        real: series of the training part, (n, channels, length).
        synthetic: those of each remedy.
    """
    channels, length = real.shape[1:]
    drawing, axes = canvas(channels, 2, height=1.9 * channels + 0.6)
    for position, (name, series) in enumerate({"real": real, **synthetic}.items()):
        look = {"color": COLOURS[position % len(COLOURS)], "lw": 1.6 if name == "real" else 0.9}
        # the power of the mean is none; that of nothing at all has no decibels
        powers = np.maximum(power_spectrum(series)[:, 1:], _LEAST_POWER)
        curves = autocorrelation(series, length // 2), 10 * np.log10(powers)
        for column, of_channels in enumerate(curves):
            for axis, values in zip(axes[:, column], of_channels, strict=True):
                axis.plot(np.arange(column, len(values) + column), values, label=short(name), **look)
                axis.tick_params(labelsize=7)
    for axis, title in zip(axes[0], ("autocorrelation by lag", "decibels by cycles"), strict=True):
        axis.set_title(title, fontsize=8)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=7)
    gaps = [f"{name} {autocorrelation_distance(real, made, length // 2):.3f}" for name, made in synthetic.items()]
    alt = (
        "Mean autocorrelation and power spectrum of real and synthetic series. Mean absolute difference of the "
        f"autocorrelations: {', '.join(gaps)}."
    )
    return Plot("dynamics", "Autocorrelation and spectrum of the rare class's series, first seed", alt, drawing)


def _spread(real: Numbers, generated: Numbers, mean: Numbers, plane: Numbers) -> float:
    ratio: float = np.std((generated - mean) @ plane, axis=0).sum() / np.std((real - mean) @ plane, axis=0).sum()
    return ratio


def image_sheet(real: Numbers, synthetic: Numbers, remedy: str) -> Plot:
    """Return real images of the minority above synthetic ones.

    Args:
        real: images of the training part, uint8 (n, channels, side, side).
        synthetic: those that the remedy added.
        remedy: its name.
    """
    sheets = [_tiled(images) for images in (real, synthetic)]
    heights = [WIDTH * sheet.shape[0] / sheet.shape[1] for sheet in sheets]
    drawing, axes = canvas(2, 1, height=sum(heights) + 0.5, height_ratios=heights)
    for axis, sheet, title in zip(axes[:, 0], sheets, ("real", "synthetic"), strict=True):
        axis.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    alt = f"{min(len(real), np.prod(_SHEET))} real images above {min(len(synthetic), np.prod(_SHEET))} of {remedy}."
    return Plot(
        f"{SHEETS[0]}{remedy}", f"{remedy}: real and synthetic images of the rare class, first seed", alt, drawing
    )


def _tiled(images: Numbers) -> Numbers:
    """Return the first images as one, in rows, (height, width, 3) or (height, width) if they are grey."""
    most, columns = _SHEET
    shown = images[: most * columns].transpose(0, 2, 3, 1)
    rows = max(1, -(-len(shown) // columns))
    _, side, _, channels = shown.shape
    tiles = np.full((rows * columns, side + 1, side + 1, channels), 255, dtype=np.uint8)
    tiles[: len(shown), :side, :side] = shown
    sheet = tiles.reshape(rows, columns, *tiles.shape[1:]).swapaxes(1, 2)
    return sheet.reshape(rows * (side + 1), columns * (side + 1), channels).squeeze()
