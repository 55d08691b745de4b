"""A network of tokens that is on the chip already, at another length: what moves and what stays."""

from __future__ import annotations

from dataclasses import replace

from crossbar.errors import DataError
from crossbar.mapping.buffers import divide_buffers
from crossbar.mapping.build import settled
from crossbar.mapping.flow import Flow, build_flow
from crossbar.mapping.placement import place
from crossbar.mapping.plan import Plan
from crossbar.workload.lengths import tokens_of, with_tokens

__all__ = ["plan_at"]


def plan_at(plan: Plan, tokens: int) -> Plan:
    """Return the plan of a sequence of another length through the same arrays.

    Arrays and copies stay.  For shorter sequences all stay where they are and the tile buffers stay
    divided as they are; longer ones hold more, so the chip is placed for them, as it would have
    been from the start.

    Parameters
    ----------
    plan : Plan
    tokens : int

    Raises
    ------
    InputError
        A network without lengths, or a length that it does not take.
    DataError
        A longer sequence than dynamic layers are laid out for, or whose operands have no room in
        the tiles' buffers.
    """
    if tokens == tokens_of(plan.workload):
        return plan
    longer = tokens > (tokens_of(plan.workload) or 0)
    workload = with_tokens(plan.workload, tokens)
    positions = {node.name: node.positions for node in workload.products}
    layers = tuple(
        replace(layer, positions=sum(positions[name] for name in layer.nodes))
        for layer in plan.layers
    )
    flow = build_flow(workload, layers)
    if not longer:
        limits = {**_unlimited(flow), **plan.capacities}
        return replace(plan, workload=workload, layers=layers, flow=flow, capacities=limits)
    arch = plan.arch
    for layer in layers:
        if any(workload[name].matrix != layer.matrix for name in layer.nodes):
            raise DataError(
                f"{workload.name}: a sequence of {tokens} tokens; the arrays of {layer.name!r} are"
                f" laid out for {tokens_of(plan.workload)} (attention: crossbar)"
            )
    placement = place(workload, arch, list(layers), flow)
    if placement.too_large or placement.tiles > _tiles(plan):
        raise DataError(
            f"{workload.name}: a sequence of {tokens} tokens needs larger tile buffers than"
            f" {arch.name} has, or more than its {arch.chip.tiles} tiles"
        )
    capacities, buffers = divide_buffers(placement, flow, arch.tile.buffer)
    lending = placement.tiles - placement.array_tiles
    return replace(
        plan,
        workload=workload,
        layers=tuple(settled(arch, layer, placement) for layer in layers),
        flow=flow,
        capacities=capacities,
        buffers=buffers,
        lending_tiles=lending,
    )


def _unlimited(flow: Flow) -> dict[tuple[str, int, int], int]:
    """Room for everything: operands that have no limit at the placed length have none at others."""
    return {
        (flow.tasks[claim.task].name, flow.tasks[claim.task].copy, claim.operand): claim.hold.pixels
        for claim in flow.claims
        if claim.bounded
    }


def _tiles(plan: Plan) -> float:
    """Tiles that there may be."""
    tiles = plan.arch.chip.tiles
    return float("inf") if tiles == "auto" else int(tiles)
