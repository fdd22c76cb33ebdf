"""What generators and classifiers share: networks that are built from the data, and complete checkpoints."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning_fabric.utilities.data import AttributeDict

from gan_imbalance.distributed import ResumableModule, trainer_of
from gan_imbalance.files import without_folders
from gan_imbalance.types import DataSpec, InputError


class DataBoundModule(ResumableModule, ABC):
    """A module whose networks are built for the data that it meets: a generator, a classifier.

    Whoever trains it builds it by Lightning's ``configure_model``, from the trainer's data module; a checkpoint builds
    it again, without data.
    """

    checkpoint_key: ClassVar[str]
    """Where its checkpoints keep what it was built for; by this they are told from those of other modules."""

    def __init__(self) -> None:
        super().__init__()
        self._spec: DataSpec | None = None
        self.data_state: dict[str, Any] = {}

    @property
    def is_built(self) -> bool:
        """Return whether the networks are there."""
        return self._spec is not None

    @property
    def spec(self) -> DataSpec:
        """Return what the networks were built for.

        Raises:
            RuntimeError: if they were not built yet.
        """
        if self._spec is None:
            raise RuntimeError(
                f"The networks of this {type(self).__name__} are not built yet: train it with a data module, load a "
                "checkpoint, or call build()."
            )
        return self._spec

    @property
    def hparams_initial(self) -> AttributeDict:
        """Return the settings as loggers keep them."""
        return AttributeDict(without_folders(super().hparams_initial))

    def build(self, spec: DataSpec, classes: Sequence[int], data_state: dict[str, Any]) -> None:
        """Build the networks for the data at hand, or make sure that they were built for it.

        Args:
            spec: what the networks must know of the data.
            classes: of a generator, the indices of the classes that it will be able to generate; of a classifier, the
                number of real training rows of each class.
            data_state: the data module's plain state (transformer, schema, split hash), kept in checkpoints.

        Raises:
            InputError: if they were built for other data.
        """
        if self._spec is None:
            # networks may ask for it
            self._spec = spec
            try:
                self._build_networks(spec)
            except InputError:
                self._spec = None
                raise
        elif self._spec != spec or self.data_state.get("split_hash") != data_state.get("split_hash"):
            raise InputError(
                "The networks were built for other data than this (its columns, categories, classes or split "
                "differ): use the data configuration and split that they were trained with."
            )
        self.classes_given = tuple(classes)
        self.data_state = data_state

    def configure_model(self) -> None:
        """Build the networks from the trainer's data module, if there is one, and :meth:`learn_from` it."""
        data = data_of(self)
        if data is not None:
            # a seed then draws the same weights for every device; Lightning's default here is the trainer's
            with torch.device("cpu"):
                self.build(data.spec, self._classes_of(data), data.state())
                self.learn_from(data)

    def learn_from(self, data: Any) -> None:
        """Learn from the training rows of a data module what no gradient teaches; hook, nothing by default."""

    @abstractmethod
    def _build_networks(self, spec: DataSpec) -> None:
        """Build the networks, once."""

    @abstractmethod
    def _classes_of(self, data: Any) -> Sequence[int]:
        """Return what :meth:`build` must know of the classes of a data module."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what makes the checkpoint complete: class, data specification and state, random state."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["hyper_parameters"] = without_folders(dict(checkpoint.get("hyper_parameters", {})))
        _move_best(checkpoint, ".")
        checkpoint[self.checkpoint_key] = {
            "class_path": f"{type(self).__module__}.{type(self).__qualname__}",
            "spec": self.spec.to_dict(),
            "classes": list(self.classes_given),
            "data_state": self.data_state,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the networks, or make sure that they fit, before their weights are loaded."""
        super().on_load_checkpoint(checkpoint)
        path = getattr(trainer_of(self), "ckpt_path", None)
        if path is not None:
            _move_best(checkpoint, os.path.realpath(Path(path).parent))
        saved = checkpoint[self.checkpoint_key]
        self.build(DataSpec.from_dict(saved["spec"]), saved["classes"], saved["data_state"])


def _move_best(checkpoint: dict[str, Any], folder: str) -> None:
    """Let what a checkpoint knows of the best ones lie in another folder; that of the checkpoint itself is ``.``."""
    callbacks = checkpoint.get("callbacks", {})
    for name, state in callbacks.items():
        if isinstance(state, Mapping) and "best_k_models" in state:
            moved = {key: _moved(path, folder) for key, path in state.items() if key.endswith("_path")}
            best = {_moved(path, folder): score for path, score in state["best_k_models"].items()}
            callbacks[name] = {**state, **moved, "best_k_models": best, "dirpath": folder}


def _moved(path: str, folder: str) -> str:
    return os.path.normpath(os.path.join(folder, os.path.basename(path))) if path else path


def data_of(module: DataBoundModule) -> Any:
    """Return the data module of the trainer of a module, or None if there is none."""
    return getattr(trainer_of(module), "datamodule", None)
