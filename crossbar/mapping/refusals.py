"""Why a network does not fit a chip, and what would help: one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crossbar.arch import Arch
from crossbar.errors import DoesNotFitError
from crossbar.mapping.encode import make_encoding
from crossbar.mapping.flow import Flow, build_flow
from crossbar.mapping.placement import Placement, largest_blocks, place
from crossbar.mapping.plan import LayerPlan
from crossbar.mapping.plan_text import counted
from crossbar.mapping.replication import chip_arrays
from crossbar.mapping.tiling import cut_matrix
from crossbar.units import exact, parse
from crossbar.workload.graph import Workload

__all__ = ["too_few_arrays", "too_little_buffer"]


def too_few_arrays(workload: Workload, arch: Arch, layers: Sequence[LayerPlan]) -> DoesNotFitError:
    """Say that one copy of every layer needs more arrays than the chip has.

    Parameters
    ----------
    workload : Workload
    arch : Arch
    layers : sequence of LayerPlan
        With one copy each.
    """
    arrays = sum(layer.arrays for layer in layers)
    tiles, flow = _tiles(arrays, arch), build_flow(workload, layers)
    capacity = chip_arrays(arch) or 0
    left, placed = capacity, 0
    for layer in layers:
        if layer.arrays > left:
            break
        left -= layer.arrays
        placed += 1
    needed, buffer = _tiles_with_buffers(workload, arch, layers, flow)
    remedies = [f"chip.tiles={needed}" + (f" with tile.buffer={buffer!r}" if buffer else "")]
    for bits_a_cell in range(arch.cell.bits + 1, 5):
        cell = arch.cell.model_copy(update={"bits": bits_a_cell})
        if _fits_with(workload, arch.model_copy(update={"cell": cell}), layers, flow):
            remedies.append(f"cell.bits={bits_a_cell}")
            break
    largest = max(layers, key=lambda layer: layer.arrays)
    first = layers[min(placed, len(layers) - 1)]
    which = f"{first.name!r} is the first that does not, {largest.name!r} the largest"
    if first is largest:
        which = f"{first.name!r} is the first that does not and the largest"
    room = "" if needed == tiles else f" ({needed} with room in their buffers)"
    return DoesNotFitError(
        f"{workload.name} does not fit {arch.name}: it needs {counted(arrays, 'array')}"
        f" = {counted(tiles, 'tile')}{room}, chip.tiles is {arch.chip.tiles}"
        f" ({counted(capacity, 'array')}); {placed} of {counted(len(layers), 'layer')}"
        f" {'fits' if placed == 1 else 'fit'}, {which} ({counted(largest.arrays, 'array')});"
        f" try {' or '.join(remedies)}"
    )


def _tiles_with_buffers(
    workload: Workload, arch: Arch, layers: Sequence[LayerPlan], flow: Flow
) -> tuple[int, str]:
    """Count the tiles that hold arrays and buffers; name the buffer where it must be larger."""
    placement, buffer = place(workload, arch, layers, flow), ""
    if placement.too_large:
        buffer = _size(max(largest_blocks(workload, layers, flow).values()))
        tile = arch.tile.model_copy(update={"buffer": int(parse(buffer, "byte"))})
        placement = place(workload, arch.model_copy(update={"tile": tile}), layers, flow)
    return placement.tiles, buffer


def _fits_with(
    workload: Workload,
    arch: Arch,
    layers: Sequence[LayerPlan],
    flow: Flow,
) -> bool:
    """Whether one copy of each layer fits the chip with the cells of another arch."""
    cut = []
    for layer in layers:
        encoding = make_encoding(arch, layer.encoding.bits)
        bundles = cut_matrix(layer.matrix, encoding.columns, arch)
        cut.append(replace(layer, encoding=encoding, bundles=bundles))
    placement = place(workload, arch, cut, flow)
    return not placement.too_large and placement.tiles <= int(arch.chip.tiles)


def too_little_buffer(
    workload: Workload, arch: Arch, layers: Sequence[LayerPlan], flow: Flow, placement: Placement
) -> DoesNotFitError:
    """Say that the buffers are too small: for one row block, or for the tiles that there are."""
    buffer = exact(arch.tile.buffer, "byte")
    if placement.too_large:
        name, needs = placement.too_large[0], largest_blocks(workload, layers, flow)
        remedies = [f"tile.buffer={_size(max(needs.values()))!r}"]
        rows = _enough_rows(workload, arch, layers, flow)
        if rows:
            remedies.append(f"array.rows={rows}")
        return DoesNotFitError(
            f"{workload.name} does not fit {arch.name}: the inputs of one row block of {name!r}"
            f" take {needs[name]:,} B of a tile's buffer, tile.buffer is {buffer};"
            f" try {' or '.join(remedies)}"
        )
    arrays = sum(layer.arrays for layer in layers)
    fill, larger = "fills" if arrays == 1 else "fill", arch
    while place(workload, larger, layers, flow).tiles > int(arch.chip.tiles):
        tile = larger.tile.model_copy(update={"buffer": 2 * larger.tile.buffer})
        larger = arch.model_copy(update={"tile": tile})
    return DoesNotFitError(
        f"{workload.name} does not fit {arch.name}: its {counted(arrays, 'array')} {fill}"
        f" {counted(_tiles(arrays, arch), 'tile')}, but with a tile.buffer of {buffer} its buffers"
        f" take {placement.tiles}, chip.tiles is {arch.chip.tiles};"
        f" try chip.tiles={placement.tiles} or tile.buffer={exact(larger.tile.buffer, 'byte')!r}"
    )


def _size(least: int) -> str:
    """Write so many bytes, from 1,000 on the next whole KiB."""
    return exact(least if least < 1000 else -(-least // 1024) * 1024, "byte")


def _tiles(arrays: int, arch: Arch) -> int:
    return -(-arrays // (arch.tile.pes * arch.pe.arrays))


def _enough_rows(
    workload: Workload, arch: Arch, layers: Sequence[LayerPlan], flow: Flow
) -> int | None:
    """Find the tallest of the arrays halved in height whose row blocks all fit an empty buffer."""
    rows = arch.array.rows // 2
    while rows >= (arch.array.rows_per_read or 1):
        cut = arch.model_copy(update={"array": arch.array.model_copy(update={"rows": rows})})
        shorter = [
            replace(
                layer,
                bundles=cut_matrix(layer.matrix, layer.encoding.columns, cut),
                rows=rows,
            )
            for layer in layers
        ]
        if max(largest_blocks(workload, shorter, flow).values()) <= arch.tile.buffer:
            return rows
        rows //= 2
    return None
