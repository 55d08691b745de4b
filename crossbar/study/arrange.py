"""Which axis of a study becomes what in a figure: across, colours, panels, or averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Any, Protocol

from crossbar.errors import InputError
from crossbar.mapping.plan_text import counted
from crossbar.study.quantities import Quantity, number_in
from crossbar.study.scales import Scale, find_scale, make_scales

if TYPE_CHECKING:
    from crossbar.report.report import Report

__all__ = [
    "Points",
    "Spread",
    "View",
    "arrange",
    "configurations",
    "left_out",
    "panel_names",
    "spreads",
]

_COLOURS = 8
"""Most values of an axis that become colours unless a user says so."""

_PANELS = 6
_PANEL_NAME = 23


class Points(Protocol):
    """The points of a study, finished or not; `crossbar.study.table.StudyTable` is one.

    ``rows`` hold the value of every axis, the numbers of `crossbar.study.quantities` (None where
    not measured), ``status`` and ``error``; ``held`` says what is held equal between them.
    """

    @property
    def name(self) -> str:
        """Name of the study."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Dotted keys of the axes."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """One mapping a point."""

    @property
    def held(self) -> str:
        """What is held equal, in words."""

    def report(self, place: int, /) -> Report | None:
        """Return the report of a finished point."""


@dataclass(frozen=True)
class Spread:
    """The values of a number in the points that share a place in a figure.

    Parameters
    ----------
    mean, least, most : float
    points : int
    """

    mean: float
    least: float
    most: float
    points: int


@dataclass(frozen=True)
class View:
    """What each axis is in a figure.

    Parameters
    ----------
    x : Scale
        Across.
    by : Scale or None
        Colours of lines, rows of a heat map.
    panel : Scale or None
        One small figure a value.
    averaged : tuple of Scale
        Axes that are not told apart.
    fixed : tuple of Scale
        Axes of one value.
    """

    x: Scale
    by: Scale | None
    panel: Scale | None
    averaged: tuple[Scale, ...]
    fixed: tuple[Scale, ...]

    def place(self, row: Mapping[str, Any]) -> tuple[int, int, int]:
        """Return where a point belongs: panel, colour or row, across."""
        return (
            self.panel.index(row) if self.panel else 0,
            self.by.index(row) if self.by else 0,
            self.x.index(row),
        )

    def subtitle(self, name: str) -> str:
        """Write the study's name and the axes that have one value."""
        fixed = [f"{each.label} {each.words[0]}" for each in self.fixed if each.keys]
        panels = [f"panels: {self.panel.label}"] if self.panel and _long(self.panel) else []
        return "; ".join([name, *fixed, *panels])


def panel_names(view: View) -> list[str]:
    """Name the panels of a figure by the values of their axis; ``[""]`` where there is one."""
    if view.panel is None:
        return [""]
    key = "" if _long(view.panel) else f"{view.panel.label} "
    return [f"{key}{words}" for words in view.panel.words]


def arrange(
    points: Points, x: str | None = None, by: str | None = None, *, rows: bool = False
) -> View:
    """Choose what each axis becomes; whatever a user does not name is chosen by its values.

    Parameters
    ----------
    points : Points
    x, by : str, optional
        Keys of axes.
    rows : bool
        Whether `by` may have any number of values, as rows of a heat map may.

    Raises
    ------
    UnknownNameError
        An axis that the study does not have.
    InputError
        Both keys move together, so that they are one axis.
    """
    scales = make_scales(points.rows, points.axes)
    free = [each for each in scales if each.many and not each.seed]
    colours = find_scale(scales, by) if by is not None else None
    across = find_scale(scales, x) if x is not None else _across(scales, free, colours)
    if by is not None and colours is across:
        raise InputError(f"{by}: is across already: {across.label} is one axis; name another")
    rest = [each for each in free if each not in (across, colours)]
    if by is None and rest:
        few = [each for each in rest if rows or len(each.values) <= _COLOURS]
        colours = (few or rest)[0]
        rest = [each for each in rest if each is not colours]
    panel = next((each for each in rest if len(each.values) <= _PANELS), None)
    shown = (across, colours, panel)
    return View(
        x=across,
        by=colours,
        panel=panel,
        averaged=tuple(each for each in scales if each.many and each not in shown),
        fixed=tuple(each for each in scales if not each.many and each not in shown),
    )


def spreads(
    points: Points, view: View, quantity: Quantity
) -> tuple[dict[tuple[int, int, int], Spread], set[tuple[int, int, int]]]:
    """Return the number at each place of a figure, and the places whose points all have none."""
    found: dict[tuple[int, int, int], list[float]] = {}
    for row in points.rows:
        values = found.setdefault(view.place(row), [])
        value = number_in(row, quantity.name)
        if value is not None:
            values.append(value)
    return (
        {place: _spread(values) for place, values in found.items() if values},
        {place for place, values in found.items() if not values},
    )


def configurations(
    points: Points, names: Sequence[str]
) -> list[tuple[tuple[int, ...], dict[str, Spread]]]:
    """Join points that differ in seeds only; those that have all the numbers.

    Returns
    -------
    list of tuple
        The places of the points in the study, and name -> spread.
    """
    scales = [each for each in make_scales(points.rows, points.axes) if not each.seed]
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, row in enumerate(points.rows):
        if all(number_in(row, name) is not None for name in names):
            groups.setdefault(tuple(each.index(row) for each in scales), []).append(place)
    return [
        (
            tuple(places),
            {
                name: _spread(
                    [n for p in places if (n := number_in(points.rows[p], name)) is not None]
                )
                for name in names
            },
        )
        for places in groups.values()
    ]


def left_out(points: Points, *names: str) -> str:
    """Say how many points are not in a figure of some numbers, and why; ``""`` when all are."""
    failed = waiting = lacking = 0
    for row in points.rows:
        status = row.get("status", "done")
        if status == "failed":
            failed += 1
        elif status != "done":
            waiting += 1
        elif any(number_in(row, name) is None for name in names):
            lacking += 1
    parts = [
        f"{number:,} {words}"
        for number, words in (
            (failed, "failed"),
            (waiting, "not finished"),
            (lacking, f"without {' or '.join(names)}"),
        )
        if number
    ]
    whole = counted(len(points.rows), "point")
    return f"Not drawn, of {whole}: {', '.join(parts)}." if parts else ""


def _long(panel: Scale) -> bool:
    """Tell whether names of panels have no room for their key."""
    return len(panel.label) + max(map(len, panel.words)) > _PANEL_NAME


def _across(scales: Sequence[Scale], free: Sequence[Scale], taken: Scale | None) -> Scale:
    """Choose the axis across: one of too many values for colours, else the first of numbers."""
    left = [each for each in free if each is not taken]
    numeric = [each for each in left if each.numeric]
    long = sorted(numeric, key=lambda each: -len(each.values))
    if long and len(long[0].values) > _COLOURS:
        return long[0]
    others = [each for each in scales if each is not taken]
    others.sort(key=lambda each: not each.many)
    return next(iter([*numeric, *left, *others, *scales]))


def _spread(values: Sequence[float]) -> Spread:
    return Spread(fsum(values) / len(values), min(values), max(values), len(values))
