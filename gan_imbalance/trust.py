"""The gate for classes that files name: of trusted packages only, each of the kind that stands at its place.

A command line, a YAML file or Python code names classes by design: whoever writes them says what shall run. A
checkpoint may come from anyone. So whatever it names is looked at here first, as a whole, before a module is imported
that is not trusted and before anything is called; see SECURITY.md.
"""

from __future__ import annotations

import inspect
from abc import ABC
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from gan_imbalance.components import import_class
from gan_imbalance.types import InputError

PACKAGES = ("gan_imbalance", "torch.nn", "torch.optim", "sklearn", "imblearn", "xgboost")
"""Packages whose components every file may name."""

Trust = str | Collection[str]
"""A package or class that files may name besides, or several: ``my_package``, ``my_package.nets.Net``."""

_in_force: ContextVar[tuple[str, ...]] = ContextVar("_in_force", default=())


class Component(ABC):  # noqa: B024 (it is what others are registered with)
    """What a file may name where nothing says what stands there; other kinds of classes are registered."""


for _kind in (nn.Module, Optimizer, LRScheduler):
    Component.register(_kind)


class Place(NamedTuple):
    """What may stand somewhere in a file.

    Attributes:
        kinds: a class that is named there must be derived from one of them.
        by_name: whether a mere string names a class there, as it may in place of a factory.
    """

    kinds: tuple[type, ...]
    by_name: bool


ANYTHING = Place((Component,), True)
DATA = Place((Component,), False)


@contextmanager
def trusting(trust: Trust) -> Iterator[None]:
    """Let files name further packages or classes, whoever reads them in the block."""
    token = _in_force.set((*_in_force.get(), *_listed(trust)))
    try:
        yield
    finally:
        _in_force.reset(token)


class Gate:
    """What the classes that a file names must pass.

    Args:
        source: the file, for messages.
        trust: further packages or classes that it may name.
    """

    def __init__(self, source: str | Path, trust: Trust = ()) -> None:
        self.source = source
        self._given = (*_in_force.get(), *_listed(trust))

    def trusts(self, name: Any) -> bool:
        """Return whether a class is of a trusted package, by its dotted path alone."""
        return _is_within(name, PACKAGES) or self.is_given(name)

    def is_given(self, name: Any) -> bool:
        """Return whether a class was named by whoever reads the file, or is of a package that was."""
        return _is_within(name, self._given)

    def find(self, name: Any, *kinds: type) -> type:
        """Return a class that the file names.

        Raises:
            InputError: if it is not trusted, of which nothing is imported, or not there, or derived from none of the
                kinds.
        """
        if not self.trusts(name):
            raise self.refusal(name)
        found = import_class(name)
        if not inspect.isclass(found) or not issubclass(found, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise InputError(f"{self.source} names {name} in place of a {wanted}, so nothing was loaded.")
        # it may be there because it was imported from elsewhere
        if not self.trusts(home := class_path(found)):
            raise self.refusal(home)
        return found

    def refusal(self, *names: Any) -> InputError:
        """Return the error that names what is not trusted."""
        if unusual := [name for name in names if not _is_dotted(name)]:
            return InputError(
                f"{self.source} names {unusual[0]!r:.100} in place of a class, so nothing was loaded: if it is text, "
                "annotate the parameter that it is for as str."
            )
        told = [*names]
        return InputError(
            f"{self.source} names {', '.join(told)}, which is not trusted, so nothing was loaded: if you know what it "
            f"does, give trust={told!r} (on the command line --trust {told[0]})."
        )

    def admit(self, value: Any, place: Place = ANYTHING) -> None:
        """Refuse what names, at any depth, a class that :meth:`find` refuses; nothing is called.

        What stands at a place is told by the annotation of the constructor's parameter.

        Raises:
            InputError: that tells the first.
        """
        if isinstance(value, str) and place.by_name and "." in value:
            self.find(value, *place.kinds)
        elif isinstance(value, Mapping) and _names_class(value):
            parameters = _places(self.find(value["class_path"], *place.kinds))
            for name, item in value.items():
                if name == "init_args" and isinstance(item, Mapping):
                    for key, argument in item.items():
                        self.admit(argument, parameters.get(key, ANYTHING))
                elif name != "class_path":
                    self.admit(item, DATA)
        elif isinstance(value, Mapping):
            for item in value.values():
                self.admit(item, place)
        elif isinstance(value, list | tuple):
            for item in value:
                # lists of strings hold the names of columns and classes
                self.admit(item, place._replace(by_name=False))


def class_path(found: type) -> str:
    """Return where a class lies."""
    return f"{found.__module__}.{found.__qualname__}"


def packages_of(value: Any) -> tuple[str, ...]:
    """Return the packages of all classes that settings name or hold, whoever wrote them being trusted."""
    return tuple(dict.fromkeys(name.split(".")[0] for name in _named(value) if _is_dotted(name)))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if _names_class(value):
            yield value["class_path"]
        for item in value.values():
            yield from _named(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item)
    elif isinstance(value, partial):
        yield from _named([value.func, *value.args, value.keywords])
    elif inspect.isclass(value):
        yield class_path(value)
    elif hasattr(value, "hparams"):
        yield from _named([type(value), dict(value.hparams)])
    elif isinstance(value, Component):
        yield class_path(type(value))


def _listed(trust: Trust) -> tuple[str, ...]:
    """Return packages and classes as a tuple.

    Raises:
        InputError: if one is none.
    """
    names = (trust,) if isinstance(trust, str) else tuple(trust)
    for name in names:
        if not isinstance(name, str) or not all(part.isidentifier() for part in name.split(".")):
            raise InputError(f"trust has {name!r}: give packages or classes, such as my_package or my_package.Class.")
    return names


def _is_within(name: Any, packages: tuple[str, ...]) -> bool:
    # what is called __main__ runs when it is imported
    if not _is_dotted(name) or any(part.startswith("__") for part in name.split(".")):
        return False
    return any(f"{name}.".startswith(f"{one}.") for one in packages)


def _is_dotted(name: Any) -> bool:
    return isinstance(name, str) and "." in name and all(part.isidentifier() for part in name.split("."))


def _names_class(value: Mapping[Any, Any]) -> bool:
    # a column may be called class_path, too
    name = value.get("class_path")
    return isinstance(name, str) and "." in name


def _places(found: type) -> dict[str, Place]:
    """Return what stands at the parameters of a constructor, and at those that it passes on to its bases."""
    places: dict[str, Place] = {}
    for base in reversed(found.__mro__):
        if "__init__" in vars(base):
            try:
                hints = get_type_hints(vars(base)["__init__"])
            # annotations may be for type checkers only
            except (NameError, TypeError, AttributeError):
                hints = {}
            places |= {name: _place_of(hint) for name, hint in hints.items()}
    return places


def _place_of(hint: Any) -> Place:
    """Return what stands where an annotation says so."""
    parts = list(_parts(hint))
    kinds = tuple(kind for kind, _ in parts if inspect.isclass(kind) and issubclass(kind, Component))
    if kinds:
        return Place(kinds, any(by_name for _, by_name in parts))
    return ANYTHING if any(kind is Any for kind, _ in parts) else DATA


def _parts(hint: Any, by_name: bool = False) -> Iterator[tuple[Any, bool]]:
    """Yield the types that an annotation consists of, and whether a class, or what makes an object, stands for each."""
    arguments = get_args(hint)
    if arguments and get_origin(hint) in (type, Callable):
        # of a callable, what it returns
        by_name, arguments = True, arguments[-1:]
    if not arguments:
        yield hint, by_name
    for argument in arguments:
        yield from _parts(argument, by_name)
