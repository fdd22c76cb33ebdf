"""How close do rare rows of a diffusion model come to real ones, beside those of the default GAN, and in what time?

    python -m experiments.tabular_diffusion            # ten minutes on one core
    python -m experiments.tabular_diffusion --quick    # a table, few steps

On the seven tables that settings are chosen on, three splits each. Either generator learns a split's training rows as
in a comparison and balances the classes; the added rows are judged against validation rows. No test row is looked at.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy import stats

from experiments import command
from gan_imbalance import GANOverSampler, TabularDataModule
from gan_imbalance.comparison.adapters import adapter_of
from gan_imbalance.files import atomic_path
from gan_imbalance.metrics import CollapseWarning
from gan_imbalance.types import InputError

TABLES = {
    "abalone": "old",
    "yeast_me2": "me2",
    "wine_white": "poor",
    "software_kc1": "defects",
    "contraceptive": "Contraceptive_method",
    "chess_krk": "Class",
    "law_school": "pass_bar",
}
GENERATORS: dict[str, dict[str, Any]] = {
    "default GAN": {},
    "diffusion": {"gan": "TabularDiffusion", "max_steps": 2000},
}
# the best value of each
QUALITY_METRICS = {
    "column_shapes": 1.0,
    "pair_trends": 1.0,
    "two_sample_trees": 0.5,
    "exact_copies": 0.0,
    "closest_record_share": 0.5,
    "membership_auc": 0.5,
}


def measure(folder: Path, tables: list[str], splits: int, max_steps: int | None) -> Iterator[dict[str, Any]]:
    """Yield the figures of every table, split and generator.

    Args:
        folder: of the tables.
        tables: names.
        splits: of each.
        max_steps: of both generators, if not their own.
    """
    for table in tables:
        data = TabularDataModule(path=str(folder / f"{table}.csv.gz"), target=TABLES[table])
        for seed in range(splits):
            split = data.split_with(seed)
            adapter = adapter_of(data.samples, split.train)
            for name, settings in GENERATORS.items():
                limit = {} if max_steps is None else {"max_steps": max_steps}
                sampler = GANOverSampler(sampling_strategy="minority", random_state=seed, **{**settings, **limit})
                started = perf_counter()
                rows, labels = sampler.top_up(data.adapted(split=split))
                seconds = perf_counter() - started
                known, unseen = (
                    part[data.samples.labels[part] == labels[0]] for part in (split.train, split.validation)
                )
                figures = adapter.judge(known, rows, unseen, seed)
                shown = {figure: figures[figure] for figure in QUALITY_METRICS}
                yield {"table": table, "seed": seed, "generator": name, "rows": len(rows), "seconds": seconds, **shown}


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Return for every figure both means over tables, and their difference with its 95 % interval over tables.

    Args:
        results: of :func:`measure`.
    """
    means = results.groupby(["generator", "table"])[["seconds", *QUALITY_METRICS]].mean()
    rows = []
    for figure in means.columns:
        gan, diffusion = (means[figure][name] for name in GENERATORS)
        difference = diffusion - gan
        half = stats.t.ppf(0.975, len(difference) - 1) * difference.sem() if len(difference) > 1 else np.nan
        rows.append(
            {
                "figure": figure,
                **dict(zip(GENERATORS, (gan.mean(), diffusion.mean()), strict=True)),
                "difference": difference.mean(),
                "low": difference.mean() - half,
                "high": difference.mean() + half,
                "best": QUALITY_METRICS.get(figure, 0.0),
            }
        )
    return pd.DataFrame(rows).set_index("figure")


def main(args: list[str] | None = None) -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(prog="python -m experiments.tabular_diffusion")
    parser.add_argument("--tables", default="../shared/data/tables", help="folder of the tables")
    parser.add_argument("--output", default="runs/tabular_diffusion")
    parser.add_argument("--quick", action="store_true", help="one table and split, few steps")
    options = parser.parse_args(args)
    folder = Path(options.tables)
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name that of the tables with --tables.")
    warnings.filterwarnings("ignore", category=CollapseWarning)
    torch.set_num_threads(1)
    names = list(TABLES)[:1] if options.quick else list(TABLES)
    results = pd.DataFrame(measure(folder, names, 1 if options.quick else 3, 20 if options.quick else None))
    with atomic_path(Path(options.output) / "results.csv") as path:
        results.to_csv(path, index=False)
    each = results.groupby(["table", "generator"], sort=False)[["rows", "seconds", *QUALITY_METRICS]].mean()
    print(each.round(3).to_string())
    print(summary(results).round(3).to_string())


if __name__ == "__main__":
    command(main)
