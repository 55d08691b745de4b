"""Slow, obvious twins of the kernels and of a layer on crossbars, written from the design's text.

Nothing here is shared with the package but plain numbers: encodings, slicing, flips, conversions
and input reads are spelled out again, cell by cell and read by read.
"""

from __future__ import annotations

import math

import numpy as np


def input_reads(x, bits, digit, signed, mode):
    """Digits driven in each read, what each read counts, and what was added to the inputs."""
    x = [int(v) for v in x]
    raised = 0
    if signed and mode == "offset":
        raised = 1 << (bits - 1)
        x = [v + raised for v in x]
        signed = False
    main = bits - 1 if signed else bits
    if signed and mode == "sign_magnitude":
        digits, weights = [], []
        for low in range(0, main, digit):
            width = min(digit, main - low)
            digits.append([(abs(v) >> low) % (1 << width) * (1 if v > 0 else -1) for v in x])
            weights.append(1 << low)
        return np.array(digits), weights, 0
    digits, weights = [], []
    low = 0
    while low < main:
        width = min(digit, main - low)
        digits.append([(v >> low) % (1 << width) for v in x])
        weights.append(1 << low)
        low += width
    if signed:
        digits.append([1 if v < 0 else 0 for v in x])
        weights.append(-(1 << (bits - 1)))
    return np.array(digits), weights, raised


def weight_columns(w, bits, cell, encoding, narrow="low_levels"):
    """Columns of one weight: list of (code, what it counts, top); and the offset."""
    columns, offset = plain_columns(int(w), bits, cell, encoding)
    physical = (1 << cell) - 1
    if narrow == "full_swing":
        columns = [
            (c * (physical // t), m / (physical // t), physical) if physical % t == 0 else (c, m, t)
            for c, m, t in columns
        ]
    return columns, offset


def plain_columns(w, bits, cell, encoding):
    """The same with a narrow slice in the lowest levels of its cell."""

    def cut(value, width, unit):
        cols, low = [], 0
        while low < width:
            part = min(cell, width - low)
            cols.append(((value >> low) % (1 << part), unit << low, (1 << part) - 1))
            low += part
        return cols

    if bits == 1:
        if encoding == "offset":
            return [((w + 1) // 2, 2, 1)], 1
        if encoding == "differential":
            return [(int(w > 0), 1, 1), (int(w < 0), -1, 1)], 0
        return [(int(w < 0), -2, 1)], -1
    if encoding == "offset":
        return cut(w + (1 << (bits - 1)), bits, 1), 1 << (bits - 1)
    if encoding == "differential":
        plus, minus = max(w, 0), max(-w, 0)
        negative = [(c, -m, t) for c, m, t in cut(minus, bits - 1, 1)]
        return cut(plus, bits - 1, 1) + negative, 0
    value = w % (1 << bits)
    low_part = cut(value % (1 << (bits - 1)), bits - 1, 1)
    return [*low_part, (value >> (bits - 1), -(1 << (bits - 1)), 1)], 0


def adc(policy, bits, s_max, signed):
    """Return (convert, lsb, saturates) of the contract, in exact integer arithmetic."""
    if policy == "lossless":
        need = 0
        while (1 << need) - 1 < s_max:
            need += 1
        bits = need + 1 if signed else need
    low = -(1 << (bits - 1)) if signed else 0
    high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1

    def raw(s):
        if policy != "full":
            return s
        return (2 * s * high + s_max) // (2 * s_max)

    def convert(s):
        return min(max(raw(s), low), high)

    return convert, (s_max / high if policy == "full" else 1.0), lambda s: not low <= raw(s) <= high


def layer(x, w, arch, bits, input_bits, signed, fault=None, used=None):
    """One input vector through one matrix on crossbars.

    Parameters
    ----------
    x : int[rows]
    w : int[rows, outputs]
    used : bool[rows, outputs], optional
        Where a weight is held; the other cells (off the diagonal of grouped layers) are programmed
        to 0 and take part in neither offset, flip nor input sum.  All where absent.
    fault : callable (block down, block across, row, col) -> None or the code the cell is stuck at

    Returns
    -------
    float[outputs], int saturations
    """
    n_rows, n_out = w.shape
    used = np.ones(w.shape, dtype=bool) if used is None else used
    a = arch.array
    per_read = a.rows_per_read or a.rows
    top_cell = (1 << arch.cell.bits) - 1
    drive = (1 << arch.dac.bits) - 1
    s_max_unit = per_read * drive * top_cell
    s_max = drive * max(1, per_read * top_cell // 2) if a.flip_columns else s_max_unit
    analog = a.subtract == "analog"
    convert, lsb, saturates = adc(arch.adc.policy, arch.adc.bits, s_max, analog)
    unit_convert, unit_lsb, unit_saturates = adc(arch.adc.policy, arch.adc.bits, s_max_unit, False)
    usable = a.cols - (1 if a.input_sum == "column" else 0)
    if analog:
        usable -= usable % 2
    digits, weights, raised = input_reads(x, input_bits, arch.dac.bits, signed, arch.dac.signed)

    def stuck(row, physical_column, code):
        if fault is None:
            return code
        across, col = divmod(physical_column, usable)
        got = fault(row // a.rows, across, row % a.rows, col)
        return code if got is None else got

    def stuck_unit(row, across):
        got = None if fault is None else fault(row // a.rows, across, row % a.rows, usable)
        return 1 if got is None else got

    groups = []
    for start in range(0, n_rows, a.rows):
        end = min(n_rows, start + a.rows)
        groups += [range(s, min(end, s + per_read)) for s in range(start, end, per_read)]
    out = np.zeros(n_out)
    clipped = 0
    sums_needed = False
    per_weight = len(weight_columns(0, bits, arch.cell.bits, a.encoding)[0])
    arrays_across = -(-n_out * per_weight // usable)

    def unit_sum(g, t, across):
        return sum(int(digits[t, r]) * stuck_unit(r, across) for r in groups[g])

    for n in range(n_out):
        columns = [
            weight_columns(w[r, n], bits, arch.cell.bits, a.encoding, arch.cell.narrow_slice)
            for r in range(n_rows)
        ]
        offset = columns[0][1]
        n_slices = len(columns[0][0])
        value = 0.0
        for g, rows in enumerate(groups):
            held = [r for r in rows if used[r, n]]

            def input_sum(t, physical_column, g=g, held=held):
                nonlocal sums_needed
                sums_needed = True
                if a.input_sum == "digital":
                    return float(sum(int(digits[t, r]) for r in held))
                return unit_convert(unit_sum(g, t, physical_column // usable)) * unit_lsb

            stored = []
            for j in range(n_slices):
                codes = [columns[r][0][j][0] if used[r, n] else 0 for r in rows]
                top = columns[0][0][j][2]
                flip = a.flip_columns and 2 * sum(codes) > top * len(held)
                if flip:
                    codes = [top - c if r in held else 0 for r, c in zip(rows, codes, strict=True)]
                p = n * n_slices + j
                if analog:  # plus and minus of a pair lie side by side
                    half = n_slices // 2
                    p = n * n_slices + (2 * j if j < half else 2 * (j - half) + 1)
                codes = [stuck(r, p, c) for r, c in zip(rows, codes, strict=True)]
                stored.append((codes, flip, top))
            for t, weight in enumerate(weights):
                sums = [
                    sum(int(digits[t, r]) * c for r, c in zip(rows, codes, strict=True))
                    for codes, _, _ in stored
                ]
                if analog:
                    half = n_slices // 2
                    for j in range(half):
                        s = sums[j] - sums[j + half]
                        clipped += saturates(s)
                        value += weight * columns[0][0][j][1] * convert(s) * lsb
                else:
                    for j, s in enumerate(sums):
                        clipped += saturates(s)
                        read = convert(s) * lsb
                        if stored[j][1]:
                            read = stored[j][2] * input_sum(t, n * n_slices + j) - read
                        value += weight * columns[0][0][j][1] * read
                if offset:
                    value -= weight * offset * input_sum(t, n * n_slices)
        out[n] = value - raised * int(w[:, n].sum())
    if sums_needed and a.input_sum == "column":  # then every array's unit column is converted
        for g in range(len(groups)):
            for t in range(len(weights)):
                for across in range(arrays_across):
                    clipped += unit_saturates(unit_sum(g, t, across))
    return out, clipped


def read_slice(x_bits, plus, minus, flip, convert, weights):
    """One slice read bit-serially with digits ``x_bits[positions, row groups, reads, rows]``.

    ``plus`` and ``minus`` are codes ``[row groups, rows, cols]``; returns results and saturations
    of ``convert(s) -> (code, saturated)``.
    """
    positions, n_groups, reads, rows = x_bits.shape
    out = np.zeros((positions, plus.shape[2]), dtype=np.int64)
    saturated = 0
    for p in range(positions):
        for g in range(n_groups):
            for c in range(plus.shape[2]):
                total = 0
                for t in range(reads):
                    s = 0
                    for r in range(rows):
                        s += int(x_bits[p, g, t, r]) * (int(plus[g, r, c]) - int(minus[g, r, c]))
                    code, clipped = convert(s)
                    saturated += clipped
                    total += weights[t] * code
                out[p, c] += -total if flip[g, c] else total
    return out, saturated


def window_inputs(x, geometry, span):
    """Rows of inputs of each position, (channel, kernel row, kernel column) inside a row."""
    c0, channels, kh, kw, sh, sw, dh, dw, out_width = (int(v) for v in geometry)
    image, images, first, positions = (int(v) for v in span)
    out = []
    for b in range(image, image + images):
        for p in range(first, first + positions):
            y, across = p // out_width, p % out_width
            row = []
            for c in range(c0, c0 + channels):
                for ky in range(kh):
                    for kx in range(kw):
                        row.append(int(x[b, c, y * sh + ky * dh, across * sw + kx * dw]))
            out.append(row)
    return np.array(out, dtype=np.int64)


def packed(rows, groups, bits, n_planes, sign_plane, words):
    """Bit planes of integer rows: bit ``i % 64`` of word ``i // 64`` is row i of a row group."""
    out = np.zeros((len(rows), len(groups), n_planes, words), dtype=object)
    for p, row in enumerate(rows):
        for g, (start, count) in enumerate(groups):
            for i in range(count):
                for bit in range(bits):
                    plane = sign_plane if sign_plane is not None and bit == bits - 1 else bit
                    if (int(row[start + i]) >> bit) & 1:
                        out[p, g, plane, i // 64] |= 1 << (i % 64)
    return out.astype(np.uint64)


def rounded(value, low, high):
    """Nearest integer of a float, ties to the even one, within limits."""
    below = math.floor(value)
    rest = value - below
    if rest > 0.5 or (rest == 0.5 and below % 2):
        below += 1
    return min(max(below, low), high)


def uniform(seed, stream, array, row, col):
    """One draw of `crossbar.kernels.draw.uniform_cells` in Python's own integers."""
    mask = (1 << 64) - 1

    def mix(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    z = mix((seed * 0x9E3779B97F4A7C15 + stream) & mask)
    z = (z + array * 0xD1B54A32D192ED03) & mask
    z ^= (row << 32) | col
    for _ in range(2):
        z = mix((z + 0x9E3779B97F4A7C15) & mask)
    return (z >> 11) / (1 << 53)
