"""InfoGAN's code: drawn, read, and worth something."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import pytorch_lightning as pl
import torch
from torch.nn import functional as F

from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, InfoGAN
from gan_imbalance.losses import CodeInformation
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


def test_the_information_is_subtracted_from_both_losses(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(InfoGAN, code=CodeInformation(3, 1, weight=0.4))
    fit(gan, tiny_data(), max_epochs=1)
    assert isinstance(gan, InfoGAN)
    real, fake, conditions = *torch.randn(2, 6, *gan.spec.shape), torch.zeros(6, dtype=torch.long)
    real_scores, fake_scores = gan.discriminator(real)[:, 0], gan.discriminator(fake)[:, 0]
    torch.manual_seed(5)
    numbers = 2 * torch.rand(6, 1) - 1
    code = torch.cat([F.one_hot(torch.randint(3, (6,)), 3).float(), numbers], dim=1)
    read = gan.discriminator(gan.generator(torch.cat([torch.randn(6, 4), code], dim=1)))[:, 1:]
    term = gan.code(read, code)
    adversarial = F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()
    torch.manual_seed(5)
    torch.testing.assert_close(gan.discriminator_objective(real, fake, conditions), adversarial + term)
    torch.manual_seed(5)
    expected = F.softplus(-fake_scores).mean() + term
    torch.testing.assert_close(gan.generator_objective(real, fake, conditions), expected)


def test_rows_of_a_pack_share_their_code(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit) -> None:
    gan = tiny_gan(InfoGAN, discriminator=partial(DenseDiscriminator, widths=(8,), packing=2))
    fit(gan, tiny_data(), max_epochs=1)
    drawn: list[torch.Tensor] = []
    gan.generator.register_forward_hook(lambda module, args, out: drawn.append(args[0][:, 4:]))
    gan.code_term(torch.zeros(8, dtype=torch.long))
    assert torch.equal(drawn[0][0::2], drawn[0][1::2])
    assert len(drawn[0].unique(dim=0)) == 4


def test_samples_give_their_code_away(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, separated_frame: pd.DataFrame
) -> None:
    gan = tiny_gan(
        InfoGAN,
        code=CodeInformation(2, 0, weight=1.0),
        generator=partial(DenseGenerator, widths=(32,)),
        discriminator=partial(DenseDiscriminator, widths=(32,), activation="leaky_relu"),
        discriminator_steps=1,
    )
    fit(gan, tiny_data(batch_size=32, steps_per_epoch=200), max_epochs=1, limit_val_batches=0)
    assert isinstance(gan, InfoGAN)
    code = torch.eye(2).repeat(200, 1)
    with torch.no_grad():
        outputs = gan.discriminator(gan.generate_from(code, torch.zeros(400, dtype=torch.long)))
    assert (outputs[:, 1:].argmax(dim=1) == code.argmax(dim=1)).float().mean() > 0.9
