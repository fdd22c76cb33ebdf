"""Plots as pages show them, and results as notebooks do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from gan_imbalance.comparison.plots import Plot
from gan_imbalance.pages import data_uri


def show(plots: Sequence[Plot]) -> list[dict[str, str]]:
    """Return plots as a template shows them, inside the page."""
    return [
        {"caption": plot.caption, "alt": plot.alt, "source": data_uri(plot.svg().encode(), "image/svg+xml")}
        for plot in plots
    ]


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
