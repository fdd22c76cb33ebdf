"""Whatever writes rows, first of all a GAN, as an imbalanced-learn over-sampler."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from sklearn.utils import check_random_state

import gan_imbalance.gans
from gan_imbalance.callbacks import FidelityMonitor, FiniteLossGuard, GeneratorEMA
from gan_imbalance.components import import_class
from gan_imbalance.data import TabularDataModule
from gan_imbalance.gans import BaseGAN
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import load_gan, synthesize
from gan_imbalance.transforms.table import Kind, NumericTransform, column_kinds, convert_columns
from gan_imbalance.types import InputError, Label

_EPOCHS = 20


class TableOverSampler(BaseOverSampler):  # type: ignore[misc]
    """Tops up rare classes of a table, categories and missing values included; who writes the rows is left open.

    The original rows come first, unchanged, in the result; names, dtypes and form are those of the input.

    Args:
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        categorical: names of columns to take as categories, where their type does not tell.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        synthetic_: the rows added, with their target (called as it is, or "target"), as a DataFrame.
    """

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        categorical: list[str] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.categorical = categorical
        self.random_state = random_state

    def _check_X_y(self, X: Any, y: Any) -> tuple[pd.DataFrame, Any, bool]:
        """Return the rows as a DataFrame, columns of arrays named by number."""
        self._target = str(getattr(y, "name", None) or "target")
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        is_frame = isinstance(X, pd.DataFrame)
        frame = X if is_frame else pd.DataFrame(np.asarray(X))
        self._given_columns = frame.columns if is_frame else None
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        return frame.reset_index(drop=True), np.asarray(y), binarize_y

    def _fit_resample(self, X: pd.DataFrame, y: Any) -> tuple[Any, Any]:
        target = self._target
        while target in X.columns:
            target += "_"
        table = X.assign(**{target: y})
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        added = [table.iloc[:0]]
        for label, count in self.sampling_strategy_.items():
            if count:
                added.append(self._generate(table, target, label, int(count), seed))
        self.synthetic_ = pd.concat(added, ignore_index=True).astype(table.dtypes)
        rows = pd.concat([X, self.synthetic_[list(X.columns)]], ignore_index=True).astype(X.dtypes)
        given_form = rows.to_numpy() if self._given_columns is None else rows.set_axis(self._given_columns, axis=1)
        return given_form, np.concatenate([y, self.synthetic_[target].to_numpy().astype(y.dtype)])

    @abstractmethod
    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        """Return further rows of a class, in the columns of the table.

        Args:
            table: all rows, with their target.
            target: name of the target column.
            label: the class, as the target column holds it.
            count: how many rows, at least 1.
            seed: the same for every class.
        """

    def _kinds(self, features: pd.DataFrame) -> dict[str, Kind]:
        """Return what every column holds, judged by all rows, as :func:`load_table` does."""
        named = self.categorical or ()
        return column_kinds(convert_columns(features, (), named), (), named)


class GANOverSampler(TableOverSampler):
    """Tops up rare classes with rows that a GAN made.

    A conditional GAN learns all classes at once; of an unconditional one, each class to be topped up gets its own.
    The original rows come first, unchanged, in the result.

    Args:
        gan: name of a GAN of ours (``"WassersteinGAN"``), a subclass of :class:`BaseGAN`, an instance (whose
            settings are used, not its weights), or a ``class_path`` dict.
        sampling_strategy: imbalanced-learn's: ``"auto"``, ``"minority"``, ..., a ratio, a dict, or a callable.
        max_steps: generator steps, in twenty epochs; 0 samples from an untrained generator.
        batch_size: real rows per discriminator step.
        ema_decay: of the generator's moving average.
        validation_fraction: share of rows held out to choose the checkpoint by the two-sample test; 0 trains on
            all rows and takes the last one.
        numeric_transform: ``quantile``, ``standard`` or ``minmax``.
        categorical: names of columns to take as categories, where their type does not tell.
        calibrate: whether numeric columns get exactly the marginals of the training rows; for unconditional GANs.
        accelerator: Lightning's.
        verbose: whether to show a progress bar.
        random_state: seed, or a numpy random state.

    Attributes:
        sampling_strategy_: rows added per class.
        gans_: the trained GAN of every class that was topped up.
        synthetic_: the rows added, with their target, as a DataFrame.
        history_: per epoch of training, the class, step and last losses and metrics.
    """

    def __init__(
        self,
        gan: str | type[BaseGAN] | BaseGAN | Mapping[str, Any] = "WassersteinGAN",
        *,
        sampling_strategy: Any = "auto",
        max_steps: int = 2000,
        batch_size: int = 128,
        ema_decay: float = 0.99,
        validation_fraction: float = 0.0,
        numeric_transform: NumericTransform = "quantile",
        categorical: list[str] | None = None,
        calibrate: bool = False,
        accelerator: str = "cpu",
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy, categorical=categorical, random_state=random_state)
        self.gan = gan
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.ema_decay = ema_decay
        self.validation_fraction = validation_fraction
        self.numeric_transform = numeric_transform
        self.calibrate = calibrate
        self.accelerator = accelerator
        self.verbose = verbose

    def _fit_resample(self, X: pd.DataFrame, y: Any) -> tuple[Any, Any]:
        self.gans_: dict[Label, BaseGAN] = {}
        self.history_: list[dict[str, Any]] = []
        with quiet_lightning(), torch.random.fork_rng():
            return super()._fit_resample(X, y)

    def _generate(self, table: pd.DataFrame, target: str, label: Label, count: int, seed: int) -> pd.DataFrame:
        self.gans_[label] = self._gan_for(label, table, target, seed)
        return synthesize(self.gans_[label], {_plain(label): count}, seed, self.calibrate).rows

    def _gan_for(self, label: Label, table: pd.DataFrame, target: str, seed: int) -> BaseGAN:
        """Return a trained GAN that generates the class: a new one, or a conditional one trained already."""
        gan_class, settings = resolve_gan(self.gan)
        if gan_class.conditional:
            if self.gans_:
                return next(iter(self.gans_.values()))
            settings = {**settings, "classes": "all"}
        else:
            settings = {**settings, "classes": [_plain(label)]}
        torch.manual_seed(seed)
        data = TabularDataModule(
            frame=table,
            target=target,
            categorical=self.categorical or (),
            numeric_transform=self.numeric_transform,
            test_fraction=0.0,
            validation_fraction=self.validation_fraction,
            split_seed=seed,
            batch_size=self.batch_size,
            steps_per_epoch=max(1, self.max_steps // _EPOCHS),
            seed=seed,
        )
        return self._train(gan_class(**settings), data, label)

    def _train(self, gan: BaseGAN, data: TabularDataModule, label: Label) -> BaseGAN:
        history = _History(label)
        callbacks: list[Callback] = [GeneratorEMA(self.ema_decay), FiniteLossGuard(), history]
        with TemporaryDirectory() as folder:
            best = None
            if self.validation_fraction:
                best = ModelCheckpoint(folder, monitor="val/c2st", mode="min")
                callbacks += [FidelityMonitor(), best]
            Trainer(
                max_steps=self.max_steps,
                max_epochs=-1,
                accelerator=self.accelerator,
                devices=1,
                callbacks=callbacks,
                logger=False,
                enable_checkpointing=best is not None,
                enable_progress_bar=self.verbose,
                enable_model_summary=False,
                limit_val_batches=1.0 if best else 0,
                num_sanity_val_steps=0,
                log_every_n_steps=data.steps_per_epoch,
                default_root_dir=folder,
            ).fit(gan, data)
            self.history_ += history.rows
            return load_gan(best.best_model_path) if best else gan.cpu().eval()


def resolve_gan(
    gan: str | type[BaseGAN] | BaseGAN | Mapping[str, Any],
) -> tuple[type[BaseGAN], dict[str, Any]]:
    """Return the class and the constructor arguments that ``gan`` stands for.

    Raises:
        InputError: if it stands for no GAN.
    """
    settings: dict[str, Any] = {}
    found: Any = gan
    if isinstance(gan, Mapping):
        found, settings = str(gan["class_path"]), dict(gan.get("init_args") or {})
    elif isinstance(gan, BaseGAN):
        found, settings = type(gan), dict(gan.hparams)
    if isinstance(found, str):
        found = getattr(gan_imbalance.gans, found, None) or import_class(found)
    if not (isinstance(found, type) and issubclass(found, BaseGAN)):
        raise InputError(f"{gan!r} is not a GAN: choose one of {', '.join(gan_imbalance.gans.__all__)}.")
    return found, settings


class _History(Callback):
    """Keeps the last losses and metrics of every epoch."""

    def __init__(self, label: Label) -> None:
        self.label = label
        self.rows: list[dict[str, Any]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"class": self.label, "step": trainer.global_step, **figures})


def _plain(label: Any) -> Label:
    """Return a numpy scalar as Python's own."""
    return label.item() if isinstance(label, np.generic) else label  # type: ignore[no-any-return]
