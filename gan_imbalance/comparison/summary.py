"""From the cells' files to tables, and to a verdict that the statistics allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison.cells import Arm, Cell, Study, read_result
from gan_imbalance.comparison.statistics import PairedComparison, holm, mean_interval, paired_comparison

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Metric:
    """A figure as tables and pictures show it.

    Attributes:
        name: its column.
        title: how a person calls it.
    """

    name: str
    title: str


def headline_metrics(study: Study) -> tuple[Metric, Metric]:
    """Return what the verdict is about."""
    return Metric("pr_auc", "PR-AUC"), Metric(f"recall_{_minority(study)}", "Recall")


def shown_metrics(study: Study) -> list[Metric]:
    """Return what tables show, in order."""
    minority = _minority(study)
    reweighted = [Metric("precision_reweighted", "Precision at the true rate")] if study.positive_rate else []
    return [
        *headline_metrics(study),
        Metric(f"precision_{minority}", "Precision"),
        *reweighted,
        Metric(f"f1_{minority}", "F1"),
        Metric(f"tuned_recall_{minority}", "Recall, tuned threshold"),
        Metric(f"tuned_f1_{minority}", "F1, tuned threshold"),
        Metric("balanced_accuracy", "Balanced accuracy"),
        Metric("g_mean", "G-mean"),
        Metric("roc_auc", "ROC-AUC"),
        Metric("calibration_error", "Calibration error"),
        Metric("brier", "Brier score"),
    ]


def _minority(study: Study) -> str:
    return str(study.table.classes[study.minority])


def results_table(study: Study, cells: Sequence[Cell]) -> pd.DataFrame:
    """Return one row per cell: seed, classifier, remedy, kind, amount, all figures, and what it took."""
    rows = []
    for cell in cells:
        result = read_result(cell.path(study))
        rows.append(
            {
                "seed": cell.seed,
                "classifier": cell.classifier,
                **cell.arm._asdict(),
                **result["metrics"],
                **{f"tuned_{name}": value for name, value in result["tuned_metrics"].items()},
                "threshold": result["threshold"],
                "tuned_threshold": result["tuned_threshold"],
                **{f"rows_{name}": value for name, value in result["rows"].items()},
                **{f"seconds_{name}": value for name, value in result["seconds"].items()},
                "peak_memory_mib": result["peak_memory_mib"],
                "split_hash": result["split_hash"],
                "notes": "; ".join(result["notes"]),
            }
        )
    return pd.DataFrame(rows)


def summarise(study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """Return mean, interval and difference to "nothing" of every classifier, remedy, amount and metric.

    The test is the corrected resampled t on paired seeds; Holm's correction is over the remedies and amounts
    within a classifier and a metric.
    """
    columns = list(results.columns)
    metrics = columns[columns.index("kind") + 1 : columns.index("threshold")]
    return pd.DataFrame(
        {"classifier": classifier, **row}
        for classifier, group in results.groupby("classifier", sort=False)
        for metric in metrics
        for row in _summarise_metric(study, group, metric)
    )


def _summarise_metric(study: Study, group: pd.DataFrame, metric: str) -> list[dict[str, Any]]:
    """Return one row per remedy and amount."""
    scores, added = _scores_by_arm(group, metric), _scores_by_arm(group, "rows_added")
    baseline = next((values for arm, values in scores.items() if arm.kind == "baseline"), None)
    rows = []
    for arm, values in scores.items():
        row = {
            **arm._asdict(),
            "arm": arm.name,
            "rows_added": added[arm].mean(),
            "metric": metric,
            "seeds": int(values.count()),
        }
        mean, low, high = mean_interval(values.dropna()) if row["seeds"] else (np.nan,) * 3
        compared = None
        if baseline is not None and arm.kind != "baseline":
            compared = _compare(study, values, baseline)
        rows.append({**row, "mean": mean, "low": low, "high": high, **_difference(compared)})
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(adjusted)
    return rows


def _scores_by_arm(group: pd.DataFrame, metric: str) -> dict[Arm, pd.Series[float]]:
    """Return the scores by seed, NaN where the metric has no meaning."""
    by_arm = group.set_index("seed").groupby(["remedy", "amount", "kind"], sort=False)[metric]
    return {Arm(*map(str, arm)): scores.astype(float) for arm, scores in by_arm}


def _compare(study: Study, scores: pd.Series[float], baseline: pd.Series[float]) -> PairedComparison | None:
    """Compare two remedies on the seeds that both have; None where there is none."""
    paired = pd.concat([scores, baseline], axis=1).dropna().to_numpy()
    if not len(paired):
        return None
    ratio = np.mean([len(split.test) / len(split.train) for split in study.splits])
    return paired_comparison(paired[:, 0], paired[:, 1], float(ratio))


def _difference(compared: PairedComparison | None) -> dict[str, float]:
    """Return columns of the summary, NaN where there is nothing to compare or no test."""
    columns = dict.fromkeys(("difference", "difference_low", "difference_high", "p"), np.nan)
    if compared is not None:
        columns["difference"] = compared.difference
        # recall moves in whole rows, so a few splits may differ by the very same; that tells nothing of their spread
        if np.isfinite(compared.t):
            columns |= {"difference_low": compared.low, "difference_high": compared.high, "p": compared.p}
    return columns


def verdicts(study: Study, results: pd.DataFrame) -> dict[str, str]:
    """Return one sentence per classifier: the best GAN against the best other remedy in the headline metrics.

    The best are chosen by their means on the test rows, so the p-value of their difference is Holm-corrected
    over all pairs of a GAN and another remedy (doing nothing included, controls not).
    """
    return {
        str(classifier): f"With {classifier}, "
        + "; ".join(_contest(study, group, metric) for metric in headline_metrics(study))
        + "."
        for classifier, group in results.groupby("classifier", sort=False)
    }


def _contest(study: Study, group: pd.DataFrame, metric: Metric) -> str:
    """Return a clause on the best GAN and the best other remedy."""
    title = metric.title if metric.title.isupper() else metric.title.lower()
    scores = {arm: values for arm, values in _scores_by_arm(group, metric.name).items() if values.count()}
    gans = [arm for arm in scores if arm.kind == "gan"]
    others = [arm for arm in scores if arm.kind in ("baseline", "standard")]
    if not gans or not others:
        return f"there is no GAN or no other remedy to compare in {title}"
    pairs = {(gan, other): _compare(study, scores[gan], scores[other]) for gan in gans for other in others}
    adjusted = holm([_difference(compared)["p"] for compared in pairs.values()])
    best = tuple(max(arms, key=lambda arm: scores[arm].mean()) for arms in (gans, others))
    compared, p = pairs[best], adjusted[list(pairs).index(best)]  # type: ignore[index, arg-type]
    gan, other = (f"{arm.name} ({scores[arm].mean():.3f})" for arm in best)
    if compared is None or np.isnan(p):
        return f"the best GAN in {title} is {gan}, the best other remedy {other}; the splits allow no test"
    numbers = (
        f"difference {compared.difference:+.3f}, 95 % interval {compared.low:+.3f} to {compared.high:+.3f}, "
        f"adjusted p {p:.2f}, {compared.pairs} splits"
    )
    if p >= SIGNIFICANT:
        return (
            f"no difference in {title} could be shown between the best GAN, {gan}, "
            f"and the best other remedy, {other}: {numbers}"
        )
    relation = "higher" if compared.difference > 0 else "lower"
    return f"{title} is {relation} with the best GAN, {gan}, than with the best other remedy, {other}: {numbers}"
