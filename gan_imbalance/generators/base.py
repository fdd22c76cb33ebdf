"""What all generators share: what they learn, exact sampling, complete checkpoints."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from inspect import Parameter, signature
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from gan_imbalance.components import to_config
from gan_imbalance.distributed import ResumableModule
from gan_imbalance.networks import evaluation_mode
from gan_imbalance.seeding import seeded
from gan_imbalance.types import EVERY_KIND, ClassSelection, DataKind, DataSpec, InputError

# small enough for the activations of rows to stay in the cache of a processor, and those of images in memory
_SAMPLE_CHUNK = 2048
_SAMPLE_CHUNK_PIXELS = 2**18


class BaseGenerator(ResumableModule, ABC):
    """Something that learns samples of classes and makes further ones: a GAN, a diffusion model.

    A new one overrides :meth:`build_networks`, :attr:`ema_target`, :meth:`generate`, ``training_step`` and
    ``configure_optimizers``; its constructor passes ``classes`` on, and keeps its parameters as attributes. Whether it
    is conditional is decided by its class (:attr:`conditional`).

    A ``training_step`` receives a batch of samples (n, *shape) and their conditions (n,), or a stack of
    :attr:`batches_per_step` of them, and returns its losses by name.

    Args:
        classes: what it learns: ``minority`` (the rarest class), ``majority``, ``all``, or a list of labels.
    """

    conditional: ClassVar[bool] = False
    """Whether the networks are built to be told the class (or cluster) of every sample; others ignore it."""

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
        self.spec: DataSpec | None = None
        self.data_state: dict[str, Any] = {}
        self.trained_classes: tuple[int, ...] = ()

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

    def attach(self, spec: DataSpec, trained_classes: Sequence[int], data_state: dict[str, Any]) -> None:
        """Build the networks for the data at hand, or make sure that they were built for it.

        Args:
            spec: what the networks must know of the data.
            trained_classes: indices of the classes that it will be able to generate.
            data_state: the data module's plain state (transformer, schema, split hash), kept in checkpoints.

        Raises:
            InputError: if an unconditional one is to learn several classes, if the networks were built for other
                data, or if it, or a network, is not for this kind of data.
        """
        if spec.kind not in self.kinds:
            raise InputError(
                f"{type(self).__name__} learns {self.kinds[0]}s, but the data are {spec.kind}s: choose another, "
                "such as ConditionalGAN."
            )
        if not self.conditional and len(trained_classes) != 1:
            names = ", ".join(repr(spec.classes[i]) for i in trained_classes)
            raise InputError(
                f"{type(self).__name__} is not conditional and learns one class, but classes={self.classes!r} "
                f"selects {names}: name one class, or use a conditional GAN."
            )
        if self.spec is None:
            self.spec = spec
            self.build_networks(spec, self.count_conditions(spec) if self.conditional else 0)
        elif self.spec != spec or self.data_state.get("split_hash") != data_state.get("split_hash"):
            raise InputError(
                "The networks were built for other data than this (its columns, categories, classes or split "
                "differ): use the data configuration and split that they were trained with."
            )
        self.trained_classes = tuple(trained_classes)
        self.data_state = data_state

    @abstractmethod
    def build_networks(self, spec: DataSpec, num_conditions: int) -> None:
        """Build the networks, once, and keep them as attributes.

        Args:
            spec: what they must know of the data.
            num_conditions: how many conditions there are; 0 where it is not conditional.
        """

    def count_conditions(self, spec: DataSpec) -> int:
        """Return how many conditions it is told; hook for those with more than the data have."""
        return spec.num_conditions

    def setup(self, stage: str) -> None:
        """Build the networks from the data module, if there is one."""
        data = getattr(self.trainer, "datamodule", None)
        if data is not None:
            self.attach(data.spec, data.resolve(self.class_selections[-1]), data.state())

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
        assert self.spec is not None, "attach() or load_generator() comes first"
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
        assert self.spec is not None
        return min(_SAMPLE_CHUNK, _SAMPLE_CHUNK_PIXELS // math.prod(self.spec.shape[1:]))

    def draw_conditions(self, labels: Tensor, seed: int) -> Tensor:
        """Return a condition of each label's class: itself, or one of its clusters by their weights, (n,)."""
        assert self.spec is not None
        weights = torch.zeros(len(self.spec.classes), self.spec.num_conditions)
        for condition, label in enumerate(self.spec.condition_classes):
            weights[label, condition] = self.spec.condition_weights[condition]
        return draw_by_row(weights, labels, seed)

    # -- checkpoints --------------------------------------------------------------------------------------------

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what makes the checkpoint complete: class, data specification and state, random state."""
        super().on_save_checkpoint(checkpoint)
        assert self.spec is not None
        checkpoint["generator"] = {
            "class_path": f"{type(self).__module__}.{type(self).__qualname__}",
            "spec": self.spec.to_dict(),
            "trained_classes": list(self.trained_classes),
            "data_state": self.data_state,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the networks, or make sure that they fit, before their weights are loaded."""
        super().on_load_checkpoint(checkpoint)
        saved = checkpoint["generator"]
        self.attach(DataSpec.from_dict(saved["spec"]), saved["trained_classes"], saved["data_state"])


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
