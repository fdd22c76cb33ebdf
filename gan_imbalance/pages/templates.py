"""Pages from templates, with all that they show inside."""

from __future__ import annotations

import base64
from typing import Any

_HOME = "gan_imbalance.pages"


def render(template: str, package: str, **values: Any) -> str:
    """Return a page of a package's templates, which may extend and include those of this folder.

    Raises:
        LookupError: if the values lack what the page shows.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, UndefinedError

    loader = ChoiceLoader([PackageLoader(name, ".") for name in (package, _HOME)])
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template(template)
    try:
        return page.render(values)
    except UndefinedError as error:
        raise LookupError(str(error)) from error


def data_uri(content: bytes, mime_type: str) -> str:
    """Return a file as an address that holds it: ``data:image/png;base64,...``."""
    return f"data:{mime_type};base64,{base64.b64encode(content).decode()}"
