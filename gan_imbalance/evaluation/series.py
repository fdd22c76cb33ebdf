"""From two sets of time series, and held-out ones if there are any, to figures and plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gan_imbalance.comparison import plots
from gan_imbalance.data.series import SeriesSet, SyntheticSeries
from gan_imbalance.data.series_files import ReadSeries, holds_series, read_series
from gan_imbalance.evaluation.result import Evaluation
from gan_imbalance.metrics import describe_collapse, measure_variety
from gan_imbalance.quality import SERIES_METRICS, judge_series
from gan_imbalance.transforms.series import Series, SeriesScaler
from gan_imbalance.types import InputError, quoted

_ENDINGS = (".npz", ".ts", ".tsv", ".txt")
_SHEETS = 6


def are_series(*given: Any) -> bool:
    """Return whether any of what is compared is a set of time series, or a file that holds nothing else."""
    return any(
        isinstance(one, SeriesSet | SyntheticSeries)
        or (isinstance(one, str | Path) and (holds_series(one) or Path(one).suffix == ".ts"))
        for one in given
    )


def read_series_sets(given: Mapping[str, Any], unused: Mapping[str, Any]) -> dict[str, ReadSeries]:
    """Return sets of series of one form, every channel in [-1, 1]; of the real ones the classes that are synthetic.

    Args:
        given: ``real``, ``synthetic`` and perhaps ``holdout``: sets, or files.
        unused: options that tables have, and series may not be given.

    Raises:
        InputError: if a file cannot be read or holds no series, sets differ in form or have no class in common, or an
            option was given.
    """
    for option, value in unused.items():
        if value:
            raise InputError(f"{option} is {quoted(value)}, but is for tables; leave it out to compare time series.")
    sets = {name: _read(name, one) for name, one in given.items()}
    made = sets["synthetic"]
    if any(np.isnan(one.X).any() for one in sets.values()):
        longest = max(one.X.shape[2] for one in sets.values())
        sets = {name: one._replace(X=_padded(one.X, longest)) for name, one in sets.items()}
    shapes = {name: one.X.shape[1:] for name, one in sets.items()}
    other = next((name for name, shape in shapes.items() if shape != shapes["real"]), None)
    if other is not None:
        raise InputError(
            f"The series of {other} have {_told(shapes[other])}, but the real ones {_told(shapes['real'])}: bring them "
            "to one form."
        )
    wanted = set(made.y.astype(str))
    sets = {name: one if name == "synthetic" else _of_classes(name, one, wanted) for name, one in sets.items()}
    scaler = SeriesScaler(any(bool(np.isnan(one.X).any()) for one in sets.values())).fit(sets["real"].X)
    return {name: one._replace(X=scaler.transform(one.X)) for name, one in sets.items()}


def judge_series_sets(sets: Mapping[str, ReadSeries], max_rows: int, seed: int) -> Evaluation:
    """Return the figures of synthetic series, and of one half of the held-out ones against the other.

    Args:
        sets: of :func:`read_series_sets`.
        max_rows: series of each kind, at most.
        seed: of all draws.
    """
    real, made = sets["real"].X, sets["synthetic"].X
    holdout = sets["holdout"].X if "holdout" in sets else None
    judged = judge_series(real, made, holdout, max_rows, seed)
    instead: dict[str, float] = {}
    notes = [f"Real series are those of the classes that were generated: {', '.join(_classes(sets['synthetic']))}."]
    if holdout is None:
        notes.append(
            "No held-out series were given: all figures take the real ones, against which a generator that copies "
            "looks perfect."
        )
    elif len(holdout) > 1:
        shuffled = holdout[np.random.default_rng(seed).permutation(len(holdout))]
        half = len(holdout) // 2
        instead = judge_series(real, shuffled[:half], shuffled[half:], max_rows, seed)
    titles = {figure.name: {"display_name": figure.display_name, "best": figure.best} for figure in SERIES_METRICS}
    figures = pd.DataFrame.from_dict(titles, orient="index")
    figures = figures.assign(synthetic=pd.Series(judged), real=pd.Series(instead, dtype=float))
    return Evaluation(
        metrics=figures[["display_name", "synthetic", "real", "best"]],
        utility=pd.DataFrame(columns=["synthetic", "real"]),
        columns=[],
        pairs=pd.Series(dtype=float),
        alerts=[],
        collapse=describe_collapse(measure_variety(_flat(real), _flat(made), seed)),
        notes=notes,
        noun="series",
    )


def draw_series(sets: Mapping[str, ReadSeries]) -> Iterator[plots.Plot]:
    """Yield series over each other, class by class, where all lie, and their dynamics."""
    real, made = sets["real"], sets["synthetic"]
    for label in _classes(made)[:_SHEETS]:
        known, generated = (one.X[(one.y.astype(str) == label).to_numpy()] for one in (real, made))
        yield replace(plots.series_sheet(known, generated, label), caption=f"Class {label}: real and synthetic series")
    shown = {"synthetic": _flat(made.X)}
    if len(real.X) > 1:
        yield replace(
            plots.principal_components(_flat(real.X), shown), caption="Principal components of the real series"
        )
        yield replace(plots.neighbourhoods(_flat(real.X), shown), caption="t-SNE of real and synthetic series")
    yield replace(plots.dynamics(real.X, {"synthetic": made.X}), caption="Autocorrelation and spectrum")


def _read(option: str, one: Any) -> ReadSeries:
    samples = one.samples if isinstance(one, SyntheticSeries) else one
    if isinstance(samples, SeriesSet):
        return ReadSeries(samples.X, pd.Series(np.array(samples.classes)[samples.labels], name="y"))
    if not isinstance(one, str | Path) or not set(_ENDINGS) & set(Path(one).suffixes[-2:]):
        told = Path(one).name if isinstance(one, str | Path) else f"a {type(one).__name__}"
        raise InputError(
            f"{told} is no set of time series, as the others are: name by --{option} an .npz with the arrays X and y, "
            "or a .ts, .tsv or .txt."
        )
    return read_series(one)


def _flat(X: Series) -> Series:
    return X.reshape(len(X), -1)


def _padded(X: Series, length: int) -> Series:
    return np.pad(X, ((0, 0), (0, 0), (0, length - X.shape[2])), constant_values=np.nan)


def _of_classes(option: str, one: ReadSeries, wanted: set[str]) -> ReadSeries:
    """Return the series of some classes; refuse to return none."""
    chosen = one.y.astype(str).isin(wanted).to_numpy()
    if not chosen.any():
        raise InputError(
            f"No series of {option} is of a class that was generated ({', '.join(sorted(wanted))}): name others by "
            f"--{option}."
        )
    return one._replace(X=one.X[chosen], y=one.y[chosen])


def _classes(one: ReadSeries) -> list[str]:
    return sorted(set(one.y.astype(str)))


def _told(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} channel{'' if shape[0] == 1 else 's'} of {shape[1]} steps"
