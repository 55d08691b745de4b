"""Which pixels of its input each pixel of a node needs: windows, ratios and whole maps, by axis.

A node's values lie on a *grid* of pixels, each with all its channels (features): the rows and
columns of a map, the tokens of a sequence wherever its shape has them, one pixel for a vector.
What a pixel needs of another grid is a box, so a span for each axis says it all; boxes are composed
along a path of nodes by looking up one span in the next.  `crossbar.mapping.links` knows the kinds
of nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Grid",
    "Link",
    "Reach",
    "Span",
    "boxes",
    "grid_on",
    "identity",
    "places",
    "rising",
    "same_pixels",
    "traced",
    "union",
    "whole",
]

Ints = NDArray[np.int64]


class Grid(NamedTuple):
    """Pixels of a node: ``rows x cols``, in raster order.

    ``axes`` are those of the node's shape along which the pixels lie, next to one another and in
    order: the last of several are the columns, those before it together the rows; a single one are
    the rows.  The other axes are channels (features).
    """

    rows: int
    cols: int
    axes: tuple[int, ...]

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.rows * self.cols

    @property
    def row_axes(self) -> tuple[int, ...]:
        """Axes of the shape that make the rows."""
        return self.axes[:-1] if len(self.axes) > 1 else self.axes

    @property
    def col_axes(self) -> tuple[int, ...]:
        """Axes of the shape that make the columns: one, or none."""
        return self.axes[-1:] if len(self.axes) > 1 else ()


@dataclass(frozen=True, eq=False)
class Span:
    """For each index along an axis, the first and last index that it needs along another.

    Parameters
    ----------
    low, high : int64[n]
        In the spans of a `Reach`, both never fall from one index to the next.
    """

    low: Ints
    high: Ints

    def through(self, inner: Span) -> Span:
        """Compose: what the needed indices need in their turn."""
        return Span(inner.low[self.low], inner.high[self.high])


Link = tuple[int, Span] | None
"""What a node needs along one axis of its input: the axis of its own shape on whose index that
depends, and the span of each index there; None: everything."""


class Reach(NamedTuple):
    """What each pixel of a grid needs of another, along rows and columns."""

    rows: Span
    cols: Span

    def through(self, inner: Reach) -> Reach:
        """Compose: what the needed pixels need in their turn."""
        return Reach(self.rows.through(inner.rows), self.cols.through(inner.cols))


def grid_on(shape: Sequence[int], axes: Sequence[int]) -> Grid:
    """Lay the pixels of a shape along some of its axes."""
    sizes = [shape[axis] for axis in axes]
    if len(sizes) > 1:
        return Grid(prod(sizes[:-1]), sizes[-1], tuple(axes))
    return Grid(prod(sizes), 1, tuple(axes))


def identity(size: int) -> Span:
    """Each index needs its own."""
    index = np.arange(size, dtype=np.int64)
    return Span(index, index)


def _everything(size: int, other: int) -> Span:
    return Span(np.zeros(size, np.int64), np.full(size, other - 1, np.int64))


def same_pixels(grid: Grid) -> Reach:
    """Each pixel needs its own."""
    return Reach(identity(grid.rows), identity(grid.cols))


def whole(grid: Grid, other: Grid) -> Reach:
    """Each pixel needs all of the other grid."""
    return Reach(_everything(grid.rows, other.rows), _everything(grid.cols, other.cols))


def union(a: Reach, b: Reach) -> Reach:
    """Join two reaches into the smallest boxes that hold both."""
    rows, cols = (
        Span(np.minimum(x.low, y.low), np.maximum(x.high, y.high))
        for x, y in zip(a, b, strict=True)
    )
    return Reach(rows, cols)


def rising(low: Ints, high: Ints) -> Span:
    """Widen spans until neither end falls from one index to the next."""
    last_first = np.minimum.accumulate(low[::-1])[::-1]
    return Span(last_first, np.maximum.accumulate(high))


def boxes(
    grid: Grid, shape: Sequence[int], other: Grid, given: Sequence[int], links: Sequence[Link]
) -> Reach:
    """Put together what a node needs along each axis of its input.

    Parameters
    ----------
    grid : Grid
        Of the node.
    shape : sequence of int
        Of the node.
    other : Grid
        Of the input.
    given : sequence of int
        Shape of the input.
    links : sequence of Link
        One for each axis of the input.
    """

    def along(mine: tuple[int, ...], size: int, axes: tuple[int, ...]) -> Span:
        places = np.unravel_index(np.arange(size), [shape[axis] for axis in mine] or [1])
        low, high = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for axis in axes:
            link, first, last = links[axis], 0, given[axis] - 1
            begin: Ints | int = first
            end: Ints | int = last
            if link is not None:
                own, span = link
                if own in mine:
                    place = places[mine.index(own)]
                    begin, end = span.low[place], span.high[place]
                else:  # any index of that axis: it lies within a pixel, or along the other side
                    begin, end = int(span.low.min()), int(span.high.max())
            low, high = low * given[axis] + begin, high * given[axis] + end
        return rising(low, high)

    return Reach(
        along(grid.row_axes, grid.rows, other.row_axes),
        along(grid.col_axes, grid.cols, other.col_axes),
    )


def traced(grid: Grid, other: Grid, rows: NDArray[np.int32], cols: NDArray[np.int32]) -> Reach:
    """Find what each pixel of a grid needs of another whose values were only moved.

    Parameters
    ----------
    grid, other : Grid
    rows, cols : int32[shape of the node]
        Row and column of the other grid from which each value comes.
    """

    def ends(values: NDArray[np.int32], along: tuple[int, ...], size: int) -> Span:
        rest = tuple(axis for axis in range(values.ndim) if axis not in along)
        low = values.min(axis=rest).ravel().astype(np.int64)
        high = values.max(axis=rest).ravel().astype(np.int64)
        return rising(np.broadcast_to(low, size), np.broadcast_to(high, size))

    return Reach(ends(rows, grid.row_axes, grid.rows), ends(cols, grid.col_axes, grid.cols))


def places(other: Grid, given: Sequence[int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Row and column of the pixel to which each value of a shape belongs."""
    found = []
    for axes in (other.row_axes, other.col_axes):
        sizes = [given[axis] if axis in axes else 1 for axis in range(len(given))]
        numbers = np.arange(prod(sizes), dtype=np.int32).reshape(sizes)
        found.append(np.broadcast_to(numbers, tuple(given)))
    return found[0], found[1]
