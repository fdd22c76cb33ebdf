"""Trained generators as checkpoints, and back."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import torch

from gan_imbalance.checkpoints import complete_checkpoint, load_module, read_trusted_module
from gan_imbalance.components import import_class
from gan_imbalance.files import atomic_path
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.trust import Trust


def load_generator(path: str | Path, trust: Trust = ()) -> BaseGenerator:
    """Return the generator of a checkpoint, ready to sample; needs neither data nor the code that configured it.

    Args:
        path: the file.
        trust: packages or classes, besides those of this package, that the file may name: ``my_package``.

    Raises:
        InputError: if the file is missing, damaged or no generator's checkpoint, names what is not trusted, or its
            class cannot be imported or has other networks now.
    """
    checkpoint = read_trusted_module(path, "generator", BaseGenerator, trust)
    generator_class = import_class(checkpoint["generator"]["class_path"])

    def make() -> BaseGenerator:
        generator: BaseGenerator = generator_class(**checkpoint.get("hyper_parameters", {}))
        # who trains it further does not resume that run
        generator.on_load_checkpoint({**checkpoint, "random_states": ()})
        return generator

    return load_module(make, checkpoint, path)


def load_gan(path: str | Path, trust: Trust = ()) -> BaseGenerator:
    """Return what :func:`load_generator` returns, under the name that says what it is as a rule.

    Args:
        path: the file.
        trust: packages or classes, besides those of this package, that the file may name: ``my_package``.

    Raises:
        InputError: as :func:`load_generator` does.
    """
    return load_generator(path, trust)


def save_gan(gan: BaseGenerator, path: str | Path) -> None:
    """Write a trained GAN as a checkpoint that :func:`load_gan` reads, atomically.

    It is made to sample from: without a trainer there is no state of optimizers to resume with.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(checkpoint_bytes(gan))


def checkpoint_bytes(gan: BaseGenerator) -> bytes:
    """Return the checkpoint that :func:`save_gan` writes."""
    file = BytesIO()
    torch.save(complete_checkpoint(gan), file)
    return file.getvalue()
