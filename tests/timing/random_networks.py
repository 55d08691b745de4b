"""Small random networks of several families, from a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossbar.workload import Workload, WorkloadBuilder
from crossbar.workload.graph import Node

Rng = np.random.Generator


def random_workload(rng: Rng) -> Workload:
    """Draw a network of one of several families."""
    families = (
        *(_chain, _residual, _branches, _tokens, _shared, _head, _attention, _gated),
        *(_encoder, _recurrent, _line, _unknown),
    )
    return families[int(rng.integers(len(families)))](rng)


def _pick(rng: Rng, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _chance(rng: Rng, share: float) -> bool:
    return bool(rng.random() < share)


def _input(rng: Rng, net: WorkloadBuilder) -> str:
    size = (_pick(rng, 1, 4), _pick(rng, 2, 6), _pick(rng, 2, 6))
    return net.input("input", size)


def _conv(rng: Rng, net: WorkloadBuilder, name: str, x: str, *, keep: bool = False) -> str:
    """Add some convolution; ``keep`` its size."""
    channels, height, width = net.shape(x)
    if keep:
        size = int(rng.choice([1, 3]))
        return net.conv(name, x, _pick(rng, 1, 4), size, padding=size // 2)
    kernel = (_pick(rng, 1, min(3, height)), _pick(rng, 1, min(3, width)))
    groups, out = 1, _pick(rng, 1, 5)
    if channels > 1 and _chance(rng, 0.25):  # depthwise, with a multiplier
        groups, out = channels, channels * _pick(rng, 1, 2)
    dilation = 2 if min(height, width) > 4 and _chance(rng, 0.15) else 1
    return net.conv(
        name,
        x,
        out,
        kernel,
        stride=(_pick(rng, 1, 2), _pick(rng, 1, 2)),
        padding=(_pick(rng, 0, kernel[0] - 1), _pick(rng, 0, kernel[1] - 1)),
        dilation=dilation,
        groups=groups,
    )


def _after(rng: Rng, net: WorkloadBuilder, name: str, x: str) -> str:
    """Add some digital operations."""
    if _chance(rng, 0.5):
        x = net.relu(f"{name}.relu", x)
    _, height, width = net.shape(x)
    if min(height, width) >= 2 and _chance(rng, 0.35):
        kernel = _pick(rng, 2, min(3, height, width))
        pool = net.max_pool if _chance(rng, 0.5) else net.avg_pool
        padding = _pick(rng, 0, kernel // 2)
        x = pool(f"{name}.pool", x, kernel, stride=_pick(rng, 1, 3), padding=padding)
    return x


def _end(rng: Rng, net: WorkloadBuilder, x: str) -> Workload:
    """Finish with nothing, a linear layer, or a global average and one."""
    kind = _pick(rng, 0, 3)
    if kind == 0:
        return net.build(x)
    if kind == 1:
        x = net.global_avg_pool("average", x)
    x = net.linear("fc", net.flatten("flatten", x), _pick(rng, 1, 6))
    if kind == 3:
        x = net.linear("fc2", net.relu("fc.relu", x), _pick(rng, 1, 6))
    return net.build(x)


def _chain(rng: Rng) -> Workload:
    net = WorkloadBuilder("chain")
    x = _input(rng, net)
    if _chance(rng, 0.2):
        x = _after(rng, net, "early", x)
    for i in range(_pick(rng, 1, 3)):
        x = _after(rng, net, f"conv{i}", _conv(rng, net, f"conv{i}", x))
    return _end(rng, net, x)


def _residual(rng: Rng) -> Workload:
    """One or two blocks, with a shortcut that is the input, or a convolution of it."""
    net = WorkloadBuilder("residual")
    x = _input(rng, net)
    if _chance(rng, 0.8):
        x = net.relu("stem.relu", _conv(rng, net, "stem", x, keep=True))
    for i in range(_pick(rng, 1, 2)):
        given = net.shape(x)
        y = net.relu(f"b{i}.relu", _conv(rng, net, f"b{i}.conv1", x, keep=True))
        if _chance(rng, 0.4) and min(given[1:]) >= 2:
            channels = _pick(rng, 1, 4)
            y = net.conv(f"b{i}.conv2", y, channels, 3, stride=2, padding=1)
            x = net.conv(f"b{i}.down", x, channels, 1, stride=2)
        elif _chance(rng, 0.3) and given[1] % 2 == 0 and given[2] % 2 == 0:
            channels = given[0] + _pick(rng, 0, 1)
            y = net.conv(f"b{i}.conv2", y, channels, 3, stride=2, padding=1)
            small = (channels, given[1] // 2, given[2] // 2)
            x = net.reshape(f"b{i}.slice", x, small, "slice_pad")
        else:
            y = net.conv(f"b{i}.conv2", y, given[0], 3, padding=1)
        operands = [y, x] if _chance(rng, 0.5) else [x, y]
        x = _after(rng, net, f"b{i}.sum", net.add(f"b{i}.add", *operands))
    return _end(rng, net, x)


def _branches(rng: Rng) -> Workload:
    """Convolutions side by side, joined as channels, rows or columns."""
    net = WorkloadBuilder("branches")
    x = _input(rng, net)
    if _chance(rng, 0.5):
        x = _after(rng, net, "stem", _conv(rng, net, "stem", x, keep=True))
    _, height, width = net.shape(x)
    axis = _pick(rng, 0, 2)
    if axis == 0:
        parts = [_conv(rng, net, f"side{i}", x, keep=True) for i in range(_pick(rng, 2, 3))]
        parts += [x] if _chance(rng, 0.3) else []
    else:
        channels = _pick(rng, 1, 3)
        parts = [net.conv(f"side{i}", x, channels, 3, padding=1) for i in range(2)]
    x = _after(rng, net, "join", net.concat("concat", *parts, axis=axis))
    if _chance(rng, 0.7):
        x = _conv(rng, net, "last", x)
    return _end(rng, net, x)


def _tokens(rng: Rng) -> Workload:
    """Linear layers over tokens, with a residual connection."""
    net = WorkloadBuilder("tokens")
    features = _pick(rng, 1, 12)
    x = net.input("input", (_pick(rng, 1, 9), features))
    if _chance(rng, 0.7):
        x = net.linear("first", x, features)
    y = net.activation("gelu", net.linear("up", x, _pick(rng, 1, 12)), "gelu")
    y = net.linear("down", y, features)
    x = net.add("add", y, x)
    if _chance(rng, 0.5):
        x = net.linear("last", x, _pick(rng, 1, 5))
    return net.build(x)


def _shared(rng: Rng) -> Workload:
    """One weight used by two or three layers, side by side or one after the other."""
    features = _pick(rng, 1, 10)
    attrs = {"in_features": features, "out_features": features, "bias": False}
    first, second = (_pick(rng, 1, 6), features), (_pick(rng, 1, 6), features)
    nodes = [
        Node("a", "input", (), first),
        Node("b", "input", (), second),
        Node("lead", "linear", ("b",), second, attrs, "lead.weight"),
        Node("one", "linear", ("a",), first, attrs, "tied"),
        Node("two", "linear", ("lead",), second, attrs, "tied"),
    ]
    end = "two"
    if _chance(rng, 0.5):  # feeds itself
        nodes.append(Node("relu", "activation", ("one",), first, {"operator": "relu"}))
        nodes.append(Node("three", "linear", ("relu",), first, attrs, "tied"))
        end = "three"
    nodes.append(Node("own", "linear", (end,), first if end == "three" else second, attrs, "own"))
    return Workload("shared", tuple(nodes), ("two", "own"))


def _head(rng: Rng) -> Workload:
    """Linear layers on a vector, two of them summed."""
    net = WorkloadBuilder("head")
    x = net.input("input", (_pick(rng, 1, 20),))
    width = _pick(rng, 1, 8)
    y = net.relu("relu", net.linear("fc1", x, width))
    z = net.linear("fc2", y, width)
    x = net.add("add", z, y) if _chance(rng, 0.5) else net.concat("concat", z, y)
    return net.build(net.linear("fc3", net.relu("relu2", x), _pick(rng, 1, 6)))


def _attention(rng: Rng) -> Workload:
    """Products of activations between linear layers."""
    net = WorkloadBuilder("attention")
    size, heads, width = _pick(rng, 1, 5), _pick(rng, 1, 2), _pick(rng, 1, 4)
    features = heads * width
    x = net.input("input", (size, features))
    if _chance(rng, 0.5):
        x = net.norm("norm", net.linear("lead", x, features))
    parts = [net.linear(name, x, features) for name in ("query", "key", "value")]
    shapes = [(heads, size, width), (heads, width, size), (heads, size, width)]
    known = size > 1 and _chance(rng, 0.7)  # else where the tokens go is not told
    axes = [(1, 0, 2), (1, 2, 0), (1, 0, 2)] if known else [None] * 3
    query, key, value = (
        net.reshape(f"{part}.heads", part, shape, "transpose", each)
        for part, shape, each in zip(parts, shapes, axes, strict=True)
    )
    y = net.matmul("context", net.softmax("softmax", net.matmul("scores", query, key)), value)
    y = net.reshape("tokens", y, (size, features), "transpose", axes[0])
    y = net.linear("out", y, features)
    return net.build(net.add("add", y, x) if _chance(rng, 0.6) else y)


def _gated(rng: Rng) -> Workload:
    """A map times a weight for each of its channels, from its own average."""
    net = WorkloadBuilder("gated")
    x = net.relu("relu", _conv(rng, net, "conv", _input(rng, net)))
    channels = net.shape(x)[0]
    gate = net.conv("squeeze", net.global_avg_pool("means", x), _pick(rng, 1, 3), 1)
    gate = net.activation("sigmoid", net.conv("excite", gate, channels, 1), "sigmoid")
    return _end(rng, net, _conv(rng, net, "last", net.mul("scale", x, gate), keep=True))


def _encoder(rng: Rng) -> Workload:
    """A layer of a transformer, with fused attention and norms."""
    size, heads, width = _pick(rng, 2, 6), _pick(rng, 1, 2), _pick(rng, 1, 3)
    features, split = heads * width, (heads, size, width)
    net = WorkloadBuilder("encoder")
    x = net.norm("norm0", net.linear("lead", net.input("input", (size, 3)), features))
    parts = [net.linear(name, x, features) for name in ("query", "key", "value")]
    parts = [net.reshape(f"{name}.heads", name, split, "transpose", (1, 0, 2)) for name in parts]
    y = net.digital("attention", "attention", parts, split, 1)
    y = net.reshape("tokens", y, (size, features), "transpose", (1, 0, 2))
    x = net.norm("norm1", net.add("add1", net.linear("out", y, features), x))
    y = net.linear("down", net.activation("gelu", net.linear("up", x, 4), "gelu"), features)
    if _chance(rng, 0.5):
        y = net.mul("gate", y, net.activation("sigmoid", net.linear("side", x, features), "silu"))
    work = net.build(net.norm("norm2", net.add("add2", y, x)))
    sizes = {"heads": heads, "queries": size, "keys": size, "width": width, "value_width": width}
    nodes = [
        Node(node.name, node.kind, node.inputs, node.shape, sizes)
        if node.kind == "attention"
        else node
        for node in work
    ]
    return Workload("encoder", tuple(nodes), work.outputs)


def _recurrent(rng: Rng) -> Workload:
    """A recurrent layer in one direction or in both, or two of them, one behind the other."""
    size, given, hidden = _pick(rng, 1, 6), _pick(rng, 1, 5), _pick(rng, 1, 4)
    operator, gates = [("lstm", 4), ("gru", 3), ("rnn_tanh", 1)][_pick(rng, 0, 2)]
    nodes = [Node("input", "input", (), (size, given))]

    def linear(name: str, x: str, rows: int, cols: int, **more: Any) -> str:
        attrs = {"in_features": rows, "out_features": cols, "bias": True, **more}
        nodes.append(Node(name, "linear", (x,), (size, cols), attrs, f"{name}.weight"))
        return name

    def layer(name: str, x: str, rows: int, way: str) -> str:
        y = linear(f"{name}_ih", x, rows, gates * hidden)
        y = linear(f"{name}_hh", y, hidden, gates * hidden, recurrent=way)
        nodes.append(Node(f"{name}_cell", "cell", (y,), (size, hidden), {"operator": operator}))
        return f"{name}_cell"

    x, features = "input", given
    for i in range(_pick(rng, 1, 2)):
        ways = ["forward", "backward"][: _pick(rng, 1, 2)]
        ends = [layer(f"l{i}{way}", x, features, way) for way in ways]
        x, features = ends[0], hidden * len(ends)
        if len(ends) > 1:
            x = f"concat{i}"
            nodes.append(Node(x, "concat", tuple(ends), (size, features), {"axis": 1}))
    if _chance(rng, 0.5):
        x = linear("fc", x, features, 3)
    return Workload("recurrent", tuple(nodes), (x,))


def _line(rng: Rng) -> Workload:
    """Convolutions along a line, then its places as tokens."""
    net = WorkloadBuilder("line")
    x = net.input("input", (_pick(rng, 1, 3), _pick(rng, 4, 12)))
    for i in range(_pick(rng, 1, 2)):
        kernel = _pick(rng, 1, 3)
        x = net.conv(
            f"conv{i}", x, _pick(rng, 1, 4), kernel,
            stride=_pick(rng, 1, 2), padding=_pick(rng, 0, kernel - 1),
        )  # fmt: skip
        x = net.relu(f"relu{i}", x)
    channels, length = net.shape(x)
    if length > 1 and _chance(rng, 0.6):
        x = net.reshape("tokens", x, (length, channels), "permute", (1, 0))
        x = net.linear("fc", net.norm("norm", x), 3)
    return net.build(x)


def _unknown(rng: Rng) -> Workload:
    """Two maps that an unknown unit joins."""
    net = WorkloadBuilder("unknown")
    x = _conv(rng, net, "first", _input(rng, net), keep=True)
    y = _conv(rng, net, "second", net.relu("relu", x), keep=True)
    z = net.digital("unknown", "other", [x, y], net.shape(y), 5)
    return _end(rng, net, _conv(rng, net, "last", net.relu("relu2", z), keep=True))
