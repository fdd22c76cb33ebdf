"""``python -m experiments.smate_cifar10.recipes``: how the settings of the study's classifier were chosen.

Doing nothing about the rare trucks, each of them learns the training images of a split and keeps its best weights, as
in the study. They are judged on training images of CIFAR-10: the validation images of the other classes, and 500
trucks that the split had left out.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import average_precision_score, balanced_accuracy_score, precision_score, recall_score

from experiments import command
from experiments.smate_cifar10.__main__ import FOUR, RARE, SCALES, classifier_of, data_of
from gan_imbalance.classifiers import ImageClassifier
from gan_imbalance.components import build

TRUCK = FOUR.index(RARE)
_JUDGED = 500
_MOMENTUM = {"class_path": "torch.optim.SGD", "init_args": {"momentum": 0.9, "nesterov": True}}
_FASTER_MOMENTS = {"class_path": "torch.optim.AdamW", "init_args": {"betas": (0.9, 0.99)}}
# what is not the study's
RECIPES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "weight decay .01": {"weight_decay": 0.01},
    "weight decay .1": {"weight_decay": 0.1},
    "second moments by .99": {"weight_decay": 0.01, "optimizer": _FASTER_MOMENTS},
    "rate .016": {"weight_decay": 0.01, "lr": 1.6e-2},
    "1,400 steps": {"weight_decay": 0.01, "max_steps": 1400},
    "1,400 steps, not augmented": {"weight_decay": 0.01, "max_steps": 1400, "lr": 6e-3, "augmentation": None},
    "1,400 steps, momentum": {"weight_decay": 5e-4, "max_steps": 1400, "lr": 0.1, "optimizer": _MOMENTUM},
    "2,200 steps": {"weight_decay": 0.01, "max_steps": 2200},
    "batches of 128": {"weight_decay": 0.01, "batch_size": 128, "max_steps": 1100, "lr": 4e-3},
    "batches of 32": {"weight_decay": 0.01, "batch_size": 32, "max_steps": 2800, "lr": 4e-3},
    "SMate's network": {
        "weight_decay": 0.01,
        "network": "gan_imbalance.networks.SMateCNN",
        "max_steps": 3000,
        "lr": 2e-3,
    },
}


def main(args: list[str] | None = None) -> int:
    """Train by every recipe, and print how well it finds trucks."""
    parser = argparse.ArgumentParser(prog="python -m experiments.smate_cifar10.recipes", description=__doc__)
    parser.add_argument("--root", default="../shared/data", help="folder that holds cifar-10-batches-py")
    parser.add_argument("--only", nargs="+", choices=list(RECIPES), default=list(RECIPES), help="recipes to try")
    parser.add_argument("--split", type=int, default=0, help="seed of the split and of the classifier")
    parser.add_argument("--steps", type=int, default=None, help="of every recipe, instead of its own")
    options = parser.parse_args(args)
    torch.set_num_threads(1)
    scale = SCALES["cpu"]
    samples, split = (data := data_of(scale, options.root, options.split)).samples, data.split
    images, labels = samples.images.numpy(), samples.labels
    others = split.validation[labels[split.validation] != TRUCK]
    judged = np.concatenate([others, split.reserve[labels[split.reserve] == TRUCK][:_JUDGED]])

    def average_precision(rows: Any, step: int, classifier: ImageClassifier) -> float:
        """Return the PR-AUC of trucks, by which the study chooses the weights, too."""
        scores = classifier.predict_proba(images[rows])[:, TRUCK]
        return float(average_precision_score(labels[rows] == TRUCK, scores))

    told = []
    for name in options.only:
        settings = RECIPES[name] | ({} if options.steps is None else {"max_steps": options.steps})
        started = time.process_time()
        classifier = build(classifier_of(scale, accelerator="cpu", random_state=options.split, **settings))
        best = partial(average_precision, split.validation)
        classifier.fit(images[split.train], labels[split.train], on_epoch=best)
        seconds, found = time.process_time() - started, classifier.predict(images[judged])
        is_truck = labels[judged] == TRUCK
        told.append(
            {
                "recipe": name,
                "recall": recall_score(is_truck, found == TRUCK),
                "precision": precision_score(is_truck, found == TRUCK, zero_division=0),
                "pr_auc": average_precision(judged, 0, classifier),
                "balanced_accuracy": balanced_accuracy_score(labels[judged], found),
                "seconds": seconds,
            }
        )
        print(pd.DataFrame(told).round(3).to_string(index=False), flush=True)
    return 0


if __name__ == "__main__":
    command(main)
