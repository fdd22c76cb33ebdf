"""The report's page: what its template shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison.analysis.answer import Answer, Contest
from gan_imbalance.comparison.analysis.metrics import Metric, headline_metrics, shown_metrics
from gan_imbalance.comparison.analysis.tables import Group
from gan_imbalance.comparison.plots import Plot
from gan_imbalance.comparison.report import words
from gan_imbalance.comparison.report.findings import Findings
from gan_imbalance.comparison.report.templates import show
from gan_imbalance.comparison.report.terminal import quality_tables
from gan_imbalance.files import atomic_path, provenance
from gan_imbalance.pages import render

_PARTS = {"train": "training", "validation": "validation", "test": "test", "reserve": "the reserve"}
# of one table, so that it fits a screen and a sheet of paper
_COLUMNS = 5
_SIDES = {"worse": "hurt", "equal": "make no practical difference", "better": "help"}


def write_page(findings: Findings, forests: Sequence[Plot], plots: Sequence[Plot]) -> Path:
    """Write report.html, and return its path.

    Args:
        findings: of the comparison.
        forests: plots of the answer.
        plots: all others.
    """
    description, first = findings.description, findings.answers[0]
    content = description.content
    shown, *_ = findings.groups_at(first)
    page = render(
        "report.html",
        package="gan_imbalance.comparison.report",
        words=words,
        title=findings.store.folder.resolve().name,
        minority=description.minority_label,
        answer=first,
        other_answers=findings.answers[1:],
        probabilities=list(_probabilities(first)),
        forests=dict(zip((group.classifier for group in findings.groups_at(first)), show(forests), strict=True)),
        shown=shown,
        standings=findings.standings(shown),
        metric=findings.metric,
        recall=findings.recall,
        cost=findings.cost,
        costs=description.judging["costs"],
        contests={name: _contest(first, contest) for name, contest in first.by_classifier.items()},
        headline=[metric.name for metric in headline_metrics(description)],
        tables=[table for group in findings.groups for table in _tables(findings, group)],
        quality=quality_tables(findings.quality),
        quality_text=findings.adapter.quality_text,
        quality_method=findings.adapter.quality_method,
        plots=show(plots),
        facts=_facts(findings),
        remedies=_describe_remedies(findings),
        classifiers=content["classifiers"],
        failures=findings.failures,
        has_test_file=content["has_test_file"],
        unfinished=findings.unfinished,
        cells=len(description.entries),
        left_out=content["left_out"],
        tuning_budget=content["tuning_budget"],
        looks=list(_looks(findings)),
        correct_prior=description.judging["correct_prior"],
        positive_rate=description.positive_rate,
        made_by=provenance(),
    )
    path = findings.store.folder / "report.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _probabilities(answer: Answer) -> Iterator[dict[str, Any]]:
    """Yield what a bar shows of the three probabilities."""
    contest = answer.primary
    if contest is None or np.isnan(contest.probabilities.equal):
        return
    for name, value in contest.probabilities._asdict().items():
        yield {"name": name, "text": _SIDES[name], "share": words.share(value), "percent": f"{100 * value:.1f}"}


def _looks(findings: Findings) -> Iterator[dict[str, Any]]:
    """Yield how the answer at the first setting stood while splits were added."""
    for look in findings.store.read_answer().get("looks") or []:
        found = look["probabilities"]
        if found is not None and look["setting"] == findings.answers[0].setting.display_name:
            # what is no number is NaN in JSON, too
            shares = [words.share(float(found[name])) for name in ("better", "equal", "worse")]
            yield {"splits": look["splits"], "shares": shares, "mark": words.MARKS[look["mark"]]}


def _contest(answer: Answer, contest: Contest) -> dict[str, Any]:
    """Return what a table shows of a contest."""
    metric = answer.metric
    return {
        "first": contest.first,
        "second": contest.second,
        "mean": words.number(metric, contest.mean),
        "other_mean": words.number(metric, contest.other_mean),
        "difference": words.difference(metric, contest),
        "probabilities": [words.share(value) for value in contest.probabilities],
        "mark": words.MARKS[contest.mark],
    }


def _tables(findings: Findings, group: Group) -> Iterator[dict[str, Any]]:
    """Yield all figures of a group, in tables that are narrow enough to be read."""
    shown = shown_metrics(findings.description)
    for start in range(0, len(shown), _COLUMNS):
        metrics = shown[start : start + _COLUMNS]
        yield {
            "name": group.display_name,
            "splits": findings.splits(group),
            "metrics": metrics,
            "rows": [_row(str(method), of, metrics) for method, of in group.rows.groupby("method", sort=False)],
        }


def _row(method: str, of: pd.DataFrame, metrics: Sequence[Metric]) -> dict[str, Any]:
    by_metric = of.set_index("metric").to_dict(orient="index")
    return {
        "name": method,
        "role": of["role"].iloc[0],
        "added": f"{of['rows_added'].iloc[0]:,.0f}",
        "figures": [{"metric": metric, **by_metric[metric.name]} for metric in metrics],
    }


def _facts(findings: Findings) -> dict[str, str]:
    """Return what a reader must know of data and splits."""
    description = findings.description
    content = description.content
    folds = {key.fold for key in description.keys}
    seeds = {key.seed for key in description.keys}
    kind = "random, stratified" if folds == {None} else f"{len(seeds)} times {len(folds)} stratified folds"
    if content["has_test_file"]:
        kind = "of training and validation rows only: the test rows are those of the test file in all of them"
    facts = {
        **findings.adapter.facts(content["rows"]),
        "Splits": f"{len(seeds) * len(folds)}, {kind}; rows with equal features, or of one group, stay on one side",
    }
    for setting in description.settings:
        rows = description.rows_of(setting)[0]
        for part, purpose in _PARTS.items():
            counts = zip(rows[part], description.classes, strict=True)
            name = ", ".join(filter(None, (f"Rows for {purpose}", setting.display_name)))
            facts[name] = ", ".join(f"{count:,} of class {label}" for count, label in counts)
    facts["Split hashes"] = ", ".join(split["hash"] for split in content["splits"])
    return facts


def _describe_remedies(findings: Findings) -> list[dict[str, Any]]:
    """Return the settings of each remedy, what was adapted to the data, and what it took."""
    by_remedy = findings.results.groupby("remedy")
    notes = by_remedy["notes"].agg(lambda column: "; ".join(sorted(set(column) - {""})))
    seconds, memory = by_remedy["seconds_resample"].mean(), by_remedy["peak_memory_mib_resample"].max()
    return [
        {
            **remedy,
            "notes": notes.get(name, ""),
            "seconds": seconds.get(name, float("nan")),
            "memory": memory.get(name, float("nan")),
        }
        for name, remedy in findings.description.content["remedies"].items()
    ]
