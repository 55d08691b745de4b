"""Reads of tabulated conductances: sums of table entries, noise, conversion, shift-and-add."""

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
    sum_entries,
)
from crossbar.kernels._normals import add_deviation, add_variance, noise_base, normal_pair

__all__ = ["read_tables"]

_EIGHT = 8 * 16 * 16  # elements of a block's table for eight indices
_SEGMENT = 4  # eights of indices whose table, 32 KB, stays in the first cache
_CHUNK = 128  # reads between which a table stays there
_TOTAL_BITS = 30  # of shifted and added codes, so that 32 bits hold them


@jit
def _index_words(x, plan, dac_planes, signs, between, out):
    """Gather the bits of each digit side by side, four bits of index after four.

    Parameters
    ----------
    x : uint64[positions, row_groups, planes, words]
    plan : int64[reads, 4]
        First plane and planes of each read.
    dac_planes : int
        Bits of a digit of the tables; a read may have fewer.
    signs, between : int
        2 where negative parts lie ``between`` planes further on, else 1.
    out : uint64[row_groups, positions, reads, signs, index words]
        Filled.
    """
    for p in range(x.shape[0]):
        for g in range(x.shape[1]):
            for t in range(plan.shape[0]):
                for s in range(signs):
                    plane = plan[t, 0] + s * between
                    for i in range(x.shape[3]):
                        if dac_planes == 1:
                            out[g, p, t, s, i] = x[p, g, plane, i]
                        elif dac_planes == 2:
                            for part in range(2):
                                index = np.uint64(0)
                                for d in range(plan[t, 1]):
                                    y = x[p, g, plane + d, i] >> np.uint64(32 * part)
                                    y &= np.uint64(0xFFFFFFFF)
                                    y = (y | (y << np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
                                    y = (y | (y << np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
                                    y = (y | (y << np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
                                    y = (y | (y << np.uint64(2))) & np.uint64(0x3333333333333333)
                                    index |= y << np.uint64(2 * d)
                                out[g, p, t, s, 2 * i + part] = index
                        else:
                            for part in range(4):
                                index = np.uint64(0)
                                for d in range(plan[t, 1]):
                                    y = x[p, g, plane + d, i] >> np.uint64(16 * part)
                                    y &= np.uint64(0xFFFF)
                                    y = (y | (y << np.uint64(24))) & np.uint64(0x000000FF000000FF)
                                    y = (y | (y << np.uint64(12))) & np.uint64(0x000F000F000F000F)
                                    y = (y | (y << np.uint64(6))) & np.uint64(0x0303030303030303)
                                    y = (y | (y << np.uint64(3))) & np.uint64(0x1111111111111111)
                                    index |= y << np.uint64(d)
                                out[g, p, t, s, 4 * i + part] = index


@cache
def _table_reader(bipolar, noise, search):
    """Build the kernel that reads a tabulated slice.

    Parameters
    ----------
    bipolar : int
        1 where the sums of negative parts are subtracted.
    noise : int
        As in `Conversion`.
    search : int
        1 where thresholds decide.
    """
    signs = 1 + bipolar

    @jit
    def read_slice(
        index, plan, first_read, left, sums, variances, eights, numbers, offset, flip, which,
        steps, spread, key, outputs, vectors, shape, s, v, z, total, clipped, out,
    ):  # fmt: skip
        full_registers()
        n_positions, n_groups, n_reads, n_blocks = shape[0], shape[1], shape[2], shape[3]
        n_cols, words, stride, chunk = shape[4], shape[5], shape[6], shape[7]
        frac, low, high = numbers[0], numbers[1], numbers[2]
        saturations = 0
        for g in range(n_groups):
            for b in range(n_blocks):
                width = min(16, n_cols - 16 * b)
                column = (g * n_blocks + b) * 16
                clipped[:] = 0
                for begin in range(0, n_positions, chunk):
                    end = min(begin + chunk, n_positions)
                    for k in range(0, eights[g], _SEGMENT):
                        count = min(_SEGMENT, eights[g] - k)
                        table = ((g * n_blocks + b) * stride + k) * _EIGHT
                        more = 0 if k == 0 else 1
                        # a constant number of entries is a tenth faster
                        alone = more == 0 and count == _SEGMENT
                        for p in range(begin, end):
                            for t in range(n_reads):
                                at = ((g * n_positions + p) * n_reads + t) * signs * words + k // 2
                                to = ((p - begin) * n_reads + t) * 16
                                if alone:
                                    sum_entries(sums, table, index, at, _SEGMENT, s, to, 0)
                                else:
                                    sum_entries(sums, table, index, at, count, s, to, more)
                                if bipolar:
                                    sum_entries(sums, table, index, at + words, count, s, to, -1)
                        if noise == 2:
                            for p in range(begin, end):
                                for t in range(n_reads):
                                    at = ((g * n_positions + p) * n_reads + t) * signs * words
                                    at += k // 2
                                    to = ((p - begin) * n_reads + t) * 16
                                    if alone:
                                        sum_entries(variances, table, index, at, _SEGMENT, v, to, 0)
                                    else:
                                        sum_entries(variances, table, index, at, count, v, to, more)
                                    if bipolar:
                                        sum_entries(
                                            variances, table, index, at + words, count, v, to, 1
                                        )
                    for p in range(begin, end):
                        here = (p - begin) * n_reads * 16
                        if noise:
                            for pair in range(first_read >> 1, (first_read + n_reads + 1) >> 1):
                                base = noise_base(key, vectors[p], g, pair)
                                normal_pair(base, outputs, b * 16, z, 0)
                                for half in range(2):
                                    t = 2 * pair + half - first_read
                                    if t >= 0 and t < n_reads:
                                        to = here + t * 16
                                        if noise == 1:
                                            add_deviation(s, to, z, 16 * half, spread, column)
                                        else:
                                            add_variance(s, to, z, 16 * half, v, spread, column)
                        if search:
                            search_steps(
                                s, here, n_reads, which, column, steps, numbers[3], numbers[4],
                                numbers[5], steps.shape[0] >> 1,
                            )  # fmt: skip
                        convert_reads(
                            s, here, plan, n_reads, offset, column, frac, low, high, total, clipped
                        )
                        to = p * n_cols + b * 16
                        if width == 16:
                            add_wide(total, flip, column, left, out, to)
                        else:
                            for c in range(width):
                                sign = flip[column + c]
                                out[to + c] += np.int64((total[c] ^ sign) - sign) << left
                for c in range(width):
                    saturations += clipped[c]
        return saturations

    return read_slice


def _steps(conversion, main_reads, dac_planes, sign_shift):
    """Cut the reads into calls whose joined codes fit 32 bits: lists of (plane, bits, shift, -)."""
    reads = [(t * dac_planes, dac_planes, t * dac_planes, 0) for t in range(main_reads)]
    if sign_shift is not None:
        reads.append((main_reads * dac_planes, 1, sign_shift, -1))
    low, high = int(conversion.numbers[1]), int(conversion.numbers[2])
    room = _TOTAL_BITS - 1 - max(-low, high).bit_length()
    begin = 0
    while begin < len(reads):
        end = begin + 1
        while end < len(reads) and reads[end][2] - reads[begin][2] <= room:
            end += 1
        left = reads[begin][2]
        yield begin, left, np.array([(p, n, s - left, m) for p, n, s, m in reads[begin:end]])
        begin = end


def read_tables(
    planes,
    tables,
    conversion,
    out,
    *,
    main_reads,
    sign_shift=None,
    bipolar=False,
    shift=0,
    vectors=None,
):
    """Read a tabulated slice for all inputs.

    ``out[p, c] += sum_g sum_t +-code(sum_r contribution) << (shift of read t + shift)``

    Parameters
    ----------
    planes : uint64[positions, row_groups, planes, words]
        From `crossbar.kernels.inputs.pack_planes`.
    tables : SumTables
    conversion : Conversion
    out : int64[positions, cols], C-contiguous
        Added to.
    main_reads : int
        Reads of ``dac_planes`` planes each; read t counts ``2**(t * dac_planes)``.
    sign_shift : int, optional
        Where the plane after them is a read of its own, counting ``-2**sign_shift``.
    bipolar : bool
        Whether the planes of the negative parts follow those ``main_reads * dac_planes``.
    shift : int
        Left shift of the slice.
    vectors : int64[positions], optional
        Numbers of the input vectors over the whole run (image * positions + position), by which
        noise is drawn.

    Returns
    -------
    int
        Conversions that saturated: codes outside before they are clipped (with thresholds, sums an
        lsb or more beyond the last or before the first).
    """
    n_positions, n_groups, _, n_words = planes.shape
    if not out.flags.c_contiguous:
        raise ValueError("read_tables: out is not C-contiguous")
    if conversion.noise and vectors is None:
        raise ValueError("read_tables: noise needs vectors")
    dac_planes, signs = tables.dac_planes, 2 if bipolar else 1
    words = n_words * (1, 2, 4, 4)[dac_planes - 1]
    kernel = _table_reader(int(bipolar), conversion.noise, int(len(conversion.steps) > 0))
    images = np.zeros(0, np.uint64) if vectors is None else np.asarray(vectors).astype(np.uint64)
    saturations = 0
    for first_read, left, plan in _steps(conversion, main_reads, dac_planes, sign_shift):
        index = np.empty((n_groups, n_positions, len(plan), signs, words), np.uint64)
        _index_words(planes, plan, dac_planes, signs, main_reads * dac_planes, index)
        chunk = max(4, _CHUNK // len(plan))
        blocks, stride = tables.sums.shape[1], tables.sums.shape[2] // 8
        shape = (
            n_positions, n_groups, len(plan), blocks, tables.cols, words, stride, chunk,
        )  # fmt: skip
        space = chunk * len(plan) * LANES
        saturations += kernel(
            index.reshape(-1), plan.reshape(-1), first_read, left + shift, tables.sums.reshape(-1),
            tables.variances.reshape(-1), tables.eights, conversion.numbers,
            conversion.offset.reshape(-1),
            conversion.flip.reshape(-1), conversion.which.reshape(-1), conversion.steps,
            conversion.spread.reshape(-1), conversion.key, conversion.outputs, images, shape,
            aligned((space,), np.int32), aligned((space,), np.float32),
            aligned((2 * LANES,), np.float32), aligned((LANES,), np.int32),
            aligned((LANES,), np.int32), out.reshape(-1),
        )  # fmt: skip
    return int(saturations)
