"""A sheet to draw on: matplotlib's boxes, lines and texts, placed in points from the top left, as SVG of the same bytes each time.

Without axes there is nothing to lay out: a drawing takes some milliseconds, where one with axes takes a hundred.
"""

from __future__ import annotations

import io
import unicodedata
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import IdentityTransform

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

#: Texts stay texts, in the reader's own font where DejaVu Sans is missing: it has more scripts than a font that is drawn as paths.
_RC: dict[RcKeyType, Any] = {
    "svg.hashsalt": "heytalk-audit",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "hatch.linewidth": 0.6,
}
_INK, _BLUE, _FAINT = "#1f2733", "#14508c", "#c3c9d2"


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in points; rather too much than too little."""
    return size * sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.62 for c in text)


class Sheet:
    """So many points wide and high."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._artists: list[Artist] = []
        self._texts: list[tuple[float, float, str, dict[str, Any]]] = []

    def box(self, x: float, y: float, width: float, height: float, style: tuple[str, str]) -> None:
        """A filled box whose upper left corner is (x, y); its style is a colour and a hatching."""
        with rc_context(_RC):
            corner = (x, self.height - y - height)
            look: dict[str, Any] = {"facecolor": style[0], "hatch": style[1], "edgecolor": "white", "linewidth": 0.6}
            self._artists.append(Rectangle(corner, width, height, transform=IdentityTransform(), **look))

    def rule(self, start: tuple[float, float], end: tuple[float, float], faint: bool = False) -> None:
        """A thin straight line."""
        self._line([start, end], color=_FAINT if faint else _INK, linewidth=0.5 if faint else 0.8)

    def curve(self, points: Sequence[tuple[float, float]]) -> None:
        """A line with a dot at each point."""
        self._line(points, color=_BLUE, linewidth=1.4, marker="o", markersize=4)

    def _line(self, points: Sequence[tuple[float, float]], **look: Any) -> None:
        across, down = zip(*points, strict=True)
        self._artists.append(Line2D(across, [self.height - y for y in down], transform=IdentityTransform(), **look))

    def text(
        self, x: float, y: float, text: str, size: float = 9, align: Literal["left", "center", "right"] = "left", bold: bool = False
    ) -> None:
        """A text whose letters stand around the height y."""
        look = {"ha": align, "va": "baseline", "fontsize": size, "color": _INK, "fontweight": "bold" if bold else "normal"}
        self._texts.append((x, self.height - y - 0.36 * size, text, look))

    def svg(self) -> bytes:
        """The drawing."""
        with rc_context(_RC), warnings.catch_warnings():
            figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72)
            buffer = io.BytesIO()
            for artist in self._artists:
                figure.add_artist(artist)
            for x, y, text, look in self._texts:
                figure.text(x, y, text, transform=IdentityTransform(), parse_math=False, **look)
            # the reader's browser has fonts for what DejaVu Sans lacks
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
            return buffer.getvalue()
