"""How a programmed bundle is computed: an integer product where nothing can clip, reads elsewhere.

A column whose codes cannot drive its ADC past the top code (lsb = 1) is, over all its reads,
exactly a column of an integer matrix product.  All such columns of a bundle, with the flips undone
and the offset removed, collapse into one matrix, unless they are so few that reading them takes
less than another product; the others are read bit by bit (`crossbar.kernels.bitserial`,
`crossbar.kernels.tiles`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.array.program import Cells, unit_column
from crossbar.array.sums import input_sums
from crossbar.array.tile_reading import TiledColumns, make_tiled
from crossbar.circuit.adc import Adc, make_unit_adc
from crossbar.circuit.dac import InputCoding
from crossbar.mapping.encode import Encoding
from crossbar.mapping.tiling import Bundle

__all__ = ["Reading", "SlicePlanes", "digital_reading", "make_reading", "pack_codes"]

_WORTH = 0.2  # share of columns from which a product is quicker than reading (popcount: 12 / 70)


@dataclass(frozen=True)
class SlicePlanes:
    """Columns of one slice (or of a pair of slices) that must be read bit by bit.

    Parameters
    ----------
    outputs : int64[cols]
        Which outputs.
    plus, minus : uint64[row_groups, cell_planes, words, cols]
        Bit planes of the codes; the same array twice when not paired.
    flip : int64[row_groups, cols]
        -1 where the result is subtracted.
    shift : int
    step : int
        The result is divided by it (a narrow slice spread over the whole cell).
    paired : bool
    """

    outputs: NDArray[np.int64]
    plus: NDArray[np.uint64]
    minus: NDArray[np.uint64]
    flip: NDArray[np.int64]
    shift: int
    step: int
    paired: bool


@dataclass(frozen=True)
class Reading:
    """What to do with the inputs of a bundle; everything in integers but the lsb.

    ``result = x @ product + lsb * serial + unit lsb * (sums @ sums_weight) + constant``

    Parameters
    ----------
    bundle : Bundle
    product : float32 or float64[rows, outputs] or None
        The collapsed columns; the dtype in which every partial sum is exact.
    slices : tuple of SlicePlanes
        The columns to be read; empty when all collapsed.
    sums_weight : float64[segments * col_blocks, outputs]
        What one unit of each input sum adds to each output.
    segments : int64[segments, 2]
        First row and rows of each digital input sum.
    unit : uint64[row_groups, cell_planes, words, col_blocks] or None
        Bit planes of the unit columns where those are read.
    constant : float64[outputs]
    adc, unit_adc : Adc or None
        Converters of the columns that are read; None for the integer twin.
    collapsed : float
        Share of the columns that provably cannot clip.
    """

    bundle: Bundle
    product: NDArray[np.floating] | None
    slices: tuple[SlicePlanes, ...]
    sums_weight: NDArray[np.float64]
    segments: NDArray[np.int64]
    unit: NDArray[np.uint64] | None
    constant: NDArray[np.float64]
    adc: Adc | None
    unit_adc: Adc | None
    collapsed: float

    @property
    def steps(self) -> tuple[int, ...]:
        """What results of slices are divided by, each once."""
        return tuple(sorted({part.step for part in self.slices}))

    @cached_property
    def tiles(self) -> TiledColumns:
        """The columns to be read, once more as matrix tiles; made when first asked for."""
        return make_tiled(self.slices, self.bundle.outputs)

    @property
    def words(self) -> int:
        """64-row words that hold the largest row group."""
        return max(-(-group.rows // 64) for group in self.bundle.row_groups)


def pack_codes(codes: NDArray[np.uint8], bundle: Bundle, words: int) -> NDArray[np.uint64]:
    """Cut ``codes[rows, cols]`` into bits, ``uint64[row_groups, planes, words, cols]``."""
    n_planes = max(1, int(codes.max(initial=0)).bit_length())
    out = np.zeros((len(bundle.row_groups), n_planes, words, codes.shape[1]), dtype=np.uint64)
    for g, group in enumerate(bundle.row_groups):
        rows = np.zeros((words * 64, codes.shape[1]), dtype=np.uint8)
        rows[: group.rows] = codes[group.start : group.start + group.rows]
        for q in range(n_planes):
            packed = np.packbits((rows >> q) & 1, axis=0, bitorder="little")
            grouped = np.ascontiguousarray(packed.reshape(words, 8, -1).transpose(0, 2, 1))
            out[g, q] = grouped.view(np.uint64)[:, :, 0]
    return out


def _by_group(values: NDArray[np.integer], bundle: Bundle, axis: int) -> NDArray[np.int64]:
    starts = [group.start for group in bundle.row_groups]
    return np.asarray(np.add.reduceat(values, starts, axis=axis, dtype=np.int64))


def _spread(per_group: NDArray[np.int64], bundle: Bundle) -> NDArray[np.int64]:
    return np.repeat(per_group, [group.rows for group in bundle.row_groups], axis=0)


def _exact(product: NDArray[np.int64], coding: InputCoding) -> NDArray[np.floating] | None:
    if not product.any():
        return None
    largest = int(np.abs(product).sum(0).max()) * max(coding.high, -coding.low)
    if largest < 1 << 24:
        return product.astype(np.float32)
    if largest >= 1 << 53:
        raise OverflowError(f"sums of {largest} are not exact in double precision")
    return product.astype(np.float64)


def digital_reading(weights: NDArray[np.integer], bundle: Bundle, coding: InputCoding) -> Reading:
    """Build the integer twin of a bundle: the plain product, no cells."""
    n = bundle.outputs
    empty = np.zeros((0, n))
    product = _exact(weights.astype(np.int64), coding)
    if product is None:
        product = np.zeros(weights.shape, dtype=np.float32)
    return Reading(
        bundle, product, (), empty, np.zeros((0, 2), np.int64), None, np.zeros(n), None, None, 1.0
    )


def make_reading(
    cells: Cells,
    weights: NDArray[np.integer],
    bundle: Bundle,
    encoding: Encoding,
    coding: InputCoding,
    arch: Arch,
    adc: Adc,
) -> Reading:
    """Prove which columns cannot clip, collapse them, and pack the others for reading.

    Parameters
    ----------
    cells : Cells
    weights : int[rows, outputs]
        The integers that were meant, 0 where unused (for the offset of raised inputs).
    bundle, encoding, coding, arch
    adc : Adc
        Of the weight columns.
    """
    codes = cells.codes.astype(np.int64)
    n_slices, n_rows, n_outputs = codes.shape
    drive = coding.full_scale
    sums = _by_group(cells.codes, bundle, 1).transpose(1, 0, 2) * drive
    if encoding.subtract == "analog":
        half = n_slices // 2
        if coding.bipolar:  # a row driven the other way adds what its minus cell takes
            both = np.abs(codes[:half] - codes[half:])
            fits = _by_group(both, bundle, 1).transpose(1, 0, 2) * drive <= adc.high
        else:
            fits = (sums[:, :half] <= adc.high) & (sums[:, half:] <= -adc.low)
        fits = np.concatenate([fits, fits], axis=1)
    else:
        fits = sums <= adc.high
    collapsed = np.asarray(fits.all(0)) & (adc.lsb == 1.0)  # [slices, outputs]
    proven = float(collapsed.mean())
    if proven < _WORTH:
        collapsed = np.zeros_like(collapsed)

    sign = np.array([s.sign << s.shift for s in encoding.slices], dtype=np.int64)[:, None]
    flips = cells.flips.astype(np.int64)  # [row_groups, slices, outputs]
    product = np.zeros((n_rows, n_outputs), dtype=np.int64)
    for j in range(n_slices):
        signed = _spread(1 - 2 * flips[:, j], bundle) * codes[j]
        # a spread slice stores multiples of its step, stuck cells (0 or the physical top) included
        product += np.where(collapsed[j], sign[j] * (signed // encoding.slices[j].step), 0)

    back = input_sums(cells.flips, bundle, encoding, arch)
    sum_weight, linear = back.weight, True
    unit = unit_adc = None
    if arch.array.input_sum == "column":
        unit, unit_adc = cells.column(unit_column(arch)), make_unit_adc(arch)
        unit_sums = _by_group(unit, bundle, 0) * drive
        linear = unit_adc.lsb == 1.0 and bool((unit_sums <= unit_adc.high).all())
    everything = bool(collapsed.all())
    if everything and linear:
        for k, (row, rows) in enumerate(back.segments):
            ones = np.ones((rows, 1)) if unit is None else unit[row : row + rows].astype(np.float64)
            product[row : row + rows] += (ones @ sum_weight[k]).astype(np.int64)
        sum_weight = np.zeros_like(sum_weight)
    needs_sums = bool(sum_weight.any())
    words = max(-(-group.rows // 64) for group in bundle.row_groups)
    raised = coding.offset * (product.sum(0) - weights.astype(np.int64).sum(0))
    return Reading(
        bundle,
        _exact(product, coding),
        () if everything else _serial(cells, bundle, encoding, collapsed, words),
        sum_weight.reshape(-1, n_outputs) if needs_sums else np.zeros((0, n_outputs)),
        back.segments,
        None if unit is None or not needs_sums else pack_codes(unit, bundle, words),
        raised.astype(np.float64),
        adc,
        unit_adc,
        proven,
    )


def _serial(
    cells: Cells, bundle: Bundle, encoding: Encoding, collapsed: NDArray[np.bool_], words: int
) -> tuple[SlicePlanes, ...]:
    paired = encoding.subtract == "analog"
    half = encoding.columns // 2
    out = []
    for j in range(half if paired else encoding.columns):
        outputs = np.flatnonzero(~collapsed[j])
        if not outputs.size:
            continue
        s = encoding.slices[j]
        # np.take keeps C order, which the kernels' column loop relies on; fancy indexing does not
        plus = pack_codes(np.take(cells.codes[j], outputs, axis=1), bundle, words)
        minus = plus
        if paired:
            minus = pack_codes(np.take(cells.codes[j + half], outputs, axis=1), bundle, words)
            planes = max(plus.shape[1], minus.shape[1])
            plus, minus = (_pad_planes(p, planes) for p in (plus, minus))
        flip = -np.take(cells.flips[:, j], outputs, axis=1).astype(np.int64)
        if s.sign < 0:
            flip = ~flip
        out.append(SlicePlanes(outputs, plus, minus, flip, s.shift, s.step, paired))
    return tuple(out)


def _pad_planes(planes: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    extra = count - planes.shape[1]
    return np.pad(planes, ((0, 0), (0, extra), (0, 0), (0, 0))) if extra else planes
