"""From two tables or two sets of series, and held-out ones if there are any, to figures, words and plots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison import plots
from gan_imbalance.comparison.report import show
from gan_imbalance.data.reading import UNKNOWN, FileOptions, is_on_hub, read_table
from gan_imbalance.evaluation.profile import Tables, describe_columns, find_alerts
from gan_imbalance.evaluation.result import Evaluation
from gan_imbalance.evaluation.series import are_series, draw_series, judge_series_sets, read_series_sets
from gan_imbalance.files import atomic_path, file_hash, provenance, write_json
from gan_imbalance.metrics import column_pair_trends, column_shapes, describe_collapse, measure_variety, train_and_test
from gan_imbalance.pages import render
from gan_imbalance.quality import COLUMN_ROWS, QUALITY_METRICS, evaluate_synthetic
from gan_imbalance.transforms.column_types import require_plain_values, with_text_names
from gan_imbalance.transforms.dtypes import with_columns
from gan_imbalance.transforms.frames import as_pandas
from gan_imbalance.transforms.table import TabularTransformer
from gan_imbalance.transforms.written_numbers import DecimalMark
from gan_imbalance.types import ColumnName, InputError, quoted

_MAX_PAIRS = 1000
_ROWS_FOR_UTILITY = 20_000
_COLUMNS_PER_PLOT = 6
_MAX_PICTURED = 60
_MAX_CORRELATED = 40
_SHOWN_PAIRS = 10
_DAYS_PER_YEAR = 365.2425

Table = Any
"""Rows, a table of pandas, polars or Arrow, or a set of series; or the file where they lie."""


def evaluate(
    real: Table,
    synthetic: Table,
    holdout: Table | None = None,
    target: str | None = None,
    output: str | Path | None = "evaluation",
    drop: Sequence[ColumnName] = (),
    max_rows: int = 2000,
    seed: int = 0,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: DecimalMark | None = None,
) -> Evaluation:
    """Judge synthetic rows against the real ones: fidelity, variety, privacy, worth to a classifier.

    Writes evaluation.json and evaluation.html, a profile of both tables side by side. Time series are judged by the
    figures of :data:`~gan_imbalance.quality.SERIES_METRICS`, against the real series of the classes that the synthetic
    ones have; ``target``, ``drop`` and how a CSV is written are for tables.

    Args:
        real: rows that the generator learned from; a table of pandas, polars or Arrow, or a file, see
            :func:`~gan_imbalance.data.reading.read_table`; or a :class:`~gan_imbalance.SeriesSet` or a file of series,
            see :func:`~gan_imbalance.data.series_files.read_series`.
        synthetic: rows to judge, whoever made them; the same columns, in any order.
        holdout: real rows that the generator has not seen; privacy and honest figures need them.
        target: column of classes, to train a classifier on synthetic rows and test it on held-out ones.
        output: folder to write; nothing is written if None.
        drop: columns to leave out, such as names of rows.
        max_rows: rows of each kind that figures are computed from, drawn at random; alerts look at all rows.
        seed: of all draws.
        separator: between the fields of CSV files of real rows, held-out ones included: one character, or ``tab``;
            found by itself if None, as in the file of synthetic rows.
        encoding: of the same files, such as ``cp1250``.
        decimal: decimal mark of numbers in the same files; the other one marks thousands.

    Returns:
        Figures, signs of trouble, and the path of the page.

    Raises:
        InputError: if a file cannot be read, tables do not fit together, max_rows is below 10, or the folder cannot be
            written.
    """
    if max_rows < 10:
        raise InputError(f"max_rows is {max_rows}; compare at least 10 rows.")
    dropped = [str(name) for name in drop]
    settings = {"target": target, "drop": dropped, "max_rows": max_rows, "seed": seed}
    if are_series(real, synthetic, holdout):
        given = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
        csv = {"separator": separator, "encoding": encoding, "decimal": decimal}
        sets = read_series_sets(given, {"target": target, "drop": dropped, **csv})
        evaluation = judge_series_sets(sets, max_rows, seed)
        counts = {name: len(one.X) for name, one in sets.items()}
        return _written(evaluation, output, given, counts, settings, draw_series(sets))
    real, synthetic, holdout = map(as_pandas, (real, synthetic, holdout))
    given = {"real": real, "synthetic": synthetic} | ({} if holdout is None else {"holdout": holdout})
    told = FileOptions(separator, encoding, decimal)
    frames = {name: _read(name, table, UNKNOWN if name == "synthetic" else told) for name, table in given.items()}
    tables = Tables.of(frames["real"], frames["synthetic"], frames.get("holdout"), target, dropped)
    evaluation = _judge(tables, target, max_rows, seed)
    counts = {name: len(frame) for name, frame in frames.items()}
    left_out = max(0, len(tables.column_types) - _MAX_PICTURED)
    return _written(evaluation, output, given, counts, settings, _plots(tables, evaluation), left_out)


def _written(
    evaluation: Evaluation,
    output: str | Path | None,
    given: Mapping[str, Table],
    counts: Mapping[str, int],
    settings: dict[str, Any],
    drawings: Iterable[plots.Plot],
    left_out: int = 0,
) -> Evaluation:
    """Write evaluation.json and the page, unless there is no folder, and return the evaluation that tells of the page.

    Args:
        evaluation: what was found out.
        output: the folder.
        given: what was compared, by its option.
        counts: how many rows or series each of them has.
        settings: of the figures.
        drawings: for the page.
        left_out: how many columns these do not show.
    """
    if output is None:
        return evaluation
    files = {name: _origin(table) | {"rows": counts[name]} for name, table in given.items()}
    folder = Path(output)
    write_json(folder / "evaluation.json", provenance(**evaluation.to_dict(), files=files, **settings))
    page, path = _page(evaluation, files, settings, drawings, left_out), folder / "evaluation.html"
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return replace(evaluation, report=path)


def run_evaluate(
    real: str,
    synthetic: str,
    holdout: str | None = None,
    target: str | None = None,
    output: str = "evaluation",
    drop: Sequence[ColumnName] = (),
    max_rows: int = 2000,
    seed: int = 0,
    separator: str | None = None,
    encoding: str | None = None,
    decimal: DecimalMark | None = None,
) -> Evaluation:
    """Judge a synthetic table against the real one: fidelity, variety, privacy, worth to a classifier; or time series.

    Args:
        real: table that the generator learned from (CSV, Parquet, Excel or ARFF), or time series (.npz, .ts, and, where
            the synthetic ones are an .npz, .tsv or .txt).
        synthetic: table to judge, whoever made it; the same columns, in any order; or series, as ``real``.
        holdout: real rows that the generator has not seen; privacy and honest figures need them.
        target: column of classes, to train a classifier on synthetic rows and test it on held-out ones.
        output: folder to write.
        drop: columns to leave out, such as names of rows.
        max_rows: rows of each kind that figures are computed from, drawn at random.
        seed: of all draws.
        separator: between the fields of CSV files of real rows, held-out ones included: one character, or ``tab``;
            found by itself if not given, as in the file of synthetic rows.
        encoding: of the same files, such as ``cp1250``.
        decimal: decimal mark of numbers in the same files; the other one marks thousands.

    Returns:
        What :func:`evaluate` returns; the command line prints it.

    Raises:
        InputError: as :func:`evaluate` does.
    """
    return evaluate(real, synthetic, holdout, target, output, drop, max_rows, seed, separator, encoding, decimal)


def _read(option: str, table: Table, options: FileOptions) -> pd.DataFrame:
    if isinstance(table, pd.DataFrame):
        frame = with_text_names(table)
        require_plain_values(frame)
        return frame
    if not is_on_hub(table) and not Path(table).exists():
        raise InputError(f"There is no file {table}; name the table's file by --{option}.")
    return read_table(table, options=options)


def _origin(table: Table) -> dict[str, str | None]:
    """Return where a table comes from; of one in memory nothing is known, of a file elsewhere its path."""
    if not isinstance(table, str | Path):
        return {"path": None, "hash": None}
    if is_on_hub(table):
        return {"path": str(table), "hash": None}
    return {"path": Path(table).name, "hash": file_hash(table)}


def _judge(tables: Tables, target: str | None, max_rows: int, seed: int) -> Evaluation:
    """Return all figures and words, before anything is written."""
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
    titles = {figure.name: {"display_name": figure.display_name, "best": figure.best} for figure in QUALITY_METRICS}
    figures = pd.DataFrame.from_dict(titles, orient="index")
    figures = figures.assign(synthetic=pd.Series(judged), real=pd.Series(real_judged, dtype=float))
    return Evaluation(
        metrics=figures[["display_name", "synthetic", "real", "best"]],
        utility=pd.DataFrame(utility, columns=["synthetic", "real"]),
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
        point_masses=False,
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
    pairs = len(tables.column_types) * (len(tables.column_types) - 1) // 2
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
        return {}, [f"No held-out row has a known class of {quoted(target)}, so no classifier was judged."]
    figures, notes = {}, []
    for name, rows in (("real", tables.real), ("synthetic", tables.synthetic)):
        learned = encode(rows)
        if len(np.unique(learned[1])) < 2:
            notes.append(
                f"The {name} rows have fewer than two known classes of {quoted(target)}: nothing to learn from."
            )
        else:
            figures[name] = train_and_test(*learned, *test, classes, minority, seed)
    sizes = [len(table) for table in (tables.real, tables.synthetic, tables.holdout)]
    if max(sizes) > _ROWS_FOR_UTILITY:
        notes.append(f"The classifier learns from, and is judged on, at most {_ROWS_FOR_UTILITY:,} rows.")
    return figures, notes


def _page(
    evaluation: Evaluation,
    files: dict[str, Any],
    settings: dict[str, Any],
    drawings: Iterable[plots.Plot],
    left_out: int,
) -> str:
    return render(
        "evaluation.html",
        package="gan_imbalance.evaluation",
        title=Path(files["synthetic"]["path"] or ("A DataFrame" if evaluation.noun == "rows" else "Series")).name,
        noun=evaluation.noun,
        verdict=evaluation.verdict,
        files=files,
        settings=settings,
        rows=evaluation.shown_figures.to_dict("records"),
        utility=evaluation.shown_utility.to_dict("records"),
        columns=evaluation.columns,
        pairs=evaluation.pairs.dropna().head(_SHOWN_PAIRS),
        alerts=evaluation.alerts,
        notes=evaluation.notes,
        plots=show(list(drawings)),
        left_out=left_out,
        made_by=provenance(),
    )


def _plots(tables: Tables, evaluation: Evaluation) -> Iterator[plots.Plot]:
    """Yield correlations, then distributions, the columns that are met worst first."""
    names = [name for name in tables.column_types if tables.real[name].notna().any()]
    real, synthetic = _as_numbers(tables, tables.real), _as_numbers(tables, tables.synthetic)
    ordered = [name for name in real.columns if real[name].nunique() > 1][:_MAX_CORRELATED]
    if len(ordered) > 1:
        yield plots.correlations(real[ordered], synthetic[ordered])
    scores = {column["name"]: column["score"] for column in evaluation.columns}
    names.sort(key=lambda name: -1.0 if np.isnan(scores[name]) else scores[name])
    for start in range(0, min(len(names), _MAX_PICTURED), _COLUMNS_PER_PLOT):
        some = names[start : min(start + _COLUMNS_PER_PLOT, _MAX_PICTURED)]
        shown, made = (_as_shown(table[some], tables) for table in (tables.real, tables.synthetic))
        categorical = [name for name in some if name in tables.categorical]
        plot = plots.distributions(shown, made, categorical, str(start // _COLUMNS_PER_PLOT + 1))
        yield replace(plot, caption=f"Distributions, real and synthetic: {', '.join(some)}")


def _as_numbers(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns whose order means something: numbers, dates, and categories that are written as numbers."""
    numbers = {name: rows[name] for name in tables.numeric}
    for name in tables.categorical:
        if pd.to_numeric(tables.real[name], errors="coerce").notna().equals(tables.real[name].notna()):
            numbers[name] = pd.to_numeric(rows[name], errors="coerce")
    return pd.DataFrame({name: numbers[name] for name in tables.column_types if name in numbers})


def _as_shown(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return dates as years."""
    dates = {name: 1970 + rows[name] / _DAYS_PER_YEAR for name in rows.columns if tables.column_types[name] == "date"}
    return with_columns(rows, dates)
