"""The plots of a report, drawn from a comparison's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from gan_imbalance.comparison import plots
from gan_imbalance.comparison.adapters import pick
from gan_imbalance.comparison.analysis.metrics import Metric, headline_metrics, shown_metrics
from gan_imbalance.comparison.analysis.tables import at_one_amount, grouped
from gan_imbalance.comparison.plan.description import Description, Entry
from gan_imbalance.comparison.plots import Plot
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.run.rows import Resampled
from gan_imbalance.transforms.dtypes import Floats

_RECALL_GRID = np.linspace(0, 1, 101)


def draw(findings: Findings) -> tuple[list[Plot], list[Plot]]:
    """Return the plots of the answer, one per classifier, and all others."""
    return [*_forests(findings, findings.metric)], [*_others(findings)]


def _forests(findings: Findings, metric: Metric) -> Iterator[Plot]:
    """Yield the differences to nothing with each classifier, at the first setting."""
    for group in findings.groups_at(findings.answers[0]):
        rows = at_one_amount(group.rows)
        yield plots.forest(
            rows[rows["metric"] == metric.name],
            metric.name,
            metric.display_name,
            group.classifier,
            metric.practical_difference,
            metric.higher_is_better,
        )


def _others(findings: Findings) -> Iterator[Plot]:
    description, summary = findings.description, findings.summary
    setting = findings.answers[0].setting
    at_first = pd.concat([group.rows for group in findings.groups if group.setting == setting])
    fixed = at_one_amount(at_first)
    for metric in headline_metrics(description)[1:]:
        yield from _forests(findings, metric)
    for metric in shown_metrics(description)[:4]:
        yield plots.metric_by_remedy(fixed[fixed["metric"] == metric.name], metric.name, metric.display_name)
    entries = [entry for entry in findings.finished if entry.key.setting == setting]
    for classifier, rows in at_first.groupby("classifier", sort=False):
        yield from _curves_along_axes(description, summary[summary["classifier"] == classifier])
        mine = [entry for entry in entries if entry.classifier == classifier]
        best = _best_of_each_role(rows[rows["metric"] == "pr_auc"])
        yield plots.precision_recall(_curves(findings, mine), best, str(classifier))
        chosen = [entry for entry in mine if entry.method.display_name in best]
        yield from _learning_curves(findings, chosen, str(classifier))
        matrices = _matrices(findings, chosen)
        yield plots.confusion_matrices(matrices, [str(label) for label in description.classes], str(classifier))
    yield from _synthetic_plots(findings)


def _curves_along_axes(description: Description, summary: pd.DataFrame) -> Iterator[Plot]:
    """Yield the headline metrics along every axis that has several values."""
    classifier = str(summary["classifier"].iloc[0])
    for metric in headline_metrics(description):
        rows = summary[summary["metric"] == metric.name]
        first = grouped(description, rows)[0].rows
        # shares of a batch and tuned amounts are no numbers of rows
        sized = first[first["amount"].str.fullmatch("[0-9]*|balance")]
        if (sized.groupby("remedy")["rows_added"].nunique() > 1).any():
            yield plots.metric_by_amount(sized, metric.name, metric.display_name, classifier)
        for axis, title in (("minority_rows", "real minority rows"), ("imbalance_ratio", "imbalance ratio")):
            if rows[axis].nunique() > 1:
                yield _along_axis(rows, axis, title, metric, classifier)


def _along_axis(rows: pd.DataFrame, axis: str, title: str, metric: Metric, classifier: str) -> Plot:
    """Return a metric along a setting, with one amount of every remedy and the other setting as it comes first."""
    other = "imbalance_ratio" if axis == "minority_rows" else "minority_rows"
    fixed = rows[other].isna() if rows[other].isna().any() else rows[other] == rows[other].iloc[0]
    chosen = at_one_amount(rows[fixed])
    return plots.metric_by_axis(chosen.assign(x=chosen[axis]), title, metric.display_name, classifier)


def _learning_curves(findings: Findings, entries: Sequence[Entry], classifier: str) -> Iterator[Plot]:
    """Yield the validation metric while a classifier trained, if it tells."""
    histories: dict[str, list[pd.DataFrame]] = {}
    for entry in entries:
        history = findings.cells[entry.address]["history"]
        if history:
            histories.setdefault(entry.method.display_name, []).append(pd.DataFrame(history))
    if histories:
        means = {
            name: pd.concat(frames).groupby("step")["validation_pr_auc"].mean().rename("value").reset_index()
            for name, frames in histories.items()
        }
        yield plots.curves_by_step(means, "PR-AUC on validation rows", classifier)


def _best_of_each_role(rows: pd.DataFrame) -> list[str]:
    """Return nothing, and the best standard remedy, GAN and control by a metric."""
    best = rows.dropna(subset=["mean"]).sort_values("mean", ascending=False).drop_duplicates("role")
    return [str(method) for method in best["method"]]


def _curves(findings: Findings, entries: Sequence[Entry]) -> dict[str, tuple[Floats, Floats]]:
    """Return each remedy's precision, mean over the splits, at equally spaced recalls."""
    from sklearn.metrics import precision_recall_curve

    description = findings.description
    column = f"probability_{description.minority_label}"
    precisions: dict[str, list[Floats]] = {}
    for entry in entries:
        scores = findings.store.read_scores(entry.address)
        # scikit-learn takes twice as long to find out what a column of pandas holds
        is_rare, score = (scores["label"] == description.minority).to_numpy(), scores[column].to_numpy()
        precision, recall, _ = precision_recall_curve(is_rare, score)
        # the best precision at this recall or a higher one
        best = np.maximum.accumulate(precision)
        at_least = np.searchsorted(-recall, -_RECALL_GRID, side="right") - 1
        precisions.setdefault(entry.method.display_name, []).append(best[at_least])
    return {name: (_RECALL_GRID, np.mean(curves, axis=0)) for name, curves in precisions.items()}


def _matrices(findings: Findings, entries: Sequence[Entry]) -> dict[str, Floats]:
    matrices: dict[str, Floats] = {}
    for entry in entries:
        matrix = np.array(findings.cells[entry.address]["confusion_matrix"], dtype=np.float64)
        matrices[entry.method.display_name] = matrices.get(entry.method.display_name, 0) + matrix
    return matrices


def _synthetic_plots(findings: Findings) -> Iterator[Plot]:
    """Yield real against synthetic rows, and training curves, of the first split's GANs."""
    store, adapter, minority = findings.store, findings.adapter, findings.description.minority
    addresses = findings.description.content["synthetic"]
    sets = {
        name: Resampled.unpack(store.read_rows(address), adapter)
        for name, address in addresses.items()
        if store.has_rows(address)
    }
    if not sets:
        return
    if not findings.description.private:
        rare = {name: pick(made.added, np.flatnonzero(made.labels == minority)) for name, made in sets.items()}
        yield from adapter.plots(rare, minority)
    histories = {
        name: pd.DataFrame(made.history).select_dtypes("number").drop(columns="class", errors="ignore")
        for name, made in sets.items()
        if len(made.history) > 1
    }
    if histories:
        yield plots.training_curves(histories)
