from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import torch
from torch import nn

from experiments.smate_cifar10.policies import draw_policies, main
from gan_imbalance.transforms import FlipCrop


def test_the_picture_of_all_policies_is_written(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    root = shared_data("cifar-10-batches-py").parent
    assert main(["--root", str(root), "--output", str(tmp_path / "policies.png")]) == 0
    height, width, _ = matplotlib.image.imread(tmp_path / "policies.png").shape
    assert (width, height) == (690, 300)


def test_every_policy_has_its_line(tmp_path: Path) -> None:
    images = torch.full((4, 1, 8, 8), 255, dtype=torch.uint8)
    draw_policies(images, {"same": nn.Identity(), "moved": FlipCrop(shift=0.5)}, tmp_path / "one.png")
    picture = torch.from_numpy(matplotlib.image.imread(tmp_path / "one.png"))[..., :3]
    dark = (picture[:, 100:] < 0.1).all(dim=2).float().mean(dim=1)
    first, second, third = dark.chunk(3)
    assert first.max() == second.max() == 0
    assert third.max() > 0.3
