"""Training batches with a set share of synthetic rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from gan_imbalance.components import build
from gan_imbalance.data.base import A_TABLE, ImbalanceDataModule
from gan_imbalance.data.images import SyntheticImages, is_image_path, open_images, read_images
from gan_imbalance.data.loaders import Batch, SequentialLoader, TensorLoader, draw_mixed, draw_uniform
from gan_imbalance.data.reading import read_table
from gan_imbalance.data.series import SeriesSet, SyntheticSeries
from gan_imbalance.data.series_files import holds_series
from gan_imbalance.data.split import Split
from gan_imbalance.transforms.column_types import require_columns
from gan_imbalance.types import DataSpec, InputError, SyntheticSet


class MixedDataModule(pl.LightningDataModule):
    """Feeds a classifier batches of real and synthetic training rows; it is judged on real rows only.

    Every training batch has exactly round(``synthetic_share`` · batch size) synthetic rows; real and
    synthetic ones are drawn uniformly among their kind. Split, encoding, validation and test rows are those
    of ``data``.

    Args:
        data: the real table, images or series.
        synthetic: synthetic rows in the table's form, images (.npz, or a folder) or series (.npz), with their manifest
            beside them (as ``gan-imbalance synthesize`` writes them), or what ``synthesize`` gives in Python; None for
            real ones only.
        synthetic_share: share of synthetic rows in every batch, in [0, 1].

    Example:
        A quarter of every batch is synthetic:

        >>> from pytorch_lightning import Trainer
        >>> from gan_imbalance import GAN, Classifier, MixedDataModule, TabularDataModule, synthesize
        >>> data, gan = TabularDataModule(bundled="breast_cancer", steps_per_epoch=2), GAN(classes=["0"])
        >>> trainer = Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        ...                   enable_progress_bar=False, enable_model_summary=False)
        >>> trainer.fit(gan, data)
        >>> mixed = MixedDataModule(data, synthesize(gan, {"0": 100}, seed=0), synthetic_share=0.25)
        >>> trainer.fit(Classifier(), mixed)
    """

    def __init__(
        self,
        data: ImbalanceDataModule = A_TABLE,
        # not `str | SyntheticSet`, since the command line would read the file as settings of a SyntheticSet
        synthetic: Any = None,
        synthetic_share: float = 0.5,
    ) -> None:
        super().__init__()
        self.data: ImbalanceDataModule = build(data)
        self.synthetic = synthetic
        self.synthetic_share = synthetic_share
        if not 0 <= synthetic_share <= 1:
            raise InputError(f"synthetic_share is {synthetic_share}; give a share from 0 to 1.")

    @property
    def split(self) -> Split:
        """Which real rows serve what."""
        return self.data.split

    @property
    def spec(self) -> DataSpec:
        """What a network must know of the data."""
        return self.data.spec

    def class_counts(self) -> list[int]:
        """Return the number of real training rows of each class."""
        return self.data.class_counts()

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs to know of the data: plain values and tensors only."""
        return self.data.state()

    def prepare_data(self) -> None:
        """Download what ``data`` downloads."""
        self.data.prepare_data()

    def setup(self, stage: str | None = None) -> None:
        """Set up ``data`` for the same trainer.

        Raises:
            InputError: if a GAN is to be trained, or ``data`` or the synthetic rows cannot be used.
        """
        if self.trainer and hasattr(self.trainer.lightning_module, "class_selections"):
            raise InputError("MixedDataModule feeds classifiers; give a GAN the data module within, of real rows.")
        self.data.trainer = self.trainer
        self.data.setup(stage)
        if stage in (None, "fit"):
            self._synthetic_rows = self.synthetic_rows()

    def synthetic_rows(self) -> Batch:
        """Return the synthetic rows as ``data`` stores its own, (n, ...), and their class indices, (n,).

        Raises:
            InputError: if the file or its manifest is missing, the rows were made from another split (they
                may then tell of held-out rows), or they do not have the form of ``data``.
        """
        synthetic = self.synthetic
        if synthetic is None:
            return torch.empty(0, *self.spec.shape), torch.empty(0, dtype=torch.long)
        if isinstance(synthetic, str | Path):
            synthetic = read_synthetic_set(synthetic)
        if synthetic.manifest.get("split_hash") != self.data.split.hash:
            raise InputError(
                "The synthetic rows were made from another split, so they may tell of rows that are held "
                "out here; use the data settings (file, fractions, keep, split_seed) of their GAN."
            )
        return self.data.stored_synthetic(synthetic)

    def train_dataloader(self) -> TensorLoader:
        """Return batches of samples (batch, *shape) and class indices (batch,)."""
        loader = self.data.train_dataloader()
        features, labels = self._synthetic_rows
        if not len(labels):
            return loader
        real = draw_uniform(torch.arange(len(loader.labels)))
        synthetic = draw_uniform(torch.arange(len(labels)) + len(loader.labels))
        mixed = draw_mixed(real, synthetic, round(self.synthetic_share * loader.batch_size))
        loader.features = _joined(loader.features, features)
        loader.labels = _joined(loader.labels, labels)
        loader.draw = lambda: mixed
        return loader

    def val_dataloader(self) -> SequentialLoader | list[Any]:
        """Return the real validation rows in order."""
        return self.data.val_dataloader()

    def test_dataloader(self) -> SequentialLoader | list[Any]:
        """Return the real test rows in order."""
        return self.data.test_dataloader()

    def predict_dataloader(self) -> SequentialLoader | list[Any]:
        """Return the real test rows in order."""
        return self.data.predict_dataloader()

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Return the batch as it is: it was indexed out of tensors that lie on the device."""
        return batch


def _joined(first: Tensor, second: Tensor) -> Tensor:
    return torch.cat([first, second.to(first.device)])


def read_synthetic_set(path: str | Path) -> SyntheticSet | SyntheticImages | SyntheticSeries:
    """Read synthetic rows, images or series and the manifest beside them (``rows.csv`` has ``rows.csv.json``).

    Raises:
        InputError: if one of the two is missing or unreadable, or the target is not among the columns.
    """
    if holds_series(path):
        return SyntheticSeries(SeriesSet.load(path), _read_manifest(path))
    if is_image_path(path):
        images = read_images(open_images(path))
        return SyntheticImages(images, _read_manifest(path))
    rows = read_table(path)
    manifest = _read_manifest(path, "target")
    target = manifest["target"]
    require_columns([target], rows.columns, f"the manifest {path}.json")
    return SyntheticSet(rows, target, manifest)


def _read_manifest(path: str | Path, *keys: str) -> dict[str, Any]:
    """Return the manifest of a synthetic set, which holds at least some keys."""
    manifest_path = Path(f"{path}.json")
    if not manifest_path.is_file():
        raise InputError(
            f"The synthetic rows {path} have no manifest {manifest_path}, which tells their origin; "
            "make them with `gan-imbalance synthesize`."
        )
    try:
        manifest: dict[str, Any] = json.loads(manifest_path.read_text(encoding="utf-8"))
        return manifest | {key: str(manifest[key]) for key in keys}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            f"The manifest {manifest_path} cannot be read; make the rows anew with `gan-imbalance synthesize`."
        ) from error
