"""Layers whose samples do not lie along axis 0: turned so that they do.

Noise, copies and schedules belong to samples.
"""

from __future__ import annotations

from math import prod
from typing import Any

from crossbar.nn.graph.rewrite import Expansion, Rule, is_constant
from crossbar.nn.graph.shapes import SampleShapes
from crossbar.nn.graph.values import Ref

__all__ = ["RULES"]


def _linear(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    """Put the batch of a linear layer first: ``(tokens, batch, features)``, or both as one axis."""
    graph = expansion.graph
    x, weight, bias = named["input"], named["weight"], named["bias"]
    if not isinstance(x, Ref) or x.name in graph.constants or not is_constant(weight, graph, 2):
        return None
    outputs = graph.constants[weight.name].shape[0]

    def turned(x: Ref, batch: int) -> Ref:
        first = expansion.swapped(x, 0, batch)
        shape = (*expansion.value(first).shape[:-1], outputs)
        y = expansion.add("aten.linear.default", (first, weight, bias), shape)
        return expansion.swapped(y, 0, batch)

    given = expansion.value(x)
    batch = shapes.batch_axis(given)
    if given.axes == 1 and batch is None:
        # one sample, taken out of the batch
        row = expansion.add("aten.unsqueeze.default", (x, 0), (1, *given.shape))
        y = expansion.add("aten.linear.default", (row, weight, bias), (1, outputs))
        return expansion.add("aten.squeeze.dim", (y, 0), (outputs,))
    if batch is not None:
        return turned(x, batch) if 0 < batch < given.axes - 1 else None
    origin = expansion.made.get(x.name)
    if given.axes != 2 or origin is None or origin.base not in ("reshape", "view", "flatten"):
        return None
    apart = origin.args[0]
    before = expansion.value(apart)
    # (tokens, batch, ...) of which somebody has made (tokens * batch, features)
    if before.axes < 3 or shapes.batch_axis(before) != 1:
        return None
    features = prod(before.shape[2:])
    if before.shape[0] * before.shape[1] != given.shape[0] or features != given.shape[1]:
        return None
    if before.axes > 3:
        shape = (*before.shape[:2], features)
        apart = expansion.add("aten.flatten.using_ints", (apart, 2, -1), shape)
    y = turned(apart, 1)
    return expansion.add("aten.flatten.using_ints", (y, 0, 1), (given.shape[0], outputs))


def _frames(expansion: Expansion, named: dict[str, Any], shapes: SampleShapes) -> Ref | None:
    """Write a convolution of several images a sample as one over a volume, a frame deep."""
    graph, origin = expansion.graph, expansion.origin
    x, weight, bias = named["input"], named["weight"], named["bias"]
    if not isinstance(x, Ref) or named.get("transposed", False):
        return None
    if not is_constant(weight, graph, 3, 4) or not (bias is None or is_constant(bias, graph, 1)):
        return None
    stored, given = graph.constants[weight.name], expansion.value(x)
    axes = stored.dim() - 2
    if given.axes != axes + 2 or len(shapes.shape(origin.name, given)) != axes + 2:
        return None
    frames = shapes.shape(origin.name, given)[0]
    together = given.shape[0]
    if not isinstance(together, int) and len(together.free_symbols) > 1:
        return None  # as many frames as the call has tokens
    samples = together // frames if isinstance(together, int) else together / frames
    apart = expansion.add(
        "aten.unflatten.int", (x, 0, [-1, frames]), (samples, frames, *given.shape[1:])
    )
    volume = expansion.swapped(apart, 1, 2)
    geometry = [
        _deeper(named[key], axes, value)
        for key, value in (("stride", 1), ("padding", 0), ("dilation", 1))
    ]
    arguments = (volume, expansion.constant(weight, stored.unsqueeze(2)), bias, *geometry)
    shape = (samples, stored.shape[0], frames, *origin.first.shape[2:])
    overload = "padding" if isinstance(named["padding"], str) else "default"
    operator = f"aten.conv{axes + 1}d.{overload}"
    y = expansion.swapped(expansion.add(operator, (*arguments, named["groups"]), shape), 1, 2)
    return expansion.add("aten.flatten.using_ints", (y, 0, 1), origin.first)


def _deeper(value: Any, axes: int, first: int) -> Any:
    """Write a geometry out with one more axis before the others."""
    if isinstance(value, str):
        return value
    sizes = [value] if isinstance(value, int) else list(value)
    return [first, *(sizes * axes if len(sizes) == 1 else sizes)]


RULES: dict[str, Rule] = {
    "linear": _linear,
    **dict.fromkeys(("conv1d", "conv2d", "convolution"), _frames),
}
