"""Conversion of column sums that a matrix product has made: wide DACs, noise of the drivers.

    planes -> digit_matrix -> drive @ contributions -> convert_columns

for one row group and one read at a time.  Rounding, thresholds, noise and its draws are those of
`crossbar.kernels.table_reads`.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from crossbar.kernels._jit import jit
from crossbar.kernels._lanes import (
    LANES,
    add_wide,
    aligned,
    convert_reads,
    full_registers,
    search_steps,
)
from crossbar.kernels._normals import add_deviation, add_variance, noise_base, normal_pair

__all__ = ["convert_columns", "digit_matrix"]


@cache
def _converter(noise, search):
    """Build the kernel that converts the sums of one read; options as in `Conversion`."""

    @jit
    def convert_read(
        sums, scale, variance, group, read, left, plan, numbers, offset, flip, which, steps,
        spread, key, outputs, vectors, s, v, z, total, clipped, out,
    ):  # fmt: skip
        full_registers()
        n_positions, n_cols = sums.shape
        shift, low, high = numbers[0], numbers[1], numbers[2]
        half = read & 1
        saturations = 0
        for p in range(n_positions):
            for c in range(n_cols):
                value = np.rint(np.float64(sums[p, c]) * scale[c])
                s[c] = np.int32(min(max(value, -1073741824.0), 1073741824.0))
            if noise == 2:
                for c in range(n_cols):
                    v[c] = np.float64(variance[p, c]) * (scale[c] * scale[c])
            if noise:
                base = noise_base(key, vectors[p], np.uint64(group), np.uint64(read >> 1))
            for first in range(0, n_cols, 16):
                width = min(16, n_cols - first)
                if noise:
                    normal_pair(base, outputs, first, z, 0)
                    if noise == 1:
                        add_deviation(s, first, z, 16 * half, spread, first)
                    else:
                        add_variance(s, first, z, 16 * half, v, spread, first)
                if search:
                    search_steps(
                        s, first, 1, which, first, steps, numbers[3], numbers[4], numbers[5],
                        steps.shape[0] >> 1,
                    )  # fmt: skip
                clipped[:] = 0
                convert_reads(s, first, plan, 1, offset, first, shift, low, high, total, clipped)
                to = p * n_cols + first
                if width == 16:
                    add_wide(total, flip, first, left, out, to)
                else:
                    for c in range(width):
                        sign = flip[first + c]
                        out[to + c] += np.int64((total[c] ^ sign) - sign) << left
                for c in range(width):
                    saturations += clipped[c]
        return saturations

    return convert_read


def convert_columns(
    sums,
    scale,
    conversion,
    out,
    *,
    group,
    read,
    left=0,
    negate=False,
    variance=None,
    vectors=None,
):
    """Convert the column sums of one read of one row group and add the codes.

    ``out[p, c] += +-code(sums[p, c] * scale[c]) << left``

    Parameters
    ----------
    sums : float32 or float64[positions, cols]
        In units of contribution.
    scale : float64[cols] [lsb per unit of contribution]
        The row group's.
    conversion : Conversion
    out : int64[positions, cols], C-contiguous
        Added to.
    group, read : int
        Numbers of the row group and of the read.
    left : int
        What the codes are shifted by: the read's and the slice's.
    negate : bool
        Whether they are subtracted (the sign read).
    variance : float32 or float64[positions, cols], optional
        Variance of the sums in units of contribution squared; 0 where absent.
    vectors : int64[positions], optional
        As in `crossbar.kernels.table_reads.read_tables`.

    Returns
    -------
    int
        Conversions that saturated.
    """
    if not out.flags.c_contiguous:
        raise ValueError("convert_columns: out is not C-contiguous")
    if conversion.noise and vectors is None:
        raise ValueError("convert_columns: noise needs vectors")
    if variance is not None and conversion.noise != 2:
        raise ValueError("convert_columns: a variance needs a conversion with constant_variance")
    kernel = _converter(conversion.noise, int(len(conversion.steps) > 0))
    room = len(conversion.outputs)
    images = np.zeros(0, np.uint64) if vectors is None else np.asarray(vectors).astype(np.uint64)
    if variance is None:
        variance = np.zeros(sums.shape if conversion.noise == 2 else (0, 0), np.float32)
    return int(
        kernel(
            sums, np.asarray(scale) * 2.0**conversion.frac, variance, group, read, left,
            np.array([0, 0, 0, -int(negate)]), conversion.numbers, conversion.offset[group],
            conversion.flip[group], conversion.which[group], conversion.steps,
            conversion.spread[group], conversion.key, conversion.outputs, images,
            aligned((room,), np.int32), aligned((room,), np.float32),
            aligned((2 * LANES,), np.float32), aligned((LANES,), np.int32),
            aligned((LANES,), np.int32), out.reshape(-1),
        )
    )  # fmt: skip


@jit
def _digits(x, group, plane, dac_planes, other, levels, noise, key, vectors, read, numbers, z, out):
    """Fill `digit_matrix`'s out; ``other`` is the first plane of negative parts, or -1."""
    n_rows = out.shape[1]
    half = 16 * (read & 1)
    for p in range(out.shape[0]):
        for r in range(n_rows):
            word, lane = r >> 6, np.uint64(r & 63)
            digit = 0
            for d in range(dac_planes):
                digit |= np.int64((x[p, group, plane + d, word] >> lane) & np.uint64(1)) << d
            sign = 1.0
            if other >= 0 and digit == 0:
                for d in range(dac_planes):
                    digit |= np.int64((x[p, group, other + d, word] >> lane) & np.uint64(1)) << d
                sign = -1.0
            out[p, r] = sign * (levels[r, digit] if levels.shape[0] > 0 else digit)
            # the noise below is for drivers that drive
            if noise > 0.0 and digit == 0:
                out[p, r] = np.nan
        if noise > 0.0:
            base = noise_base(key, vectors[p], np.uint64(group), np.uint64(read >> 1))
            for first in range(0, n_rows, 16):
                normal_pair(base, numbers, first, z, 0)
                for c in range(min(16, n_rows - first)):
                    drive = out[p, first + c]
                    out[p, first + c] = 0.0 if drive != drive else drive + noise * z[half + c]


def digit_matrix(
    planes,
    group,
    first_plane,
    dac_planes,
    out,
    *,
    negative_plane=None,
    levels=None,
    noise=0.0,
    key=0,
    vectors=None,
    read=0,
):
    """Say what the row drivers of a row group drive in one read [steps].

    Parameters
    ----------
    planes : uint64[positions, row_groups, planes, words]
        From `crossbar.kernels.inputs.pack_planes`.
    group : int
    first_plane, dac_planes : int
        Where the digit of this read lies.
    out : float32 or float64[positions, rows of the group]
        Filled.
    negative_plane : int, optional
        Where the digit of the negative parts lies; it is driven with the opposite sign.
    levels : float64[rows of the group, digits] [steps], optional
        What each driver drives for each digit.  The digit where absent.
    noise : float [steps]
        Standard deviation of what a driver adds while its digit is not 0.
    key : int
        From `crossbar.kernels.draw.noise_key`.
    vectors : int64[positions], optional
        Numbers of the input vectors over the whole run, by which noise is drawn.
    read : int

    Returns
    -------
    float32 or float64[positions, rows]
        ``out``
    """
    if noise > 0.0 and vectors is None:
        raise ValueError("digit_matrix: noise needs vectors")
    rows = out.shape[1]
    room = -(-rows // LANES) * LANES
    numbers = aligned((room,), np.int32)
    numbers[:] = np.arange(room)
    table = np.zeros((0, 0)) if levels is None else np.asarray(levels, dtype=np.float64)
    images = np.zeros(0, np.uint64) if vectors is None else np.asarray(vectors).astype(np.uint64)
    other = -1 if negative_plane is None else int(negative_plane)
    _digits(
        planes, group, first_plane, dac_planes, other, table, float(noise), np.uint64(key), images,
        read, numbers, aligned((2 * LANES,), np.float32), out,
    )  # fmt: skip
    return out
