"""A study as one HTML file: what was swept and held equal, the best points, figures, a table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from crossbar.files import write_whole
from crossbar.mapping.plan_text import counted
from crossbar.report.lines import clean
from crossbar.report.markup import data_table, document, escaped, items, picture, tiles
from crossbar.study.arrange import Points
from crossbar.study.plots import changing, study_pictures
from crossbar.study.quantities import QUANTITIES, measured, number_in, quantity_text
from crossbar.study.scales import Scale, make_scales, value_number, value_text
from crossbar.study.sortable import SCRIPT, sortable_table

__all__ = ["save_study_page", "study_page"]

_ROWS = 5000
"""Rows of the table; a browser takes seconds for more."""

_FAILED = 40
_LONGEST = 300
_VALUES = 12
_BEST = ("accuracy", "energy", "latency", "throughput", "area")


def save_study_page(points: Points, path: str | os.PathLike[str]) -> None:
    """Write a study as an HTML page of its own, with nothing to load from elsewhere.

    Parameters
    ----------
    points : Points
    path : path
        The file; its folder is made, an existing file is replaced in one step.

    Raises
    ------
    InputError
        If the file cannot be written; an existing one is then as it was.
    """
    write_whole(path, study_page(points))


def study_page(points: Points) -> str:
    """Return the page; the same study gives the same text.

    Parameters
    ----------
    points : Points
    """
    parts = [*_head(points), *_best(points), *_figures(points), *_failed(points), *_table(points)]
    return document(points.name, parts, script=SCRIPT)


def _head(points: Points) -> Iterator[str]:
    yield f"<h1>{escaped(points.name)}</h1>"
    states = [row.get("status", "done") for row in points.rows]
    words = [
        f"{states.count(state):,} {name}"
        for state, name in (("done", "finished"), ("failed", "failed"), ("running", "running"))
        if state in states
    ]
    waiting = sum(state not in ("done", "failed", "running") for state in states)
    words += [f"{waiting:,} waiting"] if waiting else []
    counts = f": {', '.join(words)}" if words else ""
    yield f"<p><b>points</b> {escaped(counted(len(states), 'point') + counts)}</p>"
    if points.held:
        label, colon, rest = points.held.partition("held:")
        held = rest.strip() if colon and not label.strip() else points.held
        yield f"<p><b>held</b> {escaped(held)}</p>"
    for scale in make_scales(points.rows, points.axes):
        if scale.keys:
            yield f"<p><b>{escaped(scale.label)}</b> {escaped(_values(scale))}</p>"


def _values(scale: Scale) -> str:
    words = list(scale.words)
    if len(words) > _VALUES:
        return f"{', '.join(words[: _VALUES - 2])} ... {words[-1]} ({len(words):,} values)"
    return ", ".join(words)


def _best(points: Points) -> Iterator[str]:
    """Write the best point in each number, and what is the same in all points."""
    rows, differ = points.rows, changing(points)
    scales = make_scales(rows, points.axes)
    boxes, same = [], []
    for name in measured(rows):
        quantity = QUANTITIES[name]
        found = {p: n for p, row in enumerate(rows) if (n := number_in(row, name)) is not None}
        if name not in differ:
            words = quantity_text(quantity, next(iter(found.values())), 4)
            same.append(f"{quantity.words} is {words} in every point that has it.")
        elif name in _BEST:
            place = (min if quantity.less else max)(found, key=found.__getitem__)
            where = ", ".join(
                f"{each.label} {each.words[each.index(rows[place])]}"
                for each in scales
                if each.many
            )
            most = f"{'lowest' if quantity.less else 'highest'} {quantity.words}"
            boxes.append((most, quantity_text(quantity, found[place]), where))
    if boxes:
        yield tiles(boxes)
    if same:
        yield items(line[:1].upper() + line[1:] for line in same)


def _figures(points: Points) -> Iterator[str]:
    from crossbar.report.drawing import drawn

    found = study_pictures(points)
    if found:
        yield "<h2>Figures</h2>"
    for each in found:
        yield picture(drawn(each.figure), each.title, each.caption)


def _failed(points: Points) -> Iterator[str]:
    rows = [row for row in points.rows if row.get("status") == "failed"]
    if not rows:
        return
    which = f"first {_FAILED} of {len(rows):,}" if len(rows) > _FAILED else f"{len(rows):,}"
    yield "<h2>Failed points</h2>"
    yield data_table(
        f"Points that failed ({which}); crossbar sweep --retry-failed runs them again",
        [*(f"<{clean(key)}" for key in points.axes), "<error"],
        [
            [
                *(value_text(key, row.get(key)) for key in points.axes),
                _cut(str(row.get("error") or "-")),
            ]
            for row in rows[:_FAILED]
        ],
    )


def _table(points: Points) -> Iterator[str]:
    rows = points.rows
    there = measured(rows)
    scales = {key: scale for scale in make_scales(rows, points.axes) for key in scale.keys}
    shown = rows[:_ROWS]
    which = (
        f"the first {_ROWS:,} of {len(rows):,}; points.csv has all; " if len(rows) > _ROWS else ""
    )
    yield "<h2>All points</h2>"
    yield sortable_table(
        f"Points ({which}a click on a heading sorts by it)",
        [
            *(key if scales[key].numeric else f"<{key}" for key in points.axes),
            *there,
            "<status",
        ],
        [
            [
                *((value_text(key, row.get(key)), _order(key, row)) for key in points.axes),
                *(
                    (quantity_text(QUANTITIES[name], number_in(row, name), 4), number_in(row, name))
                    for name in there
                ),
                (str(row.get("status", "done")), str(row.get("status", "done"))),
            ]
            for row in shown
        ],
    )


def _order(key: str, row: Mapping[str, Any]) -> str | float:
    """Return what a cell of an axis is sorted by."""
    value = row.get(key)
    number = value_number(key, value)
    return value_text(key, value) if number is None else number


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
