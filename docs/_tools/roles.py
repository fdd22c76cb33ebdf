"""Docstrings as mkdocstrings reads them: roles such as :class:`GAN` become links, and examples code."""

from __future__ import annotations

import logging
import re
from typing import Any

import griffe

_LOG = logging.getLogger("mkdocs.plugins.roles")
_ROLE = re.compile(r":(?:class|func|meth|attr|mod|data):`(~?)([\w.]+)`")


class Roles(griffe.Extension):
    """Rewrites the docstrings of a package once it is loaded.

    A role is looked up as Python would, where the docstring stands; one that names nothing is warned of, which ends a
    strict build. It becomes a link where the reference has what it names, and code where it has not.
    """

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Rewrite all docstrings of a package."""
        self._rewrite(pkg)

    def _rewrite(self, thing: griffe.Object) -> None:
        if thing.docstring:
            thing.docstring.value = _as_markdown(thing.docstring.value, thing)
        for member in thing.members.values():
            if isinstance(member, griffe.Object):
                self._rewrite(member)


def _as_markdown(text: str, scope: griffe.Object) -> str:
    """Return a docstring with links for roles, and examples under the heading that griffe knows."""
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    return _ROLE.sub(lambda role: _link(role[2], bool(role[1]), scope), text)


def _link(name: str, short: bool, scope: griffe.Object) -> str:
    shown = name.rpartition(".")[2] if short else name
    target = _found(name, scope)
    if target is None:
        _LOG.warning("%s names %s, which is nowhere", scope.path, name)
        return f"`{shown}`"
    return f'<autoref identifier="{target}" optional><code>{shown}</code></autoref>'


def _found(name: str, scope: griffe.Object) -> str | None:
    """Return the full path of what a name in a docstring means, or None."""
    package = scope.package
    if name.startswith(f"{package.name}."):
        return _canonical(package, name.split(".")[1:])
    first, *rest = name.split(".")
    owner: griffe.Object | None = scope
    while owner is not None:
        places = [owner, *owner.mro()] if isinstance(owner, griffe.Class) else [owner]
        for place in places:
            if first in place.members:
                return _canonical(place, [first, *rest])
        owner = owner.parent if isinstance(owner.parent, griffe.Object) else None
        if owner is not None and scope.module.path == owner.path and first in owner.members:
            return _canonical(owner, [first, *rest])
    return None


def _canonical(start: griffe.Object, names: list[str]) -> str | None:
    here: Any = start
    try:
        for name in names:
            here = here.all_members[name]
            if here.is_alias:
                here = here.final_target
    except (KeyError, griffe.AliasResolutionError):
        return None
    return str(here.path)
