"""What every remedy changes against doing nothing, with one classifier."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gan_imbalance.comparison.plots.canvas import COLOURS, INK, Plot, canvas, short, slug

# three of them side by side fill a screen
_WIDTH = 3.9
_LONGEST = 36
# of every role its name in the legend, colour, marker, and how strongly it is drawn
_LOOKS = {
    "gan": ("GAN", COLOURS[1], "D", 1.0),
    "standard": ("other remedy", COLOURS[0], "o", 1.0),
    "control": ("control", COLOURS[6], "o", 0.75),
}


def forest(
    summary: pd.DataFrame,
    metric: str,
    title: str,
    classifier: str,
    practical_difference: float,
    higher_is_better: bool = True,
) -> Plot:
    """Return differences to nothing with their 95 % intervals, the best first, GANs marked and controls lighter.

    A band shows which differences do not matter.

    Args:
        summary: rows of one metric and classifier with columns method, role, difference, difference_low,
            difference_high.
        metric: its name.
        title: its heading, such as the display name of the metric.
        classifier: whose predictions.
        practical_difference: half of the width of the band.
        higher_is_better: whether a gain is a positive difference.
    """
    rows = summary[(summary["role"] != "baseline") & summary["difference"].notna()]
    rows = rows.sort_values("difference", ascending=not higher_is_better, kind="stable").reset_index(drop=True)
    drawing, axes = canvas(height=0.75 + 0.19 * max(len(rows), 3), width=_WIDTH)
    axis = axes[0, 0]
    axis.axvspan(-practical_difference, practical_difference, color=COLOURS[5], alpha=0.22, lw=0)
    axis.axvline(0, color=INK, lw=0.8)
    for role, (name, colour, marker, alpha) in _LOOKS.items():
        mine = rows[rows["role"] == role]
        reach = [mine["difference"] - mine["difference_low"], mine["difference_high"] - mine["difference"]]
        axis.errorbar(
            mine["difference"],
            mine.index,
            # an interval that is cut at what can be need not hold the mean
            xerr=np.nan_to_num(np.maximum(0, np.array(reach, dtype=np.float64))),
            fmt=marker,
            ms=4,
            lw=1.3,
            color=colour,
            alpha=alpha,
            label=name,
        )
    axis.set_yticks(range(len(rows)), [short(method, _LONGEST) for method in rows["method"]], fontsize=7.5)
    for label, role in zip(axis.get_yticklabels(), rows["role"], strict=True):
        label.set_fontweight("bold" if role == "gan" else "normal")
        label.set_alpha(0.75 if role == "control" else 1)
    axis.set_ylim(max(len(rows), 3) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=7.5)
    axis.locator_params(axis="x", nbins=4)
    axis.spines["left"].set_visible(False)
    drawing.supxlabel(
        f"difference in {title} to nothing, {'right' if higher_is_better else 'left'} is better", fontsize=7.5
    )
    drawing.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=7.5, handletextpad=0.1, columnspacing=1)
    told = "; ".join(_told(row) for _, row in rows.iterrows())
    alt = (
        f"Forest plot of the difference in {title} to nothing with {classifier}, on the same splits, with 95 % "
        f"intervals, the best first. {told or 'No remedy has a result'}. Up to {practical_difference:.3g} does not "
        "matter."
    )
    caption = (
        f"With {classifier}: difference in {title} to doing nothing, 95 % interval; in the band it does not matter"
    )
    return Plot(f"{metric}_forest_{slug(classifier)}", caption, alt, drawing)


def _told(row: pd.Series) -> str:
    interval = (
        "" if np.isnan(row["difference_low"]) else f" ({row['difference_low']:+.3f} to {row['difference_high']:+.3f})"
    )
    return f"{row['method']} {row['difference']:+.3f}{interval}"
