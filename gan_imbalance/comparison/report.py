"""The answer for a person: one HTML file, and a table in the terminal."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison import figures
from gan_imbalance.comparison.cells import Cell, Failure, Study, group_cells, read_result, scores_path
from gan_imbalance.comparison.figures import Figure, Floats
from gan_imbalance.comparison.remedies import Remedy
from gan_imbalance.comparison.resampling import Resampled, fit_encoder
from gan_imbalance.comparison.summary import SIGNIFICANT, headline_metrics, shown_metrics, verdicts
from gan_imbalance.files import atomic_path, provenance

_SHOWN_COLUMNS = 4
_RECALL_GRID = np.linspace(0, 1, 101)


def write_report(
    study: Study,
    cells: Sequence[Cell],
    results: pd.DataFrame,
    summary: pd.DataFrame,
    failures: Sequence[Failure],
    left_out: Mapping[str, str],
    save_pictures: bool = True,
) -> Path:
    """Write report.html, which needs no other file, and return its path.

    Args:
        study: what the cells share.
        cells: all cells of the comparison, in order.
        results: one row per finished cell.
        summary: means, intervals and tests.
        failures: what failed.
        left_out: remedies that the data does not allow, and why.
        save_pictures: whether to write the pictures to figures/ as PNG, too.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pictures = list(_pictures(study, [cell for cell in cells if cell.path(study).is_file()], summary))
    for picture in pictures if save_pictures else ():
        with atomic_path(study.output / "figures" / f"{_file_name(picture.name)}.png") as temporary:
            picture.save_png(temporary)
    environment = Environment(
        loader=PackageLoader("gan_imbalance.comparison", "."), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("report.html").render(
        title=study.output.name,
        verdicts=verdicts(study, results),
        minority=study.table.classes[study.minority],
        metrics=shown_metrics(study),
        headline=[metric.name for metric in headline_metrics(study)],
        tables=_tables(study, summary),
        figures=[
            {"caption": picture.caption, "alt": picture.alt, "source": _data_uri(picture.svg())} for picture in pictures
        ],
        facts=_facts(study),
        remedies=_describe_remedies(cells, results),
        classifiers={cell.classifier: cell.estimator for cell in cells},
        failures=failures,
        left_out=left_out,
        seeds=len(study.splits),
        positive_rate=study.positive_rate,
        significant=SIGNIFICANT,
        made_by=provenance(),
    )
    path = study.output / "report.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in "_-." else "_" for character in name)


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _tables(study: Study, summary: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """Return, per classifier, one row per remedy and amount: name, mean rows added, shown metrics."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for _, rows in summary.groupby(["classifier", "arm"], sort=False):
        by_metric = rows.set_index("metric").to_dict(orient="index")
        row = {
            "name": rows["arm"].iloc[0],
            "kind": rows["kind"].iloc[0],
            "added": f"{rows['rows_added'].iloc[0]:,.0f}",
            "figures": [{"metric": metric.name, **by_metric[metric.name]} for metric in shown_metrics(study)],
        }
        tables.setdefault(str(rows["classifier"].iloc[0]), []).append(row)
    return tables


def _facts(study: Study) -> dict[str, str]:
    """Return what a reader must know of data and splits."""
    labels, classes = study.table.labels, study.table.classes
    first = study.splits[0]
    parts = {
        "training": first.train,
        "validation": first.validation,
        "test": first.test,
        "reserve": first.reserve,
    }
    facts = {
        "Table": f"{len(labels):,} rows, {study.table.features.shape[1]} features",
        "Target": study.table.schema.target,
        "Splits": f"{len(study.splits)}, at random and stratified; rows with equal features stay on one side",
    }
    for name, rows in parts.items():
        counts = np.bincount(labels[rows], minlength=len(classes))
        facts[f"Rows for {name}"] = ", ".join(f"{n:,} of class {c}" for n, c in zip(counts, classes, strict=True))
    facts["Split hashes"] = ", ".join(split.hash for split in study.splits)
    return facts


def _describe_remedies(cells: Sequence[Cell], results: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the settings of each remedy, what was adapted to the data, and how long it took."""
    remedies: dict[str, Remedy] = {cell.remedy.name: cell.remedy for cell in cells}
    grouped = results.groupby("remedy")
    notes = grouped["notes"].agg(lambda column: "; ".join(sorted(set(column) - {""})))
    seconds = grouped["seconds_resample"].mean()
    return [
        {
            "name": name,
            "resampler": remedy.resampler,
            "class_weight": remedy.class_weight,
            "threshold": remedy.threshold,
            "reserve": remedy.reserve,
            "notes": notes.get(name, ""),
            "seconds": seconds.get(name, float("nan")),
        }
        for name, remedy in remedies.items()
    ]


def _pictures(study: Study, done: Sequence[Cell], summary: pd.DataFrame) -> Iterator[Figure]:
    for metric in shown_metrics(study)[:4]:
        yield figures.metric_by_remedy(summary[summary["metric"] == metric.name], metric.name, metric.title)
    for classifier in dict.fromkeys(cell.classifier for cell in done):
        rows = summary[(summary["metric"] == "pr_auc") & (summary["classifier"] == classifier)]
        cells = [cell for cell in done if cell.classifier == classifier]
        best = _best_of_each_kind(rows)
        yield figures.precision_recall(_curves(study, cells), best, classifier)
        matrices = _matrices(study, [cell for cell in cells if cell.arm.name in best])
        yield figures.confusion_matrices(matrices, [str(label) for label in study.table.classes], classifier)
    yield from _synthetic_pictures(study, done)


def _best_of_each_kind(rows: pd.DataFrame) -> list[str]:
    """Return nothing, and the best standard remedy, GAN and control by a metric."""
    best = rows.dropna(subset=["mean"]).sort_values("mean", ascending=False).drop_duplicates("kind")
    return [str(arm) for arm in best["arm"]]


def _curves(study: Study, cells: Sequence[Cell]) -> dict[str, tuple[Floats, Floats]]:
    """Return each remedy's precision, mean over the seeds, at equally spaced recalls."""
    from sklearn.metrics import precision_recall_curve

    column = f"probability_{study.table.classes[study.minority]}"
    precisions: dict[str, list[Floats]] = {}
    for cell in cells:
        scores = pd.read_parquet(scores_path(cell.path(study)))
        precision, recall, _ = precision_recall_curve(scores["label"] == study.minority, scores[column])
        # the best precision at this recall or a higher one
        best = np.maximum.accumulate(precision)
        at_least = np.searchsorted(-recall, -_RECALL_GRID, side="right") - 1
        precisions.setdefault(cell.arm.name, []).append(best[at_least])
    return {name: (_RECALL_GRID, np.mean(curves, axis=0)) for name, curves in precisions.items()}


def _matrices(study: Study, cells: Sequence[Cell]) -> dict[str, Floats]:
    matrices: dict[str, Floats] = {}
    for cell in cells:
        matrix = np.array(read_result(cell.path(study))["confusion_matrix"], dtype=np.float64)
        matrices[cell.arm.name] = matrices.get(cell.arm.name, 0) + matrix
    return matrices


def _synthetic_pictures(study: Study, done: Sequence[Cell]) -> Iterator[Figure]:
    """Yield real against synthetic rows, and training curves, of the first seed's GANs."""
    units = [unit for unit in group_cells(study, done) if unit.seed == study.splits[0].seed and unit.remedy.is_gan]
    sets = {unit.remedy.name: Resampled.load(unit.synthetic_path(study), study.table) for unit in units}
    if not sets:
        return
    table, train = study.table, study.splits[0].train
    encoder = fit_encoder(table, train)
    rare = table.labels[train] == study.minority
    encoded = encoder.transform(table.features.iloc[train])
    # features are standardised or one-hot, so the gaps between the classes' means can be compared
    gaps = np.abs(encoded[rare].mean(axis=0) - encoded[~rare].mean(axis=0))
    order = sorted(encoder.spans, key=lambda span: -float(gaps[span.start : span.stop].max()))
    columns = list(dict.fromkeys(span.name for span in order))[:_SHOWN_COLUMNS]
    categorical = [name for name in columns if table.column_types[name] == "categorical"]
    minority_rows = {name: made.added[made.labels == study.minority] for name, made in sets.items()}
    real = table.features.iloc[train[rare]]
    for name, rows in minority_rows.items():
        yield figures.distributions(real[columns], rows[columns], categorical, name)
    synthetic = {name: encoder.transform(rows, unknown="ignore") for name, rows in minority_rows.items()}
    yield figures.principal_components(encoded[rare], synthetic)
    histories = {
        name: pd.DataFrame(made.history).select_dtypes("number").drop(columns="class", errors="ignore")
        for name, made in sets.items()
        if len(made.history) > 1
    }
    if histories:
        yield figures.training_curves(histories)


def print_table(
    study: Study,
    summary: pd.DataFrame,
    failures: Sequence[Failure],
    left_out: Mapping[str, str],
    report: Path,
) -> None:
    """Print one table per classifier, what failed, and where the report lies."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as RichTable

    console = Console()
    console.width = max(console.width, 110)
    shown = shown_metrics(study)[: 5 if study.positive_rate else 4]
    for classifier, rows in summary.groupby("classifier", sort=False):
        table = RichTable(
            "remedy", *(metric.title for metric in shown), title=f"{classifier}, {len(study.splits)} seeds"
        )
        for arm, figures_of in rows.groupby("arm", sort=False):
            by_metric = figures_of.set_index("metric").to_dict(orient="index")
            values = [_mean_and_reach(by_metric[metric.name]) for metric in shown]
            table.add_row(escape(str(arm)), *values)
        console.print(table)
    console.print("mean ± half of its 95 % interval over the seeds; tests against doing nothing are in the report")
    for name, reason in left_out.items():
        console.print(f"left out: {name}: {reason}", markup=False)
    for failure in failures:
        console.print(f"failed: {failure.name}: {failure.reason}", style="red", markup=False)
    # not wrapped, so that it can be copied
    print(f"Report: {report}")


def _mean_and_reach(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["mean"]):
        return "-"
    return f"{row['mean']:.3f}" if pd.isna(row["high"]) else f"{row['mean']:.3f} ± {row['high'] - row['mean']:.3f}"
