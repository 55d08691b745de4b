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
from crossbar.kernels.moments import add_moments
from crossbar.mapping.tiling import Bundle

__all__ = ["drive_moments", "drive_squares", "energy_of_moments"]

_VECTORS = 512  # input vectors of a span


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

    def work(span: Span) -> list[NDArray[np.int64]]:
        columns = np.empty((bundle.rows, span.rows), dtype=np.float32)
        unfold(x, geometry, span.numbers(), columns)
        digits = coding.digits(columns.astype(np.int64))
        found = [np.zeros((g.rows, g.rows), dtype=np.int64) for g in bundle.row_groups]
        for digit in digits:
            bits = _bits(digit)
            for group, matrix in zip(bundle.row_groups, found, strict=True):
                rows = slice(group.start, group.start + group.rows)
                for one_weight, one in bits:
                    for other_weight, other in bits:
                        add_moments(one[rows], other[rows], one_weight * other_weight, matrix)
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


def _bits(digits: NDArray[np.int64]) -> list[tuple[int, NDArray[np.uint64]]]:
    """Cut ``digits[rows, vectors]`` into bits, 64 vectors a word; negative digits have their own.

    Returns
    -------
    list of (int, uint64[rows, words])
        What a bit counts, and the bits.
    """
    out = []
    for sign in (1, -1):
        magnitude = np.maximum(sign * digits, 0)
        for k in range(int(magnitude.max(initial=0)).bit_length()):
            packed = np.packbits(((magnitude >> k) & 1).astype(np.uint8), axis=1)
            room = np.zeros((len(packed), -(-packed.shape[1] // 8) * 8), dtype=np.uint8)
            room[:, : packed.shape[1]] = packed
            out.append((sign * (1 << k), room.view(np.uint64)))
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
