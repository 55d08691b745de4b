"""How a programmed bundle is computed: an integer product where nothing can clip, reads elsewhere.

A column whose codes cannot drive its ADC past the top code (lsb = 1) is, over all its reads,
exactly a column of an integer matrix product.  All such columns of a bundle, with the flips undone
and the offset removed, collapse into one matrix; the others are read bit by bit
(`crossbar.kernels.bitserial`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.array.program import Cells
from crossbar.circuit.adc import Adc
from crossbar.circuit.dac import InputCoding
from crossbar.mapping.encode import Encoding
from crossbar.mapping.tiling import Bundle

__all__ = ["Reading", "SlicePlanes", "digital_reading", "make_reading", "pack_codes"]


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
        Share of the columns that collapsed.
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


def _segments(bundle: Bundle) -> list[tuple[int, int, int, int]]:
    """Cut row groups at layer groups: (row group, layer group, first row, rows)."""
    per = bundle.rows // bundle.groups
    cut = []
    for g, group in enumerate(bundle.row_groups):
        row, end = group.start, group.start + group.rows
        while row < end:
            stop = min(end, (row // per + 1) * per)
            cut.append((g, row // per, row, stop - row))
            row = stop
    return cut


def make_reading(
    cells: Cells,
    weights: NDArray[np.integer],
    bundle: Bundle,
    encoding: Encoding,
    coding: InputCoding,
    col_width: int,
) -> Reading:
    """Prove which columns cannot clip, collapse them, and pack the others for reading.

    Parameters
    ----------
    cells : Cells
    weights : int[rows, outputs]
        The integers that were meant, 0 where unused (for the offset of raised inputs).
    bundle, encoding, coding
    col_width : int
        Weight columns an array (`crossbar.mapping.tiling.usable_columns`).
    """
    codes = cells.codes.astype(np.int64)
    n_slices, n_rows, n_outputs = codes.shape
    exact_adc = cells.adc.lsb == 1.0
    sums = _by_group(cells.codes, bundle, 1).transpose(1, 0, 2) * cells.drive
    if encoding.subtract == "analog":
        half = n_slices // 2
        fits = (sums[:, :half] <= cells.adc.high) & (sums[:, half:] <= -cells.adc.low)
        fits = np.concatenate([fits, fits], axis=1)
    else:
        fits = sums <= cells.adc.high
    collapsed = np.asarray(fits.all(0)) & exact_adc  # [slices, outputs]

    sign = np.array([s.sign << s.shift for s in encoding.slices], dtype=np.int64)[:, None]
    top = np.array([s.top // s.step for s in encoding.slices], dtype=np.int64)[:, None]
    flips = cells.flips.astype(np.int64)  # [row_groups, slices, outputs]
    product = np.zeros((n_rows, n_outputs), dtype=np.int64)
    for j in range(n_slices):
        signed = _spread(1 - 2 * flips[:, j], bundle) * codes[j]
        # a spread slice stores multiples of its step, stuck cells (0 or the physical top) included
        product += np.where(collapsed[j], sign[j] * (signed // encoding.slices[j].step), 0)

    # what one unit of the input sum adds: flips give back top * sum, the offset is taken away once
    place = np.argsort(encoding.order)[:, None]
    block = (np.arange(n_outputs) * n_slices + place) // col_width  # [slices, outputs]
    has_units = cells.unit.shape[1] > 0
    sources = cells.unit.shape[1] if has_units else 1
    if has_units:
        segments = [(g, 0, r.start, r.rows) for g, r in enumerate(bundle.row_groups)]
        unit_sums = _by_group(cells.unit, bundle, 0) * cells.drive
        linear = cells.unit_adc.lsb == 1.0 and bool((unit_sums <= cells.unit_adc.high).all())
    else:
        segments, linear = _segments(bundle), True
    of_group = np.arange(n_outputs) // (n_outputs // bundle.groups)
    back = np.zeros((len(segments), sources, n_outputs), dtype=np.int64)
    outputs = np.arange(n_outputs)
    for k, (g, layer_group, _, _) in enumerate(segments):
        mine = of_group == layer_group if not has_units else np.ones(n_outputs, dtype=np.bool_)
        for j in range(n_slices):
            source = block[j] if has_units else np.zeros(n_outputs, dtype=np.int64)
            np.add.at(back[k], (source, outputs), np.where(mine, sign[j] * top[j] * flips[g, j], 0))
        source = block[0] if has_units else np.zeros(n_outputs, dtype=np.int64)
        np.add.at(back[k], (source, outputs), np.where(mine, -encoding.offset, 0))

    everything = bool(collapsed.all())
    fold = everything and linear
    if fold:
        for k, (_, _, row, rows) in enumerate(segments):
            part = (
                cells.unit[row : row + rows].astype(np.int64) if has_units else np.ones((rows, 1))
            )
            product[row : row + rows] += (part @ back[k]).astype(np.int64)
        back[...] = 0
    needs_sums = bool(back.any())
    words = max(-(-group.rows // 64) for group in bundle.row_groups)
    raised = coding.offset * (product.sum(0) - weights.astype(np.int64).sum(0))
    return Reading(
        bundle,
        _exact(product, coding),
        () if everything else _serial(cells, bundle, encoding, collapsed, words),
        back.reshape(-1, n_outputs).astype(np.float64) if needs_sums else np.zeros((0, n_outputs)),
        np.array([s[2:] for s in segments], dtype=np.int64),
        pack_codes(cells.unit, bundle, words) if has_units and needs_sums else None,
        raised.astype(np.float64),
        cells.adc,
        cells.unit_adc if has_units else None,
        float(collapsed.mean()),
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
