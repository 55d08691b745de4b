"""What loading the weights of a network costs, once: energy and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

import numpy as np

from crossbar.arch import Arch
from crossbar.energy.origin import Origin
from crossbar.energy.price import programming_energy
from crossbar.energy.programming_sources import cell_origins
from crossbar.energy.sources import VERIFY, published_origins
from crossbar.mapping.dynamic import DYNAMIC
from crossbar.mapping.plan import Plan
from crossbar.mapping.writing import rows_and_times
from crossbar.timing import Counts

__all__ = ["Programming", "programming_cost", "programming_origins"]


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

    Layers that are programmed during every inference are no part of it.

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
    if arch.cell.write_voltage is None or arch.cell.write_pulse is None:
        return None
    cells = fsum(layer.cell_writes for layer in counts.layers)
    layers = [layer for layer in plan.layers if layer.kind != DYNAMIC]
    if not layers:
        return Programming(0.0, 0.0, 0.0, 0)
    rows, seconds = rows_and_times(arch, layers)
    last = int(np.argmax(seconds))
    serial = arch.chip.programming == "serial"
    return Programming(
        energy=cells * programming_energy(arch),
        latency=float(seconds.sum() if serial else seconds[last]),
        cells=cells,
        rows=int(rows.sum() if serial else rows[last]),
    )


def programming_origins(arch: Arch) -> Mapping[str, Origin]:
    """List what programming one cell costs, by what it is spent on; nothing where not priced.

    Times the cells that are programmed they add up to the energy of `programming_cost`.
    """
    published = published_origins(arch)
    return cell_origins(arch, {action: published[part, action] for part, action in VERIFY})
