"""``python -m experiments.digits_transfer``: the study with each digit in turn as the rare one, for small differences.

Splits of one digit share images, so that however many there are, they tell no small difference; ten digits are ten data
sets. Each is a comparison of its own with remedies of ``config.yaml``; what a remedy brings is judged over the digits.
A run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from experiments import command, named
from experiments.benchmark.summary import over_tables, signed_rank
from gan_imbalance.comparison import Comparison, Remedy, compare
from gan_imbalance.data import DigitsDataModule, ImageDataModule, ImageSet
from gan_imbalance.files import atomic_path
from gan_imbalance.types import InputError

CONFIG = Path(__file__).with_name("config.yaml")
DIGITS = tuple(range(10))
SPLITS = 4
REMEDIES = (
    *("nothing", "random_over", "smote", "conditional_gan"),
    *("minority_transfer_gan", "minority_transfer_from_scratch", "real_rows"),
)
OURS = "minority_transfer_gan"
PRACTICAL_DIFFERENCE = 0.03
"""Of recall."""

# as many rare images in training as a tenth of the eights is in config.yaml
_RARE_IMAGES = 7
_SIZE_OF_MNIST = 12


def data_of(images: str, digit: int, root: str) -> ImageDataModule:
    """Return digits of which one is rare in training.

    Args:
        images: "digits" for scikit-learn's 1,797, or "mnist" for the 10,000 of MNIST's test file.
        digit: the rare one.
        root: folder of MNIST, which is downloaded to it.

    Raises:
        InputError: if MNIST is not there and cannot be fetched.
    """
    # larger test parts, since the rare digit of a split is tested by as many as there are
    shared: dict[str, Any] = {"keep": {digit: _RARE_IMAGES}, "test_fraction": 0.6, "validation_fraction": 0.1}
    if images == "digits":
        return DigitsDataModule(**shared)
    from torchvision.datasets import MNIST

    try:
        file = MNIST(root, train=False, download=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"MNIST can be neither found in {root} nor fetched ({error}); name the folder that holds it with --root."
        ) from error
    # numbered as scikit-learn's are; MNIST's own names are "8 - eight"
    known = ImageSet(file.data[:, None], file.targets.numpy(), DIGITS)
    # of 10,000, as many as leave the other digits as frequent as they are among scikit-learn's
    return ImageDataModule(images=known, size=_SIZE_OF_MNIST, max_images=2000, **shared)


def remedies_of(names: tuple[str, ...] = REMEDIES) -> list[str | Remedy]:
    """Return remedies of ``config.yaml`` by their names."""
    given = yaml.safe_load(CONFIG.read_text())["remedies"]
    return named([one if isinstance(one, str) else Remedy(**one) for one in given], names)


def means(folders: dict[int, Path]) -> pd.DataFrame:
    """Return recall of the rare digit and PR-AUC of every digit and remedy: means of its splits."""
    rows = []
    for digit, folder in folders.items():
        results = Comparison.load(folder).results
        each = results.rename(columns={f"recall_{digit}": "recall"}).groupby("remedy", sort=False)
        rows.append(each[["recall", "balanced_accuracy", "pr_auc"]].mean().reset_index().assign(digit=digit))
    return pd.concat(rows, ignore_index=True)


def leads(found: pd.DataFrame, metric: str = "recall") -> pd.DataFrame:
    """Return by how much minority transfer is ahead of the others over the digits; see :func:`over_tables`."""
    table = found.pivot_table(metric, "digit", "remedy", sort=False)
    rows = []
    for other in table.columns.drop(OURS):
        lead = table[OURS] - table[other]
        probabilities = dict(zip(("worse", "equal", "better"), signed_rank(lead, PRACTICAL_DIFFERENCE), strict=True))
        rows.append({"minus": other, **over_tables(lead, PRACTICAL_DIFFERENCE), **probabilities})
    return pd.DataFrame(rows)


def main(args: list[str] | None = None) -> int:
    """Run the comparisons of the digits, and sum up."""
    parser = argparse.ArgumentParser(prog="python -m experiments.digits_transfer", description=__doc__)
    parser.add_argument("--images", choices=["digits", "mnist"], default="digits")
    parser.add_argument("--root", default="data", help="folder that MNIST is downloaded to")
    parser.add_argument("--digits", type=int, nargs="+", choices=DIGITS, default=DIGITS, help="the rare ones")
    parser.add_argument("--splits", type=int, default=SPLITS, help="of every digit")
    parser.add_argument("--output", default="runs/digits_in_turn")
    parser.add_argument("--jobs", type=int, default=2, help="tasks that run at the same time")
    parser.add_argument("--quick", action="store_true", help="see that it works: few steps")
    options = parser.parse_args(args)
    settings = yaml.safe_load(CONFIG.read_text())
    folders, codes = {}, []
    for digit in options.digits:
        found = compare(
            data_of(options.images, digit, options.root),
            remedies_of(),
            settings["classifiers"],
            seeds=options.splits,
            folds=0,
            controls=False,
            quick=options.quick,
            jobs=options.jobs,
            output=str(Path(options.output, options.images, str(digit))),
            wandb=False,
        )
        folders[digit] = found.folder
        codes.append(found.exit_code)
    found_means = means(folders)
    with atomic_path(Path(options.output, options.images, "means.csv")) as temporary:
        found_means.to_csv(temporary, index=False)
    print(found_means.pivot_table("recall", "digit", "remedy", sort=False, margins=True).round(3).to_string())
    if len(folders) > 1:
        for metric in ("recall", "pr_auc"):
            print(f"\n{metric}, {OURS} minus")
            print(leads(found_means, metric).round(3).to_string(index=False))
    return max(codes)


if __name__ == "__main__":
    command(main)
