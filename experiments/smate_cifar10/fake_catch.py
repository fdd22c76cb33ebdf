"""``python -m experiments.smate_cifar10.fake_catch --scale SCALE``: do the discriminators still tell fakes from images?

For every GAN that a scale has left, the share of generated images that its own discriminator takes for generated, and
of real ones that it takes for real. Where both networks have converged together, it guesses: one half of each. Real
ones are the validation images of the rare class, which no GAN has seen; generated ones are equally many.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd
import torch
from jsonargparse import auto_cli

from experiments import command
from experiments.smate_cifar10.__main__ import RARE, SCALES, data_of
from gan_imbalance.synthesis import load_gan
from gan_imbalance.types import InputError


@torch.no_grad()
def judge(scale: Literal["smoke", "cpu", "full"], root: str, output: str) -> pd.DataFrame:
    """Return ``fakes_caught`` and ``real_ones_known`` of every GAN, with its remedy and seed.

    Raises:
        InputError: if the scale has left no GAN.
    """
    folder, rows = Path(output, scale, "synthetic"), []
    for path in sorted(folder.glob("*-gan*.ckpt")):
        remedy, _, rest = path.stem.rpartition("-seed-")
        seed = int(rest.split("-")[0])
        data, gan = data_of(SCALES[scale], root, seed), load_gan(path)
        data.setup()
        real, _ = data.encoded("validation", [RARE])
        learned = gan.spec.condition_classes.index(data.samples.classes.index(RARE))
        conditions = torch.full((len(real),), learned)
        fake = gan.sample_conditions(conditions, seed)
        real_scores, fake_scores = (gan.discriminate(images, conditions) for images in (real, fake))
        boundary = gan.loss.boundary(real_scores, fake_scores)
        caught, known = (float(share.float().mean()) for share in (fake_scores < boundary, real_scores >= boundary))
        rows.append({"remedy": remedy, "seed": seed, "fakes_caught": caught, "real_ones_known": known})
    if not rows:
        raise InputError(f"{folder} holds no GAN: run python -m experiments.smate_cifar10 --scale {scale} first.")
    return pd.DataFrame(rows)


def study(
    scale: Literal["smoke", "cpu", "full"],
    root: str = "../shared/data",
    output: str = "runs/smate_cifar10",
) -> None:
    """Print the shares of every GAN.

    Args:
        scale: whose GANs.
        root: folder that holds ``cifar-10-batches-py``.
        output: folder of the results.
    """
    print(judge(scale, root, output).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    command(lambda: auto_cli(study, as_positional=False))
