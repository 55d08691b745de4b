"""Noise that is new in every read, as a variance: the sum of a column needs one normal number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import elementary_charge
from scipy.constants import k as boltzmann

from crossbar.arch.cell import Cell

__all__ = ["noise_variance", "read_bandwidth"]


def read_bandwidth(cell: Cell) -> float:
    """Bandwidth of a read [Hz]: ``read_noise.bandwidth``, or ``1 / (2 read_pulse)``.

    The latter is the noise bandwidth of an integrator over the pulse.
    """
    given = cell.read_noise.bandwidth
    return 1.0 / (2.0 * cell.read_pulse) if given is None else given


def noise_variance(
    cell: Cell, g: NDArray[np.float64], full_scale: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Variance of what one cell adds to the sum of its column in one read.

    The sum is counted as conductance times drive steps, i.e. current over ``v_step = read_voltage /
    full_scale``.  A cell of a row driven with digit d adds ``square * d**2 + linear * d``, and
    every cell of the column, driven or not, adds ``constant``:

    - square = ``(sigma g)^2 + (additive (g_on - g_off))^2``: fluctuation of the conductance;
    - linear = ``2 q B g / v_step``: shot noise ``2 q I B`` of the current ``I = g d v_step``;
    - constant = ``4 k T B g / v_step^2``: Johnson-Nyquist noise of the cell as a resistor.

    Shot and thermal noise together are an upper bound: a junction with full shot noise has
    ``2 q I B coth(q V / 2 k T)``, which is thermal noise at 0 V and shot noise far above 2 k T / q
    = 52 mV, and a diffusive resistor has less shot noise.  For a signed drive take ``|d|``.

    Parameters
    ----------
    cell : Cell
    g : float64
        Conductances [S], any shape.
    full_scale : int
        Largest digit, ``2**dac.bits - 1``.

    Returns
    -------
    square, linear, constant : float64, shaped like ``g``
        [S^2]
    """
    noise, v_step = cell.read_noise, cell.read_voltage / full_scale
    bandwidth = read_bandwidth(cell)
    square = (noise.sigma * g) ** 2 + (noise.additive * (cell.g_on - cell.g_off)) ** 2
    shot = 2.0 * elementary_charge * bandwidth / v_step if noise.shot else 0.0
    thermal = 4.0 * boltzmann * noise.temperature * bandwidth / v_step**2 if noise.thermal else 0.0
    return np.asarray(square), np.asarray(shot * g), np.asarray(thermal * g)
