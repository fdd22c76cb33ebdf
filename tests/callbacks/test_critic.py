from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from gan_imbalance.callbacks import CriticMonitor
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, ConditionalGAN
from gan_imbalance.losses import AdversarialLoss, HingeLoss, LeastSquaresLoss, NonSaturatingLoss, WassersteinLoss
from gan_imbalance.networks import DenseDiscriminator


class Log:
    """Keeps what is logged."""

    def __init__(self, loss: AdversarialLoss) -> None:
        self.loss = loss
        self.figures: dict[str, Tensor] = {}
        self.options: dict[str, Any] = {}

    def log_dict(self, figures: dict[str, Tensor], **options: Any) -> None:
        self.figures, self.options = figures, options


def logged(real: list[float], fake: list[float], loss: AdversarialLoss = NonSaturatingLoss()) -> Log:
    log = Log(loss)
    outputs = {"real_scores": torch.tensor(real), "fake_scores": torch.tensor(fake)}
    CriticMonitor().on_validation_batch_end(None, log, outputs, None, 0)
    return log


def test_the_figures_are_difference_of_means_and_share_of_negative_fakes() -> None:
    log = logged([1.0, 2.0, 6.0, -1.0], [-1.0, 0.0, 2.0, -5.0])
    assert {name: float(figure) for name, figure in log.figures.items()} == {
        "val/earth_mover": 3.0,
        "val/fake_catch_rate": 0.5,
    }
    assert log.options == {"on_epoch": True, "sync_dist": True, "batch_size": 4}


@pytest.mark.parametrize(
    ("loss", "caught"), [(HingeLoss(), 0.25), (LeastSquaresLoss(), 0.5), (WassersteinLoss(), 0.75)]
)
def test_fakes_are_caught_by_the_boundary_of_the_loss(loss: AdversarialLoss, caught: float) -> None:
    # the means are 3 and 1, so their middle is 2
    assert logged([2.0, 4.0], [-1.0, 0.4, 1.6, 3.0], loss).figures["val/fake_catch_rate"] == caught


def test_nothing_is_logged_without_scores() -> None:
    assert logged([], []).figures == {}


@pytest.mark.parametrize("packing", [1, 8])
def test_the_figures_are_those_of_the_validation_rows(
    packing: int,
    tiny_gan: Callable[..., BaseGAN],
    tiny_data: Callable[..., TabularDataModule],
    fit: Callable[..., pl.Trainer],
) -> None:
    gan, data = tiny_gan(ConditionalGAN, discriminator=partial(DenseDiscriminator, packing=packing)), tiny_data()
    trainer = fit(gan, data, callbacks=[CriticMonitor()])
    rows, conditions = data.encoded("validation")
    whole = len(rows) - len(rows) % packing
    rows, conditions = rows[:whole], conditions[:whole]
    gan.eval()
    with torch.no_grad():
        real = gan.discriminator(rows, conditions)
        fake = gan.discriminator(gan.sample_conditions(conditions, seed=0), conditions)
    metrics = trainer.callback_metrics
    torch.testing.assert_close(metrics["val/earth_mover"], real.mean() - fake.mean())
    torch.testing.assert_close(metrics["val/fake_catch_rate"], (fake < 0).float().mean())
