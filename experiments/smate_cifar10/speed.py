"""``python -m experiments.smate_cifar10.speed``: an epoch of the study's classifier beside SMate's own.

SMate's classifier, with its settings, saw the 16 x 16 pixels scaled up to its 32 x 32. Both learn the training images
of the first split, with a tenth of the trucks, on one thread, and are judged on its validation images.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import pandas as pd
import torch
from sklearn.metrics import balanced_accuracy_score
from torch.nn import functional as F

from experiments import command
from experiments.smate_cifar10.__main__ import SCALES, classifier_of, data_of
from gan_imbalance.components import build

_SIDE = 32


def published(epochs: int) -> dict[str, Any]:
    """Return SMate's classifier for CIFAR-10, 1,250,858 parameters at ten classes, with its optimizer."""
    return {
        "class_path": "gan_imbalance.classifiers.ImageClassifier",
        "init_args": {
            "network": "gan_imbalance.networks.SMateCNN",
            "augmentation": {"class_path": "gan_imbalance.transforms.FlipCrop"},
            "epochs": epochs,
            "accelerator": "cpu",
        },
    }


def main(args: list[str] | None = None) -> int:
    """Train both, and print seconds an epoch and the balanced accuracy."""
    parser = argparse.ArgumentParser(prog="python -m experiments.smate_cifar10.speed", description=__doc__)
    parser.add_argument("--root", default="../shared/data", help="folder that holds cifar-10-batches-py")
    parser.add_argument("--epochs", type=int, default=8, help="of either")
    parser.add_argument("--images", type=int, default=None, help="training images of either, all if not given")
    options = parser.parse_args(args)
    torch.set_num_threads(1)
    scale = SCALES["cpu"]
    data = data_of(scale, options.root)
    rows, unseen = data.split.train[: options.images], data.split.validation
    ours = classifier_of(scale, max_steps=None, epochs=options.epochs, keep_best=False, accelerator="cpu")
    told = []
    for name, config, side in (("published", published(options.epochs), _SIDE), ("resnet20", ours, scale.size)):
        pixels = F.interpolate(data.samples.images.float(), side, mode="bilinear").round().byte().numpy()
        labels = data.samples.labels
        started = time.process_time()
        classifier = build(config).fit(pixels[rows], labels[rows])
        seconds = (time.process_time() - started) / options.epochs
        accuracy = balanced_accuracy_score(labels[unseen], classifier.predict(pixels[unseen]))
        told.append({"classifier": name, "seconds_an_epoch": seconds, "balanced_accuracy": accuracy})
    table = pd.DataFrame(told).set_index("classifier")
    print(table.round(3).to_string())
    ratio = table.loc["published", "seconds_an_epoch"] / table.loc["resnet20", "seconds_an_epoch"]
    print(f"An epoch of the study's classifier is {ratio:.2f} times as fast.")
    return 0


if __name__ == "__main__":
    command(main)
