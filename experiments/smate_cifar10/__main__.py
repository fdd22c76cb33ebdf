"""``python -m experiments.smate_cifar10 --scale {smoke,cpu,full}``: minority transfer against all else, on CIFAR-10.

One class of CIFAR-10, truck, keeps a tenth of its training images. All remedies of a scale have the same classifier, a
ResNet-20 that takes the same number of steps under all of them and ends with its best weights by validation images, and
the same light augmentation; scales differ in the data, the width of the GANs' networks and the numbers of steps.
Results lie in ``--output``/SCALE; a run that was stopped goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jsonargparse import auto_cli

from experiments import command, named
from gan_imbalance.comparison import Remedy, compare
from gan_imbalance.data import CIFAR10DataModule

RARE = "truck"
_GANS = "gan_imbalance.gans."
_NETWORKS = "gan_imbalance.networks."
_SAMPLER = "gan_imbalance.oversampling.ImageOverSampler"
_DISTILLATION = "gan_imbalance.comparison.distillation."
_SMATE_AUGMENT = {"class_path": "gan_imbalance.transforms.SMateAugment"}
_FLIP_CROP = {"class_path": "gan_imbalance.transforms.FlipCrop"}


@dataclass(frozen=True)
class Scale:
    """How large the study is.

    Attributes:
        only: classes, all where empty.
        size: width and height of the images, in pixels.
        max_images: training images that are read.
        published_width: of SMate's pair of networks, as a share of the published one.
        width: channels of the last layer of ours.
        steps: generator steps of every GAN, half of them on the other classes where it transfers.
        batch_size: of GANs.
        seeds: number of splits.
        classifier_steps: of 64 images.
    """

    only: tuple[str, ...]
    size: int
    max_images: int | None
    published_width: float
    width: int
    steps: int
    batch_size: int
    seeds: int
    classifier_steps: int


FOUR = ("airplane", "automobile", "ship", RARE)
SCALES: dict[str, Scale] = {
    "smoke": Scale(FOUR, 16, 400, 0.05, 2, 4, 8, 1, 2),
    "cpu": Scale(FOUR, 16, None, 0.5, 32, 3000, 64, 5, 1650),
    "full": Scale((), 32, None, 1.0, 128, 40_000, 128, 5, 80_000),
}


def published_gan(width: float) -> dict[str, Any]:
    """Return SMate's GAN: its networks, loss, optimizers and latent vector; k = 3 blocks are frozen."""
    return {
        "class_path": f"{_GANS}MinorityTransferGAN",
        "init_args": {
            "generator": {"class_path": f"{_NETWORKS}SMateGenerator", "init_args": {"width": width}},
            "discriminator": {"class_path": f"{_NETWORKS}SMateDiscriminator", "init_args": {"width": width}},
            "latent_dim": 100,
            "latent_distribution": "uniform",
            "loss": {"class_path": "gan_imbalance.losses.NonSaturatingLoss"},
            "penalty": None,
            "discriminator_steps": 1,
            "freeze_generator_blocks": 3,
            "generator_optimizer": _adam(1e-4),
            "discriminator_optimizer": _adam(2e-4),
        },
    }


def our_gan(width: int, name: str = "MinorityTransferGAN", projection: bool = False, **changed: Any) -> dict[str, Any]:
    """Return what later work found, by SMate's plan: chosen with ships as the rare class, see README.

    DCGAN networks, spectral norm and hinge loss (Miyato et al., 2018), and differentiable augmentation of all that the
    discriminator sees (Zhao et al., 2020).
    """
    discriminator = {"width": width, "spectral_norm": True, "projection": projection}
    return {
        "class_path": f"{_GANS}{name}",
        "init_args": {
            "generator": {"class_path": f"{_NETWORKS}DCGANGenerator", "init_args": {"width": width}},
            "discriminator": {"class_path": f"{_NETWORKS}DCGANDiscriminator", "init_args": discriminator},
            "latent_dim": 64,
            "loss": {"class_path": "gan_imbalance.losses.HingeLoss"},
            "penalty": None,
            "discriminator_steps": 1,
            "augmentation": {
                "class_path": "gan_imbalance.transforms.DiffAugment",
                "init_args": {"policy": "color,translation,cutout"},
            },
            "generator_optimizer": _adam(2e-4),
            "discriminator_optimizer": _adam(2e-4),
            **changed,
        },
    }


def _adam(lr: float) -> dict[str, Any]:
    return {"class_path": "gan_imbalance.optimizers.AdversarialAdam", "init_args": {"lr": lr, "betas": [0.5, 0.999]}}


def classifier_of(scale: Scale, **changed: Any) -> dict[str, Any]:
    """Return the classifier of all remedies."""
    return {
        "class_path": "gan_imbalance.classifiers.ImageClassifier",
        "init_args": {
            "network": f"{_NETWORKS}ResNet20",
            "augmentation": _FLIP_CROP,
            "max_steps": scale.classifier_steps,
            "keep_best": True,
            "batch_size": 64,
            "lr": 8e-3,
            "weight_decay": 0.05,
            "optimizer": "torch.optim.AdamW",
            "schedule": "one_cycle",
            "accelerator": "auto",
            **changed,
        },
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


def remedies_of(scale: Scale) -> list[str | Remedy]:
    """Return the remedies: those without a GAN, GANs of all classes and of trucks alone, transfers, a teacher's."""

    def sampler(gan: dict[str, Any], **options: Any) -> dict[str, Any]:
        settings = {"gan": gan, "max_steps": scale.steps, "batch_size": scale.batch_size, "ema_decay": 0.999}
        return {"class_path": _SAMPLER, "init_args": {**settings, **options}}

    def ours(frozen: int) -> dict[str, Any]:
        return our_gan(scale.width, freeze_generator_blocks=frozen)

    # all classes count the same, or it would take hardly any image for a truck; it is fitted three times
    member = classifier_of(
        scale,
        loss={"class_path": "gan_imbalance.losses.LogitAdjustedLoss"},
        max_steps=scale.classifier_steps // 2,
        keep_best=False,
    )
    teacher = {
        "class_path": "gan_imbalance.distillation.CrossFittedEnsemble",
        "init_args": {"folds": 2, "members": {"residual_network": member}},
    }
    taught = {
        name: {"class_path": f"{_DISTILLATION}{name}", "init_args": {"teacher": teacher}}
        for name in ("Filtering", "Distillation")
    }
    transfer = sampler(ours(frozen=0))
    return [
        "nothing",
        "class_weights",
        "focal_loss",
        "logit_adjustment",
        "random_over",
        "smote",
        "augmentation",
        "cutmix",
        Remedy("conditional_gan", sampler(our_gan(scale.width, "ConditionalGAN", projection=True))),
        Remedy(
            "smate_as_published",
            sampler(published_gan(scale.published_width), augmentation=_SMATE_AUGMENT, ema_decay=0.0),
        ),
        *(Remedy(f"transfer_{frozen}_frozen", sampler(ours(frozen))) for frozen in (0, 1, 2)),
        Remedy("from_scratch", sampler(ours(frozen=0), pretrain_steps=0)),
        Remedy("filtered_transfer", transfer, transform=taught["Filtering"]),
        Remedy("distilled_transfer", transfer, transform=taught["Distillation"]),
        "real_rows",
    ]


def study(
    scale: Literal["smoke", "cpu", "full"],
    root: str = "../shared/data",
    output: str = "runs/smate_cifar10",
    seeds: int | None = None,
    remedies: list[str] | None = None,
    jobs: int = 1,
) -> int:
    """Run one scale, or go on with it.

    Args:
        scale: smoke is a dry run of under a minute, cpu for two cores, full for a GPU.
        root: folder that holds ``cifar-10-batches-py``.
        output: folder of the results, each scale in one of its own.
        seeds: number of splits; None means the scale's.
        remedies: names of those that run, where not all do.
        jobs: tasks that run at the same time.

    Returns:
        The exit code: 0, or 1 if a cell failed.
    """
    size = SCALES[scale]
    found = compare(
        data_of(size, root),
        remedies_of(size) if remedies is None else named(remedies_of(size), remedies),
        {"resnet20": classifier_of(size)},
        seeds=seeds or size.seeds,
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
