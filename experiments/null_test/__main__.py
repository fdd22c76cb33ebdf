"""Does a comparison find what is there, and nothing else? Two hundred simulated ones, run as any other is.

    python -m experiments.null_test

In every simulated table two remedies differ by name and seed alone, and one, further real rows, truly helps.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
from gan_imbalance.comparison.cells import group_cells, run_unit
from gan_imbalance.comparison.protocol import plan_cells, prepare_study
from gan_imbalance.comparison.record import Record, write_record
from gan_imbalance.comparison.summary import SIGNIFICANT, Duel, duel, results_table

from experiments import command
from gan_imbalance.comparison import Remedy
from gan_imbalance.data import TabularDataModule

ROWS = 2500
FEATURES = 30
MINORITY_SHARE = 0.1
KEPT = 12
SHIFT = 0.4
SPLITS = 10
TEST_FRACTION = 0.2
AMOUNT = 150

_JITTER = "gan_imbalance.comparison.controls.JitterOverSampler"
NOTHING = Remedy("nothing")
ONE_TWIN = Remedy("one_twin", {"class_path": _JITTER, "init_args": {"random_state": 1}})
OTHER_TWIN = Remedy("other_twin", {"class_path": _JITTER, "init_args": {"random_state": 2}})
REAL_ROWS = Remedy("real_rows", reserve=True)
CLASSIFIERS = {
    "logistic_regression": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}}
}


class Outcome(NamedTuple):
    """What a simulated comparison found: Holm-adjusted p-values and differences by metric."""

    twins: list[Duel]
    planted: list[Duel]


def simulate(number: int) -> pd.DataFrame:
    """Return a table of two Gaussian classes; the direction between them, and the noise, differ from one to another."""
    random = np.random.default_rng(number)
    rare = random.random(ROWS) < MINORITY_SHARE
    direction = random.normal(size=FEATURES)
    direction *= SHIFT * np.sqrt(FEATURES) / np.linalg.norm(direction)
    features = random.normal(size=(ROWS, FEATURES)) + rare[:, None] * direction
    frame = pd.DataFrame(features, columns=[f"x{column}" for column in range(FEATURES)])
    return frame.assign(rare=rare.astype(int))


def compare_once(number: int) -> Outcome:
    """Run one simulated comparison: the protocol, the files and the statistics are those of any other."""
    data = TabularDataModule(
        frame=simulate(number), target="rare", keep={"1": KEPT}, test_fraction=TEST_FRACTION, validation_fraction=0.1
    )
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = prepare_study(data, Path(folder), SPLITS)
        cells = plan_cells(study, [NOTHING, ONE_TWIN, OTHER_TWIN, REAL_ROWS], CLASSIFIERS, [AMOUNT])
        write_record(study, cells, {}, 0)
        joblib.dump(study, Path(folder) / "study.pickle")
        failures = [one for unit in group_cells(cells) for one in run_unit(Path(folder) / "study.pickle", unit, 1)]
        assert not failures, failures
        record = Record.load(folder)
        results = results_table(record)
        twin, other, real, nothing = (
            results[results["remedy"] == remedy.name] for remedy in (ONE_TWIN, OTHER_TWIN, REAL_ROWS, NOTHING)
        )
        setting = record.settings[0]
        return Outcome(duel(record, setting, twin, other), duel(record, setting, real, nothing))


def rates(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return how often a difference was declared, after correction, in any metric and in each."""

    def declared(duels: list[Duel], gain: bool) -> list[bool]:
        return [one.p < SIGNIFICANT and (not gain or one.mean > one.other_mean) for one in duels]

    twins = np.array([declared(outcome.twins, gain=False) for outcome in outcomes])
    planted = np.array([declared(outcome.planted, gain=True) for outcome in outcomes])
    titles = [one.metric.title for one in outcomes[0].twins]
    gains = np.array([[one.mean - one.other_mean for one in outcome.planted] for outcome in outcomes])
    return {
        "comparisons": len(outcomes),
        "twins_declared_different": float(twins.any(axis=1).mean()),
        **{f"twins_{title}": float(rate) for title, rate in zip(titles, twins.mean(axis=0), strict=True)},
        "gain_found": float(planted.any(axis=1).mean()),
        **{f"gain_found_{title}": float(rate) for title, rate in zip(titles, planted.mean(axis=0), strict=True)},
        **{f"mean_gain_{title}": float(gain) for title, gain in zip(titles, gains.mean(axis=0), strict=True)},
    }


def run(comparisons: int, jobs: int) -> list[Outcome]:
    """Run so many simulated comparisons, ``jobs`` at a time."""
    parallel = joblib.Parallel(n_jobs=jobs, backend="loky")
    outcomes: list[Outcome] = parallel(joblib.delayed(compare_once)(number) for number in range(comparisons))
    return outcomes


def main() -> None:
    """Print the rates as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    print(json.dumps(rates(run(arguments.comparisons, arguments.jobs))))


if __name__ == "__main__":
    command(main)
