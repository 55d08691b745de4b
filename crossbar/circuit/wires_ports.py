"""One array's network checked, and solved by the method its wires allow."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.circuit.wires_chain import node_voltages, pair_links
from crossbar.circuit.wires_grid import reduce_grid
from crossbar.circuit.wires_mesh import close_network
from crossbar.circuit.wires_threads import one_blas_thread
from crossbar.errors import InputError

__all__ = ["checked_network", "port_links"]

_LARGEST = 1e100  # beyond it products of conductances overflow
_IDEAL = 1e-100  # [ohm] wires below it are ideal, for the same reason

Array = NDArray[np.float64]


def checked_network(
    g: ArrayLike, r_row: float, r_col: float, r_driver: float, r_sense: float
) -> tuple[Array, float, float, float, float]:
    """Give the arguments back as float64 and float, or name the first that cannot be.

    Raises
    ------
    InputError
        ``g`` is not a table of at least one row and column; a conductance or resistance is
        negative, not a number or above 1e100 (an infinite resistance leaves a row or a column
        floating).
    """
    try:
        cells = np.ascontiguousarray(g, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("g: no table of numbers (allowed: rows x cols conductances)") from None
    if cells.ndim != 2 or 0 in cells.shape:
        raise InputError(f"g: shape {cells.shape} (allowed: rows x cols, at least 1 x 1)")
    bad = ~((cells >= 0.0) & (cells <= _LARGEST))
    if bad.any():
        row, col = map(int, np.argwhere(bad)[0])
        raise InputError(
            f"g[{row}, {col}]: {cells[row, col]} S (allowed: 0 .. {_LARGEST:g} S; "
            f"{np.count_nonzero(bad)} of {bad.size} cells are not)"
        )
    resistances = {"r_row": r_row, "r_col": r_col, "r_driver": r_driver, "r_sense": r_sense}
    floating = {
        "r_row": "every row floats from its first cell on",
        "r_col": "every column floats, from row 0 on",
        "r_driver": "row 0 and all others float",
        "r_sense": "column 0 and all others float",
    }
    for name, value in resistances.items():
        if not isinstance(value, (int, float, np.number)):
            raise InputError(f"{name}: {value!r} (allowed: a number of ohm)")
        if not 0.0 <= value <= _LARGEST:
            why = f": {floating[name]}" if value > _LARGEST else ""
            raise InputError(f"{name}: {value} ohm{why} (allowed: 0 .. {_LARGEST:g} ohm)")
    row_wire, col_wire, driver, sense = (
        0.0 if value < _IDEAL else float(value) for value in resistances.values()
    )
    return cells, row_wire, col_wire, driver, sense


def port_links(
    g: Array,
    r_row: float,
    below: Array,
    r_driver: float,
    r_sense: float,
    both_ends: bool,
    *,
    among: bool = True,
) -> tuple[Array, Array]:
    """Solve a checked network whose rows may lie apart.

    Parameters
    ----------
    g : float64[rows, cols]      [S]
    r_row : float      [ohm]
    below : float64[rows]      [ohm]
        Column wire below each row; all 0 or all above 0.
    r_driver, r_sense : float      [ohm]
    both_ends : bool
    among : bool
        Whether the second result is wanted; it is zeros otherwise where that saves work.

    Returns
    -------
    g_eff : float64[rows, cols]      [S]
        Conductances between drivers and grounds.
    among : float64[rows, rows]      [S]
        Conductances among the drivers; the diagonal is zero.
    """
    rows, cols = g.shape
    with one_blas_thread():
        if r_row > 0.0 and below[-1] > 0.0:
            block = reduce_grid(g, r_row, below, both_ends)
            ends = block.left, block.right, block.bottom
            return close_network(block.links, *ends, r_row + r_driver, r_driver, r_sense)
        links = np.zeros((rows + cols, rows + cols))
        if r_row > 0.0:  # a column is one node; a row is a chain from its drivers on
            first = r_row + r_driver
            between, last = np.full(cols - 1, r_row), first if both_ends else None
            direct = g * node_voltages(g.T, between, first, last).T
            if r_sense > 0.0:
                links[rows:, rows:] = pair_links(g.T, between, first, last)
            r_driver = 0.0
        elif below[-1] > 0.0:  # a row is one node; a column is a chain down to its ground
            ground = float(below[-1]) + r_sense
            direct = g * node_voltages(g, below[:-1], None, ground)
            if r_driver > 0.0 or among:
                links[:rows, :rows] = pair_links(g, below[:-1], None, ground)
            r_sense = 0.0
        else:
            direct = g
        if r_row == 0.0 and both_ends:
            r_driver /= 2.0
        links[:rows, rows:] = direct
        links[rows:, :rows] = direct.T
        left, bottom = np.arange(rows), np.arange(rows, rows + cols)
        return close_network(links, left, left[:0], bottom, math.inf, r_driver, r_sense)
