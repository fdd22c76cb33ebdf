from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor

from gan_imbalance.callbacks import FidelityMonitor
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, ConditionalGAN, MinorityTransferGAN
from gan_imbalance.types import InputError


class Generator:
    """Gives prepared samples; stands for a GAN in its last phase."""

    device = torch.device("cpu")
    class_selections = ("all",)
    class_selection: Any = "all"

    def __init__(self, samples: Callable[[Tensor], Tensor]) -> None:
        self.samples = samples
        self.asked: list[Tensor] = []
        self.logged: dict[str, float] = {}

    def sample_conditions(self, conditions: Tensor, seed: int) -> Tensor:
        self.asked.append(conditions)
        return self.samples(conditions)

    def log(self, name: str, value: float, **options: Any) -> None:
        self.logged[name] = value


@pytest.fixture
def data() -> TabularDataModule:
    """Return 500 training and 400 validation rows, sorted by class."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], [700, 300])
    frame = pd.DataFrame(
        {
            "amount": random.normal(size=1000) + labels,
            "count": random.integers(0, 20, 1000),
            "colour": random.choice(["red", "green", "blue"], 1000, p=[0.6, 0.3, 0.1]),
            "label": labels,
        }
    )
    data = TabularDataModule(frame=frame, target="label", test_fraction=0.1, validation_fraction=0.4)
    data.setup()
    return data


def judged(data: TabularDataModule, generator: Generator, **options: Any) -> dict[str, float]:
    monitor = FidelityMonitor(**options)
    monitor.on_validation_epoch_end(SimpleNamespace(datamodule=data), generator)
    return generator.logged


def real_rows(data: TabularDataModule) -> Callable[[Tensor], Tensor]:
    """Return a generator of training rows, each at most once, of the conditions asked for."""
    rows, conditions = data.encoded("train")

    def draw(asked: Tensor) -> Tensor:
        samples = torch.empty(len(asked), rows.shape[1])
        for condition in asked.unique():
            samples[asked == condition] = rows[conditions == condition][: int((asked == condition).sum())]
        return samples

    return draw


def test_real_rows_pass_for_real(data: TabularDataModule) -> None:
    assert judged(data, Generator(real_rows(data)))["val/c2st"] == pytest.approx(0.5, abs=0.07)


def test_noise_is_found_out(data: TabularDataModule) -> None:
    torch.manual_seed(0)
    noise = Generator(lambda asked: 8 + torch.randn(len(asked), *data.spec.shape))
    assert judged(data, noise)["val/c2st"] > 0.95


def test_samples_are_judged_as_they_are_exported(data: TabularDataModule) -> None:
    rows = real_rows(data)
    soft = data.spec.spans[-1]

    def softened(asked: Tensor) -> Tensor:
        samples = rows(asked).clone()
        samples[:, soft.start : soft.stop] = samples[:, soft.start : soft.stop] * 0.6 + 0.1
        return samples

    # categories of 0.7 and 0.1 instead of 1 and 0 would be told at a glance
    assert soft.is_categorical
    assert judged(data, Generator(softened))["val/c2st"] == pytest.approx(0.5, abs=0.07)


def test_at_most_so_many_rows_are_compared_whatever_their_order(data: TabularDataModule) -> None:
    generator = Generator(real_rows(data))
    judged(data, generator, max_rows=100)
    (asked,) = generator.asked
    assert len(asked) == 100
    # the table is sorted, and the first hundred rows are all of one class
    assert 15 < int(asked.sum()) < 45


def test_the_same_seed_gives_the_same_figure(data: TabularDataModule) -> None:
    figures = [judged(data, Generator(real_rows(data)), repeats=1, seed=seed)["val/c2st"] for seed in (0, 0, 1)]
    assert figures[0] == figures[1] != figures[2]


def test_a_first_phase_has_a_figure_of_its_own(
    tiny_gan: Callable[..., BaseGAN], tiny_data: Callable[..., TabularDataModule], fit: Callable[..., pl.Trainer]
) -> None:
    figures: list[dict[str, float]] = []

    class Recorder(pl.Callback):
        def on_train_epoch_start(self, trainer: pl.Trainer, gan: BaseGAN) -> None:
            figures.append({name: float(figure) for name, figure in trainer.callback_metrics.items()})

    data = tiny_data(validation_fraction=0.3)
    gan = tiny_gan(MinorityTransferGAN, pretrain_epochs=1)
    trainer = fit(gan, data, max_epochs=2, callbacks=[FidelityMonitor(), Recorder()])
    first = figures[1]
    assert first["val/c2st"] == 1.0
    assert 0 <= first["val/pretraining_c2st"] <= 1
    generator = Generator(lambda asked: gan.sample_conditions(asked, 0))
    generator.class_selection = "minority"
    generator.class_selections = ("minority",)
    assert float(trainer.callback_metrics["val/c2st"]) == pytest.approx(judged(data, generator)["val/c2st"])


def test_it_can_be_monitored(
    tiny_gan: Callable[..., BaseGAN],
    tiny_data: Callable[..., TabularDataModule],
    fit: Callable[..., pl.Trainer],
    tmp_path: Any,
) -> None:
    keep = pl.callbacks.ModelCheckpoint(
        tmp_path, "{epoch}", monitor="val/c2st", mode="min", auto_insert_metric_name=False
    )
    fit(tiny_gan(ConditionalGAN), tiny_data(), callbacks=[FidelityMonitor(), keep], enable_checkpointing=True)
    assert keep.best_model_score is not None
    assert keep.best_model_path


def test_too_few_validation_rows_are_told_once_and_training_goes_on(data: TabularDataModule) -> None:
    generator = Generator(real_rows(data))
    few = SimpleNamespace(encoded=lambda part, selection: tuple(one[:1] for one in data.encoded(part, selection)))
    monitor, trainer = FidelityMonitor(), SimpleNamespace(datamodule=few)
    with pytest.warns(UserWarning, match=r"val/c2st stays at 1, .* but there are 1; raise validation_fraction"):
        monitor.on_validation_epoch_end(trainer, generator)  # type: ignore[arg-type]
    assert generator.logged == {"val/c2st": 1.0}
    with warnings.catch_warnings(action="error"):
        monitor.on_validation_epoch_end(trainer, generator)  # type: ignore[arg-type]


def test_a_comparison_of_single_rows_is_refused() -> None:
    with pytest.raises(InputError, match="max_rows is 1; compare at least 2 rows"):
        FidelityMonitor(max_rows=1)
