"""Random telegraph noise: cells that jump between two conductances and stay there for a while."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar import units
from crossbar.arch.cell import Cell
from crossbar.device.draws import TELEGRAPH, uniforms
from crossbar.errors import InputError

__all__ = ["pytorx_amplitude", "telegraph_conductance"]

_PYTORX_A, _PYTORX_B = 1.662e-7, 0.0015  # siemens, and a number


def telegraph_conductance(
    cell: Cell, g: NDArray[np.float64], array: int, seed: int, epoch: int
) -> NDArray[np.float64]:
    """Conductances in one epoch [S]: ``g (1 - rtn_amplitude)`` where a cell is in its low state.

    Which cells jump is drawn once (``rtn_share`` of them); each is in its low state with
    probability ``rtn_low``, drawn anew in every epoch, independently of the one before.

    Parameters
    ----------
    cell : Cell
    g : float64[rows, cols]
        Conductances in the high state [S], from row 0 and column 0 of the array.
    array : int
        Number of the physical array on the chip.
    seed : int
    epoch : int
        Number of the inference // ``rtn_dwell``, 0 or more.

    Returns
    -------
    float64[rows, cols]
    """
    noise = cell.read_noise
    if not (noise.rtn_share and noise.rtn_amplitude and noise.rtn_low):
        return g
    jumps = uniforms(seed, TELEGRAPH, array, g.shape) < noise.rtn_share
    is_low = uniforms(seed, TELEGRAPH, array, g.shape, epoch + 1) < noise.rtn_low
    return np.where(jumps & is_low, g * (1.0 - noise.rtn_amplitude), g)


def pytorx_amplitude(g: ArrayLike) -> NDArray[np.float64]:
    """Relative jump of PytorX's telegraph noise: ``(b g + a) / (g - (b g + a))``.

    a = 1.662e-7 S, b = 0.0015 (elliothe/pytorx: python/torx/module/layer.py, as commonly quoted),
    with probability 0.5 of either state.  Its value at the mean conductance of the cells can be
    used as ``cell.read_noise.rtn_amplitude``.

    Parameters
    ----------
    g : float
        Conductance [S].

    Raises
    ------
    InputError
        A conductance at which the jump would be larger than the conductance itself.
    """
    held = np.asarray(g, dtype=np.float64)
    drop = _PYTORX_B * held + _PYTORX_A
    least = 2.0 * _PYTORX_A / (1.0 - 2.0 * _PYTORX_B)
    if held.size and not held.min() >= least:
        raise InputError(
            f"pytorx_amplitude: {units.text(float(held.min()), 'S')} (allowed:"
            f" {units.text(least, 'S')} or more, where the jump is as large as the conductance)"
        )
    return np.asarray(drop / (held - drop))
