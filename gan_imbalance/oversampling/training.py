"""Training a GAN for an over-sampler: no logger, and no files that stay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from tempfile import TemporaryDirectory
from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint

from gan_imbalance import gans, generators
from gan_imbalance.callbacks import FeatureDistanceMonitor, FidelityMonitor, FiniteLossGuard, GeneratorEMA
from gan_imbalance.components import import_class
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.synthesis import load_gan
from gan_imbalance.trust import packages_of
from gan_imbalance.types import InputError, Label

Monitor = FidelityMonitor | FeatureDistanceMonitor

EPOCHS = 20
"""How often a training is looked at, whatever its length."""


def train_gan(
    gan: BaseGenerator,
    data: ImbalanceDataModule,
    label: Label,
    max_steps: int,
    max_time: timedelta | None = None,
    ema_decay: float = 0.99,
    monitor: Monitor | None = None,
    accelerator: str = "cpu",
    verbose: bool = False,
) -> tuple[BaseGenerator, list[dict[str, Any]]]:
    """Train a GAN for an over-sampler: without logger, and without files that stay.

    Args:
        gan: to be trained.
        data: what it learns from.
        label: the class that it is trained for, as the history tells it.
        max_steps: generator steps; -1 for no limit.
        max_time: at most.
        ema_decay: of the generator's moving average.
        monitor: what chooses the checkpoint, on validation rows; None takes the last one.
        accelerator: Lightning's.
        verbose: whether to show a progress bar.

    Returns:
        The GAN, ready to sample, and per epoch the class, step and last losses and metrics.
    """
    history = _History(label)
    callbacks: list[Callback] = [GeneratorEMA(ema_decay), FiniteLossGuard(), history]
    with TemporaryDirectory() as folder:
        best = None
        if monitor is not None:
            best = ModelCheckpoint(folder, monitor=monitor.figure, mode="min")
            callbacks += [monitor, best]
        Trainer(
            max_steps=max_steps,
            max_epochs=-1,
            max_time=max_time,
            accelerator=accelerator,
            devices=1,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=best is not None,
            enable_progress_bar=verbose,
            enable_model_summary=False,
            limit_val_batches=1.0 if best else 0,
            num_sanity_val_steps=0,
            log_every_n_steps=data.steps_per_epoch,
            default_root_dir=folder,
        ).fit(gan, data)
        # the trainer holds the data, on the device
        gan.trainer = None
        return (
            load_gan(best.best_model_path, packages_of([gan, gan.data_state])) if best else gan.cpu().eval()
        ), history.rows


def resolve_gan(
    gan: str | type[BaseGenerator] | BaseGenerator | Mapping[str, Any],
) -> tuple[type[BaseGenerator], dict[str, Any]]:
    """Return the class and the constructor arguments that ``gan`` stands for.

    Raises:
        InputError: if it stands for no GAN.
    """
    settings: dict[str, Any] = {}
    found: Any = gan
    if isinstance(gan, Mapping):
        found, settings = str(gan["class_path"]), dict(gan.get("init_args") or {})
    elif isinstance(gan, BaseGenerator):
        found, settings = type(gan), dict(gan.hparams)
    if isinstance(found, str):
        found = _named().get(found) or import_class(found)
    if not (isinstance(found, type) and issubclass(found, BaseGenerator)):
        raise InputError(f"{gan!r} is no generator: choose one of {', '.join(_named())}.")
    return found, settings


def _named() -> dict[str, type[BaseGenerator]]:
    """Return all generators of ours by name."""
    found = {name: getattr(package, name) for package in (gans, generators) for name in package.__all__}
    return {name: generator for name, generator in found.items() if not name.startswith("Base")}


class _History(Callback):
    """Keeps the last losses and metrics of every epoch."""

    def __init__(self, label: Label) -> None:
        self.label = label
        self.rows: list[dict[str, Any]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"class": self.label, "step": trainer.global_step, **figures})
