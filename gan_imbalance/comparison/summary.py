"""From the cells' files to tables, and to a verdict that the statistics allow."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gan_imbalance.comparison.cells import TUNED, Arm, Setting, scores_path
from gan_imbalance.comparison.record import Record
from gan_imbalance.comparison.statistics import (
    PairedComparison,
    bootstrap_scores,
    holm,
    mean_interval,
    paired_comparison,
)
from gan_imbalance.quality import FIGURES, FRECHET_DISTANCE

SIGNIFICANT = 0.05

_QUALITY = "quality_"
_SPLIT = ["seed", "fold"]
_SETTING = list(Setting._fields)
# one number stands for all that is not set, since missing values are equal to nothing
_UNSET = -1.0

Scores = Mapping[Arm, "pd.Series[float]"]
"""Of every remedy with its amount, the scores by split."""

Intervals = dict[tuple[str, str, str], tuple[float, float]]
"""Of a remedy, an amount and a metric, the low and the high end."""


@dataclass(frozen=True)
class Metric:
    """A figure as tables and pictures show it.

    Attributes:
        name: its column.
        title: how a person calls it.
    """

    name: str
    title: str


BALANCED_ACCURACY = Metric("balanced_accuracy", "Balanced accuracy")


def headline_metrics(record: Record) -> tuple[Metric, Metric]:
    """Return what the verdict is about."""
    return Metric("pr_auc", "PR-AUC"), Metric(f"recall_{record.minority_label}", "Recall")


def shown_metrics(record: Record) -> list[Metric]:
    """Return what tables show, in order."""
    minority = record.minority_label
    reweighted = [Metric("precision_reweighted", "Precision at the true rate")] if record.positive_rate else []
    return [
        *headline_metrics(record),
        Metric(f"precision_{minority}", "Precision"),
        *reweighted,
        Metric(f"f1_{minority}", "F1"),
        Metric(f"tuned_recall_{minority}", "Recall, tuned threshold"),
        Metric(f"tuned_f1_{minority}", "F1, tuned threshold"),
        BALANCED_ACCURACY,
        Metric("g_mean", "G-mean"),
        Metric("roc_auc", "ROC-AUC"),
        Metric("calibration_error", "Calibration error"),
        Metric("brier", "Brier score"),
    ]


def results_table(record: Record) -> pd.DataFrame:
    """Return one row per finished cell: split, classifier, remedy, kind, amount, all figures, and what it took."""
    rows = []
    for entry in record.finished:
        result = record.results[entry.path]
        rows.append(
            {
                "seed": entry.key.seed,
                "fold": entry.key.fold,
                **entry.key.setting._asdict(),
                "classifier": entry.classifier,
                **entry.arm._asdict(),
                **result["metrics"],
                **{f"tuned_{name}": value for name, value in result["tuned_metrics"].items()},
                "threshold": result["threshold"],
                "tuned_threshold": result["tuned_threshold"],
                "validation_pr_auc": result["validation_pr_auc"],
                **{f"rows_{name}": value for name, value in result["rows"].items()},
                **{f"seconds_{name}": value for name, value in result["seconds"].items()},
                **{f"peak_memory_mib_{name}": value for name, value in result["peak_memory_mib"].items()},
                "split_hash": result["split_hash"],
                "notes": "; ".join(result["notes"]),
                **{f"{_QUALITY}{name}": value for name, value in result.get("quality", {}).items()},
                "file": str(entry.path.relative_to(record.folder)),
            }
        )
    return pd.DataFrame(rows).astype({"fold": "Int64", "minority_rows": "Int64", "imbalance_ratio": float})


def summarise_quality(results: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return how good, and how private, the rows are that each remedy adds: mean and interval over the splits.

    The rows of a remedy with given amounts are judged once a split, all that it made; of one that has tuned cells only,
    those that its first classifier chose.

    Args:
        results: of :func:`results_table`.
        names: of the figures to sum up, in order.

    Returns:
        Columns minority_rows, imbalance_ratio, remedy, kind, metric, title, best, splits, mean, low, high; no row for
        a remedy that adds none.
    """
    rows = results.assign(tuned=results["amount"] == TUNED).sort_values("tuned", kind="stable")
    once = rows.drop_duplicates([*_SETTING, *_SPLIT, "remedy"]).sort_index()
    known = {figure.name: figure for figure in (FRECHET_DISTANCE, *FIGURES)}
    shown = [known[name] for name in names if _QUALITY + name in once]
    summary = []
    for (*setting, remedy, kind), of in once.groupby([*_SETTING, "remedy", "kind"], sort=False, dropna=False):
        for figure in shown:
            values = of[_QUALITY + figure.name].dropna()
            if len(values):
                row = dict(zip(_SETTING, setting, strict=True)) | {"remedy": remedy, "kind": kind}
                row |= {"metric": figure.name, "title": figure.title, "best": figure.best, "splits": len(values)}
                summary.append(row | dict(zip(("mean", "low", "high"), mean_interval(values), strict=True)))
    columns = [*_SETTING, "remedy", "kind", "metric", "title", "best", "splits", "mean", "low", "high"]
    return pd.DataFrame(summary, columns=columns)


class Group(NamedTuple):
    """The results of one classifier at one setting."""

    classifier: str
    setting: Setting
    rows: pd.DataFrame

    @property
    def name(self) -> str:
        """Return how a person calls it."""
        return ", ".join(filter(None, (self.classifier, self.setting.name)))


def grouped(record: Record, table: pd.DataFrame) -> list[Group]:
    """Return the rows of a table of results, or of summaries, by classifier and setting, in order."""
    settings = table[_SETTING].astype(float).fillna(_UNSET)
    groups = []
    for classifier in dict.fromkeys(table["classifier"]):
        for setting in record.settings:
            wanted = [_UNSET if value is None else value for value in setting]
            rows = table[(table["classifier"] == classifier) & (settings == wanted).all(axis=1)]
            if len(rows):
                groups.append(Group(str(classifier), setting, rows))
    return groups


def summarise(record: Record, results: pd.DataFrame) -> pd.DataFrame:
    """Return mean, interval and difference to "nothing" of every classifier, setting, remedy, amount and metric.

    The test is the corrected resampled t on paired splits; Holm's correction is over the remedies and amounts
    within a classifier, a setting and a metric. Of a single split, the intervals of PR-AUC and of two classes'
    recall at 0.5 are the bootstrap's over its test rows.
    """
    columns = list(results.columns)
    metrics = columns[columns.index("kind") + 1 : columns.index("threshold")]
    summary = pd.DataFrame(
        {"classifier": group.classifier, **group.setting._asdict(), **row}
        for group in grouped(record, results)
        for intervals in [_bootstrapped(record, group.rows)]
        for metric in metrics
        for row in _summarise_metric(record, group, metric, intervals)
    )
    return summary.astype({"minority_rows": "Int64", "imbalance_ratio": float})


def _summarise_metric(record: Record, group: Group, metric: str, intervals: Intervals) -> list[dict[str, Any]]:
    """Return one row per remedy and amount, with the interval of a single split from ``intervals``."""
    scores, added = scores_by_arm(group.rows, metric), scores_by_arm(group.rows, "rows_added")
    ratio = record.test_train_ratio(group.setting)
    baseline = next((values for arm, values in scores.items() if arm.is_baseline), None)
    rows = []
    for arm, values in scores.items():
        row = {
            **arm._asdict(),
            "arm": arm.name,
            "rows_added": added[arm].mean(),
            "metric": metric,
            "splits": int(values.count()),
        }
        mean, low, high = mean_interval(values.dropna()) if row["splits"] else (np.nan,) * 3
        if len(values) == 1:
            low, high = intervals.get((arm.remedy, arm.amount, metric), (np.nan, np.nan))
        compared = None
        if baseline is not None and values is not baseline:
            compared = compare_scores(values, baseline, ratio)
        rows.append({**row, "mean": mean, "low": low, "high": high, **_difference(compared)})
    for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(adjusted)
    return rows


def differences(record: Record, results: pd.DataFrame) -> pd.DataFrame:
    """Return every GAN against every other remedy, pair by pair on the same splits.

    :func:`summarise` compares with nothing alone. Here are the rest of the pairs, for the headline metrics and balanced
    accuracy, by the same test; Holm's correction is over all pairs of a GAN within a classifier, a setting and a
    metric.

    Returns:
        Columns classifier, minority_rows, imbalance_ratio, arm, other, metric, splits, difference, difference_low,
        difference_high, effect_size, effect_low, effect_high, p, p_holm.
    """
    rows: list[dict[str, Any]] = []
    for group in grouped(record, results):
        ratio = record.test_train_ratio(group.setting)
        for metric in (*headline_metrics(record), BALANCED_ACCURACY):
            scores = scores_by_arm(group.rows, metric.name)
            for arm in (arm for arm in scores if arm.kind == "gan"):
                pairs = {other: compare_scores(scores[arm], scores[other], ratio) for other in scores if other != arm}
                adjusted = holm([_difference(compared)["p"] for compared in pairs.values()])
                rows += [
                    {
                        "classifier": group.classifier,
                        **group.setting._asdict(),
                        "arm": arm.name,
                        "other": other.name,
                        "metric": metric.name,
                        "splits": compared.pairs if compared else 0,
                        **_difference(compared),
                        "p_holm": float(p),
                    }
                    for (other, compared), p in zip(pairs.items(), adjusted, strict=True)
                ]
    return pd.DataFrame(rows)


def scores_by_arm(rows: pd.DataFrame, metric: str) -> Scores:
    """Return the scores by split, the same splits for all; NaN where a cell or the metric's meaning is missing."""
    rows = _by_split(rows).reset_index()
    table = rows.pivot(index=_SPLIT, columns=["remedy", "amount", "kind"], values=metric).astype(float)
    in_order = rows[["remedy", "amount", "kind"]].drop_duplicates().itertuples(index=False, name=None)
    return {Arm(*map(str, arm)): table[arm] for arm in in_order}


def _bootstrapped(record: Record, rows: pd.DataFrame) -> Intervals:
    """Return the bootstrap's intervals of every remedy and amount on a single split; none of several splits."""
    intervals: Intervals = {}
    if len(_by_split(rows).index.unique()) > 1:
        return intervals
    recall = f"recall_{record.minority_label}"
    for row in rows.to_dict("records"):
        scores = pd.read_parquet(scores_path(record.folder / row["file"]))
        threshold = 0.5 if pd.isna(row["threshold"]) else float(row["threshold"])
        positive = (scores["label"] == record.minority).to_numpy()
        found = bootstrap_scores(scores[f"probability_{record.minority_label}"].to_numpy(), positive, threshold)
        intervals[row["remedy"], row["amount"], "pr_auc"] = found["pr_auc"]
        # of several classes, the most probable one is predicted, whatever the threshold
        if len(record.classes) == 2:
            intervals[row["remedy"], row["amount"], recall] = found["recall"]
    return intervals


def compare_scores(
    scores: pd.Series[float], baseline: pd.Series[float], test_train_ratio: float
) -> PairedComparison | None:
    """Compare two remedies on the splits that both have; None where there is none."""
    both = (scores.notna() & baseline.notna()).to_numpy()
    pair = scores.to_numpy()[both], baseline.to_numpy()[both]
    return paired_comparison(*pair, test_train_ratio) if both.any() else None


def _difference(compared: PairedComparison | None) -> dict[str, float]:
    """Return columns of the summary, NaN where there is nothing to compare or no test."""
    names = ("difference", "difference_low", "difference_high", "effect_size", "effect_low", "effect_high", "p")
    columns = dict.fromkeys(names, np.nan)
    if compared is not None:
        columns["difference"] = compared.difference
        # recall moves in whole rows, so a few splits may differ by the very same; that tells nothing of their spread
        if np.isfinite(compared.t):
            effect = compared.effect
            columns |= {"difference_low": compared.low, "difference_high": compared.high, "p": compared.p}
            columns |= {"effect_size": effect.d, "effect_low": effect.low, "effect_high": effect.high}
    return columns


def at_one_amount(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every remedy with the last of its amounts that is not tuned, in the order of the plan."""
    fixed = rows[rows["amount"] != TUNED]
    last = fixed.groupby("remedy", sort=False)["amount"].last()
    return fixed[fixed["amount"] == fixed["remedy"].map(last)]


def verdicts(record: Record, results: pd.DataFrame) -> dict[str, str]:
    """Return one sentence per classifier and setting: GANs against the other remedies.

    In every split the GAN, and the other remedy (doing nothing included, controls not), with the best PR-AUC on that
    split's own validation rows is taken: the validation rows of one split are test rows of others, so a choice over
    all splits would know the test rows. Holm's correction is over the metrics of the sentence.
    """
    return {group.name: f"With {group.name}, {_contest(record, group)}." for group in grouped(record, results)}


def _contest(record: Record, group: Group) -> str:
    """Return what the verdict says behind the name of the classifier."""
    gan = _preferred(group.rows, ("gan",))
    other = _preferred(group.rows, ("baseline", "standard"))
    if gan.empty or other.empty:
        return "there is no GAN or no other remedy to compare"
    idle = int((gan["rows_added"] == 0).sum())
    added = f", adding no rows in {idle} of {len(gan)} splits" if idle else ""
    return (
        f"validation rows prefer “{_most_frequent(gan)}” among the GANs{added} and “{_most_frequent(other)}” among the "
        "other remedies, each split choosing by itself: "
        + "; ".join(_clause(result) for result in duel(record, group.setting, gan, other))
    )


def _preferred(rows: pd.DataFrame, kinds: Collection[str]) -> pd.DataFrame:
    """Return, of every split, the row of the remedy of those kinds with the best PR-AUC on validation rows."""
    candidates = _by_split(rows[rows["kind"].isin(kinds)])
    best = candidates["validation_pr_auc"].groupby(level=_SPLIT).transform("max")
    # of equally good ones the first
    chosen = candidates[candidates["validation_pr_auc"] == best]
    return chosen[~chosen.index.duplicated()]


def _by_split(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(fold=rows["fold"].astype(float).fillna(_UNSET)).set_index(_SPLIT)


def _most_frequent(rows: pd.DataFrame) -> str:
    """Return how the remedy is called that most splits chose, and how many did where not all."""
    names = [Arm(*map(str, arm)).name for arm in rows[["remedy", "amount", "kind"]].itertuples(index=False, name=None)]
    counts = pd.Series(names).value_counts(sort=False)
    name = str(counts.idxmax())
    return name if len(counts) == 1 else f"{name} in {counts.max()} of {len(names)} splits, {len(counts) - 1} more"


class Duel(NamedTuple):
    """Two remedies compared in one metric.

    Attributes:
        metric: which one.
        mean: of the first, over the splits that both have.
        other_mean: of the second.
        compared: their paired comparison; None where they have no split in common.
        p: after Holm's correction over the headline metrics; NaN where the splits allow no test.
    """

    metric: Metric
    mean: float
    other_mean: float
    compared: PairedComparison | None
    p: float


def duel(record: Record, setting: Setting, first: pd.DataFrame, second: pd.DataFrame) -> list[Duel]:
    """Compare two remedies, results with one row per split each, in every headline metric."""
    one, other = (rows if rows.index.names == _SPLIT else _by_split(rows) for rows in (first, second))
    ratio = record.test_train_ratio(setting)
    metrics = headline_metrics(record)
    pairs = [pd.concat([one[metric.name], other[metric.name]], axis=1, keys=["one", "other"]) for metric in metrics]
    pairs = [pair.astype(float).dropna() for pair in pairs]
    compared = [compare_scores(pair["one"], pair["other"], ratio) for pair in pairs]
    adjusted = holm([_difference(result)["p"] for result in compared])
    return [
        Duel(metric, float(pair["one"].mean()), float(pair["other"].mean()), result, float(p))
        for metric, pair, result, p in zip(metrics, pairs, compared, adjusted, strict=True)
    ]


def _clause(result: Duel) -> str:
    """Return what is true of one metric."""
    metric, mean, other, compared, p = result
    title = metric.title if metric.title.isupper() else metric.title.lower()
    means = f"{mean:.3f} against {other:.3f}"
    if compared is None or np.isnan(p):
        return f"{title} {means}, where the splits allow no test"
    numbers = (
        f"difference {compared.difference:+.3f}, 95 % interval {compared.low:+.3f} to {compared.high:+.3f}, "
        f"adjusted p {p:.2f}, {compared.pairs} splits"
    )
    if np.isfinite(compared.effect.low):
        effect = compared.effect
        numbers += f", effect size {effect.d:+.2f}, {effect.low:+.2f} to {effect.high:+.2f}"
    if p >= SIGNIFICANT:
        return f"no difference in {title} could be shown, {means} ({numbers})"
    return f"{title} is {'higher' if compared.difference > 0 else 'lower'} with the GANs, {means} ({numbers})"
