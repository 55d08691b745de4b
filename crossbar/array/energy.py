"""What a batch drives on the rows, and the energy that the cells take from it.

Without wires the energy of a read is ``t * sum of v**2 * g`` over all cells on driven rows, so the
sum of digit**2 of each row is enough.  Through wires rows share currents: ``t * v^T Y v`` with the
admittance Y that the drivers see, and what is summed is the product of the digits of each pair of
rows that are read together.  Both are whole numbers, exact in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crossbar.array.window import Span, Window, map_parts, spans
from crossbar.circuit.dac import InputCoding
from crossbar.kernels.inputs import drive_map, unfold
from crossbar.kernels.moments import add_moments, pack_rows
from crossbar.mapping.tiling import Bundle

__all__ = ["drive_moments", "drive_squares", "energy_of_moments"]

_VECTORS = 4096  # input vectors of a span


def drive_squares(
    x: NDArray[np.integer],
    window: Window,
    coding: InputCoding,
    stripes: Sequence[tuple[int, int]],
) -> NDArray[np.float64]:
    """Sum digit**2 over all reads and positions.

    Parameters
    ----------
    x : int16 or int32[batch, channels, height, width]
    window, coding
    stripes : sequence of (first position, positions)
        Of each copy.

    Returns
    -------
    float64[copies, inputs of all groups]
        Whole numbers.
    """
    squares = np.zeros(x.shape[1:], dtype=np.float64)
    drive_map(x, coding.drive_squares(), (1 << coding.bits) - 1, squares)
    return np.stack([_window_sums(squares, window, *part).reshape(-1) for part in stripes])


def drive_moments(
    x: NDArray[np.integer],
    window: Window,
    coding: InputCoding,
    stripes: Sequence[tuple[int, int]],
    bundles: tuple[Bundle, ...],
    channels: int,
) -> NDArray[np.float64]:
    """Sum the products of the digits of each pair of rows of a row group.

    Parameters
    ----------
    x, window, coding, stripes
        As for `drive_squares`.
    bundles : tuple of Bundle
    channels : int
        Input channels of a group of the layer.

    Returns
    -------
    float64[copies, n]
        Whole numbers: the matrices ``[rows, rows]`` of all row groups of all bundles, flattened.
    """
    out = []
    for first, count in stripes:
        parts = [
            _bundle_moments(x, window, coding, bundle, channels, (first, count))
            for bundle in bundles
        ]
        out.append(np.concatenate([matrix.reshape(-1) for part in parts for matrix in part]))
    return np.stack(out).astype(np.float64)


def _bundle_moments(
    x: NDArray[np.integer],
    window: Window,
    coding: InputCoding,
    bundle: Bundle,
    channels: int,
    stripe: tuple[int, int],
) -> list[NDArray[np.int64]]:
    geometry = window.geometry(bundle.first_group * channels, bundle.groups * channels)

    reads = _reads(coding)

    def work(span: Span) -> list[NDArray[np.int64]]:
        columns = np.empty((bundle.rows, span.rows), dtype=np.float32)
        unfold(x, geometry, span.numbers(), columns)
        planes = _planes(columns, coding)
        found = [np.zeros((g.rows, g.rows), dtype=np.int64) for g in bundle.row_groups]
        for group, matrix in zip(bundle.row_groups, found, strict=True):
            rows = slice(group.start, group.start + group.rows)
            for read in reads:
                for one, one_weight in read:
                    for other, other_weight in read:
                        weight = one_weight * other_weight
                        add_moments(planes[one, rows], planes[other, rows], weight, matrix)
        return found

    cut = list(spans(x.shape[0], *stripe, _VECTORS)) if stripe[1] else []
    total = [np.zeros((g.rows, g.rows), dtype=np.int64) for g in bundle.row_groups]
    for found in map_parts(work, cut):
        for matrix, part in zip(total, found, strict=True):
            matrix += part
    return total


def energy_of_moments(
    moments: NDArray[np.float64],
    admittances: list[NDArray[np.float64]],
    bundles: tuple[Bundle, ...],
) -> float:
    """Sum ``d^T Y d`` over the reads whose moments were summed [S].

    Parameters
    ----------
    moments : float64[n]
        Of one copy, from `drive_moments`.
    admittances : list of float64[row_blocks, array rows, array rows]
        By bundle.
    bundles : tuple of Bundle
    """
    total, at = 0.0, 0
    for bundle, admittance in zip(bundles, admittances, strict=True):
        array_rows = admittance.shape[1]
        for group in bundle.row_groups:
            row = group.start - group.block * array_rows
            here = slice(row, row + group.rows)
            size = group.rows**2
            matrix = moments[at : at + size].reshape(group.rows, group.rows)
            total += float((matrix * admittance[group.block, here, here]).sum())
            at += size
    return total


def _planes(columns: NDArray[np.float32], coding: InputCoding) -> NDArray[np.uint64]:
    """Cut inputs into bits, 64 vectors a word: ``uint64[planes, rows, words]``.

    Bits from the lowest on; where drives have a sign those of the positive parts, then those of
    the negative ones.
    """
    rows, vectors = columns.shape
    signs = (1, -1) if coding.bipolar else (0,)
    bits = coding.main_bits if coding.bipolar else coding.bits
    out = np.empty((len(signs) * bits, rows, -(-vectors // 64)), dtype=np.uint64)
    for k, sign in enumerate(signs):
        pack_rows(columns, coding.offset, sign, out[k * bits : (k + 1) * bits])
    return out


def _reads(coding: InputCoding) -> list[list[tuple[int, int]]]:
    """Which planes make the digit of each read, and what each counts in it."""
    main = coding.main_bits
    out = []
    for first in range(0, main, coding.digit):
        read = [(b, 1 << (b - first)) for b in range(first, min(main, first + coding.digit))]
        if coding.bipolar:
            read += [(main + b, -count) for b, count in read]
        out.append(read)
    if coding.sign_read:
        out.append([(main, 1)])
    return out


def _window_sums(
    image: NDArray[np.float64], window: Window, first: int, count: int
) -> NDArray[np.float64]:
    """Sum what each kernel tap sees over some positions: ``float64[channels, kernel taps]``."""
    height, width = window.size
    chosen = np.zeros(height * width, dtype=np.float64)
    chosen[first : first + count] = 1.0
    mask = chosen.reshape(height, width)
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    out = np.empty((image.shape[0], kh * kw), dtype=np.float64)
    for ky in range(kh):
        for kx in range(kw):
            tap = image[
                :,
                ky * dh : ky * dh + sh * (height - 1) + 1 : sh,
                kx * dw : kx * dw + sw * (width - 1) + 1 : sw,
            ]
            out[:, ky * kw + kx] = np.einsum("cyx,yx->c", tap, mask)
    return out
