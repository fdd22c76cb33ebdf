"""What distillation brings on the tables that nothing was chosen on.

    python -m experiments.distillation.reported            # a quarter of an hour on two cores; goes on where it was
    python -m experiments.distillation.reported --quick    # a table, few steps

Each table is one comparison of five folds; of large ones, 3,000 training rows in the classes' own proportions.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from experiments import command
from gan_imbalance import TabularDataModule, compare
from gan_imbalance.files import atomic_path
from gan_imbalance.types import InputError

# how each is read, from the folder of the data
TABLES: dict[str, dict[str, Any]] = {
    "satimage": {"path": "tables/satimage.csv.gz", "target": "damp_grey"},
    "letter_z": {"path": "tables/letter_z.csv.gz", "target": "is_z"},
    "software_pc1": {"path": "tables/software_pc1.csv.gz", "target": "defects"},
    "solar_flare": {"path": "tables/solar_flare.csv.gz", "target": "Class"},
    "vehicle_van": {"path": "tables/vehicle_van.csv.gz", "target": "Class"},
    "splice": {"path": "tables/splice.csv.gz", "target": "Class"},
    "bank_marketing": {"path": "tables/bank_marketing.csv.gz", "target": "y"},
    "card_default": {"path": "tables/card_default.csv.gz", "target": "default payment"},
    "card_fraud": {"path": "creditcard_sample.csv.gz", "target": "Class", "drop_duplicates": True},
    "lending_club": {"path": "lending_club.csv.gz", "target": "loan_status"},
    "diabetes": {"path": "diabetes_binary_health_indicators_BRFSS2015.csv.gz", "target": "Diabetes_binary"},
}
REMEDIES = [
    *("nothing", "class_weights", "smote", "small_wasserstein_gan"),
    *("distilled_gan", "distilled_jitter", "distilled_real", "teacher"),
]
CLASSIFIERS = {
    "xgboost": {"class_path": "xgboost.XGBClassifier", "init_args": {"n_estimators": 100, "max_depth": 4}},
    "mlp": {"class_path": "gan_imbalance.classifiers.TableClassifier", "init_args": {}},
}
MOST_ROWS = 3000


def data_of(folder: Path, table: str) -> TabularDataModule:
    """Return a table whose training part has at most :data:`MOST_ROWS` rows, in the classes' own proportions."""
    settings = {**TABLES[table], "path": str(folder / TABLES[table]["path"])}
    whole = TabularDataModule(**settings, validation_fraction=0.1)
    counts = dict(zip(whole.samples.classes, whole.class_counts(), strict=True))
    share = MOST_ROWS / sum(counts.values())
    keep = {label: int(np.ceil(share * count)) for label, count in counts.items()} if share < 1 else None
    return TabularDataModule(**settings, validation_fraction=0.1, keep=keep)


def gains(results: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield, over tables, the mean gain of every remedy in PR-AUC over doing nothing, and over other remedies.

    Args:
        results: columns table, classifier, remedy, pr_auc: means of a table's splits.
    """
    for classifier, rows in results.groupby("classifier", sort=False):
        each = rows.pivot_table("pr_auc", "table", "remedy", sort=False)
        ranks = each.rank(axis=1, ascending=False).mean()
        for first, second in (
            *((remedy, "nothing") for remedy in REMEDIES[1:]),
            *(("distilled_gan", other) for other in REMEDIES[1:] if other != "distilled_gan"),
        ):
            found = (each[first] - each[second]).dropna()
            error = found.sem()
            half = stats.t.ppf(0.975, len(found) - 1) * error
            yield {
                "classifier": classifier,
                "remedy": first,
                "against": second,
                "mean_rank": ranks[first],
                "gain": found.mean(),
                "low": found.mean() - half,
                "high": found.mean() + half,
                # of Student's t with a flat prior: that the mean over tables is above zero
                "probability_better": stats.t.sf(-found.mean() / error, len(found) - 1),
                "better": int((found > 0).sum()),
                "tables": len(found),
            }


def main(args: list[str] | None = None) -> None:
    """Run the comparisons that have no result yet, and sum them up."""
    parser = argparse.ArgumentParser(prog="python -m experiments.distillation.reported")
    parser.add_argument("--data", default="../shared/data", help="folder of the data")
    parser.add_argument("--output", default="runs/distillation_reported")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one table, few steps")
    options = parser.parse_args(args)
    folder, output = Path(options.data), Path(options.output)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name that of the data with --data.")
    found = []
    for table in ["solar_flare"] if options.quick else TABLES:
        comparison = compare(
            data_of(folder, table),
            remedies=REMEDIES,
            classifiers=CLASSIFIERS,
            seeds=1,
            folds=5,
            controls=False,
            quick=options.quick,
            jobs=options.jobs,
            output=str(output / table),
            wandb=False,
        )
        means = comparison.results.groupby(["classifier", "remedy"], sort=False)[["pr_auc", "seconds_resample"]].mean()
        found.append(means.reset_index().assign(table=table))
    results = pd.concat(found, ignore_index=True)
    with atomic_path(output / "results.csv") as path:
        results.to_csv(path, index=False)
    print(results.pivot_table("pr_auc", ["classifier", "table"], "remedy", sort=False).round(3).to_string())
    if results["table"].nunique() > 1:
        print(pd.DataFrame(gains(results)).round(3).to_string(index=False))


if __name__ == "__main__":
    command(main)
