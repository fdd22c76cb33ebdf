"""Mixtures of images: labels go by the share of every image."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from gan_imbalance.components import build, to_config
from gan_imbalance.transforms import CutMix, MixUp


@pytest.mark.parametrize("mixing", [MixUp(), CutMix(alpha=0.5)])
def test_labels_have_the_share_of_the_pixels(mixing: nn.Module) -> None:
    torch.manual_seed(0)
    # every image is of one grey, by which the share of either shows
    greys = torch.linspace(-1, 1, 6)
    x, labels = greys.reshape(6, 1, 1, 1).expand(6, 3, 16, 16).clone(), torch.eye(6)
    shares = []
    for _ in range(20):
        mixed, probabilities = mixing(x, labels)
        assert mixed.shape == x.shape
        torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(6))
        torch.testing.assert_close(mixed.mean(dim=(1, 2, 3)), probabilities @ greys, atol=1e-5, rtol=1e-5)
        shares.append(float(probabilities.diagonal()[0]))
    assert max(shares) - min(shares) > 0.2
    again = build(to_config(mixing))
    assert type(again) is type(mixing)
    assert again.alpha == mixing.alpha
