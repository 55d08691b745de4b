"""Current of a cell against its voltage: Ohm's law, and what real cells do instead."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.arch.cell import Cell, SotMramCell
from crossbar.arch.cell_effects import LinearCurrent, SinhCurrent

__all__ = ["MILO_RANGE", "MILO_VOLTAGE", "cell_current", "is_linear"]

MILO_RANGE = (50e-6, 225e-6)
"""Conductances near 0 V for which the curve of Milo et al. is fitted [S]; 62.5 to 110 uS were
measured, and at 225 uS the fit takes a straight line for granted."""

MILO_VOLTAGE = 0.5
"""Largest voltage of that curve, of either sign [V]."""

_MILO_2 = (1.388e-4, 1.541e-3, 5.711e-3, 7.063e-3)
_MILO_3 = (8.871e-5, 6.7919e-4, 1.2968e-3)


def cell_current(
    cell: Cell, g: NDArray[np.float64], drive: ArrayLike, full_scale: int
) -> NDArray[np.float64]:
    """Current of cells over the voltage of one drive step [S].

    With ``v_step = read_voltage / full_scale`` and ``v = drive * v_step``:

    - Ohm's law: ``g * drive``.
    - ``sinh``: ``I = g v_read sinh(alpha v / v_read) / sinh(alpha)``, the law of Ohm at v_read.
    - ``milo_2021``: ``I = g v + a v^2 + b v^3``, a and b cubic and quadratic in log10(g / 1 S); g
      is the conductance near 0 V.  V. Milo et al., IRPS 2021, Fig. 1, as fitted by Sandia CrossSim
      (devices/custom/RRAM_Milo.py), 50 to 225 uS and up to 0.5 V; a and b of a cell beyond that
      range (by its programming error) are those at its end.  The curve is not odd: a signed drive
      sees another current.
    - `SotMramCell` with ``tmr_half_voltage``: g is the conductance at v_read, and the part of it
      that the magnetoresistance takes away grows at lower voltages, in proportion to
      ``g_on - g_off(v)``.

    Parameters
    ----------
    cell : Cell
    g : float64
        Conductances [S].
    drive : float64
        Drive of the row in steps, broadcast with ``g``; not whole where a DAC has errors.
    full_scale : int
        Largest digit, ``2**dac.bits - 1``.

    Returns
    -------
    float64
        Of the shape of ``g`` and ``drive`` together.
    """
    steps = np.asarray(drive, dtype=np.float64)
    share = steps / full_scale
    if isinstance(cell, SotMramCell) and cell.tmr_half_voltage is not None:
        g = cell.g_on - (cell.g_on - g) * _fall(cell, share)
    bend = cell.nonlinearity
    if isinstance(bend, LinearCurrent):
        return np.asarray(g * steps)
    if isinstance(bend, SinhCurrent):
        return np.asarray(g * (full_scale * np.sinh(bend.alpha * share) / np.sinh(bend.alpha)))
    ln = np.log10(np.clip(g, *MILO_RANGE))
    v = cell.read_voltage * share
    extra = np.polyval(_MILO_2, ln) * v + np.polyval(_MILO_3, ln) * v**2
    return np.asarray((g + extra) * steps)


def is_linear(cell: Cell, full_scale: int) -> bool:
    """Whether ``g * drive`` is the current of every cell for every whole drive up to full scale."""
    bias = isinstance(cell, SotMramCell) and cell.tmr_half_voltage is not None
    if isinstance(cell.nonlinearity, LinearCurrent):
        return full_scale == 1 or not bias
    return full_scale == 1 and isinstance(cell.nonlinearity, SinhCurrent)


def _fall(cell: SotMramCell, share: NDArray[np.float64]) -> NDArray[np.float64] | float:
    """``(g_on - g_off(v)) / (g_on - g_off(v_read))`` at ``v = share * v_read``."""
    if not cell.tmr or cell.tmr_half_voltage is None:
        return 1.0
    tmr = cell.tmr / (1.0 + (share * cell.read_voltage / cell.tmr_half_voltage) ** 2)
    least = cell.magnetoresistance
    return np.asarray(tmr / (1.0 + tmr) / (least / (1.0 + least)))
