"""``python -m experiments.smate_cifar10.ships``: how the study's GANs were chosen, with ships as the rare class.

Training images alone, all trucks included: a tenth of the ships is learned, and 2,000 others tell how good generated
ones are, in the features of a classifier that learned yet others. One seed for each setting.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import numpy as np
import pandas as pd
import torch

from experiments import command
from experiments.smate_cifar10.__main__ import FOUR, SCALES, data_of, our_gan
from gan_imbalance.classifiers.features import train_feature_network
from gan_imbalance.metrics import image_distances
from gan_imbalance.oversampling import ImageOverSampler
from gan_imbalance.transforms.image import in_chunks, to_float

SHIP = FOUR.index("ship")
_SEEN, _JUDGED, _OTHERS = 450, 2000, 13_500
_PENALTY = {"majority_penalty": {"class_path": "gan_imbalance.losses.MajorityPenalty", "init_args": {"weight": 0.1}}}
_NON_SATURATING = {"loss": {"class_path": "gan_imbalance.losses.NonSaturatingLoss"}}
_FAST = {
    part: {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": 4e-4, "betas": [0.5, 0.999]}}
    for part in ("generator_optimizer", "discriminator_optimizer")
}
_NO_NORM = {"discriminator": {"class_path": "gan_imbalance.networks.DCGANDiscriminator", "init_args": {"width": 32}}}
_JUDGE = {
    "class_path": "gan_imbalance.classifiers.ImageClassifier",
    "init_args": {
        "network": {"class_path": "gan_imbalance.networks.SMateCNN", "init_args": {"width": 0.5}},
        "max_steps": 1000,
        "batch_size": 64,
        "lr": 1e-3,
        "optimizer": "torch.optim.Adam",
        "accelerator": "cpu",
    },
}
# of the GAN, and of the over-sampler
SETTINGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing frozen": ({}, {}),
    "one block frozen": ({"freeze_generator_blocks": 1}, {}),
    "two blocks frozen": ({"freeze_generator_blocks": 2}, {}),
    "from scratch": ({}, {"pretrain_steps": 0}),
    "non-saturating loss": (_NON_SATURATING, {}),
    "learning rate 4e-4": (_FAST, {}),
    "moving average 0.99": ({}, {"ema_decay": 0.99}),
    "no spectral norm": (_NO_NORM, {}),
    "5,000 steps": ({}, {"max_steps": 5000, "pretrain_steps": 1500}),
    "majority penalty": (_PENALTY, {"classifier": _JUDGE}),
    "checkpoint by held-out images": ({}, {"validation_fraction": 0.1}),
}


def main(args: list[str] | None = None) -> int:
    """Train every GAN, and print what its ships are like."""
    parser = argparse.ArgumentParser(prog="python -m experiments.smate_cifar10.ships", description=__doc__)
    parser.add_argument("--root", default="../shared/data", help="folder that holds cifar-10-batches-py")
    parser.add_argument("--only", nargs="+", choices=list(SETTINGS), default=list(SETTINGS), help="settings to run")
    parser.add_argument("--steps", type=int, default=SCALES["cpu"].steps, help="of a generator, unless it says itself")
    options = parser.parse_args(args)
    scale = SCALES["cpu"]
    samples, split = (data := data_of(scale, options.root)).samples, data.split
    rows = np.random.default_rng(0).permutation(np.concatenate([split.train, split.validation, split.reserve]))
    ships, others = rows[samples.labels[rows] == SHIP], rows[samples.labels[rows] != SHIP][:_OTHERS]
    known = np.concatenate([others, ships[_SEEN : _SEEN + _JUDGED]])
    images = samples.images.numpy()
    network = train_feature_network(images[known], samples.labels[known], 0.5, 1500, accelerator="cpu")

    def features(pixels: Any) -> torch.Tensor:
        return in_chunks(lambda chunk: network.features(to_float(chunk)), torch.as_tensor(pixels))

    judged = ships[_SEEN + _JUDGED : _SEEN + 2 * _JUDGED]
    learned, real = np.concatenate([others, ships[:_SEEN]]), features(images[judged])
    told = []
    with tempfile.TemporaryDirectory() as cache:
        for name in options.only:
            of_gan, of_sampler = SETTINGS[name]
            gan = our_gan(scale.width, **{"freeze_generator_blocks": 0, **of_gan})
            settings = {"max_steps": options.steps, "batch_size": scale.batch_size, "ema_decay": 0.999, **of_sampler}
            counts = {SHIP: _SEEN + len(judged)}
            sampler = ImageOverSampler(gan, sampling_strategy=counts, cache=cache, random_state=0, **settings)
            made = features(sampler.fit_resample(images[learned], samples.labels[learned])[0][len(learned) :])
            figures = image_distances(real, made, torch.zeros(len(real), dtype=torch.long), ("ship",))
            with torch.no_grad():
                as_ships = (network.blocks[-1](made).argmax(dim=1) == SHIP).float().mean()
            told.append({"setting": name, **figures, "as_ships": float(as_ships)})
            print(pd.DataFrame(told).round(4).to_string(index=False), flush=True)
    return 0


if __name__ == "__main__":
    command(main)
