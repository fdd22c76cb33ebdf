"""Pictures of the study: lines of images, each with its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from gan_imbalance.files import atomic_path


def draw_lines(lines: Sequence[tuple[str, Tensor]], path: str | Path) -> None:
    """Write a picture of lines of images.

    Args:
        lines: what to write beside each, and its images, uint8 (n, channels, height, width).
        path: the file, .png.
    """
    import matplotlib.pyplot as plt
    from torchvision.utils import make_grid

    length = len(lines[0][1])
    figure, axes = plt.subplots(len(lines), figsize=(length + 1.5, len(lines)), squeeze=False)
    for axis, (name, images) in zip(axes[:, 0], lines, strict=True):
        strip = make_grid(images, nrow=length, pad_value=255)
        axis.imshow(strip.permute(1, 2, 0).numpy(), interpolation="nearest")
        axis.set_xticks([])
        axis.set_yticks([strip.shape[1] / 2], [name])
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    figure.subplots_adjust(left=0.17, right=1, top=1, bottom=0, hspace=0)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=60)
    plt.close(figure)
