"""What was found out about synthetic rows, for Python, the terminal and the page."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gan_imbalance.comparison.report import in_notebook
from gan_imbalance.evaluation.profile import Alert

_SHOWN_UTILITY = ("pr_auc", "roc_auc", "balanced_accuracy")


@dataclass(frozen=True, repr=False, eq=False)
class Evaluation:
    """What was found out about synthetic rows.

    In a notebook it shows the figures and the signs of trouble.

    Attributes:
        metrics: a row per metric, by the names of :data:`gan_imbalance.quality.QUALITY_METRICS`: ``display_name``,
            ``synthetic``, ``real`` (real held-out rows in the place of the synthetic ones), best; NaN where one has no
            meaning.
        utility: a row per figure of a classifier on held-out rows, a column for what it learned from: ``synthetic``,
            ``real``; no row without a target.
        columns: of every column its type, score and what it holds.
        pairs: scores of pairs of columns, by names, ascending.
        alerts: what synthetic rows hold that real ones do not, and the reverse.
        collapse: signs that the generator has collapsed, in sentences.
        notes: what was left out or drawn, in sentences.
        noun: what was judged: rows or series.
        report: the page, evaluation.html, which needs no other file; None where none was written.

    Example:
        >>> from sklearn.datasets import load_breast_cancer
        >>> from gan_imbalance import evaluate
        >>> rows = load_breast_cancer(as_frame=True).frame.sample(frac=1, random_state=0).iloc[:, -5:]
        >>> found = evaluate(rows[:200], rows[:100], holdout=rows[200:400], output=None)
        >>> float(found.metrics.loc["exact_copies", "synthetic"])
        1.0
        >>> found.verdict
        'No sign of collapse. 1 alert about values.'
        >>> found.alerts[0].problem
        'copies'
    """

    metrics: pd.DataFrame
    utility: pd.DataFrame
    columns: list[dict[str, Any]]
    pairs: pd.Series[float]
    alerts: list[Alert]
    collapse: list[str]
    notes: list[str]
    noun: str = "rows"
    report: Path | None = None

    @property
    def verdict(self) -> str:
        """The signs of collapse, and how many alerts there are, in words."""
        signs = " ".join(self.collapse) or "No sign of collapse."
        return f"{signs} {len(self.alerts) or 'No'} alert{'' if len(self.alerts) == 1 else 's'} about values."

    @property
    def shown_figures(self) -> pd.DataFrame:
        """The figures that have a meaning."""
        return self.metrics.dropna(subset="synthetic")

    @property
    def shown_utility(self) -> pd.DataFrame:
        """The figures of the classifier that say most, with their display names."""
        wanted = [name for name in self.utility.index if name in _SHOWN_UTILITY or str(name).startswith("f1_")]
        return self.utility.loc[wanted].assign(display_name=wanted)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file; None where a figure has no meaning."""
        known = {side: values.to_dict() for side, values in self.utility.items() if values.notna().any()}
        real = self.metrics["real"]
        content = {
            "metrics": self.metrics["synthetic"].to_dict(),
            "real_figures": real.to_dict() if real.notna().any() else {},
            "utility": known,
            "columns": self.columns,
            "pairs": self.pairs.rename("score").reset_index().to_dict(orient="records"),
            "alerts": [asdict(alert) for alert in self.alerts],
            "collapse": self.collapse,
            "notes": self.notes,
        }
        plain: dict[str, Any] = _without_nan(content)
        return plain

    def show(self) -> None:
        """Print figures, what the classifier is worth, and every alert, as the command line does."""
        from rich.console import Console
        from rich.table import Table

        console = Console()
        console.width = max(console.width, 100)
        table = Table("figure", f"synthetic {self.noun}", f"real {self.noun} instead", "best")
        for row in self.shown_figures.to_dict("records"):
            table.add_row(row["display_name"], *(_number(row[side]) for side in ("synthetic", "real")), row["best"])
        console.print(table)
        if len(self.utility):
            worth = Table("on held-out rows", "learned from synthetic rows", "learned from real rows")
            for row in self.shown_utility.to_dict("records"):
                worth.add_row(row["display_name"], *(_number(row[side]) for side in ("synthetic", "real")))
            console.print(worth)
        for sentence in self.collapse:
            console.print(f"Warning: {sentence}", style="red", markup=False)
        for alert in self.alerts:
            console.print(
                f"{alert.column or 'whole rows'}: {alert.problem} ({alert.rows:,}): {alert.text}", markup=False
            )
        for note in self.notes:
            console.print(note, markup=False)
        if self.report is not None:
            # not wrapped, so that it can be copied
            print(f"Report: {self.report}")

    def __str__(self) -> str:
        """Return the signs of trouble, and where the report lies."""
        return self.verdict if self.report is None else f"{self.verdict}\nReport: {self.report}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the figures and the signs of trouble, for a notebook."""
        alerts = [f"{alert.column or 'whole rows'}: {alert.text}" for alert in self.alerts]
        return in_notebook(self.verdict, [*alerts, *self.notes], self.shown_figures, self.report)


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
