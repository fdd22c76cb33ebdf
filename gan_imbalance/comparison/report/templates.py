"""Pages from templates, plots within them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from gan_imbalance.comparison.plots import Plot

_HOME = "gan_imbalance.comparison.report"


def render(template: str, package: str = _HOME, **values: Any) -> str:
    """Return a page of a package's templates, which may extend those of this folder.

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


def show(plots: Sequence[Plot]) -> list[dict[str, str]]:
    """Return plots as a template shows them, inside the page."""
    return [{"caption": plot.caption, "alt": plot.alt, "source": _data_uri(plot.svg())} for plot in plots]


def in_notebook(title: str, sentences: Iterable[str], table: pd.DataFrame, page: Path | None) -> str:
    """Return what a notebook shows of a result, every text as it is.

    Args:
        title: the result in a few words.
        sentences: what else is to be told.
        table: without its index.
        page: what is linked to, if there is one.
    """
    # long names are cut otherwise
    with pd.option_context("display.max_colwidth", None):
        shown = table.to_html(index=False, float_format="{:.3f}".format, na_rep="") if len(table) else ""
    told = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    link = "" if page is None else f'<p><a href="{quote(page.as_posix())}">{escape(page.name)}</a></p>'
    return f"<p><strong>{escape(title)}</strong></p>{told}{shown}{link}"


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
