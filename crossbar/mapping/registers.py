"""What the input register of a PE holds of a layer's input vectors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from crossbar.arch import Arch
from crossbar.errors import DoesNotFitError
from crossbar.mapping.plan import LayerPlan
from crossbar.units import exact

__all__ = ["check_registers", "rows_in_pe", "vectors_held"]


def rows_in_pe(arch: Arch, layer: LayerPlan, copy: int) -> int:
    """Count the inputs of one vector in the fullest PE of a copy; arrays across share their rows.

    Parameters
    ----------
    arch : Arch
    layer : LayerPlan
    copy : int
    """
    held: dict[int, int] = defaultdict(int)
    size = arch.pe.arrays
    starts = iter(layer.row_block_arrays(copy).tolist())
    for bundle in layer.bundles:
        for block in range(bundle.row_blocks):
            first = next(starts)
            rows = min(layer.rows, bundle.rows - block * layer.rows)
            for pe in range(first // size, (first + bundle.col_blocks - 1) // size + 1):
                held[pe] += rows
    return max(held.values())


def vectors_held(arch: Arch, layer: LayerPlan, copy: int) -> int:
    """Vectors that an input register holds; at least one, whose digits arrive lowest first.

    Parameters
    ----------
    arch : Arch
    layer : LayerPlan
    copy : int
    """
    size = -(-rows_in_pe(arch, layer, copy) * layer.input_bits // 8)
    return max(1, arch.pe.input_register // size)


def check_registers(name: str, arch: Arch, layers: Sequence[LayerPlan]) -> None:
    """Refuse input registers that do not hold one digit of each row of a PE: no read could begin.

    Parameters
    ----------
    name : str
        Of the network.
    arch : Arch
    layers : sequence of LayerPlan
        As they are placed.

    Raises
    ------
    DoesNotFitError
        For the layer that needs most.
    """
    need, layer = 0, layers[0]
    for each in layers:
        digit = min(arch.dac.bits, each.input_bits)
        if arch.pe.arrays * each.rows * digit <= 8 * arch.pe.input_register:
            continue  # enough for a PE full of arrays that share no row
        rows = max(rows_in_pe(arch, each, copy) for copy in range(each.replicas))
        if rows * digit > need:
            need, layer = rows * digit, each
    if need <= 8 * arch.pe.input_register:
        return
    digit = min(arch.dac.bits, layer.input_bits)
    size, held = exact(-(-need // 8), "byte"), exact(arch.pe.input_register, "byte")
    raise DoesNotFitError(
        f"{name} does not fit {arch.name}: one digit ({digit} bit) of each of the {need // digit:,}"
        f" rows of {layer.name!r} in a PE takes {size} of its input register, pe.input_register is"
        f" {held}; try pe.input_register={size!r}"
    )
