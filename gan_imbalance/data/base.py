"""What tables, images and series have in common: one split, classes that are learned, batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import cached_property, partial
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt
import pytorch_lightning as pl
import torch
from torch import Tensor

from gan_imbalance.data.imbalance import Indices
from gan_imbalance.data.loaders import Batch, Draw, SequentialLoader, TensorLoader, draw_balanced, draw_uniform
from gan_imbalance.data.split import Part, Split, split_rows
from gan_imbalance.trust import packages_of, trusting
from gan_imbalance.types import ClassSelection, DataKind, DataSpec, InputError, Label, find_class

A_TABLE: Any = {"class_path": "gan_imbalance.TabularDataModule"}
"""What an argument for data is if not given: on the command line, options of data without a class are a table's."""


class Samples(Protocol):
    """What samples of every kind tell of themselves; n of them.

    Attributes:
        kind: of data.
    """

    kind: ClassVar[DataKind]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Class index of every sample, shape (n,)."""

    @property
    def classes(self) -> tuple[Label, ...]:
        """Every class."""

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """Equal for samples that stay on one side of every split, shape (n,)."""

    @property
    def test_rows(self) -> npt.NDArray[np.bool_] | None:
        """Mask of the samples of a separate test set, shape (n,), if there is one."""

    @property
    def hash(self) -> str:
        """16 hex digits that change with any value."""


class ImbalanceDataModule(pl.LightningDataModule, ABC):
    """Samples, split once, as batches for a GAN or a classifier.

    What it gives depends on the module that a trainer fits. A GAN says by ``class_selections`` which classes
    it learns: everything is fitted on the training rows of those classes, and a step is a stack of
    ``batches_per_step`` batches of (samples, conditions). Any other module, or none, gets every class
    and plain batches of (samples, class indices).

    Samples lie on the device as they are stored; a batch of them becomes what a network sees after it was drawn.

    Args:
        classes: which classes a GAN learns; must agree with what the GAN says.
        test_fraction: share of the rows for the final judgement; not used where there is a separate test set.
        validation_fraction: share of the rows for choices.
        keep: of a class, the number (whole) or share (in (0, 1]) of its training rows to keep; the others
            become the reserve.
        split_seed: seed of the split.
        batch_size: rows per batch, in every process where several train together.
        steps_per_epoch: training steps per epoch, whatever the number of rows; drawn with replacement.
        balanced: whether a GAN's conditions are drawn equally often, or as often as there are rows.
        seed: seed of the batches.

    Raises:
        InputError: if a number is too small.
    """

    evaluated_at_once: ClassVar[int] = 16384
    """Rows per batch of validation, test and prediction."""

    sources: ClassVar[tuple[str, ...]] = ()
    """Attributes that say where the samples are; they are left behind once the samples were read."""

    def __init__(
        self,
        classes: ClassSelection | None = None,
        test_fraction: float = 0.2,
        validation_fraction: float = 0.1,
        keep: dict[str, int | float] | None = None,
        split_seed: int = 0,
        batch_size: int = 128,
        steps_per_epoch: int = 100,
        balanced: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.classes = classes
        self.test_fraction = test_fraction
        self.validation_fraction = validation_fraction
        self.keep = keep
        self.split_seed = split_seed
        self.batch_size = batch_size
        self.steps_per_epoch = steps_per_epoch
        self.balanced = balanced
        self.seed = seed
        self.spec: DataSpec
        self._trained: tuple[int, ...] = ()
        self._encoded: dict[tuple[Part, tuple[int, ...]], Batch] = {}
        for name, number in (("batch_size", batch_size), ("steps_per_epoch", steps_per_epoch)):
            if number < 1:
                raise InputError(f"{name} is {number}; it must be at least 1.")

    # -- what a kind of data tells ------------------------------------------------------------------------------

    @property
    @abstractmethod
    def samples(self) -> Samples:
        """All samples, read once."""

    @property
    @abstractmethod
    def encoding(self) -> dict[str, Any]:
        """All settings, in plain values, that decide what a generator sees of the training rows, and how often."""

    @abstractmethod
    def fit_encoding(self, trained: tuple[int, ...], given: Mapping[str, Any]) -> DataSpec:
        """Fit what turns samples into tensors, and return what a network must know of them.

        Args:
            trained: indices of the classes that are learned; nothing but their training rows may be looked at.
            given: the state that a GAN brings along, of the same split, whose networks were made for it; or empty.
        """

    @abstractmethod
    def stored(self, rows: Indices) -> Tensor:
        """Return samples as they lie on the device, (n, ...)."""

    @abstractmethod
    def stored_synthetic(self, synthetic: Any) -> Batch:
        """Return synthetic samples in the input's own form as they lie on the device, (n, ...), and their classes (n,).

        Raises:
            InputError: if they are of another form than the data.
        """

    @abstractmethod
    def as_exported(self, samples: Tensor) -> Tensor:
        """Return samples, as a network sees them, as they look after export to the input's form and back."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs to decode samples, and the hash of the split: plain values and tensors."""

    def as_input(self, stored: Tensor) -> Tensor:
        """Return stored samples (n, ...) as a network sees them, (n, ...); hook for those stored in another form."""
        return stored

    def as_training_input(self, stored: Tensor) -> Tensor:
        """Return stored samples as a network sees them in training; hook for augmentation."""
        return self.as_input(stored)

    def kept_rows(self, split: Callable[..., Split]) -> dict[int, int | float]:
        """Return how many training rows of a class index, or which share of them, stay: hook.

        Args:
            split: gives the split before anything is left out.
        """
        return {find_class(label, self.samples.classes): amount for label, amount in (self.keep or {}).items()}

    def adapted(self, **changes: Any) -> Self:
        """Return the same samples and split with other settings, nothing fitted yet, and without a trainer.

        Args:
            changes: attributes that differ, such as ``split`` or ``batch_size``.
        """
        other = copy(self)
        fresh: dict[str, Any] = {"samples": self.samples, "trainer": None, "_trained": (), "_encoded": {}}
        for name, value in {**fresh, **dict.fromkeys(self.sources), **changes}.items():
            setattr(other, name, value)
        return other

    # -- who may see what ---------------------------------------------------------------------------------------

    @cached_property
    def split(self) -> Split:
        """Which rows serve what."""
        return self.split_with(self.split_seed)

    def split_with(
        self,
        seed: int,
        fold: int | None = None,
        folds: int | None = None,
        minority_rows: int | None = None,
        imbalance_ratio: float | None = None,
    ) -> Split:
        """Return the split that these settings make with another seed, test part or training part.

        The minority is the class with the fewest training rows that ``keep`` leaves (the first of several),
        the majority the one with the most. Whatever number or ratio is asked for, validation and test part
        stay the same, and fewer training rows of a class are a subset of more.

        Args:
            seed: of the split.
            fold: which of the seed's folds is the test part, from 0, instead of ``test_fraction``.
            folds: number of folds, at least 2.
            minority_rows: training rows of the minority, in place of what ``keep`` says of that class; the
                others become the reserve.
            imbalance_ratio: training rows of the majority per row of the minority, above 1. Alone, it says
                how many minority rows are kept; with ``minority_rows``, how many majority rows.

        Raises:
            InputError: if the samples cannot be split so, or a class has fewer rows than are asked for.
        """
        samples = self.samples
        split = partial(
            split_rows,
            samples.labels,
            samples.groups,
            self.test_fraction,
            self.validation_fraction,
            seed,
            test_rows=samples.test_rows,
            classes=samples.classes,
            fold=fold,
            folds=folds,
        )
        keep = self.kept_rows(split)
        whole = split(keep=keep)
        if minority_rows is None and imbalance_ratio is None:
            return whole
        minority, majority = self._amounts(whole, minority_rows, imbalance_ratio)
        return split(keep={**keep, **minority}, then_keep=majority)

    def resolve(self, selection: ClassSelection) -> tuple[int, ...]:
        """Return the class indices of a selection, ascending.

        The minority is the class with the fewest training rows (the first of several).

        Raises:
            InputError: if a class is unknown or none is named.
        """
        classes = self.samples.classes
        minority = int(np.argmin(self.class_counts()))
        everything = tuple(range(len(classes)))
        if selection == "all":
            return everything
        if selection == "minority":
            return (minority,)
        if selection == "majority":
            return tuple(index for index in everything if index != minority)
        labels = [selection] if isinstance(selection, str) else selection
        if not labels:
            raise InputError("The selection of classes is empty; name at least one.")
        return tuple(sorted({find_class(label, classes) for label in labels}))

    def rows(self, part: Part, selection: ClassSelection = "all") -> Indices:
        """Return the positions in :attr:`samples` of a part's rows of the selected classes, ascending."""
        return self._rows_of(part, self.resolve(selection))

    def class_counts(self) -> list[int]:
        """Return the number of training rows of each class."""
        counts: list[int] = self._count(self.split.train).tolist()
        return counts

    # -- tensors ------------------------------------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Fit the encoding on the training rows of the classes that are learned, unless it is already.

        Raises:
            InputError: if the samples cannot be used, or the settings contradict the module's.
        """
        trained = self._resolve_trained()
        # constraints of one's own, which a checkpoint may name
        with trusting(packages_of(vars(self))):
            given = getattr(self._module(), "given_data_state", {})
        if trained == self._trained and not given:
            return
        if given and given["split_hash"] != self.split.hash:
            raise InputError(
                "The GAN was trained on another split, so it may know rows that are held out here; "
                "use the data settings (file, fractions, keep, split_seed) that it was trained with."
            )
        self._encoded.clear()
        self.spec = self.fit_encoding(trained, given)
        self._trained = trained

    def encoded(self, part: Part, selection: ClassSelection = "all") -> Batch:
        """Return the samples of a part as a network sees them.

        Returns:
            Samples, float32 of shape (n, ...), and conditions, int64 of shape (n,): positions in
            ``spec.condition_classes`` (-1 for a class that is not learned). Where all classes are
            learned and there are no clusters, these are the class indices.
        """
        stored, conditions = self._encode(part, self.resolve(selection))
        return self.as_input(stored), conditions

    def train_dataloader(self) -> TensorLoader:
        """Return random batches of the training rows, on the trainer's device."""
        module = self._module()
        stored, conditions = self._on_device("train")
        learns_classes = hasattr(module, "class_selections")

        def draw() -> Draw:
            rows = self._current_rows("train")
            if learns_classes and self.balanced and self.spec.num_conditions > 1:
                return draw_balanced(rows, self._encode("train", self._trained)[1][rows])
            return draw_uniform(rows)

        return TensorLoader(
            stored,
            conditions,
            draw,
            batch_size=self.batch_size,
            steps_per_epoch=self.steps_per_epoch,
            batches_per_step=getattr(module, "batches_per_step", None),
            seed=self.seed,
            rank=self.trainer.global_rank if self.trainer else 0,
            world_size=self.trainer.world_size if self.trainer else 1,
            transform=self.as_training_input,
        )

    def val_dataloader(self) -> SequentialLoader | list[Any]:
        """Return the validation rows in order; no loader where the part is empty."""
        return self._sequential("validation")

    def test_dataloader(self) -> SequentialLoader | list[Any]:
        """Return the test rows in order; no loader where the part is empty."""
        return self._sequential("test")

    def predict_dataloader(self) -> SequentialLoader | list[Any]:
        """Return the test rows in order, as :meth:`test_dataloader` does."""
        return self.test_dataloader()

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Return the batch as it is: it was indexed out of tensors that lie on the device."""
        return batch

    def _amounts(
        self, split: Split, minority_rows: int | None, imbalance_ratio: float | None
    ) -> tuple[dict[int, int], dict[int, int]]:
        """Return how many training rows of the minority to keep, and of the majority if any are to go."""
        classes, counts = self.samples.classes, self._count(split.train)
        minority = int(counts.argmin())
        # Where all classes have equally many rows, the majority is still another one.
        majority = int(np.where(np.arange(len(classes)) == minority, 0, counts).argmax())
        available = int(counts[minority] + self._count(split.reserve)[minority])
        require_ratio(imbalance_ratio)
        kept: dict[int, int] = {}
        then_kept: dict[int, int] = {}
        if minority_rows is not None:
            kept = {minority: _require_rows("minority_rows", minority_rows, available, classes[minority])}
        elif imbalance_ratio is not None:
            wanted = round(int(counts[majority]) / imbalance_ratio)
            option = f"imbalance_ratio {imbalance_ratio}"
            kept = {minority: _require_rows(option, wanted, available, classes[minority])}
        if minority_rows is not None and imbalance_ratio is not None:
            wanted = round(imbalance_ratio * minority_rows)
            option = f"imbalance_ratio {imbalance_ratio} with {minority_rows} minority_rows"
            then_kept = {majority: _require_rows(option, wanted, int(counts[majority]), classes[majority])}
        return kept, then_kept

    def _count(self, rows: Indices) -> npt.NDArray[np.int64]:
        """Return how many of ``rows`` each class has, shape (classes,)."""
        return np.bincount(self.samples.labels[rows], minlength=len(self.samples.classes))

    def _module(self) -> Any:
        return self.trainer.lightning_module if self.trainer else None

    def _resolve_trained(self) -> tuple[int, ...]:
        """Return the indices of the classes that are learned."""
        module = self._module()
        selections = getattr(module, "class_selections", None)
        if selections is None:
            if module is not None and self.classes is not None:
                raise InputError("`classes` says what a GAN learns, but a classifier learns all; remove it.")
            selections = [self.classes or "all"]
        trained = tuple(sorted({index for one in selections for index in self.resolve(one)}))
        if self.classes is not None and trained != self.resolve(self.classes):
            names = [self.samples.classes[index] for index in trained]
            raise InputError(
                f"The data module is set to classes {self.classes!r}, but the GAN learns {names!r}; set only the GAN's."
            )
        return trained

    def _rows_of(self, part: Part, classes: Sequence[int]) -> Indices:
        rows = self.split.rows(part)
        return rows[np.isin(self.samples.labels[rows], classes)]

    def _current_rows(self, part: Part) -> Tensor:
        """Return the positions, among the part's rows of the learned classes, of those learned now."""
        labels = self.samples.labels[self._rows_of(part, self._trained)]
        current = getattr(self._module(), "class_selection", None)
        classes = self._trained if current is None else self.resolve(current)
        return torch.from_numpy(np.flatnonzero(np.isin(labels, classes)))

    def _encode(self, part: Part, classes: tuple[int, ...]) -> Batch:
        """Return the stored samples of a part, and their conditions."""
        if (part, classes) not in self._encoded:
            rows = self._rows_of(part, classes)
            stored = self.stored(rows)
            self._encoded[part, classes] = stored, self._conditions(stored, self.samples.labels[rows])
        return self._encoded[part, classes]

    def _conditions(self, stored: Tensor, labels: Indices) -> Tensor:
        """Return the condition of every sample, shape (n,)."""
        first = np.full(len(self.samples.classes), -1)
        first[list(self._trained)] = np.arange(len(self._trained))
        return torch.from_numpy(first[labels])

    def _on_device(self, part: Part) -> Batch:
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        stored, conditions = self._encode(part, self._trained)
        return stored.to(device), conditions.to(device)

    def _sequential(self, part: Part) -> SequentialLoader | list[Any]:
        stored, conditions = self._on_device(part)
        if not len(conditions):
            return []
        return SequentialLoader(
            stored, conditions, lambda: self._current_rows(part), self.evaluated_at_once, self.as_input
        )


def require_ratio(imbalance_ratio: float | None) -> None:
    """Raise unless a ratio of the most to the fewest rows, if there is one, is a number above 1."""
    if imbalance_ratio is not None and not 1 < imbalance_ratio < np.inf:
        raise InputError(f"imbalance_ratio is {imbalance_ratio}; give a number above 1.")


def _require_rows(option: str, wanted: float, available: int, label: Label) -> int:
    """Return the number of rows that an option asks for, or raise if the class has fewer."""
    if wanted != int(wanted) or not 1 <= wanted <= available:
        raise InputError(
            f"{option} asks for {wanted} rows of class {label!r}, whose training part has {available}; "
            f"ask for 1 to {available}."
        )
    return int(wanted)
