"""Keeps with a run what is needed to make it again."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import SaveConfigCallback
from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.utilities.exceptions import SIGTERMException

from gan_imbalance.data import MixedDataModule
from gan_imbalance.data.split import Part
from gan_imbalance.files import PARTIAL, atomic_path, file_hash, provenance, remove_abandoned, without_folders
from gan_imbalance.tracking import make_artifact, make_dataset, run_folder, use_artifact

if TYPE_CHECKING:
    from gan_imbalance.tracking import Artifact


class RunRecord(Callback):
    """Saves the split beside the checkpoints; logs its hash, versions and git revision.

    In Weights & Biases the run is made from the data set, or from synthetic rows, and makes its checkpoints.

    Args:
        upload_artifacts: whether checkpoints and synthetic rows go there, too, and not only what was made from what.
    """

    def __init__(self, upload_artifacts: bool = False) -> None:
        self.upload_artifacts = upload_artifacts

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write ``split.json`` and log the provenance."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        split = data.split
        if trainer.is_global_zero and trainer.loggers:
            folder = run_folder(trainer)
            # this run may go on from one that was killed as it wrote, whose folder is another
            remove_abandoned(folder.parent.glob(f"version_*/**/{PARTIAL}*"))
            split.save(folder / "split.json")
        for logger in trainer.loggers:
            logger.log_hyperparams(provenance(split_hash=split.hash))
            if isinstance(logger, WandbLogger) and trainer.is_global_zero:
                source = _source(data, self.upload_artifacts)
                use_artifact(logger.experiment, source)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log every callback's best checkpoint, or its last one if none is known to be best, as an artifact."""
        if not trainer.is_global_zero:
            return
        callbacks = [callback for callback in trainer.checkpoint_callbacks if isinstance(callback, ModelCheckpoint)]
        paths = {callback.best_model_path or callback.last_model_path for callback in callbacks} - {""}
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                for path in sorted(paths):
                    name = f"{type(pl_module).__name__}-{file_hash(path)}"
                    logger.experiment.log_artifact(make_artifact("model", name, [path], self.upload_artifacts))


def _source(data: Any, upload: bool) -> Artifact:
    """Return what a module is trained on: synthetic rows where their file is known, else the data set."""
    if isinstance(data, MixedDataModule) and isinstance(data.synthetic, str | Path):
        manifest = f"{data.synthetic}.json"
        return make_artifact("synthetic-set", f"synthetic-{file_hash(manifest)}", [data.synthetic, manifest], upload)
    samples = getattr(getattr(data, "data", data), "samples", None)
    rows = {part: len(data.split.rows(part)) for part in get_args(Part)}
    # what a data module of another make holds is told by its split
    data_hash = data.split.hash if samples is None else samples.hash
    return make_dataset(data_hash, data.split.hash, rows=rows, classes=list(data.spec.classes))


class LastCheckpoint(ModelCheckpoint):
    """Keeps ``last.ckpt``, to resume from: at the end of every epoch, whenever else there is validation.

    A trainer that is asked to end by SIGTERM keeps the step at which it does. Several processes, which a signal reaches
    at different steps, keep the last complete epoch, as one does that is interrupted in the middle of a step.

    Args:
        dirpath: folder; that of the run if None.
    """

    def __init__(self, dirpath: str | None = None) -> None:
        super().__init__(dirpath, "last", save_top_k=0)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save, also where no step was counted since the last time, as in a discriminator's warm-up."""
        self._keep(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Save at SIGTERM, and say what is kept."""
        if isinstance(exception, SIGTERMException) and trainer.world_size == 1:
            self._keep(trainer)
        kept = f"{self.last_model_path} is kept: go on from there with --ckpt_path"
        exception.add_note(kept if self.last_model_path else "no epoch was complete, so no checkpoint is kept")

    def _keep(self, trainer: Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]
            path = os.path.join(str(self.dirpath), "last.ckpt")
            trainer.save_checkpoint(path, weights_only=False)
            self.last_model_path = path


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints beside where they will lie, so that a full disk or a kill leaves the one before.

    Lightning's own way is by the system's folder of temporary files, and where this is on another disk, by a copy.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write the checkpoint, whole or not at all.

        Raises:
            InputError: if it cannot be written.
        """
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        # torch reports a full disk as a defect of its own where it writes the file itself
        content = BytesIO()
        torch.save(checkpoint, content)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content.getbuffer())


class SaveRunConfig(SaveConfigCallback):
    """Saves ``config.yaml`` in the folder of the run, also where several runs share a logger's ``save_dir``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.save_to_log_dir = False

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the configuration, and log it."""
        if not trainer.loggers:
            return
        with atomic_path(run_folder(trainer) / self.config_filename) as path:
            self.parser.save(self.config, str(path), skip_unset=False, overwrite=True, multifile=False)
        # the model logs its own, as hyper-parameters
        left_out = {"config", "model"}
        settings = {key: value for key, value in self.config.as_dict().items() if key not in left_out}
        for logger in trainer.loggers:
            logger.log_hyperparams(without_folders(settings))
