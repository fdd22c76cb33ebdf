"""Pages that stand alone: one file of HTML, readable offline."""

from gan_imbalance.pages.templates import data_uri, render

__all__ = ["data_uri", "render"]
