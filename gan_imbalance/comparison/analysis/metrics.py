"""The figures that tables show and verdicts are about: what they are called, which way is better, what matters."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.types import InputError

PRACTICAL_DIFFERENCES: Mapping[str, float] = {
    "pr_auc": 0.01,
    "recall": 0.02,
    "roc_auc": 0.01,
    "precision": 0.02,
    "f1": 0.02,
    "balanced_accuracy": 0.02,
    "g_mean": 0.02,
    "precision_at_recall": 0.02,
    "recall_at_precision": 0.02,
    "expected_cost": 0.02,
    "calibration_error": 0.01,
    "brier": 0.01,
}
"""Metrics that a verdict can be about, and what difference does not matter where the user does not say: in units of the
metric, of ``expected_cost`` as a share of what missing every rare row would cost."""

_PER_CLASS = ("recall", "precision", "f1")
_LOWER_IS_BETTER = ("expected_cost", "calibration_error", "brier")
_DISPLAY_NAMES = {
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "f1": "F1",
    "g_mean": "G-mean",
    "brier": "Brier score",
    "expected_cost": "Expected cost per row",
}


@dataclass(frozen=True)
class Metric:
    """A figure as tables, plots and verdicts show it.

    Attributes:
        name: its column.
        display_name: what tables and plots call it.
        practical_difference: what does not matter, in its unit.
        higher_is_better: which way is a gain.
        most: the highest value that it can have.
    """

    name: str
    display_name: str
    practical_difference: float = 0.02
    higher_is_better: bool = True
    most: float = 1.0

    @property
    def name_in_text(self) -> str:
        """Return its display name within a sentence."""
        return (
            self.display_name
            if self.display_name[1:2].isupper() or self.display_name[1:2] in "-1"
            else self.display_name[:1].lower() + self.display_name[1:]
        )

    @property
    def validation_name(self) -> str:
        """Return the column of its value on validation rows."""
        return f"validation_{self.name}"

    def gains(self, differences: pd.Series[float]) -> pd.Series[float]:
        """Return differences with the sign of a gain."""
        return differences if self.higher_is_better else -differences

    def bounded(self, low: float, high: float, around: float = 0.0) -> tuple[float, float]:
        """Return the part of an interval of values, or of differences to a value ``around``, that can be."""
        return max(low, -around), min(high, self.most - around)


def check_metric(name: str, has_costs: bool) -> None:
    """Refuse a metric that no verdict can be about.

    Raises:
        InputError: if it is unknown, or a cost without costs.
    """
    if name not in PRACTICAL_DIFFERENCES:
        close = difflib.get_close_matches(name, PRACTICAL_DIFFERENCES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"name one of {', '.join(PRACTICAL_DIFFERENCES)}."
        raise InputError(f"There is no metric {name!r}; {hint}")
    if name == "expected_cost" and not has_costs:
        raise InputError("The metric expected_cost needs costs: give cost_of_miss and cost_of_false_alarm.")


def check_practical_differences(given: Mapping[str, float], has_costs: bool) -> None:
    """Refuse practical differences that have no meaning.

    Raises:
        InputError: if one is negative or not finite, or of an unknown metric.
    """
    for name, value in given.items():
        check_metric(name, has_costs)
        if not 0 <= value < np.inf:
            raise InputError(f"The practical_difference of {name} is {value}: give a number of at least 0.")


def find_metric(description: Description, name: str) -> Metric:
    """Return a metric by the name that a user gives it: ``recall`` is that of the rare class."""
    judging = description.judging
    column = f"{name}_{description.minority_label}" if name in _PER_CLASS else name
    display_name = _DISPLAY_NAMES.get(name, name.replace("_", " ").capitalize())
    if name in ("precision_at_recall", "recall_at_precision"):
        of, _, at = name.partition("_at_")
        display_name = f"{of.capitalize()} at {at} {judging[f'at_{at}']:g}"
    most = 1.0
    default = PRACTICAL_DIFFERENCES[name]
    if name == "expected_cost":
        costs = judging["costs"]
        most = max(costs.values())
        default *= costs["miss"] * _rare_share(description)
    practical = description.practical_differences.get(name, default)
    return Metric(column, display_name, practical, name not in _LOWER_IS_BETTER, most)


def _rare_share(description: Description) -> float:
    """Return the share of the rare class among test rows, or the true one where it was given."""
    if description.positive_rate is not None:
        return description.positive_rate
    tested = np.sum([rows["test"] for rows in description.rows_of(description.settings[0])], axis=0)
    return float(tested[description.minority] / tested.sum())


def verdict_metric(description: Description) -> Metric:
    """Return what the verdict is about."""
    return find_metric(description, description.metric)


def headline_metrics(description: Description) -> list[Metric]:
    """Return what the verdict is about, PR-AUC and recall, each once."""
    names = dict.fromkeys([description.metric, "pr_auc", "recall"])
    return [find_metric(description, name) for name in names]


def shown_metrics(description: Description) -> list[Metric]:
    """Return what tables show, in order."""
    minority = description.minority_label
    reweighted = [Metric("precision_reweighted", "Precision at the true rate")] if description.positive_rate else []
    uncorrected = [
        Metric("calibration_error_uncorrected", "Calibration error before the correction", 0.01, False)
    ] * bool(description.judging["correct_prior"])
    cost = ["expected_cost"] if description.judging["costs"] else []
    found = [
        *headline_metrics(description),
        *_found(description, [*cost, "precision"]),
        *reweighted,
        *_found(description, ["f1"]),
        Metric(f"tuned_recall_{minority}", "Recall, tuned threshold"),
        Metric(f"tuned_f1_{minority}", "F1, tuned threshold"),
        *_found(description, ["precision_at_recall", "recall_at_precision", "balanced_accuracy", "g_mean"]),
        *_found(description, ["roc_auc", "calibration_error"]),
        *uncorrected,
        *_found(description, ["brier"]),
    ]
    return list({metric.name: metric for metric in found}.values())


def metric_of_column(description: Description, column: str) -> Metric:
    """Return the metric of any column of figures."""
    shown = {metric.name: metric for metric in shown_metrics(description)}
    return shown.get(column, Metric(column, column))


def _found(description: Description, names: Iterable[str]) -> list[Metric]:
    return [find_metric(description, name) for name in names]
