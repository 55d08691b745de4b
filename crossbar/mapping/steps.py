"""The steps of a network: what does work in the schedule, and what each needs of the others.

A step is a product on crossbars, or a join of several computed operands (a residual add, a product
of activations).  All other nodes only map pixels to pixels on the way from one step to the next,
and belong to the step before them.  docs/timing.md is the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

from crossbar.mapping.links import grid_of, input_reach
from crossbar.mapping.reach import Grid, Reach, grid_on, same_pixels, union, whole
from crossbar.workload.graph import CONVOLUTIONS, MOVE_KINDS, Node, Workload
from crossbar.workload.work import UNITS, digital_work, is_known

__all__ = ["Operand", "Step", "find_steps"]

_HELD_BY_UNIT = ("attention", "matmul")
"""Kinds whose unit keeps what every position needs."""


@dataclass(frozen=True, eq=False)
class Operand:
    """What a step reads.

    Parameters
    ----------
    node : str
        The node whose pixels are read.
    place : int
        Among the inputs of the step's node.
    grid : Grid
        Of that node.
    elements : int
        Channels (features) of one pixel.
    window : Reach
        Pixels of the operand that each position of the step needs.
    sources : mapping of str to Reach
        Steps that make the operand -> which of their positions each of its pixels needs.  Empty
        for what is there from the start: inputs of the network and constants.
    in_unit : bool
        Whether no buffer holds it: keys and values lie in the memory of a matmul unit, or in cells.
    """

    node: str
    place: int
    grid: Grid
    elements: int
    window: Reach
    sources: Mapping[str, Reach]
    in_unit: bool


@dataclass(frozen=True, eq=False)
class Step:
    """A product or a join.

    Parameters
    ----------
    name : str
        Of its node.
    kind : "product" or "join"
    grid : Grid
        Its positions, in raster order.
    operands : tuple of Operand
        One of a product, and what is stored of a dynamic one; the computed ones of a join.
    operations : int
        Scalar operations of one inference in vector units: its own and those of the nodes that
        belong to it.
    macs : int
        Multiply-accumulates of one inference in matmul units, in the same way.
    elements : int
        Channels (features) of one position.
    modelled : bool
        Whether a unit is modelled for it.
    recurrent : bool
        Whether each position needs the result of the one before it.
    stored : bool
        Whether its matrix is programmed anew for each image.
    """

    name: str
    kind: Literal["product", "join"]
    grid: Grid
    operands: tuple[Operand, ...]
    operations: int
    macs: int
    elements: int
    modelled: bool = True
    recurrent: bool = False
    stored: bool = False

    @property
    def positions(self) -> int:
        """Input vectors of a product, output pixels of a join, of one inference."""
        return self.grid.pixels


def find_steps(workload: Workload) -> dict[str, Step]:
    """List the steps of a network by the names of their nodes, producers first."""
    nodes = {node.name: node for node in workload}
    maps = _maps(workload)
    grids: dict[str, Grid] = {}
    made_by: dict[str, dict[str, Reach]] = {}
    operands: dict[str, tuple[Operand, ...]] = {}
    work: dict[str, dict[str | None, int]] = {}
    for node in workload:
        given = [(nodes[name].shape, grids[name]) for name in node.inputs]
        inputs = tuple(dict.fromkeys(node.inputs))
        computed = [name for name in inputs if made_by[name]]
        is_join = len(computed) > 1 and _may_join(node, nodes)
        unknown = is_join and not is_known(node)
        grid = grid_on(node.shape, ()) if unknown else grid_of(node, given, node.name in maps)
        grids[node.name] = grid
        reaches: dict[str, Reach] = {}
        for place, name in enumerate(node.inputs):
            reach = whole(grid, grids[name]) if unknown else input_reach(node, grid, given, place)
            reaches[name] = union(reaches[name], reach) if name in reaches else reach
        if node.is_product or is_join:
            operands[node.name] = tuple(
                Operand(
                    name,
                    node.inputs.index(name),
                    grids[name],
                    prod(nodes[name].shape) // grids[name].pixels,
                    reaches[name],
                    made_by[name],
                    (node.is_dynamic and name != node.inputs[0])
                    or (node.kind in _HELD_BY_UNIT and _needs_all(reaches[name], grids[name])),
                )
                for name in (inputs if node.is_product else computed)
            )
            work[node.name] = {}
            backward = node.attrs.get("recurrent") == "backward"
            made = whole(grid, grid) if backward else same_pixels(grid)
            made_by[node.name] = {node.name: made}
        else:
            made_by[node.name] = _joined(made_by, reaches)
        if made_by[node.name]:
            latest = work[max(made_by[node.name], key=list(work).index)]
            for action, count in digital_work(node).items():
                unit = UNITS[action]
                latest[unit] = latest.get(unit, 0) + count
    return {
        name: Step(
            name,
            "product" if nodes[name].is_product else "join",
            grids[name],
            operands[name],
            work[name].get("vector", 0),
            work[name].get("matmul", 0),
            prod(nodes[name].shape) // grids[name].pixels,
            nodes[name].is_product or is_known(nodes[name]),
            "recurrent" in nodes[name].attrs,
            nodes[name].is_dynamic,
        )
        for name in operands
    }


def _maps(workload: Workload) -> set[str]:
    """Nodes that are channels and a map, because a window slides over them."""
    return {
        name
        for node in workload
        if node.kind in (*CONVOLUTIONS, "overlap_add") or "kernel" in node.attrs
        for name in node.inputs
    }


def _may_join(node: Node, nodes: Mapping[str, Node]) -> bool:
    """Whether several computed operands make a step of a node.

    The gates of a recurrent layer are computed with its products, position by position.
    """
    if node.is_product or node.kind in MOVE_KINDS:
        return False
    return not any("recurrent" in nodes[name].attrs for name in node.inputs)


def _needs_all(reach: Reach, other: Grid) -> bool:
    """Whether each pixel needs all of the other grid, and that is more than one."""
    rows, cols = reach
    return other.pixels > 1 and bool(
        rows.low.max() == 0
        and rows.high.min() == other.rows - 1
        and cols.low.max() == 0
        and cols.high.min() == other.cols - 1
    )


def _joined(
    made_by: Mapping[str, Mapping[str, Reach]], reaches: Mapping[str, Reach]
) -> dict[str, Reach]:
    """Trace a node through its inputs to the steps that make it."""
    found: dict[str, Reach] = {}
    for name, reach in reaches.items():
        for step, inner in made_by[name].items():
            outer = reach.through(inner)
            found[step] = union(found[step], outer) if step in found else outer
    return found
