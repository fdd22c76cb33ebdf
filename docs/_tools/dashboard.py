"""The dashboard as a picture: sections and panels as its workspace holds them, with values of runs recorded offline.

    python -m docs._tools.dashboard runs runs/compared dashboard.png

draws the runs of runs/wandb and runs/compared/wandb. It is no screenshot: Weights & Biases draws the same panels
in its own way.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs._tools.recorded_runs import RecordedRun, read_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS, _ROWS = 4, 8
_WIDTH, _HEIGHT = 4.0, 2.4


def draw(workspace: Any, runs: Sequence[RecordedRun]) -> Figure:
    """Return a picture of a workspace: every panel of every section, in lines of as many as the section is wide.

    Args:
        workspace: as :func:`gan_imbalance.dashboard.make_workspace` returns it.
        runs: that are shown; what none of them has recorded leaves its panel empty.
    """
    from matplotlib.figure import Figure

    lines = [-(-len(one.panels) // one.layout_settings.columns) for one in workspace.sections]
    wide = max(one.layout_settings.columns for one in workspace.sections)
    figure = Figure(figsize=(wide * _WIDTH, sum(lines) * _HEIGHT), layout="constrained")
    parts = figure.subfigures(len(lines), 1, height_ratios=lines, squeeze=False)[:, 0]
    for part, section, count in zip(parts, workspace.sections, lines, strict=True):
        part.suptitle(section.name, x=0.01, ha="left", weight="bold", fontsize=10)
        places = part.subplots(count, section.layout_settings.columns, squeeze=False).ravel()
        for place in places:
            place.set_axis_off()
        for place, panel in zip(places, section.panels, strict=False):
            _PANELS[type(panel).__name__](place, panel, runs)
    return figure


def _curves(place: Axes, panel: Any, runs: Sequence[RecordedRun]) -> None:
    place.set_axis_on()
    place.set_title(panel.title, fontsize=8)
    for run in runs:
        for key in panel.y:
            points = [(row[panel.x], row[key]) for row in run.history if key in row and panel.x in row]
            if points:
                place.plot(*zip(*points, strict=True), marker=".", label=key, linewidth=1)
    place.set_xlabel(panel.x, fontsize=6)
    place.tick_params(labelsize=6)
    if place.lines:
        place.legend(fontsize=6)


def _pictures(place: Axes, panel: Any, runs: Sequence[RecordedRun]) -> None:
    from matplotlib.image import imread

    place.set_title(panel.title, fontsize=8)
    paths = [path for run in runs for path in _files(run, panel.media_keys)]
    if paths:
        place.imshow(imread(paths[-1]))


def _table(place: Axes, panel: Any, runs: Sequence[RecordedRun]) -> None:
    place.set_title(panel.table_name, fontsize=8)
    paths = [path for run in runs for path in _files(run, [panel.table_name])]
    if paths:
        told = json.loads(paths[-1].read_text(encoding="utf-8"))
        # what is the same in all rows tells least
        columns = zip(told["columns"], zip(*told["data"], strict=True), strict=True)
        varied = [(name, values) for name, values in columns if len({str(value) for value in values}) > 1][:_COLUMNS]
        cells = [[_short(values[row]) for _, values in varied] for row in range(min(_ROWS, len(told["data"])))]
        shown = place.table(cells, colLabels=[_short(name) for name, _ in varied], loc="center")
        shown.auto_set_font_size(False)
        shown.set_fontsize(6)


_PANELS = {"LinePlot": _curves, "MediaBrowser": _pictures, "WeavePanelSummaryTable": _table}


def _files(run: RecordedRun, keys: Sequence[str]) -> Iterator[Path]:
    """Yield the files that a run has recorded under these keys, as training went."""
    for row in run.history:
        for key in keys:
            names = [row[name] for name in (f"{key}/path",) if name in row]
            yield from (run.files / name for name in (*names, *row.get(f"{key}/filenames", ())))


def _short(value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 18 else f"{text[:17]}…"


if __name__ == "__main__":
    from gan_imbalance.dashboard import make_workspace
    from gan_imbalance.tracking import PROJECT

    *folders, target = map(Path, sys.argv[1:])
    recorded = [run for folder in folders for run in read_runs(folder)]
    draw(make_workspace(PROJECT, "me"), recorded).savefig(target, dpi=80)
