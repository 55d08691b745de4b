"""Slow twins of the kernels for arbitrary conductances: real numbers, cell by cell."""

from __future__ import annotations

import math

import numpy as np

M64, M32 = (1 << 64) - 1, (1 << 32) - 1


def normals(key, vector, group, read, col):
    """One draw of noise, from the text of `crossbar.kernels._normals` in Python's own numbers."""

    def mix(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
        return z ^ (z >> 31)

    z = mix((key + vector * 0x9E3779B97F4A7C15) & M64)
    base = mix((z + ((group << 16) + read // 2) * 0xD1B54A32D192ED03) & M64)
    h = (col * 0x9E3779B9 + (base & M32)) & M32
    h = ((h ^ (h >> 16)) * 0x21F0AAAD) & M32
    h = (((h ^ (h >> 15)) + (base >> 32)) * 0x735A2D97) & M32
    h ^= h >> 15
    g = (h * 0x85EBCA6B) & M32
    g = ((g ^ (g >> 13)) * 0xC2B2AE35) & M32
    g ^= g >> 16
    radius = math.sqrt(-2 * math.log((h + 0.5) / 2**32))
    turn = 2 * math.pi * g / 2**32
    return radius * (math.sin(turn) if read % 2 else math.cos(turn))


def search(sum_, thresholds):
    """Search from the top bit, whatever the order of the thresholds."""
    code, bit = 0, len(thresholds) // 2
    while bit:
        if sum_ >= thresholds[code | bit]:
            code |= bit
        bit //= 2
    return code


def read(digits, groups, contributions, scale, low, high, options):
    """Every read of every row group.

    Parameters
    ----------
    digits : int[positions, reads, rows]
        Negative where the row is driven backwards.
    contributions : float[digits, rows, cols]
    scale : float[row_groups, cols]
    options : dict
        ``offset[row_groups, cols]``; ``thresholds[adcs, codes]`` and ``which[row_groups, cols]``;
        ``variance[digits, rows, cols]``, ``constant[row_groups, cols]`` (of the sum in lsb) and
        ``key, vectors, outputs``.

    Returns
    -------
    codes : int[positions, row_groups, reads, cols]
        Before they are clipped to low .. high (with thresholds, by one beyond at most).
    sums : float[...]
        Sums in lsb, noise and offset included.
    distance : float[...]
        From the sum to the nearest place where the code changes.
    deviations : float[...]
    """
    positions, reads, _ = digits.shape
    cols = contributions.shape[2]
    shape = (positions, len(groups), reads, cols)
    codes, sums, distance = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    deviations = np.zeros(shape)
    for p, g, t, c in np.ndindex(shape):
        s = variance = 0.0
        for r in range(groups[g][0], groups[g][0] + groups[g][1]):
            digit = int(digits[p, t, r])
            s += math.copysign(1, digit) * contributions[abs(digit), r, c]
            if "variance" in options:
                variance += options["variance"][abs(digit), r, c]
        s *= scale[g, c]
        if "constant" in options:
            deviation = math.sqrt(variance * scale[g, c] ** 2 + options["constant"][g, c])
            col = int(options["outputs"][c])
            s += deviation * normals(options["key"], int(options["vectors"][p]), g, t, col)
            deviations[p, g, t, c] = deviation
        if "thresholds" in options:
            row = options["thresholds"][options["which"][g, c]]
            code = search(s, row)
            if code == 0 and s < row[1] - 1:
                code -= 1
            elif code == len(row) - 1 and s >= row[-1] + 1:
                code += 1
            codes[p, g, t, c] = code + low
            places = [*row[1:], row[1] - 1, row[-1] + 1]
            distance[p, g, t, c] = min(abs(s - place) for place in places)
        else:
            s += options["offset"][g, c] if "offset" in options else 0.0
            codes[p, g, t, c] = math.floor(s + 0.5)
            distance[p, g, t, c] = abs(s + 0.5 - round(s + 0.5))
        sums[p, g, t, c] = s
    return codes, sums, distance, deviations


def joined(codes, low, high, weights, flip):
    """Clip, shift and add: ``int[positions, cols]``, and conversions clipped."""
    out = np.zeros((codes.shape[0], codes.shape[3]), np.int64)
    clipped = 0
    for p, g, t, c in np.ndindex(codes.shape):
        code = min(max(int(codes[p, g, t, c]), low), high)
        clipped += code != codes[p, g, t, c]
        out[p, c] += (-1 if flip[g, c] else 1) * weights[t] * code
    return out, clipped
