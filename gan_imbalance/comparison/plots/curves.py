"""What changes along an axis: rows added, real rows, steps of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison.plots.canvas import (
    COLOURS,
    INK,
    Plot,
    canvas,
    short,
    slug,
)
from gan_imbalance.transforms.dtypes import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing


# more in one panel cannot be told apart
_MAX_LINES = 8
_MARKERS = "os^Dv"
# a legend that covers nothing
_BESIDE: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False, "fontsize": 7}
# the remedy that each panel shows again, as what is the most that rows can do
_CEILING = "real_rows"


def metric_by_amount(summary: pd.DataFrame, metric: str, title: str, classifier: str) -> Plot:
    """Return a metric's mean with its 95 % band against the number of added rows, a line per remedy.

    All lines start from what doing nothing reached, which is dotted. Remedies that add no rows are dashed.
    Many remedies get a panel for each role.

    Args:
        summary: one row per remedy and amount with columns remedy, role, rows_added, mean, low, high.
        metric: its name.
        title: its heading, such as the display name of the metric.
        classifier: whose predictions.
    """
    points = summary.rename(columns={"rows_added": "x"}).dropna(subset=["x", "mean"])
    nothing = points[points["role"] == "baseline"].head(1).assign(x=0)
    parts = [nothing]
    for _, rows in points[points["role"] != "baseline"].groupby("remedy", sort=False):
        grows = (rows["x"] > 0).any()
        start = nothing.assign(remedy=rows["remedy"].iloc[0], role=rows["role"].iloc[0])
        parts.append(pd.concat([start, rows[rows["x"] > 0]]) if grows else rows.assign(x=0))
    drawing = _lines(pd.concat(parts), "added rows", title)
    alt = f"Line plot of mean {title} with {classifier} against added rows, with 95 % intervals. " + _told(points) + "."
    caption = f"{title} with {classifier} by added rows: mean and 95 % interval; dotted: nothing; dashed: adds no rows"
    return Plot(f"{metric}_by_added_rows_{classifier}", caption, alt, drawing)


def metric_by_axis(summary: pd.DataFrame, axis_title: str, title: str, classifier: str) -> Plot:
    """Return a metric's mean with its 95 % band against a number that differs between studies, a line per remedy.

    Args:
        summary: one row per remedy and number with columns remedy, role, x, mean, low, high.
        axis_title: display name of the number, such as ``real minority rows``.
        title: display name of the metric.
        classifier: whose predictions.
    """
    points = summary.dropna(subset=["x", "mean"])
    drawing = _lines(points, axis_title, title)
    alt = (
        f"Line plot of mean {title} with {classifier} against {axis_title}, with 95 % intervals. " + _told(points) + "."
    )
    caption = f"{title} with {classifier} by {axis_title}: mean and 95 % interval; dotted: nothing"
    return Plot(f"{slug(title)}_by_{slug(axis_title)}_{classifier}", caption, alt, drawing)


def _told(points: pd.DataFrame) -> str:
    """Tell the ends of each remedy's line."""
    told = []
    for remedy, rows in points.groupby("remedy", sort=False):
        ends = rows.sort_values("x").iloc[[0, -1]].drop_duplicates("x")
        means = (f"{mean:.3f} at {_number(x)}" for x, mean in zip(ends["x"], ends["mean"], strict=True))
        told.append(f"{remedy} {' to '.join(means)}")
    return "; ".join(told)


def _lines(points: pd.DataFrame, axis_title: str, title: str) -> Drawing:
    """Draw mean and band against ``x``, a line per remedy; of many remedies a panel for each role."""
    lines = {str(name): rows.sort_values("x") for name, rows in points.groupby("remedy", sort=False)}
    roles = {name: rows["role"].iloc[0] for name, rows in lines.items()}
    others = [name for name in lines if roles[name] != "baseline"]
    panels = {"": others}
    if len(others) > _MAX_LINES:
        panels = {role: [name for name in others if roles[name] == role] for role in dict.fromkeys(roles.values())}
        panels = {role: names for role, names in panels.items() if names}
    most = max(map(len, panels.values()), default=0) + 2
    height = max(2.0 if len(panels) > 1 else 2.6, 0.16 * most + 0.4)
    drawing, axes = canvas(len(panels), height=height * len(panels) + 0.3, sharex=True, sharey=True)
    for axis, (role, names) in zip(axes[:, 0], panels.items(), strict=True):
        for name in lines:
            if roles[name] == "baseline":
                _line(axis, lines[name], INK, name, ls=":", marker="")
            elif name == _CEILING and name not in names:
                _line(axis, lines[name], COLOURS[6], name)
        for number, name in enumerate(names):
            _line(axis, lines[name], COLOURS[number % 6], name, marker=_MARKERS[number // 6 % 5])
        axis.set_ylabel(title)
        axis.legend(**_BESIDE, title=role, title_fontsize=8, alignment="left")
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
        axis.axhline(rows["mean"].iloc[0], color=colour, lw=1, ls=ls or "--", label=short(name))
        return
    axis.plot(rows["x"], rows["mean"], color=colour, lw=1, ls=ls or "-", marker=marker, ms=3, label=short(name))
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
    axis.set_xticks(numbers[shown], [_number(value) for value in numbers[shown]])
    axis.set_xticks([], minor=True)
    axis.set_xlim(*axis.xaxis.get_transform().inverted().transform([places[0] - margin, places[-1] + margin]))


def curves_by_step(histories: Mapping[str, pd.DataFrame], title: str, classifier: str) -> Plot:
    """Return a validation metric while the classifier trains, a line per remedy.

    Args:
        histories: per remedy, columns ``step`` and ``value``; values of the same step are averaged.
        title: display name of the metric.
        classifier: which one trains.
    """
    means = {name: history.dropna().groupby("step")["value"].mean() for name, history in histories.items()}
    drawing, axes = canvas(height=max(2.9, 0.16 * len(means) + 0.6))
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
            label=short(name),
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
    return Plot(f"{slug(title)}_by_step_{classifier}", caption, alt, drawing)


def training_curves(histories: Mapping[str, pd.DataFrame]) -> Plot:
    """Return what was recorded while the GANs trained, a panel per figure and a line per GAN.

    Args:
        histories: per remedy, a column ``step`` and one column per figure.
    """
    names = list(dict.fromkeys(name for history in histories.values() for name in history.columns if name != "step"))
    drawing, axes = canvas(len(names), height=1.7 * len(names) + 0.6, sharex=True)
    for axis, name in zip(axes[:, 0], names, strict=True):
        for number, (remedy, history) in enumerate(histories.items()):
            if name in history:
                recorded = history[["step", name]].dropna()
                axis.plot(recorded["step"], recorded[name], lw=1, color=COLOURS[number % 7], label=short(remedy))
        axis.set_ylabel(name, fontsize=7)
    axes[-1, 0].set_xlabel("generator step")
    lines = {line.get_label(): line for axis in axes[:, 0] for line in axis.get_lines()}
    drawing.legend(lines.values(), lines.keys(), loc="outside upper center", ncols=2, frameon=False, fontsize=7)
    ends = [
        f"{remedy}: " + ", ".join(f"{name} {history[name].iloc[-1]:.3g}" for name in names if name in history)
        for remedy, history in histories.items()
    ]
    alt = f"Line plots of {', '.join(names)} by generator step. At the end: {'; '.join(ends)}."
    return Plot("training_curves", "The GANs while they trained, first seed", alt, drawing)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
