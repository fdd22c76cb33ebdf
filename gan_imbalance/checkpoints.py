"""Reading checkpoints: plain tensors and dicts only, nothing is executed."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from torch import nn

from gan_imbalance.types import InputError


def complete_checkpoint(module: Any) -> dict[str, Any]:
    """Return the checkpoint of a trained module of ours that needs no trainer: weights, settings, the data's form."""
    checkpoint = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
    module.on_save_checkpoint(checkpoint)
    return checkpoint


def load_weights(module: nn.Module, checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Load the weights of a checkpoint into the module that it describes.

    Raises:
        InputError: if they are of other networks.
    """
    try:
        module.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise InputError(
            f"The weights in {path} do not fit the networks that it names: make their classes what they were when it "
            "was written, or train again."
        ) from error


def read_checkpoint(path: str | Path, *kinds: str) -> dict[str, Any]:
    """Return a checkpoint of one of the given kinds, its tensors on the CPU.

    Args:
        path: the file.
        kinds: keys under which modules describe themselves: ``gan``, ``classifier``.

    Raises:
        InputError: if the file is missing, truncated, or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no checkpoint {path}: check the path.")
    unreadable = f"{path} is truncated or not a checkpoint: train again, or take another one."
    # torch takes what is no archive for a bare pickle, and fails on it in any way
    if not is_zipfile(path):
        raise InputError(unreadable)
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, pickle.UnpicklingError) as error:
        raise InputError(unreadable) from error
    if not isinstance(checkpoint, dict) or not any(kind in checkpoint for kind in kinds):
        raise InputError(f"{path} is not a checkpoint of a {' or '.join(kinds)} of gan-imbalance: give another one.")
    return checkpoint
