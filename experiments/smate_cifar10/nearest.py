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
from gan_imbalance.files import atomic_path
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
    import matplotlib.pyplot as plt
    from torchvision.utils import make_grid

    data = data_of(SCALES[scale], root)
    real = RealImages.of(data, [RARE], lambda batch: batch.flatten(1), "pixels")
    figure, axes = plt.subplots(len(REMEDIES), figsize=(images + 2, 2.1 * len(REMEDIES)), squeeze=False)
    for axis, remedy in zip(axes[:, 0], REMEDIES, strict=True):
        files = sorted(Path(output, scale, "synthetic").glob(f"{remedy}-seed-0-*.npz"))
        if not files:
            raise InputError(
                f"{Path(output, scale)} holds no images of {remedy}: run python -m experiments.smate_cifar10 "
                f"--scale {scale} first."
            )
        with np.load(files[0]) as file:
            pairs = real.pair(torch.from_numpy(file["images"][:images]))
        strip = make_grid(torch.cat([pairs.images, pairs.neighbours]), nrow=len(pairs.images), pad_value=255)
        axis.imshow(strip.permute(1, 2, 0).numpy(), interpolation="nearest")
        axis.set_xticks([])
        axis.set_yticks([strip.shape[1] / 4, 3 * strip.shape[1] / 4], [remedy, "nearest real one"])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.subplots_adjust(left=0.17, right=1, top=1, bottom=0, hspace=0.05)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=60)
    plt.close(figure)
    print(f"Wrote {path}")


if __name__ == "__main__":
    command(lambda: auto_cli(draw_nearest, as_positional=False))
