"""``python -m experiments.long_tail_cifar10``: a long tail of ten classes, and the accuracy of the many and the few.

CIFAR-10 at 16 x 16 pixels, of the first class a hundred times as many training images as of the last, of those between
exponentially fewer. The comparison is ``gan-imbalance compare``'s; beside its report lies ``groups.csv``, with the
accuracy of the three groups of classes that are usual for long tails (Liu et al., 2019). A run that was stopped goes on
where it was.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from experiments import command
from experiments.smate_cifar10.__main__ import our_gan
from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.data import CIFAR10DataModule
from gan_imbalance.files import atomic_path

RATIO = 100
SEEDS = 5
GROUPS = {
    "many": ("airplane", "automobile", "bird"),
    "medium": ("cat", "deer", "dog", "frog"),
    "few": ("horse", "ship", "truck"),
}
"""The classes by their training images: of each of the first three more than a third of the most frequent one's share,
of each of the last three fewer than a twentieth."""

_DISTILLATION = "gan_imbalance.comparison.distillation.Distillation"


def classifier_of(**changed: Any) -> dict[str, Any]:
    """Return the classifier of all remedies: SMate's network, with the same steps for all of them."""
    return {
        "class_path": "gan_imbalance.classifiers.ImageClassifier",
        "init_args": {
            "network": "gan_imbalance.networks.SMateCNN",
            "augmentation": {"class_path": "gan_imbalance.transforms.FlipCrop"},
            "max_steps": 1200,
            "batch_size": 128,
            "lr": 2e-3,
            "weight_decay": 0.01,
            "optimizer": "torch.optim.AdamW",
            "schedule": "one_cycle",
            **changed,
        },
    }


def remedies(**changed: Any) -> list[str | Remedy]:
    """Return the remedies; the GAN learns all classes with one generator, so that the few may profit of the many.

    Args:
        changed: of the classifier, for its teacher.
    """
    adjusted = {"loss": {"class_path": "gan_imbalance.losses.LogitAdjustedLoss"}}
    gan = {
        "class_path": "gan_imbalance.oversampling.ImageOverSampler",
        "init_args": {
            "gan": our_gan(32, "ConditionalGAN", projection=True),
            "max_steps": 3000,
            "batch_size": 64,
            "ema_decay": 0.999,
        },
    }
    teacher = {
        "class_path": "gan_imbalance.distillation.CrossFittedEnsemble",
        "init_args": {"folds": 2, "members": {"network": classifier_of(**adjusted, **changed)}},
    }
    return [
        "nothing",
        "class_weights",
        Remedy("class_balanced", classifier={"loss": {"class_path": "gan_imbalance.losses.ClassBalancedLoss"}}),
        Remedy("logit_adjustment", classifier=adjusted),
        "random_over",
        Remedy("conditional_gan", gan),
        Remedy("distilled_gan", gan, transform={"class_path": _DISTILLATION, "init_args": {"teacher": teacher}}),
        "real_rows",
    ]


def group_accuracy(results: pd.DataFrame) -> pd.DataFrame:
    """Return the mean recall of the classes of every group, a line for each split and remedy.

    Args:
        results: of a comparison, with ``recall_<class>`` of every class.
    """
    groups = {name: results[[f"recall_{label}" for label in labels]].mean(axis=1) for name, labels in GROUPS.items()}
    return results[["seed", "remedy"]].assign(**groups, all=results["balanced_accuracy"])


def main(args: list[str] | None = None) -> int:
    """Run the study, or go on with it, and print the groups' accuracy."""
    parser = argparse.ArgumentParser(prog="python -m experiments.long_tail_cifar10", description=__doc__)
    parser.add_argument("--root", default="../shared/data", help="folder that holds cifar-10-batches-py")
    parser.add_argument("--output", default="runs/long_tail_cifar10")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of splits")
    parser.add_argument("--jobs", type=int, default=2, help="tasks that run at the same time")
    parser.add_argument("--quick", action="store_true", help="see that it works: few images, few steps")
    options = parser.parse_args(args)
    changed = {"batch_size": 16} if options.quick else {}
    data = CIFAR10DataModule(
        root=options.root,
        size=16,
        max_images=500 if options.quick else None,
        # of few images, a hundredth of a class would be none to make more of
        imbalance_ratio=10 if options.quick else RATIO,
        validation_fraction=0.1,
    )
    found = compare(
        data,
        remedies(**changed),
        {"smate_cnn": classifier_of(**changed)},
        metric="balanced_accuracy",
        seeds=options.seeds,
        folds=0,
        controls=False,
        quick=options.quick,
        jobs=options.jobs,
        output=options.output,
        wandb=False,
    )
    found.show()
    groups = group_accuracy(found.results)
    with atomic_path(Path(found.folder) / "groups.csv") as temporary:
        groups.to_csv(temporary, index=False)
    print(groups.drop(columns="seed").groupby("remedy", sort=False).agg(["mean", "std"]).round(3).to_string())
    return found.exit_code


if __name__ == "__main__":
    command(main)
