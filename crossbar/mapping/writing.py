"""Programming arrays row by row: how many rows, one after another, and how long each takes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.device.programming import mean_write_pulses
from crossbar.mapping.converters import array_conversions, clocks, read_time
from crossbar.mapping.dynamic import DYNAMIC
from crossbar.mapping.plan import LayerPlan

__all__ = ["rows_and_times", "write_clocks"]


def rows_and_times(
    arch: Arch, layers: Iterable[LayerPlan]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows to program in each PE, and the time that takes [s].

    ``rows x pulses x (cell.write_pulse + time of a read)``: the cells of a row together, the rows
    of an array and the arrays of a PE one after another.  Since only one array of a PE is read at a
    time, it has its ADC to itself: the read takes ``max(array.cycle, conversions of the array /
    adc.rate)``, in whole clocks.  A row takes the mean number of pulses of a cell.

    Parameters
    ----------
    arch : Arch
        With a ``cell.write_pulse``.
    layers : iterable of LayerPlan
    """
    per_pe, pulse = arch.pe.arrays, arch.cell.write_pulse or 0.0
    rows, reads = np.zeros(0, np.int64), np.zeros(0)
    for layer in layers:
        starts = np.stack([layer.row_block_arrays(copy) for copy in range(layer.replicas)])
        each, block, across = _arrays_of_copy(layer)
        columns, kind = np.unique(
            np.concatenate(array_conversions(arch, layer)), return_inverse=True
        )
        times = np.array([read_time(arch, int(count)) for count in columns])[kind]
        pes = (starts[:, block] + across).ravel() // per_pe
        found = np.bincount(pes, np.tile(each, layer.replicas), len(rows))
        took = np.bincount(pes, np.tile(each * times, layer.replicas), len(rows))
        more = len(found) - len(rows)
        rows = np.pad(rows, (0, more)) + found.astype(np.int64)
        reads = np.pad(reads, (0, more)) + took
    return rows, mean_write_pulses(arch) * (rows * pulse + reads)


def write_clocks(arch: Arch, layer: LayerPlan) -> int:
    """Clocks in which the matrix of a layer is programmed before each image; 0 where it stays.

    PEs side by side or, with ``chip.programming: serial``, also one after another; other layers
    that program arrays of the same PE are not looked at.
    """
    if layer.kind != DYNAMIC:
        return 0
    _, times = rows_and_times(arch, [layer])
    seconds = times.sum() if arch.chip.programming == "serial" else times.max()
    return clocks(float(seconds) * arch.clock)


def _arrays_of_copy(
    layer: LayerPlan,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each array of a copy: rows used, number of its row block, place in the row block."""
    rows, across = [], []
    for bundle in layer.bundles:
        left = bundle.rows - layer.rows * np.arange(bundle.row_blocks)
        rows.append(np.minimum(left, layer.rows))
        across.append(np.full(bundle.row_blocks, bundle.col_blocks))
    sizes = np.concatenate(across)
    block = np.repeat(np.arange(len(sizes)), sizes)
    first = np.cumsum(sizes) - sizes
    return np.concatenate(rows)[block], block, np.arange(len(block)) - first[block]
