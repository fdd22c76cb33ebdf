"""What over-samplers of tables and of images share: GANs that learn a split's training rows, and seeds."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils import check_random_state

from gan_imbalance.callbacks import FidelityMonitor
from gan_imbalance.components import to_config
from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.files import content_hash, make_once
from gan_imbalance.gans import MinorityTransferGAN
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.oversampling.training import Monitor, resolve_gan, train_gan
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import generate, save_gan
from gan_imbalance.types import InputError, Label

_FROM_SCRATCH = {"pretrain_epochs": 0, "freeze_generator_blocks": 0, "freeze_discriminator_blocks": 0}


class Budget(NamedTuple):
    """How long a training may take, whichever ends first.

    Attributes:
        steps: of the generator; -1 for no limit.
        time: None for no limit.
    """

    steps: int
    time: timedelta | None = None


def refuse_parameters(params: Mapping[str, Any]) -> None:
    """Refuse what ``fit_resample`` is given besides X and y.

    Raises:
        InputError: naming the first.
    """
    for name in params:
        raise InputError(
            f"fit_resample got {name}, but takes X and y alone: added rows would have no {name}; leave it out, and "
            "weigh rows where a classifier is fitted on the result."
        )


class GeneratorOverSampler(BaseOverSampler):  # type: ignore[misc]
    """Tops up rare classes with samples that GANs made.

    A conditional GAN learns all classes at once; of an unconditional one, each class to be topped up gets its own. A
    :class:`~gan_imbalance.gans.MinorityTransferGAN` first learns the samples of all other classes as one class, in a
    run of its own that is kept for all that start alike, and then the class.

    Attributes:
        sampling_strategy_: samples added per class.
        gans_: the trained GAN of every class that was topped up, except those with nothing to learn from.
        history_: per epoch of training, the class, step and last losses and metrics.
    """

    remedy_role: ClassVar[str] = "gan"
    """What a comparison counts it among: ``gan``, ``control`` or ``standard``."""

    gan: Any
    max_steps: Any
    random_state: Any
    pretrain_steps: Any = None
    validation_fraction: Any = 0.0
    cache: Any = None

    def fit_resample(self, X: Any, y: Any, **params: Any) -> Any:
        """Return the original samples and then those added, and their labels; see imbalanced-learn.

        Raises:
            InputError: if there are parameters, such as ``sample_weight``.
        """
        refuse_parameters(params)
        self._begin()
        with quiet_lightning(), torch.random.fork_rng(), self._workplace():
            return super().fit_resample(X, y)

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Refuse samples alone, unless a subclass knows what they are."""
        raise InputError(f"{type(self).__name__} learns a data module: call top_up.")

    def top_up(self, data: ImbalanceDataModule) -> tuple[Any, Indices]:
        """Return samples for the rare classes of a split, made by GANs of its training rows.

        :meth:`fit_resample` does the same for rows alone. Here columns, encoding and split are those of the data
        module, as they are in training by ``gan-imbalance fit``; what this over-sampler says itself comes first.

        Args:
            data: with the split whose training rows are learned.

        Returns:
            The samples added, as a model sees them (features of a table; uint8 images), and their class indices, (n,).

        Raises:
            InputError: if the GAN cannot learn the data.
        """
        self._validate_params()
        self._check_data(data)
        self._begin()
        samples, train = data.samples, data.split.train
        labels = np.array(samples.classes)[samples.labels[train]]
        self.sampling_strategy_ = check_sampling_strategy(self.sampling_strategy, labels, self._sampling_type)
        counts = {samples.classes.index(plain_label(label)): n for label, n in self.sampling_strategy_.items() if n}
        self._seed = draw_seed(self.random_state)
        made = []
        with quiet_lightning(), torch.random.fork_rng(), self._workplace():
            for index, count in counts.items():
                made.append(self._make(data, index, int(count), class_seed(self._seed, index)))
        return self._joined(data, made), np.repeat(list(counts), list(counts.values())).astype(np.int64)

    def _begin(self) -> None:
        self.gans_: dict[Label, BaseGenerator] = {}
        self.history_: list[dict[str, Any]] = []

    @contextmanager
    def _workplace(self) -> Iterator[None]:
        """Have a folder, which all classes share, for what is learned before their own samples are."""
        folder = TemporaryDirectory() if self.cache is None else nullcontext(self.cache)
        with folder as path:
            self._folder = Path(path)
            yield

    def _make(self, data: Any, index: int, count: int, seed: int) -> Any:
        """Return samples of a class, made by its GAN, which is trained first; one that learned all classes serves all.

        Args:
            data: what is learned.
            index: of the class.
            count: how many samples, at least 1.
            seed: of training and sampling; no other class has the same.
        """
        data, label = self._adapted(data), data.samples.classes[index]
        gan_class, settings = resolve_gan(self._given)
        together = learns_all_classes(gan_class, data)
        made = self._repeated(data, index, count, together)
        if made is not None:
            return made
        if together and self.gans_:
            gan = next(iter(self.gans_.values()))
        else:
            settings |= {"classes": "all" if together else [label]}
            budget = self._budget(len(data.rows("train", settings["classes"])), together)
            if issubclass(gan_class, MinorityTransferGAN):
                settings, budget = self._start_of_transfer(gan_class, settings, data, label, budget, seed)
            gan = gan_class(**settings)
            training = self._training(gan, data, budget, seed)
            torch.manual_seed(seed)
            gan, history = train_gan(gan, label=label, **training)
            self.history_ += history
        self.gans_[label] = gan
        return self._sampled(gan, data, index, count, seed)

    @property
    def _given(self) -> Any:
        """Return what ``gan`` stands for; hook for its default."""
        return self.gan

    def _check_data(self, data: Any) -> None:
        """Refuse data that cannot be topped up; hook."""

    def _adapted(self, data: Any) -> Any:
        """Return the data with what this over-sampler says itself; hook."""
        return data

    def _repeated(self, data: Any, index: int, count: int, together: bool) -> Any:
        """Return samples of a class that holds nothing to learn, None where there is something; hook.

        Args:
            data: what would be learned.
            index: of the class.
            count: how many samples, at least 1.
            together: whether all classes would be learned at once.
        """
        return None

    def _budget(self, rows: int, together: bool) -> Budget:
        """Return how long a GAN trains; hook.

        Args:
            rows: how many training rows it learns.
            together: whether these are of all classes.
        """
        return Budget(self.max_steps)

    def _training(self, gan: BaseGenerator, data: Any, budget: Budget, seed: int) -> dict[str, Any]:
        """Return what :func:`train_gan` takes besides GAN and label: the batches, and how to train on them; hook.

        Args:
            gan: what will be trained.
            data: what it learns from.
            budget: how long it trains.
            seed: of training.
        """
        return {"data": data.adapted(seed=seed), "max_steps": budget.steps, "max_time": budget.time}

    def _hold_out(self, batches: Any, seed: int) -> Monitor | None:
        """Hold samples out of what batches are drawn from, and return what goes by them; None where none are to be."""
        if not self.validation_fraction:
            return None
        samples = batches.samples
        batches.split = batches.split.hold_out(self.validation_fraction, samples.labels, samples.groups, seed)
        return self._monitor()

    def _monitor(self) -> Monitor:
        """Return what chooses the checkpoint by samples held out; hook."""
        return FidelityMonitor()

    # -- minority transfer --------------------------------------------------------------------------------------

    def _start_of_transfer(
        self,
        gan_class: type[BaseGenerator],
        settings: dict[str, Any],
        data: Any,
        label: Label,
        budget: Budget,
        seed: int,
    ) -> tuple[dict[str, Any], Budget]:
        """Return the settings with which a minority transfer goes on from the other classes, and the budget left.

        The first phase takes ``pretrain_steps``, or half of the steps, and half of the time.
        """
        settings = {**settings, "majority_penalty": self._penalty(settings, data)}
        if settings.get("pretrained"):
            return settings, budget
        steps, time = budget
        first_steps = self._first_steps(steps)
        if first_steps == 0:
            return {**settings, **_FROM_SCRATCH}, budget
        time = None if time is None else time / 2
        path = self._pretrained(gan_class, settings, data, label, Budget(first_steps, time), seed)
        return {**settings, "pretrained": str(path)}, Budget(steps - first_steps if steps >= 0 else -1, time)

    def _first_steps(self, steps: int) -> int:
        """Return how many steps a minority transfer takes before it sees the class; -1 for as many as the time allows.

        Raises:
            InputError: if they are more than there are in all.
        """
        if steps < 0:
            return -1 if self.pretrain_steps is None else int(self.pretrain_steps)
        first: int = steps // 2 if self.pretrain_steps is None else self.pretrain_steps
        if first > steps:
            raise InputError(f"pretrain_steps is {first}, which is more than the {steps} steps in all: give fewer.")
        return first

    def _pretrained(
        self,
        gan_class: type[BaseGenerator],
        settings: dict[str, Any],
        data: Any,
        label: Label,
        budget: Budget,
        seed: int,
    ) -> Path:
        """Return the checkpoint of a GAN that has learned the other classes as one, made unless it is there."""
        index = data.samples.classes.index(label)
        others = (data.samples.labels != index).astype(np.int64)
        rest = self._unchanged(data).adapted(samples=replace(data.samples, labels=others, classes=(0, 1)))
        first = {**settings, **_FROM_SCRATCH, "majority_penalty": None, "classes": [1]}
        gan = gan_class(**first)
        # rows that the second phase holds out are by its own classes
        split = self._training(gan, data, budget, seed)["data"].split
        training = self._training(gan, rest, budget, seed)
        batches = training["data"].adapted(split=split)
        # the encoding of all samples, since the class has to be told in it later
        batches.setup()
        # more frozen blocks than there are must not be noticed only when the first phase is over
        gan_class(**{**settings, "pretrain_epochs": 1}).build(batches.spec, [0], {})
        learned = [batches.samples.hash, split.train.tolist(), batches.encoding]
        how = [budget, batches.batch_size, batches.steps_per_epoch, training.get("ema_decay"), seed]
        made_from = [gan_class.__name__, to_config(first), learned, how]
        path = self._folder / f"pretrained-{content_hash(made_from)}.ckpt"
        with make_once(path) as missing:
            if missing:
                gan.data_state = batches.state()
                # there is nothing to choose by: what others teach is no end in itself
                training |= {"data": batches, "monitor": None}
                torch.manual_seed(seed)
                learned_gan, history = train_gan(gan, label="others", **training)
                self.history_ += history
                save_gan(learned_gan, path)
        return path

    def _penalty(self, settings: dict[str, Any], data: Any) -> Any:
        """Return the majority penalty of a minority transfer, if there is one; hook that may teach its classifier."""
        return settings.get("majority_penalty")

    def _unchanged(self, data: Any) -> Any:
        """Return the data without what changes their samples in training, which only the class to learn gets; hook."""
        return data

    def _sampled(self, gan: BaseGenerator, data: Any, index: int, count: int, seed: int) -> Any:
        """Return samples of a class by a trained GAN, in the form of the input; hook."""
        return generate(gan, torch.full((count,), index), seed)

    @abstractmethod
    def _joined(self, data: Any, made: list[Any]) -> Any:
        """Return the samples of all classes, which may be none."""


def learns_all_classes(gan_class: type[BaseGenerator], data: ImbalanceDataModule) -> bool:
    """Return whether a GAN learns all classes at once: a conditional one, unless on clusters of a class."""
    return gan_class.conditional and data.encoding.get("clusters") is None


def draw_seed(random_state: Any) -> int:
    """Return a seed drawn from a seed, a numpy random state, or None."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def class_seed(seed: int, index: int) -> int:
    """Return the seed of a class, by its index: from equal latent vectors, two classes would have kindred samples."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])


def plain_label(label: Any) -> Label:
    """Return a numpy scalar as Python's own."""
    return label.item() if isinstance(label, np.generic) else label  # type: ignore[no-any-return]
