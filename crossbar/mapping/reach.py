"""Which pixels of its input each pixel of a node needs: windows, ratios and whole maps, by axis.

A node's values lie on a *grid* of pixels, each with all its channels (features): the rows and
columns of a map, the tokens of a sequence, one pixel for a vector.  What a pixel needs of another
grid is a box, so a span for each axis says it all; boxes are composed along a path of nodes by
looking up one span in the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.workload.graph import Node

__all__ = ["Grid", "Reach", "Span", "grid_of", "input_reach", "same_pixels", "union", "whole"]

_POINTWISE = ("activation", "batchnorm", "add", "mul")
_SCRAMBLING = ("permute", "transpose", "t", "movedim", "swapaxes", "roll", "flip", "unfold")


class Grid(NamedTuple):
    """Pixels of a node: ``rows x cols``, in raster order.

    ``features_last`` tells ``(..., features)`` from ``(channels, height, width)``.
    """

    rows: int
    cols: int
    features_last: bool

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.rows * self.cols


@dataclass(frozen=True, eq=False)
class Span:
    """For each index along an axis, the first and last index that it needs along another.

    Parameters
    ----------
    low, high : int64[n]
        Both never fall from one index to the next.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    def through(self, inner: Span) -> Span:
        """Compose: what the needed indices need in their turn."""
        return Span(inner.low[self.low], inner.high[self.high])


class Reach(NamedTuple):
    """What each pixel of a grid needs of another, along rows and columns."""

    rows: Span
    cols: Span

    def through(self, inner: Reach) -> Reach:
        """Compose: what the needed pixels need in their turn."""
        return Reach(self.rows.through(inner.rows), self.cols.through(inner.cols))


def _identity(size: int) -> Span:
    index = np.arange(size, dtype=np.int64)
    return Span(index, index)


def _everything(size: int, other: int) -> Span:
    return Span(np.zeros(size, np.int64), np.full(size, other - 1, np.int64))


def _window(size: int, other: int, kernel: int, stride: int, padding: int, dilation: int) -> Span:
    first = np.arange(size, dtype=np.int64) * stride - padding
    last = first + (kernel - 1) * dilation
    return Span(np.clip(first, 0, other - 1), np.clip(last, 0, other - 1))


def _ratio(size: int, other: int) -> Span | None:
    """Slices with a stride, and repeats; None where the sizes are no multiple of each other."""
    index = np.arange(size, dtype=np.int64)
    if other % size == 0:
        step = other // size
        return Span(index * step, index * step + step - 1)
    if size % other == 0:
        return Span(index // (size // other), index // (size // other))
    return None


def same_pixels(grid: Grid) -> Reach:
    """Each pixel needs its own."""
    return Reach(_identity(grid.rows), _identity(grid.cols))


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


def _read_shape(shape: Sequence[int]) -> Grid:
    if len(shape) == 2:
        return Grid(shape[0], 1, True)
    if len(shape) == 3:
        return Grid(shape[1], shape[2], False)
    return Grid(1, 1, True)


def grid_of(node: Node, inputs: Sequence[tuple[Node, Grid]]) -> Grid:
    """Find the pixels of a node.

    Parameters
    ----------
    node : Node
    inputs : sequence of (Node, Grid)
        Its producers.
    """
    if node.kind == "linear":
        lead = node.shape[:-1]
        return Grid(prod(lead[:-1]), lead[-1], True) if len(lead) > 1 else Grid(prod(lead), 1, True)
    for producer, grid in inputs:
        if node.kind != "reshape" and producer.shape == node.shape:
            return grid
    return _read_shape(node.shape)


def input_reach(node: Node, grid: Grid, producer: Node, other: Grid) -> Reach:
    """Find what each pixel of a node needs of one of its producers.

    Never less than it needs; more where only the operator itself knows (a permutation, an
    attention, a normalisation over the whole map): there it is everything.
    """
    everything = whole(grid, other)
    if node.kind in ("conv2d", "pool_max", "pool_avg"):
        return _windows(node, grid, producer, other) or everything
    if node.kind == "linear":
        fits = (grid.rows, grid.cols) == (other.rows, other.cols)
        return same_pixels(grid) if fits and other.features_last else everything
    if node.kind in ("norm", "softmax", "embedding"):
        return same_pixels(grid) if grid == other and grid.features_last else everything
    if node.kind == "concat":
        feature_axis = len(node.shape) - 1 if grid.features_last else 0
        along_features = node.attrs.get("axis") == feature_axis
        return same_pixels(grid) if grid == other and along_features else everything
    if node.kind == "reshape":
        return _reshaped(node, grid, producer, other) or everything
    if node.kind in _POINTWISE and grid.features_last == other.features_last:
        rows, cols = _stretched(grid.rows, other.rows), _stretched(grid.cols, other.cols)
        return Reach(rows, cols) if rows and cols else everything
    return everything


def _windows(node: Node, grid: Grid, producer: Node, other: Grid) -> Reach | None:
    a = node.attrs
    if len(a.get("kernel", ())) != 2 or other.features_last:
        return None
    pads, dilation = a["padding"], a.get("dilation", (1, 1))
    rows, cols = (
        _window(size, old, a["kernel"][i], a["stride"][i], pads[i], dilation[i])
        for i, (size, old) in enumerate(zip(grid[:2], other[:2], strict=True))
    )
    return Reach(rows, cols)


def _reshaped(node: Node, grid: Grid, producer: Node, other: Grid) -> Reach | None:
    if str(node.attrs.get("operator", "")) in _SCRAMBLING or grid.features_last:
        return None
    if len(producer.shape) != 3 or len(node.shape) != 3:
        return None
    rows, cols = _ratio(grid.rows, other.rows), _ratio(grid.cols, other.cols)
    return Reach(rows, cols) if rows and cols else None


def _stretched(size: int, other: int) -> Span | None:
    """NumPy's broadcasting along one axis."""
    if other == size:
        return _identity(size)
    return _everything(size, 1) if other == 1 else None
