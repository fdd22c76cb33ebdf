"""Every configuration that is shipped parses and runs, in any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image

from gan_imbalance.main import main

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
GANS = sorted((CONFIGS / "gan").glob("*.yaml"))
DATA = sorted((CONFIGS / "data").glob("*.yaml"))
CLASSIFIERS = sorted((CONFIGS / "classifier").glob("*.yaml"))
TRAINERS = sorted((CONFIGS / "trainer").glob("*.yaml"))
# models with networks of these families learn images
IMAGE_NETWORKS = ("DCGAN", "ResNet", "SMate")
# and with those, series
SERIES_NETWORKS = ("Recurrent", "Temporal")

# what the shared copy of a file is called, where it is called otherwise
SHARED_NAMES = {
    "creditcard.csv": "creditcard_sample.csv.gz",
    **{
        f"{name}_TRAIN.tsv.gz": f"series/{name}_TRAIN.tsv.gz"
        for name in ("ECG5000", "Earthquakes", "ItalyPowerDemand", "MedicalImages", "Wafer")
    },
}
SMALL = (
    *("--trainer.accelerator", "cpu"),
    *("--trainer.enable_progress_bar", "false"),
    *("--trainer.enable_model_summary", "false"),
    *("--data.batch_size", "32"),
    *("--plots.max_rows", "50"),
)
REHEARSAL = ("--trainer.fast_dev_run", "1", *SMALL)
ONE_EPOCH = ("--trainer.max_epochs", "1", "--data.steps_per_epoch", "1", *SMALL)


def name(path: Path) -> str:
    return path.stem


def test_none_is_left_out() -> None:
    tested = {*GANS, *DATA, *CLASSIFIERS, *TRAINERS}
    # tests/test_sweeps.py has the sweeps
    assert tested == set(CONFIGS.rglob("*.y*ml")) - set((CONFIGS / "sweeps").iterdir())
    assert all((GANS, DATA, CLASSIFIERS, TRAINERS))


@pytest.mark.parametrize("config", [*GANS, *CLASSIFIERS], ids=name)
def test_a_model_is_kept_after_a_single_epoch_and_the_last_line_says_where(
    workplace: Path, mixed_frame: pd.DataFrame, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed_frame.to_csv("rows.csv", index=False)
    data = ["--data", "TabularDataModule", "--data.path", "rows.csv", "--data.target", "label"]
    if any(f"networks.{family}" in config.read_text() for family in IMAGE_NETWORKS):
        data = ["--data", "DigitsDataModule", "--image_distances.classifier_steps", "2"]
    if any(f"networks.{family}" in config.read_text() for family in SERIES_NETWORKS):
        data = ["--data", "TimeSeriesDataModule", "--data.bundled", "anomalous_sines"]
    # two phases need an epoch each
    phases = ["--model.pretrain_epochs", "1", "--trainer.max_epochs", "2"]
    more = phases if "pretrain_epochs" in config.read_text() else []
    assert main(["fit", "--config", str(config), *data, *ONE_EPOCH, *more]) == 0
    (last,) = Path("runs").rglob("last.ckpt")
    assert capsys.readouterr().out.splitlines()[-1] == f"The last checkpoint is {last}"


@pytest.mark.parametrize("config", DATA, ids=name)
def test_data_runs_with_a_gan(workplace: Path, shared_data: Callable[[str], Path], config: Path) -> None:
    file = yaml.safe_load(config.read_text())["data"]["init_args"].get("path")
    path = [] if file is None else ["--data.path", str(shared_data(SHARED_NAMES.get(file, file)))]
    if config.stem == "cifar10":
        path = ["--data.root", str(shared_data("cifar-10-batches-py").parent), "--data.max_images", "500"]
    _write_fashion_mnist(workplace / "data" / "FashionMNIST" / "raw")
    _write_pictures(workplace / "images")
    gan = ("--config", str(CONFIGS / "gan" / "gan.yaml"))
    short = ("--image_distances.classifier_steps", "2")
    assert main(["fit", "--config", str(config), *gan, *path, *REHEARSAL, *short]) == 0


def _write_fashion_mnist(folder: Path) -> None:
    """Write random images in the form of Fashion-MNIST's files, so that nothing is downloaded."""
    folder.mkdir(parents=True)
    for part, count in (("train", 2000), ("t10k", 50)):
        for kind, magic, shape in (("images-idx3", 0x803, (count, 28, 28)), ("labels-idx1", 0x801, (count,))):
            values = np.random.default_rng(0).integers(256, size=shape) if len(shape) == 3 else np.arange(count) % 10
            header = np.array([magic, *shape], ">i4").tobytes()
            (folder / f"{part}-{kind}-ubyte").write_bytes(header + values.astype(np.uint8).tobytes())


def _write_pictures(folder: Path) -> None:
    for index, label in enumerate(("cat", "dog")):
        (folder / label).mkdir(parents=True)
        for number in range(30):
            Image.new("L", (40, 30 + number), 8 * number + index).save(folder / label / f"{number}.png")


@pytest.mark.parametrize("config", TRAINERS, ids=name)
def test_a_trainers_configuration_is_understood(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, gan = CONFIGS / "data" / "breast_cancer.yaml", CONFIGS / "gan" / "gan.yaml"
    parsed = _parse(capsys, data, gan, config)
    assert holds(parsed["trainer"], yaml.safe_load(config.read_text())["trainer"])


def holds(parsed: Any, given: Any) -> bool:
    """Return whether all that is given was parsed; defaults may have joined it, at any depth."""
    if isinstance(given, dict):
        return all(holds(parsed[key], value) for key, value in given.items())
    if isinstance(given, list):
        return all(holds(*pair) for pair in zip(parsed, given, strict=True))
    return bool(parsed == given)


@pytest.mark.parametrize(("gan", "data"), zip(GANS, itertools.cycle(DATA)), ids=name)
def test_data_and_gan_may_be_named_in_any_order(gan: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _parse(capsys, data, gan) == _parse(capsys, gan, data)


def _parse(capsys: pytest.CaptureFixture[str], *configs: Path) -> dict[str, Any]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(["fit", *(part for config in configs for part in ("--config", str(config))), "--print_config"])
    assert stop.value.code == 0
    parsed: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    return parsed


def test_both_orders_give_the_same_run(workplace: Path) -> None:
    data = ("--config", str(CONFIGS / "data" / "breast_cancer.yaml"))
    gan = ("--config", str(CONFIGS / "gan" / "conditional_gan.yaml"))
    short = ("--trainer.max_epochs", "1", "--data.steps_per_epoch", "3")
    for order in ((*data, *gan), (*gan, *data)):
        assert main(["fit", *order, *short, "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "no"]) == 0
    first, second = (
        torch.load(f"runs/ConditionalGAN/version_{run}/checkpoints/last.ckpt", weights_only=True) for run in (0, 1)
    )
    assert first["state_dict"].keys() == second["state_dict"].keys()
    assert all(torch.equal(tensor, second["state_dict"][key]) for key, tensor in first["state_dict"].items())
