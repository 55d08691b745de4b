"""The steps of a network: what does work in the schedule, and what each needs of the others.

A step is a product on crossbars, or a join of several computed operands (a residual add).  All
other nodes only map pixels to pixels on the way from one step to the next, and belong to the step
before them.  docs/timing.md is the contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal

from crossbar.mapping.reach import Grid, Reach, grid_of, input_reach, same_pixels, union, whole
from crossbar.workload.graph import MOVE_KINDS, Workload

__all__ = ["VECTOR_ACTIONS", "Operand", "Step", "find_steps"]

VECTOR_ACTIONS = {
    "activation": "activations",
    "pool_max": "pool_ops",
    "pool_avg": "adds",
    "add": "adds",
}
"""Digital kinds that the tiles' vector units compute, and which action one scalar operation of each
is; other kinds have no unit, no time and no price."""


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
    """

    node: str
    place: int
    grid: Grid
    elements: int
    window: Reach
    sources: Mapping[str, Reach]


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
        One of a product; the computed ones of a join.
    operations : int
        Scalar operations of one inference in vector units: its own and those of the nodes that
        belong to it.
    elements : int
        Channels (features) of one position.
    modelled : bool
        Whether a unit is modelled for it.
    """

    name: str
    kind: Literal["product", "join"]
    grid: Grid
    operands: tuple[Operand, ...]
    operations: int
    elements: int
    modelled: bool = True

    @property
    def positions(self) -> int:
        """Input vectors of a product, output pixels of a join, of one inference."""
        return self.grid.pixels


def find_steps(workload: Workload) -> dict[str, Step]:
    """List the steps of a network by the names of their nodes, producers first."""
    nodes = {node.name: node for node in workload}
    grids: dict[str, Grid] = {}
    made_by: dict[str, dict[str, Reach]] = {}
    operands: dict[str, tuple[Operand, ...]] = {}
    work: dict[str, int] = {}
    for node in workload:
        inputs = tuple(dict.fromkeys(node.inputs))
        grid = grid_of(node, [(nodes[name], grids[name]) for name in inputs])
        computed = [name for name in inputs if made_by[name]]
        is_join = not node.is_product and node.kind not in MOVE_KINDS and len(computed) > 1
        if is_join and node.kind not in ("add", "mul"):
            grid = Grid(1, 1, True)
        grids[node.name] = grid
        reaches = {
            name: input_reach(node, grid, nodes[name], grids[name])
            if node.is_product or node.kind in ("add", "mul") or not is_join
            else whole(grid, grids[name])
            for name in inputs
        }
        if node.is_product or is_join:
            used = inputs if node.is_product else computed
            operands[node.name] = tuple(
                Operand(
                    name,
                    node.inputs.index(name),
                    grids[name],
                    prod(nodes[name].shape) // grids[name].pixels,
                    reaches[name],
                    made_by[name],
                )
                for name in used
            )
            work[node.name] = 0
            made_by[node.name] = {node.name: same_pixels(grid)}
        else:
            made_by[node.name] = _joined(made_by, reaches)
        if node.kind in VECTOR_ACTIONS and made_by[node.name]:
            latest = max(made_by[node.name], key=list(work).index)
            work[latest] += node.operations
    return {
        name: Step(
            name,
            "product" if nodes[name].is_product else "join",
            grids[name],
            operands[name],
            work[name],
            prod(nodes[name].shape) // grids[name].pixels,
            nodes[name].is_product or nodes[name].kind in VECTOR_ACTIONS,
        )
        for name in operands
    }


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
