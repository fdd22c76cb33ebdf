"""``python -m experiments.smate_cifar10 --scale {smoke,cpu,full}``: SMate as published, and ours, against the others.

One class of CIFAR-10, truck, keeps a tenth of its training images. Every scale has the same classifier (SMate's, at
its full width and on 32 x 32 pixels, to which smaller images are scaled up), the same light augmentation for all
remedies, and the same two configurations of minority transfer; scales differ in the data, the width of the GANs'
networks and the numbers of steps. Results lie in ``--output``/SCALE; a run that was stopped goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jsonargparse import auto_cli

from experiments import command
from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.data import CIFAR10DataModule

RARE = "truck"
FIRST = ("nothing", "class_weights", "random_over", "smote")
REST = ("tuned_threshold", "random_under", "adasyn", "focal_loss", "logit_adjustment", "augmentation", "real_rows")
_SAMPLER = "gan_imbalance.oversampling.ImageOverSampler"
_SMATE_AUGMENT = {"class_path": "gan_imbalance.transforms.SMateAugment"}
_FLIP_CROP = {"class_path": "gan_imbalance.transforms.FlipCrop"}
_CLASSIFIER = "gan_imbalance.classifiers.ImageClassifier"
_NETWORK = "experiments.smate_cifar10.network.FullSizeCNN"


@dataclass(frozen=True)
class Scale:
    """How large the study is.

    Attributes:
        only: classes, all where empty.
        size: width and height of the images that GANs learn, in pixels.
        max_images: training images that are read.
        width: of SMate's pair of networks, as a share of the published one.
        steps: generator steps of every GAN, half of them on the other classes where it transfers.
        batch_size: of GANs.
        seeds: number of splits.
        classifier: arguments of the classifier that say how long it trains.
    """

    only: tuple[str, ...]
    size: int
    max_images: int | None
    width: float
    steps: int
    batch_size: int
    seeds: int
    classifier: dict[str, Any]


FOUR = ("airplane", "automobile", "ship", RARE)
SCALES: dict[str, Scale] = {
    "smoke": Scale(FOUR, 16, 400, 0.05, 4, 8, 1, {"max_steps": 2, "batch_size": 16}),
    "cpu": Scale(FOUR, 16, None, 0.5, 6000, 64, 3, {"epochs": 8}),
    "full": Scale((), 32, None, 1.0, 40_000, 128, 5, {"epochs": 100}),
}


def published_gan(width: float) -> dict[str, Any]:
    """Return SMate's GAN: its networks, loss, optimizers and latent vector; k = 3 blocks are frozen."""
    return _gan(
        width,
        loss={"class_path": "gan_imbalance.losses.NonSaturatingLoss"},
        penalty=None,
        discriminator_steps=1,
        latent_distribution="uniform",
        freeze_generator_blocks=3,
        generator_optimizer=_adam(1e-4),
        discriminator_optimizer=_adam(2e-4),
    )


def our_gan(width: float, **changed: Any) -> dict[str, Any]:
    """Return ours: SMate's networks with what later work found, and the step that SMate left open.

    Hinge loss, differentiable augmentation of all that the discriminator sees (Zhao et al., 2020), one frozen block,
    and a penalty for samples that a classifier takes for a majority class.
    """
    settings = {
        "loss": {"class_path": "gan_imbalance.losses.HingeLoss"},
        "penalty": None,
        "discriminator_steps": 1,
        "augmentation": {
            "class_path": "gan_imbalance.transforms.DiffAugment",
            "init_args": {"policy": "color,translation,cutout"},
        },
        "majority_penalty": {"class_path": "gan_imbalance.losses.MajorityPenalty", "init_args": {"weight": 0.1}},
        "freeze_generator_blocks": 1,
        "generator_optimizer": _adam(2e-4),
        "discriminator_optimizer": _adam(2e-4),
    }
    return _gan(width, **{**settings, **changed})


def _gan(width: float, **settings: Any) -> dict[str, Any]:
    networks = {
        part: {"class_path": f"gan_imbalance.networks.SMate{part.title()}", "init_args": {"width": width}}
        for part in ("generator", "discriminator")
    }
    return {
        "class_path": "gan_imbalance.gans.MinorityTransferGAN",
        "init_args": {**networks, "latent_dim": 100, **settings},
    }


def _adam(lr: float) -> dict[str, Any]:
    return {"class_path": "torch.optim.Adam", "init_args": {"lr": lr, "betas": [0.5, 0.999]}}


def _sampled(name: str, gan: dict[str, Any], scale: Scale, **options: Any) -> Remedy:
    settings = {"gan": gan, "max_steps": scale.steps, "batch_size": scale.batch_size, **options}
    return Remedy(name, {"class_path": _SAMPLER, "init_args": settings})


def classifier_of(scale: Scale) -> dict[str, Any]:
    """Return the classifier of all remedies: SMate's network and optimizer, with a light augmentation."""
    return {
        "class_path": _CLASSIFIER,
        "init_args": {"network": _NETWORK, "augmentation": _FLIP_CROP, **scale.classifier},
    }


def data_of(scale: Scale, root: str, seed: int = 0) -> CIFAR10DataModule:
    """Return the images, the rare class cut to a tenth, split by a seed."""
    return CIFAR10DataModule(
        root=root,
        only=scale.only,
        size=scale.size,
        max_images=scale.max_images,
        keep={RARE: 0.1},
        validation_fraction=0.1,
        split_seed=seed,
    )


def remedies_of(scale: Scale, rest: bool = False) -> list[str | Remedy]:
    """Return the remedies: first the six of the main question, and all controls after them where they are asked for."""
    ours = {"classifier": classifier_of(scale), "ema_decay": 0.999}
    published = {"augmentation": _SMATE_AUGMENT, "ema_decay": 0.0}
    free = our_gan(scale.width, freeze_generator_blocks=0)
    chosen: list[str | Remedy] = [
        *FIRST,
        _sampled("smate_as_published", published_gan(scale.width), scale, **published),
        _sampled("ours", our_gan(scale.width), scale, **ours),
    ]
    if not rest:
        return chosen
    return [
        *chosen,
        *REST,
        _sampled("published_from_scratch", published_gan(scale.width), scale, pretrain_steps=0, **published),
        _sampled("ours_from_scratch", our_gan(scale.width), scale, pretrain_steps=0, **ours),
        _sampled("ours_nothing_frozen", free, scale, **ours),
    ]


def study(
    scale: Literal["smoke", "cpu", "full"],
    root: str = "../shared/data",
    output: str = "runs/smate_cifar10",
    rest: bool = False,
    jobs: int = 1,
) -> int:
    """Run one scale, or go on with it.

    Args:
        scale: smoke is a dry run of under a minute, cpu for two cores, full for a GPU.
        root: folder that holds ``cifar-10-batches-py``.
        output: folder of the results, each scale in one of its own.
        rest: whether the further remedies and controls are run, too.
        jobs: cells that run at the same time.

    Returns:
        The exit code: 0, or 1 if a cell failed.
    """
    size = SCALES[scale]
    found = compare(
        data_of(size, root),
        remedies_of(size, rest),
        {"smate_cnn": classifier_of(size)},
        seeds=size.seeds,
        folds=0,
        controls=False,
        jobs=jobs,
        output=str(Path(output) / scale),
        wandb=False,
    )
    found.show()
    return found.exit_code


if __name__ == "__main__":
    command(lambda: auto_cli(study, as_positional=False))
