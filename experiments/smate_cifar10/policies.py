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
from gan_imbalance.data import CIFAR10DataModule
from gan_imbalance.files import atomic_path
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
    import matplotlib.pyplot as plt
    from torchvision.utils import make_grid

    lines: dict[str, nn.Module] = {"as it is": nn.Identity(), **policies}
    figure, axes = plt.subplots(len(lines), figsize=(len(images) + 1.5, len(lines)), squeeze=False)
    for axis, (name, policy) in zip(axes[:, 0], lines.items(), strict=True):
        torch.manual_seed(seed)
        strip = make_grid(to_uint8(policy(to_float(images))), nrow=len(images), pad_value=255)
        axis.imshow(strip.permute(1, 2, 0).numpy(), interpolation="nearest")
        axis.set_xticks([])
        axis.set_yticks([strip.shape[1] / 2], [name])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.subplots_adjust(left=0.15, right=1, top=1, bottom=0, hspace=0)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=60)
    plt.close(figure)


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
