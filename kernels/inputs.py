"""Prepare the inputs of a layer: quantise, unfold convolution windows, pack bit planes.

All take ``x[batch, channels, height, width]`` (a linear layer has height = width = 1) and a *span*
``[first image, images, first position, positions]``: the rows of the output are the positions
``first position ..`` of each of the images, images outermost.  Rows of the weight matrix are
ordered (channel, kernel row, kernel column).
"""

from __future__ import annotations

import numpy as np

from crossbar.kernels._jit import jit

__all__ = ["drive_map", "pack_planes", "quantise", "unfold"]


@jit
def quantise(x, scale, low, high, top, left, out, zero=0):
    """Round activations to integers, half to even, into the middle of a padded image.

    ``out[b, c, y + top, x + left] = clip(rint(x[b, c, y, x] / scale) + zero, low, high)``

    Parameters
    ----------
    x : float32[batch, channels, height, width]
    scale : float32
    low, high : int
    top, left : int
        Padding above and to the left; it must already be in ``out``, as the code of 0.
    out : int16 or int32[batch, channels, height + top + bottom, width + left + right]
    zero : int
        The code of 0.

    Returns
    -------
    int
        Inputs that are NaN; what stands for them in ``out`` means nothing.
    """
    broken = 0
    least, most = np.float32(low - zero), np.float32(high - zero)
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(x.shape[2]):
                for j in range(x.shape[3]):
                    q = np.rint(x[b, c, i, j] / scale)
                    broken += int(q != q)
                    out[b, c, i + top, j + left] = int(min(max(q, least), most)) + zero
    return broken


@jit
def unfold(x, geometry, span, out):
    """Lay out each position's inputs as one column of a matrix (im2col).

    Inputs go down and positions across, so that the innermost loop copies neighbouring pixels.

    Parameters
    ----------
    x : int16 or int32[batch, channels, height, width], zero-padded
    geometry : int64[9]
        First channel, channels, kernel height, kernel width, stride down, stride across, dilation
        down, dilation across, output width.
    span : int64[4]
    out : float32 or float64[inputs, images * positions]
    """
    c0, channels, kh, kw = geometry[0], geometry[1], geometry[2], geometry[3]
    sh, sw, dh, dw, out_width = geometry[4], geometry[5], geometry[6], geometry[7], geometry[8]
    first, n_positions = span[2], span[3]
    end = first + n_positions
    for b in range(span[1]):
        for c in range(channels):
            for ky in range(kh):
                for kx in range(kw):
                    row = out[(c * kh + ky) * kw + kx]
                    for oy in range(first // out_width, (end - 1) // out_width + 1):
                        line = x[span[0] + b, c0 + c, oy * sh + ky * dh]
                        ox = max(first - oy * out_width, 0)
                        stop = min(end - oy * out_width, out_width)
                        at = b * n_positions + oy * out_width - first
                        if sw == 1:
                            for i in range(ox, stop):
                                row[at + i] = line[i + kx * dw]
                        else:
                            for i in range(ox, stop):
                                row[at + i] = line[i * sw + kx * dw]


@jit
def pack_planes(x, geometry, span, groups, segments, coding, planes, sums):
    """Unfold and pack the bits of each position's inputs, 64 rows of a row group a word.

    Parameters
    ----------
    x, geometry, span
        As in `unfold`.
    groups : int64[row_groups, 2]
        First row and rows of each row group.
    segments : int64[segments, 2]
        First row and rows of each sum.
    coding : int64[4]
        Added to each input; bits of an input; a plane; and what goes there: 0 nothing, plane k
        holds bit k throughout; 1 the top bit (two's complement sign read); 2 bit 0 of the negative
        parts: planes before it hold the bits of max(x, 0), from it on those of max(-x, 0), each of
        that many bits (sign and magnitude).
    planes : uint64[rows, row_groups, planes, words]
        Filled.
    sums : int64[rows, segments]
        Filled with the sum of the (raised) inputs of each segment.
    """
    c0, channels, kh, kw = geometry[0], geometry[1], geometry[2], geometry[3]
    sh, sw, dh, dw, out_width = geometry[4], geometry[5], geometry[6], geometry[7], geometry[8]
    n_positions = span[3]
    raised, bits, sign_plane, mode = coding[0], coding[1], coding[2], coding[3]
    n_groups, n_planes, words = planes.shape[1], planes.shape[2], planes.shape[3]
    values = np.empty(channels * kh * kw, np.int64)
    low_bytes = np.zeros(words * 64, np.uint8)
    high_bytes = np.zeros(words * 64, np.uint8)
    low_words = low_bytes.view(np.uint64)
    high_words = high_bytes.view(np.uint64)
    for b in range(span[1]):
        for p in range(n_positions):
            oy, ox = divmod(span[2] + p, out_width)
            out = b * n_positions + p
            r = 0
            for c in range(c0, c0 + channels):
                for ky in range(kh):
                    line = x[span[0] + b, c, oy * sh + ky * dh]
                    for kx in range(kw):
                        values[r] = line[ox * sw + kx * dw] + raised
                        r += 1
            for k in range(sums.shape[1]):
                total = 0
                for i in range(segments[k, 0], segments[k, 0] + segments[k, 1]):
                    total += values[i]
                sums[out, k] = total
            for g in range(n_groups):
                start, rows = groups[g, 0], groups[g, 1]
                for k in range(n_planes):
                    for i in range(words):
                        planes[out, g, k, i] = 0
                for part in range(2 if mode == 2 else 1):
                    for i in range(rows):
                        value = values[start + i]
                        if mode == 2:
                            value = max(-value if part else value, 0)
                        low_bytes[i] = value & 255
                        high_bytes[i] = (value >> 8) & 255
                    low_bytes[rows:] = 0
                    high_bytes[rows:] = 0
                    for k in range(words * 8):
                        word, lane = k >> 3, np.uint64((k & 7) * 8)
                        for half in range((bits + 7) >> 3):
                            # 8 x 8 bit transpose (Warren, Hacker's Delight, 7-3): byte j = bit j
                            # of 8 rows
                            t = high_words[k] if half else low_words[k]
                            s = (t ^ (t >> np.uint64(7))) & np.uint64(0x00AA00AA00AA00AA)
                            t = t ^ s ^ (s << np.uint64(7))
                            s = (t ^ (t >> np.uint64(14))) & np.uint64(0x0000CCCC0000CCCC)
                            t = t ^ s ^ (s << np.uint64(14))
                            s = (t ^ (t >> np.uint64(28))) & np.uint64(0x00000000F0F0F0F0)
                            t = t ^ s ^ (s << np.uint64(28))
                            for j in range(min(8, bits - 8 * half)):
                                bit = 8 * half + j
                                plane = bit
                                if mode == 1 and bit == bits - 1:
                                    plane = sign_plane
                                elif part == 1:
                                    plane = sign_plane + bit
                                byte = (t >> np.uint64(8 * j)) & np.uint64(255)
                                planes[out, g, plane, word] |= byte << lane


@jit
def drive_map(x, table, mask, out):
    """Sum ``table[x & mask]`` over the batch.

    Parameters
    ----------
    x : int16 or int32[batch, channels, height, width]
    table : float64[mask + 1]
        From `InputCoding.drive_squares`.
    mask : int
    out : float64[channels, height, width], added to
    """
    for b in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(x.shape[2]):
                for j in range(x.shape[3]):
                    out[c, i, j] += table[x[b, c, i, j] & mask]
