"""The pictures of a comparison; each tells in words what it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[Any]

# medium tones that can be told apart on light and on dark ground, also by the colour-blind (Okabe and Ito)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a")
# stands for the ink of the page, which differs in dark mode
_INK = "#010203"
_WIDTH = 4.8
_RESOLUTION = 150
_MAX_POINTS = 300
_MAX_LEVELS = 8
# more in one panel cannot be told apart
_MAX_LINES = 8
# rows and columns of images, real or synthetic
_SHEET = (4, 12)
_MARKERS = "os^Dv"
# a legend that covers nothing
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False, "fontsize": 7}
# the remedy that each panel shows again, as what is the most that rows can do
_CEILING = "real_rows"


@dataclass(frozen=True)
class Figure:
    """A picture and what it shows.

    Attributes:
        name: of its file.
        caption: one sentence above it.
        alt: what a reader would see in it.
        drawing: of matplotlib.
    """

    name: str
    caption: str
    alt: str
    drawing: Drawing

    def svg(self) -> str:
        """Return the picture as SVG whose ink follows the reader's light or dark mode."""
        import io

        import matplotlib

        text = io.StringIO()
        self._settle()
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.name}):
            self.drawing.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        svg = text.getvalue()
        svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
        # matplotlib leaves out the fill of black text, of which legends are
        style = (
            "<style>svg{color:#222}text{fill:currentColor}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"
        )
        start = svg.index(">") + 1
        return svg[:start] + style + svg[start:]

    def save_png(self, path: Any) -> None:
        """Write the picture as PNG on white ground."""
        self._settle()
        self.drawing.savefig(path, format="png", dpi=_RESOLUTION, facecolor="white")

    def _settle(self) -> None:
        """Lay the picture out once for all files, which takes longer than drawing it."""
        if self.drawing.get_layout_engine() is not None:
            self.drawing.draw_without_rendering()
            self.drawing.set_layout_engine("none")


def _canvas(rows: int = 1, columns: int = 1, height: float = 3.0, **options: Any) -> tuple[Drawing, npt.NDArray[Any]]:
    """Return a drawing of ``height`` inches and its axes, shape (rows, columns)."""
    import matplotlib
    from matplotlib.figure import Figure as MatplotlibFigure

    ink = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    style: dict[Any, Any] = {
        **dict.fromkeys(ink, _INK),
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(style):
        # text's width depends on the resolution, so the layout is made at that of the PNG, where it is widest
        drawing = MatplotlibFigure(figsize=(_WIDTH, height), dpi=_RESOLUTION, layout="constrained")
        return drawing, drawing.subplots(rows, columns, squeeze=False, **options)


def _short(text: Any, length: int = 28) -> str:
    """Return the text, cut where it would crowd a picture out."""
    text = str(text)
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _slug(text: str) -> str:
    """Return the text as part of a file's name."""
    return re.sub(r"\W+", "_", text.lower())


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def metric_by_remedy(summary: pd.DataFrame, metric: str, title: str) -> Figure:
    """Return means and 95 % intervals of a metric, one line per remedy, one colour per classifier.

    Args:
        summary: rows of one metric with columns classifier, arm, kind, mean, low, high.
        metric: its name.
        title: how a person calls it.
    """
    drawing = _dots(summary, title)
    # intervals of few seeds may reach beyond what the metric can be
    ends = summary[["low", "mean", "high"]].to_numpy()
    drawing.axes[0].set_xlim(max(0, np.nanmin(ends)) - 0.02, min(1, np.nanmax(ends)) + 0.02)
    remedies = summary["arm"].nunique()
    alt = f"Dot plot of mean {title} with 95 % intervals for {remedies} remedies. {_extremes(summary)}."
    return Figure(f"{metric}_by_remedy", f"{title} by remedy: mean and 95 % interval; dotted: nothing", alt, drawing)


def difference_by_remedy(summary: pd.DataFrame, metric: str, title: str) -> Figure:
    """Return differences of a metric to nothing on the same splits, with their 95 % intervals, line by line.

    Args:
        summary: rows of one metric with columns classifier, arm, kind, difference, difference_low, difference_high.
        metric: its name.
        title: how a person calls it.
    """
    named = {"difference": "mean", "difference_low": "low", "difference_high": "high"}
    rows = summary.drop(columns=["mean", "low", "high"], errors="ignore").rename(columns=named)
    others = rows["kind"] != "baseline"
    rows["mean"] = rows["mean"].where(others, 0.0)
    drawing = _dots(rows, f"difference in {title} to nothing")
    alt = (
        f"Dot plot of the mean difference in {title} to nothing with 95 % intervals, on the same splits. "
        f"{_extremes(rows[others])}."
    )
    caption = f"{title}, difference to nothing on the same splits, with 95 % interval (not corrected for many tests)"
    return Figure(f"{metric}_difference_by_remedy", caption, alt, drawing)


def _extremes(summary: pd.DataFrame) -> str:
    return "; ".join(
        f"{name}: highest {_best(rows, 'max')}, lowest {_best(rows, 'min')}"
        for name, rows in summary.dropna(subset="mean").groupby("classifier", sort=False)
    )


def _dots(summary: pd.DataFrame, title: str) -> Drawing:
    """Return dots with their intervals, one line per remedy, one colour per classifier; dotted: nothing."""
    arms = list(dict.fromkeys(summary["arm"]))
    classifiers = list(dict.fromkeys(summary["classifier"]))
    drawing, axes = _canvas(height=1.0 + 0.3 * len(arms))
    axis = axes[0, 0]
    for number, classifier in enumerate(classifiers):
        rows = summary[summary["classifier"] == classifier].set_index("arm").reindex(arms)
        heights = np.arange(len(arms)) + 0.18 * (number - (len(classifiers) - 1) / 2)
        # a bootstrap's interval need not hold the mean
        reach = np.nan_to_num(np.maximum(0, [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]))
        axis.errorbar(
            rows["mean"],
            heights,
            xerr=reach,
            fmt="o",
            ms=3.5,
            lw=1,
            color=COLOURS[number % 7],
            label=classifier,
        )
        for mean in rows.loc[rows["kind"] == "baseline", "mean"]:
            axis.axvline(mean, color=COLOURS[number % 7], lw=0.7, ls=":")
    axis.set_yticks(range(len(arms)), [_short(arm) for arm in arms])
    axis.set_ylim(len(arms) - 0.4, -0.6)
    axis.set_xlabel(title)
    drawing.legend(loc="outside upper center", ncols=min(3, len(classifiers)), frameon=False)
    return drawing


def _best(rows: pd.DataFrame, end: str) -> str:
    row = rows.loc[getattr(rows["mean"], f"idx{end}")()]
    return f"{row['arm']} ({row['mean']:.3f})"


def precision_recall(
    curves: Mapping[str, tuple[Floats, Floats]], highlighted: Sequence[str], classifier: str
) -> Figure:
    """Return the precision-recall curves of all remedies, those of interest in colour.

    Args:
        curves: per remedy, recall (ascending) and mean precision over the seeds.
        highlighted: remedies of interest; the others are grey.
        classifier: whose probabilities.
    """
    drawing, axes = _canvas(height=3.6)
    axis = axes[0, 0]
    for name, (recall, precision) in curves.items():
        if name in highlighted:
            colour = COLOURS[highlighted.index(name) % 6]
            axis.plot(recall, precision, color=colour, lw=1.4, label=_short(name), zorder=3)
        else:
            axis.plot(recall, precision, color=COLOURS[6], lw=0.5, alpha=0.5)
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    axis.legend(frameon=False, loc="lower left")
    alt = (
        f"Precision against recall with {classifier} for {len(curves)} remedies; in colour "
        f"{', '.join(highlighted)}. Precision at recall 0.8: "
        + ", ".join(f"{name} {np.interp(0.8, *curves[name]):.2f}" for name in highlighted)
        + "."
    )
    caption = f"Precision and recall with {classifier}, mean of the seeds; in grey all other remedies"
    return Figure(f"precision_recall_{classifier}", caption, alt, drawing)


def confusion_matrices(matrices: Mapping[str, Floats], classes: Sequence[str], classifier: str) -> Figure:
    """Return one confusion matrix per remedy: counts of all seeds, shaded by share of the true class."""
    columns = 2
    rows = -(-len(matrices) // columns)
    drawing, axes = _canvas(rows, columns, height=2.1 * rows + 0.3)
    for axis, (name, matrix) in zip(axes.flat, matrices.items(), strict=False):
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.6)
        if len(classes) <= 4:
            for i, j in np.ndindex(*matrix.shape):
                axis.text(j, i, f"{matrix[i, j]:.0f}", ha="center", va="center", fontsize=7, color="#111111")
        axis.set_title(_short(name), fontsize=7)
        axis.set_xticks(range(len(classes)), [_short(label, 8) for label in classes], fontsize=6)
        axis.set_yticks(range(len(classes)), [_short(label, 8) for label in classes], fontsize=6)
    for axis in list(axes.flat)[len(matrices) :]:
        axis.set_visible(False)
    drawing.supxlabel("predicted class", fontsize=8)
    drawing.supylabel("true class", fontsize=8)
    told = [
        f"{name}: {np.array2string(matrix.astype(int), separator=' ').replace(chr(10), '')}"
        for name, matrix in matrices.items()
    ]
    alt = f"Confusion matrices with {classifier}; rows true, columns predicted: {', '.join(classes)}. " + "; ".join(
        told
    )
    caption = f"Confusion matrices with {classifier}, test rows of all seeds: nothing, and the best of each kind"
    return Figure(f"confusion_{classifier}", caption, alt, drawing)


def distributions(real: pd.DataFrame, synthetic: pd.DataFrame, categorical: Sequence[str], remedy: str) -> Figure:
    """Return the distributions of some columns, real against synthetic minority rows.

    Args:
        real: minority rows of the training part, with the columns to show.
        synthetic: those that the remedy added.
        categorical: which of the columns are categories.
        remedy: its name.
    """
    columns = list(real.columns)
    rows = -(-len(columns) // 2)
    drawing, axes = _canvas(rows, 2, height=1.7 * rows + 0.4)
    for axis, column in zip(axes.flat, columns, strict=False):
        show = _bars if column in categorical else _histogram
        show(axis, real[column], synthetic[column])
        axis.set_title(_short(column), fontsize=8)
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
    return Figure(f"distributions_{remedy}", caption, alt, drawing)


def _histogram(axis: Axes, real: pd.Series[Any], synthetic: pd.Series[Any]) -> None:
    values = [column.dropna().to_numpy(dtype=np.float64) for column in (real, synthetic)]
    bins = np.histogram_bin_edges(np.concatenate(values), bins=25).tolist()
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
    axis.set_xticks(range(len(levels)), [_short(level, 10) for level in levels], rotation=30, ha="right")


def correlations(real: pd.DataFrame, synthetic: pd.DataFrame) -> Figure:
    """Return Pearson's correlations of numeric columns, real beside synthetic.

    Args:
        real: numeric columns, at least two.
        synthetic: the same columns.
    """
    names = list(real.columns)
    pair = [rows.corr().to_numpy() for rows in (real, synthetic)]
    drawing, axes = _canvas(2, 1, height=min(7.6, 3.6 + 0.22 * len(names)))
    for axis, matrix, title in zip(axes[:, 0], pair, ("real", "synthetic"), strict=True):
        image = axis.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
        axis.set_title(title, fontsize=8)
        size = 7 if len(names) <= 12 else 4
        axis.set_xticks([])
        axis.set_yticks(range(len(names)), [_short(name, 20) for name in names], fontsize=size)
    bar = drawing.colorbar(image, ax=axes[:, 0].tolist(), shrink=0.5)
    bar.ax.tick_params(labelsize=7)
    gaps = np.abs(pair[0] - pair[1])[np.triu_indices(len(names), 1)]
    told = [f"{names[i]} and {names[j]}" for i, j in zip(*np.triu_indices(len(names), 1), strict=True)]
    alt = f"Heat maps of the correlations among {len(names)} columns, real and synthetic."
    if not np.isnan(gaps).all():
        alt += (
            f" Mean difference {np.nanmean(gaps):.3f}, largest {np.nanmax(gaps):.3f}: {told[int(np.nanargmax(gaps))]}."
        )
    return Figure("correlations", "Correlations of numeric columns, real and synthetic", alt, drawing)


def principal_components(real: Numbers, synthetic: Mapping[str, Numbers]) -> Figure:
    """Return real and synthetic minority rows in the plane of the real ones' first two principal components.

    Args:
        real: encoded minority rows of the training part, (n, d).
        synthetic: those of each remedy, (m, d).
    """
    mean = real.mean(axis=0)
    axes_of_plane = np.linalg.svd(real - mean, full_matrices=False)[2][:2].T
    # one feature has one axis
    axes_of_plane = np.pad(axes_of_plane, ((0, 0), (0, 2 - axes_of_plane.shape[1])))
    rows = -(-len(synthetic) // 2)
    drawing, axes = _canvas(rows, 2, height=2.1 * rows + 0.3, sharex=True, sharey=True)
    random = np.random.default_rng(0)
    for axis, (name, generated) in zip(axes.flat, synthetic.items(), strict=False):
        for sample, colour, label in ((real, COLOURS[0], "real"), (generated, COLOURS[1], "synthetic")):
            chosen = random.permutation(len(sample))[:_MAX_POINTS]
            plane = (sample[chosen] - mean) @ axes_of_plane
            axis.scatter(*plane.T, s=4, alpha=0.5, lw=0, color=colour, label=label)
        axis.set_title(_short(name), fontsize=8)
    for axis in list(axes.flat)[len(synthetic) :]:
        axis.set_visible(False)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    spreads = [f"{name} {_spread(real, generated, mean, axes_of_plane):.0%}" for name, generated in synthetic.items()]
    alt = (
        "Scatter of the first two principal components, real and synthetic minority rows. "
        f"Spread of the synthetic rows in this plane, relative to the real ones: {', '.join(spreads)}."
    )
    return Figure("principal_components", "Principal components of the real minority rows, first seed", alt, drawing)


def _spread(real: Numbers, generated: Numbers, mean: Numbers, plane: Numbers) -> float:
    ratio: float = np.std((generated - mean) @ plane, axis=0).sum() / np.std((real - mean) @ plane, axis=0).sum()
    return ratio


def image_sheet(real: Numbers, synthetic: Numbers, remedy: str) -> Figure:
    """Return real images of the minority above synthetic ones.

    Args:
        real: images of the training part, uint8 (n, channels, side, side).
        synthetic: those that the remedy added.
        remedy: its name.
    """
    sheets = [_tiled(images) for images in (real, synthetic)]
    heights = [_WIDTH * sheet.shape[0] / sheet.shape[1] for sheet in sheets]
    drawing, axes = _canvas(2, 1, height=sum(heights) + 0.5, height_ratios=heights)
    for axis, sheet, title in zip(axes[:, 0], sheets, ("real", "synthetic"), strict=True):
        axis.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axis.set_title(title, fontsize=8)
        axis.set_axis_off()
    alt = f"{min(len(real), np.prod(_SHEET))} real images above {min(len(synthetic), np.prod(_SHEET))} of {remedy}."
    return Figure(
        f"images_{remedy}", f"{remedy}: real and synthetic images of the rare class, first seed", alt, drawing
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


def training_curves(histories: Mapping[str, pd.DataFrame]) -> Figure:
    """Return what was recorded while the GANs trained, a panel per figure and a line per GAN.

    Args:
        histories: per remedy, a column ``step`` and one column per figure.
    """
    names = list(dict.fromkeys(name for history in histories.values() for name in history.columns if name != "step"))
    drawing, axes = _canvas(len(names), height=1.7 * len(names) + 0.6, sharex=True)
    for axis, name in zip(axes[:, 0], names, strict=True):
        for number, (remedy, history) in enumerate(histories.items()):
            if name in history:
                recorded = history[["step", name]].dropna()
                axis.plot(recorded["step"], recorded[name], lw=1, color=COLOURS[number % 7], label=_short(remedy))
        axis.set_ylabel(name, fontsize=7)
    axes[-1, 0].set_xlabel("generator step")
    lines = {line.get_label(): line for axis in axes[:, 0] for line in axis.get_lines()}
    drawing.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=2, frameon=False, fontsize=7)
    ends = [
        f"{remedy}: " + ", ".join(f"{name} {history[name].iloc[-1]:.3g}" for name in names if name in history)
        for remedy, history in histories.items()
    ]
    alt = f"Line plots of {', '.join(names)} by generator step. At the end: {'; '.join(ends)}."
    return Figure("training_curves", "The GANs while they trained, first seed", alt, drawing)


def critical_difference(ranks: Mapping[str, float], difference: float, datasets: int, title: str) -> Figure:
    """Return Demsar's critical-difference diagram: mean ranks, and bars over remedies that are not told apart.

    Args:
        ranks: mean rank of each remedy, 1 the best.
        difference: by which ranks must differ, see :func:`~gan_imbalance.comparison.statistics.rank_remedies`.
        datasets: number of data sets they are the mean of.
        title: how a person calls the ranked metric.
    """
    names = sorted(ranks, key=ranks.__getitem__)
    places = [ranks[name] for name in names]
    groups = _cliques(places, difference)
    levels = _levels(groups)
    left = -(-len(names) // 2)
    base = 1.0 + 0.5 * (max(levels, default=-1) + 1)
    drawing, axes = _canvas(height=0.8 + 0.17 * (base + left))
    axis = axes[0, 0]
    reach = (1, len(names))
    for number, (name, place) in enumerate(zip(names, places, strict=True)):
        on_left = number < left
        height = base + (number if on_left else len(names) - 1 - number)
        side = reach[0] if on_left else reach[1]
        axis.plot((place, place, side), (0, height, height), color=_INK, lw=0.6, clip_on=False)
        axis.annotate(
            f"{_short(name)} {place:.2f}" if on_left else f"{place:.2f} {_short(name)}",
            (side, height),
            (-3 if on_left else 3, 0),
            textcoords="offset points",
            ha="right" if on_left else "left",
            va="center",
            fontsize=7,
        )
    for (first, last), level in zip(groups, levels, strict=True):
        axis.plot((places[first], places[last]), (0.7 + 0.5 * level,) * 2, color=COLOURS[1], lw=2.5)
    axis.plot((1, 1 + difference), (-2.3, -2.3), color=COLOURS[1], lw=2.5, clip_on=False)
    axis.annotate(f"critical difference {difference:.2f}", (1, -2.3), (0, 4), textcoords="offset points", fontsize=7)
    axis.set(xlim=reach, ylim=(base + left - 0.4, -3.2), yticks=[])
    axis.set_xticks(range(1, len(names) + 1) if len(names) <= 10 else [1, *range(5, len(names) + 1, 5)])
    axis.spines[["left", "bottom"]].set_visible(False)
    axis.spines["top"].set(visible=True, position=("data", 0))
    axis.xaxis.tick_top()
    # moving the spine has made new ticks
    axis.tick_params(labelsize=7, colors=_INK)
    told = "; ".join(", ".join(names[first : last + 1]) for first, last in groups)
    alt = (
        f"Critical-difference diagram of {title}: mean ranks over {datasets} data sets, 1 is best: "
        + ", ".join(f"{name} {place:.2f}" for name, place in zip(names, places, strict=True))
        + f". Critical difference {difference:.2f}. Not told apart: {told or 'none'}."
    )
    caption = f"{title}: mean ranks over {datasets} data sets; remedies under one bar are not told apart"
    return Figure(f"{_slug(title)}_critical_difference", caption, alt, drawing)


def _cliques(places: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Return first and last position of the largest groups of ascending ranks that differ by less."""
    groups: list[tuple[int, int]] = []
    for first, place in enumerate(places):
        last = int(np.searchsorted(places, place + difference)) - 1
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return groups


def _levels(groups: Sequence[tuple[int, int]]) -> list[int]:
    """Return for each group the first line on which it overlaps none before it."""
    ends: list[int] = []
    levels = []
    for first, last in groups:
        level = next((number for number, end in enumerate(ends) if end < first), len(ends))
        ends[level : level + 1] = [last]
        levels.append(level)
    return levels


def metric_by_amount(summary: pd.DataFrame, metric: str, title: str, classifier: str) -> Figure:
    """Return a metric's mean with its 95 % band against the number of added rows, a line per remedy.

    All lines start from what doing nothing reached, which is dotted. Remedies that add no rows are dashed.
    Many remedies get a panel for each kind.

    Args:
        summary: one row per remedy and amount with columns remedy, kind, rows_added, mean, low, high.
        metric: its name.
        title: how a person calls it.
        classifier: whose predictions.
    """
    points = summary.rename(columns={"rows_added": "x"}).dropna(subset=["x", "mean"])
    nothing = points[points["kind"] == "baseline"].head(1).assign(x=0)
    parts = [nothing]
    for _, rows in points[points["kind"] != "baseline"].groupby("remedy", sort=False):
        grows = (rows["x"] > 0).any()
        start = nothing.assign(remedy=rows["remedy"].iloc[0], kind=rows["kind"].iloc[0])
        parts.append(pd.concat([start, rows[rows["x"] > 0]]) if grows else rows.assign(x=0))
    drawing = _lines(pd.concat(parts), "added rows", title)
    alt = f"Line plot of mean {title} with {classifier} against added rows, with 95 % intervals. " + _told(points) + "."
    caption = f"{title} with {classifier} by added rows: mean and 95 % interval; dotted: nothing; dashed: adds no rows"
    return Figure(f"{metric}_by_added_rows_{classifier}", caption, alt, drawing)


def metric_by_axis(summary: pd.DataFrame, axis_title: str, title: str, classifier: str) -> Figure:
    """Return a metric's mean with its 95 % band against a number that differs between studies, a line per remedy.

    Args:
        summary: one row per remedy and number with columns remedy, kind, x, mean, low, high.
        axis_title: how a person calls the number, such as ``real minority rows``.
        title: how a person calls the metric.
        classifier: whose predictions.
    """
    points = summary.dropna(subset=["x", "mean"])
    drawing = _lines(points, axis_title, title)
    alt = (
        f"Line plot of mean {title} with {classifier} against {axis_title}, with 95 % intervals. " + _told(points) + "."
    )
    caption = f"{title} with {classifier} by {axis_title}: mean and 95 % interval; dotted: nothing"
    return Figure(f"{_slug(title)}_by_{_slug(axis_title)}_{classifier}", caption, alt, drawing)


def _told(points: pd.DataFrame) -> str:
    """Tell the ends of each remedy's line."""
    told = []
    for remedy, rows in points.groupby("remedy", sort=False):
        ends = rows.sort_values("x").iloc[[0, -1]].drop_duplicates("x")
        means = (f"{mean:.3f} at {_number(x)}" for x, mean in zip(ends["x"], ends["mean"], strict=True))
        told.append(f"{remedy} {' to '.join(means)}")
    return "; ".join(told)


def _lines(points: pd.DataFrame, axis_title: str, title: str) -> Drawing:
    """Draw mean and band against ``x``, a line per remedy; of many remedies a panel for each kind."""
    lines = {str(name): rows.sort_values("x") for name, rows in points.groupby("remedy", sort=False)}
    kinds = {name: rows["kind"].iloc[0] for name, rows in lines.items()}
    others = [name for name in lines if kinds[name] != "baseline"]
    panels = {"": others}
    if len(others) > _MAX_LINES:
        panels = {kind: [name for name in others if kinds[name] == kind] for kind in dict.fromkeys(kinds.values())}
        panels = {kind: names for kind, names in panels.items() if names}
    most = max(map(len, panels.values()), default=0) + 2
    height = max(2.0 if len(panels) > 1 else 2.6, 0.16 * most + 0.4)
    drawing, axes = _canvas(len(panels), height=height * len(panels) + 0.3, sharex=True, sharey=True)
    for axis, (kind, names) in zip(axes[:, 0], panels.items(), strict=True):
        for name in lines:
            if kinds[name] == "baseline":
                _line(axis, lines[name], _INK, name, ls=":", marker="")
            elif name == _CEILING and name not in names:
                _line(axis, lines[name], COLOURS[6], name)
        for number, name in enumerate(names):
            _line(axis, lines[name], COLOURS[number % 6], name, marker=_MARKERS[number // 6 % 5])
        axis.set_ylabel(title)
        axis.legend(**_BESIDE, title=kind, title_fontsize=8, alignment="left")
    # intervals of few seeds may reach beyond what the metric can be
    means, ends = points["mean"], points[["low", "mean", "high"]].to_numpy()
    axes[0, 0].set_ylim(
        min(means.min(), max(0, np.nanmin(ends))) - 0.02, max(means.max(), min(1, np.nanmax(ends))) + 0.02
    )
    _scale(axes[-1, 0], points["x"].to_numpy(dtype=np.float64))
    axes[-1, 0].set_xlabel(axis_title)
    return drawing


def _line(axis: Axes, rows: pd.DataFrame, colour: str, name: str, ls: str | None = None, marker: str = ".") -> None:
    """Draw one remedy; what has no numbers but zero spans the axis, dashed if it does not say otherwise."""
    if (rows["x"] == 0).all():
        axis.axhline(rows["mean"].iloc[0], color=colour, lw=1, ls=ls or "--", label=_short(name))
        return
    axis.plot(rows["x"], rows["mean"], color=colour, lw=1, ls=ls or "-", marker=marker, ms=3, label=_short(name))
    axis.fill_between(rows["x"], rows["low"], rows["high"], color=colour, alpha=0.12, lw=0)


def _scale(axis: Axes, values: Floats) -> None:
    """Give numbers of different magnitude equal room, and mark those that were measured."""
    numbers = np.unique(values)
    positive = numbers[numbers > 0]
    if not positive.size or positive[-1] <= 20 * positive[0]:
        return
    if numbers[0] > 0:
        axis.set_xscale("log")
    else:
        axis.set_xscale("symlog", linthresh=positive[0], linscale=0.4)
    places = axis.xaxis.get_transform().transform(numbers)
    margin = 0.03 * np.ptp(places)
    shown = [len(numbers) - 1]
    for position in range(len(numbers) - 2, -1, -1):
        if places[shown[-1]] - places[position] > 0.14 * np.ptp(places):
            shown.append(position)
    axis.set_xticks(numbers[shown], [_number(number) for number in numbers[shown]])
    axis.set_xticks([], minor=True)
    axis.set_xlim(*axis.xaxis.get_transform().inverted().transform([places[0] - margin, places[-1] + margin]))


def curves_by_step(histories: Mapping[str, pd.DataFrame], title: str, classifier: str) -> Figure:
    """Return a validation metric while the classifier trains, a line per remedy.

    Args:
        histories: per remedy, columns ``step`` and ``value``; values of the same step are averaged.
        title: how a person calls the metric.
        classifier: which one trains.
    """
    means = {name: history.dropna().groupby("step")["value"].mean() for name, history in histories.items()}
    drawing, axes = _canvas(height=max(2.9, 0.16 * len(means) + 0.6))
    axis = axes[0, 0]
    for number, (name, values) in enumerate(means.items()):
        axis.plot(
            values.index,
            values,
            lw=1,
            color=COLOURS[number % 6],
            marker=_MARKERS[number // 6 % 5],
            ms=3,
            markevery=max(1, len(values) // 6),
            label=_short(name),
        )
    axis.set(xlabel="step of the classifier", ylabel=title)
    axis.legend(**_BESIDE)
    told = [
        f"{name} {values.iloc[-1]:.3f} at step {values.index[-1]}, highest {values.max():.3f} at {values.idxmax()}"
        for name, values in means.items()
        if len(values)
    ]
    alt = f"Line plot of {title} by step while {classifier} trains. At the end: {'; '.join(told)}."
    caption = f"{title} while {classifier} trains, mean of the seeds"
    return Figure(f"{_slug(title)}_by_step_{classifier}", caption, alt, drawing)
