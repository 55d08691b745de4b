"""How the buffer of each tile is divided: every claim there gets the same multiple of its need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from crossbar.mapping.flow import Flow
from crossbar.mapping.placement import Placement

__all__ = ["LayerBuffer", "divide_buffers"]


@dataclass(frozen=True, slots=True)
class LayerBuffer:
    """Bytes of tile buffers for a layer and the joins that its tiles compute.

    Parameters
    ----------
    need, given : int
        Of all copies in all tiles.
    tile_need, tile_given : int
        In the tile where it needs most.
    """

    need: int
    given: int
    tile_need: int
    tile_given: int


def divide_buffers(
    placement: Placement, flow: Flow, buffer: int
) -> tuple[Mapping[tuple[str, int, int], int], Mapping[str, LayerBuffer]]:
    """Give each claim its part of the buffers in which it lies.

    Parameters
    ----------
    placement : Placement
    flow : Flow
    buffer : int
        Bytes of one tile.

    Returns
    -------
    capacities : dict of (str, int, int) to int
        Pixels of each bounded claim, by task, copy and operand.  Of a product, every tile that
        holds part of the copy has room for so many; of a join, all its tiles together.
    buffers : dict of str to LayerBuffer
        By layer.
    """
    needed: dict[int, int] = defaultdict(int)
    for share in placement.shares:
        needed[share.tile] += share.need
    pixels: dict[int, int] = {}
    totals: dict[str, list[int]] = {task.layer: [0, 0] for task in flow.tasks}
    in_tile: dict[str, dict[int, list[int]]] = {name: {} for name in totals}
    pieces: dict[int, tuple[int, int]] = {}
    for share in placement.shares:
        task = flow.tasks[flow.claims[share.claim].task]
        given = share.need * buffer // needed[share.tile]
        if task.is_join:
            bits, before = pieces.get(share.claim, (share.bits, 0))
            pieces[share.claim] = bits, before + given
        else:
            here = share.pixels(given)
            pixels[share.claim] = min(here, pixels.get(share.claim, here))
        for sums in (totals[task.layer], in_tile[task.layer].setdefault(share.tile, [0, 0])):
            sums[0] += share.need
            sums[1] += given
    pixels |= {number: given * 8 // bits for number, (bits, given) in pieces.items()}
    capacities = {}
    for number, claim in enumerate(flow.claims):
        if claim.bounded:
            task = flow.tasks[claim.task]
            capacities[task.name, task.copy, claim.operand] = pixels[number]
    return capacities, {
        name: LayerBuffer(*sums, *max(in_tile[name].values())) for name, sums in totals.items()
    }
