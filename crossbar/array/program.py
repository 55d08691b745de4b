"""One bundle of a layer as programmed: the physical codes, with their faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.circuit.adc import Adc, make_adc, make_unit_adc
from crossbar.device.faults import StuckAt, stuck_codes
from crossbar.mapping.encode import Encoding, encode
from crossbar.mapping.tiling import Bundle, usable_columns

__all__ = ["Cells", "program_cells"]


@dataclass(frozen=True)
class Cells:
    """What the cells of one copy of a bundle store, after faults.

    Parameters
    ----------
    codes : uint8[slices, rows, outputs]
        Codes of the weight columns, flipped where ``flips`` says so.
    flips : bool[row_groups, slices, outputs]
        Columns stored as ``top - code``.
    used : bool[rows, outputs]
        Cells that hold a weight; the others of a block-diagonal bundle are programmed to 0.
    unit : uint8[rows, col_blocks]
        Codes of the unit columns; empty without them.
    level_sums : int64[rows]
        Sum of the codes of *all* physical cells on the row's wordlines, unused columns included.
    cells_per_row : int
        Physical cells on the row's wordlines.
    adc, unit_adc : Adc
    drive : int
        Largest drive of a row, ``2**dac.bits - 1``.
    """

    codes: NDArray[np.uint8]
    flips: NDArray[np.bool_]
    used: NDArray[np.bool_]
    unit: NDArray[np.uint8]
    level_sums: NDArray[np.int64]
    cells_per_row: int
    adc: Adc
    unit_adc: Adc
    drive: int


def _flip(
    codes: NDArray[np.uint8], used: NDArray[np.bool_], bundle: Bundle, encoding: Encoding
) -> NDArray[np.bool_]:
    """Store the fuller columns of each row group as ``top - code``, in place."""
    flips = np.zeros((len(bundle.row_groups), *codes.shape[::2]), dtype=np.bool_)
    for g, group in enumerate(bundle.row_groups):
        rows = slice(group.start, group.start + group.rows)
        held = used[rows]
        for j, s in enumerate(encoding.slices):
            part = codes[j, rows]
            flips[g, j] = 2 * part.sum(0, dtype=np.int64) > s.top * held.sum(0)
            part[...] = np.where(held & flips[g, j], s.top - part, part)
    return flips


def program_cells(
    weights: NDArray[np.integer],
    used: NDArray[np.bool_],
    bundle: Bundle,
    encoding: Encoding,
    arch: Arch,
    starts: NDArray[np.int64],
    faults: StuckAt | None = None,
    seed: int = 0,
) -> Cells:
    """Program one copy of a bundle.

    Parameters
    ----------
    weights : int[rows, outputs]
        Signed integers.
    used : bool[rows, outputs]
        Where they count.
    bundle : Bundle
    encoding : Encoding
    arch : Arch
    starts : int64[row blocks]
        Number on the chip of the first array of each row block; its others follow.
    faults : StuckAt, optional
    seed : int
        Of the fault map.
    """
    codes = encode(weights, encoding)
    codes[:, ~used] = 0
    if arch.array.flip_columns:
        flips = _flip(codes, used, bundle, encoding)
    else:
        flips = np.zeros((len(bundle.row_groups), *codes.shape[::2]), dtype=np.bool_)
    width = usable_columns(arch)
    units = arch.array.cols - width
    physical = np.zeros((bundle.rows, bundle.col_blocks, arch.array.cols), dtype=np.uint8)
    order = list(encoding.order)
    side_by_side = codes[order].transpose(1, 2, 0).reshape(bundle.rows, bundle.columns)
    for block in range(bundle.col_blocks):
        part = side_by_side[:, block * width : (block + 1) * width]
        physical[:, block, : part.shape[1]] = part
    if units:
        physical[:, :, width] = 1
    if faults is not None and (faults.on or faults.off):
        top = (1 << arch.cell.bits) - 1
        for down in range(bundle.row_blocks):
            rows = slice(down * arch.array.rows, (down + 1) * arch.array.rows)
            for across in range(bundle.col_blocks):
                physical[rows, across] = stuck_codes(
                    physical[rows, across], int(starts[down]) + across, faults, seed, top
                )
        flat = physical[:, :, :width].reshape(bundle.rows, -1)[:, : bundle.columns]
        shape = (bundle.rows, bundle.outputs, encoding.columns)
        codes[order] = flat.reshape(shape).transpose(2, 0, 1)
    return Cells(
        codes,
        flips,
        used,
        physical[:, :, width].copy() if units else np.zeros((bundle.rows, 0), dtype=np.uint8),
        physical.sum((1, 2), dtype=np.int64),
        bundle.col_blocks * arch.array.cols,
        make_adc(arch),
        make_unit_adc(arch),
        (1 << arch.dac.bits) - 1,
    )
