"""What all plots share: a figure with its words, colours, and a canvas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Numbers = npt.NDArray[Any]

# medium tones that can be told apart on light and on dark ground, also by the colour-blind (Okabe and Ito)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a")
# stands for the ink of the page, which differs in dark mode
INK = "#010203"
WIDTH = 4.8
_RESOLUTION = 150


@dataclass(frozen=True)
class Plot:
    """A plot and what it shows.

    Attributes:
        name: of its file.
        caption: one sentence above it.
        alt: what a reader would see in it.
        drawing: of matplotlib.
    """

    name: str
    caption: str
    alt: str
    drawing: Drawing

    def svg(self) -> str:
        """Return the plot as SVG whose ink follows the reader's light or dark mode."""
        import io

        import matplotlib

        text = io.StringIO()
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": self.name}):
            self._laid_out.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        svg = text.getvalue()
        svg = svg[svg.index("<svg") :].replace(INK, "currentColor")
        # matplotlib leaves out the fill of black text, of which legends are
        style = (
            "<style>svg{color:#222}text{fill:currentColor}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"
        )
        start = svg.index(">") + 1
        return svg[:start] + style + svg[start:]

    def save_png(self, path: Any) -> None:
        """Write the plot as PNG on white ground."""
        self._laid_out.savefig(path, format="png", dpi=_RESOLUTION, facecolor="white")

    @cached_property
    def _laid_out(self) -> Drawing:
        """The drawing, laid out once for all files, which takes longer than drawing it."""
        from matplotlib.layout_engine import ConstrainedLayoutEngine
        from matplotlib.text import Text

        # names of columns and values stand as they are, whatever dollars they hold; labels of ticks are made here
        for text in self.drawing.findobj(Text):
            text.set_parse_math(False)
        # one that the drawing keeps would make every file draw it twice
        ConstrainedLayoutEngine().execute(self.drawing)
        return self.drawing


def canvas(
    rows: int = 1, columns: int = 1, height: float = 3.0, width: float = WIDTH, **options: Any
) -> tuple[Drawing, npt.NDArray[Any]]:
    """Return a drawing of ``height`` and ``width`` inches and its axes, shape (rows, columns)."""
    import matplotlib
    from matplotlib.figure import Figure as MatplotlibFigure

    ink = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    style: dict[Any, Any] = {
        **dict.fromkeys(ink, INK),
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with matplotlib.rc_context(style):
        # text's width depends on the resolution, so the layout is made at that of the PNG, where it is widest
        drawing = MatplotlibFigure(figsize=(width, height), dpi=_RESOLUTION)
        return drawing, drawing.subplots(rows, columns, squeeze=False, **options)


def short(text: Any, length: int = 28) -> str:
    """Return the text, cut where it would crowd a plot out."""
    text = str(text)
    return text if len(text) <= length else f"{text[: length - 3]}..."


def slug(text: str) -> str:
    """Return the text as part of a file's name."""
    return re.sub(r"\W+", "_", text.lower())
