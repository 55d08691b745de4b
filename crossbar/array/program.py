"""One bundle of a layer as programmed: the codes of whole physical arrays, with their faults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.device.faults import Faults, apply_states, stuck_states
from crossbar.mapping.encode import Encoding, encode
from crossbar.mapping.tiling import Bundle, reference_column, usable_columns

__all__ = ["Cells", "program_cells", "stick", "unit_column", "weight_columns"]


_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True)
class Cells:
    """What the cells of one copy of a bundle store.

    Parameters
    ----------
    codes : uint8[slices, rows, outputs]
        Codes of the weight columns, flipped where ``flips`` says so.
    flips : bool[row_groups, slices, outputs]
        Columns stored as ``top - code``.
    used : bool[rows, outputs]
        Cells that hold a weight; the others of a block-diagonal bundle are programmed to 0.
    arrays : uint8[row_blocks, col_blocks, array rows, array columns]
        Codes of all physical cells: weight columns, unit column, reference column, unused ones.
    states : int8, shaped like ``arrays``, or None
        0 healthy, 1 stuck on, 2 stuck off; None without faults.
    """

    codes: NDArray[np.uint8]
    flips: NDArray[np.bool_]
    used: NDArray[np.bool_]
    arrays: NDArray[np.uint8]
    states: NDArray[np.int8] | None = None

    @property
    def rows(self) -> int:
        """Rows that can be driven: inputs of the bundle."""
        return int(self.codes.shape[1])

    def column(self, at: int) -> NDArray[np.uint8]:
        """Codes of one column of every array: ``uint8[rows, col_blocks]``."""
        column = self.arrays[:, :, :, at].transpose(0, 2, 1)
        return np.ascontiguousarray(column.reshape(-1, self.arrays.shape[1])[: self.rows])

    @property
    def level_sums(self) -> NDArray[np.int64]:
        """Sum of the codes of all physical cells on each row's wordlines, ``int64[rows]``."""
        sums = self.arrays.sum((1, 3), dtype=np.int64)
        return np.asarray(sums.reshape(-1)[: self.rows])

    @property
    def cells_per_row(self) -> int:
        """Physical cells on a row's wordlines."""
        return int(self.arrays.shape[1] * self.arrays.shape[3])


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
) -> Cells:
    """Choose the codes of a bundle; the same for all of its copies.

    Parameters
    ----------
    weights : int[rows, outputs]
        Signed integers.
    used : bool[rows, outputs]
        Where they count.
    bundle : Bundle
    encoding : Encoding
    arch : Arch
    """
    codes = encode(weights, encoding)
    codes[:, ~used] = 0
    if arch.array.flip_columns:
        flips = _flip(codes, used, bundle, encoding)
    else:
        flips = np.zeros((len(bundle.row_groups), *codes.shape[::2]), dtype=np.bool_)
    width, down, across = usable_columns(arch), bundle.row_blocks, bundle.col_blocks
    flat = np.zeros((down * arch.array.rows, across * width), dtype=np.uint8)
    order = list(encoding.order)
    flat[: bundle.rows, : bundle.columns] = (
        codes[order].transpose(1, 2, 0).reshape(bundle.rows, bundle.columns)
    )
    arrays = np.zeros((down, across, arch.array.rows, arch.array.cols), dtype=np.uint8)
    arrays[..., :width] = flat.reshape(down, arch.array.rows, across, width).transpose(0, 2, 1, 3)
    if arch.array.input_sum == "column":
        arrays[..., unit_column(arch)] = 1
    return Cells(codes, flips, used, arrays)


def unit_column(arch: Arch) -> int:
    """Column of an array that sums the inputs: the last but for the reference column."""
    return arch.array.cols - 1 - int(reference_column(arch))


def weight_columns(
    arrays: NDArray[_T], bundle: Bundle, encoding: Encoding, width: int
) -> NDArray[_T]:
    """Pick the weight columns out of whole arrays.

    Parameters
    ----------
    arrays : [row_blocks, col_blocks, array rows, array columns]
    bundle, encoding
    width : int
        Weight columns of an array (`crossbar.mapping.tiling.usable_columns`).

    Returns
    -------
    [slices, rows, outputs]
    """
    flat = arrays[..., :width].transpose(0, 2, 1, 3)
    flat = flat.reshape(flat.shape[0] * flat.shape[1], -1)[: bundle.rows, : bundle.columns]
    out = np.empty((encoding.columns, bundle.rows, bundle.outputs), dtype=arrays.dtype)
    out[list(encoding.order)] = flat.reshape(bundle.rows, bundle.outputs, -1).transpose(2, 0, 1)
    return out


def stick(
    cells: Cells,
    bundle: Bundle,
    encoding: Encoding,
    arch: Arch,
    starts: NDArray[np.int64],
    faults: Faults,
    seed: int,
) -> Cells:
    """Return the cells of one copy with its stuck ones.

    Parameters
    ----------
    cells : Cells
    bundle, encoding, arch
    starts : int64[row_blocks]
        Number on the chip of the first array of each row block; its others follow.
    faults : StuckAt or other faults
    seed : int
        Of the fault map.
    """
    shape = (arch.array.rows, arch.array.cols)
    states = np.empty(cells.arrays.shape, dtype=np.int8)
    for down, first in enumerate(starts):
        for across in range(bundle.col_blocks):
            states[down, across] = stuck_states(faults, int(first) + across, shape, seed)
    top = (1 << arch.cell.bits) - 1
    arrays = apply_states(cells.arrays, states, top)
    codes = weight_columns(arrays, bundle, encoding, usable_columns(arch))
    return replace(cells, codes=codes, arrays=arrays, states=states)
