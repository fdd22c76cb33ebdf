"""Remedies ranked over data sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gan_imbalance.comparison.plots.canvas import (
    COLOURS,
    INK,
    Plot,
    canvas,
    short,
    slug,
)


def critical_difference(ranks: Mapping[str, float], difference: float, datasets: int, title: str) -> Plot:
    """Return Demsar's critical-difference diagram: mean ranks, and bars over remedies that are not told apart.

    Args:
        ranks: mean rank of each remedy, 1 the best.
        difference: by which ranks must differ, see :func:`~gan_imbalance.comparison.analysis.ranking.rank_remedies`.
        datasets: number of data sets they are the mean of.
        title: display name of the ranked metric.
    """
    names = sorted(ranks, key=ranks.__getitem__)
    places = [ranks[name] for name in names]
    groups = _cliques(places, difference)
    levels = _levels(groups)
    left = -(-len(names) // 2)
    base = 1.0 + 0.5 * (max(levels, default=-1) + 1)
    drawing, axes = canvas(height=0.8 + 0.17 * (base + left))
    axis = axes[0, 0]
    reach = (1, len(names))
    for number, (name, place) in enumerate(zip(names, places, strict=True)):
        on_left = number < left
        height = base + (number if on_left else len(names) - 1 - number)
        side = reach[0] if on_left else reach[1]
        axis.plot((place, place, side), (0, height, height), color=INK, lw=0.6, clip_on=False)
        axis.annotate(
            f"{short(name)} {place:.2f}" if on_left else f"{place:.2f} {short(name)}",
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
    axis.tick_params(labelsize=7, colors=INK)
    told = "; ".join(", ".join(names[first : last + 1]) for first, last in groups)
    alt = (
        f"Critical-difference diagram of {title}: mean ranks over {datasets} data sets, 1 is best: "
        + ", ".join(f"{name} {place:.2f}" for name, place in zip(names, places, strict=True))
        + f". Critical difference {difference:.2f}. Not told apart: {told or 'none'}."
    )
    caption = f"{title}: mean ranks over {datasets} data sets; remedies under one bar are not told apart"
    return Plot(f"{slug(title)}_critical_difference", caption, alt, drawing)


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
