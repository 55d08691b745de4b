"""Where the energy of each point goes, component by component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import TYPE_CHECKING

from crossbar.energy import COMPONENTS
from crossbar.errors import InputError
from crossbar.mapping.plan_text import counted
from crossbar.report.drawing import COLOURS, GREY, bars, canvas, key, scaled, short
from crossbar.report.figures import Picture
from crossbar.study.arrange import Points, configurations, left_out
from crossbar.study.frame import LETTER, columns, foot_height, inches, write_foot
from crossbar.study.scales import Scale, make_scales
from crossbar.units import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from crossbar.report.report import Report

__all__ = ["draw_breakdown"]

_ROWS = 28
_PARTS = 7
_AXES = 5
_WIDEST = 4.6
"""Inches that the values of the axes may take before the bars."""


def draw_breakdown(points: Points) -> Picture:
    """Draw the energy of one inference of each point by component; of many, of the lowest.

    Parameters
    ----------
    points : Points

    Raises
    ------
    InputError
        No point has a report.
    """
    joined = configurations(points, ("energy",))
    ranked = sorted(range(len(joined)), key=lambda at: joined[at][1]["energy"].mean)
    picked = [joined[place] for place in sorted(ranked[:_ROWS])]
    energies = [_mean([r for p in places if (r := points.report(p))]) for places, _ in picked]
    if not any(energies):
        raise InputError("breakdown: no finished point has its report")
    scales = make_scales(points.rows, points.axes)
    free = [each for each in scales if each.many and not each.seed]
    title = f"Energy of one inference by component: {short(points.name, 50)}"
    rows = [points.rows[places[0]] for places, _ in picked]
    for number in range(min(len(free), _AXES), -1, -1):
        shown = free[: max(number, 1)] or scales[:1]
        cells = [[short(each.words[each.index(row)], 24) for each in shown] for row in rows]
        heads, ends = columns([each.label for each in shown], cells)
        if ends[-1] <= _WIDEST:
            break
    parts = {name: fsum(each.get(name, 0.0) for each in energies) for name in COMPONENTS}
    order = sorted((name for name in parts if parts[name]), key=lambda name: -parts[name])
    own, rest = order[:_PARTS], order[_PARTS:]
    sums = [fsum(each.values()) for each in energies]
    factor, unit = scaled(max(sums), "J")
    series = [
        (COMPONENTS[name], colour, [each.get(name, 0.0) / factor for each in energies])
        for name, colour in zip(own, COLOURS, strict=False)
    ]
    if rest:
        others = [fsum(each.get(name, 0.0) for name in rest) / factor for each in energies]
        series.append((f"{len(rest)} others", GREY, others))
    room = [" " * round(ends[-1] / LETTER)]  # names of this width; the first row is the heads'
    figure, axes = canvas(
        title, room * (len(rows) + 1), keys=len(series), foot=0.5 + foot_height(points.held)
    )
    lefts = [0.0] * (len(rows) + 1)
    for _, colour, widths in series:
        bars(axes, lefts, [0.0, *widths], colour)
        lefts = [left + width for left, width in zip(lefts, [0.0, *widths], strict=True)]
    key(axes, [(name, colour) for name, colour, _ in series])
    axes.set_xlim(0.0, 1.02 * max(lefts) or 1.0)
    axes.set_xlabel(f"energy of one inference [{unit}]")
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)
    _write(axes, heads, ends, cells)
    for row, total in enumerate(sums, 1):
        axes.text(
            *(total / factor, row, f"  {text(total, 'J') if energies[row - 1] else 'no report'}"),
            va="center",
            fontsize=8,
        )
    write_foot(figure, points.held)
    return Picture(title, figure, _caption(points, joined, picked, free[len(shown) :]))


def _mean(reports: Sequence[Report]) -> dict[str, float]:
    """Average the energy of each component over the seeds of a point."""
    return {
        name: fsum(each.components[name]["energy"] for each in reports) / len(reports)
        for name in (reports[0].components if reports else ())
    }


def _write(
    axes: Axes, heads: Sequence[str], ends: Sequence[float], cells: Sequence[Sequence[str]]
) -> None:
    """Write the axis values of each row before its bar, under the names of the axes."""
    wide, _ = inches(axes)
    axes.set_yticks([])
    for line, words in enumerate([heads, *cells]):
        for word, end in zip(words, ends, strict=True):
            axes.text(
                *(-(ends[-1] - end + 0.08) / wide, line, word),
                transform=axes.get_yaxis_transform(),
                ha="right",
                va="center",
                fontsize=9 if line else 8,
                fontweight="normal" if line else "bold",
                parse_math=False,
            )


def _caption(
    points: Points,
    joined: Sequence[tuple[tuple[int, ...], Mapping[str, object]]],
    picked: Sequence[tuple[tuple[int, ...], Mapping[str, object]]],
    hidden: Sequence[Scale],
) -> str:
    words = ["Leakage is part of its component."]
    if len(picked) < len(joined):
        words.append(f"The {len(picked)} of {counted(len(joined), 'point')} with least energy.")
    if hidden:
        words.append(f"Not shown: {', '.join(short(each.label, 40) for each in hidden)}.")
    if any(len(places) > 1 for places, _ in picked):
        words.append("Means over seeds.")
    words.append(left_out(points, "energy"))
    return " ".join(filter(None, words))
