"""Conductances that fall with the time since programming."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar import units
from crossbar.arch.cell import Cell
from crossbar.arch.cell_effects import NoDrift, PcmDrift, PowerLawDrift
from crossbar.device.draws import DRIFT, normals
from crossbar.errors import InputError

__all__ = ["PCM_RANGE", "drift_exponent", "drifted"]

PCM_RANGE = (0.0, 25e-6)
"""Conductances of the phase-change cells that were measured [S]."""


def drifted(
    cell: Cell, g: NDArray[np.float64], array: int, seed: int, t: float | None
) -> NDArray[np.float64]:
    """Conductances after some time [S]: ``g(t) = g (t / t0)^-nu``, nu drawn once a cell.

    ``pcm``: nu of a cell is the magnitude of a normal number whose mean ``clip(-0.0155 ln x +
    0.0244, 0.049, 0.1)`` and standard deviation ``clip(-0.0125 ln x - 0.0059, 0.008, 0.045)``
    depend on x = g / 25 uS (S. R. Nandakumar et al., ICECS 2019, as IBM aihwkit has it in
    inference/noise/pcm.py, which counts t from t0).  ``power_law``: normal around ``nu``; where a
    wide ``nu_sigma`` makes it negative, the conductance rises.

    Parameters
    ----------
    cell : Cell
    g : float64[rows, cols]
        Conductances as programmed [S], from row 0 and column 0 of the array.
    array : int
        Number of the physical array on the chip.
    seed : int
    t : float, optional
        Time since programming [s]; None is t0, at which nothing has drifted.

    Returns
    -------
    float64[rows, cols]

    Raises
    ------
    InputError
        A time before t0.
    """
    drift = cell.drift
    if isinstance(drift, NoDrift) or t is None:
        return g
    if not t >= drift.t0:  # NaN is not, either
        raise InputError(
            f"t_inference: {units.text(t, 's')} (allowed: {units.text(drift.t0, 's')} or more, the"
            " t0 of cell.drift)"
        )
    if t == drift.t0:
        return g
    nu = drift_exponent(drift, g, array, seed)
    return np.asarray(g * (t / drift.t0) ** -nu)


def drift_exponent(
    drift: PowerLawDrift | PcmDrift, g: NDArray[np.float64], array: int, seed: int
) -> NDArray[np.float64] | float:
    """Drift exponent nu of each cell, without unit; arguments as for `drifted`."""
    if isinstance(drift, PowerLawDrift):
        if not drift.nu_sigma:
            return drift.nu
        return drift.nu + drift.nu_sigma * normals(seed, DRIFT, array, g.shape)
    with np.errstate(divide="ignore"):
        ln = np.log(g / PCM_RANGE[1])
    mean = np.clip(-0.0155 * ln + 0.0244, 0.049, 0.1)
    sigma = np.clip(-0.0125 * ln - 0.0059, 0.008, 0.045)
    return np.asarray(np.abs(mean + sigma * normals(seed, DRIFT, array, g.shape)))
