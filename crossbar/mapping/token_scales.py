"""Layers whose input vectors each have a scale of their own: the work of finding it, as nodes.

Before such a layer stands a node that compares the magnitudes of a vector's elements and multiplies
each of them by one over the scale; time and energy of both follow from it like those of any other
digital operation.  Layers that read the same vectors at the same width share one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from crossbar.mapping.precision import LayerPrecision
from crossbar.workload.graph import Node, Workload

__all__ = ["TOKEN_SCALE", "with_token_scales"]

TOKEN_SCALE = "token_scale"
"""Kind of those nodes."""


def with_token_scales(workload: Workload, precisions: Mapping[str, LayerPrecision]) -> Workload:
    """Return the network with a node before each layer whose scales are found token by token.

    Parameters
    ----------
    workload : Workload
    precisions : mapping of str to LayerPrecision
        By weight.
    """
    if not any(own.by_token for own in precisions.values()):
        return workload
    taken = {node.name for node in workload}
    shapes = {node.name: node for node in workload}
    made: dict[tuple[str, int], str] = {}
    nodes: list[Node] = []
    for node in workload:
        own = precisions.get(node.weight or node.name) if node.is_product else None
        if own is None or not own.by_token:
            nodes.append(node)
            continue
        operand = shapes[node.inputs[0]]
        key = operand.name, own.input_bits
        if key not in made:
            name = f"{node.name}.scale"
            while name in taken:
                name += "_"
            taken.add(name)
            made[key] = name
            nodes.append(Node(name, TOKEN_SCALE, (operand.name,), operand.shape, _attrs(operand)))
        nodes.append(replace(node, inputs=(made[key], *node.inputs[1:])))
    return Workload(workload.name, tuple(nodes), workload.outputs)


def _attrs(operand: Node) -> dict[str, Any]:
    """Say by which rule the sizes of a node follow the number of tokens, if its operand does."""
    lengths = operand.attrs.get("lengths")
    own: dict[str, Any] = {"operator": TOKEN_SCALE}
    if lengths is not None:
        own["lengths"] = {"tokens": lengths["tokens"], "shape": lengths["shape"]}
    return own
