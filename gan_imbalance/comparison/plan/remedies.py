"""Remedies against class imbalance, all on the same terms: real rows kept, rows added, classifier options."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from inspect import signature
from typing import Any, Literal, cast

from gan_imbalance.components import import_class, to_config
from gan_imbalance.types import InputError

Amount = int | float | Literal["balance"]
"""How many minority rows a remedy adds.

A whole number of rows; ``"balance"``, as many as the majority has more; or, between 0 and 1, the share of added
rows in every batch, drawn from as many as balance the classes.
"""

Role = Literal["baseline", "standard", "gan", "control"]

EFFORTS = ("nothing", "a threshold", "weights or a loss", "repeating or leaving out rows", "rows by a sampler", "a GAN")
"""What remedies cost a person, the cheapest first."""

GAN_STEPS = 2000
"""Training steps of a GAN of a table that is named by its class, with the large networks that are its default."""


@dataclass(frozen=True)
class Remedy:
    """What is done about the imbalance; with nothing but a name, nothing.

    Attributes:
        name: how tables and files call it.
        resampler: ``class_path`` dict of anything with ``fit_resample``.
        class_weight: ``balanced`` gives every row, in every classifier, the inverse frequency of its class.
        classifier: arguments of the classifier that differ from the configured ones, such as its loss; it is left out
            for classifiers that lack one of them.
        threshold: ``tuned`` predicts the minority from the probability with the best F1 on validation rows.
        reserve: adds further real rows, as far as the reserve of the split reaches.
        share: of the added rows in every batch, for a resampler that says itself how many it adds, of which classes.
        tune: of arguments of the resampler, the values that its tuned form may choose from.
        transform: ``class_path`` dict of a :class:`~gan_imbalance.comparison.TrainingTransform`, which changes rows,
            labels or weights between resampling and fitting.
        estimator: ``class_path`` dict of what is fitted in place of every classifier, such as a teacher that shows how
            far its students could get.
        stated_role: its role, where the resampler's class does not tell by ``remedy_role``: such as ``gan`` for other
            people's generators.

    Example:
        Two for ``compare(remedies=[...])``; any class with ``fit_resample`` will do:

        >>> from gan_imbalance import Remedy
        >>> smote = {"class_path": "imblearn.over_sampling.BorderlineSMOTE", "init_args": {"k_neighbors": 3}}
        >>> Remedy("borderline", resampler=smote).role
        'standard'
        >>> cramer = {"class_path": "gan_imbalance.GANOverSampler", "init_args": {"gan": "CramerGAN"}}
        >>> Remedy("cramer", resampler=cramer).role
        'gan'
    """

    name: str
    # a plain dict, since jsonargparse would build the class_paths in one of Any, with arguments that it made up
    resampler: dict | None = None  # type: ignore[type-arg]
    class_weight: Literal["balanced"] | None = None
    threshold: Literal["tuned"] | None = None
    reserve: bool = False
    share: float | None = None
    tune: dict[str, list[Any]] = field(default_factory=dict)
    classifier: dict = field(default_factory=dict)  # type: ignore[type-arg]
    transform: dict | None = None  # type: ignore[type-arg]
    estimator: dict | None = None  # type: ignore[type-arg]
    stated_role: Role | None = None

    def __post_init__(self) -> None:
        """Keep the settings in plain values, which files can hold."""
        object.__setattr__(self, "resampler", to_config(self.resampler))
        object.__setattr__(self, "tune", to_config(self.tune or {}))
        object.__setattr__(self, "transform", to_config(self.transform))
        object.__setattr__(self, "estimator", to_config(self.estimator))
        object.__setattr__(self, "classifier", to_config(self.classifier or {}))

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Return all attributes as plain values, which the address of every cell is made from."""
        return asdict(self)

    @property
    def init_args(self) -> dict[str, Any]:
        """Return the resampler's own arguments."""
        return (self.resampler or {}).get("init_args") or {}

    @property
    def sampler_class(self) -> type | None:
        """Return the class of the resampler, if there is one."""
        return None if self.resampler is None else import_class(self.resampler.get("class_path", ""))

    @property
    def learns_data(self) -> bool:
        """Return whether the resampler learns a data module itself, its encoding included, by ``top_up``."""
        return hasattr(self.sampler_class, "top_up")

    @property
    def takes_steps(self) -> bool:
        """Return whether the resampler is a generator that trains for ``max_steps`` steps."""
        sampler_class = self.sampler_class
        if sampler_class is None or self._own_role != "gan":
            return False
        return "max_steps" in signature(sampler_class).parameters

    @cached_property
    def role(self) -> Role:
        """Return ``baseline`` for nothing at all; ``control`` for what shows how far an over-sampler could get."""
        options = (self.stated_role, self.resampler, self.class_weight, self.threshold, self.transform, self.estimator)
        if not any(options) and not self.reserve and not self.classifier:
            return "baseline"
        untrained = self.takes_steps and self.init_args.get("max_steps") == 0
        return "control" if self.stated_role is None and (self.reserve or untrained) else self._own_role

    @property
    def _own_role(self) -> Role:
        return self.stated_role or cast(Role, getattr(self.sampler_class, "remedy_role", "standard"))

    @property
    def effort(self) -> int:
        """Return the position in :data:`EFFORTS` of what it costs a person."""
        if self.role == "gan":
            return 5
        if self.resampler is not None:
            simple = self.resampler.get("class_path", "").rpartition(".")[2].startswith("Random")
            return 3 if simple else 4
        changes_fit = self.class_weight or self.classifier or self.transform or self.estimator
        return 2 if changes_fit else 1 if self.threshold else 0

    @property
    def is_sized(self) -> bool:
        """Return whether it adds as many rows as it is asked for: over-samplers whose configuration does not say."""
        if self.resampler is None or "sampling_strategy" in self.init_args:
            return self.reserve
        sampler_class = cast(type, self.sampler_class)
        from imblearn.base import BaseSampler
        from imblearn.over_sampling.base import BaseOverSampler

        # a sampler of a make of its own is taken for one
        return issubclass(sampler_class, BaseOverSampler) or not issubclass(sampler_class, BaseSampler)

    @property
    def changes_rows(self) -> bool:
        """Return whether it has training rows of its own."""
        return self.reserve or self.resampler is not None

    def check(self) -> None:
        """Refuse what could not run.

        Raises:
            InputError: if two sources of rows are named, the resampler cannot be imported or is none, the share
                has no meaning, or there is something to tune but no resampler.
        """
        if self.reserve and self.resampler is not None:
            raise InputError(f"Remedy {self.name!r} has a resampler and reserve: give one of the two.")
        if self.share is not None and (self.is_sized or not self.changes_rows or not 0 < self.share < 1):
            raise InputError(
                f"Remedy {self.name!r} has share {self.share}: give a number between 0 and 1, beside a resampler with "
                "a sampling_strategy of its own (for others name shares in amounts)."
            )
        if self.transform is not None and not callable(import_class(self.transform.get("class_path", ""))):
            raise InputError(f"Remedy {self.name!r}: {self.transform['class_path']} cannot be called.")
        if self.estimator is not None:
            if not hasattr(import_class(self.estimator.get("class_path", "")), "predict_proba"):
                raise InputError(f"Remedy {self.name!r}: {self.estimator['class_path']} has no predict_proba.")
            if self.classifier:
                raise InputError(
                    f"Remedy {self.name!r} has classifier and estimator: give the arguments to the estimator."
                )
        if self.resampler is None:
            if self.tune:
                raise InputError(f"Remedy {self.name!r} has no resampler whose {next(iter(self.tune))} could be tuned.")
            return
        if not hasattr(self.sampler_class, "fit_resample"):
            raise InputError(f"Remedy {self.name!r}: {self.resampler['class_path']} has no fit_resample.")

    def with_init_args(self, **init_args: Any) -> Remedy:
        """Return the remedy with other arguments of its resampler."""
        if not init_args:
            return self
        return replace(self, resampler={**(self.resampler or {}), "init_args": {**self.init_args, **init_args}})

    def with_gan_steps(self, steps: int | None, override: bool = False) -> Remedy:
        """Return the remedy with a number of steps of its GAN, unless it has a budget of its own (or is untrained).

        None means what suits it: the small GAN that is an over-sampler's default keeps its number, any other of a table
        gets :data:`GAN_STEPS`, one of images or series what its over-sampler takes by itself.
        """
        own = self.init_args.get("max_steps")
        has_budget = own is not None or {"epochs", "max_time"} & set(self.init_args)
        if not self.takes_steps or own == 0 or (has_budget and not override):
            return self
        if steps is None:
            # an over-sampler whose own number is None has one for its small default GAN only
            own_default = signature(cast(type, self.sampler_class)).parameters["max_steps"].default
            is_large = own_default is None and self.init_args.get("gan") is not None
            suited = getattr(self.sampler_class, "steps", GAN_STEPS)
            return self.with_init_args(max_steps=suited) if is_large else self
        # the first phase takes its usual share of them; one that is left out stays so
        first = {"pretrain_steps": None} if override and self.init_args.get("pretrain_steps") else {}
        return self.with_init_args(max_steps=steps, **first)
