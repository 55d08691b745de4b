"""Choose how many copies of each layer there are room for, and place them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossbar.arch import Arch
from crossbar.mapping.flow import Flow, build_flow
from crossbar.mapping.placement import Placement, place
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.refusals import too_little_buffer
from crossbar.mapping.replication import chip_arrays, replicas_for
from crossbar.workload.graph import Workload

__all__ = ["choose_copies"]

_TRIES = 5
_FULL = 0.97
"""A chip with so large a share of its tiles in use is not searched for room for more copies."""


@dataclass(frozen=True)
class _Choice:
    layers: list[LayerPlan]
    flow: Flow
    placement: Placement

    @property
    def size(self) -> tuple[int, int]:
        """Arrays in use, and tiles."""
        return sum(layer.arrays for layer in self.layers), self.placement.tiles


def choose_copies(
    workload: Workload, arch: Arch, single: Sequence[LayerPlan], most: Sequence[int]
) -> tuple[list[LayerPlan], Flow, Placement]:
    """Make the copies that ``arch.replication`` asks for, fewer where buffers need more tiles.

    How much copies must hold is known when they are chosen.  So where they are too many, others
    are tried, between them and one of each, with as many arrays as should fill the chip.

    Parameters
    ----------
    workload : Workload
    arch : Arch
    single : sequence of LayerPlan
        One copy of each layer.
    most : sequence of int
        Upper limit of the copies of each.

    Raises
    ------
    DoesNotFitError
        When the buffers are too small for one copy of each layer.
    """
    names = [layer.name for layer in single]
    sizes = [layer.arrays for layer in single]
    work = [round(layer.slots * layer.slot * arch.clock) for layer in single]
    tiles = None if arch.chip.tiles == "auto" else int(arch.chip.tiles)

    def copies_within(arrays: int | None) -> list[int]:
        return replicas_for(arch, names, work, sizes, most, arrays)

    def choice(copies: list[int]) -> _Choice:
        layers = [replace(layer, replicas=n) for layer, n in zip(single, copies, strict=True)]
        flow = build_flow(workload, layers)
        return _Choice(layers, flow, place(workload, arch, layers, flow))

    def fits(made: _Choice) -> bool:
        needed = made.placement.tiles
        return not made.placement.too_large and (tiles is None or needed <= tiles)

    below, above = [1] * len(single), copies_within(chip_arrays(arch))
    made = choice(above)
    if fits(made):
        return made.layers, made.flow, made.placement
    tried = [made.size]
    if below != above:
        made = choice(below)
        tried.insert(0, made.size)
    if not fits(made):
        raise too_little_buffer(workload, arch, made.layers, made.flow, made.placement)
    best, low, high = made, tried[0][0], tried[-1][0]
    for _ in range(_TRIES):
        if tiles is not None and best.placement.tiles >= _FULL * tiles:
            break
        arrays = _estimate(tried[-2], tried[-1], tiles)
        copies = copies_within(arrays if low < arrays < high else (low + high) // 2)
        if copies in (below, above):
            break
        made = choice(copies)
        tried.append(made.size)
        if fits(made):
            best, below, low = made, copies, made.size[0]
        else:
            above, high = copies, made.size[0]
    return best.layers, best.flow, best.placement


def _estimate(first: tuple[int, int], second: tuple[int, int], tiles: int | None) -> int:
    """Arrays that should fill so many tiles, on the line through two choices; or half-way."""
    (arrays, a), (more, b) = first, second
    share = 0.5 if tiles is None or a == b else (tiles - a) / (b - a)
    return arrays + int(share * (more - arrays))
