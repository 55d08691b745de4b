"""Reads of bit-sliced crossbars on matrix tiles: the same integers as `bitserial`, sooner.

The digits of a read and the codes of a slice are bytes; sums of one read over a row group are a
product of matrix tiles (`crossbar.kernels._tiles`), sixteen positions by sixteen columns.  A digit
stays where it stands in its byte: the sum is scaled as the shift-and-add wants it, and the
conversion clips it to a code scaled as much.  What remains of a conversion is a load, a minimum
and an addition.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from crossbar.kernels._jit import jit
from crossbar.kernels._lanes import LANES, aligned, full_registers
from crossbar.kernels._tiles import TILE, configure, cut_digits, read_tile, release, tiles_refused

__all__ = ["SIDE", "pack_digits", "pack_tokens", "tile_codes", "tile_reader", "tiles_refused"]

SIDE = LANES
"""Positions and columns of a product."""
_WORD = 64  # rows of a tile of codes
_CACHE = 1 << 20  # bytes of codes that stay in a second-level cache


def tile_codes(plus, minus=None):
    """Lay codes out as tiles: one byte a cell.

    Parameters
    ----------
    plus : uint64[row_groups, cell_planes, words, cols]
        Bit planes of the codes, as `bitserial.reader` takes them.
    minus : like plus, optional
        Subtracted.

    Returns
    -------
    uint8[row_groups, ceil(cols / 16), words, 1024]
        Signed bytes ``[16 fours of rows, 16 columns, 4 rows]``, zeros behind the last column.
    """
    n_groups, _, words, cols = plus.shape
    blocks = -(-cols // SIDE)
    out = aligned((n_groups, blocks, words, TILE), np.uint8)
    for sign, planes in ((1, plus), (-1, minus)):
        if planes is None:
            continue
        for g in range(n_groups):
            codes = np.zeros((words, blocks * SIDE, _WORD), np.int8)
            for q in range(planes.shape[1]):
                parts = np.ascontiguousarray(planes[g, q]).view(np.uint8)
                bits = np.unpackbits(parts.reshape(words, cols, 8), axis=2, bitorder="little")
                codes[:, :cols] += (bits << q).view(np.int8)
            fours = codes.reshape(words, blocks, SIDE, 16, 4).transpose(1, 0, 3, 2, 4)
            out[g] += (sign * fours).reshape(blocks, words, TILE).view(np.uint8)
    return out


@cache
def tile_reader(steps, reads, full, signed, count, bipolar, negative, wide):
    """Build the kernel that reads columns of a programmed matrix through tiles.

    Parameters
    ----------
    steps : int
        64-row words of a row group where those are 1 or 2, else 0.
    reads : int
        Reads whose digits share a byte of an input, 1 to 8.
    full : int
        For an ADC range stretched over s_max: 1 where its fixed point fits 32 bits, else 2.
    signed, count, bipolar, negative : int
        1 for sums of either sign; for counting saturations; for digits of either sign; for a last
        read that counts negatively.
    wide : int
        1 for int64 results.

    Returns
    -------
    callable
        ``kernel(x, codes, flip, places, masks, plan, adc, out) -> saturations`` with

        - x : uint8[positions, row_groups, 64 words], bytes of the inputs; positions in sixteens
        - codes : uint8[row_groups, blocks, words, 1024], from `tile_codes`
        - flip : int32[row_groups, 16 blocks], 0, or -1 where the column's result is negated
        - places : int64[blocks, 2], first column in ``out`` and left shift of sixteen columns
        - masks : int64[reads], the bits of a byte that each read drives
        - plan : int32[3 * reads], where they begin; highest and lowest code, shifted as much
        - adc : int64[6], as of `crossbar.kernels.bitserial.reader`
        - out : int32 or int64[positions, columns], added to

    Raises
    ------
    OSError
        Where there are no tiles: the kernel would end the process.
    """
    if tiles_refused():
        raise OSError(f"tiles: {tiles_refused()}")

    @jit
    def read_blocks(x, codes, flip, places, masks, plan, adc, out):
        full_registers()
        n_groups, n_blocks, words = codes.shape[0], codes.shape[1], codes.shape[2]
        digit_bytes, sum_bytes = reads * words * 1024, reads * 1024
        raw = np.zeros(digit_bytes + 2 * sum_bytes + 128, np.uint8)
        first = -raw.ctypes.data & 63
        digits = first + 64
        now, then = digits + digit_bytes, digits + digit_bytes + sum_bytes
        configure(raw[first:])
        clipped = np.zeros(16, np.int32)
        saturations = 0
        at_once = max(1, _CACHE // (n_blocks * words * 1024))
        sign, left, column = 0, 0, 0  # of the block before
        last_codes = 0
        for g0 in range(0, n_groups, at_once):
            for p in range(0, x.shape[0], 16):
                for g in range(g0, min(g0 + at_once, n_groups)):
                    for k in range(words):
                        for i in range(16):
                            at = ((p + i) * n_groups + g) * words + k
                            to = digits + (16 * k + i) * 64
                            cut_digits(reads, bipolar, x, at * 64, masks, raw, to, words * 1024)
                    for n in range(n_blocks):
                        last_codes = (g * n_blocks + n) * words * 1024
                        read_tile(
                            steps, reads, full, signed, count, bipolar, negative, wide,
                            raw, digits, codes, last_codes, words, raw, now, then,
                            plan, adc, flip, sign, left, out, column, out.shape[1], clipped,
                        )  # fmt: skip
                        now, then = then, now
                        sign = (g * n_blocks + n) * 16
                        left, column = places[n, 1], p * out.shape[1] + places[n, 0]
                if count:
                    for i in range(16):
                        saturations += clipped[i]
                        clipped[i] = 0
        read_tile(  # converts the last block
            steps, reads, full, signed, count, bipolar, negative, wide,
            raw, digits, codes, last_codes, words, raw, now, then,
            plan, adc, flip, sign, left, out, column, out.shape[1], clipped,
        )  # fmt: skip
        release()
        for i in range(16):
            saturations += clipped[i]
        return saturations

    return read_blocks


@jit
def pack_digits(x, geometry, span, groups, segments, coding, out, sums):
    """Unfold each position's inputs into bytes, every row group in 64-row words of its own.

    Parameters
    ----------
    x, geometry, span, groups, segments
        As in `crossbar.kernels.inputs.pack_planes`; x in C order.
    coding : int64[3]
        Added to each input; bits that go into one byte; 1 for sign and magnitude.
    out : uint8[parts, rows, row_groups, 64 words]
        Filled but for what lies behind the rows of a group; part k holds the k-th bits (of the
        magnitude, with the sign of the input) from the lowest on.
    sums : int64[rows, segments]
        Filled with the sum of the (raised) inputs of each segment.
    """
    c0, channels, kh, kw = geometry[0], geometry[1], geometry[2], geometry[3]
    sh, sw, dh, dw, out_width = geometry[4], geometry[5], geometry[6], geometry[7], geometry[8]
    height, width = x.shape[2], x.shape[3]
    n_positions = span[3]
    raised, bits, bipolar = coding[0], coding[1], coding[2]
    mask = (1 << bits) - 1
    values = np.empty(channels * kh * kw, np.int32)
    places = np.empty(channels * kh * kw, np.uint64)  # of the inputs of a window from its first on
    r = 0
    for c in range(c0, c0 + channels):
        for ky in range(kh):
            for kx in range(kw):
                places[r] = (c * height + ky * dh) * width + kx * dw
                r += 1
    for b in range(span[1]):
        image = x[span[0] + b].reshape(-1)
        for p in range(n_positions):
            oy, ox = divmod(span[2] + p, out_width)
            window = image[oy * sh * width + ox * sw :]
            to = b * n_positions + p
            for r in range(len(places)):
                values[r] = window[places[r]] + raised
            for k in range(sums.shape[1]):
                total = 0
                for i in range(segments[k, 0], segments[k, 0] + segments[k, 1]):
                    total += values[i]
                sums[to, k] = total
            for part in range(out.shape[0]):
                right = part * bits
                for g in range(len(groups)):
                    line_out = out[part, to, g]
                    some = values[groups[g, 0] : groups[g, 0] + groups[g, 1]]
                    if bipolar:
                        for i in range(len(some)):
                            digit = (abs(some[i]) >> right) & mask
                            line_out[i] = digit if some[i] >= 0 else -digit
                    else:
                        for i in range(len(some)):
                            line_out[i] = (some[i] >> right) & mask


@jit
def pack_tokens(x, first, span, groups, segments, coding, out, sums):
    """Do as `pack_digits` for a linear layer, whose inputs lie token by token.

    Parameters
    ----------
    x : int16 or int32[batch, tokens, inputs]
    first : int
        Input that row 0 is.
    span, groups, segments, coding, out, sums
        As in `pack_digits`.
    """
    n_positions = span[3]
    raised, bits, bipolar = coding[0], coding[1], coding[2]
    mask = (1 << bits) - 1
    for b in range(span[1]):
        for p in range(n_positions):
            to = b * n_positions + p
            values = x[span[0] + b, span[2] + p, first:]
            for k in range(sums.shape[1]):
                total = raised * segments[k, 1]
                for value in values[segments[k, 0] : segments[k, 0] + segments[k, 1]]:
                    total += value
                sums[to, k] = total
            for part in range(out.shape[0]):
                right = part * bits
                for g in range(len(groups)):
                    line_out = out[part, to, g]
                    some = values[groups[g, 0] : groups[g, 0] + groups[g, 1]]
                    if bipolar:
                        for i in range(len(some)):
                            digit = (abs(some[i]) >> right) & mask
                            line_out[i] = digit if some[i] >= 0 else -digit
                    else:
                        for i in range(len(some)):
                            line_out[i] = ((some[i] + raised) >> right) & mask
