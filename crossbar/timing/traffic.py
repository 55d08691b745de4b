"""Which bits move between tiles and buffers for one inference, from the Plan alone.

A layer's inputs lie in the buffer of every tile that holds part of it: of each tile's row blocks
the whole channels, once for every layer that reads them.  Partial sums of a column of arrays that
runs through several tiles go on from tile to tile; the outputs are complete where its last array
lies.  Sums and other operations on the results of two layers take place in the tiles of the later
one.  Between two tiles lies one hop, whatever their distance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray

from crossbar.circuit.isaac import WORD
from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.mapping.replication import stripes
from crossbar.mapping.tiling import usable_columns
from crossbar.workload.graph import CONVOLUTIONS, MOVE_KINDS, Node

__all__ = ["Part", "Traffic", "find_owners", "find_parts", "find_traffic", "touched_outputs"]

_STATE = ""
"""Stands for the state of a recurrent layer, which has no node of its own."""


@dataclass(slots=True)
class Part:
    """What one copy of a layer has in one tile.

    Parameters
    ----------
    copy, tile : int
    positions : int
        Input vectors of one inference that the copy computes.
    rows : int
        Inputs of the layer that the tile needs for each of them.
    channels : int
        Input channels (features) to which those belong.
    outputs : int
        Outputs that become complete here.
    leaving : int
        Partial sums that go on to the next tile for each input vector.
    words : int
        Partial sums that the arrays hand to the tile's adder for each input vector.
    """

    copy: int
    tile: int
    positions: int
    rows: int = 0
    channels: int = 0
    outputs: int = 0
    leaving: int = 0
    words: int = 0


@dataclass
class Traffic:
    """Bits moved for one inference, by the layer to which they are charged.

    Parameters
    ----------
    written : dict of str to float
        Into the buffers of the layer's tiles.
    read : dict of str to float
        Out of them for operations that are no product (those for products: `Part.rows`).
    sent : dict of str to float
        From the layer's tiles to others or to the chip's port, one hop each.
    offchip : dict of str to float
        Through the chip's port; inputs are charged to the first layer.
    """

    written: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    read: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    sent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    offchip: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def touched_outputs(columns: int, slices: int, width: int) -> list[int]:
    """Outputs of which each array across holds slices; one that straddles two counts in both.

    Parameters
    ----------
    columns : int
        Physical columns of the bundle.
    slices : int
        Columns of one output.
    width : int
        Columns of one array.
    """
    ends = [(first, min(first + width, columns)) for first in range(0, columns, width)]
    return [(last - 1) // slices - first // slices + 1 for first, last in ends]


def find_parts(plan: Plan, layer: LayerPlan) -> tuple[Part, ...]:
    """List what each copy of a layer has in each tile, copy by copy, tiles in order."""
    arch = plan.arch
    per_tile = arch.tile.pes * arch.pe.arrays
    width = usable_columns(arch)
    kernel = plan.workload[layer.nodes[0]].attrs.get("kernel", ())
    taps = prod(kernel)
    sums = [
        (0, *accumulate(touched_outputs(bundle.columns, layer.encoding.columns, width)))
        for bundle in layer.bundles
    ]
    out: list[Part] = []
    for copy, (_, count) in enumerate(stripes(layer.positions, layer.replicas)):
        parts: dict[int, Part] = {}
        blocks = layer.bundle_blocks(copy)
        for bundle, starts, touched in zip(layer.bundles, blocks, sums, strict=True):
            across, last_row = bundle.col_blocks, bundle.arrays - bundle.col_blocks
            for tile, begin, end in _stretches(starts, across, per_tile):
                part = parts.setdefault(tile, Part(copy, tile, count))
                # the bundle's arrays begin .. end - 1, row block by row block, lie in this tile
                start = begin // across * layer.rows
                stop = min(bundle.rows, ((end - 1) // across + 1) * layer.rows)
                part.rows += stop - start
                part.channels += (stop - 1) // taps - start // taps + 1
                part.words += _outputs_in(touched, begin, end)
                part.outputs += _outputs_in(touched, max(begin, last_row), end)
                # the array below is `across` further on: elsewhere, for the last of this tile
                part.leaving += _outputs_in(touched, max(begin, end - across), min(end, last_row))
        out += parts.values()
    return tuple(out)


def _stretches(
    starts: NDArray[np.int64], across: int, per_tile: int
) -> Iterator[tuple[int, int, int]]:
    """Tiles of a bundle, and which of its arrays ``begin .. end - 1`` lie in each."""
    first, rows = int(starts[0]), starts.size
    if int(starts[-1]) - first == (rows - 1) * across:
        bounds = [0, rows]
    else:  # a gap reaches to the end of a tile
        bounds = [0, *(np.flatnonzero(np.diff(starts) != across) + 1).tolist(), rows]
    for low, high in pairwise(bounds):
        first, begin, end = int(starts[low]), low * across, high * across
        for tile in range(first // per_tile, (first + end - begin - 1) // per_tile + 1):
            leave = begin + (tile + 1) * per_tile - first
            yield tile, max(begin, leave - per_tile), min(end, leave)


def _outputs_in(sums: tuple[int, ...], begin: int, end: int) -> int:
    """Outputs that arrays ``begin .. end - 1`` of a bundle touch, counted for each of them.

    ``sums`` are the running sums over the arrays across, from 0; every row block has the same.
    """
    if begin >= end:
        return 0
    across = len(sums) - 1
    upper = end // across * sums[-1] + sums[end % across]
    return upper - (begin // across * sums[-1] + sums[begin % across])


def find_owners(plan: Plan) -> dict[str, str | None]:
    """Find the layer whose tiles compute each node: the latest product that it depends on.

    Operations before any product belong to the first layer; inputs, and what only moves them, to
    none.
    """
    layer_of = {node: layer.name for layer in plan.layers for node in layer.nodes}
    latest: dict[str, int] = {}
    owners: dict[str, str | None] = {}
    names = [node.name for node in plan.workload]
    for place, node in enumerate(plan.workload):
        if node.is_product:
            latest[node.name] = place
        else:
            latest[node.name] = max((latest[name] for name in node.inputs), default=-1)
        product = latest[node.name]
        if product >= 0:
            owners[node.name] = layer_of[names[product]]
        else:
            owners[node.name] = None if node.kind in MOVE_KINDS else plan.layers[0].name
    return owners


def _find_sources(
    plan: Plan, owners: Mapping[str, str | None]
) -> dict[str, dict[str | None, float]]:
    """Trace each node's values through moves to the layers that made them, with their shares."""
    sources: dict[str, dict[str | None, float]] = {}
    sizes = {node.name: prod(node.shape) for node in plan.workload}
    for node in plan.workload:
        if node.kind not in MOVE_KINDS or node.kind == "input":
            sources[node.name] = {owners[node.name]: 1.0}
            continue
        found: dict[str | None, float] = defaultdict(float)
        total = sum(sizes[name] for name in node.inputs)
        for name in node.inputs:
            for owner, share in sources[name].items():
                found[owner] += share * sizes[name] / total
        sources[node.name] = dict(found)  # empty for constants: nothing moves
    return sources


def find_traffic(plan: Plan, parts: Mapping[str, tuple[Part, ...]]) -> Traffic:
    """Count the bits that move for one inference.

    Parameters
    ----------
    plan : Plan
    parts : mapping of str to tuple of Part
        `find_parts` of each layer.
    """
    traffic = Traffic()
    owners = find_owners(plan)
    sources = _find_sources(plan, owners)
    nodes = {node.name: node for node in plan.workload}
    layers = {node: layer for layer in plan.layers for node in layer.nodes}
    made: dict[str | None, dict[int, float]] = {
        layer.name: _made_in(parts[layer.name]) for layer in plan.layers
    }
    first = plan.layers[0]
    widths = plan.widths

    def send(operand: str, tile: int, amount: float) -> None:
        for owner, share in sources[operand].items():
            if owner is not None:
                traffic.sent[owner] += amount * share * (1.0 - made[owner].get(tile, 0.0))

    def fetch(operand: str, here: str) -> None:
        """Bring what other layers have made into the buffers of a layer, and read it once."""
        for owner, share in sources[operand].items():
            if owner == here:
                continue  # its results are at hand
            amount = prod(nodes[operand].shape) * share * widths[operand]
            traffic.written[here] += amount
            traffic.read[here] += amount
            if owner is not None:
                apart = 1.0 - sum(
                    made[here][tile] * made[owner].get(tile, 0.0) for tile in made[here]
                )
                traffic.sent[owner] += amount * apart

    for node in plan.workload:
        if node.is_product:
            layer = layers[node.name]
            operand = node.inputs[0]
            recurrent = "recurrent" in node.attrs
            for stored in node.inputs[1:]:  # programmed into cells: buffered, and read once
                fetch(stored, layer.name)
            if recurrent:  # the state that its own cell has left is driven; the input is added
                sources[_STATE] = {layer.name: 1.0}
                fetch(operand, layer.name)
            for part in parts[layer.name]:
                amount = _delivered(nodes[operand], node, layer, part) * layer.input_bits
                if recurrent or sources[operand]:
                    traffic.written[layer.name] += amount
                    send(_STATE if recurrent else operand, part.tile, amount)
        elif node.kind not in MOVE_KINDS:
            here = owners[node.name]
            assert here is not None  # only inputs and moves are without
            for operand in node.inputs:
                fetch(operand, here)
        elif node.kind == "input":
            traffic.offchip[first.name] += prod(node.shape) * widths[node.name]
    for name in plan.workload.outputs:
        for owner, share in sources[name].items():
            amount = prod(nodes[name].shape) * share * widths[name]
            traffic.offchip[owner or first.name] += amount
            if owner is not None:
                traffic.sent[owner] += amount
    for layer in plan.layers:
        words = sum(part.positions * part.leaving for part in parts[layer.name])
        traffic.sent[layer.name] += words * WORD
    return traffic


def _made_in(parts: tuple[Part, ...]) -> dict[int, float]:
    """Share of a layer's outputs that become complete in each tile."""
    made: dict[int, float] = defaultdict(float)
    for part in parts:
        made[part.tile] += part.outputs * part.positions
    total = sum(made.values())
    return {tile: share / total for tile, share in made.items()}


def _delivered(operand: Node, node: Node, layer: LayerPlan, part: Part) -> float:
    """Elements of the operand (of the state) that a tile needs for its copy's share."""
    matrix = node.matrix
    is_map = node.kind in CONVOLUTIONS
    channels = int(node.attrs["in_channels"]) if is_map else matrix.groups * matrix.rows
    pixels = node.positions if "recurrent" in node.attrs else prod(operand.shape) // channels
    return part.channels * pixels * part.positions / layer.positions
