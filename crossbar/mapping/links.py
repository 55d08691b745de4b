"""What each kind of node needs of its inputs, axis by axis, and where its own pixels lie.

Never less than it needs; more where only the operator itself knows (a permutation without its axes,
a normalisation over a whole map): there it is everything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from crossbar.mapping.moves import moved, moved_axes
from crossbar.mapping.reach import (
    Grid,
    Link,
    Reach,
    Span,
    boxes,
    grid_on,
    identity,
    places,
    traced,
    whole,
)
from crossbar.workload.graph import CONVOLUTIONS, Node

__all__ = ["grid_of", "input_reach"]

Shape = tuple[int, ...]
Links = list[Link] | None

_MAPS = (*CONVOLUTIONS, "interpolate", "overlap_add", "pool_avg", "pool_max")
"""Kinds whose shape is channels and a map."""

_MATMULS = ("", "bmm", "matmul", "mm")
"""Operators that multiply the last axis of their first operand with the last but one of the second;
others of the kind (einsum) have rules of their own."""

_LAYER_NORMS = ("layer_norm", "rms_norm", "l2_norm")
"""Operators that normalise over the last axes."""


def grid_of(node: Node, inputs: Sequence[tuple[Shape, Grid]], is_map: bool) -> Grid:
    """Find the pixels of a node.

    Parameters
    ----------
    node : Node
    inputs : sequence of (shape, Grid)
        Of its producers, in the order of its inputs.
    is_map : bool
        Whether a window slides over its values somewhere: then its first axis are channels.
    """
    axes = len(node.shape)
    if axes < 2:
        return grid_on(node.shape, ())
    if node.kind in _MAPS and (node.kind not in _MAPS[-2:] or "kernel" in node.attrs):
        return grid_on(node.shape, range(1, axes))
    if node.kind == "linear":
        return grid_on(node.shape, range(axes - 1))
    if node.is_dynamic:
        return grid_on(node.shape, (axes - 2,))
    found = []
    shapes = [shape for shape, _ in inputs]
    for place, (shape, grid) in enumerate(inputs):
        if node.kind == "reshape":
            mine = moved_axes(node, shape, grid)
            if mine is None:
                mine = _followed(_cut_out(node, shape), grid)
        elif node.kind == "other":
            mine = grid.axes if shape == node.shape else None
        else:
            mine = _followed(links(node, place, shapes), grid)
        if mine is not None and not (node.kind in ("attention", "matmul") and place):
            found.append(grid_on(node.shape, mine))
    if found:
        return max(found, key=lambda grid: grid.pixels)  # the first of equals
    if node.kind in ("attention", "matmul"):
        return grid_on(node.shape, (axes - 2,))
    if is_map:
        return grid_on(node.shape, range(1, axes))
    return grid_on(node.shape, {2: (0,), 3: (1, 2)}.get(axes, ()))


def _followed(links: Links, grid: Grid) -> Shape | None:
    """Axes of a node's shape on which the pixels of an input go on; None where they do not."""
    if links is None:
        return None
    axes = [link[0] for axis in grid.axes if (link := links[axis]) is not None]
    if len(axes) < len(grid.axes) or axes != list(
        range(min(axes, default=0), max(axes, default=-1) + 1)
    ):
        return None
    return tuple(axes)


def input_reach(node: Node, grid: Grid, inputs: Sequence[tuple[Shape, Grid]], place: int) -> Reach:
    """Find what each pixel of a node needs of one of its inputs.

    Parameters
    ----------
    node : Node
    grid : Grid
        Of the node.
    inputs : sequence of (shape, Grid)
        As for `grid_of`.
    place : int
        Which of them.
    """
    shape, other = inputs[place]
    if node.kind == "reshape":
        rows, cols = (moved(node, each) for each in places(other, shape))
        if rows is None or cols is None:
            part = _cut_out(node, shape)
            return (
                whole(grid, other) if part is None else boxes(grid, node.shape, other, shape, part)
            )
        told = all(rows.shape[axis] == node.shape[axis] for axis in grid.axes)
        return traced(grid, other, rows, cols) if told else whole(grid, other)
    found = links(node, place, [shape for shape, _ in inputs])
    if found is None:
        return whole(grid, other)
    return boxes(grid, node.shape, other, shape, found)


def links(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    """Tell what a node needs along each axis of an input; None: everything."""
    rule = _RULES.get(node.kind)
    return None if rule is None else rule(node, place, shapes)


def _same(size: int, own: int, axis: int) -> Link:
    """Each index its own, where an axis of the input is as long as the node's; else everything."""
    return (axis, identity(size)) if size == own else None


def _leading(node: Node, given: Shape, last: int) -> Links:
    """All of the last axes, and each index of those before by itself."""
    axes = len(node.shape)
    if len(given) != axes:
        return None
    return [_same(given[i], node.shape[i], i) if i < axes - last else None for i in range(axes)]


def _pointwise(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    """NumPy's broadcasting; an axis that is longer than the result's has been reduced."""
    given, shift = shapes[place], len(node.shape) - len(shapes[place])
    if shift < 0 or node.attrs.get("operator") == "isin":
        return _reduced(node, given)
    return [_same(given[i], node.shape[i + shift], i + shift) for i in range(len(given))]


def _reduced(node: Node, given: Shape) -> Links:
    """One axis was summed up, or searched: which one the sizes tell, unless two are the same."""
    ways = [i for i in range(len(given)) if given[:i] + given[i + 1 :] == node.shape]
    if len(ways) != 1:
        return None
    (gone,) = ways
    return [None if i == gone else (i - (i > gone), identity(n)) for i, n in enumerate(given)]


def _cut_out(node: Node, given: Shape) -> Links:
    """A part taken along one axis, by an index that is not told: the other axes stay."""
    if node.attrs.get("operator") not in ("chunk", "getitem", "narrow", "select", "slice", "split"):
        return None
    if len(given) == len(node.shape) + 1:
        return _reduced(node, given)
    kept = _kept(node, given)
    return kept if kept is not None and kept.count(None) == 1 else None


def _windows(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    given, attrs, axes = shapes[place], node.attrs, len(node.shape) - 1
    if "kernel" not in attrs:
        return _reduced(node, given) if len(given) > len(node.shape) else _kept(node, given)
    if len(attrs["kernel"]) != axes or len(given) != axes + 1:
        return None
    found: list[Link] = [_same(given[0], node.shape[0], 0) if "pool" in node.kind else None]
    dilation = attrs.get("dilation", (1,) * axes)
    for i in range(axes):
        first = np.arange(node.shape[i + 1], dtype=np.int64) * attrs["stride"][i]
        first -= attrs["padding"][i]
        last = first + (attrs["kernel"][i] - 1) * dilation[i]
        found.append((i + 1, _within(first, last, given[i + 1])))
    return found


def _kept(node: Node, given: Shape) -> Links:
    """A reduction that keeps its axes: those of the same length it has not touched."""
    if len(given) != len(node.shape):
        return None
    return [_same(size, node.shape[i], i) for i, size in enumerate(given)]


def _overlap_add(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    given, attrs, axes = shapes[place], node.attrs, len(node.shape) - 1
    if len(attrs.get("kernel", ())) != axes or len(given) != axes + 1:
        return None
    found: list[Link] = [None]
    for i in range(axes):
        kernel, stride = attrs["kernel"][i], attrs["stride"][i]
        place_in = np.arange(node.shape[i + 1], dtype=np.int64) + attrs["padding"][i]
        last = place_in // stride
        first = -((attrs["dilation"][i] * (kernel - 1) - place_in) // stride)
        found.append((i + 1, _within(np.minimum(first, last), last, given[i + 1])))
    return found


def _interpolated(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    """Neighbours of the place that corners or half pixels give, two more where curves are fitted.

    A given factor of scale may differ from that of the sizes, by less than one output.
    """
    given, operator = shapes[place], str(node.attrs.get("operator", ""))
    if len(given) != len(node.shape) or len(given) < 2:
        return None
    found: list[Link] = [_same(given[0], node.shape[0], 0)]
    for i in range(1, len(given)):
        size, out = given[i], node.shape[i]
        index = np.arange(out)
        half = (index + 0.5) * size / out - 0.5
        corner = index * (size - 1) / max(out - 1, 1)
        taps = 1 if "linear" in operator else 2
        margin = taps * max(1.0, size / out) + size / out
        first = np.floor(np.minimum(half, corner) - margin).astype(np.int64)
        last = np.ceil(np.maximum(half, corner) + margin).astype(np.int64)
        found.append((i, _within(first, last, size)))
    return found


def _within(first: NDArray[np.int64], last: NDArray[np.int64], size: int) -> Span:
    return Span(np.clip(first, 0, size - 1), np.clip(last, 0, size - 1))


def _linear(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    if node.attrs.get("recurrent") == "backward":
        return None
    return _leading(node, shapes[place], 1)


def _last_axis(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    return _leading(node, shapes[place], 1)


def _softmax(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    axis = int(node.attrs.get("axis", len(node.shape) - 1))
    if len(shapes[place]) != len(node.shape):
        return None
    kept = _kept(node, shapes[place])
    assert kept is not None  # of as many axes
    return [None if i == axis else link for i, link in enumerate(kept)]


def _norm(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    """Each pixel by itself where the last axes are normalised; the count tells how many are."""
    if node.attrs.get("operator", "layer_norm") not in _LAYER_NORMS or node.shape != shapes[place]:
        return None
    values = prod(node.shape)  # 3 or 4 operations each, and one for each group
    each, groups = divmod(node.operations - 1, values)
    for last in range(1, len(node.shape) + 1):
        if each in (3, 4) and prod(node.shape[-last:]) * (groups + 1) == values:
            return _leading(node, node.shape, last)
    return None


def _concat(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    axis, given = node.attrs.get("axis"), shapes[place]
    found = _kept(node, given)
    if axis is None or found is None or any(len(shape) != len(given) for shape in shapes):
        return None
    spare = node.shape[axis] - sum(shape[axis] for shape in shapes)  # constants lie between
    if spare < 0:
        return None
    begin = sum(shape[axis] for shape in shapes[:place])
    index = np.arange(node.shape[axis], dtype=np.int64) - begin
    found[axis] = (axis, _within(index - spare, index, given[axis]))
    return found


def _matmul(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    """Rows of the left operand, and all of the right."""
    out = node.shape
    if len(shapes) != 2 or node.attrs.get("operator", "") not in _MATMULS:
        return None
    left, right = shapes
    axes = len(out)
    if axes < 2 or len(left) != axes or len(right) != axes:
        return None
    if (left[-2], left[-1], right[-1]) != (out[-2], right[-2], out[-1]):
        return None
    return _leading(node, shapes[place], 2 if place else 1)


def _dynamic(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    """Its own vector, and the whole matrix."""
    return None if place else _leading(node, shapes[0], 1)


def _attention(node: Node, place: int, shapes: Sequence[Shape]) -> Links:
    """Its own query, all keys and values, its own row of a mask."""
    attrs, out = node.attrs, node.shape
    if len(shapes) < 3 or "queries" not in attrs or any(len(s) != len(out) for s in shapes[:3]):
        return None
    tokens = (attrs["queries"], attrs["keys"], attrs["keys"])
    widths = (attrs["width"], attrs["width"], attrs["value_width"])
    if any(
        shape[-2:] != size
        for shape, size in zip(shapes, zip(tokens, widths, strict=True), strict=False)
    ):
        return None
    if place > 2:  # (..., queries, keys), broadcast
        return _mask(out, shapes[place])
    return _leading(node, shapes[place], 2 if place else 1)


def _mask(out: Shape, given: Shape) -> Links:
    shift = len(out) - len(given)
    if shift < 0:
        return None
    last = len(given) - 1
    return [None if i == last else _same(n, out[i + shift], i + shift) for i, n in enumerate(given)]


_RULES: dict[str, Callable[[Node, int, Sequence[Shape]], Links]] = {
    **dict.fromkeys((*CONVOLUTIONS, "pool_avg", "pool_max"), _windows),
    **dict.fromkeys(("activation", "add", "batchnorm", "logic", "mul"), _pointwise),
    "attention": _attention,
    "cell": _last_axis,
    "concat": _concat,
    "dynamic": _dynamic,
    "embedding": lambda node, place, shapes: _embedding(node, shapes[place]),
    "interpolate": _interpolated,
    "linear": _linear,
    "matmul": _matmul,
    "norm": _norm,
    "overlap_add": _overlap_add,
    "softmax": _softmax,
    "token_scale": _softmax,
}


def _embedding(node: Node, given: Shape) -> Links:
    """One row of the table for each number."""
    if node.shape[:-1] != given:
        return None
    return [(i, identity(size)) for i, size in enumerate(given)]
