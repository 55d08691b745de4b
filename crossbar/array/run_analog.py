"""Run one span of inputs through a bundle of arbitrary conductances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from crossbar.array.analog_reading import AnalogReading, Part, Products
from crossbar.array.run import pack
from crossbar.array.window import Span, Window
from crossbar.circuit.dac import InputCoding
from crossbar.kernels.convert import convert_columns, digit_matrix
from crossbar.kernels.table_reads import read_tables

__all__ = ["run_analog"]


def run_analog(
    reading: AnalogReading,
    coding: InputCoding,
    x: NDArray[np.integer],
    window: Window,
    first_channel: int,
    span: Span,
    first_vector: int,
) -> tuple[NDArray[np.floating], int]:
    """Compute one span of inputs.

    Parameters
    ----------
    reading : AnalogReading
    coding, x, window, first_channel, span
        As for `crossbar.array.run.run_reading`.
    first_vector : int
        Number of the first input vector of ``x`` in the run: noise belongs to vectors, so that it
        does not depend on how they are cut into batches.

    Returns
    -------
    float64[outputs, span.rows], or [span.rows, outputs] where ``window.tokens``
        In units of one integer product.
    int
        Conversions that saturated.
    """
    bundle = reading.bundle
    channels = bundle.rows // (window.kernel[0] * window.kernel[1])
    geometry = window.geometry(first_channel, channels)
    planes, sums = pack(bundle, reading.segments, coding, x, geometry, span)
    vectors = _numbers(window, span) + first_vector
    values = np.zeros((span.rows, bundle.outputs))
    saturated = 0
    for parts in _alike(reading.parts):
        total = np.zeros((span.rows, bundle.outputs), dtype=np.int64)
        for part in parts:
            if isinstance(part.sums, Products):
                saturated += _multiply(reading, part, planes, coding, vectors, total)
            else:
                saturated += _look_up(part, planes, coding, vectors, total)
        values += parts[0].value * total
    if reading.sums_weight.size:
        given = sums.astype(np.float64)
        if reading.units:
            units, clipped = _unit_sums(reading, planes, coding, vectors)
            saturated += clipped
            given = reading.unit_lsb * units.astype(np.float64)
        values += given @ reading.sums_weight
    values += reading.constant
    return (values if window.tokens else values.T), saturated


def _numbers(window: Window, span: Span) -> NDArray[np.int64]:
    """Number the input vectors of a span within their batch."""
    images = np.arange(span.image, span.image + span.images)[:, None]
    positions = np.arange(span.position, span.position + span.positions)
    return np.asarray(images * window.positions + positions, dtype=np.int64).reshape(-1)


def _alike(parts: list[Part]) -> list[list[Part]]:
    """Put parts together whose codes count the same, so that they add up in integers."""
    out: list[list[Part]] = []
    for part in parts:
        for same in out:
            if np.array_equal(same[0].value, part.value):
                same.append(part)
                break
        else:
            out.append([part])
    return out


def _look_up(
    part: Part,
    planes: NDArray[np.uint64],
    coding: InputCoding,
    vectors: NDArray[np.int64],
    out: NDArray[np.int64],
) -> int:
    return int(
        read_tables(
            planes,
            part.sums,
            part.conversion,
            out,
            main_reads=coding.main_reads,
            sign_shift=coding.bits - 1 if coding.sign_read else None,
            bipolar=coding.bipolar,
            shift=part.shift,
            vectors=vectors,
        )
    )


def _unit_sums(
    reading: AnalogReading,
    planes: NDArray[np.uint64],
    coding: InputCoding,
    vectors: NDArray[np.int64],
) -> tuple[NDArray[np.int64], int]:
    """Read each row group's unit columns: ``int64[positions, row_groups * col_blocks]``."""
    out, saturated = [], 0
    for g, unit in enumerate(reading.units):
        total = np.zeros((len(planes), reading.bundle.col_blocks), dtype=np.int64)
        one_group = np.ascontiguousarray(planes[:, g : g + 1])
        saturated += _look_up(unit, one_group, coding, vectors, total)
        out.append(total)
    return np.concatenate(out, axis=1), saturated


def _multiply(
    reading: AnalogReading,
    part: Part,
    planes: NDArray[np.uint64],
    coding: InputCoding,
    vectors: NDArray[np.int64],
    out: NDArray[np.int64],
) -> int:
    """Read the columns of a slice with noisy drives, one row group and read after the other."""
    sums = part.sums
    assert isinstance(sums, Products)
    saturated = 0
    main = coding.main_reads * coding.digit
    reads = [(t, t * coding.digit, coding.digit, False) for t in range(coding.main_reads)]
    if coding.sign_read:
        reads.append((coding.main_reads, main, 1, True))
    for g in range(len(sums.matrices)):
        for t, first, width, negate in reads:
            made = _sums_of(reading, sums, planes, g, (t, first, width), coding, vectors)
            left = part.shift + (coding.bits - 1 if negate else t * coding.digit)
            saturated += int(
                convert_columns(
                    made[0],
                    sums.scale[g],
                    part.conversion,
                    out,
                    group=g,
                    read=t,
                    left=left,
                    negate=negate,
                    variance=made[1],
                    vectors=vectors,
                )
            )
    return saturated


def _sums_of(
    reading: AnalogReading,
    sums: Products,
    planes: NDArray[np.uint64],
    g: int,
    read: tuple[int, int, int],
    coding: InputCoding,
    vectors: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Sums of one read of one row group, and their variance: ``float64[positions, outputs]``."""
    t, first, width = read
    group = reading.bundle.row_groups[g]
    negative = first + coding.main_reads * coding.digit if coding.bipolar else None
    room = np.empty((len(planes), group.rows))
    matrix = sums.matrices[g]
    out = np.empty((len(planes), matrix.shape[1]))
    for across in np.unique(sums.blocks):
        levels = None
        if reading.drive is not None:
            drive = reading.drive[group.block, across]
            row = group.start - group.block * len(drive)
            levels = np.ascontiguousarray(drive[row : row + group.rows, : 1 << width])
        digit_matrix(
            planes,
            g,
            first,
            width,
            room,
            negative_plane=negative,
            levels=levels,
            noise=reading.drive_noise,
            key=reading.drive_keys[group.block][across],
            vectors=vectors,
            read=t,
        )
        mine = sums.blocks == across
        steps = np.rint(room * 2.0**sums.places)
        out[:, mine] = (steps @ matrix[:, mine]) * 4.0**-sums.places
    if sums.squares is None or sums.linears is None:
        return out, None
    digit_matrix(planes, g, first, width, room, negative_plane=negative)
    size = np.abs(room)
    variance = size**2 @ sums.squares[g] + size @ sums.linears[g]
    return out, variance * 2.0**-sums.places
