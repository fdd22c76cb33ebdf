"""Does a comparison find what is there, and nothing else? Hundreds of simulated ones, run as any other is.

    python -m experiments.null_test
    python -m experiments.null_test --parts tuning    # what the planted rows are worth, on tables of their own

Twins differ by their seed alone; rivals are equally good in the population and not in a given table; further real rows
in the place of a GAN's truly help.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, get_args

import joblib
import numpy as np
import pandas as pd

from experiments import command
from experiments.null_test.simulation import PARTS, PRACTICAL_DIFFERENCE
from gan_imbalance.comparison.analysis.answer import complete_splits, find_answers
from gan_imbalance.comparison.analysis.decision import Mark, decide, posterior
from gan_imbalance.comparison.analysis.tables import results_table, scores_by_method
from gan_imbalance.comparison.driver import Experiment
from gan_imbalance.comparison.plan.catalogue import HALF_MINORITY, REAL_ROWS
from gan_imbalance.comparison.run.task import run_task

SEEDS = 2
MOST_SPLITS = 30
TUNING = "tuning"
TRIED_AMOUNTS = (100, 150, 200)
# no table of a simulated comparison has this in its seed
_TUNING_SEED = len(PARTS)
_TOLD_EVERY = 20
_EFFECTS = (REAL_ROWS, HALF_MINORITY)


class Look(NamedTuple):
    """How a comparison stands.

    Attributes:
        splits: that are finished.
        mark: of the primary contest.
        mark_without_allowance: the same if splits shared no rows.
        difference: of the primary contest.
        seen: known effects that are seen.
    """

    splits: int
    mark: Mark
    mark_without_allowance: Mark
    difference: float
    seen: tuple[str, ...]


def looks(comparison: Experiment, seeds: int = SEEDS, most: int = MOST_SPLITS) -> Iterator[Look]:
    """Run a comparison as ``gan-imbalance compare --until decided`` does, in memory, and yield what it stops by.

    The first look is all that a comparison without ``--until`` has.
    """
    results: dict[str, dict[str, Any]] = {}
    study = comparison.split(seeds)
    while True:
        plan = comparison.plan(study)
        for task in plan.tasks:
            if task.cells[0].address(study) not in results:
                made = run_task(study.only(task.key), task, {})
                assert not made.failures, made.failures
                results |= {cell.address: {**cell.content, "address": cell.address} for cell in made.cells}
        description = plan.description
        table = results_table(results[entry.address] for entry in description.entries)
        [answer] = find_answers(description, complete_splits(description, table))
        assert answer.primary is not None
        yield Look(
            answer.splits,
            answer.mark,
            decide(posterior(_differences(table), 0.0, PRACTICAL_DIFFERENCE)),
            answer.primary.difference,
            tuple(answer.seen),
        )
        if answer.mark != "undecided" or (seeds + 1) * comparison.splits_per_seed > most:
            break
        seeds += 1
        study = comparison.split(seeds, study)


def _differences(table: pd.DataFrame) -> pd.Series[float]:
    """Return the GAN's score on every split less the other remedy's, where there is one of each."""
    scores = scores_by_method(table[table["role"] != "control"], "pr_auc")
    [gan], [other] = (
        [scores[method] for method in scores if (method.role == "gan") is wanted] for wanted in (True, False)
    )
    return gan - other


def compare_once(name: str, number: int) -> list[Look]:
    """Run one simulated comparison."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(looks(PARTS[name].comparison([*PARTS].index(name), number)))


def share(found: Sequence[bool]) -> dict[str, float]:
    """Return how often something was found, with its exact binomial 95 % interval."""
    from scipy.stats import binomtest

    low, high = binomtest(int(sum(found)), len(found)).proportion_ci()
    return {"rate": float(np.mean(found)), "low": float(low), "high": float(high)}


def rates(outcomes: Sequence[Sequence[Look]]) -> dict[str, Any]:
    """Return how often each mark was given and each known effect seen, at the first look and at the last one."""
    told: dict[str, Any] = {"comparisons": len(outcomes)}
    for name, position in (("first", 0), ("until_decided", -1)):
        chosen = [of[position] for of in outcomes]
        differences = [look.difference for look in chosen]
        told[name] = {
            **{mark: share([look.mark == mark for look in chosen]) for mark in get_args(Mark)},
            "wrong_if_null": share([look.mark in ("helps", "hurts") for look in chosen]),
            "wrong_if_null_without_allowance": share(
                [look.mark_without_allowance in ("helps", "hurts") for look in chosen]
            ),
            **{f"{effect}_seen": share([effect in look.seen for look in chosen]) for effect in _EFFECTS},
            "splits": float(np.mean([look.splits for look in chosen])),
            "mean_difference": float(np.mean(differences)),
            "deviation_between_tables": float(np.std(differences, ddof=1)) if len(chosen) > 1 else None,
        }
    return told


def gains(number: int, amounts: Sequence[int] = TRIED_AMOUNTS) -> list[float]:
    """Return what each number of planted rows is worth on a table that is in no comparison, over one repetition."""
    comparison = replace(PARTS["gain"].comparison(_TUNING_SEED, number), amounts=amounts)
    comparison = replace(comparison, remedies=[one for one in comparison.remedies if one.name != HALF_MINORITY])
    plan = comparison.plan(comparison.split(1))
    made = [run_task(plan.study.only(task.key), task, {}) for task in plan.tasks]
    table = results_table({**cell.content, "address": cell.address} for one in made for cell in one.cells)
    scores = {method.amount: float(values.mean()) for method, values in scores_by_method(table, "pr_auc").items()}
    return [scores[str(amount)] - scores[""] for amount in amounts]


def tell_tuning(found: Sequence[Sequence[float]]) -> dict[str, Any]:
    """Return the mean gain of each number of planted rows, and its standard error."""
    values = np.array(found)
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    told = zip(TRIED_AMOUNTS, values.mean(axis=0), errors, strict=True)
    return {"tables": len(values)} | {
        str(amount): {"gain": float(gain), "standard_error": float(error)} for amount, gain, error in told
    }


def run(name: str, comparisons: int, jobs: int = 1) -> list[Any]:
    """Run a part, ``jobs`` comparisons at a time, and say on stderr how far it is."""
    work = gains if name == TUNING else partial(compare_once, name)
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator")
    outcomes: list[Any] = []
    for outcome in parallel(joblib.delayed(work)(number) for number in range(comparisons)):
        outcomes.append(outcome)
        if len(outcomes) % _TOLD_EVERY == 0:
            print(f"{name}: {len(outcomes)} of {comparisons}", file=sys.stderr, flush=True)
    return outcomes


def show(name: str, told: dict[str, Any]) -> None:
    """Print every rate of a part in a line of its own, with its interval in per cent."""
    for look in ("first", "until_decided"):
        print(f"{name}, {look}: {told[look]['splits']:.1f} splits on average")
        for key, value in told[look].items():
            if isinstance(value, dict):
                rate, low, high = (100 * value[part] for part in ("rate", "low", "high"))
                print(f"  {key}: {rate:.1f} % ({low:.1f} to {high:.1f})")
        sys.stdout.flush()


def main() -> None:
    """Print the rates, all of them as one JSON line at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=200, help="of every part")
    parser.add_argument("--jobs", type=int, default=1, help="comparisons at a time")
    parser.add_argument("--parts", nargs="+", choices=[*PARTS, TUNING], default=[*PARTS])
    arguments = parser.parse_args()
    told: dict[str, Any] = {}
    for name in arguments.parts:
        outcomes = run(name, arguments.comparisons, arguments.jobs)
        if name == TUNING:
            told[name] = tell_tuning(outcomes)
        else:
            told[name] = rates(outcomes)
            show(name, told[name])
    print(json.dumps(told))


if __name__ == "__main__":
    command(main)
