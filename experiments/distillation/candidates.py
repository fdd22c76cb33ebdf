"""Which rows, labelled by a teacher, teach a student more than jittered rows do?

    python -m experiments.distillation.candidates            # goes on where it was
    python -m experiments.distillation.candidates --quick    # a table and a split

On nine tables that settings are chosen on. One teacher per split labels what every candidate wrote, two rows per real
one; students learn these with the real rows, whose labels are the mean of their own and the teacher's. PR-AUC for the
rarest class is that of the split's test rows. All candidates share a split's rows, teacher and seeds.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from scipy import stats
from sklearn.neighbors import NearestNeighbors

from experiments import command
from experiments.distillation import __main__ as study
from experiments.distillation.__main__ import EncodedSplit, over_tables
from gan_imbalance import GANOverSampler, TabularDataModule
from gan_imbalance.comparison.controls import JitterOverSampler, in_the_form_of
from gan_imbalance.comparison.distillation import EveryClass
from gan_imbalance.distillation import CrossFittedEnsemble, fit_softly, real_targets
from gan_imbalance.files import atomic_path
from gan_imbalance.metrics import CollapseWarning
from gan_imbalance.oversampling import DEFAULT_GAN
from gan_imbalance.transforms.column_types import ColumnType
from gan_imbalance.transforms.dtypes import to_numbers
from gan_imbalance.types import InputError

AMOUNT, POOL = 2, 5
# of every GAN of one class; the over-sampler's default
STEPS = 150
STUDENTS = ("xgboost", "mlp")
# how each is read, from the folder of the data; the quickest first
TABLES: dict[str, dict[str, Any]] = {
    "yeast_me2": {},
    "contraceptive": {},
    "car": {
        "path": "car.csv.gz",
        "target": "class",
        "categorical": ["buying", "maint", "doors", "persons", "lug_boot", "safety"],
    },
    "software_kc1": {},
    "abalone": {},
    "wine_white": {},
    "law_school": {},
    "adult": {
        "path": "adult_train.csv.gz",
        "test_path": "adult_test.csv.gz",
        "target": "income",
        "missing_values": ["?"],
    },
    "chess_krk": {},
}
Probabilities = npt.NDArray[np.float64]


def data_of(folder: Path, table: str) -> TabularDataModule:
    """Return a table by its name."""
    settings = TABLES[table] or {"path": f"tables/{table}.csv.gz", "target": study.TABLES[table]}
    paths = {key: str(folder / settings[key]) for key in ("path", "test_path") if key in settings}
    return TabularDataModule(**{**settings, **paths})


def samplers(classes: int, seed: int) -> dict[str, Any]:
    """Return who writes rows of every class: :data:`POOL` per real row where some will be chosen, or :data:`AMOUNT`."""
    conditional = {**DEFAULT_GAN, "class_path": "gan_imbalance.gans.ConditionalWassersteinGAN"}
    transfer = {**DEFAULT_GAN, "class_path": "gan_imbalance.gans.MinorityTransferGAN"}
    generator = {"class_path": "gan_imbalance.networks.DenseGenerator", "init_args": {"widths": [128, 128]}}
    residual = {
        "class_path": "experiments.distillation.residual.ResidualGAN",
        "init_args": {**DEFAULT_GAN["init_args"], "generator": generator},
    }

    def options(amount: int) -> dict[str, Any]:
        return {"sampling_strategy": EveryClass(amount), "random_state": seed}

    return {
        "jitter": JitterOverSampler(noise=0.1, **options(POOL)),
        "GAN": GANOverSampler(max_steps=STEPS, **options(POOL)),
        # these two take as many steps as the GANs of all classes together
        "conditional GAN": GANOverSampler(conditional, max_steps=STEPS * classes, **options(AMOUNT)),
        "residual GAN": GANOverSampler(residual, max_steps=STEPS * classes, **options(AMOUNT)),
        "transfer GAN": GANOverSampler(transfer, max_steps=STEPS, **options(AMOUNT)),
    }


def munge(split: EncodedSplit, count: int, seed: int, p: float = 0.5, s: float = 1.0) -> pd.DataFrame:
    """Return real rows of which some values are their nearest neighbour's (MUNGE).

    A value of a row, each with probability ``p``, becomes that of the nearest other row, of whatever class; a number is
    drawn around it with a standard deviation of the difference of the two, divided by ``s`` (Bucila, Caruana,
    Niculescu-Mizil 2006, algorithm 1, https://doi.org/10.1145/1150402.1150464).

    Args:
        split: its training rows are taken, and neighbours are judged by their encoding.
        count: how many rows.
        seed: of the draws.
        p: probability of a change.
        s: local variance parameter, above 0; larger ones move less.
    """
    random, real = np.random.default_rng(seed), split.table
    nearest = NearestNeighbors(n_neighbors=1).fit(split.features).kneighbors(return_distance=False)[:, 0]
    own = random.integers(len(real), size=count)
    made: dict[str, Any] = {}
    for name, column_type in _column_types(split).items():
        changed = random.random(count) < p
        values = real[name].iloc[np.where(changed, nearest[own], own)].reset_index(drop=True)
        if column_type == "numeric":
            known = to_numbers(real[name])
            centre = to_numbers(values)
            spread = np.nan_to_num(np.abs(known[own] - centre)) / s
            moved = np.clip(random.normal(centre, spread), np.nanmin(known), np.nanmax(known))
            values = in_the_form_of(real[name], moved)
        made[name] = values
    return pd.DataFrame(made)


def mixed_columns(split: EncodedSplit, predicted: npt.NDArray[np.int64], count: int, seed: int) -> pd.DataFrame:
    """Return real rows of which every second value, on average, is that of any row of the same predicted class.

    Args:
        split: its training rows are taken.
        predicted: class indices of the training rows, (n,).
        count: how many rows.
        seed: of the draws.
    """
    random, real = np.random.default_rng(seed), split.table
    own = random.integers(len(real), size=count)
    members = {label: np.flatnonzero(predicted == label) for label in np.unique(predicted)}
    made: dict[str, Any] = {}
    for name in real.columns:
        others = np.empty(count, dtype=np.int64)
        for label, rows in members.items():
            here = predicted[own] == label
            others[here] = random.choice(rows, size=int(here.sum()))
        source = np.where(random.random(count) < 0.5, others, own)
        made[name] = real[name].iloc[source].reset_index(drop=True)
    return pd.DataFrame(made)


def entropy(probabilities: Probabilities) -> Probabilities:
    """Return the entropy of every row, (n,), in nats, of probabilities (n, K)."""
    return np.asarray(stats.entropy(probabilities, axis=1))


def divergence(teacher: Probabilities, student: Probabilities) -> Probabilities:
    """Return KL(teacher || student) of every row, (n,), in nats, of probabilities (n, K) each."""
    return np.asarray(stats.entropy(teacher.clip(1e-7), student.clip(1e-7), axis=1))


def chosen_rows(
    probabilities: Probabilities, student: Probabilities, count: int, seed: int
) -> dict[str, npt.NDArray[np.int64]]:
    """Return positions of the rows that every way of choosing takes out of a pool.

    Args:
        probabilities: the teacher's of the pool, (n, K).
        student: those of a student of the real rows, (n, K).
        count: how many each takes, at most n.
        seed: of the draws.
    """
    unsure = entropy(probabilities)
    weights = unsure + 1e-9
    drawn = np.random.default_rng(seed).choice(len(unsure), count, replace=False, p=weights / weights.sum())
    return {
        "drawn by entropy": drawn,
        "disagree": np.argsort(-divergence(probabilities, student))[:count],
    }


def measure_split(data: TabularDataModule, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the PR-AUC of every student with the rows of every candidate.

    Args:
        data: the table.
        seed: of the split.
    """
    split = EncodedSplit.of(data, seed)
    features, labels, count = split.features, split.labels, AMOUNT * len(split.labels)
    started = perf_counter()
    teacher = CrossFittedEnsemble(random_state=seed).fit(features, labels)
    yield {"rows": "teacher", "seconds": perf_counter() - started, "pr_auc": split.pr_auc(teacher)}
    targets, _ = real_targets(labels, teacher, "both")
    pools: dict[str, tuple[Any, Probabilities, float]] = {}

    def add(name: str, rows: pd.DataFrame, started: float) -> None:
        encoded = split.adapter.encode(rows)
        pools[name] = encoded, teacher.predict_proba(encoded), perf_counter() - started

    for name, sampler in samplers(len(data.samples.classes), seed).items():
        started = perf_counter()
        add(name, split.generated(sampler, seed), started)
    started = perf_counter()
    add("MUNGE", munge(split, count, seed), started)
    started = perf_counter()
    add("mixed columns", mixed_columns(split, teacher.out_of_fold_.argmax(axis=1), count, seed), started)
    for student_name in STUDENTS:
        nothing = study.students()[student_name].fit(features, labels)
        yield {"rows": "nothing", "student": student_name, "seconds": 0.0, "pr_auc": split.pr_auc(nothing)}
        first = fit_softly(study.students()[student_name], features, targets, seed)
        yield {"rows": "real rows", "student": student_name, "seconds": 0.0, "pr_auc": split.pr_auc(first)}
        half = count // 2
        jitter, gan = pools["jitter"], pools["GAN"]
        sets = {name: (encoded[:count], soft[:count], seconds) for name, (encoded, soft, seconds) in pools.items()}
        sets["half GAN, half jitter"] = (
            np.concatenate([gan[0][:half], jitter[0][: count - half]]),
            np.concatenate([gan[1][:half], jitter[1][: count - half]]),
            gan[2] + jitter[2],
        )
        for name in ("jitter", "GAN"):
            encoded, soft, seconds = pools[name]
            chosen = chosen_rows(soft, first.predict_proba(encoded), min(count, len(encoded)), seed)
            for how, positions in chosen.items():
                sets[f"{name}, {how}"] = encoded[positions], soft[positions], seconds
        for name, (encoded, soft, seconds) in sets.items():
            learned, taught = np.concatenate([features, encoded]), np.concatenate([targets, soft])
            figure = split.pr_auc(fit_softly(study.students()[student_name], learned, taught, seed))
            yield {"rows": name, "student": student_name, "seconds": seconds, "pr_auc": figure}


def gains(results: pd.DataFrame, against: str) -> pd.DataFrame:
    """Return the mean gain in PR-AUC of every candidate over another one, per student and for the mean of the students.

    Args:
        results: of :func:`measure_split`, with columns table and seed.
        against: the other candidate: ``"nothing"``, ``"jitter"``, ...

    Returns:
        A row per student ("both" for their mean) and candidate; a column per table (mean of its splits), their mean
        with the ends of its 95 % interval, the number of tables with a gain, and the probability that the mean over
        tables is above zero (Student's t, flat prior).
    """
    taught = results.dropna(subset=["student"])
    each = taught.pivot_table("pr_auc", ["student", "rows"], "table", sort=False)
    found = {
        (student, rows): each.loc[(student, rows)] - each.loc[(student, against)]
        for student, rows in each.index
        if rows != against
    }
    differences = pd.DataFrame(found).T
    together = differences.groupby(level=1, sort=False).mean()
    both = pd.concat([differences, pd.concat({"both": together})])
    summed, tables = over_tables(both), both.shape[1]
    if tables < 2:
        return summed.assign(probability=np.nan)
    return summed.assign(probability=stats.t.sf(-summed["mean"] / both.sem(axis=1), tables - 1))


def main(args: list[str] | None = None) -> None:
    """Measure the tables and splits that have no result yet, and sum all up."""
    parser = argparse.ArgumentParser(prog="python -m experiments.distillation.candidates")
    parser.add_argument("--data", default="../shared/data", help="folder of the data")
    parser.add_argument("--output", default="runs/distillation_candidates")
    parser.add_argument("--only", nargs="+", choices=list(TABLES), default=list(TABLES), help="names of tables")
    parser.add_argument("--splits", type=int, default=3, help="of each table")
    parser.add_argument("--quick", action="store_true", help="one table and split")
    options = parser.parse_args(args)
    folder, path = Path(options.data), Path(options.output) / "results.csv"
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name that of the data with --data.")
    warnings.filterwarnings("ignore", category=CollapseWarning)
    torch.set_num_threads(1)
    names, splits = (options.only[:1], 1) if options.quick else (options.only, options.splits)
    results = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["table", "seed"])
    # one split of every table first: a run that is cut short has then seen more tables
    for seed in range(splits):
        for table in names:
            if ((results["table"] == table) & (results["seed"] == seed)).any():
                continue
            rows = [{"table": table, "seed": seed, **row} for row in measure_split(data_of(folder, table), seed)]
            results = (
                pd.concat([results, pd.DataFrame(rows)], ignore_index=True) if len(results) else pd.DataFrame(rows)
            )
            with atomic_path(path) as written:
                results.to_csv(written, index=False)
    print(f"{results.groupby(['table', 'seed']).ngroups} splits of {results['table'].nunique()} tables")
    for against in ("nothing", "jitter"):
        print(f"gain over {against}", gains(results, against).round(3).to_string(), sep="\n")


def _column_types(split: EncodedSplit) -> dict[str, ColumnType]:
    types: dict[str, ColumnType] = split.adapter.samples.column_types
    return types


if __name__ == "__main__":
    command(main)
