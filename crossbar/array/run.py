"""Run one span of inputs through one bundle: unfold or pack, multiply or read, join."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.array.reading import Reading, SlicePlanes
from crossbar.array.tile_reading import pack_bytes, read_tiled, tiled
from crossbar.array.window import Span, Window
from crossbar.circuit.adc import Adc
from crossbar.circuit.dac import InputCoding
from crossbar.kernels.bitserial import reader
from crossbar.kernels.inputs import pack_planes, unfold
from crossbar.kernels.outputs import add_columns, add_rows, add_sums, add_transposed
from crossbar.mapping.tiling import Bundle

__all__ = ["adc_numbers", "pack", "read_columns", "run_reading"]

_UNROLLED = 32  # popcounts in one vector expression; more spill registers


def adc_numbers(adc: Adc) -> NDArray[np.int64]:
    """Put the converter as the kernels take it: low, high, factor, bias, shift, s_max."""
    return np.array([adc.low, adc.high, *adc.fixed_point, int(adc.s_max)], dtype=np.int64)


def read_columns(
    planes: NDArray[np.uint64],
    part: SlicePlanes,
    adc: Adc,
    coding: InputCoding,
    out: NDArray[np.int64],
    *,
    count: bool = True,
) -> int:
    """Read the columns of a slice for all inputs, adding ``2**shift`` times the codes to ``out``.

    Parameters
    ----------
    planes : uint64[positions, row_groups, planes, words]
        From `crossbar.kernels.inputs.pack_planes`.
    part : SlicePlanes
    adc : Adc
    coding : InputCoding
    out : int64[positions, cols]
        Added to.
    count : bool
        Count saturations, which costs about a fifth of the speed.

    Returns
    -------
    int
        Conversions that saturated (0 when not counted).
    """
    words, cell_planes = planes.shape[3], part.plus.shape[1]
    numbers = adc_numbers(adc)
    popcounts = words * cell_planes * (2 if part.paired else 1) * (2 if coding.bipolar else 1)
    to_negative = coding.main_reads * coding.digit
    step = max(1, min(8, _UNROLLED // (popcounts * coding.digit)))
    saturated = 0

    def call(first_read: int, reads: int, digit: int, shift: int, negate: int) -> int:
        kernel = reader(
            words,
            digit,
            cell_planes,
            reads,
            int(adc.full),
            int(part.paired),
            int(count),
            int(coding.bipolar),
        )
        place = np.array([first_read * coding.digit, shift, negate, to_negative], dtype=np.int64)
        return int(kernel(planes, part.plus, part.minus, part.flip, numbers, place, out))

    for t in range(0, coding.main_reads, step):
        reads = min(step, coding.main_reads - t)
        saturated += call(t, reads, coding.digit, part.shift + t * coding.digit, 0)
    if coding.sign_read:
        saturated += call(coding.main_reads, 1, 1, part.shift + coding.bits - 1, -1)
    return saturated


def pack(
    bundle: Bundle,
    segments: NDArray[np.int64],
    coding: InputCoding,
    x: NDArray[np.integer],
    geometry: NDArray[np.int64],
    span: Span,
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Cut the inputs of a span into bit planes, and add up each segment.

    Returns
    -------
    uint64[positions, row_groups, planes, words], int64[positions, segments]
    """
    groups = np.array([[g.start, g.rows] for g in bundle.row_groups], dtype=np.int64)
    words = max(-(-group.rows // 64) for group in bundle.row_groups)
    main = coding.main_reads * coding.digit
    if coding.bipolar:
        count, bits, mode = 2 * main, coding.bits - 1, 2
    else:
        count, bits, mode = main + int(coding.sign_read), coding.bits, int(coding.sign_read)
    planes = np.empty((span.rows, len(groups), count, words), dtype=np.uint64)
    sums = np.empty((span.rows, len(segments)), dtype=np.int64)
    numbers = np.array([coding.offset, bits, main, mode], dtype=np.int64)
    pack_planes(x, geometry, span.numbers(), groups, segments, numbers, planes, sums)
    return planes, sums


def _unit_sums(
    planes: NDArray[np.uint64],
    units: NDArray[np.uint64],
    adc: Adc,
    coding: InputCoding,
    count: bool,
) -> tuple[NDArray[np.int64], int]:
    """Read each row group's unit columns: ``int64[positions, row_groups * col_blocks]``."""
    n_groups, columns = units.shape[0], units.shape[3]
    out = np.zeros((n_groups, len(planes), columns), dtype=np.int64)
    saturated = 0
    for g in range(n_groups):
        unit = np.ascontiguousarray(units[g : g + 1])
        flip = np.zeros((1, columns), dtype=np.int64)
        part = SlicePlanes(np.arange(columns), unit, unit, flip, 0, 1, False)
        one_group = np.ascontiguousarray(planes[:, g : g + 1])
        saturated += read_columns(one_group, part, adc, coding, out[g], count=count)
    return out.transpose(1, 0, 2).reshape(len(planes), -1), saturated


def _multiply(
    product: NDArray[np.floating],
    x: NDArray[np.integer],
    window: Window,
    first_channel: int,
    span: Span,
) -> NDArray[np.floating]:
    """Multiply the inputs with the collapsed columns."""
    n_rows = product.shape[0]
    if window.tokens:
        part = x[span.image : span.image + span.images, first_channel : first_channel + n_rows, 0]
        tokens = part[:, :, span.position : span.position + span.positions].transpose(0, 2, 1)
        return np.asarray(tokens.reshape(span.rows, n_rows).astype(product.dtype) @ product)
    channels = n_rows // (window.kernel[0] * window.kernel[1])
    columns = np.empty((n_rows, span.rows), dtype=product.dtype)
    unfold(x, window.geometry(first_channel, channels), span.numbers(), columns)
    return np.asarray(product.T @ columns)


def _read(
    reading: Reading, coding: InputCoding, planes: NDArray[np.uint64], count: bool
) -> tuple[list[NDArray[np.signedinteger]], int]:
    """Read columns that did not collapse: of each step of the slices ``[positions, outputs]``."""
    assert reading.adc is not None  # the integer twin has no columns to read
    totals, saturated = [], 0
    for step in reading.steps:
        total = np.zeros((len(planes), reading.bundle.outputs), dtype=np.int64)
        for part in reading.slices:
            if part.step != step:
                continue
            whole = part.outputs.size == reading.bundle.outputs
            some = total if whole else np.zeros((len(planes), part.outputs.size), dtype=np.int64)
            saturated += read_columns(planes, part, reading.adc, coding, some, count=count)
            if not whole:
                add_columns(some, part.outputs, total)
        totals.append(total)
    return totals, saturated


def run_reading(
    reading: Reading,
    coding: InputCoding,
    x: NDArray[np.integer],
    window: Window,
    first_channel: int,
    span: Span,
    *,
    count: bool = True,
) -> tuple[NDArray[np.floating], int]:
    """Compute one span of inputs.

    Parameters
    ----------
    reading : Reading
    coding : InputCoding
    x : int16 or int32[batch, channels, height, width], zero-padded
    window : Window
    first_channel : int
        Channel that row 0 of the bundle begins with.
    span : Span
    count : bool
        Count saturations, which costs a tenth to a fifth of the speed.

    Returns
    -------
    float32 or float64[outputs, span.rows], or [span.rows, outputs] where ``window.tokens``
        In units of one integer product.
    int
        Conversions that saturated (0 when not counted).
    """
    outputs = reading.bundle.outputs
    shape = (span.rows, outputs) if window.tokens else (outputs, span.rows)
    if reading.product is None:
        values: NDArray[np.floating] = np.zeros(shape, dtype=np.float64)
    else:
        values = _multiply(reading.product, x, window, first_channel, span)
    saturated = 0
    if reading.slices or reading.sums_weight.size:
        assert reading.adc is not None  # the integer twin has no columns to read
        through_tiles = bool(reading.slices) and tiled(span.rows)
        if through_tiles:
            inputs, sums = pack_bytes(
                reading.bundle, reading.segments, coding, x, window, first_channel, span
            )
        if not through_tiles or reading.unit is not None:
            channels = reading.bundle.rows // (window.kernel[0] * window.kernel[1])
            geometry = window.geometry(first_channel, channels)
            planes, sums = pack(reading.bundle, reading.segments, coding, x, geometry, span)
        values = values.astype(np.float64, copy=False)
        if reading.sums_weight.size:
            lsb = 1.0
            if reading.unit is not None:
                assert reading.unit_adc is not None  # set together
                sums, saturated = _unit_sums(planes, reading.unit, reading.unit_adc, coding, count)
                lsb = reading.unit_adc.lsb
            if window.tokens:
                add_sums(sums, lsb, reading.sums_weight, values)
            else:
                values += lsb * (reading.sums_weight.T @ sums.T.astype(np.float64))
        if through_tiles:
            totals, clipped = read_tiled(inputs, reading.tiles, reading.adc, coding, count=count)
        else:
            totals, clipped = _read(reading, coding, planes, count)
        saturated += clipped
        add = add_rows if window.tokens else add_transposed
        for step, total in zip(reading.steps, totals, strict=True):
            add(total, reading.adc.lsb / step, values)
    if reading.constant.any():
        values = values + (reading.constant if window.tokens else reading.constant[:, None])
    return values, saturated
