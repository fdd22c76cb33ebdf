"""The moment-matching GAN: its term is a formula, and it brings dependence and marginals home."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch

from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, MomentMatchingGAN
from gan_imbalance.gans.moment_matching import Moments
from gan_imbalance.networks import DenseGenerator
from gan_imbalance.types import InputError

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


def test_moments_are_those_of_every_condition() -> None:
    rows, conditions, centres = torch.randn(9, 4), torch.tensor([0, 1, 1, 0, 1, 0, 0, 0, 1]), torch.randn(2, 4)
    moments = Moments.of(rows, conditions, centres)
    for condition in (0, 1):
        x = rows[conditions == condition].numpy() - centres[condition].numpy()
        np.testing.assert_allclose(moments.means[condition], x.mean(axis=0), rtol=1e-5, atol=1e-6)
        products = [[np.mean(x[:, i] * x[:, j]) for j in range(4)] for i in range(4)]
        np.testing.assert_allclose(moments.products[condition], products, rtol=1e-5, atol=1e-6)


def attached(tiny_gan: MakeGAN, data: TabularDataModule, fit: Fit, **settings: Any) -> MomentMatchingGAN:
    gan = tiny_gan(MomentMatchingGAN, **settings)
    fit(gan, data, max_steps=1)
    assert isinstance(gan, MomentMatchingGAN)
    return gan


def test_the_distance_is_the_squared_one_between_columns(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    data = tiny_data()
    gan = attached(tiny_gan, data, fit)
    real, conditions = data.encoded("train")
    # every row twice, so that both halves are alike and their product is a square
    rows, told = (
        torch.randn(8, real.shape[1]).repeat_interleave(2, 0),
        torch.arange(4).repeat(2).repeat_interleave(2) % 2,
    )
    squares = 0.0
    for condition in (0, 1):
        x, y = real[conditions == condition].double(), rows[told == condition].double()
        centre = x.mean(dim=0)
        squares += (y.mean(dim=0) - centre).square().sum()
        for one in gan.spec.spans:
            for other in gan.spec.spans:
                if one is not other or not one.is_categorical:
                    left, right = slice(one.start, one.stop), slice(other.start, other.stop)
                    joint = [(z - centre)[:, left].T @ (z - centre)[:, right] / len(z) for z in (x, y)]
                    squares += (joint[0] - joint[1]).square().sum()
    assert gan.moment_distance(rows, told).item() == pytest.approx(float(squares) / 2, rel=1e-4)


def test_the_distance_of_equal_distributions_is_zero_on_average(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit
) -> None:
    data = tiny_data()
    gan = attached(tiny_gan, data, fit)
    real, conditions = data.encoded("train")
    random = torch.Generator().manual_seed(0)
    draws = [torch.randint(len(real), (40,), generator=random) for _ in range(400)]
    distances = torch.stack([gan.moment_distance(real[rows], conditions[rows]) for rows in draws])
    error = distances.std() / len(draws) ** 0.5
    assert abs(distances.mean()) < 4 * error
    # the square of one half's gap would be far from zero
    gaps = [Moments.of(real[rows], conditions[rows], gan.centres).products - gan.real_products for rows in draws]
    assert torch.stack([(gap.square() * gan.between_columns).sum() / 2 for gap in gaps]).mean() > 10 * error


def test_the_distance_alone_teaches_how_columns_depend(tiny_gan: MakeGAN, fit: Fit) -> None:
    random = np.random.default_rng(0)
    first = random.integers(0, 4, 600)
    second = np.where(random.random(600) < 0.9, first, random.integers(0, 4, 600))
    # a number keeps rows apart, which would otherwise all stay on one side of the split
    table = pd.DataFrame(
        {"first": first, "second": second, "number": random.normal(size=600), "label": random.random(600) < 0.5}
    )
    data = TabularDataModule(frame=table, target="label", categorical=["first", "second"], batch_size=16)
    torch.manual_seed(0)
    gan = attached(tiny_gan, data, fit, generator=partial(DenseGenerator, widths=(32,), gumbel_temperature=0.5))

    def agreement() -> float:
        rows = data.transformer.inverse_transform(gan.sample(torch.arange(2000) % 2, seed=0))
        return float((rows["first"] == rows["second"]).mean())

    assert agreement() < 0.4
    adam = torch.optim.Adam(gan.generator.parameters(), lr=0.02)
    for _ in range(200):
        conditions = torch.arange(200) // 2 % 2
        gan.generate(conditions)
        adam.zero_grad()
        gan.moment_distance(gan.generator.activation.expected(gan._logits), conditions).backward()
        adam.step()
    assert agreement() == pytest.approx(0.925, abs=0.06)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(InputError, match="moment_weight"):
        MomentMatchingGAN(-1.0)
