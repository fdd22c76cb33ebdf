"""How much memory and time a large table takes to be encoded and decoded.

A table of 10 numeric columns (normal, bimodal, heavy-tailed, zero-inflated, whole, bounded, with missing values, ...)
and 10 categorical ones, one of them of 50,000 levels, is made with 100,000 rows and with 1,000,000. Each is fitted,
transformed and transformed back by a process of its own, whose peak resident memory is that of everything: the
interpreter with torch and pandas, the table, its features, and the table that comes back. The last line is a JSON
object: for a million rows the processor's seconds of every step (of one thread; on an idle machine they are those of
the wall clock) and the peak, and how many times as long ten times the rows take.

    python -m experiments.benchmarks.table_scale [--numeric modes] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from experiments import command
from gan_imbalance.transforms import TabularTransformer

MANY_LEVELS = 50_000
REPETITIONS = 2


def make_table(rows: int, levels: int = MANY_LEVELS) -> pd.DataFrame:
    """Return 10 numeric and 10 categorical columns, one of them of many levels (Zipf's law among them)."""
    random = np.random.default_rng(0)
    normal = random.normal(size=rows)
    numeric = {
        "normal": normal,
        "bimodal": np.where(random.random(rows) < 0.3, -4, 4) + normal,
        "heavy": random.pareto(1.5, rows),
        "zero_inflated": np.where(random.random(rows) < 0.7, 0, random.exponential(10, rows)),
        "days": random.integers(0, 31, rows),
        "whole": random.poisson(200, rows),
        "cents": random.lognormal(3, 1, rows).round(2),
        "missing": np.where(random.random(rows) < 0.1, np.nan, normal),
        "bounded": random.beta(0.5, 0.5, rows),
        "nullable": pd.array(random.integers(0, 1000, rows), dtype="Int64"),
    }
    words = {f"words_{count}": _draw(random, rows, count) for count in (2, 3, 5, 7, 10, 20, 50, 100)}
    flags = {"flag": random.random(rows) < 0.1}
    # every level occurs, however rare
    many = random.permutation(np.concatenate([np.arange(levels), random.zipf(1.3, rows) % levels])[:rows])
    return pd.DataFrame({**numeric, **words, **flags, "many": pd.Series(many).map("level {}".format)})


def _draw(random: np.random.Generator, rows: int, count: int) -> np.ndarray:
    words = np.array([f"word {number}" for number in range(count)], dtype=object)
    return words[random.integers(count, size=rows)]


def measure(rows: int, levels: int, numeric: str) -> dict[str, float]:
    """Return the least processor seconds of each step, the width, and this process's peak of resident memory in GB."""
    frame = make_table(rows, levels)
    seconds: dict[str, list[float]] = {"fit": [], "transform": [], "inverse_transform": []}
    for _ in range(REPETITIONS):
        started = time.process_time()
        transformer = TabularTransformer(numeric).fit(frame)  # type: ignore[arg-type]
        fitted = time.process_time()
        features = transformer.transform(frame)
        transformed = time.process_time()
        back = transformer.inverse_transform(features)
        done = time.process_time()
        for step, took in zip(seconds, (fitted - started, transformed - fitted, done - transformed), strict=True):
            seconds[step].append(took)
        assert back.shape == frame.shape
        assert (back.dtypes == frame.dtypes).all()
        assert back["whole"].equals(frame["whole"])
        del features, back
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {**{step: min(took) for step, took in seconds.items()}, "width": transformer.width, "peak_gb": peak}


def measure_apart(rows: int, levels: int, numeric: str) -> dict[str, float]:
    """Return :func:`measure` of a process of its own."""
    command = [sys.executable, "-m", "experiments.benchmarks.table_scale", "--numeric", numeric]
    # numpy's threads would count twice
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command += ["--rows", str(rows), "--levels", str(levels)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main(args: Sequence[str] | None = None) -> None:
    """Run the benchmark with the given arguments, or else those of the command line."""
    parser = argparse.ArgumentParser(description="Memory and time that a large table takes to be encoded and decoded.")
    parser.add_argument("--numeric", default="quantile", choices=["quantile", "standard", "minmax", "modes"])
    parser.add_argument("--rows", type=int, help="measure one table of this many rows only")
    parser.add_argument("--levels", type=int, default=MANY_LEVELS, help="of the category of many levels")
    parser.add_argument("--quick", action="store_true", help="see that it works: 2,000 and 20,000 rows")
    options = parser.parse_args(args)
    if options.rows:
        print(json.dumps(measure(options.rows, options.levels, options.numeric)))
        return
    small, levels = (2_000, 1_000) if options.quick else (100_000, options.levels)
    measured = {rows: measure_apart(rows, levels, options.numeric) for rows in (small, 10 * small)}
    for rows, one in measured.items():
        print(f"{rows:,} rows: " + ", ".join(f"{name} {value:.2f}" for name, value in one.items()))
    steps = ("fit", "transform", "inverse_transform")
    ratio = sum(measured[10 * small][step] for step in steps) / sum(measured[small][step] for step in steps)
    largest = {name: round(value, 3) for name, value in measured[10 * small].items()}
    print(json.dumps({"rows": 10 * small, "numeric": options.numeric, **largest, "ratio_ten_times": round(ratio, 2)}))


if __name__ == "__main__":
    command(main)
