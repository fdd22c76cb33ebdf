"""Keeps with a run what is needed to make it again."""

from __future__ import annotations

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import SaveConfigCallback
from pytorch_lightning.loggers import WandbLogger

from gan_imbalance.files import atomic_path, provenance
from gan_imbalance.tracking import run_folder


class RunRecord(Callback):
    """Saves the split beside the checkpoints; logs its hash, versions, git revision and the best checkpoint."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write ``split.json`` and log the provenance."""
        split = trainer.datamodule.split  # type: ignore[attr-defined]
        if trainer.is_global_zero and trainer.loggers:
            split.save(run_folder(trainer) / "split.json")
        for logger in trainer.loggers:
            logger.log_hyperparams(provenance(split_hash=split.hash))

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the best checkpoint, or the last one if none is known to be best, as an artifact."""
        callback = trainer.checkpoint_callback
        path = getattr(callback, "best_model_path", "") or getattr(callback, "last_model_path", "")
        for logger in trainer.loggers:
            if path and isinstance(logger, WandbLogger):
                logger.experiment.log_artifact(path, name=f"{type(pl_module).__name__}-{logger.version}", type="model")


class LastCheckpoint(ModelCheckpoint):
    """Keeps ``last.ckpt`` of every epoch, to resume from; ``save_last`` keeps one only when the best changes.

    Args:
        dirpath: folder; that of the run if None.
    """

    def __init__(self, dirpath: str | None = None) -> None:
        super().__init__(dirpath, "last", save_on_train_epoch_end=True, enable_version_counter=False)


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
            self.parser.save(self.config, str(path), skip_none=False, overwrite=True, multifile=False)
        # the model logs its own, as hyper-parameters
        left_out = {"config", "model"}
        settings = {key: value for key, value in self.config.as_dict().items() if key not in left_out}
        for logger in trainer.loggers:
            logger.log_hyperparams(settings)
