"""What every figure of a study has: title, held quantity, panels, a key of colours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossbar.report.drawing import COLOURS, short
from crossbar.report.lines import clean
from crossbar.study.scales import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "LETTER",
    "MARKERS",
    "WIDTH",
    "Room",
    "colours_of",
    "columns",
    "foot_height",
    "frame",
    "inches",
    "legend",
    "marker_of",
    "write_foot",
]

WIDTH = 9.4
"""Inches; as `crossbar.report.drawing.canvas` has it."""

LETTER = 0.078
MARKERS = "osD^vP*X"
FAINT = "#555555"
_LINE = 0.165
_LINE_LETTERS = 138
_FOOT_LINES = 4
_LINES = (*COLOURS[:6], COLOURS[7], "#7a7a7a")
"""Without yellow, which no one sees as a line on white."""

_NAMED = 14


@dataclass(frozen=True)
class Room:
    """Inches around and between panels.

    Parameters
    ----------
    left, right : float
    panel : float
        Height of a panel.
    below : float
        Under each row of panels, for ticks and their label.
    across : float
        Between panels.
    """

    left: float = 0.8
    right: float = 0.3
    panel: float = 3.4
    below: float = 0.55
    across: float = 0.2


def colours_of(number: int) -> list[str]:
    """Return a colour for each of some lines; from dark to light when there are many."""
    if number <= len(_LINES):
        return list(_LINES[:number])
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shades = colormaps["viridis"]
    return [to_hex(shades(0.9 * place / (number - 1))) for place in range(number)]


def foot_lines(held: str) -> list[str]:
    """Break what is held equal into the lines under a figure."""
    return textwrap.wrap(
        clean(held), _LINE_LETTERS, max_lines=_FOOT_LINES, placeholder=" ... (the table has all)"
    )


def write_foot(figure: Figure, held: str) -> None:
    """Write what is held equal at the foot of a figure."""
    for line, words in enumerate(reversed(foot_lines(held))):
        place = (0.08 + _LINE * line) / figure.get_figheight()
        figure.text(0.1 / WIDTH, place, words, fontsize=8, color=FAINT, parse_math=False)


def foot_height(held: str) -> float:
    """Inches that `write_foot` takes."""
    return _LINE * len(foot_lines(held)) + 0.1


def frame(
    title: str, subtitle: str, held: str, titles: Sequence[str], room: Room
) -> tuple[Figure, list[Axes]]:
    """Make a figure of one panel a title, in rows of at most three.

    Parameters
    ----------
    title, subtitle : str
    held : str
        What is held equal between the points.
    titles : sequence of str
        Of the panels; one that is empty for a figure of one panel.
    room : Room
    """
    from matplotlib.figure import Figure

    across = len(titles) if len(titles) <= 3 else 2 if len(titles) == 4 else 3
    down = -(-len(titles) // across)
    over = 0.25 if any(titles) else 0.08
    head = 0.36 + 0.2 * bool(subtitle)
    foot = foot_height(held)
    height = head + down * (over + room.panel + room.below) + foot
    width = (WIDTH - room.left - room.right - (across - 1) * room.across) / across
    figure = Figure(figsize=(WIDTH, height), facecolor="white")
    figure.text(
        *(0.1 / WIDTH, 1 - 0.25 / height),
        clean(title),
        fontsize=11,
        fontweight="bold",
        parse_math=False,
    )
    figure.text(0.1 / WIDTH, 1 - 0.45 / height, short(subtitle, 130), parse_math=False)
    write_foot(figure, held)
    panels = []
    for place, words in enumerate(titles):
        row, column = divmod(place, across)
        low = foot + (down - 1 - row) * (over + room.panel + room.below) + room.below
        left = room.left + column * (width + room.across)
        axes = figure.add_axes((left / WIDTH, low / height, width / WIDTH, room.panel / height))
        axes.set_title(short(words, int(width / 0.088)), loc="left", fontsize=9, parse_math=False)
        axes.spines[["top", "right"]].set_visible(False)
        panels.append(axes)
    return figure, panels


def legend(axes: Axes, scale: Scale, colours: Sequence[str], *, dots: bool = False) -> None:
    """Write which colour and marker each value of an axis has, to the right of a panel."""
    from matplotlib.lines import Line2D

    number = len(colours)
    every = -(-number // _NAMED)
    shown = range(0, number, every)
    made = axes.legend(
        handles=[
            Line2D(
                *([], []),
                color=colours[place],
                marker=marker_of(place, number),
                linestyle="none" if dots else "-",
                markersize=5,
            )
            for place in shown
        ],
        labels=[str(place) for place in shown],  # an underscore would hide a name
        title="_",
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        frameon=False,
        handlelength=1.6,
        labelspacing=0.35,
        alignment="left",
    )
    made.get_title().set_parse_math(False)
    made.get_title().set_text(textwrap.fill(short(scale.label, 40), 20))
    for text, place in zip(made.get_texts(), shown, strict=True):
        text.set_parse_math(False)
        text.set_text(short(scale.words[place], 20))


def inches(axes: Axes) -> tuple[float, float]:
    """Return the width and the height of a panel."""
    return float(axes.bbox.width / axes.figure.dpi), float(axes.bbox.height / axes.figure.dpi)


def marker_of(place: int, number: int) -> str:
    """Return the marker of a line; lines that are too many to tell apart share one."""
    return MARKERS[place % len(MARKERS)] if number <= len(MARKERS) else "o"


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[float]]:
    """Shorten the heads of a small table, and place its columns.

    Returns
    -------
    heads : list of str
    ends : list of float
        Where the right end of each column is [inch from the left of the first].
    """
    found, ends, end = [], [], 0.0
    for place, head in enumerate(heads):
        widest = max((len(row[place]) for row in rows), default=0)
        room = max(widest, 12)
        if len(head) > room:  # `array.rows = array.cols`: the last words tell them apart
            head = " = ".join(part.rsplit(".", 1)[-1] for part in head.split(" = "))
        name = short(head, room)
        end += max(widest, len(name)) * LETTER + 0.14
        found.append(name)
        ends.append(end)
    return found, ends
