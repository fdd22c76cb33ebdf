"""How the remedies of a comparison did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from gan_imbalance.comparison.plots.canvas import (
    COLOURS,
    Plot,
    canvas,
    short,
)
from gan_imbalance.transforms.dtypes import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing


def metric_by_remedy(summary: pd.DataFrame, metric: str, title: str) -> Plot:
    """Return means and 95 % intervals of a metric, one line per remedy, one colour per classifier.

    Args:
        summary: rows of one metric with columns classifier, method, role, mean, low, high.
        metric: its name.
        title: its heading, such as the display name of the metric.
    """
    drawing = _dots(summary, title)
    # intervals of few seeds may reach beyond what the metric can be
    ends = summary[["low", "mean", "high"]].to_numpy()
    drawing.axes[0].set_xlim(max(0, np.nanmin(ends)) - 0.02, min(1, np.nanmax(ends)) + 0.02)
    remedies = summary["method"].nunique()
    alt = f"Dot plot of mean {title} with 95 % intervals for {remedies} remedies. {_extremes(summary)}."
    return Plot(f"{metric}_by_remedy", f"{title} by remedy: mean and 95 % interval; dotted: nothing", alt, drawing)


def _extremes(summary: pd.DataFrame) -> str:
    return "; ".join(
        f"{name}: highest {_best(rows, 'max')}, lowest {_best(rows, 'min')}"
        for name, rows in summary.dropna(subset="mean").groupby("classifier", sort=False)
    )


def _dots(summary: pd.DataFrame, title: str) -> Drawing:
    """Return dots with their intervals, one line per remedy, one colour per classifier; dotted: nothing."""
    methods = list(dict.fromkeys(summary["method"]))
    classifiers = list(dict.fromkeys(summary["classifier"]))
    drawing, axes = canvas(height=1.0 + 0.3 * len(methods))
    axis = axes[0, 0]
    for number, classifier in enumerate(classifiers):
        rows = summary[summary["classifier"] == classifier].set_index("method").reindex(methods)
        heights = np.arange(len(methods)) + 0.18 * (number - (len(classifiers) - 1) / 2)
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
        for mean in rows.loc[rows["role"] == "baseline", "mean"]:
            axis.axvline(mean, color=COLOURS[number % 7], lw=0.7, ls=":")
    axis.set_yticks(range(len(methods)), [short(method) for method in methods])
    axis.set_ylim(len(methods) - 0.4, -0.6)
    axis.set_xlabel(title)
    drawing.legend(loc="outside upper center", ncols=min(3, len(classifiers)), frameon=False)
    return drawing


def _best(rows: pd.DataFrame, end: str) -> str:
    row = rows.loc[getattr(rows["mean"], f"idx{end}")()]
    return f"{row['method']} ({row['mean']:.3f})"


def precision_recall(curves: Mapping[str, tuple[Floats, Floats]], highlighted: Sequence[str], classifier: str) -> Plot:
    """Return the precision-recall curves of all remedies, those of interest in colour.

    Args:
        curves: per remedy, recall (ascending) and mean precision over the seeds.
        highlighted: remedies of interest; the others are grey.
        classifier: whose probabilities.
    """
    drawing, axes = canvas(height=3.6)
    axis = axes[0, 0]
    for name, (recall, precision) in curves.items():
        if name in highlighted:
            colour = COLOURS[highlighted.index(name) % 6]
            axis.plot(recall, precision, color=colour, lw=1.4, label=short(name), zorder=3)
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
    return Plot(f"precision_recall_{classifier}", caption, alt, drawing)


def confusion_matrices(matrices: Mapping[str, Floats], classes: Sequence[str], classifier: str) -> Plot:
    """Return one confusion matrix per remedy: counts of all seeds, shaded by share of the true class."""
    columns = 2
    rows = -(-len(matrices) // columns)
    drawing, axes = canvas(rows, columns, height=2.1 * rows + 0.3)
    for axis, (name, matrix) in zip(axes.flat, matrices.items(), strict=False):
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.6)
        if len(classes) <= 4:
            for i, j in np.ndindex(*matrix.shape):
                axis.text(j, i, f"{matrix[i, j]:.0f}", ha="center", va="center", fontsize=7, color="#111111")
        axis.set_title(short(name), fontsize=7)
        axis.set_xticks(range(len(classes)), [short(label, 8) for label in classes], fontsize=6)
        axis.set_yticks(range(len(classes)), [short(label, 8) for label in classes], fontsize=6)
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
    caption = f"Confusion matrices with {classifier}, test rows of all seeds: nothing, and the best of each role"
    return Plot(f"confusion_{classifier}", caption, alt, drawing)
