"""Shapes of one sample: what a node's kind, attributes and inputs say its output must be.

The builder computes shapes with these functions and the checks hold files against them, so a shape
rule is written once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

from crossbar.workload.graph import CONVOLUTIONS

__all__ = ["Shape", "broadcast", "infer_shape", "matmul_shape", "shape_text", "window_size"]

Shape = tuple[int, ...]

SAME_AS_INPUT = ("activation", "batchnorm", "norm", "softmax", "token_scale")


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as JSON writes it: ``[3, 32, 32]``."""
    return str(list(shape))


def window_size(
    size: int, kernel: int, stride: int, padding: int, dilation: int = 1, ceil_mode: bool = False
) -> int:
    """Return how many windows fit along one axis.

    Parameters
    ----------
    size : int
        Elements along the axis, without padding.
    kernel, stride, padding, dilation : int
        As in PyTorch; ``padding`` is added on both sides.
    ceil_mode : bool
        Whether a last window may hang over the end (it must still begin inside).

    Raises
    ------
    ValueError
        If not even one window fits, or a number is out of range.
    """
    if min(kernel, stride, dilation) < 1 or padding < 0:
        raise ValueError(
            f"kernel {kernel}, stride {stride}, dilation {dilation}, padding {padding}: the first"
            " three are >= 1, padding is >= 0"
        )
    span = dilation * (kernel - 1) + 1
    room = size + 2 * padding - span
    if room < 0:
        raise ValueError(
            f"a window of {span} does not fit into {size} elements with padding {padding}"
        )
    windows = room // stride + 1
    if ceil_mode and room % stride and windows * stride < size + padding:
        windows += 1
    return windows


def broadcast(shapes: Sequence[Shape]) -> Shape:
    """Return the shape that all the shapes stretch to, by NumPy's rule.

    Raises
    ------
    ValueError
        If they do not fit each other.
    """
    axes = []
    for sizes in zip_longest(*(reversed(s) for s in shapes), fillvalue=1):
        wide = {n for n in sizes if n != 1} or {1}
        if len(wide) > 1:
            raise ValueError(f"shapes {' and '.join(map(shape_text, shapes))} do not fit together")
        axes.append(wide.pop())
    return tuple(reversed(axes))


def matmul_shape(left: Shape, right: Shape) -> Shape:
    """Return the shape of ``left @ right``: ``(..., m, k) @ (..., k, n) -> (..., m, n)``.

    Raises
    ------
    ValueError
        If an operand has fewer than two axes, or the inner or outer axes do not fit.
    """
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        raise ValueError(
            f"{shape_text(left)} @ {shape_text(right)} is not (..., m, k) @ (..., k, n)"
        )
    return (*broadcast([left[:-2], right[:-2]]), left[-2], right[-1])


def infer_shape(kind: str, attrs: Mapping[str, Any], inputs: Sequence[Shape]) -> Shape | None:
    """Return the output shape of a node, or None where its kind and attributes leave it open.

    Parameters
    ----------
    kind : str
        One of `crossbar.workload.graph.KINDS`.
    attrs : mapping
        The node's attributes; those that its kind requires are there and of the right type.
    inputs : sequence of shape
        Output shapes of its producers.

    Raises
    ------
    ValueError
        If the node cannot take these inputs; the text says why.
    """
    if kind in CONVOLUTIONS:
        return _convolution(kind, attrs, inputs[0])
    if kind == "linear":
        if "recurrent" in attrs:
            return _recurrent(attrs, inputs[0])
        features = attrs["in_features"]
        if inputs[0][-1:] != (features,):
            raise ValueError(
                f"input {shape_text(inputs[0])} does not end in in_features = {features}"
            )
        return (*inputs[0][:-1], int(attrs["out_features"]))
    if kind == "dynamic":
        return _dynamic(attrs, *inputs)
    if kind == "overlap_add" and "kernel" in attrs:
        return _overlap_add(attrs, inputs[0])
    if kind in ("pool_avg", "pool_max") and "kernel" in attrs:
        return _pool(attrs, inputs[0])
    if kind in SAME_AS_INPUT:
        return inputs[0]
    if kind in ("add", "mul") and len(inputs) > 1 and "operations" not in attrs:
        return broadcast(inputs)
    if kind == "concat" and "axis" in attrs:
        return _concat(int(attrs["axis"]), inputs)
    return None


MAPS = {"conv1d": "length", "conv2d": "height, width", "conv3d": "depth, height, width"}


def _convolution(kind: str, attrs: Mapping[str, Any], given: Shape) -> Shape:
    channels = attrs["in_channels"]
    if len(given) != len(attrs["kernel"]) + 1:
        raise ValueError(f"input {shape_text(given)} is not [channels, {MAPS[kind]}]")
    if given[0] != channels:
        raise ValueError(f"input has {given[0]} channels, in_channels is {channels}")
    windows = zip(
        given[1:],
        attrs["kernel"],
        attrs["stride"],
        attrs["padding"],
        attrs["dilation"],
        strict=True,
    )
    return (int(attrs["out_channels"]), *(window_size(*axis) for axis in windows))


def _recurrent(attrs: Mapping[str, Any], given: Shape) -> Shape:
    """Products of the state are added to what the node reads, and have its shape."""
    if given[-1:] != (attrs["out_features"],):
        raise ValueError(
            f"input {shape_text(given)} does not end in out_features = {attrs['out_features']},"
            " to which the products of a recurrent layer are added"
        )
    return given


def _dynamic(attrs: Mapping[str, Any], driven: Shape, stored: Shape) -> Shape:
    """``(..., m, rows)`` drives one matrix for each of the leading axes."""
    groups, rows, cols = (int(attrs[key]) for key in ("groups", "rows", "cols"))
    if len(driven) < 2 or (prod(driven[:-2]), driven[-1]) != (groups, rows):
        raise ValueError(
            f"input {shape_text(driven)} is not [..., vectors, rows] of {groups} groups and"
            f" {rows} rows"
        )
    if prod(stored) != groups * rows * cols:
        raise ValueError(
            f"stored input {shape_text(stored)} does not hold {groups} matrices of {rows} x {cols}"
        )
    return (*driven[:-1], cols)


def _overlap_add(attrs: Mapping[str, Any], given: Shape) -> Shape:
    """Channels times taps come in; each tap lies where its transposed convolution puts it."""
    kernel = attrs["kernel"]
    taps = prod(kernel)
    if len(given) != len(kernel) + 1 or given[0] % taps:
        raise ValueError(
            f"input {shape_text(given)} is not channels times {taps} taps on {len(kernel)} axes"
        )
    axes = zip(
        given[1:],
        kernel,
        attrs["stride"],
        attrs["padding"],
        attrs["dilation"],
        attrs["output_padding"],
        strict=True,
    )
    sizes = [(n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, d, o in axes]
    return (given[0] // taps, *sizes)


def _pool(attrs: Mapping[str, Any], given: Shape) -> Shape:
    kernel = attrs["kernel"]
    if len(given) != len(kernel) + 1:
        raise ValueError(
            f"input {shape_text(given)} is not channels and {len(kernel)} axes to pool"
        )
    dilation = attrs.get("dilation", (1,) * len(kernel))
    ceil_mode = bool(attrs.get("ceil_mode", False))
    windows = zip(given[1:], kernel, attrs["stride"], attrs["padding"], dilation, strict=True)
    return (given[0], *(window_size(*axis, ceil_mode) for axis in windows))


def _concat(axis: int, inputs: Sequence[Shape]) -> Shape:
    first = inputs[0]
    if not 0 <= axis < len(first):
        raise ValueError(f"axis {axis} is outside of {shape_text(first)}")
    for other in inputs[1:]:
        if other[:axis] + other[axis + 1 :] != first[:axis] + first[axis + 1 :]:
            raise ValueError(
                f"{shape_text(first)} and {shape_text(other)} differ beside axis {axis}"
            )
    return (*first[:axis], sum(s[axis] for s in inputs), *first[axis + 1 :])
