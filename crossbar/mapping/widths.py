"""How many bits each value has on its way between tiles and buffers, where layers differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from crossbar.workload.graph import Workload

if TYPE_CHECKING:
    from crossbar.mapping.plan import LayerPlan

__all__ = ["value_widths"]


def value_widths(workload: Workload, layers: Sequence[LayerPlan]) -> Mapping[str, int]:
    """Find the bits of one element of each node's result.

    A value is as wide as the inputs of the widest layer that it reaches without another product
    between; one that reaches none, as an output of the network, as the inputs of the layer that it
    comes from.  A value that reaches layers of several widths goes into the buffer of each with the
    bits of that layer.

    Parameters
    ----------
    workload : Workload
    layers : sequence of LayerPlan
    """
    own = {node: layer.input_bits for layer in layers for node in layer.nodes}
    most = max(own.values(), default=0)
    made: dict[str, int] = {}
    for node in workload:
        made[node.name] = own.get(node.name, 0) or max((made[x] for x in node.inputs), default=0)
    wanted = dict.fromkeys(made, 0)
    for node in reversed(workload.nodes):
        bits = own.get(node.name, wanted[node.name])
        for name in node.inputs:
            wanted[name] = max(wanted[name], bits)
    return {name: wanted[name] or made[name] or most for name in made}
