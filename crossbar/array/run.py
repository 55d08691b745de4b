"""Run one span of inputs through one bundle: unfold or pack, multiply or read, join."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.array.reading import Reading, SlicePlanes
from crossbar.array.window import Span
from crossbar.circuit.adc import Adc
from crossbar.circuit.dac import InputCoding
from crossbar.kernels.bitserial import reader
from crossbar.kernels.inputs import pack_planes, unfold

__all__ = ["adc_numbers", "read_columns", "run_reading"]

_UNROLLED = 32  # popcounts in one vector expression; more spill registers


def adc_numbers(adc: Adc) -> NDArray[np.int64]:
    """Put the converter as the kernels take it: low, high, factor, bias, shift, s_max."""
    return np.array([adc.low, adc.high, *adc.fixed_point, adc.s_max], dtype=np.int64)


def read_columns(
    planes: NDArray[np.uint64], part: SlicePlanes, adc: Adc, coding: InputCoding,
    out: NDArray[np.int64],
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

    Returns
    -------
    int
        Conversions that saturated.
    """
    words, cell_planes = planes.shape[3], part.plus.shape[1]
    numbers = adc_numbers(adc)
    popcounts = words * cell_planes * (2 if part.paired else 1)
    step = max(1, min(8, _UNROLLED // (popcounts * coding.digit)))
    saturated = 0

    def call(first_read: int, reads: int, digit: int, shift: int, negate: int) -> int:
        kernel = reader(words, digit, cell_planes, reads, int(adc.full), int(part.paired), 1)
        place = np.array([first_read * coding.digit, shift, negate], dtype=np.int64)
        return int(kernel(planes, part.plus, part.minus, part.flip, numbers, place, out))

    for t in range(0, coding.main_reads, step):
        reads = min(step, coding.main_reads - t)
        saturated += call(t, reads, coding.digit, part.shift + t * coding.digit, 0)
    if coding.sign_read:
        saturated += call(coding.main_reads, 1, 1, part.shift + coding.bits - 1, -1)
    return saturated


def _pack(
    reading: Reading, coding: InputCoding, x: NDArray[np.integer], geometry: NDArray[np.int64], span: Span
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Bit planes of the inputs, and the digital sum of each segment."""
    groups = np.array([[g.start, g.rows] for g in reading.bundle.row_groups], dtype=np.int64)
    sign_plane = coding.main_reads * coding.digit
    planes = np.empty(
        (span.rows, len(groups), sign_plane + int(coding.sign_read), reading.words), dtype=np.uint64
    )
    sums = np.empty((span.rows, len(reading.segments)), dtype=np.int64)
    numbers = np.array(
        [coding.offset, coding.bits, sign_plane, int(coding.sign_read)], dtype=np.int64
    )
    pack_planes(x, geometry, span.numbers(), groups, reading.segments, numbers, planes, sums)
    return planes, sums


def _unit_sums(
    planes: NDArray[np.uint64], units: NDArray[np.uint64], adc: Adc, coding: InputCoding
) -> tuple[NDArray[np.int64], int]:
    """Read the unit columns of each row group apart: codes ``int64[positions, row_groups * col_blocks]``."""
    n_groups, columns = units.shape[0], units.shape[3]
    out = np.zeros((n_groups, len(planes), columns), dtype=np.int64)
    saturated = 0
    for g in range(n_groups):
        unit = np.ascontiguousarray(units[g : g + 1])
        flip = np.zeros((1, columns), dtype=np.int64)
        part = SlicePlanes(np.arange(columns), unit, unit, flip, 0, False)
        one_group = np.ascontiguousarray(planes[:, g : g + 1])
        saturated += read_columns(one_group, part, adc, coding, out[g])
    return out.transpose(1, 0, 2).reshape(len(planes), -1), saturated


def run_reading(
    reading: Reading, coding: InputCoding, x: NDArray[np.integer], geometry: NDArray[np.int64], span: Span
) -> tuple[NDArray[np.floating], int]:
    """Compute one span of inputs.

    Parameters
    ----------
    reading : Reading
    coding : InputCoding
    x : int16 or int32[batch, channels, height, width], zero-padded
    geometry : int64[9]
        From `crossbar.array.window.Window.geometry`.
    span : Span

    Returns
    -------
    float32 or float64[span.rows, outputs]
        In units of one integer product.
    int
        Conversions that saturated.
    """
    values: NDArray[np.floating] = np.zeros((1, 1), dtype=np.float32)
    if reading.product is not None:
        rows = np.empty((span.rows, reading.bundle.rows), dtype=reading.product.dtype)
        unfold(x, geometry, span.numbers(), rows)
        values = rows @ reading.product
    saturated = 0
    if reading.slices or reading.sums_weight.size:
        assert reading.adc is not None  # the integer twin has no columns to read
        planes, sums = _pack(reading, coding, x, geometry, span)
        total = np.zeros((span.rows, reading.bundle.outputs), dtype=np.int64)
        for part in reading.slices:
            if part.outputs.size == reading.bundle.outputs:
                saturated += read_columns(planes, part, reading.adc, coding, total)
            else:
                some = np.zeros((span.rows, part.outputs.size), dtype=np.int64)
                saturated += read_columns(planes, part, reading.adc, coding, some)
                total[:, part.outputs] += some
        values = values + reading.adc.lsb * total
        if reading.sums_weight.size:
            lsb = 1.0
            if reading.unit is not None:
                assert reading.unit_adc is not None  # set together
                sums, clipped = _unit_sums(planes, reading.unit, reading.unit_adc, coding)
                saturated += clipped
                lsb = reading.unit_adc.lsb
            values = values + lsb * (sums.astype(np.float64) @ reading.sums_weight)
    if reading.constant.any():
        values = values + reading.constant
    return np.broadcast_to(values, (span.rows, reading.bundle.outputs)), saturated
