"""``python -m experiments.series_transfer``: does it help a GAN of few rare series to learn the other classes first?

Three sets of the UCR archive, of each a class of which 10, 25 or 50 training series are kept, and ten splits. The
archive's own two parts are put together and split anew, so that the test parts have many rare series. The comparisons
are ``gan-imbalance compare``'s, one in a folder of ``--output`` for each set; beside them lies ``summary.csv``. A run
that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments import command
from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.data import SeriesSet, TimeSeriesDataModule
from gan_imbalance.data.series_files import read_series
from gan_imbalance.files import atomic_path
from gan_imbalance.oversampling.series import DEFAULT_SERIES_GAN

RARE_SERIES = [10, 25, 50]
SEEDS = 10
COMMON_SERIES = 1000
GAN_STEPS = 300
CLASSIFIER_STEPS = 150


@dataclass(frozen=True)
class Source:
    """A set of the archive and what is taken of it.

    Attributes:
        rare: label of the class of which few training series are kept.
        common: labels of the classes beside it.
        every: of the steps of a series one in so many is taken, from the first.
    """

    rare: int
    common: tuple[int, ...]
    every: int


SOURCES = {
    "ECG5000": Source(rare=4, common=(1, 2), every=4),
    "Wafer": Source(rare=-1, common=(1,), every=4),
    "ItalyPowerDemand": Source(rare=1, common=(2,), every=1),
}


def data_of(name: str, root: str, common_series: int = COMMON_SERIES) -> TimeSeriesDataModule:
    """Return a set: all series of its rare class, and of every common one so many, the same in every run.

    Args:
        name: one of :data:`SOURCES`.
        root: folder of the archive's files.
        common_series: of each common class, at most.
    """
    source = SOURCES[name]
    parts = (read_series(Path(root) / f"{name}_{part}.tsv.gz") for part in ("TRAIN", "TEST"))
    series = SeriesSet.of(*parts)
    random, chosen = np.random.default_rng(0), []
    for label in (*source.common, source.rare):
        rows = np.flatnonzero(series.labels == series.classes.index(label))
        count = len(rows) if label == source.rare else common_series
        chosen.append(np.sort(random.permutation(rows)[:count]))
    labels = np.repeat(np.arange(len(chosen)), [len(rows) for rows in chosen])
    X = np.ascontiguousarray(series.X[np.concatenate(chosen), :, :: source.every])
    taken = SeriesSet(X, labels, (*source.common, source.rare))
    return TimeSeriesDataModule(X=taken, test_fraction=0.5, validation_fraction=0.1)


def gan_of(name: str) -> dict[str, Any]:
    """Return a GAN of a class of ours with the settings of all GANs of the study: those of the over-sampler's default.

    They were not chosen on any series of the study's test parts.
    """
    return {"class_path": f"gan_imbalance.gans.{name}", "init_args": DEFAULT_SERIES_GAN["init_args"]}


def classifiers() -> dict[str, dict[str, Any]]:
    """Return who learns from all remedies: a small residual network, and for a second opinion MiniRocket."""
    network = {"class_path": "gan_imbalance.networks.ResNet1D", "init_args": {"width": 8}}
    return {
        "resnet1d": {
            "class_path": "gan_imbalance.classifiers.SeriesClassifier",
            "init_args": {"network": network, "max_steps": CLASSIFIER_STEPS, "accelerator": "cpu"},
        },
        "mini_rocket": {
            "class_path": "gan_imbalance.classifiers.MiniRocketClassifier",
            "init_args": {"num_features": 504},
        },
    }


def remedies() -> list[str | Remedy]:
    """Return the remedies; both GANs take the same steps, of which the transfer spends half on the other classes."""

    def sampler(gan: str) -> dict[str, Any]:
        settings = {"gan": gan_of(gan), "max_steps": GAN_STEPS, "accelerator": "cpu"}
        return {"class_path": "gan_imbalance.oversampling.TimeSeriesOverSampler", "init_args": settings}

    teacher = {
        "class_path": "gan_imbalance.distillation.CrossFittedEnsemble",
        "init_args": {"folds": 2, "members": classifiers()},
    }
    distillation = {
        "class_path": "gan_imbalance.comparison.distillation.Distillation",
        "init_args": {"teacher": teacher},
    }
    return [
        "nothing",
        "class_weights",
        "random_over",
        "jitter",
        "time_warp",
        "smote",
        Remedy("gan", sampler("WassersteinGAN")),
        Remedy("minority_transfer", sampler("MinorityTransferGAN")),
        Remedy("distilled_gan", sampler("WassersteinGAN"), transform=distillation),
        "real_rows",
    ]


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """Return the means over the splits, and of the differences to nothing on the same splits.

    Args:
        results: of comparisons, with the column ``set`` and ``minority_rows``, ``classifier``, ``remedy``, ``seed``.

    Returns:
        Columns set, minority_rows, classifier, remedy, splits, pr_auc, to_nothing, balanced_accuracy.
    """
    setting = ["set", "minority_rows", "classifier"]
    nothing = results[results["remedy"] == "nothing"].set_index([*setting, "seed"])["pr_auc"].rename("of_nothing")
    paired = results.join(nothing, on=[*setting, "seed"])
    paired["to_nothing"] = paired["pr_auc"] - paired["of_nothing"]
    groups = paired.groupby([*setting, "remedy"], sort=False)
    means = groups[["pr_auc", "to_nothing", "balanced_accuracy"]].mean()
    return means.assign(splits=groups.size()).reset_index()


def main(args: Sequence[str] | None = None) -> int:
    """Run the study, or go on with it, and print its summary."""
    parser = argparse.ArgumentParser(prog="python -m experiments.series_transfer", description=__doc__)
    parser.add_argument("--root", default="../shared/data/series", help="folder that holds the archive's files")
    parser.add_argument("--output", default="runs/series_transfer")
    parser.add_argument("--sets", nargs="+", choices=SOURCES, help="all three unless told")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of splits")
    parser.add_argument("--jobs", type=int, default=2, help="tasks that run at the same time")
    parser.add_argument(
        "--quick", action="store_true", help="see that it works: the smallest set, few series and steps"
    )
    options = parser.parse_args(args)
    exit_code, results = 0, []
    for name in options.sets or (["ItalyPowerDemand"] if options.quick else SOURCES):
        found = compare(
            data_of(name, options.root, common_series=100 if options.quick else COMMON_SERIES),
            remedies(),
            classifiers(),
            minority_rows=RARE_SERIES[:1] if options.quick else RARE_SERIES,
            seeds=options.seeds,
            folds=0,
            controls=False,
            quick=options.quick,
            jobs=options.jobs,
            output=str(Path(options.output) / name),
            wandb=False,
        )
        found.show()
        exit_code = max(exit_code, found.exit_code)
        results.append(found.results.assign(set=name))
    means = summary(pd.concat(results))
    with atomic_path(Path(options.output) / "summary.csv") as temporary:
        means.to_csv(temporary, index=False)
    print(means.round(3).to_string(index=False))
    return exit_code


if __name__ == "__main__":
    command(main)
