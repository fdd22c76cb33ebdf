from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import torch

from gan_imbalance.data import TabularDataModule
from gan_imbalance.data.mixed import read_synthetic_set
from gan_imbalance.files import file_hash
from gan_imbalance.gans import BaseGAN, ConditionalGAN, WassersteinGAN
from gan_imbalance.synthesis import calibrate_marginals, load_gan, synthesize, write_synthetic_set
from gan_imbalance.types import InputError, SyntheticSet


@pytest.fixture(scope="module")
def gan(trained: dict[str, Path]) -> BaseGAN:
    return load_gan(trained["gan"])


@pytest.fixture
def digits() -> ConditionalGAN:
    """Return an untrained GAN for the classes 0, 1 and 2 of a table of whole numbers."""
    frame = pd.DataFrame({"x": range(60), "y": range(60, 120), "class": [0, 1, 2] * 20})
    data = TabularDataModule(frame=frame, target="class")
    data.setup()
    made = ConditionalGAN()
    made.build(data.spec, (0, 1, 2), data.state())
    return made


def test_a_loaded_gan_is_ready_to_sample(gan: BaseGAN, trained: dict[str, Path]) -> None:
    assert type(gan) is WassersteinGAN
    assert not gan.training
    saved = torch.load(trained["gan"], weights_only=True)
    assert all(torch.equal(tensor, saved["state_dict"][name]) for name, tensor in gan.state_dict().items())
    assert gan.data_state["split_hash"] == saved["generator"]["data_state"]["split_hash"]


def test_rows_have_the_form_of_the_table(gan: BaseGAN, trained: dict[str, Path]) -> None:
    table = pd.read_csv(trained["rows"])
    synthetic = synthesize(gan, {"yes": 37}, seed=0)
    assert synthetic.target == "label"
    assert list(synthetic.rows.columns) == list(table.columns)
    assert synthetic.rows.dtypes.to_dict() == table.dtypes.to_dict()
    assert synthetic.rows["label"].tolist() == ["yes"] * 37
    assert synthetic.rows.index.tolist() == list(range(37))


def test_a_seed_gives_the_same_rows(gan: BaseGAN) -> None:
    first, second, other = (synthesize(gan, {"yes": 20}, seed).rows for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, second)
    assert not first.equals(other)


def test_classes_are_matched_by_value(digits: ConditionalGAN) -> None:
    rows = synthesize(digits, {"2": 3, 0: 2, 1.0: 0}, seed=0).rows
    assert rows["class"].tolist() == [2, 2, 2, 0, 0]
    assert rows["class"].dtype == "int64"


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({3: 1}, "Unknown class 3: the classes are 0, 1, 2"),
        ({"1": 1, 1: 2}, "Class 1 is counted twice"),
        ({1: -1}, "The count of class 1 is -1"),
        ({1: 1.0}, "The count of class 1 is 1.0"),
        ({1: True}, "The count of class 1 is True"),
        ({}, "No rows were asked for"),
        ({1: 0}, "No rows were asked for"),
    ],
)
def test_counts_that_cannot_be_met(digits: ConditionalGAN, counts: dict[object, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        synthesize(digits, counts, seed=0)


def test_the_manifest_tells_the_origin(gan: BaseGAN) -> None:
    manifest = synthesize(gan, {"yes": 4}, seed=5).manifest
    assert manifest["gan"] == "WassersteinGAN"
    assert manifest["seed"] == 5
    assert manifest["counts"] == {"yes": 4}
    assert manifest["split_hash"] == gan.data_state["split_hash"]
    assert manifest["dropped_columns"] == []
    assert "torch" in manifest["versions"]
    json.dumps(manifest)


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "folder/rows.parquet"])
def test_what_is_written_is_read_back(gan: BaseGAN, tmp_path: Path, name: str) -> None:
    synthetic = synthesize(gan, {"yes": 25}, seed=0)
    path = tmp_path / name
    write_synthetic_set(synthetic, path)
    read = read_synthetic_set(path)
    pd.testing.assert_frame_equal(read.rows, synthetic.rows)
    assert read.target == "label"
    assert read.manifest["rows_hash"] == file_hash(path)
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, f"{path.name}.json"]


def test_nothing_half_written_is_left(tmp_path: Path) -> None:
    unwritable = SyntheticSet(pd.DataFrame({"x": [1, object()]}), "x", {})
    with pytest.raises(Exception, match="object"):
        write_synthetic_set(unwritable, tmp_path / "rows.parquet")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["rows.txt", "rows", "rows.json.gz", "rows.csv.zip"])
def test_other_formats_are_refused(gan: BaseGAN, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"end its name in \.csv, \.csv\.gz or \.parquet"):
        write_synthetic_set(synthesize(gan, {"yes": 1}, seed=0), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_calibration_needs_one_class_and_quantiles(digits: ConditionalGAN) -> None:
    with pytest.raises(InputError, match="calibrate needs a GAN of one class on quantile-transformed columns"):
        synthesize(digits, {1: 3}, seed=0, calibrate=True)


def test_calibration_keeps_the_order_of_samples(gan: BaseGAN) -> None:
    plain, calibrated = (synthesize(gan, {"yes": 200}, seed=0, calibrate=how).rows["amount"] for how in (False, True))
    assert not plain.equals(calibrated)
    assert plain.corr(calibrated, method="spearman") > 0.99


def test_calibration_ranks_continuous_values_among_themselves(separated_frame: pd.DataFrame) -> None:
    frame = separated_frame.assign(amount=lambda rows: rows["amount"].mask(rows.index % 2 == 0, 0.0))
    data = TabularDataModule(frame=frame, target="label", classes=["yes"])
    data.setup()
    feature, states = (span for span in data.spec.spans if span.name == "amount")

    def sample(labels: torch.Tensor, seed: int) -> torch.Tensor:
        """Return samples whose continuous values are about 5 in the rows that hold any, and else about -50."""
        noise = torch.randn(len(labels), *data.spec.shape, generator=torch.Generator().manual_seed(seed))
        continuous = noise[:, states.start : states.stop].argmax(dim=1) == 0
        noise[:, feature.start] += torch.where(continuous, 5, -50)
        return noise

    gan: Any = SimpleNamespace(spec=data.spec, trained_classes=(1,), sample=sample)
    encoded = sample(torch.ones(20_000), seed=5)
    calibrated = calibrate_marginals(gan, data.transformer, encoded, seed=0)
    continuous = encoded[:, states.start : states.stop].argmax(dim=1) == 0
    scores = calibrated[continuous, feature.start]
    torch.testing.assert_close(torch.stack([scores.mean(), scores.std()]), torch.tensor([0.0, 1.0]), atol=0.05, rtol=0)
    assert torch.equal(calibrated[:, states.start : states.stop], encoded[:, states.start : states.stop])
