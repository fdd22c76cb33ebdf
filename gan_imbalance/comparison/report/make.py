"""The report of a comparison, from its files alone: tables, answer, plots, and one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gan_imbalance.comparison.plots import Plot
from gan_imbalance.comparison.report import words
from gan_imbalance.comparison.report.drawing import draw
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.page import write_page
from gan_imbalance.files import atomic_path

# what others have written beside the answer, and what is kept
_KEPT = ("looks",)


REPORT = "report.html"


def make_report(findings: Findings, save_plots: bool = True) -> Path:
    """Make tables, answer and report of a comparison beside the files that they come from.

    Writes results.csv (a row per cell), summary.csv (means, intervals, differences to nothing), differences.csv (every
    GAN against every other remedy), quality.csv (how good, and how private, the added rows are), answer.json and
    report.html, which needs no other file.

    Args:
        findings: of a comparison, finished or not.
        save_plots: whether to write the plots to plots/ as PNG, too.

    Returns:
        The path of report.html.
    """
    store = findings.store
    store.write_table(findings.results, "results.csv")
    store.write_table(findings.summary, "summary.csv")
    store.write_table(findings.pairs, "differences.csv")
    store.write_table(findings.quality, "quality.csv")
    _write_answer(findings)
    forests, plots = draw(findings)
    path = write_page(findings, forests, plots)
    if save_plots:
        _save_plots([*forests, *plots], store.folder / "plots")
    return path


def _write_answer(findings: Findings) -> None:
    """Write what the comparison says, in words and numbers, at every setting."""
    before = findings.store.read_answer()
    answers = [
        {
            "verdict": words.verdict(answer),
            "recommendation": words.recommendation(answer),
            **answer.to_dict(),
        }
        for answer in findings.answers
    ]
    kept = {key: before[key] for key in _KEPT if key in before}
    findings.store.write_answer({"answers": _plain(answers), **kept})


def _plain(content: Any) -> Any:
    """Return what JSON can hold: named tuples as their names say, None for what is no number."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if hasattr(content, "_asdict"):
        return _plain(content._asdict())
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _save_plots(plots: Sequence[Plot], folder: Path) -> None:
    """Write the plots, and remove those of an earlier report that it no longer has."""
    paths = {folder / f"{_file_name(plot.name)}.png": plot for plot in plots}
    for path, plot in paths.items():
        with atomic_path(path) as temporary:
            plot.save_png(temporary)
    for path in set(folder.glob("*.png")) - set(paths):
        path.unlink()


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in "_-." else "_" for character in name)
