"""Pictures of a study: one of a chosen kind, or all that its page shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from crossbar.errors import InputError, UnknownNameError
from crossbar.report.drawing import style
from crossbar.report.figures import Picture
from crossbar.study.arrange import Points
from crossbar.study.breakdown import draw_breakdown
from crossbar.study.heat import draw_heat
from crossbar.study.lines import draw_lines
from crossbar.study.pareto import draw_pareto
from crossbar.study.quantities import find_quantity, measured, number_in
from crossbar.study.scales import make_scales

__all__ = ["KINDS", "Kind", "changing", "draw_plot", "study_pictures"]

Kind = Literal["line", "heat", "pareto", "breakdown"]

KINDS: tuple[Kind, ...] = get_args(Kind)

_FRONTS = (("latency", "energy"), ("energy", "accuracy"), ("area", "throughput"))
_LINES = ("accuracy", "energy", "latency", "throughput", "area")


def draw_plot(
    points: Points,
    kind: str = "line",
    *,
    x: str | None = None,
    y: str | None = None,
    by: str | None = None,
) -> Picture:
    """Draw one figure of a study.

    Parameters
    ----------
    points : Points
        A `StudyTable`, or anything that has its rows, axes, name, held quantity and reports.
    kind : {"line", "heat", "pareto", "breakdown"}
    x : str, optional
        The axis across; for ``pareto`` a number.
    y : str, optional
        The number; when not given energy where it is known, for ``pareto`` accuracy where that is.
    by : str, optional
        The axis of the colours; for ``heat`` the one upwards.

    Raises
    ------
    UnknownNameError
        A kind, axis or number that does not exist.
    InputError
        No finished point has the number, or an option that the kind has no use for.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of plot", kind, KINDS)
    with style():
        if kind == "breakdown":
            for name, value in (("x", x), ("y", y), ("by", by)):
                if value is not None:
                    raise InputError(f"{name} {value}: a breakdown shows every point by component")
            return draw_breakdown(points)
        if kind == "pareto":
            return draw_pareto(points, *_pair(points, x, y), by)
        draw = draw_lines if kind == "line" else draw_heat
        there = measured(points.rows)
        return draw(points, y or next(iter(there), "energy"), x, by)


def study_pictures(points: Points) -> tuple[Picture, ...]:
    """Draw every figure that a study has data for, as its page shows them."""
    with style():
        return tuple(_pictures(points))


def changing(points: Points) -> tuple[str, ...]:
    """Name the numbers that are not the same in all points that have them."""
    return tuple(
        name
        for name in measured(points.rows)
        if len({number_in(row, name) for row in points.rows} - {None}) > 1
    )


def _pictures(points: Points) -> Iterator[Picture]:
    there, differ = measured(points.rows), changing(points)
    for name in _LINES:
        if name in (differ or there[:1]):
            yield draw_lines(points, name)
    scales = make_scales(points.rows, points.axes)
    if sum(each.many and not each.seed for each in scales) >= 2:
        for name in [each for each in ("accuracy", "energy", "latency") if each in differ][:2]:
            yield draw_heat(points, name)
    for x, y in _FRONTS:
        if x in differ and y in differ and any(_both(points, x, y)):
            yield draw_pareto(points, x, y)
    if any(row.get("status", "done") == "done" for row in points.rows) and _has_report(points):
        yield draw_breakdown(points)


def _pair(points: Points, x: str | None, y: str | None) -> tuple[str, str]:
    """Choose the two numbers of a front; names that do not exist are left to be refused."""
    there = measured(points.rows)
    if x is not None:
        find_quantity(points.rows, x)
    if y is None:
        preferred = ("accuracy", "energy", "latency")
        y = next((name for name in preferred if name in there and name != x), "energy")
    find_quantity(points.rows, y)
    if x is None:
        x = next((name for name in ("energy", "latency") if name != y and name in there), "energy")
        x = "latency" if y == "energy" else x
    return x, y


def _both(points: Points, x: str, y: str) -> Iterator[bool]:
    return (number_in(row, x) is not None and number_in(row, y) is not None for row in points.rows)


def _has_report(points: Points) -> bool:
    """Tell whether the finished points have their reports; the first one tells."""
    for place, row in enumerate(points.rows):
        if number_in(row, "energy") is not None:
            return points.report(place) is not None
    return False
