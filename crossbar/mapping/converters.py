"""Which ADC converts what: neighbouring arrays of a PE share one, and reads take as long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.circuit.adc_mismatch import adc_number
from crossbar.mapping.tiling import usable_columns

if TYPE_CHECKING:
    from crossbar.mapping.plan import LayerPlan, Plan

__all__ = [
    "adc_loads",
    "array_conversions",
    "arrays_an_adc",
    "clocks",
    "layer_slot",
    "read_slot",
    "read_time",
]


_GUARD = 1e-6  # of a clock: 100 ns x 1.28 GHz is 128 clocks, whatever floating point says


def clocks(time: float) -> int:
    """Round a time in clocks up to whole ones; at least one."""
    return max(1, -int(-(time - _GUARD) // 1))


def arrays_an_adc(arch: Arch) -> int:
    """Neighbouring arrays of a PE that one ADC serves in turn, at most."""
    return -(-arch.pe.arrays // arch.pe.adcs)


def read_slot(arch: Arch, columns: int) -> float:
    """Time of one read [s] where all arrays of an ADC have ``columns`` columns to convert each.

    ``max(array.cycle, conversions of the ADC / adc.rate)``, rounded up to whole clocks.
    """
    return read_time(arch, columns * arrays_an_adc(arch))


def read_time(arch: Arch, conversions: int) -> float:
    """Time of one read [s] whose busiest ADC has so many conversions.

    ``max(array.cycle, conversions / adc.rate)``, rounded up to whole clocks.
    """
    conversion = conversions / arch.adc.rate
    return clocks(max(arch.array.cycle, conversion) * arch.clock) / arch.clock


def adc_loads(plan: Plan, layer: LayerPlan, copy: int) -> dict[int, int]:
    """Count the conversions of one read that each ADC does for a copy of a layer.

    Parameters
    ----------
    plan : Plan
    layer : LayerPlan
    copy : int

    Returns
    -------
    dict of int to int
        Number of the ADC on the chip, ``PE * pe.adcs + its place in the PE`` -> columns converted;
        a pair that is subtracted as currents counts once, unit columns count.
    """
    numbers, loads = _loads(plan.arch, layer, copy)
    return dict(zip(numbers.tolist(), loads.tolist(), strict=True))


def layer_slot(arch: Arch, layer: LayerPlan) -> float:
    """Time of one read [s] of the copy whose busiest ADC has most to do."""
    most = 0
    seen: set[tuple[int, ...]] = set()
    for copy in range(layer.replicas):
        starts = layer.row_block_arrays(copy)
        place = (int(starts[0]) % arch.pe.arrays, *(starts - starts[0]).tolist())
        if place not in seen:  # copies that lie alike in their PEs convert alike
            seen.add(place)
            most = max(most, int(_loads(arch, layer, copy)[1].max()))
    return read_time(arch, most)


def array_conversions(arch: Arch, layer: LayerPlan) -> list[NDArray[np.int64]]:
    """Count the conversions of one read of each array, row block by row block, for each bundle.

    A pair that is subtracted as currents counts once, unit columns count.
    """
    width = usable_columns(arch)
    found = []
    for bundle in layer.bundles:
        used = np.minimum(width, bundle.columns - np.arange(bundle.col_blocks) * width)
        used = (used // 2 if layer.encoding.subtract == "analog" else used) + layer.unit_columns
        found.append(np.tile(used, bundle.row_blocks))
    return found


def _loads(arch: Arch, layer: LayerPlan, copy: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """ADCs in ascending order, and the conversions of each."""
    columns = array_conversions(arch, layer)
    arrays = [
        (starts[:, None] + np.arange(bundle.col_blocks)).ravel()
        for bundle, starts in zip(layer.bundles, layer.bundle_blocks(copy), strict=True)
    ]
    adc = adc_number(arch, np.concatenate(arrays))
    lowest = int(adc.min())
    loads = np.bincount(adc - lowest, np.concatenate(columns)).astype(np.int64)
    numbers = np.flatnonzero(loads)
    return numbers + lowest, loads[numbers]
