"""What a machine has to train on."""

from __future__ import annotations

import os

import torch


def spare_gpu_lookups() -> None:
    """On a machine without a GPU, keep optimizers from looking for one at every step.

    torch's Adam asks before each step whether a GPU records a graph. Where no GPU is seen, that loads the driver's
    library anew each time, which takes a seventh of the step of a small network; with none visible it asks no further.
    Child processes inherit the setting.
    """
    if not torch.cuda.is_available():
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
