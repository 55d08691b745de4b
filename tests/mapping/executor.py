"""A naive executor that carries NaN from each value to all that is computed from it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from crossbar.workload.graph import Node

Values = NDArray[np.float64]


def compute(node: Node, given: Sequence[Values]) -> Values:
    """Compute a node; what the numbers are does not matter, only from which each is made."""
    rule = {
        "conv1d": _window, "conv2d": _window, "conv3d": _window, "pool_avg": _pool,
        "pool_max": _pool, "linear": _last, "cell": _last, "norm": _norm, "softmax": _softmax,
        "matmul": lambda node, x, y: x @ y, "attention": _attention, "concat": _concat,
        "reshape": _move, "overlap_add": _overlap_add, "interpolate": _interpolate,
        "embedding": lambda node, x: np.broadcast_to(x[..., None], node.shape),
    }.get(node.kind, lambda node, *x: sum(x))  # fmt: skip
    out = np.array(rule(node, *given), dtype=float)
    assert out.shape == node.shape, (node, out.shape)
    return out


def _last(node: Node, x: Values) -> Values:
    if node.attrs.get("recurrent") == "backward":
        return np.full(node.shape, x.sum())
    return np.broadcast_to(x.sum(axis=-1, keepdims=True), node.shape)


def _norm(node: Node, x: Values) -> Values:
    axes = tuple(range(-node.attrs["over"], 0))
    return x + x.sum(axis=axes, keepdims=True)


def _softmax(node: Node, x: Values) -> Values:
    return x + x.sum(axis=node.attrs.get("axis", -1), keepdims=True)


def _attention(node: Node, q: Values, k: Values, v: Values, mask: Values | float = 0.0) -> Values:
    scores = q @ k.swapaxes(-1, -2) + mask
    return (scores + scores.sum(axis=-1, keepdims=True)) @ v


def _concat(node: Node, *x: Values) -> Values:
    if "constant" in node.attrs:  # captured graphs leave constants out
        spare = np.zeros([1 if i == node.attrs["axis"] else n for i, n in enumerate(x[0].shape)])
        x = (*x[: node.attrs["constant"]], spare, *x[node.attrs["constant"] :])
    return np.concatenate(x, axis=node.attrs["axis"])


def _taps(node: Node, size: Sequence[int]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Pairs of an output place and an input place that its window covers."""
    a, found = node.attrs, []
    for at in product(*map(range, node.shape[1:])):
        for tap in product(*map(range, a["kernel"])):
            place = tuple(
                o * s - p + t * d
                for o, t, s, p, d in zip(
                    at, tap, a["stride"], a["padding"], a.get("dilation", (1,) * len(at)),
                    strict=True,
                )
            )  # fmt: skip
            if all(0 <= p < n for p, n in zip(place, size, strict=True)):
                found.append((at, place))
    return found


def _window(node: Node, x: Values) -> Values:
    out = np.zeros(node.shape)
    for at, place in _taps(node, x.shape[1:]):
        out[(slice(None), *at)] += x[(slice(None), *place)].sum()
    return out


def _pool(node: Node, x: Values) -> Values:
    if "over" in node.attrs:
        return x.mean(axis=node.attrs["over"], keepdims=node.attrs["keeps"])
    out = np.zeros(node.shape)
    for at, place in _taps(node, x.shape[1:]):
        out[(slice(None), *at)] += x[(slice(None), *place)]
    return out


def _overlap_add(node: Node, x: Values) -> Values:
    """Scatter the taps of each input; channels of the product are channels, then taps."""
    a, out = node.attrs, np.zeros(node.shape)
    for at in product(*map(range, x.shape[1:])):
        for tap in product(*map(range, a["kernel"])):
            place = tuple(
                i * s - p + t * d
                for i, t, s, p, d in zip(
                    at, tap, a["stride"], a["padding"], a["dilation"], strict=True
                )
            )
            if all(0 <= p < n for p, n in zip(place, out.shape[1:], strict=True)):
                out[(slice(None), *place)] += x[(slice(None), *at)].sum()
    return out


def _interpolate(node: Node, x: Values) -> Values:
    """Linear along each axis, with the corners kept or not."""
    for axis in range(1, x.ndim):
        size, out = x.shape[axis], node.shape[axis]
        index = np.arange(out)
        if node.attrs["corners"]:
            place = index * (size - 1) / max(out - 1, 1)
        else:
            place = np.maximum((index + 0.5) * size / out - 0.5, 0)
        low = np.minimum(np.floor(place).astype(int), size - 1)
        high = np.minimum(low + 1, size - 1)
        x = np.take(x, low, axis=axis) + np.take(x, high, axis=axis)
    return x


def _move(node: Node, x: Values) -> Values:
    a, operator = node.attrs, node.attrs["operator"]
    if operator == "transpose" and len(a["axes"]) == x.ndim:
        return x.transpose(a["axes"]).reshape(node.shape)
    if operator == "transpose":
        before = [node.shape[a["axes"].index(axis)] for axis in range(len(a["axes"]))]
        return x.reshape(before).transpose(a["axes"])
    if operator == "select":
        return np.take(x, a["index"], axis=a["axis"])
    if operator == "slice":
        cut = [slice(None)] * x.ndim
        cut[a["axis"]] = slice(a["start"], None, a["step"])
        return x[tuple(cut)]
    if operator == "pad":
        after = [n - pad - m for n, pad, m in zip(node.shape, a["before"], x.shape, strict=True)]
        return np.pad(x, list(zip(a["before"], after, strict=True)))
    if operator == "getitem":  # of a tensor taken apart along its first axis; it is not told which
        return x[0]
    if operator == "expand":
        return np.broadcast_to(x, node.shape)
    if operator == "flip":
        return x[::-1]
    if operator == "upsample_nearest2d":
        return x.repeat(2, axis=1).repeat(2, axis=2)
    return x.reshape(node.shape)
