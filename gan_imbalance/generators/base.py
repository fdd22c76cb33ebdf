"""What all generators share: what they learn, exact sampling, complete checkpoints."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from inspect import Parameter, signature
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from gan_imbalance.components import to_config
from gan_imbalance.modules import DataBoundModule
from gan_imbalance.networks import evaluation_mode
from gan_imbalance.seeding import seeded
from gan_imbalance.types import EVERY_KIND, ClassSelection, DataKind, DataSpec, InputError, plural

# small enough for the activations of rows to stay in the cache of a processor, and those of images and series in memory
_SAMPLE_CHUNK = 2048
_SAMPLE_CHUNK_PIXELS = 2**18


class BaseGenerator(DataBoundModule):
    """Something that learns samples of classes and makes further ones: a GAN, a diffusion model.

    A new one overrides :meth:`build_networks`, :attr:`ema_target`, :meth:`generate`, ``training_step`` and
    ``configure_optimizers``; its constructor passes ``classes`` on, and keeps its parameters as attributes. Whether it
    is conditional is decided by its class (:attr:`conditional`).

    A ``training_step`` receives a batch of samples (n, *shape) and their conditions (n,), or a stack of
    :attr:`batches_per_step` of them, and returns its losses by name.

    Args:
        classes: what it learns: ``minority`` (the rarest class), ``majority``, ``all``, or a list of labels.
    """

    checkpoint_key: ClassVar[str] = "generator"

    conditional: ClassVar[bool] = False
    """Whether the networks are conditioned on the class (or cluster) of every sample; others ignore it."""

    kinds: ClassVar[tuple[DataKind, ...]] = EVERY_KIND
    """The kinds of data that it can learn."""

    _init_args: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Note the constructor arguments of the class itself, not of its bases: those that make it again."""
        generator = super().__new__(cls)
        parameters = signature(cls.__init__)
        # a copy is made without arguments
        bound = parameters.bind_partial(generator, *args, **kwargs)
        bound.apply_defaults()
        given: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            given |= value if parameters.parameters[name].kind is Parameter.VAR_KEYWORD else {name: value}
        # before nn.Module is there to take attributes
        object.__setattr__(generator, "_init_args", given)
        return generator

    def __init__(self, classes: ClassSelection = "minority") -> None:
        super().__init__()
        self.save_hyperparameters({name: to_config(value) for name, value in self._init_args.items()})
        # modules among them are copied, and belong to no one here
        del self._init_args
        self.classes = classes

    @property
    @abstractmethod
    def ema_target(self) -> nn.Module:
        """The network that samples come from, whose weights may be averaged."""

    @property
    def batches_per_step(self) -> int | None:
        """Return how many batches a step gets, stacked; None for one that is not."""
        return None

    # -- what it learns from ------------------------------------------------------------------------------------

    @property
    def given_data_state(self) -> dict[str, Any]:
        """Return the data state that training starts from: a loaded checkpoint's, or empty."""
        return self.data_state

    @property
    def class_selection(self) -> ClassSelection:
        """Return the classes it learns at present."""
        return self.classes

    @property
    def class_selections(self) -> Sequence[ClassSelection]:
        """Return every selection that training goes through; the last one is what it can generate."""
        return (self.classes,)

    @property
    def trained_classes(self) -> tuple[int, ...]:
        """Return the indices of the classes that it can generate."""
        return self.classes_given

    def build(self, spec: DataSpec, classes: Sequence[int], data_state: dict[str, Any]) -> None:
        """Build the networks for the data at hand, or make sure that they were built for it.

        Args:
            spec: what the networks must know of the data.
            classes: indices of the classes that it will be able to generate.
            data_state: the data module's plain state (transformer, schema, split hash), kept in checkpoints.

        Raises:
            InputError: if an unconditional one is to learn several classes, if the networks were built for other
                data, or if it, or a network, is not for this kind of data.
        """
        if spec.kind not in self.kinds:
            raise InputError(
                f"{type(self).__name__} learns {plural(self.kinds[0])}, but the data are {plural(spec.kind)}: choose "
                "another, such as ConditionalGAN."
            )
        if not self.conditional and len(classes) != 1:
            names = ", ".join(repr(spec.classes[i]) for i in classes)
            raise InputError(
                f"{type(self).__name__} is not conditional and learns one class, but classes={self.classes!r} "
                f"selects {names}: name one class, or use a conditional GAN."
            )
        super().build(spec, classes, data_state)

    def _build_networks(self, spec: DataSpec) -> None:
        self.build_networks(spec, self.count_conditions(spec) if self.conditional else 0)

    def _classes_of(self, data: Any) -> Sequence[int]:
        return data.resolve(self.class_selections[-1])  # type: ignore[no-any-return]

    @abstractmethod
    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the networks, once, and keep them as attributes.

        Args:
            spec: what they must know of the data.
            num_conditions: how many conditions there are; 0 where it is not conditional.
        """

    def count_conditions(self, spec: DataSpec) -> int:
        """Return how many conditions there are; hook for those with more than the data have."""
        return spec.num_conditions

    # -- sampling -----------------------------------------------------------------------------------------------

    @abstractmethod
    def generate(self, conditions: Tensor) -> Tensor:
        """Return one new sample per condition (n,), from the global random state: (n, *shape)."""

    def sample(self, labels: Tensor, seed: int) -> Tensor:
        """Return one synthetic sample per label, reproducibly.

        Args:
            labels: class indices, (n,).
            seed: the same seed gives the same samples on the same device.

        Returns:
            encoded samples, (n, *shape).

        Raises:
            InputError: if a class was not among those it was trained on.
        """
        self.require_trained(labels)
        return self.sample_conditions(self.draw_conditions(labels.to(self.device), seed), seed)

    def require_trained(self, labels: Tensor) -> None:
        """Raise unless it was trained on every class of ``labels``, (n,)."""
        for unseen in set(labels.tolist()) - set(self.trained_classes):
            seen = ", ".join(repr(self.spec.classes[i]) for i in self.trained_classes)
            raise InputError(
                f"This {type(self).__name__} never saw class {self.spec.classes[unseen]!r}: it generates {seen}."
            )

    @torch.no_grad()
    def sample_conditions(self, conditions: Tensor, seed: int) -> Tensor:
        """Return one synthetic sample per condition (n,), in evaluation mode."""
        with evaluation_mode(self.ema_target), seeded(seed, self.device):
            return torch.cat([self.generate(chunk) for chunk in torch.split(conditions, self._sample_chunk)])

    @property
    def _sample_chunk(self) -> int:
        return min(_SAMPLE_CHUNK, _SAMPLE_CHUNK_PIXELS // math.prod(self.spec.shape[1:]))

    def draw_conditions(self, labels: Tensor, seed: int) -> Tensor:
        """Return a condition of each label's class: itself, or one of its clusters by their weights, (n,)."""
        weights = torch.zeros(len(self.spec.classes), self.spec.num_conditions)
        for condition, label in enumerate(self.spec.condition_classes):
            weights[label, condition] = self.spec.condition_weights[condition]
        return draw_by_row(weights, labels, seed)


def draw_by_row(weights: Tensor, choices: Tensor, seed: int) -> Tensor:
    """Return one column per choice, as likely as the weights in the row that it names.

    Args:
        weights: on the CPU, (rows, columns).
        choices: rows of ``weights``, (n,).
        seed: of the draws.
    """
    random = torch.Generator().manual_seed(seed)
    drawn = torch.zeros_like(choices, device="cpu")
    for row in set(choices.tolist()):
        chosen = (choices == row).cpu()
        drawn[chosen] = weights[row].multinomial(int(chosen.sum()), replacement=True, generator=random)
    return drawn.to(choices.device)
