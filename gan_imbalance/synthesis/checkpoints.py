"""Trained generators as checkpoints, and back."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import torch

from gan_imbalance.checkpoints import complete_checkpoint, load_weights, read_checkpoint
from gan_imbalance.components import import_class
from gan_imbalance.files import atomic_path
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.types import InputError


def load_generator(path: str | Path) -> BaseGenerator:
    """Return the generator of a checkpoint, ready to sample; needs neither data nor the code that configured it.

    Raises:
        InputError: if the file is missing, truncated or no generator's checkpoint, or its class cannot be imported or
            has other networks now.
    """
    checkpoint = read_checkpoint(path, "generator")
    generator_class = import_class(checkpoint["generator"]["class_path"])
    if not issubclass(generator_class, BaseGenerator):
        raise InputError(f"{path} was written by {generator_class.__name__}, which is no generator of gan_imbalance.")
    generator = generator_class(**checkpoint.get("hyper_parameters", {}))
    # who trains it further does not resume that run
    generator.on_load_checkpoint({**checkpoint, "random_states": ()})
    load_weights(generator, checkpoint, path)
    return generator.eval()


def load_gan(path: str | Path) -> BaseGenerator:
    """Return what :func:`load_generator` returns, under the name that says what it is as a rule."""
    return load_generator(path)


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
