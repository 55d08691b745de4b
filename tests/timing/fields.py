"""Who needs what, by brute force: the steps of the schedule and the pixels they wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from crossbar.mapping import Plan
from crossbar.mapping.replication import stripes
from crossbar.workload.graph import MOVE_KINDS, Node
from crossbar.workload.work import UNITS, digital_work

PIXEL_KINDS = ("activation", "add", "batchnorm", "logic", "mul")
"""Kinds that compute a pixel from the same pixel; a join of kind other has one position."""

TOKEN_KINDS = ("cell", "linear", "norm", "softmax")
"""Kinds that need all of the last axis, and nothing else of those before it."""

Maker = tuple[str, int]
"""A node of a step and one of its positions; elsewhere a step's name and one of its positions."""


@dataclass
class Step:
    """A product layer or a join.

    ``needs[position]`` are pairs (index of the operand, its pixel), ``waits_for`` the positions of
    steps behind them, ``layer`` is the product layer in whose tiles it is computed, ``stripes`` are
    (first, count) a copy, ``elements`` are channels of a join's position, ``operations`` and
    ``macs`` what vector and matmul units do for one inference, ``in_unit`` the operands that the
    memory of a matmul unit holds.
    """

    name: str
    kind: str
    layer: str
    stripes: tuple[tuple[int, int], ...]
    elements: int = 0
    operations: int = 0
    macs: int = 0
    in_unit: set[int] = field(default_factory=set)
    operands: list[str] = field(default_factory=list)
    needs: list[set[tuple[int, int]]] = field(default_factory=list)
    waits_for: list[set[Maker]] = field(default_factory=list)

    @property
    def is_modelled(self) -> bool:
        """Whether a unit computes it and a buffer holds its operands."""
        return self.kind == "product" or self.elements > 0

    @property
    def positions(self) -> int:
        return sum(count for _, count in self.stripes)


@dataclass
class Flow:
    """Steps in network order; ``makers[node][pixel]``: the positions that contribute to a pixel."""

    steps: list[Step]
    makers: dict[str, list[set[Maker]]]


@dataclass
class Pixels:
    """The pixel to which each value of a node belongs, and how many make a row of its map."""

    of: NDArray[np.int64]
    cols: int

    @property
    def count(self) -> int:
        return int(self.of.max()) + 1


def pixels_of(node: Node, inputs: list[Pixels], is_line: bool) -> Pixels:
    """Lay out the pixels of a node: those of a map, tokens, or one.

    ``is_line`` tells channels and a length from tokens and features.
    """
    shape, n = node.shape, len(node.shape)
    if node.kind == "reshape" and "axes" in node.attrs:  # the tokens go along
        return Pixels(moved(node, inputs[0].of), 1)
    like = [given for given in inputs if given.of.shape == shape]
    if node.kind in ("attention", "matmul", "dynamic"):
        axes: tuple[int, ...] = (n - 2,)
    elif node.kind == "linear":
        axes = tuple(range(n - 1))
    elif node.kind == "conv1d" or is_line:
        axes = (1,)
    elif like and node.kind not in (*MOVE_KINDS, "conv2d", "pool_avg", "pool_max"):
        return like[0]
    else:
        axes = {2: (0,), 3: (1, 2)}.get(n, ())
    sizes = [size if axis in axes else 1 for axis, size in enumerate(shape)]
    numbers = np.broadcast_to(np.arange(prod(sizes)).reshape(sizes), shape)
    return Pixels(numbers, shape[axes[-1]] if len(axes) > 1 else 1)


def moved(node: Node, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move values as a transposition with a view before or behind it."""
    axes = node.attrs["axes"]
    if len(axes) == values.ndim:
        return values.transpose(axes).reshape(node.shape)
    before = [node.shape[axes.index(axis)] for axis in range(len(axes))]
    return values.reshape(before).transpose(axes)


def find_flow(plan: Plan) -> Flow:
    """Trace the network node by node."""
    lines = {name for node in plan.workload if node.kind == "conv1d" for name in node.inputs}
    layer_of = {name: layer for layer in plan.layers for name in layer.nodes}
    products = [layer_of[node.name].name for node in plan.workload.products]
    steps: dict[str, Step] = {}
    makers: dict[str, list[set[Maker]]] = {}  # by node and pixel; of nodes, in boxes
    pixels: dict[str, Pixels] = {}
    first: dict[str, int] = {}  # where a node's positions begin among those of its step
    owner: dict[str, str | None] = {}  # the step to which a node belongs
    latest: dict[str, int] = {}  # the latest product before a node, as an index into `products`
    n_products = 0

    def need(step: Step, node: Node, count: int) -> None:
        """Add positions of a step."""
        begin = len(step.operands)
        first[node.name] = len(step.needs)
        step.operands += node.inputs
        given = [pixels[name] for name in node.inputs]
        for p in range(count):
            found = taps(node, pixels[node.name], given, p)
            behind = (
                makers[name][q] for name, k in zip(node.inputs, found, strict=True) for q in k
            )
            waits = boxed(set().union(*behind), pixels)
            step.needs.append({(begin + k, q) for k, each in enumerate(found) for q in each})
            before = {(str(owner[name]), first[name] + i) for name, i in waits}
            if "recurrent" in node.attrs and p:
                before.add((step.name, first[node.name] + p - 1))
            step.waits_for.append(before)
        if node.is_dynamic:
            step.in_unit = {1}  # in cells
        if node.kind in ("attention", "matmul"):
            step.in_unit = {
                k
                for k, each in enumerate(given)
                if each.count > 1
                and all(len({q for j, q in mine if j == k}) == each.count for mine in step.needs)
            }

    for node in plan.workload:
        given = [pixels[name] for name in node.inputs]
        unknown = node.kind == "other"
        n_computed = sum(any(makers[name]) for name in set(node.inputs))
        joins = n_computed > 1 and node.kind not in MOVE_KINDS
        if unknown and joins:
            pixels[node.name] = Pixels(np.zeros(node.shape, np.int64), 1)
        else:
            pixels[node.name] = pixels_of(node, given, node.name in lines)
        latest[node.name] = max((latest[name] for name in node.inputs), default=-1)
        size = pixels[node.name].count
        if node.is_product:
            layer = layer_of[node.name]
            latest[node.name], n_products = n_products, n_products + 1
            cut = stripes(layer.positions, layer.replicas)
            step = steps.setdefault(layer.name, Step(layer.name, "product", layer.name, cut))
            need(step, node, node.positions)
            makers[node.name] = [{(node.name, p)} for p in range(node.positions)]
            if node.attrs.get("recurrent") == "backward":
                makers[node.name] = [set().union(*makers[node.name])] * node.positions
            owner[node.name] = step.name
        elif joins:
            layer = plan[products[latest[node.name]]]
            cut = stripes(size, min(layer.replicas, size))
            channels = 0 if unknown else prod(node.shape) // size
            step = steps[node.name] = Step(node.name, "join", layer.name, cut, channels)
            need(step, node, size)
            makers[node.name] = [{(node.name, p)} for p in range(size)]
            owner[node.name] = node.name
        else:
            makers[node.name] = []
            for p in range(size):
                found = zip(node.inputs, taps(node, pixels[node.name], given, p), strict=True)
                behind = (makers[name][q] for name, each in found for q in each)
                makers[node.name].append(boxed(set().union(*behind), pixels))
            order = list(steps)
            before = [name for name in map(owner.get, node.inputs) if name is not None]
            owner[node.name] = max(before, key=order.index, default=None)
        mine = owner[node.name]
        for action, count in digital_work(node).items():
            if mine is not None and UNITS[action] == "vector":
                steps[mine].operations += count
            elif mine is not None and UNITS[action] == "matmul":
                steps[mine].macs += count
    of_steps = {
        name: [{(str(owner[n]), first[n] + i) for n, i in found} for found in each]
        for name, each in makers.items()
    }
    return Flow(list(steps.values()), of_steps)


def boxed(makers: set[Maker], pixels: Mapping[str, Pixels]) -> set[Maker]:
    """Fill the smallest box of rows and columns around the positions of each node."""
    full: set[Maker] = set()
    for name in {name for name, _ in makers}:
        cols = pixels[name].cols
        places = [divmod(p, cols) for other, p in makers if other == name]
        rows, columns = [y for y, _ in places], [x for _, x in places]
        for y, x in product(range(min(rows), max(rows) + 1), range(min(columns), max(columns) + 1)):
            full.add((name, y * cols + x))
    return full


def taps(node: Node, out: Pixels, inputs: list[Pixels], pixel: int) -> list[set[int]]:
    """Find the pixels of each input that one output pixel of a node is computed from."""
    found = _taps(node, out, inputs, pixel)
    return [{0} if given.count == 1 else each for given, each in zip(inputs, found, strict=True)]


def _taps(node: Node, out: Pixels, inputs: list[Pixels], pixel: int) -> list[set[int]]:
    shapes = [given.of.shape for given in inputs]
    mine = out.of == pixel
    if node.attrs.get("recurrent") == "backward" or node.kind == "other":
        return [set(range(given.count)) for given in inputs]
    if node.kind in TOKEN_KINDS:
        return [_of(given, _rows(mine)) for given in inputs]
    if node.kind in ("matmul", "dynamic") or (node.kind == "attention" and len(inputs) == 3):
        everything = [set(range(given.count)) for given in inputs[1:]]
        return [_of(inputs[0], _rows(mine)), *everything]
    if node.kind == "conv1d":
        return [{q for (q,) in _places(node, shapes[0], (pixel,))}]
    if node.kind == "conv2d" or (node.kind in ("pool_max", "pool_avg") and "kernel" in node.attrs):
        places = _places(node, shapes[0], divmod(pixel, node.shape[2]))
        return [{y * shapes[0][2] + x for y, x in places}]
    if node.kind == "concat":
        return _concat(node, inputs, pixel)
    if node.kind in PIXEL_KINDS:
        return [_of(given, mine) for given in inputs]
    if node.kind == "reshape" and "axes" in node.attrs:
        return [set(moved(node, inputs[0].of)[mine].tolist())]
    if node.kind == "reshape" and len(node.shape) == len(shapes[0]) == 3:
        return [_in_proportion(node.shape, shapes[0], pixel)]
    return [set(range(given.count)) for given in inputs]


def _of(given: Pixels, mask: NDArray[np.bool_]) -> set[int]:
    """Pixels of the values that a mask meets, by NumPy's broadcasting."""
    if mask.shape[:-1] == given.of.shape[:-1]:  # the last axis may differ where all of it counts
        mask = mask if mask.shape == given.of.shape else mask[..., :1]
    shape = np.broadcast_shapes(mask.shape, given.of.shape)
    return set(np.broadcast_to(given.of, shape)[np.broadcast_to(mask, shape)].tolist())


def _rows(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Widen a mask to all of the last axis."""
    return mask.any(axis=-1, keepdims=True)


def _places(node: Node, shape: Sequence[int], at: Sequence[int]) -> list[tuple[int, ...]]:
    """All pixels of the window, holes of a dilated one too; the nearest if it is all padding."""
    spans = []
    for axis, place in enumerate(at):
        kernel, stride, padding = (node.attrs[k][axis] for k in ("kernel", "stride", "padding"))
        dilation = node.attrs.get("dilation", (1,) * len(at))[axis]
        begin = place * stride - padding
        end = begin + (kernel - 1) * dilation
        last = shape[1 + axis] - 1
        spans.append(range(min(max(begin, 0), last), max(min(end, last), 0) + 1))
    return list(product(*spans))


def _concat(node: Node, inputs: list[Pixels], pixel: int) -> list[set[int]]:
    """Channels or features side by side; along the map, the place in each part, or its nearest."""
    is_map, axis = len(node.shape) == 3, node.attrs["axis"]
    if axis == (0 if is_map else len(node.shape) - 1):
        return [{pixel} for _ in inputs]
    found, begin = [], 0
    for given in inputs:
        shape = given.of.shape
        at = list(divmod(pixel, node.shape[2])) if is_map else [pixel]
        along = axis - 1 if is_map else axis
        at[along] = min(max(at[along] - begin, 0), shape[axis] - 1)
        begin += shape[axis]
        found.append({at[0] * shape[2] + at[1] if is_map else at[0]})
    return found


def _in_proportion(shape: Sequence[int], given: Sequence[int], pixel: int) -> set[int]:
    """Find the pixels of a map that is sliced or repeated: all, where sides are no multiples."""
    spans = []
    for size, other, place in zip(shape[1:], given[1:], divmod(pixel, shape[2]), strict=True):
        if other % size and size % other:
            return set(range(prod(given[1:])))
        step = max(1, other // size)
        begin = place * step if other >= size else place // (size // other)
        spans.append(range(begin, begin + step))
    return {y * given[2] + x for y, x in product(*spans)}
