"""The conductances of whole arrays: programmed, aged, stuck, and seen through their wires."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.program import Cells
from crossbar.array.window import map_parts
from crossbar.circuit.wires import solve_array
from crossbar.circuit.wires_gated import gated_conductance
from crossbar.device.drift import drifted
from crossbar.device.programmed import programmed_conductance
from crossbar.device.telegraph import telegraph_conductance

__all__ = ["Physical", "full_scale", "g_step", "has_wires", "make_physical", "telegraphed"]


@dataclass(frozen=True)
class Physical:
    """Conductances of the arrays that hold one copy of a bundle.

    Parameters
    ----------
    g : float64[row_blocks, col_blocks, array rows, array columns]
        Of the cells [S], before read noise.
    shares : float64, shaped like ``g``, or None
        Conductance from driver to converter over that of the cell, 0 where the cell has none; None
        without wires.
    sneak : float64, shaped like ``g``, or None
        Conductance from driver to converter [S] of cells that have none, by way of others; None
        where all have some.
    admittance : float64[row_blocks, array rows, array rows] or None
        Currents into the row drivers for unit voltages [S], summed over the column blocks; None
        without wires.
    numbers : int64[row_blocks, col_blocks]
        Numbers of the arrays on the chip.
    """

    g: NDArray[np.float64]
    shares: NDArray[np.float64] | None
    sneak: NDArray[np.float64] | None
    admittance: NDArray[np.float64] | None
    numbers: NDArray[np.int64]


def g_step(arch: Arch) -> float:
    """Conductance of one level [S]."""
    return (arch.cell.g_on - arch.cell.g_off) / ((1 << arch.cell.bits) - 1)


def full_scale(arch: Arch) -> int:
    """Largest digit of a row; it is driven with the whole read voltage."""
    return (1 << arch.dac.bits) - 1


def has_wires(arch: Arch) -> bool:
    """Whether any wire, driver or sense resistance is given."""
    array = arch.array
    return any(
        (
            array.wire_resistance_row,
            array.wire_resistance_col,
            array.driver_resistance,
            array.sense_resistance,
        )
    )


def make_physical(
    cells: Cells, arch: Arch, starts: NDArray[np.int64], seed: int, t_inference: float | None
) -> Physical:
    """Program the arrays of one copy of a bundle, let them age, and solve their wires.

    Parameters
    ----------
    cells : Cells
        With their stuck ones.
    arch : Arch
    starts : int64[row_blocks]
        Number on the chip of the first array of each row block.
    seed : int
        Of programming error and drift.
    t_inference : float or None
        Time since programming [s].
    """
    cell = arch.cell
    numbers = np.asarray(starts)[:, None] + np.arange(cells.arrays.shape[1])
    places = list(np.ndindex(*numbers.shape))

    def one(place: tuple[int, ...]) -> NDArray[np.float64]:
        number = int(numbers[place])
        g = programmed_conductance(cell, cells.arrays[place], number, seed)
        if t_inference is not None:
            g = drifted(cell, g, number, seed, t_inference)
        if cells.states is not None:
            state = cells.states[place]
            g = np.where(state == 1, cell.g_on, np.where(state == 2, cell.g_off, g))
        return g

    g = np.stack(map_parts(one, places)).reshape(cells.arrays.shape)
    if not has_wires(arch):
        return Physical(g, None, None, None, numbers)
    solved = map_parts(partial(_solve, arch), [g[place] for place in places])
    effective = np.stack([pair[0] for pair in solved]).reshape(g.shape)
    shares = np.divide(effective, g, out=np.zeros_like(g), where=g > 0)
    sneak = np.where(g > 0, 0.0, effective) if not (g > 0).all() else None
    square = (*numbers.shape, arch.array.rows, arch.array.rows)
    admittance = np.stack([pair[1] for pair in solved]).reshape(square).sum(1)
    return Physical(g, shares, sneak, admittance, numbers)


def _solve(arch: Arch, g: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Effective conductance and input admittance of one array."""
    array = arch.array
    wires = (
        array.wire_resistance_row,
        array.wire_resistance_col,
        array.driver_resistance,
        array.sense_resistance,
    )
    both = array.drive == "both"
    if array.row_isolation:
        gated = gated_conductance(g, *wires, density=array.row_density, both_ends=both)
        # a row that is cut off takes no current: what the others take is theirs alone
        return gated, np.diag(gated.sum(1))
    return solve_array(g, *wires, both_ends=both)


def telegraphed(physical: Physical, arch: Arch, seed: int, epoch: int) -> NDArray[np.float64]:
    """Conductances [S] with the telegraph states of one epoch, shaped like ``physical.g``.

    Stuck cells flicker like others.  Through wires the share of each cell is taken as that of its
    conductance without telegraph noise (first order in the amplitude).
    """
    if not arch.cell.read_noise.rtn_share:
        return physical.g
    out = np.empty_like(physical.g)
    for place in np.ndindex(*physical.numbers.shape):
        number = int(physical.numbers[place])
        out[place] = telegraph_conductance(arch.cell, physical.g[place], number, seed, epoch)
    return out
