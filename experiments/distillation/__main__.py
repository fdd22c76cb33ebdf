"""What makes distillation work: whose rows, how many, and what real rows have for labels?

    python -m experiments.distillation            # an hour on one core
    python -m experiments.distillation --quick    # a table and a split

On the tables that settings are chosen on, five splits each. A teacher learns at most 3,000 training rows of a split and
labels generated rows of every class; students learn from these and from the real rows. PR-AUC for the rarest class is
that of the split's test rows, which may be looked at: what is chosen here is reported on other tables.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from experiments import command
from experiments.tabular_diffusion.__main__ import TABLES
from gan_imbalance import GANOverSampler, TableClassifier, TabularDataModule
from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.comparison.controls import JitterOverSampler
from gan_imbalance.comparison.distillation import EveryClass
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.distillation import CrossFittedEnsemble, fit_softly, real_targets
from gan_imbalance.files import atomic_path
from gan_imbalance.metrics import CollapseWarning
from gan_imbalance.transforms.dtypes import Features
from gan_imbalance.types import InputError

AMOUNTS = (1.0, 2.0, 5.0)
REAL = ("given", "both", "teacher", "none")
MOST_ROWS = 3000


def makers(seed: int) -> dict[str, Any]:
    """Return who writes rows of every class, as many as the largest amount."""
    options: dict[str, Any] = {"sampling_strategy": EveryClass(max(AMOUNTS)), "random_state": seed}
    return {
        "default GAN": GANOverSampler(**options),
        "jitter": JitterOverSampler(noise=0.1, **options),
    }


def students() -> dict[str, Any]:
    """Return who learns."""
    return {
        "xgboost": XGBClassifier(n_estimators=100, max_depth=4),
        "mlp": TableClassifier(),
        "logistic_regression": LogisticRegression(max_iter=1000),
    }


def measure(folder: Path, tables: list[str], splits: int) -> Iterator[dict[str, Any]]:
    """Yield the PR-AUC of every table, split, maker of rows, amount, kind of real labels and student.

    Args:
        folder: of the tables.
        tables: names.
        splits: of each.
    """
    for table in tables:
        data = TabularDataModule(path=str(folder / f"{table}.csv.gz"), target=TABLES[table])
        for seed in range(splits):
            for row in _measure_split(data, seed):
                yield {"table": table, "seed": seed, **row}


@dataclass(frozen=True)
class EncodedSplit:
    """A split as teachers and students see it.

    Args:
        adapter: of the table; encodes further rows.
        table: training rows as they are, at most :data:`MOST_ROWS`.
        labels: class indices of the training rows, (n,).
        features: encoded training rows, (n, d).
        unseen: encoded test rows, (m, d).
        unseen_labels: class indices of the test rows, (m,).
    """

    adapter: Any
    table: pd.DataFrame
    labels: Indices
    features: Features
    unseen: Features
    unseen_labels: Indices

    @classmethod
    def of(cls, data: TabularDataModule, seed: int) -> Self:
        """Return a split of a table by its seed."""
        split, labels = data.split_with(seed), data.samples.labels
        train = split.train
        if len(train) > MOST_ROWS:
            train, _ = train_test_split(train, train_size=MOST_ROWS, stratify=labels[train], random_state=seed)
        adapter = adapter_of(data.samples, train)
        features, unseen = (adapter.encode(adapter.take(part)) for part in (train, split.test))
        return cls(adapter, adapter.take(train), labels[train], features, unseen, labels[split.test])

    def pr_auc(self, classifier: Any) -> float:
        """Return the PR-AUC for the rarest class of the test rows."""
        rarest = int(np.bincount(self.labels).argmin())
        scores = classifier.predict_proba(self.unseen)[:, rarest]
        return float(average_precision_score(self.unseen_labels == rarest, scores))

    def generated(self, sampler: Any, seed: int) -> pd.DataFrame:
        """Return the rows that an over-sampler adds, in random order."""
        made, _ = sampler.fit_resample(self.table, self.labels)
        order = np.random.default_rng(seed).permutation(np.arange(len(self.table), len(made)))
        return made.iloc[order].reset_index(drop=True)


def _measure_split(data: TabularDataModule, seed: int) -> Iterator[dict[str, Any]]:
    split = EncodedSplit.of(data, seed)
    features, labels, pr_auc = split.features, split.labels, split.pr_auc
    started = perf_counter()
    teacher = CrossFittedEnsemble(random_state=seed).fit(features, labels)
    yield {"rows": "teacher", "seconds": perf_counter() - started, "pr_auc": pr_auc(teacher)}
    for name, student in students().items():
        fitted = student.fit(features, labels)
        yield {"rows": "nothing", "student": name, "seconds": 0.0, "pr_auc": pr_auc(fitted)}
    sets: dict[str, tuple[Any, Any, float]] = {"none": (features[:0], np.zeros((0, len(data.samples.classes))), 0.0)}
    for maker, sampler in makers(seed).items():
        started = perf_counter()
        encoded = split.adapter.encode(split.generated(sampler, seed))
        sets[maker] = encoded, teacher.predict_proba(encoded), perf_counter() - started
    for maker, (added, probabilities, seconds) in sets.items():
        for amount in AMOUNTS if len(added) else (0.0,):
            count = round(amount * len(labels))
            for real in REAL:
                targets, kept = real_targets(labels, teacher, real)  # type: ignore[arg-type]
                learned = np.concatenate([features[kept], added[:count]])
                soft = np.concatenate([targets[kept], probabilities[:count]])
                if not len(learned):
                    continue
                for name, student in students().items():
                    figure = pr_auc(fit_softly(student, learned, soft, seed))
                    yield {
                        "rows": maker,
                        "amount": amount,
                        "real": real,
                        "student": name,
                        "seconds": seconds,
                        "pr_auc": figure,
                    }


def gains(results: pd.DataFrame) -> pd.DataFrame:
    """Return the mean gain in PR-AUC over doing nothing of every setting and table, and over tables.

    Args:
        results: of :func:`measure`.

    Returns:
        A row per student, rows, real labels and amount ("teacher" for the teacher in the student's place); a column
        per table, their mean with the ends of its 95 % interval, and the number of tables with a gain.
    """
    keys = ["table", "seed", "student"]
    nothing = results[results["rows"] == "nothing"].set_index(keys)["pr_auc"].rename("nothing")
    teacher = results[results["rows"] == "teacher"].drop(columns="student")
    instead = teacher.merge(nothing.reset_index()[keys], on=["table", "seed"]).assign(real="", amount=0.0)
    taught = pd.concat([results.dropna(subset=["real"]), instead]).join(nothing, on=keys)
    taught["gain"] = taught["pr_auc"] - taught["nothing"]
    each = taught.pivot_table(
        index=["student", "rows", "real", "amount"], columns="table", values="gain", sort=False, aggfunc="mean"
    )
    return over_tables(each)


def contrasts(results: pd.DataFrame) -> pd.DataFrame:
    """Return what two rows of the default GAN per real one bring beside other rows, real labels being of both kinds."""
    tables = list(dict.fromkeys(results["table"]))
    each = gains(results)[tables].xs("both", level="real")
    found = {
        (student, other): each.loc[(student, "default GAN", 2.0)] - each.loc[(student, other, amount)]
        for student in each.index.unique("student")
        for other, amount in (("none", 0.0), ("jitter", 2.0))
    }
    return over_tables(pd.DataFrame(found).T)


def over_tables(each: pd.DataFrame) -> pd.DataFrame:
    """Return figures with their mean over tables, the ends of its 95 % interval, and how many are above zero.

    Args:
        each: a column per table.
    """
    mean, count = each.mean(axis=1), each.shape[1]
    half = stats.t.ppf(0.975, count - 1) * each.sem(axis=1) if count > 1 else np.nan
    return each.assign(mean=mean, low=mean - half, high=mean + half, better=(each > 0).sum(axis=1))


def main(args: list[str] | None = None) -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(prog="python -m experiments.distillation")
    parser.add_argument("--tables", default="../shared/data/tables", help="folder of the tables")
    parser.add_argument("--output", default="runs/distillation")
    parser.add_argument("--only", nargs="+", choices=list(TABLES), default=list(TABLES), help="names of tables")
    parser.add_argument("--quick", action="store_true", help="one table and split")
    options = parser.parse_args(args)
    folder = Path(options.tables)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name that of the tables with --tables.")
    warnings.filterwarnings("ignore", category=CollapseWarning)
    torch.set_num_threads(1)
    names = options.only[:1] if options.quick else options.only
    results = pd.DataFrame(measure(folder, names, 1 if options.quick else 5))
    with atomic_path(Path(options.output) / "results.csv") as path:
        results.to_csv(path, index=False)
    print(gains(results).round(3).to_string())
    if not options.quick:
        print(contrasts(results).round(3).to_string())
    print(results[results["real"].isna()].pivot_table("pr_auc", "table", ["rows", "student"]).round(3).to_string())


if __name__ == "__main__":
    command(main)
