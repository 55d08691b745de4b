"""Random numbers of cells by counter: which stream is whose, and uniforms turned into normals.

A draw depends on (seed, stream, turn, array, row, col) only: the same on any thread, in any order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.kernels.draw import uniform_cells

__all__ = [
    "CLUSTERS",
    "DRIFT",
    "LINES",
    "PROGRAMMING",
    "STUCK",
    "TELEGRAPH",
    "normals",
    "quantile",
    "uniforms",
]

STUCK, PROGRAMMING, DRIFT, TELEGRAPH, CLUSTERS, LINES = 1, 2, 3, 4, 8, 9
"""Streams of this package; 5 to 7 and 10 belong to converters and read noise."""

_TURN = 16  # streams lie below 2**16, turns above
_LEAST, _MOST = 2.0**-54, 1.0 - 2.0**-53


def uniforms(
    seed: int,
    stream: int,
    array: int,
    shape: tuple[int, ...],
    turn: int = 0,
    row: int = 0,
    col: int = 0,
) -> NDArray[np.float64]:
    """Uniform draws in [0, 1), one a cell.

    Parameters
    ----------
    seed, stream, array : int
        As for `crossbar.kernels.draw.uniform_cells`.
    shape : tuple of int
        ``(rows, cols)``
    turn : int
        Which of the draws of this stream: an epoch, the second of two numbers a cell.
    row, col : int
        Where the draws begin in the array.

    Returns
    -------
    float64[rows, cols]
    """
    u = np.empty(shape, dtype=np.float64)
    uniform_cells(seed, stream + (turn << _TURN), array, row, col, u)
    return u


def quantile(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard normal quantile of probabilities; 0 and 1 are moved inside by half a step of a draw.

    Exact to rounding (scipy's ``ndtri``), up to 8.3 standard deviations.
    """
    from scipy.special import ndtri

    z: NDArray[np.float64] = ndtri(np.clip(u, _LEAST, _MOST))
    return z


def normals(
    seed: int, stream: int, array: int, shape: tuple[int, ...], turn: int = 0
) -> NDArray[np.float64]:
    """Standard normal draws, one a cell; arguments as for `uniforms`."""
    return quantile(uniforms(seed, stream, array, shape, turn))
