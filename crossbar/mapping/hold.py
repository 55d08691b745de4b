"""Pixels of an operand that one copy of a step holds, and the positions that make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.mapping.reach import Grid, Reach, Span
from crossbar.mapping.steps import Operand, Step

__all__ = ["Hold", "Makers", "data_waits", "find_makers", "hold_operand", "touched"]

Ints = NDArray[np.int64]


class Makers(NamedTuple):
    """The copies that compute a step, in the order of their stripes.

    Parameters
    ----------
    task : int64[copies]
    first, size : int64[copies]
        Stripe of each.
    base : int64[copies]
        Positions of other steps that the copy computes before.
    start : int64[copies]
        Where its stripe begins in the tables of all positions.
    """

    task: Ints
    first: Ints
    size: Ints
    base: Ints
    start: Ints

    def where(self, places: Ints) -> Ints:
        """Find positions of the step in the tables of all positions."""
        copy = np.searchsorted(self.first, places, side="right") - 1
        return self.start[copy] + places - self.first[copy]


def find_makers(
    ranges: Sequence[Sequence[tuple[str, int, int, int]]], offset: Ints
) -> dict[str, Makers]:
    """Find the copies of every step.

    Parameters
    ----------
    ranges : sequence of sequence of (str, int, int, int)
        For each copy the stripes of its steps: name, first position, positions, positions before.
    offset : int64[copies + 1]
        Where the positions of each begin.
    """
    rows: dict[str, list[tuple[int, int, int, int, int]]] = {}
    for number, parts in enumerate(ranges):
        for node, first, count, base in parts:
            start = int(offset[number]) + base
            rows.setdefault(node, []).append((number, first, count, base, start))
    return {
        node: Makers(*(np.array(column, np.int64) for column in zip(*each, strict=True)))
        for node, each in rows.items()
    }


@dataclass(frozen=True, eq=False)
class Hold:
    """The pixels of an operand that a copy needs, counted in raster order.

    Parameters
    ----------
    top : int
        First row of the operand's map that is needed.
    rank : int32[rows, cols]
        From that row to the last one needed: place of each needed pixel among them, -1 for the
        others.
    pixels : int
        How many are needed.
    oldest : int64[positions of the copy + 1]
        Rank of the oldest pixel still needed when so many positions have been fetched.
    """

    top: int
    rank: NDArray[np.int32]
    pixels: int
    oldest: Ints


def hold_operand(
    step: Step, operand: Operand, first: int, count: int, base: int, total: int
) -> Hold:
    """Find what a copy holds that computes positions ``first .. first + count - 1`` of a step.

    Parameters
    ----------
    step : Step
    operand : Operand
    first, count : int
    base, total : int
        Where these stand among all the positions of the copy, which may be of several steps.
    """
    cols = step.grid.cols
    window = operand.window
    y, last = first // cols, (first + count - 1) // cols
    top, bottom = int(window.rows.low[y]), int(window.rows.high[last])
    needed = np.zeros((bottom - top + 1, operand.grid.cols), bool)
    masks: dict[tuple[int, int], NDArray[np.bool_]] = {}
    for row in range(y, last + 1):
        begin = first - row * cols if row == y else 0
        end = first + count - row * cols if row == last else cols
        if (begin, end) not in masks:
            masks[begin, end] = _covered(window.cols, begin, end, operand.grid.cols)
        needed[window.rows.low[row] - top : window.rows.high[row] + 1 - top] |= masks[begin, end]
    flat = needed.ravel()
    rank = np.where(flat, np.cumsum(flat) - 1, -1)
    pixels = int(flat.sum())
    place = np.arange(first, first + count)
    corner = window.rows.low[place // cols] - top
    corner = corner * operand.grid.cols + window.cols.low[place % cols]
    oldest = np.full(total + 1, pixels, np.int64)
    ahead = np.append(rank[corner], pixels)
    oldest[base : base + count + 1] = np.minimum.accumulate(ahead[::-1])[::-1]
    oldest[: base + 1] = oldest[base]
    return Hold(top, rank.astype(np.int32).reshape(needed.shape), pixels, oldest)


def _covered(span: Span, begin: int, end: int, size: int) -> NDArray[np.bool_]:
    """Indices that the spans of ``begin .. end - 1`` cover."""
    edges = np.zeros(size + 1, np.int64)
    np.add.at(edges, span.low[begin:end], 1)
    np.add.at(edges, span.high[begin:end] + 1, -1)
    covered: NDArray[np.bool_] = np.cumsum(edges)[:-1] > 0
    return covered


def data_waits(
    step: Step, operand: Operand, reach: Reach, made: Grid, makers: Makers, first: int, count: int
) -> tuple[Ints, Ints, Ints]:
    """List which positions of the makers each position of a copy needs.

    Parameters
    ----------
    step, operand : Step, Operand
    reach : Reach
        What the operand's pixels need of the source step.
    made : Grid
        Of the source step.
    makers : Makers
        Its copies and their stripes.
    first, count : int
        Stripe of the copy.

    Returns
    -------
    when, task, stored : int64[n]
        Position of the stripe, counted from 0; the maker; how many of its positions it needs.
    """
    place = np.arange(first, first + count)
    rows = operand.window.rows.through(reach.rows)
    cols = operand.window.cols.through(reach.cols)
    top, bottom = rows.low[place // step.grid.cols], rows.high[place // step.grid.cols]
    left, right = cols.low[place % step.grid.cols], cols.high[place % step.grid.cols]
    if makers.task.size == 1:  # in order: the last one needed comes last
        stored = bottom * made.cols + right + 1 + makers.base
        return place - first, np.full(count, makers.task[0]), stored
    found: list[tuple[Ints, Ints, Ints]] = []
    full_width = (left == 0) & (right == made.cols - 1)
    depth = int(np.where(full_width, 0, bottom - top).max())
    for up in range(depth + 1):
        row = bottom - up
        inside = (row >= top) & ((up == 0) | ~full_width)
        end = row * made.cols + right
        begin = np.where(full_width, top * made.cols, row * made.cols + left)
        found += _stripes_between(place - first, begin, end, inside, makers)
    when, task, stored = (np.concatenate(column) for column in zip(*found, strict=True))
    return when, task, stored


def _stripes_between(
    when: Ints, begin: Ints, end: Ints, inside: NDArray[np.bool_], makers: Makers
) -> list[tuple[Ints, Ints, Ints]]:
    """Makers of positions ``begin .. end``: the last in part, those before it wholly."""
    when, begin, end = when[inside], begin[inside], end[inside]
    low = np.searchsorted(makers.first, begin, side="right") - 1
    high = np.searchsorted(makers.first, end, side="right") - 1
    found = []
    for back in range(int((high - low).max(initial=-1)) + 1):
        has = high - back >= low
        copy = (high - back)[has]
        stored = end[has] - makers.first[copy] + 1 if back == 0 else makers.size[copy]
        found.append((when[has], makers.task[copy], stored + makers.base[copy]))
    return found


def touched(reach: Reach, made: Grid, hold: Hold) -> tuple[Ints, Ints]:
    """Find the newest held pixel that each position of a source contributes to.

    Parameters
    ----------
    reach : Reach
        What the pixels of an operand need of the source.
    made : Grid
        Of the source.
    hold : Hold

    Returns
    -------
    places, ranks : int64[n]
        Positions of the source that contribute to any, and the rank of the newest.
    """
    first_row, last_row = _users(reach.rows, made.rows)
    first_col, last_col = _users(reach.cols, made.cols)
    first_row, last_row = first_row - hold.top, last_row - hold.top
    height = hold.rank.shape[0]
    rows = np.flatnonzero((first_row < height) & (last_row >= 0) & (first_row <= last_row))
    first_row = np.maximum(first_row[rows], 0)
    last_row = np.minimum(last_row[rows], height - 1)
    best = np.full((rows.size, made.cols), -1, np.int64)
    missing = np.broadcast_to(first_col <= last_col, best.shape).copy()
    for up in range(int((last_row - first_row).max(initial=-1)) + 1):
        row = last_row - up
        row_inside = row >= first_row
        for back in range(int((last_col - first_col).max()) + 1):
            col = last_col - back
            inside = row_inside[:, None] & (col >= first_col)[None, :] & missing
            found = hold.rank[np.maximum(row, 0)[:, None], np.maximum(col, 0)[None, :]]
            best = np.where(inside, found, best)
            missing &= best < 0  # the first one met, from the end, is the newest
            if not missing.any():
                break
        if not missing.any():
            break
    at, col = np.nonzero(best >= 0)
    return rows[at] * made.cols + col, best[at, col]


def _users(span: Span, size: int) -> tuple[Ints, Ints]:
    """First and last index whose span holds each of ``0 .. size - 1``; last < first for none."""
    index = np.arange(size)
    first = np.searchsorted(span.high, index, side="left")
    last = np.searchsorted(span.low, index, side="right") - 1
    return first.astype(np.int64), last.astype(np.int64)
