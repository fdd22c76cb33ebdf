"""What over-samplers of tables and of images share: GANs that learn a split's training rows, and seeds."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np
import torch
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy
from sklearn.utils import check_random_state

from gan_imbalance.data import ImbalanceDataModule
from gan_imbalance.data.imbalance import Indices
from gan_imbalance.generators import BaseGenerator
from gan_imbalance.oversampling.training import resolve_gan, train_gan
from gan_imbalance.quiet import quiet_lightning
from gan_imbalance.synthesis import generate
from gan_imbalance.types import InputError, Label


class GeneratorOverSampler(BaseOverSampler):  # type: ignore[misc]
    """Tops up rare classes with samples that GANs made.

    A conditional GAN learns all classes at once; of an unconditional one, each class to be topped up gets its own.

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

    def fit_resample(self, X: Any, y: Any, **params: Any) -> Any:
        """Return the original samples and then those added, and their labels; see imbalanced-learn."""
        self._begin()
        with quiet_lightning(), torch.random.fork_rng(), self._workplace():
            return super().fit_resample(X, y, **params)

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

    def _workplace(self) -> AbstractContextManager[Any]:
        """Return what is there while samples of all classes are made; hook."""
        return nullcontext()

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
            training = self._training(gan_class, settings, data, label, seed)
            torch.manual_seed(seed)
            gan, history = train_gan(label=label, **training)
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

    def _training(
        self, gan_class: type[BaseGenerator], settings: dict[str, Any], data: Any, label: Label, seed: int
    ) -> dict[str, Any]:
        """Return the arguments of :func:`train_gan` but the label: what to train, on which batches, for how long; hook.

        Args:
            gan_class: of what is trained.
            settings: its constructor arguments, with the classes that it learns.
            data: what it learns from.
            label: the class that it is trained for.
            seed: of training.
        """
        return {"gan": gan_class(**settings), "data": data.adapted(seed=seed), "max_steps": self.max_steps}

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
