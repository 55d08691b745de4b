"""The axes of a study's figures: words where values stand, ranges and ticks of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import radians, sin
from typing import TYPE_CHECKING

from crossbar.report.drawing import short
from crossbar.study.frame import LETTER, WIDTH, Room, inches
from crossbar.study.quantities import Quantity
from crossbar.study.scales import Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["number_label", "numbers_along", "range_across", "room_below", "span", "words_across"]

_ANGLE = 35.0
_SLANTED = 15
"""Letters of a word that stands aslant."""

_RATIO = 20.0
"""Largest over smallest value above which an axis of numbers is logarithmic."""


def range_across(axes: Axes, scale: Scale) -> None:
    """Give the axis across the room that the values of an axis of the study need."""
    first, last = scale.places[0], scale.places[-1]
    if scale.kind == "even":
        axes.set_xlim(-0.4, max(len(scale.places) - 0.6, 0.4))
    elif scale.kind == "log":
        axes.set_xscale("log")
        room = (last / first) ** 0.05
        axes.set_xlim(first / room, last * room)
    else:
        room = 0.05 * (last - first) or 0.1 * abs(first) or 1.0
        axes.set_xlim(first - room, last + room)


def numbers_along(
    axes: Axes, values: Sequence[float], *, vertical: bool = True, zero: bool = True
) -> None:
    """Scale an axis of numbers to its values, and give it ticks without powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    is_log, low, high = span(values, zero=zero)
    axis = axes.yaxis if vertical else axes.xaxis
    (axes.set_yscale if vertical else axes.set_xscale)("log" if is_log else "linear")
    (axes.set_ylim if vertical else axes.set_xlim)(low, high)
    if is_log:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 2000 else (1.0,)))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(6))
    axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:.6g}"))
    axes.grid(axis="y" if vertical else "x", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)


def number_label(quantity: Quantity, unit: str, *, better: bool = False) -> str:
    """Write what an axis of numbers shows."""
    words = f"{quantity.words} [{unit}]"
    return f"{words}, {'less' if quantity.less else 'more'} is better" if better else words


def words_across(axes: Axes, scale: Scale, *, vertical: bool = False) -> None:
    """Write the values of an axis where they stand, as many as have room, and its label."""
    from matplotlib.ticker import NullLocator

    slanted = not vertical and _is_slanted(scale, inches(axes)[0])
    names = [short(words, _SLANTED if slanted else 18) for words in scale.words]
    if vertical:
        spots = [(axes.get_xlim()[0], place) for place in scale.places]
    else:
        spots = [(place, axes.get_ylim()[0]) for place in scale.places]
    pixels = [float(axes.transData.transform(spot)[int(vertical)]) for spot in spots]
    per_inch = axes.figure.dpi
    least = 0.12 if slanted else 0.09 if vertical else None
    halves = [(len(name) * LETTER + 0.1) / 2 if least is None else least for name in names]
    ends = [
        (at / per_inch - half, at / per_inch + half)
        for at, half in zip(pixels, halves, strict=True)
    ]
    kept = _with_room(ends)
    axis = axes.yaxis if vertical else axes.xaxis
    axis.set_ticks([scale.places[index] for index in kept])
    axis.set_ticklabels([names[index] for index in kept])
    axis.set_minor_locator(NullLocator())
    for tick in axis.get_ticklabels():
        tick.set_parse_math(False)
        if slanted:
            tick.set(rotation=_ANGLE, ha="right", rotation_mode="anchor")
    room = 1.15 * inches(axes)[1 if vertical else 0]
    axis.set_label_text(short(scale.label, max(int(room / LETTER), 12)))
    axis.label.set_parse_math(False)


def room_below(scale: Scale, panels: int, room: Room) -> float:
    """Return the inches that the words of an axis and its label take under a panel."""
    wide = (WIDTH - room.left - room.right) / min(panels, 3)
    if not _is_slanted(scale, wide):
        return room.below
    longest = min(max(map(len, scale.words)), _SLANTED)
    return room.below + longest * LETTER * sin(radians(_ANGLE))


def _is_slanted(scale: Scale, wide: float) -> bool:
    """Tell whether words across would meet if they stood level."""
    longest = min(max(map(len, scale.words)), 18)
    return not scale.numeric and longest * LETTER > 1.1 * wide / len(scale.words)


def _with_room(ends: Sequence[tuple[float, float]]) -> list[int]:
    """Pick the words that do not meet: every one, every second ..., or each that has room."""
    order = sorted(range(len(ends)), key=ends.__getitem__)
    greedy: list[int] = []
    for index in order:
        if not greedy or ends[index][0] >= ends[greedy[-1]][1]:
            greedy.append(index)
    for step in range(1, len(order) + 1):
        kept = order[::step]
        if all(ends[a][1] <= ends[b][0] for a, b in pairwise(kept)):
            return kept if 2 * len(kept) >= len(greedy) else greedy
    return greedy


def span(values: Sequence[float], *, zero: bool = True) -> tuple[bool, float, float]:
    """Choose the range of an axis of numbers: whether it is logarithmic, from, to.

    Parameters
    ----------
    values : sequence of float
    zero : bool
        Whether the axis starts at zero unless all values are close to one another.
    """
    least, most = min(values), max(values)
    if least > 0 and most / least > _RATIO:
        return True, least / 1.25, most * 1.25
    if least >= 0 and zero and (least <= 0.75 * most or least == most):
        return False, 0.0, 1.06 * most or 1.0
    room = 0.08 * (most - least) or 0.05 * abs(most) or 1.0
    return False, least - room, most + room
