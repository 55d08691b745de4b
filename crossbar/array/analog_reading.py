"""What a bundle of arbitrary conductances is computed with: tables or matrices, and converters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.kernels.conversion import Conversion
from crossbar.kernels.tables import SumTables
from crossbar.mapping.tiling import Bundle

__all__ = ["AnalogReading", "Part", "Products"]


@dataclass(frozen=True)
class Products:
    """Columns of a slice as matrices of whole numbers.

    Parameters
    ----------
    places : int
        Binary places of contributions and of drives.
    matrices : list of float64[rows, cols]
        By row group; ``2**places`` times what a step of drive adds.
    squares, linears : list of float64[rows, cols], or None
        The same of the variance by digit**2 and by digit; None without read noise.
    scale : float64[row_groups, cols]
        lsb per unit of contribution.
    blocks : int64[cols]
        Column block of each column: arrays have row drivers of their own.
    """

    places: int
    matrices: list[NDArray[np.float64]]
    squares: list[NDArray[np.float64]] | None
    linears: list[NDArray[np.float64]] | None
    scale: NDArray[np.float64]
    blocks: NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Columns that are read alike: one slice (or pair of slices) of all outputs, or unit columns.

    Parameters
    ----------
    sums : SumTables or Products
    conversion : Conversion
    shift : int
    value : float64[outputs]
        What one code counts: lsb over the step of a spread slice.
    scale : float64[row_groups, outputs]
        lsb per level, with the gain of each converter.
    """

    sums: SumTables | Products
    conversion: Conversion
    shift: int
    value: NDArray[np.float64]
    scale: NDArray[np.float64]


@dataclass(frozen=True)
class AnalogReading:
    """What to do with the inputs of a bundle.

    Parameters
    ----------
    bundle : Bundle
    parts : list of Part
    sums_weight : float64[segments * sources, outputs]
        What one unit of each input sum adds to each output; no rows where nothing is summed.
    segments : int64[segments, 2]
        First row and rows of each digital input sum.
    units : list of Part
        Unit columns by row group, one in each column block; empty where sums are digital or not
        needed.
    unit_lsb : float
    constant : float64[outputs]
    drive : float64[row_blocks, col_blocks, rows, digits] or None
        Of the row drivers in matrix products; None where digits are driven exactly.
    drive_noise : float
        Of a row driver in each read [step]; 0 in tables.
    drive_keys : list of list of int
        Of that noise, by row block and column block.
    """

    bundle: Bundle
    parts: list[Part]
    sums_weight: NDArray[np.float64]
    segments: NDArray[np.int64]
    units: list[Part]
    unit_lsb: float
    constant: NDArray[np.float64]
    drive: NDArray[np.float64] | None
    drive_noise: float
    drive_keys: list[list[int]]

    @property
    def words(self) -> int:
        """64-row words that hold the largest row group."""
        return max(-(-group.rows // 64) for group in self.bundle.row_groups)

    @property
    def path(self) -> str:
        """How sums are found: ``"tables"`` or ``"products"``."""
        return "tables" if isinstance(self.parts[0].sums, SumTables) else "products"
