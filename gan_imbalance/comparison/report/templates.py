"""Pages from templates, pictures within them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from gan_imbalance.comparison.figures import Figure

_HOME = "gan_imbalance.comparison.report"


def render(template: str, package: str = _HOME, **values: Any) -> str:
    """Return a page of a package's templates, which may extend those of this folder."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loader = ChoiceLoader([PackageLoader(name, ".") for name in (package, _HOME)])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(template).render(values)


def show(pictures: Sequence[Figure]) -> list[dict[str, str]]:
    """Return pictures as a template shows them, inside the page."""
    return [
        {"caption": picture.caption, "alt": picture.alt, "source": _data_uri(picture.svg())} for picture in pictures
    ]


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
