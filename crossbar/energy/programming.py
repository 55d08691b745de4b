"""What loading the weights of a network costs, once: energy and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.device.programming import (
    mean_conductance,
    mean_write_pulses,
    verify_energy,
    write_energy,
)
from crossbar.energy.price import published_energies
from crossbar.energy.sources import Factor, Origin, published_origins
from crossbar.mapping.converters import array_conversions, read_time
from crossbar.mapping.plan import LayerPlan, Plan
from crossbar.timing import Counts

__all__ = ["Programming", "programming_cost", "programming_origins"]

_VERIFY = (("sample_hold", "sample_holds"), ("adc", "weight_conversions"))


@dataclass(frozen=True)
class Programming:
    """Cost of loading all weights once.

    Parameters
    ----------
    energy : float
        [J]
    latency : float
        [s]
    cells : float
        Cells that are programmed.
    rows : int
        Rows of arrays that are programmed one after another; others at the same time.
    """

    energy: float
    latency: float
    cells: float
    rows: int


def programming_cost(plan: Plan, counts: Counts) -> Programming | None:
    """Price the programming of a plan; None where the hardware has no price of a pulse.

    ``energy = cells x pulses x (v^2 g t of the pulse + v^2 g t of the verifying read + sample and
    conversion of its column)``, see `crossbar.device.programming`.  The row's drive in a verifying
    read (0.2 % of it on the isaac presets) is left out.

    ``latency = rows x pulses x (cell.write_pulse + time of a read)``: the cells of a row together,
    the rows of an array and the arrays of a PE one after another, PEs side by side or, with
    ``chip.programming: serial``, also one after another; the PE that takes longest decides.  Since
    only one array of a PE is read, it has its ADC to itself: the read takes ``max(array.cycle,
    conversions of the array / adc.rate)``, in whole clocks.  A row takes the mean number of pulses
    of a cell; it would take more, that of its slowest cell.

    Parameters
    ----------
    plan : Plan
    counts : Counts
        Of the plan, for the cells that are programmed.
    """
    arch = plan.arch
    pulse = write_energy(arch)
    if pulse is None or arch.cell.write_pulse is None:
        return None
    prices = {(component, action): energy for component, action, energy in published_energies(arch)}
    one = fsum((pulse, verify_energy(arch), *(prices[key] for key in _VERIFY)))
    cells = fsum(layer.cell_writes for layer in counts.layers)
    rows, reads = _rows_and_reads(plan)
    pulses = mean_write_pulses(arch)
    seconds = pulses * (rows * arch.cell.write_pulse + reads)
    last = int(np.argmax(seconds))
    serial = arch.chip.programming == "serial"
    return Programming(
        energy=cells * pulses * one,
        latency=float(seconds.sum() if serial else seconds[last]),
        cells=cells,
        rows=int(rows.sum() if serial else rows[last]),
    )


def programming_origins(arch: Arch) -> Mapping[str, Origin]:
    """List what programming one cell costs, by what it is spent on; nothing where not priced.

    Times the cells that are programmed they add up to the energy of `programming_cost`.
    """
    cell, pulses = arch.cell, Factor("mean pulses of a cell", mean_write_pulses(arch))
    if cell.write_voltage is None or cell.write_pulse is None:
        return {}
    stored = Factor("mean of g_on and g_off", mean_conductance(arch), "S")
    published = published_origins(arch)
    verify = {action: published[component, action] for component, action in _VERIFY}
    return {
        "write": Origin(
            "the pulses of one cell",
            (
                pulses,
                Factor("cell.write_voltage", cell.write_voltage, "V"),
                Factor("cell.write_voltage", cell.write_voltage, "V"),
                stored,
                Factor("cell.write_pulse", cell.write_pulse, "s"),
            ),
            "v^2 g t; that the cell conducts the mean of its levels meanwhile is assumed, and"
            " drivers and pumps are left out",
        ),
        "verify": Origin(
            "current of the verifying reads of one cell",
            (
                pulses,
                Factor("cell.read_voltage", cell.read_voltage, "V"),
                Factor("cell.read_voltage", cell.read_voltage, "V"),
                stored,
                Factor("cell.read_pulse", cell.read_pulse, "s"),
            ),
            "v^2 g t, one read after each pulse, of the one array of the PE that is programmed; at"
            " the mean of the levels (assumed)",
        ),
        **{
            f"verify {action}": Origin(
                f"{origin.of} in each verifying read", (pulses, *origin.factors), origin.source
            )
            for action, origin in verify.items()
        },
    }


def _rows_and_reads(plan: Plan) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows to program in each PE, and the time of one read of each of them together [s].

    One array of a PE is read at a time.
    """
    per_pe = plan.arch.pe.arrays
    rows, reads = np.zeros(0, np.int64), np.zeros(0)
    for layer in plan.layers:
        starts = np.stack([layer.row_block_arrays(copy) for copy in range(layer.replicas)])
        each, block, across = _arrays_of_copy(layer)
        columns, kind = np.unique(
            np.concatenate(array_conversions(plan.arch, layer)), return_inverse=True
        )
        times = np.array([read_time(plan.arch, int(count)) for count in columns])[kind]
        pes = (starts[:, block] + across).ravel() // per_pe
        found = np.bincount(pes, np.tile(each, layer.replicas), len(rows))
        took = np.bincount(pes, np.tile(each * times, layer.replicas), len(rows))
        more = len(found) - len(rows)
        rows = np.pad(rows, (0, more)) + found.astype(np.int64)
        reads = np.pad(reads, (0, more)) + took
    return rows, reads


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
