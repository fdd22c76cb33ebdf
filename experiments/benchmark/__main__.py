"""Which remedy helps on tables, over many of them, and with which classifier?

    python -m experiments.benchmark                       # hours on two cores; goes on where it was
    python -m experiments.benchmark --only letter_z car   # a part of it
    python -m experiments.benchmark --summarise           # only what is there, results.csv beside this file included
    python -m experiments.benchmark --quick               # a table, few steps

Each table is one comparison; of large ones, 3,000 training rows in the classes' own proportions. What was chosen by
looking at results was chosen on the tables of the group ``choose``; the figures to go by are those of ``report``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from experiments import command
from experiments.benchmark.summary import RECORDED, summarise
from experiments.benchmark.tables import TABLES, data_of
from gan_imbalance import compare
from gan_imbalance.comparison.plan.catalogue import TABLE_REMEDIES
from gan_imbalance.types import InputError

REMEDIES = [
    *("nothing", "tuned_threshold", "class_weights", "random_over", "random_under"),
    *("smote", "BorderlineSMOTE", "adasyn"),
    *("small_wasserstein_gan", "conditional_wasserstein_gan", "minority_transfer_gan", "ctgan", "tvae"),
    *("distilled_gan", "distilled_jitter", "distilled_real", "teacher"),
]
LARGE = ("conditional_wasserstein_gan", "minority_transfer_gan")
STEPS = 150
"""Of the large GANs: as many as the small default one takes, in which they take about as long as CTGAN does."""
CLASSIFIERS: dict[str, dict[str, Any]] = {
    "xgboost": {"class_path": "xgboost.XGBClassifier", "init_args": {"n_estimators": 100, "max_depth": 4}},
    "mlp": {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {}},
    "logistic_regression": {"class_path": "sklearn.linear_model.LogisticRegression", "init_args": {"max_iter": 1000}},
    "decision_tree": {"class_path": "sklearn.tree.DecisionTreeClassifier", "init_args": {"max_depth": 5}},
}


def main(args: list[str] | None = None) -> None:
    """Run the comparisons that have no result yet, and sum up."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmark")
    parser.add_argument("--data", default="../shared/data", help="folder of the data")
    parser.add_argument("--output", default="runs/benchmark")
    parser.add_argument("--only", nargs="+", choices=list(TABLES), default=list(TABLES), help="names of tables")
    parser.add_argument("--remedies", nargs="+", choices=REMEDIES, default=REMEDIES, help="those to run")
    parser.add_argument(
        "--repeats", type=int, default=1, help="how often the rows of a table are dealt into five folds"
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--summarise", action="store_true", help="run nothing")
    parser.add_argument("--quick", action="store_true", help="one table, few steps")
    options = parser.parse_args(args)
    folder, output = Path(options.data), Path(options.output)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name that of the data with --data.")
    tables = ["solar_flare"] if options.quick else options.only
    if not options.summarise:
        for name in tables:
            remedies = [
                TABLE_REMEDIES[remedy].with_init_args(max_steps=STEPS) if remedy in LARGE else remedy
                for remedy in options.remedies
            ]
            compare(
                data_of(folder, name),
                remedies=remedies,
                classifiers=CLASSIFIERS,
                seeds=options.repeats,
                folds=5,
                controls=False,
                quick=options.quick,
                jobs=options.jobs,
                output=str(output / name),
                wandb=False,
            )
    summarise(output, folder, tables, None if options.quick else RECORDED, options.quick)


if __name__ == "__main__":
    command(main)
