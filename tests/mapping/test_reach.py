"""Does every position wait for all that it is computed from?  NaN shows what that is."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from crossbar.mapping.reach import Grid, Reach, places
from crossbar.mapping.steps import Step, find_steps
from crossbar.workload import find_workload
from crossbar.workload.graph import Node, Workload
from tests.mapping.executor import compute

Shape = tuple[int, ...]


class Drawn:
    """A random network in the making: tensors of any shape, any operation that fits one."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: dict[str, Node] = {}
        axes = self.pick(2, 4)
        x = self.add("input", (), tuple(self.pick(2, 4) for _ in range(axes)))
        for _ in range(self.pick(2, 9)):
            x = self.extend(x)
        self.workload = Workload(f"drawn {seed}", tuple(self.nodes.values()), (x,))

    def pick(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def add(self, kind: str, inputs: Shape | tuple[str, ...], shape: Shape, **attrs: Any) -> str:
        name = f"{kind}{len(self.nodes)}"
        weight = name if kind in ("conv1d", "conv2d", "conv3d", "linear") else None
        self.nodes[name] = Node(name, kind, inputs, tuple(map(int, shape)), attrs, weight)
        return name

    def shape(self, name: str) -> Shape:
        return self.nodes[name].shape

    def extend(self, x: str) -> str:
        axes = len(self.shape(x))
        ways = [self.linear, self.pointwise, self.view, self.select, self.norm, self.reduce]
        if axes > 1:
            ways += [self.transpose, self.concat, self.matmul, self.window, self.slice]
            ways += [self.recurrent, self.attention, self.attention, self.scaled, self.embed]
        found = ways[self.pick(0, len(ways) - 1)](x)
        return found if prod(self.shape(found)) <= 300 else self.linear(x)

    def linear(self, x: str) -> str:
        *lead, rows = self.shape(x)
        cols = self.pick(1, 4)
        return self.add("linear", (x,), (*lead, cols), in_features=rows, out_features=cols)

    def recurrent(self, x: str) -> str:
        way = ("forward", "backward")[self.pick(0, 1)]
        tokens, gates = prod(self.shape(x)[:-1]), 4
        y = self.add("linear", (x,), (*self.shape(x)[:-1], gates), in_features=1, out_features=4)
        y = self.add("reshape", (y,), (tokens, gates), operator="view")
        y = self.add("linear", (y,), (tokens, gates), recurrent=way, in_features=1, out_features=4)
        return self.add("cell", (y,), (tokens, 1), operator="lstm")

    def pointwise(self, x: str) -> str:
        kind = ("add", "mul", "logic", "activation", "batchnorm")[self.pick(0, 4)]
        others = [name for name in self.nodes if self.fits(name, x)]
        y = others[self.pick(0, len(others) - 1)]
        inputs = (x,) if kind in ("activation", "batchnorm") else (x, y)
        return self.add(kind, inputs, self.shape(x))

    def fits(self, name: str, x: str) -> bool:
        pairs = list(zip(reversed(self.shape(name)), reversed(self.shape(x)), strict=False))
        return len(self.shape(name)) <= len(self.shape(x)) and all(a in (1, b) for a, b in pairs)

    def view(self, x: str) -> str:
        """Split an axis, or make one of two."""
        shape = list(self.shape(x))
        axis = self.pick(0, len(shape) - 1)
        if len(shape) > 1 and (self.pick(0, 1) or len(shape) > 3):
            axis = min(axis, len(shape) - 2)
            shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
        else:
            parts = [n for n in range(1, shape[axis] + 1) if shape[axis] % n == 0]
            first = parts[self.pick(0, len(parts) - 1)]
            shape[axis : axis + 1] = [first, shape[axis] // first]
        return self.add("reshape", (x,), tuple(shape), operator="view")

    def transpose(self, x: str) -> str:
        axes = tuple(int(i) for i in self.rng.permutation(len(self.shape(x))))
        shape = tuple(self.shape(x)[i] for i in axes)
        return self.add("reshape", (x,), shape, operator="transpose", axes=axes)

    def select(self, x: str) -> str:
        shape = self.shape(x)
        axis = self.pick(0, len(shape) - 1)
        if len(shape) < 2:
            return self.add("reshape", (x,), shape, operator="flip")
        if self.pick(0, 3) == 0:
            return self.add("reshape", (x,), shape[1:], operator="getitem")
        index, rest = self.pick(0, shape[axis] - 1), shape[:axis] + shape[axis + 1 :]
        return self.add("reshape", (x,), rest, operator="select", axis=axis, index=index)

    def slice(self, x: str) -> str:
        shape = list(self.shape(x))
        axis = self.pick(0, len(shape) - 1)
        start, step = self.pick(0, shape[axis] - 1), self.pick(1, 2)
        if self.pick(0, 3) == 0:
            before = tuple(self.pick(0, 2) for _ in shape)
            wide = tuple(n + b + self.pick(0, 1) for n, b in zip(shape, before, strict=True))
            return self.add("reshape", (x,), wide, operator="pad", before=before)
        shape[axis] = len(range(start, shape[axis], step))
        told = {"axis": axis, "start": start, "step": step}
        return self.add("reshape", (x,), tuple(shape), operator="slice", **told)

    def norm(self, x: str) -> str:
        shape = self.shape(x)
        over = self.pick(1, len(shape))
        count = 4 * prod(shape) + prod(shape[: len(shape) - over])
        told = {"operator": "layer_norm", "operations": count, "over": over}
        if self.pick(0, 1):
            return self.add("norm", (x,), shape, **told)
        if self.pick(0, 1):
            return self.add("softmax", (x,), shape)
        return self.add("softmax", (x,), shape, axis=self.pick(0, len(shape) - 1))

    def reduce(self, x: str) -> str:
        shape, axis, keeps = list(self.shape(x)), self.pick(0, len(self.shape(x)) - 1), True
        if len(shape) > 1 and self.pick(0, 1):
            keeps = False
            del shape[axis]
        else:
            shape[axis] = 1
        return self.add("pool_avg", (x,), tuple(shape), over=axis, keeps=keeps)

    def concat(self, x: str) -> str:
        shape, axis = list(self.shape(x)), self.pick(0, len(self.shape(x)) - 1)
        y = self.add("activation", (x,), tuple(shape))
        shape[axis] *= 2
        told: dict[str, Any] = {"axis": axis}
        if self.pick(0, 1):
            shape[axis] += 1
            told["constant"] = self.pick(0, 2)
        return self.add("concat", (x, y) if self.pick(0, 1) else (y, x), tuple(shape), **told)

    def matmul(self, x: str) -> str:
        *lead, m, k = self.shape(x)
        n = self.pick(1, 4)
        y = self.add("linear", (x,), (*lead, m, n), in_features=k, out_features=n)
        axes = (*range(len(lead)), len(lead) + 1, len(lead))
        turned = self.add("reshape", (x,), (*lead, k, m), operator="transpose", axes=axes)
        return self.add("matmul", (turned, y), (*lead, k, n))

    def attention(self, x: str) -> str:
        """Heads split off the last axis, as transformers do it; with a mask now and then."""
        tokens, heads, width, wide = prod(self.shape(x)[:-1]), *(self.pick(1, 3) for _ in range(3))
        x = self.add("reshape", (x,), (tokens, self.shape(x)[-1]), operator="view")
        parts = []
        for size in (width, width, wide):
            y = self.linear(x)
            features = {"in_features": self.shape(y)[-1], "out_features": heads * size}
            y = self.add("linear", (y,), (tokens, heads * size), **features)
            y = self.add("reshape", (y,), (tokens, heads, size), operator="view")
            told = {"operator": "transpose", "axes": (1, 0, 2)}
            parts.append(self.add("reshape", (y,), (heads, tokens, size), **told))
        if self.pick(0, 1):
            mask = self.add("linear", (x,), (tokens, tokens), in_features=1, out_features=tokens)
            parts.append(self.add("reshape", (mask,), (1, tokens, tokens), operator="unsqueeze"))
        sizes = {"heads": heads, "queries": tokens, "keys": tokens, "width": width}
        y = self.add("attention", tuple(parts), (heads, tokens, wide), value_width=wide, **sizes)
        told = {"operator": "transpose", "axes": (1, 0, 2)}
        return self.add("reshape", (y,), (tokens, heads * wide), **told)

    def window(self, x: str) -> str:
        given = self.shape(x)
        axes = len(given) - 1
        if axes > 3:
            return self.linear(x)
        kernel = tuple(self.pick(1, min(3, n)) for n in given[1:])
        stride = tuple(self.pick(1, 3) for _ in kernel)
        padding = tuple(self.pick(0, k - 1) for k in kernel)
        dilation = tuple(self.pick(1, 2) for _ in kernel)
        told = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        each = list(zip(given[1:], kernel, stride, padding, dilation, strict=True))
        sizes = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in each]
        wide = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, k, s, p, d in each]
        way = self.pick(0, 2)
        if way == 0 and min(wide) > 0:
            kinds = {"in_channels": given[0], "out_channels": prod(kernel), "groups": 1}
            ones, zeros = (1,) * axes, (0,) * axes
            points = {"kernel": ones, "stride": ones, "padding": zeros, "dilation": ones}
            y = self.add(f"conv{axes}d", (x,), (prod(kernel), *given[1:]), **kinds, **points)
            return self.add("overlap_add", (y,), (1, *wide), **told)
        if min(sizes) < 1:
            return self.linear(x)
        if way == 1:
            return self.add("pool_max", (x,), (given[0], *sizes), **told)
        kinds = {"in_channels": given[0], "out_channels": 2, "groups": 1}
        return self.add(f"conv{axes}d", (x,), (2, *sizes), **kinds, **told)

    def scaled(self, x: str) -> str:
        given = self.shape(x)
        if len(given) == 3 and self.pick(0, 1):
            shape = (given[0], 2 * given[1], 2 * given[2])
            return self.add("reshape", (x,), shape, operator="upsample_nearest2d")
        shape = (given[0], *(self.pick(1, 6) for _ in given[1:]))
        told = {"operator": "upsample_linear", "corners": bool(self.pick(0, 1))}
        return self.add("interpolate", (x,), shape, **told)

    def embed(self, x: str) -> str:
        if len(self.shape(x)) > 2:
            shape = (2, *self.shape(x)) if self.pick(0, 1) else self.shape(x)
            return self.add("reshape", (x,), shape, operator="expand")
        return self.add("embedding", (x,), (*self.shape(x), 2))


def pixels(grid: Grid, shape: Shape) -> NDArray[np.int64]:
    """Pixel to which each value of a shape belongs."""
    rows, cols = places(grid, shape)
    return rows.astype(np.int64) * grid.cols + cols


def poison(shape: Shape, grid: Grid, pixel: int) -> NDArray[np.float64]:
    return np.where(pixels(grid, shape) == pixel, np.nan, 0.0)


def holds(reach: Reach, grid: Grid, pixel: int, other: Grid, needed: int) -> bool:
    """Whether the box of a pixel holds a pixel of another grid."""
    (row, col), (y, x) = divmod(pixel, grid.cols), divmod(needed, other.cols)
    in_rows = reach.rows.low[row] <= y <= reach.rows.high[row]
    return bool(in_rows and reach.cols.low[col] <= x <= reach.cols.high[col])


def check_windows(nodes: dict[str, Node], step: Step) -> int:
    """Compare what each position of a step needs of its operands."""
    checked = 0
    node = nodes[step.name]
    for operand in step.operands:
        for needed in range(operand.grid.pixels):
            given = [
                poison(nodes[name].shape, operand.grid, needed)
                if name == operand.node
                else np.zeros(nodes[name].shape)
                for name in node.inputs
            ]
            out = np.isnan(compute(node, given))
            for pixel in set(pixels(step.grid, node.shape)[out].tolist()):
                assert holds(operand.window, step.grid, pixel, operand.grid, needed), (
                    f"{step.name} position {pixel} needs {operand.node} pixel {needed}"
                )
                checked += 1
    return checked


def check_sources(workload: Workload, steps: dict[str, Step], source: str) -> int:
    """Compare which pixels of operands each position of a step contributes to."""
    nodes = {node.name: node for node in workload}
    made, checked = steps[source], 0
    backward = nodes[source].attrs.get("recurrent") == "backward"
    for position in range(made.positions):
        values: dict[str, NDArray[np.float64]] = {}
        for node in workload:
            if node.name == source:
                # the results of a backward layer come in an order of their own
                one = 0 if backward else position
                values[source] = poison(node.shape, made.grid, one)
                if backward:
                    values[source][...] = np.nan
            elif node.name in steps or node.kind == "input":
                values[node.name] = np.zeros(node.shape)
            else:
                values[node.name] = compute(node, [values[name] for name in node.inputs])
        for step in steps.values():
            for operand in step.operands:
                bad = np.isnan(values[operand.node])
                reach = operand.sources.get(source)
                for pixel in set(pixels(operand.grid, bad.shape)[bad].tolist()):
                    assert reach is not None, f"{operand.node} is not known to need {source}"
                    assert holds(reach, operand.grid, pixel, made.grid, position), (
                        f"{operand.node} pixel {pixel} needs {source} position {position}"
                    )
                    checked += 1
    return checked


@pytest.mark.parametrize("first", range(0, 250, 50))
def test_boxes_hold_all_that_a_position_is_computed_from(first: int) -> None:
    checked = 0
    for seed in range(first, first + 50):
        workload = Drawn(seed).workload
        nodes = {node.name: node for node in workload}
        steps = find_steps(workload)
        for name, step in steps.items():
            checked += check_windows(nodes, step)
            checked += check_sources(workload, steps, name)
    assert checked > 2_000


def test_a_transformer_goes_on_token_by_token_but_for_keys_and_values() -> None:
    workload = find_workload("minilm6")
    steps = find_steps(workload)
    prefix = "encoder.layer.2"
    whole = {f"{prefix}.attention.self.scores": "key_heads"}
    whole[f"{prefix}.attention.self.context"] = "value_heads"
    for name, step in steps.items():
        if not name.startswith(prefix):
            continue
        assert step.positions == 128, name
        for operand in step.operands:
            needs_all = whole.get(name, "nothing") in operand.node
            assert operand.in_unit == needs_all
            high = operand.window.rows.high
            assert high.tolist() == ([127] * 128 if needs_all else list(range(128))), name
            for source, reach in operand.sources.items():
                assert reach.rows.high.tolist() == list(range(128)), (name, source)


def test_a_recurrent_layer_goes_on_position_by_position_but_backwards() -> None:
    nodes = [Node("x", "input", (), (5, 3)), Node("lead", "linear", ("x",), (5, 8), {}, "a")]
    for way in ("forward", "backward"):
        attrs = {"recurrent": way, "in_features": 2, "out_features": 8}
        nodes.append(Node(way, "linear", ("lead",), (5, 8), attrs, way))
        nodes.append(Node(f"{way}.cell", "cell", (way,), (5, 2), {"operator": "lstm"}))
        nodes.append(Node(f"{way}.fc", "linear", (f"{way}.cell",), (5, 1), {}, f"{way}.fc"))
    steps = find_steps(Workload("both", tuple(nodes), ("forward.fc", "backward.fc")))
    assert list(steps) == ["lead", "forward", "forward.fc", "backward", "backward.fc"]
    for way, newest in (("forward", [0, 1, 2, 3, 4]), ("backward", [4] * 5)):
        (gates,), (states,) = steps[way].operands, steps[f"{way}.fc"].operands
        assert gates.window.rows.high.tolist() == newest
        assert states.sources[way].rows.high.tolist() == newest
        assert steps[way].recurrent
        assert steps[way].operations == 5 * 2 * 13  # the cell's
