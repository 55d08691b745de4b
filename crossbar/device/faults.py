"""Cells that are stuck, and where they are.

Faults are named by what they do.  ``on``: stuck in the low-resistance state, the physical top
level ``2**cell.bits - 1``.  ``off``: stuck in the high-resistance state, level 0.  The
literature's "SA0" and "SA1" mean either, so these names are not used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import InputError
from crossbar.kernels.draw import uniform_cells

__all__ = ["StuckAt", "stuck_codes"]

_STREAM = 1  # stuck-at maps; other draws per cell use other numbers


@dataclass(frozen=True, slots=True)
class StuckAt:
    """Independent stuck-at faults of physical cells.

    Parameters
    ----------
    on : float
        Share of cells stuck at the top level (low resistance).
    off : float
        Share of cells stuck at level 0 (high resistance).

    Notes
    -----
    Measured on a 4-Mb HfO2 chip: 1.75 % and 9.04 % (Chen et al., IEEE Trans. Computers 64(1),
    2015); papers disagree on which of the two is which, see docs/glossary.md.

    Raises
    ------
    InputError
        A rate outside 0..1, or rates that sum to more than 1.
    """

    on: float = 0.0
    off: float = 0.0

    def __post_init__(self) -> None:
        for name, rate in (("on", self.on), ("off", self.off)):
            if not (math.isfinite(rate) and 0.0 <= rate <= 1.0):
                raise InputError(f"StuckAt: {name} = {rate} is not a rate in 0..1")
        if self.on + self.off > 1.0:
            raise InputError(f"StuckAt: on + off = {self.on + self.off} is more than 1")


def stuck_codes(
    codes: NDArray[np.uint8],
    array: int,
    faults: StuckAt,
    seed: int,
    top: int,
    row: int = 0,
    col: int = 0,
) -> NDArray[np.uint8]:
    """Replace the codes of stuck cells.

    The draw depends on (seed, array, row, col) only; a cell that is stuck at some rate is stuck at
    every higher rate.

    Parameters
    ----------
    codes : uint8[rows, cols]
        Part of one physical array.
    array : int
        Its number on the chip.
    faults : StuckAt
    seed : int
    top : int
        Physical top level, ``2**cell.bits - 1``.
    row, col : int
        Where ``codes`` begins in the array.

    Returns
    -------
    uint8[rows, cols]
    """
    u = np.empty(codes.shape, dtype=np.float64)
    uniform_cells(seed, _STREAM, array, row, col, u)
    out = codes.copy()
    out[u < faults.off] = 0
    out[u >= 1.0 - faults.on] = top
    return out
