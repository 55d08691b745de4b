"""Resistance of the wires of an array: which currents really arrive, and what they cost.

Network.  Row r has a source left of column 0: driver resistance, one wire segment ``r_row`` before
the first cell and one between neighbours; with ``both_ends`` a second driver of the same voltage
stands right of the last cell behind one more segment.  Column c is grounded below the last row:
one segment ``r_col`` between neighbours and one after the last cell, then the sense resistance.
Rows that are not driven are held at 0 V through the same drivers (isolated rows:
`crossbar.circuit.wires_gated`).  The network is linear, so it is one matrix:
``I[c] = sum_r g_eff[r, c] v[r]``.

Solved exactly and directly, by joining blocks of cells (`crossbar.circuit.wires_grid`) and, where
wires are ideal, by closed forms along chains; no step subtracts, so every entry keeps its relative
precision (1e-12 and better up to 512 x 512).  BLAS is held to one thread meanwhile: results do not
depend on the number of threads; solve several arrays side by side instead.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar.circuit.wires_gated import checked_voltages, gated_conductance, gated_currents
from crossbar.circuit.wires_ports import checked_network, port_links

__all__ = [
    "column_currents",
    "effective_conductance",
    "gated_conductance",
    "gated_currents",
    "input_admittance",
    "solve_array",
]

Array = NDArray[np.float64]


def solve_array(
    g: ArrayLike,
    r_row: float,
    r_col: float,
    r_driver: float = 0.0,
    r_sense: float = 0.0,
    *,
    both_ends: bool = False,
) -> tuple[Array, Array]:
    """Currents at the grounds and at the drivers, from one solve.

    Parameters
    ----------
    g : float[rows, cols]      [S]
        Conductances of the cells; 0 is a cell that does not conduct.
    r_row, r_col : float      [ohm]
        One segment of row and column wire, from cell to cell; 0 is ideal.
    r_driver, r_sense : float      [ohm]
        Of each row driver and each column's ground; 0 is ideal.
    both_ends : bool
        Rows are driven at both ends.

    Returns
    -------
    g_eff : float64[rows, cols]      [S]
        Effective conductances: ``I = v @ g_eff``.
    y : float64[rows, rows]      [S]
        Input admittance: currents that leave the drivers are ``y @ v``; symmetric, positive
        semi-definite.  A read of t seconds takes ``t * v @ y @ v`` joules.

    Raises
    ------
    InputError
        A conductance or resistance that is negative or not finite, named with its place.

    Notes
    -----
    One thread with AVX-512: 128 x 128 in 25 to 35 ms, 512 x 512 in 1.4 s and 0.15 GB.
    """
    cells, r_row, r_col, r_driver, r_sense = checked_network(g, r_row, r_col, r_driver, r_sense)
    below = np.full(len(cells), r_col)
    g_eff, among = port_links(cells, r_row, below, r_driver, r_sense, both_ends)
    y = -among
    np.fill_diagonal(y, among.sum(axis=1) + g_eff.sum(axis=1))
    return g_eff, y


def effective_conductance(
    g: ArrayLike,
    r_row: float,
    r_col: float,
    r_driver: float = 0.0,
    r_sense: float = 0.0,
    *,
    both_ends: bool = False,
    gated: bool = False,
    density: float = 0.25,
) -> Array:
    """Conductances that the array shows at its ports: ``I[c] = sum_r g_eff[r, c] v[r]``.

    Parameters
    ----------
    g, r_row, r_col, r_driver, r_sense, both_ends
        As in `solve_array`.
    gated : bool
        Rows that are not driven are cut off instead of held at 0 V.  Then no matrix is exact for
        all reads: this is `gated_conductance`, whose error is stated there; `column_currents` is
        exact for single reads.
    density : float
        Expected share of driven rows, for ``gated``.

    Returns
    -------
    float64[rows, cols]      [S]
        Equal to ``g`` where every resistance is 0.  The sum is never larger than that of ``g``;
        a single entry can be, by currents that reach the column through other rows' cells.

    Raises
    ------
    InputError
        As in `solve_array`.
    """
    if gated:
        wires = r_row, r_col, r_driver, r_sense
        return gated_conductance(g, *wires, density=density, both_ends=both_ends)
    cells, r_row, r_col, r_driver, r_sense = checked_network(g, r_row, r_col, r_driver, r_sense)
    below = np.full(len(cells), r_col)
    return port_links(cells, r_row, below, r_driver, r_sense, both_ends, among=False)[0]


def column_currents(
    g: ArrayLike,
    v: ArrayLike,
    r_row: float,
    r_col: float,
    r_driver: float = 0.0,
    r_sense: float = 0.0,
    *,
    both_ends: bool = False,
    gated: bool = False,
) -> Array:
    """Currents of the columns for single reads, exact.

    Parameters
    ----------
    g, r_row, r_col, r_driver, r_sense, both_ends
        As in `solve_array`.
    v : float[..., rows]      [V]
    gated : bool
        Rows with ``v = 0`` are cut off instead of held at 0 V: one solve for each distinct set of
        driven rows (`gated_currents`).

    Returns
    -------
    float64[..., cols]      [A]

    Raises
    ------
    InputError
        As in `solve_array`, or for voltages of another number of rows or that are not finite.
    """
    wires = r_row, r_col, r_driver, r_sense
    if gated:
        return gated_currents(g, v, *wires, both_ends=both_ends)
    g_eff = effective_conductance(g, *wires, both_ends=both_ends)
    return np.asarray(checked_voltages(v, len(g_eff)) @ g_eff)


def input_admittance(
    g: ArrayLike,
    r_row: float,
    r_col: float,
    r_driver: float = 0.0,
    r_sense: float = 0.0,
    *,
    both_ends: bool = False,
) -> Array:
    """Currents that leave the row drivers, ``y @ v``; a read takes ``t * v @ y @ v`` joules.

    Parameters
    ----------
    g, r_row, r_col, r_driver, r_sense, both_ends
        As in `solve_array`, which gives the effective conductances too at no further cost.

    Returns
    -------
    float64[rows, rows]      [S]
        Symmetric, positive semi-definite.

    Raises
    ------
    InputError
        As in `solve_array`.
    """
    return solve_array(g, r_row, r_col, r_driver, r_sense, both_ends=both_ends)[1]
