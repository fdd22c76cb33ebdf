"""From two tables, and held-out rows if there are any, to figures, words and pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison import figures as pictures
from gan_imbalance.comparison.report import render, show
from gan_imbalance.data.tables import read_table
from gan_imbalance.evaluation.profile import Alert, Tables, describe_columns, find_alerts
from gan_imbalance.files import atomic_path, file_hash, provenance, write_json
from gan_imbalance.metrics import column_pair_trends, column_shapes, describe_collapse, measure_variety, train_and_test
from gan_imbalance.quality import COLUMN_ROWS, FIGURES, evaluate_synthetic
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.types import InputError

_MAX_PAIRS = 1000
_ROWS_FOR_UTILITY = 20_000
_COLUMNS_PER_PICTURE = 6
_MAX_PICTURED = 60
_MAX_CORRELATED = 40
_SHOWN_PAIRS = 10
_DAYS_PER_YEAR = 365.2425


@dataclass(frozen=True)
class Evaluation:
    """What was found out about synthetic rows.

    Attributes:
        figures: by the names of :data:`gan_imbalance.quality.FIGURES`; NaN where one has no meaning.
        real_figures: the same of real held-out rows in the place of the synthetic ones; empty without held-out rows.
        utility: figures of a classifier on held-out rows, by what it learned from (``real``, ``synthetic``).
        columns: of every column its kind, score and what it holds.
        pairs: scores of pairs of columns, by names, ascending.
        alerts: what synthetic rows hold that real ones do not, and the reverse.
        collapse: signs that the generator has collapsed, in sentences.
        notes: what was left out or drawn, in sentences.
    """

    figures: dict[str, float]
    real_figures: dict[str, float]
    utility: dict[str, dict[str, float]]
    columns: list[dict[str, Any]]
    pairs: pd.Series[float]
    alerts: list[Alert]
    collapse: list[str]
    notes: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a file; None where a figure has no meaning."""
        content = {
            **{name: getattr(self, name) for name in ("figures", "real_figures", "utility", "columns")},
            "pairs": self.pairs.rename("score").reset_index().to_dict(orient="records"),
            "alerts": [asdict(alert) for alert in self.alerts],
            "collapse": self.collapse,
            "notes": self.notes,
        }
        plain: dict[str, Any] = _without_nan(content)
        return plain


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def evaluate(tables: Tables, target: str | None = None, max_rows: int = 2000, seed: int = 0) -> Evaluation:
    """Judge synthetic rows: fidelity, variety, privacy, and with a target their worth to a classifier.

    Args:
        tables: in one form, see :meth:`Tables.of`.
        target: column of classes to predict; needs held-out rows.
        max_rows: of each kind that figures are computed from, drawn at random; alerts look at all rows.
        seed: of all draws.

    Raises:
        InputError: if max_rows is below 10, or the encoding cannot be fitted on the real rows.
    """
    if max_rows < 10:
        raise InputError(f"max_rows is {max_rows}; compare at least 10 rows.")
    encoder = _fit_encoder(tables, tables.real)
    judged = evaluate_synthetic(encoder, tables.real, tables.synthetic, tables.holdout, max_rows, _MAX_PAIRS, seed)
    swapped = tables.swapped()
    real_judged = {}
    if swapped is not None:
        parts = swapped.real, swapped.synthetic, swapped.holdout
        real_judged = evaluate_synthetic(encoder, *parts, max_rows, _MAX_PAIRS, seed)
    real, synthetic = (_draw(table, max_rows, seed) for table in (tables.real, tables.synthetic))
    known, made = (encoder.transform(rows, unknown="ignore") for rows in (real, synthetic))
    counted, made_counted = (_draw(table, COLUMN_ROWS * max_rows, seed) for table in (tables.real, tables.synthetic))
    pairs = column_pair_trends(counted, made_counted, tables.categorical, _MAX_PAIRS, seed)
    shapes = column_shapes(tables.real, tables.synthetic, tables.categorical)
    notes = _notes(tables, target, max_rows, seed)
    utility: dict[str, dict[str, float]] = {}
    if target is not None and tables.holdout is not None:
        utility, more = _utility(tables, target, seed)
        notes += more
    return Evaluation(
        figures=judged,
        real_figures=real_judged,
        utility=utility,
        columns=describe_columns(tables, shapes),
        pairs=pairs.sort_values(),
        alerts=find_alerts(tables),
        collapse=describe_collapse(measure_variety(known, made, seed)),
        notes=notes,
    )


def _fit_encoder(tables: Tables, rows: pd.DataFrame, without: str | None = None) -> TabularTransformer:
    return TabularTransformer(
        "standard",
        numeric_columns=[name for name in tables.numeric if name != without],
        categorical_columns=[name for name in tables.categorical if name != without],
        spikes=False,
    ).fit(rows.drop(columns=without or []))


def _draw(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    return rows.iloc[np.random.default_rng(seed).permutation(len(rows))[:count]]


def _notes(tables: Tables, target: str | None, max_rows: int, seed: int) -> list[str]:
    """Return what a reader must know of the figures."""
    notes = []
    sizes = [len(table) for table in (tables.real, tables.synthetic, tables.holdout) if table is not None]
    if max(sizes) > max_rows:
        notes.append(
            f"Figures are computed from at most {max_rows:,} rows of each kind, drawn at random with seed {seed}, "
            f"shapes and pair trends from at most {COLUMN_ROWS * max_rows:,}; columns' own scores and alerts from all."
        )
    if tables.holdout is None:
        notes.append(
            "No held-out rows were given: two-sample tests, precision, recall, density and coverage take the real "
            "rows, against which a generator that copies looks perfect; of privacy only exact copies can be told."
        )
        if target is not None:
            notes.append("Without held-out rows a classifier cannot be judged honestly, so the target is not used.")
    pairs = len(tables.kinds) * (len(tables.kinds) - 1) // 2
    if pairs > _MAX_PAIRS:
        notes.append(f"Of {pairs:,} pairs of columns {_MAX_PAIRS:,} are compared, drawn at random with seed {seed}.")
    return notes


def _utility(tables: Tables, target: str, seed: int) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return figures of boosted trees that learned from real and from synthetic rows, and notes."""
    assert tables.holdout is not None
    known = tables.real[target].value_counts()
    classes = sorted(known.index)
    minority = classes.index(known.idxmin())
    encoder = _fit_encoder(tables, tables.real, without=target)

    def encode(rows: pd.DataFrame) -> tuple[Any, Any]:
        rows = _draw(rows[rows[target].isin(classes)], _ROWS_FOR_UTILITY, seed)
        return encoder.transform(rows, unknown="ignore"), pd.Categorical(rows[target], categories=classes).codes

    test = encode(tables.holdout)
    if not len(test[1]):
        return {}, [f"No held-out row has a known class of {target!r}, so no classifier was judged."]
    figures, notes = {}, []
    for name, rows in (("real", tables.real), ("synthetic", tables.synthetic)):
        learned = encode(rows)
        if len(np.unique(learned[1])) < 2:
            notes.append(f"The {name} rows have fewer than two known classes of {target!r}: nothing to learn from.")
        else:
            figures[name] = train_and_test(*learned, *test, classes, minority, seed)
    sizes = [len(table) for table in (tables.real, tables.synthetic, tables.holdout)]
    if max(sizes) > _ROWS_FOR_UTILITY:
        notes.append(f"The classifier learns from, and is judged on, at most {_ROWS_FOR_UTILITY:,} rows.")
    return figures, notes


def run_evaluate(
    real: str,
    synthetic: str,
    holdout: str | None = None,
    target: str | None = None,
    output: str = "evaluation",
    drop: Sequence[str] = (),
    max_rows: int = 2000,
    seed: int = 0,
) -> int:
    """Judge a synthetic table against the real one: fidelity, variety, privacy, worth to a classifier.

    Writes evaluation.json and evaluation.html, a profile of both tables side by side, and prints the figures.

    Args:
        real: table that the generator learned from (CSV, also compressed, or Parquet).
        synthetic: table to judge, whoever made it; the same columns, in any order.
        holdout: real rows that the generator has not seen; privacy and honest figures need them.
        target: column of classes, to train a classifier on synthetic rows and test it on held-out ones.
        output: folder to write.
        drop: columns to leave out, such as names of rows.
        max_rows: rows of each kind that figures are computed from, drawn at random.
        seed: of all draws.

    Returns:
        The exit code.

    Raises:
        InputError: if a file cannot be read, tables do not fit together, or the folder cannot be written.
    """
    paths = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    frames = {name: _read(name, path) for name, path in paths.items()}
    tables = Tables.of(frames["real"], frames["synthetic"], frames.get("holdout"), target, drop)
    evaluation = evaluate(tables, target, max_rows, seed)
    files = {
        name: {"path": str(path), "hash": file_hash(path), "rows": len(frames[name])} for name, path in paths.items()
    }
    settings = {"target": target, "drop": list(drop), "max_rows": max_rows, "seed": seed}
    folder = Path(output)
    write_json(folder / "evaluation.json", provenance(**evaluation.to_dict(), files=files, **settings))
    page = _page(evaluation, tables, files, settings)
    with atomic_path(folder / "evaluation.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    _print(evaluation, folder / "evaluation.html")
    return 0


def _read(option: str, path: str) -> pd.DataFrame:
    if not Path(path).is_file():
        raise InputError(f"There is no file {path}; name the table's file by --{option}.")
    frame = read_table(path)
    frame.columns = frame.columns.map(str)
    return frame


def _page(evaluation: Evaluation, tables: Tables, files: dict[str, Any], settings: dict[str, Any]) -> str:
    return render(
        "evaluation.html",
        package="gan_imbalance.evaluation",
        title=Path(files["synthetic"]["path"]).name,
        files=files,
        settings=settings,
        rows=_figure_rows(evaluation),
        utility=_utility_rows(evaluation),
        columns=evaluation.columns,
        pairs=evaluation.pairs.dropna().head(_SHOWN_PAIRS),
        alerts=evaluation.alerts,
        collapse=evaluation.collapse,
        notes=evaluation.notes,
        figures=show(list(_pictures(tables, evaluation))),
        left_out=max(0, len(tables.kinds) - _MAX_PICTURED),
        made_by=provenance(),
    )


def _figure_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the figures that have a meaning, with what real rows reach and what is best."""
    return [
        {
            "title": figure.title,
            "value": evaluation.figures[figure.name],
            "real": evaluation.real_figures.get(figure.name, np.nan),
            "best": figure.best,
        }
        for figure in FIGURES
        if not np.isnan(evaluation.figures[figure.name])
    ]


def _utility_rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Return the classifier's figures, trained on real and on synthetic rows."""
    names = next(iter(evaluation.utility.values()), {})
    shown = [name for name in names if name in ("pr_auc", "roc_auc", "balanced_accuracy") or name.startswith("f1_")]
    return [{"title": name, **{kind: of[name] for kind, of in evaluation.utility.items()}} for name in shown]


def _pictures(tables: Tables, evaluation: Evaluation) -> Iterator[pictures.Figure]:
    """Yield correlations, then distributions, the columns that are met worst first."""
    names = [name for name in tables.kinds if tables.real[name].notna().any()]
    real, synthetic = _as_numbers(tables, tables.real), _as_numbers(tables, tables.synthetic)
    ordered = [name for name in real.columns if real[name].nunique() > 1][:_MAX_CORRELATED]
    if len(ordered) > 1:
        yield pictures.correlations(real[ordered], synthetic[ordered])
    scores = {column["name"]: column["score"] for column in evaluation.columns}
    names.sort(key=lambda name: -1.0 if np.isnan(scores[name]) else scores[name])
    for start in range(0, min(len(names), _MAX_PICTURED), _COLUMNS_PER_PICTURE):
        some = names[start : min(start + _COLUMNS_PER_PICTURE, _MAX_PICTURED)]
        shown, made = (_as_shown(table[some], tables) for table in (tables.real, tables.synthetic))
        categorical = [name for name in some if name in tables.categorical]
        picture = pictures.distributions(shown, made, categorical, str(start // _COLUMNS_PER_PICTURE + 1))
        yield replace(picture, caption=f"Distributions, real and synthetic: {', '.join(some)}")


def _as_numbers(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns whose order means something: numbers, dates, and categories that are written as numbers."""
    numbers = {name: rows[name] for name in tables.numeric}
    for name in tables.categorical:
        if pd.to_numeric(tables.real[name], errors="coerce").notna().equals(tables.real[name].notna()):
            numbers[name] = pd.to_numeric(rows[name], errors="coerce")
    return pd.DataFrame({name: numbers[name] for name in tables.kinds if name in numbers})


def _as_shown(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return dates as years."""
    dates = {name: 1970 + rows[name] / _DAYS_PER_YEAR for name in rows.columns if tables.kinds[name] == "date"}
    return rows.assign(**dates)


def _print(evaluation: Evaluation, report: Path) -> None:
    """Print figures, what the classifier is worth, and every alert."""
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console()
    console.width = max(console.width, 100)
    table = RichTable("figure", "synthetic rows", "real rows instead", "best")
    for row in _figure_rows(evaluation):
        table.add_row(row["title"], *(_number(row[side]) for side in ("value", "real")), row["best"])
    console.print(table)
    if evaluation.utility:
        worth = RichTable("on held-out rows", "learned from synthetic rows", "learned from real rows")
        for row in _utility_rows(evaluation):
            worth.add_row(row["title"], *(_number(row.get(side, np.nan)) for side in ("synthetic", "real")))
        console.print(worth)
    for sentence in evaluation.collapse:
        console.print(f"Warning: {sentence}", style="red", markup=False)
    for alert in evaluation.alerts:
        console.print(f"{alert.column or 'whole rows'}: {alert.kind} ({alert.rows:,}): {alert.text}", markup=False)
    for note in evaluation.notes:
        console.print(note, markup=False)
    # not wrapped, so that it can be copied
    print(f"Report: {report}")


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"
