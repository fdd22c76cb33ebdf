from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import pytorch_lightning as pl
import torch
from torch import nn

from gan_imbalance.data import MixedDataModule, TabularDataModule
from gan_imbalance.types import InputError, SyntheticSet


@pytest.fixture
def data(mixed_frame: pd.DataFrame) -> TabularDataModule:
    return TabularDataModule(frame=mixed_frame, target="label", batch_size=9, steps_per_epoch=6)


@pytest.fixture
def synthetic(data: TabularDataModule) -> SyntheticSet:
    """Return copies of the training minority, told from real rows by an amount that no real row has."""
    data.setup()
    rows = data.schema.restore(data.frame("train", "minority")[0], ["yes"] * 21)
    return SyntheticSet(rows.assign(amount=0.01), "label", {"split_hash": data.split.hash})


def _write(synthetic: SyntheticSet, path: Path) -> str:
    synthetic.rows.to_csv(path, index=False)
    manifest = {**synthetic.manifest, "target": synthetic.target}
    Path(f"{path}.json").write_text(json.dumps(manifest))
    return str(path)


@pytest.mark.parametrize(("share", "rows"), [(0.0, 0), (0.5, 4), (0.75, 7), (1.0, 9)])
def test_every_batch_has_the_share(data: TabularDataModule, synthetic: SyntheticSet, share: float, rows: int) -> None:
    mixed = MixedDataModule(data, synthetic, share)
    mixed.setup()
    made = mixed.synthetic_rows()[0][0, 0]
    batches = list(mixed.train_dataloader())
    assert len(batches) == 6
    for features, labels in batches:
        assert features.shape == (9, *mixed.spec.shape)
        is_synthetic = features[:, 0] == made
        assert is_synthetic.sum() == rows
        assert labels[is_synthetic].tolist() == [1] * rows


def test_validation_and_test_rows_are_real(data: TabularDataModule, synthetic: SyntheticSet) -> None:
    mixed = MixedDataModule(data, synthetic, 1.0)
    mixed.setup()
    for loader, part in ((mixed.val_dataloader(), "validation"), (mixed.test_dataloader(), "test")):
        (batch,) = loader
        assert torch.equal(batch[0], data.encoded(part)[0])


def test_a_file_gives_the_same_rows(data: TabularDataModule, synthetic: SyntheticSet, tmp_path: Path) -> None:
    expected = MixedDataModule(data, synthetic).synthetic_rows()
    read = MixedDataModule(data, _write(synthetic, tmp_path / "rows.csv")).synthetic_rows()
    assert torch.equal(expected[0], read[0])
    assert torch.equal(expected[1], read[1])


def test_without_a_synthetic_set_all_rows_are_real(data: TabularDataModule) -> None:
    mixed = MixedDataModule(data, None)
    mixed.setup()
    plain = list(data.train_dataloader())
    for (features, labels), (expected, expected_labels) in zip(mixed.train_dataloader(), plain, strict=True):
        assert torch.equal(features, expected)
        assert torch.equal(labels, expected_labels)


def test_rows_made_from_another_split_are_refused(mixed_frame: pd.DataFrame, synthetic: SyntheticSet) -> None:
    other = TabularDataModule(frame=mixed_frame, target="label", split_seed=1)
    with pytest.raises(InputError, match="made from another split"):
        MixedDataModule(other, synthetic).setup("fit")


def test_files_that_are_not_whole_are_refused(data: TabularDataModule, synthetic: SyntheticSet, tmp_path: Path) -> None:
    path = _write(synthetic, tmp_path / "rows.csv")
    Path(f"{path}.json").unlink()
    with pytest.raises(InputError, match=r"have no manifest .*rows\.csv\.json"):
        MixedDataModule(data, path).synthetic_rows()
    with pytest.raises(InputError, match=r"There is no file .*none\.csv"):
        MixedDataModule(data, str(tmp_path / "none.csv")).synthetic_rows()


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_the_share_is_checked(data: TabularDataModule, share: float) -> None:
    with pytest.raises(InputError, match="synthetic_share is"):
        MixedDataModule(data, None, share)


class Module(pl.LightningModule):
    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)
        self.automatic_optimization = False
        self.shapes: list[tuple[int, ...]] = []
        vars(self).update(attributes)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        self.shapes.append(tuple(batch[0].shape))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_it_feeds_classifiers_only(data: TabularDataModule, synthetic: SyntheticSet) -> None:
    options: Any = {"accelerator": "cpu", "logger": False, "max_epochs": 1, "enable_progress_bar": False}
    options |= {"enable_checkpointing": False, "enable_model_summary": False}
    classifier = Module()
    pl.Trainer(**options).fit(classifier, datamodule=MixedDataModule(data, synthetic))
    assert classifier.shapes == [(9, *data.spec.shape)] * 6
    with pytest.raises(InputError, match="feeds classifiers"):
        pl.Trainer(**options).fit(Module(class_selections=["all"]), datamodule=MixedDataModule(data, synthetic))
