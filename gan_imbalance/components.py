"""Losses, networks and optimizers as plain ``class_path`` dicts, and back.

A checkpoint and a run's configuration hold components as ``{"class_path": ..., "init_args": ...}``, the form
that YAML has too. To be told apart from its looks alone, a component keeps every constructor parameter as an
attribute of the same name (scikit-learn's convention).
"""

from __future__ import annotations

import inspect
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from gan_imbalance.types import InputError


def to_config(value: Any) -> Any:
    """Return ``value`` in plain dicts, lists, strings and numbers.

    Classes and partials of classes (the factories of networks and optimizers) and modules that keep their
    constructor parameters become ``class_path`` dicts.

    Raises:
        InputError: if ``value`` cannot be described so.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Namespace):  # what jsonargparse makes of dicts within dicts
        return to_config(vars(value))
    if isinstance(value, Mapping):
        return {key: to_config(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [to_config(item) for item in value]
    if inspect.isclass(value):
        return _class_config(value, {})
    if isinstance(value, partial) and inspect.isclass(target := plain_partial(value).func):
        return _class_config(target, value.keywords)
    # a GAN's parameters are also those that its constructor passes on to its bases
    if hasattr(value, "hparams"):
        return _class_config(type(value), value.hparams)
    if isinstance(value, nn.Module):
        # what has no constructor of its own has no parameters; those of nn.Sequential, *args, are its parts
        has_own = type(value).__init__ is not nn.Module.__init__
        parameters = inspect.signature(type(value)).parameters.values() if has_own else ()
        names = [p.name for p in parameters if p.kind is not p.VAR_KEYWORD]
        missing = [name for name in names if not hasattr(value, name)]
        if missing:
            raise InputError(
                f"{type(value).__name__} does not keep its constructor parameter {missing[0]!r}: "
                f"set self.{missing[0]} in __init__, so that checkpoints can hold it."
            )
        return _class_config(type(value), {name: getattr(value, name) for name in names})
    # scikit-learn's estimators tell their parameters by themselves
    if hasattr(value, "get_params"):
        return _class_config(type(value), value.get_params(deep=False))
    raise InputError(
        f"A checkpoint cannot hold {value!r}: give a number, a string, a class, functools.partial of a class, "
        "or an nn.Module that keeps its constructor parameters as attributes."
    )


def _class_config(target: type, init_args: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "class_path": f"{target.__module__}.{target.__qualname__}",
        "init_args": {key: to_config(value) for key, value in init_args.items()},
    }


def plain_partial(value: partial[Any]) -> partial[Any]:
    """Return a partial of a class that the command line gave as one of the class itself, any other as it is."""
    # jsonargparse puts the class among the positional arguments of a function of its own
    given = getattr(value.func, "__module__", "").startswith("jsonargparse")
    target = next((part for part in value.args if inspect.isclass(part)), None) if given else None
    return value if target is None else partial(target, **value.keywords)


def build(value: Any) -> Any:
    """Return the component that a ``class_path`` dict describes, or those of a list; anything else as it is."""
    if isinstance(value, list):
        return [build(item) for item in value]
    return factory(value)() if _is_config(value) else value


def own(value: Any) -> Any:
    """Return a component of one's own, that a ``class_path`` dict describes or as a copy of what is given.

    A module that is the default of an argument, or is given to two GANs, would otherwise be one and the same in both.
    """
    return deepcopy(build(value))


def factory(value: Any) -> Callable[..., Any]:
    """Return the class that a ``class_path`` dict describes, its arguments bound, or a string; a callable as it is."""
    if isinstance(value, str):
        return import_class(value)
    if not _is_config(value):
        return value  # type: ignore[no-any-return]
    target, init_args = import_class(value["class_path"]), value.get("init_args") or {}
    # GANs and our classifiers build their components themselves, once they know the data
    if not hasattr(target, "save_hyperparameters") and not hasattr(target, "builds_components"):
        init_args = {key: build(item) for key, item in init_args.items()}
    return partial(target, **init_args)


def _is_config(value: Any) -> bool:
    return isinstance(value, Mapping) and "class_path" in value


def import_class(class_path: str) -> type:
    """Import a class by its dotted path.

    Raises:
        InputError: if there is no such module or class.
    """
    module, _, name = class_path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"Cannot import {class_path!r} ({error}); give module.Class, importable from the current folder."
        ) from error
    return found  # type: ignore[no-any-return]
