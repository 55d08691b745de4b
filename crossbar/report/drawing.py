"""How figures of a report are drawn: colours, stacked bars, names that fit, SVG without dates.

Nothing here touches pyplot or a window: figures are made and written by themselves.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from crossbar.report.lines import tail

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "GREY",
    "INK",
    "bars",
    "canvas",
    "drawn",
    "key",
    "label_rows",
    "scaled",
    "short",
    "style",
]

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")
"""Okabe and Ito's, which people with any kind of colour blindness tell apart."""

GREY = "#c8c8c8"
INK = "#1a1a1a"

_WIDTH = 9.4
_ROW = 0.21
_FOOT = 0.55
_HEAD = 0.36
_KEY = 0.22
_RIGHT = 0.75
_LETTER = 0.078
_FONT = 9.0
_NAME = 34
_PREFIXES = ("f", "p", "n", "u", "m", "", "k", "M")
_STYLES = tuple(
    f"{group}."
    for group in (
        *("axes", "figure", "font", "grid", "hatch", "image", "legend", "lines", "mathtext"),
        *("patch", "path", "pdf", "savefig", "svg", "text", "xtick", "ytick"),
    )
)
"""Groups of matplotlib's settings that change how a figure looks."""

_UNDATED: dict[str, dict[str, Any]] = {
    "png": {},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None},
}


def short(name: str, room: int = _NAME) -> str:
    """Shorten a name for a figure."""
    return tail(name, room)


def scaled(largest: float, unit: str) -> tuple[float, str]:
    """Choose the prefix for an axis: what values are divided by, and the unit to write."""
    place = _PREFIXES.index("")
    factor = 1.0
    while 0 < largest / factor < 1 and place > 0:
        place, factor = place - 1, factor / 1000
    while largest / factor >= 1000 and place < len(_PREFIXES) - 1:
        place, factor = place + 1, factor * 1000
    return factor, f"{_PREFIXES[place]}{unit}"


def canvas(
    title: str,
    names: Sequence[str],
    *,
    keys: int = 0,
    row: float = _ROW,
    right: float = _RIGHT,
    foot: float = _FOOT,
) -> tuple[Figure, Axes]:
    """Make a figure of one row a name, first on top, with room for a title and a key above.

    Parameters
    ----------
    title : str
    names : sequence of str
        Already short.
    keys : int
        Entries of the key.
    row : float
        Height of a row [inch].
    right : float
        Room beside the axes [inch].
    foot : float
        Room under the axes [inch].
    """
    from matplotlib.figure import Figure

    left = 0.25 + _LETTER * max(map(len, names), default=0)
    head = _HEAD + _KEY * -(-keys // _columns(left))
    inner = max(row * len(names), 0.45)
    height = head + inner + foot
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    axes = figure.add_axes(
        (left / _WIDTH, foot / height, (_WIDTH - left - right) / _WIDTH, inner / height)
    )
    axes.set_title(title, loc="left", pad=72 * (head - _HEAD) + 8, parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def label_rows(axes: Axes, names: Sequence[str], every: int = 1) -> None:
    """Write the names of rows, one of `every`; as texts, since ticks take four times as long."""
    axes.set_yticks([])
    across = axes.get_yaxis_transform()
    for row in range(0, len(names), every):
        axes.text(
            -0.006, row, names[row], transform=across, ha="right", va="center", parse_math=False
        )


def bars(axes: Axes, lefts: Sequence[float], widths: Sequence[float], colour: str) -> None:
    """Draw a bar in every row; one collection, since hundreds of patches take seconds."""
    from matplotlib.collections import PolyCollection

    corners = [
        ((left, y - 0.38), (left + width, y - 0.38), (left + width, y + 0.38), (left, y + 0.38))
        for y, (left, width) in enumerate(zip(lefts, widths, strict=True))
        if width > 0
    ]
    axes.add_collection(
        PolyCollection(corners, facecolors=colour, edgecolors="white", linewidths=0.3)
    )


def key(axes: Axes, entries: Sequence[tuple[str, str]]) -> None:
    """Write what the colours mean, above the axes: ``(name, colour)``."""
    from matplotlib.patches import Patch

    legend = axes.legend(
        handles=[Patch(facecolor=colour) for _, colour in entries],
        labels=[str(place) for place in range(len(entries))],  # an underscore would hide a name
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        borderaxespad=0.15,
        ncols=_columns(axes.get_position().x0 * _WIDTH),
        frameon=False,
        handlelength=1.2,
        columnspacing=1.2,
        labelspacing=0.25,
    )
    for text, (name, _) in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(short(name, 22))


def drawn(figure: Figure, format: Literal["svg", "png", "pdf"] = "svg", *, dpi: int = 100) -> bytes:
    """Return the figure as a file; the same figure gives the same bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    format : {"svg", "png", "pdf"}
    dpi : int
        Pixels an inch, of a PNG.
    """
    out = io.BytesIO()
    with style():
        figure.savefig(out, format=format, dpi=dpi, metadata=_UNDATED[format])
    return out.getvalue()


def _columns(left: float) -> int:
    """Entries a line of the key."""
    return max(1, int((_WIDTH - left - 0.1) / 1.55))


@contextmanager
def style() -> Iterator[None]:
    """Draw as this file says, whatever a user's own settings of matplotlib are."""
    import matplotlib

    with warnings.catch_warnings():
        # keys that a newer matplotlib will not have; a name in a script that its own font does not
        # have, which the browser's will
        warnings.simplefilter("ignore", matplotlib.MatplotlibDeprecationWarning)
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        warnings.filterwarnings("ignore", "Matplotlib currently does not support", UserWarning)
        settings: Any = {
            name: value
            for name, value in matplotlib.rcParamsDefault.items()
            if name.startswith(_STYLES)
        }
        settings |= {
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlesize": 11.0,
            "axes.titleweight": "bold",
            "font.size": _FONT,
            "pdf.fonttype": 42,  # fonts that printers and publishers take
            "svg.fonttype": "none",  # text stays text: small, and in any script the reader has
            "svg.hashsalt": "crossbar",
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
        with matplotlib.rc_context(settings):
            yield
