"""Where the values of a moved map come from: views, permutations, slices, repeats.

A move is done on the numbers of the rows and columns themselves, so that what comes out says what
each value is.  A move whose attributes do not tell it is not done: there everything is needed.
"""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import NDArray

from crossbar.mapping.reach import Grid
from crossbar.workload.graph import Node

__all__ = ["moved", "moved_axes"]

Shape = tuple[int, ...]
Numbers = NDArray[np.int32]

VIEWS = (
    "flatten",
    "reshape",
    "squeeze",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
    "_reshape_copy",
    "_unsafe_view",
    "reshape_copy",
)
"""Operators that keep the order of the values."""

RATIOS = ("pixel_shuffle", "pixel_unshuffle", "repeat_interleave", "slice_pad")
"""Operators on maps that take or repeat pixels in proportion; channels as they like."""


def _view_before(node: Node, given: Shape) -> Shape | None:
    """Shape in which a permutation takes its input, which may be viewed on the way."""
    axes = node.attrs.get("axes")
    if axes is None or sorted(axes) != list(range(len(axes))):
        return None
    if len(axes) == len(given):
        return given
    if len(axes) != len(node.shape):
        return None
    before = [0] * len(axes)
    for place, axis in enumerate(axes):
        before[axis] = node.shape[place]
    return tuple(before)


def moved(node: Node, values: Numbers) -> Numbers | None:
    """Move numbers as a node moves its values; None if it does not tell how.

    Parameters
    ----------
    node : Node
    values : int32[shape of its input]
    """
    given, attrs, operator = values.shape, node.attrs, str(node.attrs.get("operator", ""))
    if "axes" in attrs:
        before = _view_before(node, given)
        if before is None or prod(before) != prod(given) or prod(given) != prod(node.shape):
            return None
        return values.reshape(before).transpose(attrs["axes"]).reshape(node.shape)
    if operator == "select" and "index" in attrs:
        if not -given[attrs["axis"]] <= attrs["index"] < given[attrs["axis"]]:
            return None  # of samples that were captured together, this is one of another
        return _checked(node, np.take(values, attrs["index"], axis=attrs["axis"]))
    if operator == "slice" and "start" in attrs:
        along = np.arange(attrs["start"], given[attrs["axis"]], attrs["step"])
        taken = np.take(values, along[: node.shape[attrs["axis"]]], axis=attrs["axis"])
        return _checked(node, taken)
    if operator == "pad" and len(attrs.get("before", ())) == len(given) == len(node.shape):
        for axis, (size, pad) in enumerate(zip(node.shape, attrs["before"], strict=True)):
            source = np.clip(np.arange(size) - pad, 0, given[axis] - 1)  # zeros come from nowhere
            values = np.take(values, source, axis=axis)
        return values
    if operator in VIEWS and prod(given) == prod(node.shape):
        return values.reshape(node.shape)
    if operator in ("expand", "expand_as", "broadcast_to") and _broadcasts(given, node.shape):
        return np.broadcast_to(values, node.shape)
    if operator == "getitem" and given == node.shape:
        return values
    if (operator in RATIOS or operator.startswith("upsample_nearest")) and len(given) > 1:
        return _in_proportion(node, values)
    return None


def _checked(node: Node, values: Numbers) -> Numbers | None:
    return values if values.shape == node.shape else None


def _broadcasts(given: Shape, shape: Shape) -> bool:
    pairs = zip(reversed(given), reversed(shape), strict=False)
    return len(given) <= len(shape) and all(a in (1, b) for a, b in pairs)


def _in_proportion(node: Node, values: Numbers) -> Numbers | None:
    """First and last pixel of each stretch, of any channel: two channels instead of all."""
    given, shape = values.shape, node.shape
    if len(given) != len(shape):
        return None
    first, last = values.min(axis=0, keepdims=True), values.max(axis=0, keepdims=True)
    for axis in range(1, len(shape)):
        size, other = shape[axis], given[axis]
        if other % size and size % other:
            return None
        index = np.arange(size)
        step = other // size
        begin = index * step if step else index * other // size
        first = np.take(first, begin, axis=axis)
        last = np.take(last, begin + max(step, 1) - 1, axis=axis)
    return np.concatenate([first, last])


def moved_axes(node: Node, given: Shape, grid: Grid) -> Shape | None:
    """Axes of a moved shape on which the pixels of its input lie now; None where they are torn.

    Parameters
    ----------
    node : Node
    given : tuple of int
        Shape of its input.
    grid : Grid
        Of its input.
    """
    shape, operator = node.shape, str(node.attrs.get("operator", ""))
    if "axes" in node.attrs:
        before = _view_before(node, given)
        axes = None if before is None else _viewed_axes(given, grid.axes, before)
        if before is None or axes is None:
            return None
        mine = sorted(node.attrs["axes"].index(axis) for axis in axes)
        if mine != list(range(mine[0], mine[0] + len(mine))):
            return None
        permuted = tuple(before[axis] for axis in node.attrs["axes"])
        return _viewed_axes(permuted, tuple(mine), shape)
    if operator in VIEWS:
        return _viewed_axes(given, grid.axes, shape)
    if operator == "select" and "index" in node.attrs:
        gone = node.attrs["axis"]
        return tuple(axis - (axis > gone) for axis in grid.axes if axis != gone)
    shift = len(shape) - len(given)
    if shift and not operator.startswith(("expand", "broadcast")) or shift < 0:
        return None
    return tuple(axis + shift for axis in grid.axes)


def _viewed_axes(given: Shape, axes: Shape, shape: Shape) -> Shape | None:
    """Axes of another shape of the same values that hold what these axes of the first one hold."""
    if not axes:
        return None
    before, size = prod(given[: axes[0]]), prod(given[axis] for axis in axes)
    begins = [i for i in range(len(shape)) if prod(shape[:i]) == before and shape[i] > 1]
    for begin in begins:
        for end in range(begin + 1, len(shape) + 1):
            if prod(shape[begin:end]) == size:
                return tuple(range(begin, end))
    return None
