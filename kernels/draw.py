"""Random numbers by counter: the same key gives the same draw, in any order and on any thread."""

from __future__ import annotations

import numpy as np

from crossbar.kernels._jit import jit

__all__ = ["uniform_cells"]


@jit
def uniform_cells(seed, stream, array, rows, cols, out):
    """Uniform draws in [0, 1), one for each physical cell of an array.

    A hash of (seed, stream, array, row, col): two rounds of the SplitMix64 finaliser (Steele et
    al., OOPSLA 2014) over a Weyl counter, 53 bits of the result.

    Parameters
    ----------
    seed, stream : int
        The experiment, and what is drawn.
    array : int
        Number of the physical array on the chip.
    rows, cols : int
        Index of the first row and column of ``out`` in the array.
    out : float64[n_rows, n_cols]
        Filled.
    """
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(stream)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            z = (z ^ (z >> np.uint64(31))) + np.uint64(array) * np.uint64(0xD1B54A32D192ED03)
            z ^= (np.uint64(rows + r) << np.uint64(32)) | np.uint64(cols + c)
            for _ in range(2):
                z = z + np.uint64(0x9E3779B97F4A7C15)
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                z = z ^ (z >> np.uint64(31))
            out[r, c] = np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)
