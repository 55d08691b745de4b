"""A number over an axis: one line a value of a second axis, bands over what is not told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from crossbar.report.drawing import GREY, short
from crossbar.report.figures import Picture
from crossbar.study.arrange import Points, Spread, View, arrange, left_out, panel_names, spreads
from crossbar.study.frame import Room, colours_of, frame, legend, marker_of
from crossbar.study.quantities import find_quantity
from crossbar.study.ticks import number_label, numbers_along, range_across, room_below, words_across

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["averages", "draw_lines"]

Place = tuple[int, int, int]


def draw_lines(points: Points, number: str, x: str | None = None, by: str | None = None) -> Picture:
    """Draw a number over an axis.

    Parameters
    ----------
    points : Points
    number : str
        A name of `crossbar.study.quantities.QUANTITIES`.
    x, by : str, optional
        Axes across and of the lines; chosen by their values when not given.
    """
    quantity = find_quantity(points.rows, number)
    view = arrange(points, x, by)
    found, empty = spreads(points, view, quantity)
    factor, unit = quantity.scale(max(abs(each.most) for each in found.values()))
    title = f"{quantity.words[:1].upper()}{quantity.words[1:]}"
    title += f" over {view.x.label}" if view.x.label else ""
    panels = range(len(view.panel.values)) if view.panel else range(1)
    room = Room(right=1.9 if view.by else 0.4, panel=3.4 if len(panels) == 1 else 2.2)
    room = replace(room, below=room_below(view.x, len(panels), room))
    figure, drawn = frame(title, view.subtitle(points.name), points.held, panel_names(view), room)
    colours = colours_of(len(view.by.values) if view.by else 1)
    ends = [end / factor for each in found.values() for end in (each.least, each.most)]
    for panel, axes in zip(panels, drawn, strict=True):
        range_across(axes, view.x)
        numbers_along(axes, ends, zero=quantity.unit != "%")
        words_across(axes, view.x)
        for line, colour in enumerate(colours):
            mine = {key: each for key, each in found.items() if key[:2] == (panel, line)}
            gaps = {key[2] for key in empty if key[:2] == (panel, line)}
            _line(axes, view, mine, gaps, colour, marker_of(line, len(colours)), factor)
    across = 1 if len(panels) == 1 else 2 if len(panels) == 4 else 3
    for place, axes in enumerate(drawn):
        if place % across:
            axes.set_yticklabels([])
        else:
            axes.set_ylabel(number_label(quantity, unit))
    if view.by:
        legend(drawn[min(across, len(drawn)) - 1], view.by, colours)
    words = [averages(view, found)]
    if any(each.least < each.most for each in found.values()):
        words.append("Bands reach from the lowest to the highest of them.")
    words.append(_same(view, found))
    words.append(left_out(points, number))
    if empty:
        words.append("A cross at the foot: no point there has the number.")
    return Picture(title, figure, " ".join(filter(None, words)))


def averages(view: View, found: Mapping[Place, Spread]) -> str:
    """Say what lines, cells or points are the mean of; ``""`` when they are points themselves."""
    if not view.averaged or max(each.points for each in found.values()) == 1:
        return ""
    names = ", ".join(
        f"{len(each.values)} values of {short(each.label, 40)}" for each in view.averaged
    )
    return f"Means over up to {names}."


def _same(view: View, found: Mapping[Place, Spread]) -> str:
    """Name the lines that lie on one another, of which only the last can be seen."""
    if view.by is None:
        return ""
    least = min(each.mean for each in found.values())
    step = 0.003 * (max(each.mean for each in found.values()) - least) or 1.0
    lines: dict[tuple[tuple[int, int, int], ...], list[str]] = {}
    for line, words in enumerate(view.by.words):
        shape = tuple(
            (panel, across, round((each.mean - least) / step))
            for (panel, by, across), each in sorted(found.items())
            if by == line
        )
        lines.setdefault(shape, []).append(short(words, 20))
    same = [" = ".join(names) for shape, names in lines.items() if shape and len(names) > 1]
    return f"Lines that lie on one another: {', '.join(same)}." if same else ""


def _line(
    axes: Axes,
    view: View,
    found: Mapping[Place, Spread],
    gaps: set[int],
    colour: str,
    marker: str,
    factor: float,
) -> None:
    """Draw one line; it is broken where points have no number."""
    nothing = float("nan")
    marks = {key[2]: each for key, each in found.items()}
    order = sorted({*marks, *gaps})
    xs = [view.x.places[index] for index in order]

    def along(name: str) -> list[float]:
        return [
            getattr(marks[index], name) / factor if index in marks else nothing for index in order
        ]

    if any(each.least < each.most for each in found.values()):
        axes.fill_between(
            xs, along("least"), along("most"), color=colour, alpha=0.18, linewidth=0.0
        )
    size = 2.5 if len(order) > 30 else 5.0 if view.x.numeric else 7.0
    axes.plot(
        *(xs, along("mean")),
        color=colour,
        marker=marker,
        markersize=size,
        markeredgecolor="white",
        markeredgewidth=0.4,
        linewidth=1.6 if view.x.numeric else 0.8,
        linestyle="-" if view.x.numeric else ":",  # there is nothing between two words
    )
    missing = [view.x.places[index] for index in sorted(gaps)]
    axes.plot(
        *(missing, [0.02] * len(missing)),
        transform=axes.get_xaxis_transform(),
        color=colour if colour != GREY else "black",
        marker="x",
        markersize=5,
        linestyle="none",
        clip_on=False,
    )
