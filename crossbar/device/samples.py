"""Samples of what is programmed, for looking at a model beside its measurements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.device.programmed import programmed_conductance
from crossbar.errors import InputError

__all__ = ["cell_samples"]

_MOST = 1 << 24


def cell_samples(arch: Arch, count: int, seed: int) -> NDArray[np.float64]:
    """Program cells to every level, as a run would.

    Parameters
    ----------
    arch : Arch
    count : int
        Cells of each level.
    seed : int

    Returns
    -------
    float64[2**bits, count]
        Conductances [S], level 0 first; their targets are
        `crossbar.device.variation.level_conductances`.

    Raises
    ------
    InputError
        No cells, or too many; an error model that does not hold for this cell.
    """
    if not 1 <= count <= _MOST:
        raise InputError(f"cell_samples: count = {count} (allowed: 1 to {_MOST:,})")
    levels = np.arange(1 << arch.cell.bits, dtype=np.uint8)
    codes = np.ascontiguousarray(np.broadcast_to(levels[:, None], (len(levels), count)))
    return programmed_conductance(arch.cell, codes, 0, seed)
