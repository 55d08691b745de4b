"""Random numbers by counter: the same key gives the same draw, in any order and on any thread."""

from __future__ import annotations

import math

import numpy as np

from crossbar.kernels._jit import jit

__all__ = ["noise_key", "normal_cells", "uniform_cells"]


@jit
def _cell_bits(seed, stream, array, row, col):
    """53 random bits of (seed, stream, array, row, col).

    Two rounds of the SplitMix64 finaliser (Steele et al., OOPSLA 2014) over a Weyl counter.
    """
    z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(stream)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) + np.uint64(array) * np.uint64(0xD1B54A32D192ED03)
    z ^= (np.uint64(row) << np.uint64(32)) | np.uint64(col)
    for _ in range(2):
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return z >> np.uint64(11)


@jit
def uniform_cells(seed, stream, array, rows, cols, out):
    """Uniform draws in [0, 1), one for each physical cell of an array.

    53 bits of a hash of (seed, stream, array, row, col).

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
            bits = _cell_bits(seed, stream, array, rows + r, cols + c)
            out[r, c] = np.float64(bits) * (1.0 / 9007199254740992.0)


@jit
def normal_cells(seed, stream, array, rows, cols, out):
    """Standard normal draws, one for each physical cell of an array.

    The normal quantile of ``(k + 1/2) / 2**53``, k the bits of `uniform_cells`: |z| reaches 8.3,
    and no draw is infinite.  Wichura's PPND16 (algorithm AS 241, Applied Statistics 37, 1988),
    relative error about 1e-16.

    Parameters
    ----------
    seed, stream, array, rows, cols
        As in `uniform_cells`.
    out : float64[n_rows, n_cols]
        Filled.
    """
    half = np.int64(1) << 52
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            k = np.int64(_cell_bits(seed, stream, array, rows + i, cols + j))
            q = (np.float64(k - half) + 0.5) * (1.0 / 9007199254740992.0)  # exact
            if abs(q) <= 0.425:
                r = 0.180625 - q * q
                z = q * (((((((
                    2509.0809287301226727 * r + 33430.575583588128105) * r
                    + 67265.770927008700853) * r + 45921.953931549871457) * r
                    + 13731.693765509461125) * r + 1971.5909503065514427) * r
                    + 133.14166789178437745) * r + 3.387132872796366608) / (((((((
                    5226.495278852854561 * r + 28729.085735721942674) * r
                    + 39307.89580009271061) * r + 21213.794301586595867) * r
                    + 5394.1960214247511077) * r + 687.1870074920579083) * r
                    + 42.313330701600911252) * r + 1.0)  # fmt: skip
                out[i, j] = z
                continue
            rest = k if q < 0 else 2 * half - 1 - k  # of the nearer end; exact
            r = math.sqrt(-math.log((np.float64(rest) + 0.5) * (1.0 / 9007199254740992.0)))
            if r <= 5.0:
                r -= 1.6
                z = (((((((
                    7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
                    + 0.24178072517745061177) * r + 1.27045825245236838258) * r
                    + 3.64784832476320460504) * r + 5.7694972214606914055) * r
                    + 4.6303378461565452959) * r + 1.42343711074968357734) / (((((((
                    1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
                    + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
                    + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                    + 2.05319162663775882187) * r + 1.0)  # fmt: skip
            else:
                r -= 5.0
                z = (((((((
                    2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                    + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
                    + 0.29656057182850489123) * r + 1.7848265399172913358) * r
                    + 5.4637849111641143699) * r + 6.6579046435011037772) / (((((((
                    2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
                    + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r
                    + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
                    + 0.59983220655588793769) * r + 1.0)  # fmt: skip
            out[i, j] = -z if q < 0 else z


def noise_key(seed, stream, *numbers):
    """Hash whole numbers (array, slice, copy, ...) into the key of a stream of noise.

    Parameters
    ----------
    seed, stream : int
    *numbers : int
        At least 0.

    Returns
    -------
    int
        Below 2**64.
    """
    mask = (1 << 64) - 1
    z = 0
    for number in (seed, stream, *numbers):
        z = (z + int(number) + 1) * 0x9E3779B97F4A7C15 & mask
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        z ^= z >> 31
    return z
