"""``python -m experiments.smate_cifar10.nearest --scale SCALE``: generated trucks above the real ones nearest to them.

Writes ``nearest.png`` beside this file: of the first split, and of four GANs, the first images that each made, and
under each image the training image that is nearest to it in its pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jsonargparse import auto_cli

from experiments import command
from experiments.smate_cifar10.__main__ import RARE, SCALES, data_of
from experiments.smate_cifar10.drawing import draw_lines
from gan_imbalance.pages.samples import RealImages
from gan_imbalance.types import InputError

REMEDIES = ("conditional_gan", "smate_as_published", "transfer_0_frozen", "from_scratch")
HERE = Path(__file__).parent


def draw_nearest(
    scale: Literal["smoke", "cpu", "full"],
    root: str = "../shared/data",
    output: str = "runs/smate_cifar10",
    path: str | Path = HERE / "nearest.png",
    images: int = 12,
) -> None:
    """Draw two lines for every GAN.

    Args:
        scale: whose GANs.
        root: folder that holds ``cifar-10-batches-py``.
        output: folder of the results.
        path: the file, .png.
        images: of every GAN.

    Raises:
        InputError: if a remedy's images are missing.
    """
    data = data_of(SCALES[scale], root)
    real = RealImages.of(data, [RARE], lambda batch: batch.flatten(1), "pixels")
    lines = []
    for remedy in REMEDIES:
        files = sorted(Path(output, scale, "synthetic").glob(f"{remedy}-seed-0-*.npz"))
        if not files:
            raise InputError(
                f"{Path(output, scale)} holds no images of {remedy}: run python -m experiments.smate_cifar10 "
                f"--scale {scale} first."
            )
        with np.load(files[0]) as file:
            pairs = real.pair(torch.from_numpy(file["images"][:images]))
        lines += [(remedy, pairs.images), ("nearest real one", pairs.neighbours)]
    draw_lines(lines, path)
    print(f"Wrote {path}")


if __name__ == "__main__":
    command(lambda: auto_cli(draw_nearest, as_positional=False))
