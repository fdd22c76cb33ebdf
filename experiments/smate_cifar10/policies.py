"""``python -m experiments.smate_cifar10.policies [--root DIR]``: every augmentation policy on real images.

Writes ``policies.png`` beside this file: one training image of each class of CIFAR-10, and under it what the policies
make of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from experiments import command
from experiments.smate_cifar10.drawing import draw_lines
from gan_imbalance.data import CIFAR10DataModule
from gan_imbalance.transforms import DiffAugment, FlipCrop, SMateAugment, SMateImgaug
from gan_imbalance.transforms.image import to_float, to_uint8

HERE = Path(__file__).parent


def draw_policies(images: Tensor, policies: Mapping[str, nn.Module], path: str | Path, seed: int = 0) -> None:
    """Write a picture with the images in its first line, and in each line below what one policy makes of them.

    Args:
        images: uint8 (n, channels, height, width).
        policies: what to write beside the lines, and the modules.
        path: the file, .png.
        seed: of what the policies draw.
    """
    lines = []
    for name, policy in {"as it is": nn.Identity(), **policies}.items():
        torch.manual_seed(seed)
        lines.append((name, to_uint8(policy(to_float(images)))))
    draw_lines(lines, path)


def main(args: Sequence[str] | None = None) -> int:
    """Draw one image of every class."""
    parser = argparse.ArgumentParser(description="Draw every augmentation policy on real images.")
    parser.add_argument("--root", default="../shared/data", help="folder that holds cifar-10-batches-py")
    parser.add_argument("--output", default=HERE / "policies.png", type=Path)
    options = parser.parse_args(args)
    data = CIFAR10DataModule(root=options.root, max_images=500)
    rows = data.split.train
    _, first = np.unique(data.samples.labels[rows], return_index=True)
    policies = {
        "FlipCrop": FlipCrop(),
        "SMateImgaug": SMateImgaug(),
        "SMateAugment": SMateAugment(),
        "DiffAugment": DiffAugment(),
    }
    draw_policies(data.samples.images[torch.from_numpy(rows[first])], policies, options.output)
    print(f"Wrote {options.output}")
    return 0


if __name__ == "__main__":
    command(main)
