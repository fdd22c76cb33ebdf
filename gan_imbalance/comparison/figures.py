"""The pictures of a comparison; each tells in words what it shows."""

from __future__ import annotations

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
_MAX_POINTS = 300
_MAX_LEVELS = 8


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
        style = "<style>svg{color:#222}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"
        start = svg.index(">") + 1
        return svg[:start] + style + svg[start:]

    def save_png(self, path: Any) -> None:
        """Write the picture as PNG on white ground."""
        self._settle()
        self.drawing.savefig(path, format="png", dpi=150, facecolor="white")

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
        drawing = MatplotlibFigure(figsize=(_WIDTH, height), layout="constrained")
        return drawing, drawing.subplots(rows, columns, squeeze=False, **options)


def _short(text: Any, length: int = 28) -> str:
    """Return the text, cut where it would crowd a picture out."""
    text = str(text)
    return text if len(text) <= length else f"{text[: length - 3]}..."


def metric_by_remedy(summary: pd.DataFrame, metric: str, title: str) -> Figure:
    """Return means and 95 % intervals of a metric, one line per remedy, one colour per classifier.

    Args:
        summary: rows of one metric with columns classifier, arm, mean, low, high.
        metric: its name.
        title: how a person calls it.
    """
    arms = list(dict.fromkeys(summary["arm"]))
    classifiers = list(dict.fromkeys(summary["classifier"]))
    drawing, axes = _canvas(height=1.0 + 0.3 * len(arms))
    axis = axes[0, 0]
    for number, classifier in enumerate(classifiers):
        rows = summary[summary["classifier"] == classifier].set_index("arm").reindex(arms)
        heights = np.arange(len(arms)) + 0.18 * (number - (len(classifiers) - 1) / 2)
        reach = np.nan_to_num(np.array([rows["mean"] - rows["low"], rows["high"] - rows["mean"]]))
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
        axis.axvline(rows["mean"].iloc[0], color=COLOURS[number % 7], lw=0.7, ls=":")
    # intervals of few seeds may reach beyond what the metric can be
    ends = summary[["low", "mean", "high"]].to_numpy()
    axis.set_xlim(max(0, np.nanmin(ends)) - 0.02, min(1, np.nanmax(ends)) + 0.02)
    axis.set_yticks(range(len(arms)), [_short(arm) for arm in arms])
    axis.set_ylim(len(arms) - 0.4, -0.6)
    axis.set_xlabel(title)
    drawing.legend(loc="outside upper center", ncols=min(3, len(classifiers)), frameon=False)
    extremes = [
        f"{name}: highest {_best(rows, 'max')}, lowest {_best(rows, 'min')}"
        for name, rows in summary.groupby("classifier", sort=False)
    ]
    alt = f"Dot plot of mean {title} with 95 % intervals for {len(arms)} remedies. " + "; ".join(extremes) + "."
    return Figure(f"{metric}_by_remedy", f"{title} by remedy: mean and 95 % interval; dotted: nothing", alt, drawing)


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
            axis.plot(recall, precision, color=colour, lw=1.4, label=name, zorder=3)
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


def principal_components(real: Numbers, synthetic: Mapping[str, Numbers]) -> Figure:
    """Return real and synthetic minority rows in the plane of the real ones' first two principal components.

    Args:
        real: encoded minority rows of the training part, (n, d).
        synthetic: those of each remedy, (m, d).
    """
    mean = real.mean(axis=0)
    axes_of_plane = np.linalg.svd(real - mean, full_matrices=False)[2][:2].T
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
                axis.plot(recorded["step"], recorded[name], lw=1, color=COLOURS[number % 7], label=remedy)
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
