"""What is drawn of series is what the arrays hold."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from matplotlib import image
from matplotlib.axes import Axes
from torch import Tensor

from gan_imbalance.callbacks import SeriesPlots, draw_dynamics, draw_embeddings, draw_series
from gan_imbalance.metrics import autocorrelation, power_spectrum
from gan_imbalance.types import DataSpec, InputError

RANDOM = np.random.default_rng(0)
REAL, MADE = (RANDOM.normal(size=(n, 2, 16)).astype(np.float32) for n in (12, 9))


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def lines(axis: Axes, colour: str) -> list[np.ndarray]:
    return [np.asarray(line.get_ydata()) for line in axis.lines if line.get_color() == colour and len(line.get_ydata())]


def test_series_of_each_class_and_channel_lie_over_each_other() -> None:
    real_classes, made_classes = np.arange(12) % 2, np.full(9, 1)
    figure = draw_series(REAL, real_classes, MADE, made_classes, ("no", "never", "yes"), per_class=4)
    axes = np.reshape(figure.axes, (2, 2))
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["no", "never"]
    np.testing.assert_array_equal(lines(axes[1, 1], "C0"), REAL[1:8:2, 1])
    np.testing.assert_array_equal(lines(axes[1, 0], "C1"), MADE[:4, 0])
    assert lines(axes[0, 0], "C1") == []


def test_embeddings_have_a_point_per_series_and_the_axes_of_the_real_ones() -> None:
    figure = draw_embeddings(REAL, MADE + 5, max_series=10)
    components, neighbours = figure.axes
    for axis in figure.axes:
        assert [len(points.get_offsets()) for points in axis.collections] == [10, 9]
    real, made = (np.asarray(points.get_offsets()) for points in components.collections)
    np.testing.assert_allclose(real.mean(axis=0), 0, atol=1e-4)
    assert np.abs(made.mean(axis=0)).max() > 1
    assert neighbours.get_title() == "t-SNE"


def test_dynamics_are_those_of_the_figures() -> None:
    figure = draw_dynamics(REAL, MADE, max_lag=5)
    axes = np.reshape(figure.axes, (2, 2))
    for kind, colour in ((REAL, "C0"), (MADE, "C1")):
        for channel in range(2):
            np.testing.assert_allclose(lines(axes[channel, 0], colour)[0], autocorrelation(kind, 5)[channel])
            np.testing.assert_allclose(lines(axes[channel, 1], colour)[0], power_spectrum(kind)[channel, 1:])
    assert axes[0, 1].lines[0].get_xdata().tolist() == list(range(1, 9))


@pytest.mark.parametrize("draw", [draw_embeddings, draw_dynamics])
def test_other_shapes_are_refused(draw: Any) -> None:
    with pytest.raises(InputError, match="Series of 2 channels and length 9 were given where"):
        draw(REAL, MADE[:, :, :9])


def test_a_training_is_drawn_to_a_file(tmp_path: Any) -> None:
    conditions = torch.arange(12) % 3
    data = SimpleNamespace(
        spec=DataSpec("series", (2, 16), ("a", "b"), condition_classes=(0, 0, 1)),
        encoded=lambda part, selection: (torch.from_numpy(REAL), conditions),
        as_exported=lambda samples: samples,
    )
    asked: list[int] = []

    class Generator(pl.LightningModule):
        class_selection = "all"

        def sample_conditions(self, wanted: Tensor, seed: int) -> Tensor:
            asked.extend(wanted.tolist())
            return torch.from_numpy(MADE)[: len(wanted)]

    plots = SeriesPlots(every_n_epochs=2, series_per_class=3)
    trainer = SimpleNamespace(
        **{"is_global_zero": True, "sanity_checking": False, "fast_dev_run": False, "callbacks": [plots]},
        **{"loggers": [], "default_root_dir": tmp_path, "global_step": 7, "datamodule": data},
    )
    for _ in range(2):
        plots.on_validation_epoch_end(trainer, Generator())  # type: ignore[arg-type]
    (path,) = (tmp_path / "series").iterdir()
    assert path.name == "step_0000007.png"
    assert image.imread(path)[..., :3].std() > 0.02
    # three of each class, of whichever conditions it has
    assert [condition == 2 for condition in asked] == [False] * 3 + [True] * 3
