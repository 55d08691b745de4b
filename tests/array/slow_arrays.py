"""A layer of arbitrary conductances computed cell by cell, read by read, from the design's text."""

from __future__ import annotations

import math

import numpy as np

from tests.kernels import naive


def currents(arch, codes, states, array, seed, t=None, epoch=0):
    """What each cell of one physical array lets through at each digit [S x steps].

    Returns ``float[digits][rows][cols]``; the wires are solved as one network of all nodes.
    """
    from crossbar.device.drift import drifted
    from crossbar.device.programmed import programmed_conductance
    from crossbar.device.telegraph import telegraph_conductance

    cell = arch.cell
    g = programmed_conductance(cell, codes, array, seed)
    if t is not None:
        g = drifted(cell, g, array, seed, t)
    if states is not None:
        g = np.where(states == 1, cell.g_on, g)
        g = np.where(states == 2, cell.g_off, g)
    g = telegraph_conductance(cell, g, array, seed, epoch)
    a = arch.array
    r = (
        a.wire_resistance_row,
        a.wire_resistance_col,
        a.driver_resistance,
        a.sense_resistance,
    )
    if any(r):
        g = network(g, *r)
    full = (1 << arch.dac.bits) - 1
    out = np.zeros((full + 1, *g.shape))
    for d in range(1, full + 1):
        drive = d
        if cell.nonlinearity.kind == "sinh":
            alpha = cell.nonlinearity.alpha
            drive = full * math.sinh(alpha * d / full) / math.sinh(alpha)
        out[d] = g * drive
    return out


def network(g, r_row, r_col, r_driver, r_sense):
    """Currents of each column for each row driven alone, by all nodes at once (dense)."""
    rows, cols = g.shape
    tiny = 1e-9  # ohm: an ideal wire
    n = 2 * rows * cols
    y = np.zeros((n, n))
    source = np.zeros((n, rows))

    def a(r, c):
        return r * cols + c

    def b(r, c):
        return rows * cols + r * cols + c

    def join(i, j, conductance):
        y[i, i] += conductance
        y[j, j] += conductance
        y[i, j] -= conductance
        y[j, i] -= conductance

    ground = np.zeros(cols)
    for r in range(rows):
        for c in range(cols):
            join(a(r, c), b(r, c), g[r, c])
            if c:
                join(a(r, c), a(r, c - 1), 1 / max(r_row, tiny))
            if r:
                join(b(r, c), b(r - 1, c), 1 / max(r_col, tiny))
        first = 1 / max(r_row + r_driver, tiny)
        y[a(r, 0), a(r, 0)] += first
        source[a(r, 0), r] = first
    for c in range(cols):
        ground[c] = 1 / max(r_col + r_sense, tiny)
        y[b(rows - 1, c), b(rows - 1, c)] += ground[c]
    v = np.linalg.solve(y, source)
    return np.stack([v[b(rows - 1, c)] * ground[c] for c in range(cols)], axis=1)


def layer(x, w, arch, bits, input_bits, signed, array_of, convert, used=None):
    """One input vector through one matrix.

    Parameters
    ----------
    array_of : callable (block down, block across, codes) -> currents of that array
    convert : callable (sum in levels, block down, block across, slice, output) -> value in levels
    """
    a, cell = arch.array, arch.cell
    n_rows, n_out = w.shape
    used = np.ones(w.shape, dtype=bool) if used is None else used
    analog = a.subtract == "analog"
    reference = cell.pedestal == "reference" and not analog
    unit = a.input_sum == "column"
    usable = a.cols - int(unit) - int(reference)
    if analog:
        usable -= usable % 2
    summing = a.cols - 1 - int(reference)
    step = (cell.g_on - cell.g_off) / ((1 << cell.bits) - 1)
    pedestal = cell.g_off / step
    digits, weights, raised = naive.input_reads(
        x, input_bits, arch.dac.bits, signed, arch.dac.signed
    )
    per_read = a.rows_per_read or a.rows
    one = naive.weight_columns(0, bits, cell.bits, a.encoding, cell.narrow_slice)
    n_slices = len(one[0])
    half = n_slices // 2
    down, across = -(-n_rows // a.rows), -(-n_out * n_slices // usable)
    codes = np.zeros((down, across, a.rows, a.cols), dtype=np.uint8)
    if unit:
        codes[..., summing] = 1
    groups = []
    for start in range(0, n_rows, a.rows):
        end = min(n_rows, start + a.rows)
        groups += [range(s, min(end, s + per_read)) for s in range(start, end, per_read)]

    def column(n, j):
        if not analog:
            return n * n_slices + j
        return n * n_slices + (2 * j if j < half else 2 * (j - half) + 1)

    flips = {}
    tops = [c[2] for c in one[0]]
    for n in range(n_out):
        cut = [
            naive.weight_columns(w[r, n], bits, cell.bits, a.encoding, cell.narrow_slice)[0]
            for r in range(n_rows)
        ]
        for g, rows in enumerate(groups):
            held = [r for r in rows if used[r, n]]
            for j in range(n_slices):
                stored = {r: cut[r][j][0] for r in held}
                flips[g, j, n] = a.flip_columns and 2 * sum(stored.values()) > tops[j] * len(held)
                for r, code in stored.items():
                    block, col = divmod(column(n, j), usable)
                    kept = tops[j] - code if flips[g, j, n] else code
                    codes[r // a.rows, block, r % a.rows, col] = kept
    arrays = {(i, k): array_of(i, k, codes[i, k]) for i in range(down) for k in range(across)}

    def raw(g, t, block, col):
        """Column sum in levels, as the converter gets it."""
        total = 0.0
        for r in groups[g]:
            d = int(digits[t][r])
            current = arrays[r // a.rows, block][abs(d), r % a.rows]
            part = current[col]
            if reference:
                part = part - current[-1]
            elif cell.pedestal == "ideal":
                part = part - abs(d) * cell.g_off
            total += part / step * (1 if d >= 0 else -1)
        return total

    out = np.zeros(n_out)
    for n in range(n_out):
        offset = one[1]
        for g, rows in enumerate(groups):
            place = groups[g][0] // a.rows
            held = [r for r in rows if used[r, n]]
            for t, weight in enumerate(weights):

                def input_sum(j, which, t=t, g=g, n=n, place=place):
                    if not unit:
                        return float(sum(int(digits[t][r]) for r in which))
                    block = column(n, j) // usable
                    value = convert(raw(g, t, block, summing), place, block, None, None)
                    return value / (1 + pedestal) if cell.pedestal == "digital" else value

                for j in range(half if analog else n_slices):
                    block, col = divmod(column(n, j), usable)
                    s = raw(g, t, block, col)
                    if analog:
                        s -= raw(g, t, block, col + 1)
                    value = convert(s, place, block, j, n)
                    spread = one[0][j][1]
                    if cell.pedestal == "digital" and not analog:
                        value -= pedestal * input_sum(j, rows)
                    if flips[g, j, n]:
                        value = tops[j] * input_sum(j, held) - value
                    out[n] += weight * spread * value
                out[n] -= weight * offset * input_sum(0, held) if offset else 0.0
        out[n] -= raised * int(w[:, n].sum())
    return out
