"""The words that data, networks and checkpoints share; imports nothing of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    import pandas as pd

Label = str | int | float | bool
"""A class as the table holds it: ``1``, ``"Charged Off"``, ``True``."""

ColumnName = str | int | float
"""A column as an option names it; one that is called by a number may be named by that: ``0`` is the column ``"0"``."""

ClassSelection = Literal["minority", "majority", "all"] | Sequence[Label]
"""Which classes a GAN learns: by role (``minority`` is the rarest, ``majority`` all others) or by label."""

DataKind = str
"""What the samples are, by a name registered in :mod:`gan_imbalance.kinds`: ``table``, ``image``, ``series``."""


class EveryKind(tuple[DataKind, ...]):
    """The kinds of data of what can handle any; the registered ones of this package are those it is made of."""

    def __contains__(self, kind: object) -> bool:
        """Return True: a kind that is registered later is one of them, too."""
        return True


EVERY_KIND = EveryKind(("table", "image", "series"))

IMAGE_AXES = 3
"""Axes of a sample that convolutions are for: channels, height and width."""

_QUOTED, _LISTED = 60, 8

SMALLEST_IMAGE, LARGEST_IMAGE = 8, 64
"""Width and height of the images that data are brought to and networks are built for, in pixels."""


class InputError(ValueError):
    """A user's mistake, told in one sentence that names what is wrong and what to do.

    The command line prints the sentence without a traceback and exits with code 2, or that of a subclass.

    Example:
        In Python it is a ``ValueError`` like any other:

        >>> from gan_imbalance import TabularDataModule
        >>> TabularDataModule(batch_size=0)
        Traceback (most recent call last):
            ...
        gan_imbalance.types.InputError: batch_size is 0; it must be at least 1.
    """

    exit_code: ClassVar[int] = 2
    """Of the command line."""


def find_class(label: Label, classes: Sequence[Label]) -> int:
    """Return the position of ``label`` in ``classes``, matched by value as a table may spell it.

    An equal value of the same type wins; otherwise ``"1"`` finds ``1`` and ``1.0``.

    Raises:
        InputError: if no class or more than one class matches.
    """
    exact = [i for i, known in enumerate(classes) if type(known) is type(label) and known == label]
    matches = exact or [i for i, known in enumerate(classes) if _spellings(label) & _spellings(known)]
    known_classes = ", ".join(quoted(known) for known in classes[:_LISTED]) + (", …" if len(classes) > _LISTED else "")
    if not matches:
        raise InputError(f"Unknown class {quoted(label)}: the classes are {known_classes}.")
    if len(matches) > 1:
        raise InputError(f"Class {quoted(label)} is ambiguous: it matches more than one of {known_classes}.")
    return matches[0]


def quoted(value: object) -> str:
    """Return a value as a sentence quotes it: like ``repr``, in one line of at most 60 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


def plural(kind: DataKind) -> str:
    """Return several samples of a kind as a sentence calls them: tables, images, series."""
    return kind if kind.endswith("s") else f"{kind}s"


def listed(names: Sequence[object], separator: str = ", ") -> str:
    """Return names as a sentence lists them: the first eight."""
    shown = [quoted(name) if isinstance(name, str) else str(name) for name in names[:_LISTED]]
    return separator.join(shown) + (f"{separator}… ({len(names):,} in all)" if len(names) > _LISTED else "")


# words that YAML reads as booleans, but that may be meant as class labels
_BOOLEAN_WORDS = {True: ("true", "yes", "on"), False: ("false", "no", "off")}


def _spellings(label: Label) -> set[str]:
    """Return the ways to write ``label``; numbers are compared as numbers."""
    if isinstance(label, bool):
        return {write(word) for word in _BOOLEAN_WORDS[label] for write in (str.lower, str.title, str.upper)}
    text = str(label).strip()
    try:
        return {text, repr(float(text))}
    except ValueError:
        return {text}


@dataclass(frozen=True)
class Span:
    """The consecutive encoded features that one column became: all that a network knows of it.

    Attributes:
        name: column of the table (a missing-value indicator carries its column's name).
        encoding: ``linear`` (unbounded), ``tanh`` (in [-1, 1]) or ``categorical`` (one-hot).
        start: first feature.
        size: number of features; 1 unless categorical.
    """

    name: str
    encoding: Literal["linear", "tanh", "categorical"]
    start: int
    size: int

    @property
    def stop(self) -> int:
        """Return the feature after the last one."""
        return self.start + self.size

    @property
    def is_categorical(self) -> bool:
        """Return whether it is one-hot."""
        return self.encoding == "categorical"


@dataclass(frozen=True)
class DataSpec:
    """What a network must know of the data it is built for.

    Attributes:
        kind: ``table``, ``image`` or ``series``.
        shape: of one sample: ``(features,)``, ``(channels, height, width)`` or ``(channels, length)``.
        classes: every class of the data, as the table has them.
        spans: the columns of a table, in order; empty for others.
        condition_classes: class index of every condition that a GAN is trained with. Usually one
            condition per class; several where a class was cut into clusters.
        condition_weights: share of every condition in its class.
    """

    kind: DataKind
    shape: tuple[int, ...]
    classes: tuple[Label, ...]
    spans: tuple[Span, ...] = ()
    condition_classes: tuple[int, ...] = ()
    condition_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Give every class one condition unless told otherwise."""
        if not self.condition_classes:
            object.__setattr__(self, "condition_classes", tuple(range(len(self.classes))))
        if not self.condition_weights:
            object.__setattr__(self, "condition_weights", (1.0,) * len(self.condition_classes))

    @property
    def num_conditions(self) -> int:
        """Return how many conditions there are."""
        return len(self.condition_classes)

    @property
    def categorical_columns(self) -> tuple[Span, ...]:
        """Return the spans of columns that are categories and nothing else: any level of theirs can be a condition."""
        spans_per_column = Counter(span.name for span in self.spans)
        return tuple(span for span in self.spans if span.is_categorical and spans_per_column[span.name] == 1)

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings and numbers, for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> DataSpec:
        """Rebuild the specification that :meth:`to_dict` wrote."""
        spans = tuple(Span(**span) for span in state["spans"])
        rest = {key: tuple(value) for key, value in state.items() if key not in ("kind", "spans")}
        return cls(kind=state["kind"], spans=spans, **rest)


@dataclass(frozen=True)
class SyntheticSet:
    """Synthetic samples in the input's own form, and what made them.

    Attributes:
        rows: a table with the input's columns, order and dtypes, target included.
        target: name of the target column.
        manifest: generator, seed, counts, split hash and versions (see :func:`gan_imbalance.files.provenance`).

    Example:
        What :func:`~gan_imbalance.synthesis.synthesize` gives of a generator of rows:

        >>> import pandas as pd
        >>> from gan_imbalance import GANOverSampler, synthesize
        >>> table = pd.DataFrame({"size": range(40), "colour": ["red", "blue"] * 20})
        >>> sampler = GANOverSampler(max_steps=2, random_state=0)
        >>> _ = sampler.fit_resample(table, pd.Series(["common"] * 30 + ["rare"] * 10, name="label"))
        >>> made = synthesize(sampler.gans_["rare"], {"rare": 5}, seed=0)
        >>> made.rows.columns.tolist(), len(made.rows), made.target, made.manifest["gan"]
        (['size', 'colour', 'label'], 5, 'label', 'WassersteinGAN')
    """

    kind: ClassVar[DataKind] = "table"

    rows: pd.DataFrame
    target: str
    manifest: dict[str, Any]
