"""What cells hold once they are programmed: conductances with their programming error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.arch.cell import Cell
from crossbar.device.draws import PROGRAMMING, quantile, uniforms
from crossbar.device.variation import level_conductances, make_verify, programming_spread

__all__ = ["programmed_conductance"]


def programmed_conductance(
    cell: Cell, codes: NDArray[np.uint8], array: int, seed: int
) -> NDArray[np.float64]:
    """Conductances of the cells of one physical array after programming [S].

    One draw a cell, program and verify included (`crossbar.device.variation.Verify`); 0 S at the
    least.  Stuck cells are programmed like others: what is stuck replaces them afterwards.

    Parameters
    ----------
    cell : Cell
    codes : uint8[rows, cols]
        Levels, from row 0 and column 0 of the array.
    array : int
        Number of the physical array on the chip.
    seed : int

    Returns
    -------
    float64[rows, cols]
        Depends on (seed, array, row, col), level and cell only.

    Raises
    ------
    InputError
        As `crossbar.device.variation.programming_spread`.
    """
    if cell.variation.kind == "none":
        return level_conductances(cell)[codes]
    spread = programming_spread(cell)
    verify = make_verify(cell, spread)
    u = uniforms(seed, PROGRAMMING, array, codes.shape)
    if verify is not None:
        u = verify.place(u, codes)
    return spread.conductance(quantile(u), codes)
