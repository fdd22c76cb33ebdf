"""Lightning's verbs: one LightningCLI for every GAN and the classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger, Logger

# importing these makes their classes known by short names
from gan_imbalance.callbacks import (
    ColumnPairPictures,
    CriticMonitor,
    FidelityMonitor,
    FiniteLossGuard,
    GeneratorEMA,
    RunRecord,
)
from gan_imbalance.callbacks.record import SaveRunConfig
from gan_imbalance.checkpoints import read_checkpoint
from gan_imbalance.components import import_class
from gan_imbalance.gans import BaseGAN
from gan_imbalance.tracking import wandb_logger

RUNS = "runs"
_LIGHTNINGS_OWN_PATHS = ("best", "last", "hpc", "registry")
_GAN_CALLBACKS = {
    "ema": GeneratorEMA,
    "guard": FiniteLossGuard,
    "critic": CriticMonitor,
    "fidelity": FidelityMonitor,
    "pictures": ColumnPairPictures,
}


class GanImbalanceCLI(LightningCLI):
    """LightningCLI with the callbacks that every GAN wants, and loggers that ask nobody anything.

    Each standard callback is a group of options of its own: ``--ema.decay 0.999``.
    """

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the standard callbacks, and defaults that suit small data."""
        for key, callback in _GAN_CALLBACKS.items():
            parser.add_lightning_class_args(callback, key)
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.set_defaults(
            {
                "checkpoint.save_last": True,
                "checkpoint.auto_insert_metric_name": False,
                "checkpoint.filename": "epoch_{epoch:05d}",
                "trainer.num_sanity_val_steps": 0,
            }
        )

    def _parse_ckpt_path(self) -> None:
        # Lightning would take a checkpoint's hyper-parameters for the configuration, which is the user's to say
        return

    def before_instantiate_classes(self) -> None:
        """Make sure of the checkpoint before anything is built."""
        path = self._get(self.config, "ckpt_path")
        if path and path not in _LIGHTNINGS_OWN_PATHS:
            model_class = import_class(self._get(self.config, "model").class_path)
            read_checkpoint(path, "gan" if issubclass(model_class, BaseGAN) else "classifier")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Return the trainer with loggers, and the callbacks that the model can use."""
        settings = {**self._get(self.config_init, "trainer"), **kwargs}
        if settings["logger"] is None and not settings["fast_dev_run"]:
            settings["logger"] = _standard_loggers(self.model)
        keys = self._parser(self.subcommand).callback_keys
        if not isinstance(self.model, BaseGAN):
            keys = [key for key in keys if key not in _GAN_CALLBACKS]
        return self._instantiate_trainer(settings, [self._get(self.config_init, key) for key in keys] + [RunRecord()])


def _standard_loggers(model: LightningModule) -> list[Logger]:
    # the first one's folder is the run's
    return [CSVLogger(RUNS, name=type(model).__name__), wandb_logger(RUNS)]


def run_lightning(args: Sequence[str] | None) -> int:
    """Run one of Lightning's verbs, from ``args`` or else the command line, and return the exit code."""
    no_exit: dict[str, Any] = {"exit_on_error": False}
    GanImbalanceCLI(
        LightningModule,
        LightningDataModule,
        save_config_callback=SaveRunConfig,
        seed_everything_default=0,
        subclass_mode_model=True,
        subclass_mode_data=True,
        auto_configure_optimizers=False,
        parser_kwargs={**no_exit, **dict.fromkeys(GanImbalanceCLI.subcommands(), no_exit)},
        args=None if args is None else list(args),
    )
    return 0
