"""Who needs what, by brute force: the steps of the schedule and the pixels they wait for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from crossbar.mapping import Plan
from crossbar.mapping.replication import stripes
from crossbar.workload.graph import MOVE_KINDS, Node

UNIT_KINDS = ("activation", "pool_max", "pool_avg", "add")
"""Kinds that the vector unit computes."""

PIXEL_KINDS = ("activation", "add", "mul")
"""Kinds that compute a pixel from the same pixel; a join of another kind has one position."""

Maker = tuple[str, int]
"""A node of a step and one of its positions; elsewhere a step's name and one of its positions."""


@dataclass
class Step:
    """A product layer or a join.

    ``needs[position]`` are pairs (index of the operand, its pixel), ``waits_for`` the positions of
    steps behind them, ``layer`` is the product layer in whose tiles it is computed, ``stripes`` are
    (first, count) a copy, ``elements`` are channels of an addition's position, ``operations`` are
    digital operations of one inference.
    """

    name: str
    kind: str
    layer: str
    stripes: tuple[tuple[int, int], ...]
    elements: int = 0
    operations: int = 0
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


def pixels(shape: Sequence[int]) -> int:
    """Pixels of a map, tokens of a matrix; a vector is one."""
    return prod(shape[1:]) if len(shape) == 3 else prod(shape[:-1])


def find_flow(plan: Plan) -> Flow:
    """Trace the network node by node."""
    nodes = {node.name: node for node in plan.workload}
    layer_of = {name: layer for layer in plan.layers for name in layer.nodes}
    products = [layer_of[node.name].name for node in plan.workload.products]
    steps: dict[str, Step] = {}
    makers: dict[str, list[set[Maker]]] = {}  # by node and pixel; of nodes, in boxes
    first: dict[str, int] = {}  # where a node's positions begin among those of its step
    owner: dict[str, str | None] = {}  # the step to which a node belongs
    latest: dict[str, int] = {}  # the latest product before a node, as an index into `products`
    n_products = 0

    def need(step: Step, node: Node, count: int) -> None:
        """Add positions of a step."""
        inputs = [nodes[name] for name in node.inputs]
        begin = len(step.operands)
        first[node.name] = len(step.needs)
        step.operands += node.inputs
        for p in range(count):
            found = taps(node, inputs, p)
            behind = (
                makers[name][q] for name, k in zip(node.inputs, found, strict=True) for q in k
            )
            waits = boxed(set().union(*behind), nodes)
            step.needs.append({(begin + k, q) for k, each in enumerate(found) for q in each})
            step.waits_for.append({(str(owner[name]), first[name] + i) for name, i in waits})

    for node in plan.workload:
        inputs = [nodes[name] for name in node.inputs]
        latest[node.name] = max((latest[name] for name in node.inputs), default=-1)
        n_computed = sum(any(makers[name]) for name in set(node.inputs))
        if node.is_product:
            layer = layer_of[node.name]
            latest[node.name], n_products = n_products, n_products + 1
            cut = stripes(layer.positions, layer.replicas)
            step = steps.setdefault(layer.name, Step(layer.name, "product", layer.name, cut))
            need(step, node, node.positions)
            makers[node.name] = [{(node.name, p)} for p in range(node.positions)]
            owner[node.name] = step.name
        elif n_computed > 1 and node.kind not in MOVE_KINDS:
            whole, size = node.kind not in PIXEL_KINDS, pixels(node.shape)
            count = 1 if whole else size
            layer = plan[products[latest[node.name]]]
            cut = stripes(count, min(layer.replicas, count))
            channels = prod(node.shape) // size if node.kind in UNIT_KINDS else 0
            step = steps[node.name] = Step(node.name, "join", layer.name, cut, channels)
            need(step, node, count)
            makers[node.name] = [{(node.name, 0 if whole else p)} for p in range(size)]
            owner[node.name] = node.name
        else:
            makers[node.name] = []
            for p in range(pixels(node.shape)):
                found = zip(node.inputs, taps(node, inputs, p), strict=True)
                behind = (makers[name][q] for name, each in found for q in each)
                makers[node.name].append(boxed(set().union(*behind), nodes))
            order = list(steps)
            before = [name for name in map(owner.get, node.inputs) if name is not None]
            owner[node.name] = max(before, key=order.index, default=None)
        mine = owner[node.name]
        if node.kind in UNIT_KINDS and mine is not None:
            steps[mine].operations += node.operations
    of_steps = {
        name: [{(str(owner[n]), first[n] + i) for n, i in found} for found in each]
        for name, each in makers.items()
    }
    return Flow(list(steps.values()), of_steps)


def boxed(makers: set[Maker], nodes: Mapping[str, Node]) -> set[Maker]:
    """Fill the smallest box of rows and columns around the positions of each node."""
    full: set[Maker] = set()
    for name in {name for name, _ in makers}:
        shape = nodes[name].shape
        cols = shape[2] if len(shape) == 3 else 1
        places = [divmod(p, cols) for other, p in makers if other == name]
        rows, columns = [y for y, _ in places], [x for _, x in places]
        for y, x in product(range(min(rows), max(rows) + 1), range(min(columns), max(columns) + 1)):
            full.add((name, y * cols + x))
    return full


def taps(node: Node, inputs: list[Node], pixel: int) -> list[set[int]]:
    """Find the pixels of each input that one output pixel of a node is computed from."""
    shapes = [source.shape for source in inputs]
    if node.kind == "linear":
        return [{pixel if len(shapes[0]) > 1 else 0}]
    if node.kind == "conv2d" or (node.kind in ("pool_max", "pool_avg") and "kernel" in node.attrs):
        return [_window(node, shapes[0], pixel)]
    if node.kind == "concat":
        return _concat(node, shapes, pixel)
    if node.kind in PIXEL_KINDS:
        return [_stretched(node.shape, shape, pixel) for shape in shapes]
    if node.kind in ("norm", "softmax") and len(node.shape) < 3:  # of each token by itself
        return [{pixel}]
    is_slice = node.kind == "reshape" and node.attrs["operator"] != "transpose"
    if is_slice and len(node.shape) == len(shapes[0]) == 3:
        return [_in_proportion(node.shape, shapes[0], pixel)]
    return [set(range(pixels(shape))) for shape in shapes]


def _window(node: Node, shape: Sequence[int], pixel: int) -> set[int]:
    """All pixels of the window, holes of a dilated one too; the nearest if it is all padding."""
    spans = []
    for axis, place in enumerate(divmod(pixel, node.shape[2])):
        kernel, stride, padding = (node.attrs[k][axis] for k in ("kernel", "stride", "padding"))
        dilation = node.attrs.get("dilation", (1, 1))[axis]
        begin = place * stride - padding
        end = begin + (kernel - 1) * dilation
        last = shape[1 + axis] - 1
        spans.append(range(min(max(begin, 0), last), max(min(end, last), 0) + 1))
    return {y * shape[2] + x for y, x in product(*spans)}


def _concat(node: Node, shapes: list[tuple[int, ...]], pixel: int) -> list[set[int]]:
    """Channels or features side by side; along rows and columns all is needed."""
    along_channels = node.attrs["axis"] == (0 if len(node.shape) == 3 else len(node.shape) - 1)
    return [{pixel} if along_channels else set(range(pixels(shape))) for shape in shapes]


def _in_proportion(shape: Sequence[int], given: Sequence[int], pixel: int) -> set[int]:
    """Find the pixels of a map that is sliced or repeated: all, where sides are no multiples."""
    spans = []
    for size, other, place in zip(shape[1:], given[1:], divmod(pixel, shape[2]), strict=True):
        if other % size and size % other:
            return set(range(pixels(given)))
        step = max(1, other // size)
        begin = place * step if other >= size else place // (size // other)
        spans.append(range(begin, begin + step))
    return {y * given[2] + x for y, x in product(*spans)}


def _stretched(shape: Sequence[int], operand: Sequence[int], pixel: int) -> set[int]:
    """Find the operand's pixel under NumPy's broadcasting."""
    if len(shape) != len(operand) or len(shape) not in (2, 3):
        return {pixel if pixels(operand) > 1 else 0}
    grid, part = (shape[1:], operand[1:]) if len(shape) == 3 else (shape[:-1], operand[:-1])
    place = [p if size > 1 else 0 for p, size in zip(_place(grid, pixel), part, strict=True)]
    return {_number(part, place)}


def _place(grid: Sequence[int], pixel: int) -> tuple[int, ...]:
    place: list[int] = []
    for size in reversed(grid):
        pixel, at = divmod(pixel, size)
        place.insert(0, at)
    return tuple(place)


def _number(grid: Sequence[int], place: Sequence[int]) -> int:
    number = 0
    for size, at in zip(grid, place, strict=True):
        number = number * size + at
    return number
