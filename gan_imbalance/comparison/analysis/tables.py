"""From results to tables: every cell, means and differences, every pair, and the quality of added rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gan_imbalance.comparison.analysis.decision import Probabilities, adjusted_marks, overlap_ratio, posterior
from gan_imbalance.comparison.analysis.metrics import Metric, find_metric, headline_metrics, metric_of_column
from gan_imbalance.comparison.analysis.statistics import (
    PairedComparison,
    bootstrap_scores,
    holm,
    mean_interval,
    paired_comparison,
)
from gan_imbalance.comparison.plan.cells import TUNED, Method
from gan_imbalance.comparison.plan.description import Description
from gan_imbalance.comparison.plan.study import Setting
from gan_imbalance.quality import FRECHET_DISTANCE, QUALITY_METRICS, SERIES_METRICS

_QUALITY = "quality_"
SPLIT = ["seed", "fold"]
_SETTING = list(Setting._fields)
# one number stands for all that is not set, since missing values are equal to nothing
_UNSET = -1.0

Scores = Mapping[Method, "pd.Series[float]"]
"""Of every remedy with its amount, the scores by split."""

Intervals = dict[tuple[str, str, str], tuple[float, float]]
"""Of a remedy, an amount and a metric, the low and the high end."""


def results_table(results: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row per result: split, classifier, remedy, role, amount, all figures, and what it took."""
    rows = [
        {
            "seed": result["seed"],
            "fold": result["fold"],
            **{name: result[name] for name in _SETTING},
            "classifier": result["classifier"],
            **{name: result[name] for name in Method._fields},
            **result["metrics"],
            **{f"tuned_{name}": value for name, value in result["tuned_metrics"].items()},
            "threshold": result["threshold"],
            "tuned_threshold": result["tuned_threshold"],
            **{f"validation_{name}": value for name, value in result["validation"].items()},
            **{f"rows_{name}": value for name, value in result["rows"].items()},
            **{f"seconds_{name}": value for name, value in result["seconds"].items()},
            **{f"peak_memory_mib_{name}": value for name, value in result["peak_memory_mib"].items()},
            "split_hash": result["split_hash"],
            "notes": "; ".join(result["notes"]),
            **{f"{_QUALITY}{name}": value for name, value in result["quality"].items()},
            "address": result["address"],
        }
        for result in results
    ]
    if not rows:
        return pd.DataFrame()
    return pd.DataFrame(rows).astype({"fold": "Int64", "minority_rows": "Int64", "imbalance_ratio": float})


def summarise_quality(results: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return how good, and how private, the rows are that each remedy adds: mean and interval over the splits.

    The rows of a remedy with given amounts are judged once a split, all that it made; of one that has tuned cells only,
    those that its first classifier chose.

    Args:
        results: of :func:`results_table`.
        names: of the figures to sum up, in order.

    Returns:
        Columns minority_rows, imbalance_ratio, remedy, role, metric, display_name, best, splits, mean, low, high; no
        row for a remedy that adds none.
    """
    rows = results.assign(tuned=results["amount"] == TUNED).sort_values("tuned", kind="stable")
    once = rows.drop_duplicates([*_SETTING, *SPLIT, "remedy"]).sort_index()
    known = {figure.name: figure for figure in (FRECHET_DISTANCE, *QUALITY_METRICS, *SERIES_METRICS)}
    shown = [known[name] for name in names if _QUALITY + name in once]
    summary = []
    for (*setting, remedy, role), of in once.groupby([*_SETTING, "remedy", "role"], sort=False, dropna=False):
        for figure in shown:
            values = of[_QUALITY + figure.name].dropna()
            if len(values):
                row = dict(zip(_SETTING, setting, strict=True)) | {"remedy": remedy, "role": role}
                row |= {
                    "metric": figure.name,
                    "display_name": figure.display_name,
                    "best": figure.best,
                    "splits": len(values),
                }
                summary.append(row | dict(zip(("mean", "low", "high"), mean_interval(values), strict=True)))
    columns = [*_SETTING, "remedy", "role", "metric", "display_name", "best", "splits", "mean", "low", "high"]
    return pd.DataFrame(summary, columns=columns)


class Group(NamedTuple):
    """The results of one classifier at one setting."""

    classifier: str
    setting: Setting
    rows: pd.DataFrame

    @property
    def display_name(self) -> str:
        """Return what tables and messages call it."""
        return ", ".join(filter(None, (self.classifier, self.setting.display_name)))


def grouped(description: Description, table: pd.DataFrame) -> list[Group]:
    """Return the rows of a table of results, or of summaries, by classifier and setting, in order."""
    settings = table[_SETTING].astype(float).fillna(_UNSET)
    groups = []
    for classifier in dict.fromkeys(table["classifier"]):
        for setting in description.settings:
            wanted = [_UNSET if value is None else value for value in setting]
            rows = table[(table["classifier"] == classifier) & (settings == wanted).all(axis=1)]
            if len(rows):
                groups.append(Group(str(classifier), setting, rows))
    return groups


def summarise(
    description: Description, results: pd.DataFrame, read_scores: Callable[[str], pd.DataFrame] | None = None
) -> pd.DataFrame:
    """Return mean, interval and difference to "nothing" of every classifier, setting, remedy, amount and metric.

    These differences are exploratory: nobody singled one out beforehand. Intervals, p-values and probabilities allow
    for rows that splits share; ``p_holm`` and ``mark`` are corrected over the remedies and amounts within a
    classifier, a setting and a metric. Of a single split, the intervals of PR-AUC and of two classes' recall at 0.5 are
    the bootstrap's over its test rows.

    Args:
        description: of the comparison.
        results: of :func:`results_table`.
        read_scores: returns the test scores of a cell by its address; None leaves the bootstrap out.
    """
    columns = list(results.columns)
    metrics = [
        metric_of_column(description, name) for name in columns[columns.index("role") + 1 : columns.index("threshold")]
    ]
    names = [*(metric.name for metric in metrics), "rows_added"]
    summary = pd.DataFrame(
        {"classifier": group.classifier, **group.setting._asdict(), **row}
        for group in grouped(description, results)
        for intervals in [_bootstrapped(description, group.rows, read_scores)]
        for scores in [scores_by_metric(group.rows, names)]
        for ratio in [allowance(description, group.setting)]
        for metric in metrics
        for row in _summarise_metric(metric, scores[metric.name], scores["rows_added"], ratio, intervals)
    )
    return summary.astype({"minority_rows": "Int64", "imbalance_ratio": float})


def _summarise_metric(
    metric: Metric, scores: Scores, added: Scores, ratio: float, intervals: Intervals
) -> list[dict[str, Any]]:
    """Return one row per remedy and amount, with the interval of a single split from ``intervals``."""
    baseline = next((values for method, values in scores.items() if method.is_baseline), None)
    rows: list[dict[str, Any]] = []
    found: list[Probabilities] = []
    for method, values in scores.items():
        row = {
            **method._asdict(),
            "method": method.display_name,
            "rows_added": added[method].mean(),
            "metric": metric.name,
            "splits": int(values.count()),
        }
        mean, low, high = mean_interval(values.dropna()) if row["splits"] else (np.nan,) * 3
        low, high = metric.bounded(low, high)
        if len(values) == 1:
            low, high = intervals.get((method.remedy, method.amount, metric.name), (np.nan, np.nan))
        compared, probabilities = None, Probabilities(*[np.nan] * 3)
        if baseline is not None and values is not baseline:
            compared = compare_scores(values, baseline, ratio)
            gains = metric.gains(values - baseline).dropna()
            if compared is not None and np.isfinite(compared.t):
                probabilities = posterior(gains, ratio, metric.practical_difference)
        rows.append({**row, "mean": mean, "low": low, "high": high, **_difference(metric, compared, baseline)})
        found.append(probabilities)
    adjusted = holm([row["p"] for row in rows])
    for row, p, probabilities, mark in zip(rows, adjusted, found, adjusted_marks(found), strict=True):
        row["p_holm"] = float(p)
        row |= {f"probability_{name}": value for name, value in probabilities._asdict().items()}
        row["mark"] = "" if row["role"] == "baseline" and not row["amount"] else mark
    return rows


def differences(description: Description, results: pd.DataFrame) -> pd.DataFrame:
    """Return every GAN against every other remedy, pair by pair on the same splits.

    :func:`summarise` compares with nothing alone. Here are the rest of the pairs, for the headline metrics and balanced
    accuracy, by the same test; Holm's correction is over all pairs of a GAN within a classifier, a setting and a
    metric.

    Returns:
        Columns classifier, minority_rows, imbalance_ratio, method, other, metric, splits, difference, difference_low,
        difference_high, effect_size, effect_low, effect_high, p, p_holm.
    """
    rows: list[dict[str, Any]] = []
    for group in grouped(description, results):
        ratio = allowance(description, group.setting)
        for metric in (*headline_metrics(description), find_metric(description, "balanced_accuracy")):
            scores = scores_by_method(group.rows, metric.name)
            for method in (method for method in scores if method.role == "gan"):
                pairs = {
                    other: compare_scores(scores[method], scores[other], ratio) for other in scores if other != method
                }
                found = {other: _difference(metric, compared, scores[other]) for other, compared in pairs.items()}
                adjusted = holm([difference["p"] for difference in found.values()])
                rows += [
                    {
                        "classifier": group.classifier,
                        **group.setting._asdict(),
                        "method": method.display_name,
                        "other": other.display_name,
                        "metric": metric.name,
                        "splits": compared.pairs if compared else 0,
                        **found[other],
                        "p_holm": float(p),
                    }
                    for (other, compared), p in zip(pairs.items(), adjusted, strict=True)
                ]
    return pd.DataFrame(rows)


def scores_by_metric(rows: pd.DataFrame, metrics: Sequence[str]) -> dict[str, Scores]:
    """Return the scores by split, the same splits for all; NaN where a cell or the metric's meaning is missing."""
    rows = by_split(rows).reset_index()
    table = rows.pivot(index=SPLIT, columns=list(Method._fields), values=list(metrics)).astype(float)
    methods = list(rows[list(Method._fields)].drop_duplicates().itertuples(index=False, name=None))
    return {metric: {Method(*map(str, method)): table[metric, *method] for method in methods} for metric in metrics}


def scores_by_method(rows: pd.DataFrame, metric: str) -> Scores:
    """Return those of :func:`scores_by_metric` in one metric."""
    return scores_by_metric(rows, [metric])[metric]


def _bootstrapped(
    description: Description, rows: pd.DataFrame, read_scores: Callable[[str], pd.DataFrame] | None
) -> Intervals:
    """Return the bootstrap's intervals of every remedy and amount on a single split; none of several splits."""
    intervals: Intervals = {}
    if read_scores is None or len(by_split(rows).index.unique()) > 1:
        return intervals
    recall = f"recall_{description.minority_label}"
    for row in rows.to_dict("records"):
        scores = read_scores(row["address"])
        threshold = 0.5 if pd.isna(row["threshold"]) else float(row["threshold"])
        positive = (scores["label"] == description.minority).to_numpy()
        found = bootstrap_scores(scores[f"probability_{description.minority_label}"].to_numpy(), positive, threshold)
        intervals[row["remedy"], row["amount"], "pr_auc"] = found["pr_auc"]
        # of several classes, the most probable one is predicted, whatever the threshold
        if len(description.classes) == 2:
            intervals[row["remedy"], row["amount"], recall] = found["recall"]
    return intervals


def allowance(description: Description, setting: Setting) -> float:
    """Return what tests allow for rows that the splits of a setting share, see :func:`overlap_ratio`."""
    rows = [[sum(part) for part in of.values()] for of in description.rows_of(setting)]
    tested = [sum(of["test"]) for of in description.rows_of(setting)]
    return float(np.mean([overlap_ratio(test, sum(parts)) for test, parts in zip(tested, rows, strict=True)]))


def compare_scores(scores: pd.Series[float], baseline: pd.Series[float], ratio: float) -> PairedComparison | None:
    """Compare two remedies on the splits that both have; None where there is none."""
    both = (scores.notna() & baseline.notna()).to_numpy()
    pair = scores.to_numpy()[both], baseline.to_numpy()[both]
    return paired_comparison(*pair, ratio) if both.any() else None


def _difference(
    metric: Metric, compared: PairedComparison | None, baseline: pd.Series[float] | None
) -> dict[str, float]:
    """Return columns of the summary, NaN where there is nothing to compare or no test."""
    names = ("difference", "difference_low", "difference_high", "effect_size", "effect_low", "effect_high", "p")
    columns = dict.fromkeys(names, np.nan)
    if compared is not None and baseline is not None:
        columns["difference"] = compared.difference
        # recall moves in whole rows, so a few splits may differ by the very same; that tells nothing of their spread
        if np.isfinite(compared.t):
            effect = compared.effect
            low, high = metric.bounded(compared.low, compared.high, float(baseline.mean()))
            columns |= {"difference_low": low, "difference_high": high, "p": compared.p}
            columns |= {"effect_size": effect.d, "effect_low": effect.low, "effect_high": effect.high}
    return columns


def at_one_amount(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every remedy with the last of its amounts that is not tuned, in the order of the plan."""
    fixed = rows[rows["amount"] != TUNED]
    last = fixed.groupby("remedy", sort=False)["amount"].last()
    return fixed[fixed["amount"] == fixed["remedy"].map(last)]


def by_split(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of results indexed by their split."""
    return rows.assign(fold=rows["fold"].astype(float).fillna(_UNSET)).set_index(SPLIT)
