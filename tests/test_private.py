"""What of other packages is used although they do not promise to keep it: every place is listed here, with its reason.

Private is a name that begins with one underscore and that nothing of ours defines, or that a foreign base class of the
class that uses it defines as well.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pytorch_lightning import LightningModule

import gan_imbalance

ROOT = Path(gan_imbalance.__file__).parents[1]
FILES = sorted(file for folder in ("gan_imbalance", "experiments") for file in (ROOT / folder).rglob("*.py"))

# private by its looks alone: promised by the documentation of Python, or of IPython
PROMISED = {"_asdict", "_fields", "_replace", "_exit", "_repr_html_"}

# a sampler of imbalanced-learn is made by defining the abstract method of its base class, and lets in more kinds of
# input by another; each of its own does so, and its checks are run over ours (test_imblearn_checks.py)
_SAMPLER = {"_fit_resample"}
_INPUT = {"_check_X_y"}
# how samplers of imbalanced-learn are told apart, and tell scikit-learn what their parameters may be; its own import
# the same of scikit-learn, so that a release without it breaks them, which bounds scikit-learn for us
_PARAMETERS = {"_parameter_constraints", "_param_validation"}
ALLOWED = {
    "gan_imbalance/comparison/controls.py": _SAMPLER,
    "gan_imbalance/oversampling/arrays.py": {*_SAMPLER, *_INPUT, *_PARAMETERS},
    "gan_imbalance/oversampling/core.py": {*_SAMPLER, "_sampling_type", "_validate_params"},
    "gan_imbalance/oversampling/series_controls.py": {*_SAMPLER, *_INPUT},
    "gan_imbalance/oversampling/table.py": {*_SAMPLER, *_INPUT, *_PARAMETERS},
    # offline there is no other way to say what a run was made from; without it the record lacks that (test_tracking.py)
    "gan_imbalance/tracking.py": {"_log_artifact"},
}


def is_private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__") and name != "_"


@cache
def syntax_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def defined_in(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a piece of code gives to something: a function, class, variable, argument or attribute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def read_in(tree: ast.AST) -> Iterator[str]:
    """Yield the names that a piece of code reads by a dot, or by one of Python's functions for attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr", "delattr"):
            yield from (str(one.value) for one in node.args[1:2] if isinstance(one, ast.Constant))


def imported_by(tree: ast.AST) -> Iterator[str]:
    """Yield every part of the dotted names that a file imports from elsewhere."""
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{name}" for name in names]
        for name in names:
            if name.split(".")[0] not in ("gan_imbalance", "experiments"):
                yield from name.split(".")


@cache
def names_of(base: type) -> set[str]:
    """Return the private names that a class has, and that its methods give its instances."""
    try:
        given = set(defined_in(ast.parse(inspect.getsource(base))))
    except (OSError, TypeError, SyntaxError):
        # it is built in, or defined within something else
        given = set()
    return {name for name in given | set(vars(base)) if is_private(name)}


OURS = {name for file in FILES for name in defined_in(syntax_of(file))}


def private_in(file: Path) -> set[str]:
    """Return the private names of others that a file uses."""
    tree = syntax_of(file)
    found = {name for name in (*imported_by(tree), *read_in(tree)) if is_private(name)}
    found -= OURS - set(imported_by(tree))
    module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = getattr(importlib.import_module(module), node.name).__mro__[1:]
            foreign = [base for base in bases if base.__module__.split(".")[0] not in ("gan_imbalance", "experiments")]
            theirs = {name for base in foreign for name in names_of(base)}
            found |= theirs & {*defined_in(node), *read_in(node)}
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_private_of_others_is_used_but_what_is_listed(file: Path) -> None:
    assert private_in(file) - PROMISED == ALLOWED.get(file.relative_to(ROOT).as_posix(), set())


@pytest.mark.parametrize(
    ("code", "private"),
    [
        ("import torch._dynamo", "_dynamo"),
        ("from torch import _C", "_C"),
        ("from torch._inductor import config", "_inductor"),
        ("trainer._accelerator_connector.cluster_environment", "_accelerator_connector"),
        ("getattr(sampler, '_sampling_type', None)", "_sampling_type"),
    ],
)
def test_every_way_to_something_private_is_seen(code: str, private: str) -> None:
    tree = ast.parse(code)
    assert {name for name in (*imported_by(tree), *read_in(tree)) if is_private(name)} == {private}


def test_what_a_base_class_gives_its_instances_is_seen() -> None:
    theirs = {name for base in LightningModule.__mro__ for name in names_of(base)}
    assert {"_trainer", "_apply", "_parameters"} <= theirs
