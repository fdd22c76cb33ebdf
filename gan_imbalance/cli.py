"""Lightning's subcommands: one LightningCLI for every GAN and the classifier."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pickle import UnpicklingError
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, ClassVar, cast

import pandas as pd
import torch
from jsonargparse import Namespace
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.plugins.io.checkpoint_io import CheckpointIO
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, LightningDataModule, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import ArgsType, LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import CSVLogger
from pytorch_lightning.utilities.exceptions import SIGTERMException
from torch import Tensor

# importing these makes their classes known by short names
import gan_imbalance.classifiers
import gan_imbalance.data  # noqa: F401
from gan_imbalance.callbacks import (
    CollapseMonitor,
    ColumnPairPlots,
    CriticMonitor,
    FeatureDistanceMonitor,
    FidelityMonitor,
    FiniteLossGuard,
    GeneratorEMA,
    ImageGrid,
    RunRecord,
    SamplePage,
)
from gan_imbalance.callbacks.record import AtomicCheckpointIO, LastCheckpoint, SaveRunConfig
from gan_imbalance.checkpoints import read_module
from gan_imbalance.components import import_class
from gan_imbalance.devices import spare_gpu_lookups
from gan_imbalance.files import atomic_path
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.interruption import Interrupted
from gan_imbalance.tracking import finish_run, run_folder, wandb_logger
from gan_imbalance.trust import packages_of, trusting
from gan_imbalance.types import InputError

RUNS = "runs"
_LIGHTNINGS_OWN_PATHS = ("best", "last", "hpc", "registry")
_GENERATOR_CALLBACKS = {
    "ema": GeneratorEMA,
    "guard": FiniteLossGuard,
    "critic": CriticMonitor,
    "fidelity": FidelityMonitor,
    "collapse": CollapseMonitor,
    "plots": ColumnPairPlots,
    "image_distances": FeatureDistanceMonitor,
    "image_grid": ImageGrid,
    # shows what the grid has drawn
    "sample_page": SamplePage,
}


class GanImbalanceCLI(LightningCLI):
    """LightningCLI with the callbacks that every generator wants, and loggers that ask nobody anything.

    Each standard callback is a group of options of its own: ``--ema.decay 0.999``.
    """

    wanted: ClassVar[str]
    """The subcommand that is asked for; parsers of the others take as long to make."""
    further_callbacks: ClassVar[Sequence[Callback]] = ()
    """Callbacks besides those that settings name."""

    @classmethod
    def subcommands(cls) -> dict[str, set[str]]:
        """Return the subcommand that is asked for, with the arguments of the trainer's method that it lacks."""
        return {cls.wanted: LightningCLI.subcommands()[cls.wanted]}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the standard callbacks, and defaults that suit small data."""
        for key, callback in _GENERATOR_CALLBACKS.items():
            parser.add_lightning_class_args(callback, key)
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.add_argument(
            "--upload_artifacts",
            type=bool,
            default=False,
            help="whether checkpoints and synthetic rows go to Weights & Biases, and not only figures and plots",
        )
        parser.add_argument(
            "--trust",
            type=str | list[str],
            default=[],
            help="packages or classes that checkpoints may name, besides those that the settings name: my_package",
        )
        parser.set_defaults(
            {
                "checkpoint.auto_insert_metric_name": False,
                "checkpoint.filename": "epoch_{epoch:05d}",
                "trainer.num_sanity_val_steps": 0,
            }
        )

    @property
    def said(self) -> Namespace:
        """The settings of the subcommand as the user gave them."""
        return self.config[self.subcommand]  # type: ignore[no-any-return]

    @property
    def built(self) -> Namespace:
        """The settings of the subcommand with the objects that they describe."""
        return self.config_init[self.subcommand]  # type: ignore[no-any-return]

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, and hold the checkpoint back until Lightning has looked for one.

        It would take a checkpoint's hyper-parameters for the configuration, which is the user's to say.
        """
        # not Lightning's own way, which warns of arguments in a program that has some itself, as every command has
        self.config = parser.parse_args(cast(Sequence[str], args))
        settings = self.config[self.config.subcommand]
        self._checkpoint_path, settings.ckpt_path = settings.ckpt_path, None

    def before_instantiate_classes(self) -> None:
        """Make sure of the subcommand and of the checkpoint before anything is built."""
        path = self.said.ckpt_path = self._checkpoint_path
        is_generator = issubclass(import_class(self.said.model.class_path), BaseGenerator)
        if is_generator and self.subcommand in ("test", "predict"):
            raise InputError(f"A generator has nothing to {self.subcommand}: validate it, or synthesize rows with it.")
        if not path and self.subcommand != "fit":
            raise InputError(f"Say by --ckpt_path which checkpoint to {self.subcommand}.")
        self._checkpoint: dict[str, Any] = {}
        if path and path not in _LIGHTNINGS_OWN_PATHS:
            self._checkpoint = read_module(path, "generator" if is_generator else "classifier")

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Return the trainer, with callbacks that keep the run; standard loggers join it later."""
        settings = self.built.trainer
        self._has_standard_loggers = settings.logger is None
        if self._has_standard_loggers:
            kwargs["logger"] = False
        # added behind all others
        self.trainer_defaults["callbacks"] = [
            LastCheckpoint(self.built.checkpoint.dirpath),
            RunRecord(self.built.upload_artifacts),
            *self.further_callbacks,
        ]
        try:
            plugins = _without_requeueing(settings.plugins, settings.strategy)
            if not any(isinstance(one, CheckpointIO) for one in plugins):
                plugins.append(AtomicCheckpointIO())
            kwargs["plugins"] = plugins
            return super().instantiate_trainer(**kwargs)
        except ValueError as error:
            raise InputError(f"The trainer's settings do not work: {error}") from error

    def after_instantiate_classes(self) -> None:
        """Set up data, model and callbacks as the trainer will, so that bad input leaves no traces of a run behind."""
        # what the settings name runs anyhow
        with trusting(packages_of(self.said.as_dict())), trusting(self.said.trust):
            self._set_up()

    def _set_up(self) -> None:
        trainer, model, data = self.trainer, self.model, self.datamodule
        trainer.strategy.connect(model)
        trainer.datamodule = data  # type: ignore[attr-defined]
        model.trainer = data.trainer = trainer
        data.setup(self.subcommand)
        kind = data.spec.kind
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        unusable = {self.built[key] for key, one in _GENERATOR_CALLBACKS.items() if not _can_watch(one, model)}
        callbacks = [one for one in callbacks if kind in getattr(one, "kinds", (kind,)) and one not in unusable]
        trainer.callbacks = callbacks  # type: ignore[attr-defined]
        model.setup(self.subcommand)
        model.configure_model()
        if self._checkpoint:
            model.on_load_checkpoint(self._checkpoint)
            if _shapes(model.state_dict()) != _shapes(self._checkpoint["state_dict"]):
                raise InputError(
                    f"The networks of {self._checkpoint_path} differ from the model's: use the model "
                    "that it was trained with (config.yaml in the folder of its run)."
                )
        for callback in callbacks:
            if isinstance(callback, tuple(_GENERATOR_CALLBACKS.values())):
                callback.setup(trainer, model, str(self.subcommand))
        if self._has_standard_loggers and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            # the first one's folder is the run's
            trainer.loggers = [CSVLogger(RUNS, name=type(model).__name__), wandb_logger(RUNS)]

    def before_run(self) -> None:
        """Leave SIGTERM to the trainer, which ends behind a step."""
        handler = signal.getsignal(signal.SIGTERM)

        def stand_aside(number: int, frame: FrameType | None) -> None:
            if not self.trainer.received_sigterm and callable(handler):
                handler(number, frame)

        if current_thread() is main_thread():
            signal.signal(signal.SIGTERM, stand_aside)

    before_fit = before_validate = before_test = before_predict = before_run

    def after_fit(self) -> None:
        """Say which checkpoints there are."""
        if not self.trainer.is_global_zero or self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        for one in self.trainer.checkpoint_callbacks:
            if isinstance(one, ModelCheckpoint) and one.monitor and one.best_model_path:
                print(f"The best checkpoint by {one.monitor} is {one.best_model_path}")
        last = next(one for one in self.trainer.checkpoint_callbacks if isinstance(one, LastCheckpoint))
        if last.last_model_path:
            print(f"The last checkpoint is {last.last_model_path}")
        else:
            print("Nothing was trained, so there is no new checkpoint: raise trainer.max_epochs.")

    def predict(self, **settings: Any) -> None:
        """Write the class probabilities of the test rows to ``predictions.csv`` in the folder of the run."""
        data = self.datamodule
        batches = cast(list[Tensor], self.trainer.predict(**settings))
        if not batches:
            raise InputError("The test part is empty, so there is nothing to predict: raise test_fraction.")
        columns = [f"probability_{label}" for label in data.spec.classes]
        table = pd.DataFrame(torch.cat(batches).cpu().numpy(), columns=columns)
        table.insert(0, "row", data.split.test)
        if self.trainer.is_global_zero:
            with atomic_path(run_folder(self.trainer) / "predictions.csv") as path:
                table.to_csv(path, index=False)
            print(f"Wrote the probabilities of {len(table)} rows to {run_folder(self.trainer) / 'predictions.csv'}")


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in state.items()}


def run_lightning(arguments: Sequence[str], callbacks: Sequence[Callback] = ()) -> int:
    """Run one of Lightning's subcommands, and return the exit code.

    Args:
        arguments: the subcommand and its options.
        callbacks: further ones of the trainer.

    Raises:
        InputError: if input or settings cannot be used.
    """
    no_exit: dict[str, Any] = {"exit_on_error": False}
    spare_gpu_lookups()
    wanted = arguments[0]
    try:
        type("CLI", (GanImbalanceCLI,), {"wanted": wanted, "further_callbacks": callbacks})(
            LightningModule,
            LightningDataModule,
            save_config_callback=SaveRunConfig,
            seed_everything_default=0,
            subclass_mode_model=True,
            subclass_mode_data=True,
            auto_configure_optimizers=False,
            parser_kwargs={**no_exit, wanted: no_exit},
            args=list(arguments),
        )
    except MisconfigurationException as error:
        raise InputError(" ".join(str(error).split())) from error
    # what Lightning finds by a name of its own, such as last, is not read here before
    except UnpicklingError as error:
        raise InputError(
            "The checkpoint holds something else than tensors and plain values, which could run code, so nothing was "
            "loaded: take another one."
        ) from error
    except SIGTERMException as error:
        raise Interrupted(signal.SIGTERM, *getattr(error, "__notes__", ())) from error
    finally:
        finish_run()
    return 0


def _without_requeueing(given: Any, strategy: Any) -> list[Any]:
    """Return the trainer's plugins, with a SLURM job's environment that leaves requeueing to the job's script.

    It would save wherever in a step a process is when the signal comes, but a checkpoint holds the random state of
    every process, for which all must come to the same point: they would wait for each other for ever.
    """
    plugins: list[Any] = [] if given is None else [*given] if isinstance(given, list) else [given]
    stated = (*plugins, getattr(strategy, "cluster_environment", None))
    environments = [one for one in stated if isinstance(one, ClusterEnvironment)]
    # what a trainer finds by itself; torchrun comes first, also within a job
    if not environments and SLURMEnvironment.detect() and not TorchElasticEnvironment.detect():
        environments = [SLURMEnvironment()]
        plugins += environments
    for environment in environments:
        if isinstance(environment, SLURMEnvironment):
            environment.auto_requeue = False
    return plugins


def _can_watch(callback: type[Callback], model: LightningModule) -> bool:
    """Return whether a callback is for a module: for any generator, unless it says which ones."""
    return isinstance(model, getattr(callback, "watches", BaseGenerator))
