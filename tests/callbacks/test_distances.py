from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from matplotlib import image
from scipy.spatial.distance import cdist, pdist

from gan_imbalance.callbacks import DistanceMonitor
from gan_imbalance.callbacks.distances import mean_distances
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN, ConditionalGAN, OneHotGAN

MakeGAN = Callable[..., BaseGAN]
MakeData = Callable[..., TabularDataModule]
Fit = Callable[..., pl.Trainer]


def test_distances_are_scipys() -> None:
    real, made = np.random.default_rng(0).normal(size=(2, 30, 4))
    found = mean_distances(torch.from_numpy(real), torch.from_numpy(made[:20]))
    expected = [pdist(real, "cityblock"), pdist(made[:20], "cityblock"), cdist(real, made[:20], "cityblock")]
    assert found == pytest.approx([distances.mean() for distances in expected])


def test_a_single_row_has_no_distance_within() -> None:
    assert mean_distances(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]])) == (0.0, 0.0, 3.0)


@pytest.mark.parametrize("gan_class", [OneHotGAN, ConditionalGAN])
def test_curves_are_logged_written_and_drawn(
    gan_class: type[BaseGAN], tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    trainer = fit(tiny_gan(gan_class), tiny_data(), max_epochs=3, callbacks=[DistanceMonitor()], num_sanity_val_steps=1)
    curves = pd.read_csv(tmp_path / "distances.csv")
    assert curves["step"].tolist() == [2, 4, 6]
    assert curves["within_real"].nunique() == 1
    for name in ("within_real", "within_synthetic", "between"):
        assert curves[name].iloc[-1] == pytest.approx(float(trainer.callback_metrics[f"val/distance_{name}"]), rel=1e-5)
    assert image.imread(tmp_path / "distances.png")[..., :3].std() > 0.05


def test_a_resumed_run_goes_on_with_the_curves(
    tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path
) -> None:
    last = tmp_path / "last.ckpt"
    fit(tiny_gan(ConditionalGAN), tiny_data(), max_epochs=2, callbacks=[DistanceMonitor()]).save_checkpoint(last)
    before = pd.read_csv(tmp_path / "distances.csv")
    fit(tiny_gan(ConditionalGAN), tiny_data(), max_epochs=3, callbacks=[DistanceMonitor()], ckpt_path=last)
    curves = pd.read_csv(tmp_path / "distances.csv")
    assert curves["step"].tolist() == [2, 4, 6]
    pd.testing.assert_frame_equal(curves[:2], before)


def test_collapse_shows(tiny_gan: MakeGAN, tiny_data: MakeData, fit: Fit, tmp_path: Path) -> None:
    gan = tiny_gan(OneHotGAN)
    gan.generate = lambda conditions: torch.zeros(len(conditions), *gan.spec.shape)  # type: ignore[method-assign]
    monitor = DistanceMonitor()
    data = tiny_data()
    gan.training_step = lambda batch, batch_idx: None  # type: ignore[method-assign]
    fit(gan, data, max_epochs=1, callbacks=[monitor])
    (curve,) = pd.read_csv(tmp_path / "distances.csv").to_dict("records")
    assert curve["within_synthetic"] == 0
    assert curve["within_real"] > 0
    assert curve["between"] > 0
