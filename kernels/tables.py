"""Tables of partial sums for reads of arbitrary conductances.

Four bits of what the row drivers do (four rows of 1-bit digits, two of 2-bit digits, one of 3 or 4)
pick one of sixteen sums, tabulated for sixteen columns side by side; a column sum is one vector
addition for every four bits.  A block of 128 rows x 16 columns is 32 KB of table and stays in the
first cache while many positions go by.  Sums are integers, "fixed point": 2**-frac of an ADC step.

    contributions -> table_numbers -> make_tables    once per programmed array
    converters, noise -> make_conversion             once per slice (`crossbar.kernels.conversion`)
    planes -> read_tables                            every batch (`crossbar.kernels.table_reads`)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossbar.kernels._jit import jit
from crossbar.kernels._lanes import LANES, aligned

__all__ = ["SumTables", "build_tables", "make_tables", "table_numbers"]

_MOST_FRAC = 22  # finer steps change no code
_ROOM = 1 << 30  # of a sum with its offset
_ENTRIES = 16


class SumTables(NamedTuple):
    """Tables of one slice of a programmed matrix; made by `make_tables`.

    Parameters
    ----------
    sums : int32[row_groups, blocks, indices, 16, 16]
        Partial sums; the last axis is columns.
    variances : float32[row_groups, blocks, indices, 16, 16]
        Variances of the partial sums; no row groups where there is none.
    eights : int64[row_groups]
        Eights of indices that hold the rows of each group.
    dac_planes : int
        Bits of a digit.
    cols : int
    """

    sums: np.ndarray
    variances: np.ndarray
    eights: np.ndarray
    dac_planes: int
    cols: int


def table_numbers(contributions, groups, scale, offset=0.0, spread=0.0):
    """Choose the binary places of fixed point: as many as leave every sum room in 30 bits.

    Parameters
    ----------
    contributions : float64[digits, rows, cols]
        What a row driven with each digit adds to each column.
    groups : int64[row_groups, 2]
        First row and rows of each row group.
    scale : float64[row_groups, cols] [lsb per unit of contribution]
    offset : float [lsb]
        Largest offset of a converter.
    spread : float [lsb]
        Largest standard deviation of the noise of a read.

    Returns
    -------
    int

    Raises
    ------
    OverflowError
        If a sum may be so many lsb that not even whole ones fit.
    """
    most = np.abs(contributions).max(axis=0)
    per_group = np.stack([most[start : start + rows].sum(axis=0) for start, rows in groups])
    largest = float((per_group * np.abs(scale)).max(initial=0.0))
    largest += abs(float(offset)) + 7.0 * float(spread) + 1.0
    # every entry is rounded: at most half a step each
    room = _ROOM - contributions.shape[1]
    frac = min(_MOST_FRAC, int(np.floor(np.log2(room / largest))))
    if frac < 0:
        raise OverflowError(f"a column sum of {largest:.3g} lsb does not fit 30 bits")
    return frac


@jit
def build_tables(contributions, dac_planes, groups, scale, whole, out):
    """Tabulate the partial sums of sixteen columns at a time.

    ``out[g, b, k, n, c] = scale[g, 16 b + c] * (sum over the rows that index k drives with n of
    contributions[digit, row, 16 b + c])``, rounded half to even where ``whole``.

    Index k of a row group stands for 4, 2, 1, 1 of its rows when digits have 1, 2, 3, 4 bits; its
    bits are the lowest bits of the digits of its rows, then the next bits.

    Parameters
    ----------
    contributions : float64[digits, rows, cols]
    dac_planes : int
    groups : int64[row_groups, 2]
    scale : float64[row_groups, cols]
    whole : bool
    out : int32 or float32[row_groups, blocks, indices, 16, 16]
        Filled; 0 where there are no rows or columns.
    """
    per = 4 if dac_planes == 1 else 2 if dac_planes == 2 else 1
    cols = contributions.shape[2]
    part = np.zeros((16, 16))
    for g in range(out.shape[0]):
        start, rows = groups[g, 0], groups[g, 1]
        for b in range(out.shape[1]):
            first = b * 16
            width = min(16, cols - first)
            for k in range(out.shape[2]):
                part[:] = 0.0
                for i in range(per):
                    row = k * per + i
                    if row >= rows:
                        break
                    for n in range(16):
                        digit = 0
                        for d in range(dac_planes):
                            digit |= ((n >> (d * per + i)) & 1) << d
                        if digit > 0:
                            for c in range(width):
                                part[n, c] += contributions[digit, start + row, first + c]
                for n in range(16):
                    for c in range(width):
                        value = part[n, c] * scale[g, first + c]
                        out[g, b, k, n, c] = np.rint(value) if whole else value
                    for c in range(width, 16):
                        out[g, b, k, n, c] = 0


def make_tables(contributions, groups, scale, frac, variance=None):
    """Tabulate a programmed slice for `read_tables`.

    Parameters
    ----------
    contributions, groups, scale
        As in `table_numbers`; 2, 4, 8 or 16 digits, digit 0 contributes nothing.
    frac : int
        From `table_numbers`.
    variance : float64[digits, rows, cols], optional
        Variance of each contribution, in units of contribution squared.

    Returns
    -------
    SumTables
        16, 32, 64, 64 bytes a cell for digits of 1, 2, 3, 4 bits; twice that with variances.
    """
    dac_planes = len(contributions).bit_length() - 1
    per = (4, 2, 1, 1)[dac_planes - 1]
    cols = contributions.shape[2]
    eights = -(-groups[:, 1] // (8 * per))
    shape = (len(groups), -(-cols // LANES), 8 * int(eights.max()), _ENTRIES, LANES)
    groups = np.ascontiguousarray(groups, dtype=np.int64)
    fixed = np.ascontiguousarray(scale, dtype=np.float64) * 2.0**frac
    sums = aligned(shape, np.int32)
    build_tables(
        np.ascontiguousarray(contributions, dtype=np.float64), dac_planes, groups, fixed, True, sums
    )
    variances = aligned((0, *shape[1:]), np.float32)
    if variance is not None:
        variances = aligned(shape, np.float32)
        squares = np.ascontiguousarray(variance, dtype=np.float64)
        build_tables(squares, dac_planes, groups, fixed * fixed, False, variances)
    return SumTables(sums, variances, eights.astype(np.int64), dac_planes, cols)
