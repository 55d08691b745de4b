"""Transposed convolutions: a product of every input pixel with all taps, then an overlap-add."""

from __future__ import annotations

from math import prod
from typing import Any

from crossbar.nn.graph.rewrite import Expansion, Rule, is_constant
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["RULES"]


def _transposed(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    """Write it as a convolution with a kernel of one and as many outputs as it has taps."""
    graph, origin = expansion.graph, expansion.origin
    x, weight, bias = named["input"], named["weight"], named["bias"]
    if not named.get("transposed", True) or not isinstance(x, Ref):
        return None
    if not is_constant(weight, graph, 3, 4, 5) or not (bias is None or is_constant(bias, graph, 1)):
        return None
    stored, groups = graph.constants[weight.name], int(named["groups"])
    inputs, outputs, *kernel = stored.shape
    given = expansion.value(x)
    axes = len(kernel)
    if given.axes != axes + 2 or len(shapes.shape(origin.name, given)) != axes + 1:
        return None
    taps = prod(kernel)
    # [inputs, outputs of a group, *taps] -> [groups x outputs x taps, inputs of a group, 1 ...]
    matrix = stored.reshape(groups, inputs // groups, outputs * taps).transpose(1, 2)
    matrix = matrix.reshape(groups * outputs * taps, inputs // groups, *[1] * axes)
    once = [1] * axes
    arguments = (x, expansion.constant(weight, matrix), None, once, [0] * axes, once, groups)
    shape = (given.shape[0], matrix.shape[0], *given.shape[2:])
    products = expansion.add(f"aten.conv{axes}d.default", arguments, shape)
    geometry = (
        _each(named[key], axes) for key in ("stride", "padding", "output_padding", "dilation")
    )
    return expansion.add(
        "crossbar.overlap_add",
        (products, bias, kernel, *geometry),
        origin.first,
        "overlap_add",
    )


def _each(value: Any, axes: int) -> list[int]:
    """Write one number, or a list, out for every axis."""
    sizes = [value] if isinstance(value, int) else list(value)
    return sizes * axes if len(sizes) == 1 else sizes


RULES: dict[str, Rule] = dict.fromkeys(
    ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution"), _transposed
)
