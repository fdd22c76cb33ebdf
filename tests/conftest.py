"""Fixtures that several test files share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from hypothesis import settings

from gan_imbalance.data import ImageDataModule, ImageSet, TabularDataModule, TimeSeriesDataModule, data_home
from gan_imbalance.data.loaders import TensorLoader
from gan_imbalance.gans import BaseGAN
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.main import main
from gan_imbalance.networks import DenseDiscriminator, DenseGenerator

# the networks of the tests are tiny: a second thread costs more than it brings
torch.set_num_threads(1)

# the same examples each time, so that a run tells of a change and not of luck; others by hand, which may find more
settings.register_profile("suite", derandomize=not os.environ.get("GAN_IMBALANCE_EXHAUSTIVE"))
settings.load_profile("suite")


@pytest.fixture
def leaves_gpus_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``torch.manual_seed``, which seeds every GPU as well, fail; whether there is one or not."""
    monkeypatch.delattr("torch.cuda.manual_seed_all")


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Return the path of a shared data file, or skip the test where it is absent."""

    def path_of(name: str) -> Path:
        path = data_home() / name
        if not path.exists():
            pytest.skip(f"{path} is absent; GAN_IMBALANCE_DATA may name the folder that holds {name}")
        return path

    return path_of


def _mixed_frame() -> pd.DataFrame:
    """Return 120 rows with a column of every kind; the target `label` has 90 "no" and 30 "yes"."""
    random = np.random.default_rng(0)
    rows = 120
    labels = np.array(["no"] * 90 + ["yes"] * 30)
    return pd.DataFrame(
        {
            "amount": random.lognormal(3, 1, rows).round(2),
            "count": random.integers(0, 30, rows),
            "score": pd.array(np.where(np.arange(rows) % 7, random.integers(300, 850, rows), -1), "Int64"),
            "rate": np.where(random.random(rows) < 0.1, np.nan, random.normal(size=rows) + (labels == "yes")),
            "flag": random.random(rows) < 0.3,
            "colour": random.choice(["red", "green", "blue"], rows),
            "size": pd.Categorical(random.choice(["S", "M"], rows), ["S", "M", "L"], ordered=True),
            "source": "web",
            "label": labels,
        }
    ).assign(score=lambda frame: frame["score"].mask(frame["score"] < 0))


@pytest.fixture
def mixed_frame() -> pd.DataFrame:
    """Return 120 rows with a column of every kind; the target `label` has 90 "no" and 30 "yes"."""
    return _mixed_frame()


@pytest.fixture
def separated_frame() -> pd.DataFrame:
    """Return 100 rows whose columns all tell the classes apart; the target `label` has 60 "no" and 40 "yes"."""
    random = np.random.default_rng(0)
    is_yes = np.repeat([0, 1], [60, 40])
    likely = np.array(["red", "blue"])[is_yes]
    return pd.DataFrame(
        {
            "amount": random.normal(size=100) + 6 * is_yes,
            "count": random.integers(0, 10, 100) + 10 * is_yes,
            "colour": np.where(random.random(100) < 0.9, likely, "green"),
            "label": np.array(["no", "yes"])[is_yes],
        }
    )


@pytest.fixture
def tiny_data(separated_frame: pd.DataFrame) -> Callable[..., TabularDataModule]:
    """Return a function that makes a data module of two small steps per epoch."""

    def make(**settings: Any) -> TabularDataModule:
        defaults = {"frame": separated_frame, "target": "label", "batch_size": 16, "steps_per_epoch": 2}
        return TabularDataModule(**{**defaults, **settings})

    return make


@pytest.fixture
def tiny_images() -> Callable[..., ImageDataModule]:
    """Return a function that makes a data module of 60 dark images, "no", and 40 light ones, "yes", of 8 x 8 pixels."""

    def make(**settings: Any) -> ImageDataModule:
        random = np.random.default_rng(0)
        labels = np.repeat([0, 1], [60, 40])
        pixels = random.integers(0, 100, (100, 1, 8, 8)) + 150 * labels[:, None, None, None]
        images = ImageSet(torch.from_numpy(pixels.astype(np.uint8)), labels, ("no", "yes"))
        return ImageDataModule(**{"images": images, "batch_size": 8, "steps_per_epoch": 2, **settings})

    return make


@pytest.fixture
def tiny_series() -> Callable[..., TimeSeriesDataModule]:
    """Return a function that makes a data module of 60 falling series, "no", and 40 rising ones, "yes", of 9 steps."""

    def make(**settings: Any) -> TimeSeriesDataModule:
        y = np.repeat(["no", "yes"], [60, 40])
        slopes = np.where(y == "yes", 1.0, -1.0)[:, None, None] * np.linspace(-1, 1, 9)
        X = slopes + np.random.default_rng(0).normal(0, 0.1, (100, 2, 9))
        return TimeSeriesDataModule(**{"X": X, "y": y, "batch_size": 8, "steps_per_epoch": 2, **settings})

    return make


@pytest.fixture
def tiny_gan() -> Callable[..., Any]:
    """Return a function that makes a generator of narrow networks that learn fast, a GAN by two discriminator steps."""

    def make(gan_class: type[BaseGenerator], **settings: Any) -> Any:
        adam = partial(torch.optim.Adam, lr=1e-2)
        if not issubclass(gan_class, BaseGAN):
            small: dict[str, Any] = {"widths": (32,), "embedding": 16, "timesteps": 10, "optimizer": adam}
            return gan_class(**{**small, **settings})
        defaults = {
            "generator": partial(DenseGenerator, widths=(8, 8)),
            "discriminator": partial(DenseDiscriminator, widths=(8, 8), activation="leaky_relu"),
            "latent_dim": 4,
            "discriminator_steps": 2,
            "generator_optimizer": adam,
            "discriminator_optimizer": adam,
        }
        return gan_class(**{**defaults, **settings})

    return make


@pytest.fixture
def fit(tmp_path: Path) -> Callable[..., pl.Trainer]:
    """Return a function that trains a module quietly from a seed, two epochs long, and returns the trainer."""

    def run(
        module: pl.LightningModule,
        data: pl.LightningDataModule,
        seed: int = 0,
        ckpt_path: Path | None = None,
        **settings: Any,
    ) -> pl.Trainer:
        defaults = {
            "max_epochs": 2,
            "accelerator": "cpu",
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "num_sanity_val_steps": 0,
            "default_root_dir": tmp_path,
        }
        trainer = pl.Trainer(**{**defaults, **settings})
        torch.manual_seed(seed)
        trainer.fit(module, datamodule=data, ckpt_path=ckpt_path, weights_only=True)
        return trainer

    return run


@pytest.fixture
def living_loaders() -> Callable[[], int]:
    """Return a function that counts the loaders of training batches that somebody still holds."""

    def count() -> int:
        gc.collect()
        return sum(type(one) is TensorLoader for one in gc.get_objects())

    return count


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder that classes can be imported from, with Weights & Biases switched off."""
    folder = tmp_path / "workplace"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    return folder


@pytest.fixture
def refuse(workplace: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Return a function that runs the command, sees it refused properly, and returns the sentence."""

    def run(*args: str) -> str:
        before = sorted(workplace.rglob("*"))
        capsys.readouterr()
        assert main(args) == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert sorted(workplace.rglob("*")) == before, "something was left behind"
        assert last.startswith("gan-imbalance: error: ")
        sentence = last.removeprefix("gan-imbalance: error: ")
        assert len(sentence) < 400
        assert sentence.endswith((".", "?"))
        return sentence

    return run


_TINY_FIT = (
    "fit",
    *("--trainer.accelerator", "cpu"),
    *("--trainer.max_epochs", "2"),
    *("--trainer.enable_progress_bar", "false"),
    *("--trainer.enable_model_summary", "false"),
)
_TINY_DATA = (
    *("--data", "TabularDataModule"),
    *("--data.path", "rows.csv"),
    *("--data.target", "label"),
    *("--data.steps_per_epoch", "2"),
    *("--data.batch_size", "16"),
)


@pytest.fixture(scope="session")
def tiny_fit() -> list[str]:
    """Return the arguments of a short `fit` of the table `rows.csv` in the working folder; the model is left open."""
    return [*_TINY_FIT, *_TINY_DATA]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_fit: list[str]) -> dict[str, Path]:
    """Train a GAN and a classifier by the command line; return their checkpoints, and their table as `rows`."""
    folder = tmp_path_factory.mktemp("trained")
    _mixed_frame().to_csv(folder / "rows.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(folder)
        patch.setenv("WANDB_MODE", "disabled")
        for model in ("WassersteinGAN", "Classifier"):
            assert main([*tiny_fit, "--model", model]) == 0
    runs = folder / "runs"
    return {
        "gan": runs / "WassersteinGAN" / "version_0" / "checkpoints" / "last.ckpt",
        "classifier": runs / "Classifier" / "version_0" / "checkpoints" / "last.ckpt",
        "rows": folder / "rows.csv",
    }
