"""The answer for a person: one HTML file, tables, and a table in the terminal, all from a comparison's files."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison import figures
from gan_imbalance.comparison.cells import Setting, scores_path
from gan_imbalance.comparison.figures import Figure, Floats
from gan_imbalance.comparison.forms import pick
from gan_imbalance.comparison.record import Entry, Record
from gan_imbalance.comparison.resampling import Resampled
from gan_imbalance.comparison.summary import (
    SIGNIFICANT,
    Group,
    Metric,
    at_one_amount,
    differences,
    grouped,
    headline_metrics,
    results_table,
    shown_metrics,
    summarise,
    summarise_quality,
    verdicts,
)
from gan_imbalance.files import atomic_path, provenance
from gan_imbalance.types import InputError

_RECALL_GRID = np.linspace(0, 1, 101)
_PARTS = {"train": "training", "validation": "validation", "test": "test", "reserve": "the reserve"}


def make_report(folder: str | Path, save_pictures: bool = True) -> Path:
    """Make tables and report of a comparison from its files, and print the table.

    Writes results.csv (a row per cell), summary.csv (means, intervals, tests), differences.csv (every GAN against every
    other remedy), quality.csv (how good, and how private, the added rows are) and report.html, which needs no other
    file.

    Args:
        folder: output of a comparison, finished or not.
        save_pictures: whether to write the pictures to figures/ as PNG, too.

    Returns:
        The path of report.html.

    Raises:
        InputError: if the folder holds no comparison, or no cell of it is finished.
    """
    record = Record.load(folder)
    results = results_table(record)
    if results.empty:
        raise InputError(f"No cell of the comparison in {folder} is finished: run gan-imbalance compare first.")
    summary = summarise(record, results)
    _write_csv(results, record.folder / "results.csv")
    quality = summarise_quality(results, record.form.shown_quality)
    _write_csv(summary, record.folder / "summary.csv")
    _write_csv(quality, record.folder / "quality.csv")
    _write_csv(differences(record, results), record.folder / "differences.csv")
    path = _write_html(record, results, summary, quality, save_pictures)
    print_table(record, summary, quality, path)
    return path


def _write_csv(frame: pd.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        frame.to_csv(temporary, index=False)


def _write_html(
    record: Record, results: pd.DataFrame, summary: pd.DataFrame, quality: pd.DataFrame, save_pictures: bool
) -> Path:
    pictures = list(_pictures(record, summary))
    if save_pictures:
        _save_pictures(pictures, record.folder / "figures")
    groups = grouped(record, results)
    page = render(
        "report.html",
        title=record.folder.resolve().name,
        verdicts=verdicts(record, results),
        minority=record.minority_label,
        metrics=shown_metrics(record),
        headline=[metric.name for metric in headline_metrics(record)],
        tables={group.name: _table(record, group) for group in grouped(record, summary)},
        quality=_quality_tables(quality),
        quality_text=record.form.quality_text,
        quality_method=record.form.quality_method,
        splits={group.name: group.rows[["seed", "fold"]].drop_duplicates().shape[0] for group in groups},
        figures=show(pictures),
        facts=_facts(record),
        remedies=_describe_remedies(record, results),
        classifiers=record.content["classifiers"],
        failures=record.failures,
        has_test_file=record.content["has_test_file"],
        unfinished=len(record.entries) - len(record.finished),
        cells=len(record.entries),
        left_out=record.content["left_out"],
        tuning_budget=record.content["tuning_budget"],
        positive_rate=record.positive_rate,
        significant=SIGNIFICANT,
        made_by=provenance(),
    )
    path = record.folder / "report.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _save_pictures(pictures: Sequence[Figure], folder: Path) -> None:
    """Write the pictures, and remove those of an earlier report that it no longer has."""
    paths = {folder / f"{_file_name(picture.name)}.png": picture for picture in pictures}
    for path, picture in paths.items():
        with atomic_path(path) as temporary:
            picture.save_png(temporary)
    for path in set(folder.glob("*.png")) - set(paths):
        path.unlink()


def render(template: str, package: str = "gan_imbalance.comparison", **values: Any) -> str:
    """Return a page of a package's templates, which may extend those of this folder."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(name, ".") for name in (package, "gan_imbalance.comparison")])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(template).render(values)


def show(pictures: Sequence[Figure]) -> list[dict[str, str]]:
    """Return pictures as a template shows them, inside the page."""
    return [
        {"caption": picture.caption, "alt": picture.alt, "source": _data_uri(picture.svg())} for picture in pictures
    ]


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in "_-." else "_" for character in name)


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _table(record: Record, group: Group) -> list[dict[str, Any]]:
    """Return one row per remedy and amount: name, mean rows added, shown metrics."""
    rows = []
    for arm, figures_of in group.rows.groupby("arm", sort=False):
        by_metric = figures_of.set_index("metric").to_dict(orient="index")
        rows.append(
            {
                "name": arm,
                "kind": figures_of["kind"].iloc[0],
                "added": f"{figures_of['rows_added'].iloc[0]:,.0f}",
                "figures": [{"metric": metric.name, **by_metric[metric.name]} for metric in shown_metrics(record)],
            }
        )
    return rows


def _quality_tables(quality: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return of every setting the figures of the added rows: a row per remedy, a column per figure's title."""
    tables = {}
    key: Any
    for key, of in quality.groupby(list(Setting._fields), sort=False, dropna=False):
        rows, ratio = key
        setting = Setting(None if pd.isna(rows) else int(rows), None if pd.isna(ratio) else float(ratio))
        texts = of.assign(text=[_mean_and_reach(row) for row in of.to_dict(orient="records")])
        wide = texts.pivot(index="remedy", columns="title", values="text").fillna("-")
        tables[setting.name] = wide.loc[of["remedy"].unique(), of["title"].unique()]
    return tables


def _facts(record: Record) -> dict[str, str]:
    """Return what a reader must know of data and splits."""
    content = record.content
    folds = {key.fold for key in record.keys}
    seeds = {key.seed for key in record.keys}
    kind = "random, stratified" if folds == {None} else f"{len(seeds)} times {len(folds)} stratified folds"
    if content["has_test_file"]:
        kind = "of training and validation rows only: the test rows are those of the test file in all of them"
    facts = {
        **record.form.facts(content["rows"]),
        "Splits": f"{len(seeds) * len(folds)}, {kind}; rows with equal features, or of one group, stay on one side",
    }
    for setting in record.settings:
        first = next(split for key, split in zip(record.keys, content["splits"], strict=True) if key.setting == setting)
        for part, purpose in _PARTS.items():
            counts = zip(first["rows"][part], record.classes, strict=True)
            name = ", ".join(filter(None, (f"Rows for {purpose}", setting.name)))
            facts[name] = ", ".join(f"{count:,} of class {label}" for count, label in counts)
    facts["Split hashes"] = ", ".join(split["hash"] for split in content["splits"])
    return facts


def _describe_remedies(record: Record, results: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the settings of each remedy, what was adapted to the data, and what it took."""
    by_remedy = results.groupby("remedy")
    notes = by_remedy["notes"].agg(lambda column: "; ".join(sorted(set(column) - {""})))
    seconds, memory = by_remedy["seconds_resample"].mean(), by_remedy["peak_memory_mib_resample"].max()
    return [
        {
            **remedy,
            "notes": notes.get(name, ""),
            "seconds": seconds.get(name, float("nan")),
            "memory": memory.get(name, float("nan")),
        }
        for name, remedy in record.content["remedies"].items()
    ]


def _pictures(record: Record, summary: pd.DataFrame) -> Iterator[Figure]:
    at_first = pd.concat([group.rows for group in grouped(record, summary) if group.setting == record.settings[0]])
    fixed = at_one_amount(at_first)
    for metric in shown_metrics(record)[:4]:
        yield figures.metric_by_remedy(fixed[fixed["metric"] == metric.name], metric.name, metric.title)
    for metric in headline_metrics(record):
        yield figures.difference_by_remedy(fixed[fixed["metric"] == metric.name], metric.name, metric.title)
    entries = [entry for entry in record.finished if entry.key.setting == record.settings[0]]
    for classifier, rows in at_first.groupby("classifier", sort=False):
        yield from _curves_along_axes(record, summary[summary["classifier"] == classifier])
        mine = [entry for entry in entries if entry.classifier == classifier]
        best = _best_of_each_kind(rows[rows["metric"] == "pr_auc"])
        yield figures.precision_recall(_curves(record, mine), best, str(classifier))
        chosen = [entry for entry in mine if entry.arm.name in best]
        yield from _learning_curves(record, chosen, str(classifier))
        matrices = _matrices(record, chosen)
        yield figures.confusion_matrices(matrices, [str(label) for label in record.classes], str(classifier))
    yield from _synthetic_pictures(record)


def _curves_along_axes(record: Record, summary: pd.DataFrame) -> Iterator[Figure]:
    """Yield the headline metrics along every axis that has several values."""
    classifier = str(summary["classifier"].iloc[0])
    for metric in headline_metrics(record):
        rows = summary[summary["metric"] == metric.name]
        groups = grouped(record, rows)
        first = groups[0].rows
        # shares of a batch and tuned amounts are no numbers of rows
        sized = first[first["amount"].str.fullmatch("[0-9]*|balance")]
        if (sized.groupby("remedy")["rows_added"].nunique() > 1).any():
            yield figures.metric_by_amount(sized, metric.name, metric.title, classifier)
        for axis, title in (("minority_rows", "real minority rows"), ("imbalance_ratio", "imbalance ratio")):
            if rows[axis].nunique() > 1:
                yield _along_axis(rows, axis, title, metric, classifier)


def _along_axis(rows: pd.DataFrame, axis: str, title: str, metric: Metric, classifier: str) -> Figure:
    """Return a metric along a setting, with one amount of every remedy and the other setting as it comes first."""
    other = "imbalance_ratio" if axis == "minority_rows" else "minority_rows"
    fixed = rows[other].isna() if rows[other].isna().any() else rows[other] == rows[other].iloc[0]
    chosen = at_one_amount(rows[fixed])
    return figures.metric_by_axis(chosen.assign(x=chosen[axis]), title, metric.title, classifier)


def _learning_curves(record: Record, entries: Sequence[Entry], classifier: str) -> Iterator[Figure]:
    """Yield the validation metric while a classifier trained, if it tells."""
    histories: dict[str, list[pd.DataFrame]] = {}
    for entry in entries:
        history = record.results[entry.path]["history"]
        if history:
            histories.setdefault(entry.arm.name, []).append(pd.DataFrame(history))
    if histories:
        means = {
            name: pd.concat(frames).groupby("step")["validation_pr_auc"].mean().rename("value").reset_index()
            for name, frames in histories.items()
        }
        yield figures.curves_by_step(means, "PR-AUC on validation rows", classifier)


def _best_of_each_kind(rows: pd.DataFrame) -> list[str]:
    """Return nothing, and the best standard remedy, GAN and control by a metric."""
    best = rows.dropna(subset=["mean"]).sort_values("mean", ascending=False).drop_duplicates("kind")
    return [str(arm) for arm in best["arm"]]


def _curves(record: Record, entries: Sequence[Entry]) -> dict[str, tuple[Floats, Floats]]:
    """Return each remedy's precision, mean over the splits, at equally spaced recalls."""
    from sklearn.metrics import precision_recall_curve

    column = f"probability_{record.minority_label}"
    precisions: dict[str, list[Floats]] = {}
    for entry in entries:
        scores = pd.read_parquet(scores_path(entry.path))
        precision, recall, _ = precision_recall_curve(scores["label"] == record.minority, scores[column])
        # the best precision at this recall or a higher one
        best = np.maximum.accumulate(precision)
        at_least = np.searchsorted(-recall, -_RECALL_GRID, side="right") - 1
        precisions.setdefault(entry.arm.name, []).append(best[at_least])
    return {name: (_RECALL_GRID, np.mean(curves, axis=0)) for name, curves in precisions.items()}


def _matrices(record: Record, entries: Sequence[Entry]) -> dict[str, Floats]:
    matrices: dict[str, Floats] = {}
    for entry in entries:
        matrix = np.array(record.results[entry.path]["confusion_matrix"], dtype=np.float64)
        matrices[entry.arm.name] = matrices.get(entry.arm.name, 0) + matrix
    return matrices


def _synthetic_pictures(record: Record) -> Iterator[Figure]:
    """Yield real against synthetic rows, and training curves, of the first split's GANs."""
    form = record.form
    paths = {name: record.folder / file for name, file in record.content["synthetic"].items()}
    sets = {name: Resampled.load(path, form.samples) for name, path in paths.items() if Resampled.exists(path)}
    if not sets:
        return
    rare = {name: pick(made.added, np.flatnonzero(made.labels == record.minority)) for name, made in sets.items()}
    yield from form.pictures(rare, record.minority)
    histories = {
        name: pd.DataFrame(made.history).select_dtypes("number").drop(columns="class", errors="ignore")
        for name, made in sets.items()
        if len(made.history) > 1
    }
    if histories:
        yield figures.training_curves(histories)


def print_table(record: Record, summary: pd.DataFrame, quality: pd.DataFrame, report: Path) -> None:
    """Print one table per classifier and setting, one on the added rows, what failed, and where the report lies."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as RichTable

    console = Console()
    console.width = max(console.width, 110)
    shown = shown_metrics(record)[: 5 if record.positive_rate else 4]
    for group in grouped(record, summary):
        splits = group.rows["splits"].max()
        table = RichTable("remedy", *(metric.title for metric in shown), title=f"{group.name}, {splits} split(s)")
        for arm, figures_of in group.rows.groupby("arm", sort=False):
            by_metric = figures_of.set_index("metric").to_dict(orient="index")
            values = [_mean_and_reach(by_metric[metric.name]) for metric in shown]
            table.add_row(escape(str(arm)), *values)
        console.print(table)
    for name, rows in _quality_tables(quality).items():
        table = RichTable("remedy", *rows.columns, title=", ".join(filter(None, ("the added rows", name))))
        for remedy, texts in rows.iterrows():
            table.add_row(escape(str(remedy)), *texts)
        console.print(table)
    console.print("mean ± half of its 95 % interval over the splits; tests against doing nothing are in the report")
    for name, reason in record.content["left_out"].items():
        console.print(f"left out: {name}: {reason}", markup=False)
    for failure in record.failures:
        console.print(f"failed: {failure.name}: {failure.reason}", style="red", markup=False)
    # not wrapped, so that it can be copied
    print(f"Report: {report}")


def _mean_and_reach(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["mean"]):
        return "-"
    # a bootstrap's interval has no middle
    has_reach = row["splits"] > 1 and not pd.isna(row["high"])
    return f"{row['mean']:.3f}" + (f" ± {row['high'] - row['mean']:.3f}" if has_reach else "")
