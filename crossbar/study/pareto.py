"""The points that nothing beats in two numbers at once, with the axis values of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crossbar.errors import InputError
from crossbar.mapping.plan_text import counted
from crossbar.report.drawing import INK, short
from crossbar.report.figures import Picture
from crossbar.study.arrange import Points, configurations, left_out
from crossbar.study.frame import Room, colours_of, columns, frame, inches, legend, marker_of
from crossbar.study.quantities import Quantity, find_quantity, quantity_text
from crossbar.study.scales import Scale, find_scale, make_scales
from crossbar.study.ticks import number_label, numbers_along

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_pareto", "front"]

_LISTED = 13
_NEAREST = 0.19
"""Inches between two numbered points."""

_COLOURS = 8
_AXES = 4
"""Most axes that the list beside a front has columns for."""

_WIDEST = 4.3
"""Inches that the list may take."""

_ROW = 0.2


def front(
    xs: Sequence[float], ys: Sequence[float], *, less_x: bool = True, less_y: bool = True
) -> list[int]:
    """Return the places of the points that no other point beats, from the lowest x on.

    Of points that are equal in both, the first stands for all.

    Parameters
    ----------
    xs, ys : sequence of float
    less_x, less_y : bool
        Whether less is better.
    """
    sign_x, sign_y = 1 if less_x else -1, 1 if less_y else -1
    order = sorted(range(len(xs)), key=lambda at: (sign_x * xs[at], sign_y * ys[at], at))
    found: list[int] = []
    for place in order:
        if not found or sign_y * ys[place] < sign_y * ys[found[-1]]:
            found.append(place)
    return sorted(found, key=lambda at: xs[at])


def draw_pareto(points: Points, x: str, y: str, by: str | None = None) -> Picture:
    """Draw two numbers of every point against one another, and the front of the best.

    Parameters
    ----------
    points : Points
    x, y : str
        Names of `crossbar.study.quantities.QUANTITIES`.
    by : str, optional
        Axis of the colours; the first of few values when not given.

    Raises
    ------
    InputError
        No point has both numbers.
    """
    if x == y:
        raise InputError(f"{x}: a front needs two numbers; name another for --x or --y")
    pair = find_quantity(points.rows, x), find_quantity(points.rows, y)
    joined = configurations(points, (x, y))
    if not joined:
        raise InputError(f"{x}, {y}: no finished point has both")
    scales = make_scales(points.rows, points.axes)
    free = [each for each in scales if each.many and not each.seed]
    given = [each for each in free if each.condition]
    colour = find_scale(scales, by) if by is not None else _colours(given, free)
    rows = [points.rows[places[0]] for places, _ in joined]
    values = [[each[quantity.name].mean for _, each in joined] for quantity in pair]
    fronts = _fronts(rows, values, pair, given)
    best = [place for each in fronts for place in each]
    factors, units = zip(*(q.scale(max(v)) for q, v in zip(pair, values, strict=True)), strict=True)
    xs, ys = ([v / f for v in column] for column, f in zip(values, factors, strict=True))

    for number in range(min(len(free), _AXES), -1, -1):
        named = free[:number]
        listed = {
            place: [short(each.words[each.index(rows[place])], 20) for each in named]
            + [quantity_text(q, v[place]) for q, v in zip(pair, values, strict=True)]
            for place in best
        }
        heads, ends = columns(
            ["", *(each.label for each in named), x, y],
            [["00", *cells] for cells in listed.values()],
        )
        if ends[-1] <= _WIDEST:
            break
    keyed = 1.15 if colour else 0.1
    title = f"{pair[1].words[:1].upper()}{pair[1].words[1:]} against {pair[0].words}"
    held = points.held
    fixed = [f"{each.label} {each.words[0]}" for each in scales if not each.many and each.keys]
    room = Room(right=keyed + 0.35 + ends[-1], panel=3.6)
    figure, (axes,) = frame(title, "; ".join([points.name, *fixed]), held, [""], room)
    numbers_along(axes, xs, vertical=False, zero=False)
    numbers_along(axes, ys, zero=False)
    axes.set_xlabel(number_label(pair[0], units[0], better=True))
    axes.set_ylabel(number_label(pair[1], units[1], better=True))
    _dots(axes, xs, ys, rows, colour)
    for each in fronts:
        axes.plot(
            [xs[place] for place in each],
            [ys[place] for place in each],
            drawstyle="steps-post" if pair[0].less else "steps-pre",
            color=INK,
            linewidth=1.1,
            zorder=2,
        )
    numbered = _numbered(axes, xs, ys, fronts)
    shades = colours_of(len(colour.values) if colour else 1)
    for number, place in enumerate(numbered, 1):
        edge = shades[colour.index(rows[place]) if colour else 0]
        axes.plot(
            *(xs[place], ys[place]),
            marker="o",
            markersize=11,
            markerfacecolor="white",
            markeredgecolor=edge,
            markeredgewidth=1.8,
            zorder=4,
        )
        axes.text(
            *(xs[place], ys[place], str(number)),
            ha="center",
            va="center_baseline",
            fontsize=7,
            zorder=5,
        )
    if colour:
        legend(axes, colour, shades, dots=True)
    _list(axes, 1 + (keyed + 0.2) / inches(axes)[0], heads, ends, [listed[p] for p in numbered])
    hidden = free[len(named) :]
    return Picture(title, figure, _caption(points, pair, joined, best, numbered, free, hidden))


def _colours(given: Sequence[Scale], free: Sequence[Scale]) -> Scale | None:
    """Choose the axis of the colours: what is given, else the first of few values."""
    return next((each for each in [*given, *free] if len(each.values) <= _COLOURS), None)


def _fronts(
    rows: Sequence[Mapping[str, Any]],
    values: Sequence[Sequence[float]],
    pair: tuple[Quantity, Quantity],
    given: Sequence[Scale],
) -> list[list[int]]:
    """Find a front for each combination of what is given: networks, rates of faults."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(tuple(each.index(row) for each in given), []).append(place)
    xs, ys = values
    return [
        [
            places[at]
            for at in front(
                [xs[place] for place in places],
                [ys[place] for place in places],
                less_x=pair[0].less,
                less_y=pair[1].less,
            )
        ]
        for _, places in sorted(groups.items())
    ]


def _dots(
    axes: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    rows: Sequence[Mapping[str, Any]],
    colour: Scale | None,
) -> None:
    shades = colours_of(len(colour.values)) if colour else colours_of(1)
    for group, shade in enumerate(shades):
        mine = [p for p, row in enumerate(rows) if colour is None or colour.index(row) == group]
        axes.plot(
            [xs[place] for place in mine],
            [ys[place] for place in mine],
            linestyle="none",
            marker=marker_of(group, len(shades)),
            markersize=5 if len(xs) <= 120 else 3.5,
            color=shade,
            markeredgewidth=0.0,
            alpha=0.9,
            zorder=3,
        )


def _numbered(
    axes: Axes, xs: Sequence[float], ys: Sequence[float], fronts: Sequence[Sequence[int]]
) -> list[int]:
    """Pick the points of fronts that get a number: the ends, and those that have room."""
    ends = dict.fromkeys(place for each in fronts for place in (each[0], each[-1]))
    best = [*ends, *(place for each in fronts for place in each if place not in ends)]
    dpi = axes.figure.get_dpi()
    at = {p: axes.transData.transform((xs[p], ys[p])) / dpi for p in best}
    kept: list[int] = []
    least = _NEAREST
    while True:
        kept = []
        for place in best:
            if all(float(((at[place] - at[each]) ** 2).sum()) >= least**2 for each in kept):
                kept.append(place)
        if len(kept) <= _LISTED:
            return sorted(kept, key=lambda place: xs[place])
        least *= 1.15


def _list(
    axes: Axes,
    left: float,
    heads: Sequence[str],
    ends: Sequence[float],
    rows: Sequence[Sequence[str]],
) -> None:
    """Write the numbered points beside a front, as a small table."""
    wide, tall = inches(axes)
    for line, cells in enumerate([heads, *([str(n), *row] for n, row in enumerate(rows, 1))]):
        for cell, end in zip(cells, ends, strict=True):
            axes.text(
                *(left + end / wide, 1 - (0.05 + _ROW * line) / tall, short(cell, 20)),
                transform=axes.transAxes,
                ha="right",
                va="center",
                fontsize=8,
                fontweight="normal" if line else "bold",
                parse_math=False,
            )


def _caption(
    points: Points,
    pair: tuple[Quantity, Quantity],
    joined: Sequence[Any],
    best: Sequence[int],
    numbered: Sequence[int],
    free: Sequence[Scale],
    hidden: Sequence[Scale],
) -> str:
    given = [short(each.label, 40) for each in free if each.condition]
    if given:
        words = [f"A line for each {' and '.join(given)}: the points that no other there beats."]
    else:
        words = [f"The line joins the {counted(len(best), 'point')} that no other beats in both."]
    if len(numbered) < len(best):
        words.append(f"{len(numbered)} of {len(best)} have room for a number.")
    if hidden:
        words.append(f"Not listed: {', '.join(short(each.label, 40) for each in hidden)}.")
    if not given:
        ends = {tuple(joined[p][1][q.name].mean for q in pair) for p in best}
        same = sum(tuple(each[q.name].mean for q in pair) in ends for _, each in joined)
        if same > len(best):
            words.append(f"{counted(same - len(best), 'other point')} equal to one of them.")
    if max(len(places) for places, _ in joined) > 1:
        words.append("Each point is the mean over its seeds.")
    words.append(left_out(points, *(q.name for q in pair)))
    return " ".join(filter(None, words))
