"""Which allowance for rows that splits share keeps its word, and which splits decide most? Thousands of tables.

    python -m experiments.split_design            # six minutes on one core
    python -m experiments.split_design --quick    # seconds, for a look

Learners are nearest centroids, which cost next to nothing, so that every table is split as often as a comparison would.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from experiments import command
from gan_imbalance.comparison.analysis.decision import decide, overlap_ratio, posterior

PRACTICAL = 0.01
GAIN = 3 * PRACTICAL
METRICS = ("PR-AUC", "recall")
SIGNIFICANT = 0.05
# what is planted to compare the power of allowances, in standard deviations of the differences between splits
PLANTED_DEVIATIONS = 1.5

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Situation(NamedTuple):
    """Sizes of a table and of each of its splits; rare rows first, then common ones.

    Attributes:
        rows: of the table.
        tested: of a split.
        trained: of a split; what is neither is validated on or kept in reserve.
        features: of each learner.
        distance: between the class means, for each learner.
    """

    rows: tuple[int, int]
    tested: tuple[int, int]
    trained: tuple[int, int]
    features: int = 15
    distance: float = 2.0

    def allowances(self) -> dict[str, float]:
        """Return the candidates by name."""
        tested, trained = sum(self.tested), sum(self.trained)
        return {
            "none": 0.0,
            "test / not tested": overlap_ratio(tested, sum(self.rows)),
            "test / trained": tested / trained,
            "rare: test / trained": self.tested[0] / self.trained[0],
            # right if the training rows were all that differs by the table
            "rare: trained / not trained": self.trained[0] / (self.rows[0] - self.trained[0]),
        }


SITUATIONS = {
    "ordinary": Situation((250, 2250), (50, 450), (200, 1800)),
    "few rare rows": Situation((50, 2450), (10, 490), (40, 1960), distance=2.5),
    "card fraud": Situation((473, 8000), (95, 1600), (100, 5600), distance=2.5),
    "digits": Situation((180, 1617), (90, 808), (7, 648), distance=3.0),
    "loans": Situation((4800, 19_200), (1000, 4000), (400, 1600), features=6, distance=1.5),
}
SPLITS = 10

# rows of both classes, which 2, 3, 5 and 10 divide, and how many of the simulations are made of them
SCHEME_TABLES = {"2,400 rows": ((240, 2160), 1.0), "9,600 rows": ((960, 8640), 0.5)}
FEATURES, OWN, DISTANCE = 15, 3, 2.0
VALIDATED = 10


class Scheme(NamedTuple):
    """A table is cut into parts, of which each is tested in turn (folds), or one alone (hold-outs)."""

    parts: int
    folds: bool

    def name(self, fits: int) -> str:
        """What a table of results calls a number of splits of it."""
        share = f"{100 / self.parts:.0f} %"
        return f"{fits // self.parts}x{self.parts} folds" if self.folds else f"{fits} x {share} held out"


SCHEMES = [Scheme(5, False), Scheme(3, False), Scheme(2, True), Scheme(3, True), Scheme(5, True), Scheme(10, True)]
FITS = (10, 20, 30)
MOST = max(FITS)
# splits after which one looks
LOOKS = {
    "5 folds, looks from 1 to 6 repetitions": (Scheme(5, True), range(5, 31, 5)),
    "5 folds, looks from 2 to 6 repetitions": (Scheme(5, True), range(10, 31, 5)),
    "5 folds, one look at 6 repetitions": (Scheme(5, True), range(30, 31)),
    "10 folds, looks from 1 to 3 repetitions": (Scheme(10, True), range(10, 31, 10)),
    "10 folds, one look at 3 repetitions": (Scheme(10, True), range(30, 31)),
    "20 % held out, looks at 5, 10, ... 30": (Scheme(5, False), range(5, 31, 5)),
    "20 % held out, looks at 10, 15, ... 30": (Scheme(5, False), range(10, 31, 5)),
    "20 % held out, looks at each from 5 to 30": (Scheme(5, False), range(5, 31)),
    "20 % held out, one look at 30": (Scheme(5, False), range(30, 31)),
}


class Splits(NamedTuple):
    """Splits of one class's rows.

    Attributes:
        tested: positions of test rows, ``(J, tested)``.
        trained: 1 for rows that are trained on, else 0, ``(J, rows)``.
    """

    tested: Counts
    trained: Floats


def hold_outs(random: np.random.Generator, rows: int, tested: int, trained: int, splits: int) -> Splits:
    """Draw rows to test and rows to train on, anew for each split."""
    order = random.permuted(np.broadcast_to(np.arange(rows), (splits, rows)), axis=1)
    return _splits(order, tested, trained)


def folds(random: np.random.Generator, rows: int, parts: int, trained: int, repetitions: int) -> Splits:
    """Cut the rows into parts of which each is tested once, anew for each repetition."""
    tested = rows // parts
    order = random.permuted(np.broadcast_to(np.arange(rows), (repetitions, rows)), axis=1)
    turned = np.stack([np.roll(order, -tested * part, axis=1) for part in range(parts)], axis=1).reshape(-1, rows)
    turned[:, tested:] = random.permuted(turned[:, tested:], axis=1)
    return _splits(turned, tested, trained)


def scheme_splits(random: np.random.Generator, scheme: Scheme, rows: int, splits: int) -> Splits:
    """Split rows of one class by a scheme; a tenth of all rows is validated on, and the rest trained on."""
    trained = rows - rows // scheme.parts - rows // VALIDATED
    if scheme.folds:
        return folds(random, rows, scheme.parts, trained, splits // scheme.parts)
    return hold_outs(random, rows, rows // scheme.parts, trained, splits)


def _splits(order: Counts, tested: int, trained: int) -> Splits:
    chosen = np.zeros(order.shape)
    np.put_along_axis(chosen, order[:, tested : tested + trained], 1.0, axis=1)
    return Splits(order[:, :tested], chosen)


def rows_allowance(scheme: Scheme, splits: int) -> float:
    """Return the allowance that would be right if the rows tested were all that differs by the table.

    Folds test every row equally often, so that a mean of whole repetitions varies as one over all rows does:
    ``1 / J + allowance = 1 / parts``. Hold-outs need what :func:`overlap_ratio` gives.
    """
    return 1 / scheme.parts - 1 / splits if scheme.folds else overlap_ratio(1, scheme.parts)


class Table(NamedTuple):
    """Features of the rare and of the common rows, ``(rows, columns)``."""

    rare: Floats
    common: Floats

    def columns(self, part: slice) -> Table:
        """Return some of the features."""
        return Table(self.rare[:, part], self.common[:, part])


def draw_table(random: np.random.Generator, rows: tuple[int, int], features: int, own: int, distance: float) -> Table:
    """Draw two normal classes whose means lie ``distance`` apart for a learner of some features.

    There are ``features + own`` of them, so that two learners can have some in common and ``own`` for themselves.
    """
    rare, common = (random.normal(size=(number, features + own)) for number in rows)
    return Table(rare + distance / np.sqrt(features), common)


def score(table: Table, rare: Splits, common: Splits, weights: tuple[Floats, Floats] | None = None) -> Floats:
    """Return PR-AUC and recall of a nearest-centroid learner for each split, ``(2, J)``.

    Args:
        table: what the learner sees.
        rare: splits of the rare rows.
        common: splits of the common ones.
        weights: of the training rows of each, ``(J, rows)``; equal unless given.
    """
    high, low = (
        (weight @ values) / weight.sum(axis=1, keepdims=True)
        for weight, values in zip(weights or (rare.trained, common.trained), table, strict=True)
    )
    direction = high - low
    middle = ((high + low) * direction).sum(axis=1, keepdims=True) / 2
    found, false = (
        np.sort(np.take_along_axis(direction @ values.T, splits.tested, axis=1) - middle, axis=1)
        for values, splits in zip(table, (rare, common), strict=True)
    )
    hits = np.arange(found.shape[1], 0, -1)
    above = false.shape[1] - np.stack([np.searchsorted(row, own) for row, own in zip(false, found, strict=True)])
    return np.stack([(hits / (hits + above)).mean(axis=1), (found > 0).mean(axis=1)])


def mirrored(table: Table, own: int, rare: Splits, common: Splits, boost: float = 0.0) -> Floats:
    """Return how two learners differ that have ``own`` features each for themselves, equally good: ``(2, J)``.

    Either is as good in the population; given the table, one of them is luckier. The first one's own features of rare
    rows may be moved by ``boost``, so that it is truly better.
    """
    first = table.columns(slice(None, -own))
    moved = first.rare + boost * (np.arange(first.rare.shape[1]) < own)
    return score(Table(moved, first.common), rare, common) - score(table.columns(slice(own, None)), rare, common)


def twins(
    random: np.random.Generator, table: Table, own: int, rare: Splits, common: Splits, boost: float = 0.0
) -> Floats:
    """Return how two learners differ that see the same, and weight training rows by their own seed: ``(2, J)``.

    Weights are exponential (the Bayesian bootstrap). All of the first one's features of rare rows may be moved by
    ``boost``, so that it is truly better.
    """
    seen = table.columns(slice(own, None))
    one, other = (
        score(
            Table(seen.rare + moved, seen.common),
            rare,
            common,
            (_bootstrap(random, rare.trained), _bootstrap(random, common.trained)),
        )
        for moved in (boost, 0.0)
    )
    return one - other


def _bootstrap(random: np.random.Generator, chosen: Floats) -> Floats:
    weights: Floats = chosen * random.standard_exponential(chosen.shape)
    return weights


def needed_allowance(differences: Floats) -> float:
    """Return what the allowance would have to be, from differences of many tables, ``(tables, J)``.

    Their means vary by ``(1 / J + allowance) s^2`` from table to table.
    """
    return float(
        differences.mean(axis=1).var(ddof=1) / differences.var(axis=1, ddof=1).mean() - 1 / differences.shape[1]
    )


def declared(differences: Floats, allowance: float) -> tuple[float, float]:
    """Return how often a two-sided corrected test finds a difference in rows of ``(tables, J)``, and a gain."""
    marks = [decide(posterior(row, allowance, 0.0), 1 - SIGNIFICANT / 2) for row in differences]
    return sum(mark in ("helps", "hurts") for mark in marks) / len(marks), marks.count("helps") / len(marks)


def compare_allowances(situation: Situation, simulations: int) -> dict[str, Any]:
    """Return the error of every candidate, for learners that differ by luck and by seed, and its power."""
    random = np.random.default_rng(0)
    seen: dict[str, list[Floats]] = {"mirrored": [], "twins": []}
    for _ in range(simulations):
        table = draw_table(random, situation.rows, situation.features, situation.features, situation.distance)
        sizes = zip(situation.rows, situation.tested, situation.trained, strict=True)
        rare, common = (hold_outs(random, *size, SPLITS) for size in sizes)
        seen["mirrored"].append(mirrored(table, situation.features, rare, common))
        seen["twins"].append(twins(random, table, situation.features, rare, common))
    result: dict[str, Any] = {}
    for index, metric in enumerate(METRICS):
        hard, easy = (np.stack(one)[:, index] for one in seen.values())
        # either learner is as often the first one
        hard = hard * np.where(np.arange(len(hard)) % 2, 1, -1)[:, None]
        planted = hard + PLANTED_DEVIATIONS * hard.std(axis=1, ddof=1).mean()
        result[metric] = {
            "needed_hard": needed_allowance(hard),
            "needed_easy": needed_allowance(easy),
            "candidates": {
                name: {
                    "allowance": allowance,
                    "error_hard": declared(hard, allowance)[0],
                    "error_easy": declared(easy, allowance)[0],
                    "power": declared(planted, allowance)[1],
                }
                for name, allowance in situation.allowances().items()
            },
        }
    return result


def calibrate(gain: Callable[[float], float], target: float) -> float:
    """Return the boost that gains ``target``, by bisection of an increasing function."""
    low, high = 0.0, 2.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if gain(middle) < target else (low, middle)
    return (low + high) / 2


def find_boosts(rows: tuple[int, int], tables: int) -> tuple[float, float]:
    """Return what must be planted for a true gain of :data:`GAIN` in PR-AUC, in mirrored learners and in twins."""

    def gain(boost: float, alike: bool) -> float:
        random = np.random.default_rng(1)
        found = []
        for _ in range(tables):
            table = draw_table(random, rows, FEATURES, OWN, DISTANCE)
            rare, common = (scheme_splits(random, Scheme(5, True), number, 5) for number in rows)
            if alike:
                found.append(twins(random, table, OWN, rare, common, boost)[0].mean())
            else:
                # the difference that the boost makes, without the luck of the table
                found.append((mirrored(table, OWN, rare, common, boost) - mirrored(table, OWN, rare, common))[0].mean())
        return float(np.mean(found))

    return calibrate(partial(gain, alike=False), GAIN), calibrate(partial(gain, alike=True), GAIN)


def simulate_schemes(rows: tuple[int, int], simulations: int) -> dict[Scheme, dict[str, Floats]]:
    """Return differences in PR-AUC by scheme and kind, ``(tables, splits)``; fewer splits are the first ones."""
    boosts = find_boosts(rows, min(simulations, 100))
    random = np.random.default_rng(2)
    found: dict[Scheme, dict[str, list[Floats]]] = {
        scheme: {"hard": [], "easy": [], "hard_gain": [], "easy_gain": []} for scheme in SCHEMES
    }
    for _ in range(simulations):
        table = draw_table(random, rows, FEATURES, OWN, DISTANCE)
        for scheme, kinds in found.items():
            rare, common = (scheme_splits(random, scheme, number, MOST) for number in rows)
            kinds["hard"].append(mirrored(table, OWN, rare, common)[0])
            kinds["easy"].append(twins(random, table, OWN, rare, common)[0])
            kinds["hard_gain"].append(mirrored(table, OWN, rare, common, boosts[0])[0])
            kinds["easy_gain"].append(twins(random, table, OWN, rare, common, boosts[1])[0])
    return {scheme: {kind: np.stack(each) for kind, each in kinds.items()} for scheme, kinds in found.items()}


def marks_of(differences: Floats, allowance: float, looks: range | None = None) -> dict[str, float]:
    """Return how often each mark is given at the first of the looks that decides; at all splits unless given."""
    counts = dict.fromkeys(("helps", "hurts", "equal", "undecided"), 0)
    spent = 0
    for row in differences:
        for splits in looks or (len(row),):
            mark = decide(posterior(row[:splits], allowance, PRACTICAL))
            if mark != "undecided":
                break
        counts[mark] += 1
        spent += splits
    shares = {mark: count / len(differences) for mark, count in counts.items()}
    return {**shares, "wrong": shares["helps"] + shares["hurts"], "splits": spent / len(differences)}


def power_at_equal_error(null: Floats, planted: Floats) -> float:
    """Return how often a planted gain passes what the null's own means over deviations pass in 5 %, either way."""
    nothing, gain = (each.mean(axis=1) / each.std(axis=1, ddof=1) for each in (null, planted))
    return float(np.mean(gain > np.quantile(abs(nothing), 1 - SIGNIFICANT)))


def compare_schemes(seen: dict[Scheme, dict[str, Floats]]) -> dict[str, Any]:
    """Return errors and decisions of every scheme by its number of fits."""
    result: dict[str, Any] = {}
    for fits in FITS:
        for scheme, kinds in seen.items():
            if scheme.folds and fits % scheme.parts:
                continue
            allowance = overlap_ratio(1, scheme.parts)
            first = {kind: differences[:, :fits] for kind, differences in kinds.items()}
            marks = {kind: marks_of(differences, allowance) for kind, differences in first.items()}
            result[scheme.name(fits)] = {
                "fits": fits,
                "allowance": allowance,
                "needed": needed_allowance(first["hard"]),
                "test_error_hard": declared(first["hard"], allowance)[0],
                "wrong_hard": marks["hard"]["wrong"],
                "wrong_easy": marks["easy"]["wrong"],
                "helps_hard": marks["hard_gain"]["helps"],
                "helps_easy": marks["easy_gain"]["helps"],
                "equal_hard": marks["hard"]["equal"],
                "equal_easy": marks["easy"]["equal"],
                "power_hard_at_equal_error": power_at_equal_error(first["hard"], first["hard_gain"]),
                "power_easy_at_equal_error": power_at_equal_error(first["easy"], first["easy_gain"]),
                "rows_allowance": rows_allowance(scheme, fits),
                "rows_error_hard": declared(first["hard"], rows_allowance(scheme, fits))[0],
                "rows_helps_hard": marks_of(first["hard_gain"], rows_allowance(scheme, fits))["helps"],
                "rows_helps_easy": marks_of(first["easy_gain"], rows_allowance(scheme, fits))["helps"],
                "gain_hard": float(first["hard_gain"].mean() - first["hard"].mean()),
                "gain_easy": float(first["easy_gain"].mean() - first["easy"].mean()),
            }
    return result


def compare_looks(seen: dict[Scheme, dict[str, Floats]]) -> dict[str, Any]:
    """Return what is decided when one stops at the first look that decides."""
    result: dict[str, Any] = {}
    for name, (scheme, looks) in LOOKS.items():
        marks = {
            kind: marks_of(differences, overlap_ratio(1, scheme.parts), looks)
            for kind, differences in seen[scheme].items()
        }
        result[name] = {
            "wrong_hard": marks["hard"]["wrong"],
            "wrong_easy": marks["easy"]["wrong"],
            "helps_hard": marks["hard_gain"]["helps"],
            "helps_easy": marks["easy_gain"]["helps"],
            "equal_hard": marks["hard"]["equal"],
            "equal_easy": marks["easy"]["equal"],
            "splits_easy": marks["easy"]["splits"],
            "splits_easy_gain": marks["easy_gain"]["splits"],
        }
    return result


def run(simulations: int) -> dict[str, Any]:
    """Run the three parts, and print each as a table as soon as it is there."""
    allowances = {}
    for name, situation in SITUATIONS.items():
        allowances[name] = compare_allowances(situation, simulations)
        for metric, found in allowances[name].items():
            title = f"{name}, {metric}: needed {found['needed_hard']:.2f}, by seed {found['needed_easy']:.2f}"
            print_table(title, found["candidates"])
    schemes, looks = {}, {}
    for name, (rows, share) in SCHEME_TABLES.items():
        seen = simulate_schemes(rows, max(2, round(share * simulations)))
        schemes[name], looks[name] = compare_schemes(seen), compare_looks(seen)
        print_table(f"{name}: schemes", schemes[name])
        print_table(f"{name}: looks", looks[name])
    return {"simulations": simulations, "allowances": allowances, "schemes": schemes, "looks": looks}


def print_table(title: str, rows: dict[str, dict[str, float]]) -> None:
    """Print rows of figures in Markdown."""
    columns = list(next(iter(rows.values())))
    print(f"\n{title}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(f'{row[column]:.3f}' for column in columns)} |", flush=True)


def key_rates(result: dict[str, Any]) -> dict[str, Any]:
    """Return the few rates that decide: hard error by allowance and situation, decisions by scheme, and by looks."""
    keys = ("test_error_hard", "wrong_hard", "helps_hard", "helps_easy")
    return {
        "simulations": result["simulations"],
        "error_hard": {
            situation: {name: round(one["error_hard"], 4) for name, one in found["PR-AUC"]["candidates"].items()}
            for situation, found in result["allowances"].items()
        },
        "schemes": {
            table: {
                name: {key: round(row[key], 4) for key in keys} for name, row in rows.items() if row["fits"] == FITS[0]
            }
            for table, rows in result["schemes"].items()
        },
        "looks": {
            table: {
                name: {key: round(row[key], 4) for key in ("wrong_hard", "wrong_easy", "helps_easy")}
                for name, row in rows.items()
            }
            for table, rows in result["looks"].items()
        },
    }


def main() -> None:
    """Print tables, and the key rates as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="40 simulations")
    arguments = parser.parse_args()
    print(json.dumps(key_rates(run(40 if arguments.quick else arguments.simulations))))


if __name__ == "__main__":
    command(main)
