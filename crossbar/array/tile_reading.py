"""Read the columns of a bundle through the processor's matrix tiles, where it has them.

The same integers as `crossbar.array.run.read_columns`, saturations included.  Which of the two
reads is chosen by the environment variable ``CROSSBAR_KERNEL``: ``popcount``, which runs
everywhere; ``amx``, an error where the processor has no AMX int8 or Linux does not grant it; or
``auto`` (the default): ``amx`` where that is possible and a span has positions enough to fill a
tile.  The codes then take one byte a cell more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossbar.array.window import Span, Window
from crossbar.circuit.adc import Adc
from crossbar.circuit.dac import InputCoding
from crossbar.errors import InputError
from crossbar.kernels.outputs import add_columns
from crossbar.kernels.tiles import (
    SIDE,
    pack_digits,
    pack_tokens,
    tile_codes,
    tile_reader,
    tiles_refused,
)
from crossbar.mapping.tiling import Bundle

if TYPE_CHECKING:
    from crossbar.array.reading import SlicePlanes

__all__ = ["TiledColumns", "make_tiled", "pack_bytes", "read_tiled", "tiled"]

_KERNELS = ("auto", "popcount", "amx")
_FEWEST = 4  # positions of a span for which sixteen are worth computing
_BITS = 8  # of a digit's byte


def tiled(positions: int) -> bool:
    """Say whether ``positions`` input vectors are read through tiles (``CROSSBAR_KERNEL``).

    Raises
    ------
    InputError
        ``CROSSBAR_KERNEL`` is none of ``auto``, ``popcount``, ``amx``, or ``amx`` where there are
        no tiles.
    """
    chosen = os.environ.get("CROSSBAR_KERNEL") or "auto"
    if chosen not in _KERNELS:
        raise InputError(f"CROSSBAR_KERNEL: {chosen!r} is no kernel ({', '.join(_KERNELS)})")
    if chosen == "popcount" or (chosen == "auto" and positions < _FEWEST):
        return False
    refused = tiles_refused()
    if chosen == "amx" and refused:
        raise InputError(f"CROSSBAR_KERNEL: amx is not possible: {refused} (auto, popcount)")
    return not refused


@dataclass(frozen=True)
class TiledColumns:
    """Columns to be read bit by bit, of all slices, laid out for tiles.

    Parameters
    ----------
    codes : uint8[row_groups, blocks, words, 1024]
        One byte a cell, a pair's difference where currents are subtracted.
    flip : int32[row_groups, 16 * blocks]
        -1 where the result is subtracted.
    places : int64[blocks, 2]
        First column of the result and left shift, of sixteen columns.
    columns : int
        Columns of the result: a part of ``width`` for each step; then one for each slice of which
        some columns only are read, in the order of ``some``.
    width : int
        Outputs, rounded up to sixteens.
    steps : tuple of int
        What each step's part is divided by.
    some : tuple of (int, int, int64[cols])
        First column, the step's place in ``steps``, and which outputs.
    weight : int
        Sum of ``2**shift`` over slices and row groups: a result is less than that times the codes.
    paired : bool
    most : int
        Largest magnitude of a code.
    """

    codes: NDArray[np.uint8]
    flip: NDArray[np.int32]
    places: NDArray[np.int64]
    columns: int
    width: int
    steps: tuple[int, ...]
    some: tuple[tuple[int, int, NDArray[np.int64]], ...]
    weight: int
    paired: bool
    most: int


def _sixteens(number: int) -> int:
    return -(-number // SIDE) * SIDE


def make_tiled(slices: Sequence[SlicePlanes], outputs: int) -> TiledColumns:
    """Lay the columns of all slices out, one slice behind the other."""
    width, n_groups = _sixteens(outputs), slices[0].plus.shape[0]
    steps = tuple(sorted({part.step for part in slices}))
    columns = width * len(steps)
    codes, flips, places, some = [], [], [], []
    for part in slices:
        found = part.outputs.size
        padded = _sixteens(found)
        first = width * steps.index(part.step)
        if found < outputs:
            some.append((columns, steps.index(part.step), part.outputs))
            first, columns = columns, columns + padded
        codes.append(tile_codes(part.plus, part.minus if part.paired else None))
        flip = np.zeros((n_groups, padded), dtype=np.int32)
        flip[:, :found] = part.flip
        flips.append(flip)
        places += [[first + at, part.shift] for at in range(0, padded, SIDE)]
    laid = codes[0] if len(codes) == 1 else np.concatenate(codes, axis=1)
    return TiledColumns(
        laid,
        np.concatenate(flips, axis=1),
        np.array(places, dtype=np.int64),
        columns,
        width,
        steps,
        tuple(some),
        n_groups * sum(1 << part.shift for part in slices),
        slices[0].paired,
        int(np.abs(laid.view(np.int8)).max(initial=1)),
    )


@dataclass(frozen=True)
class _Part:
    """Reads whose digits share a byte of an input: where each digit begins, its bits, and signs."""

    starts: tuple[int, ...]
    masks: tuple[int, ...]
    negative: bool
    left: int


def _byte_bits(coding: InputCoding) -> int:
    """Bits of an input that go into one byte: whole digits; a sign takes a bit."""
    return coding.digit * ((_BITS - int(coding.bipolar)) // coding.digit)


def _parts(coding: InputCoding) -> list[_Part]:
    bits, main = _byte_bits(coding), coding.main_bits
    last = main if coding.sign_read else main - 1
    parts = []
    for low in range(0, last + 1, bits):
        starts, masks = [], []
        for start in range(low, min(low + bits, main), coding.digit):
            end = min(start + coding.digit, main)
            starts.append(start - low)
            masks.append((1 << (end - low)) - (1 << (start - low)))
        negative = coding.sign_read and low <= main < low + bits
        if negative:
            starts.append(main - low)
            masks.append(1 << (main - low))
        parts.append(_Part(tuple(starts), tuple(masks), negative, low))
    return parts


def pack_bytes(
    bundle: Bundle,
    segments: NDArray[np.int64],
    coding: InputCoding,
    x: NDArray[np.integer],
    window: Window,
    first_channel: int,
    span: Span,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Cut the inputs of a span into bytes, and add up each segment.

    Returns
    -------
    uint8[parts, positions in sixteens, row_groups, 64 words], int64[positions, segments]
    """
    groups = np.array([[g.start, g.rows] for g in bundle.row_groups], dtype=np.int64)
    words = max(-(-group.rows // 64) for group in bundle.row_groups)
    shape = (len(_parts(coding)), _sixteens(span.rows), len(groups), 64 * words)
    whole = bool((groups[:, 1] == 64 * words).all()) and span.rows == shape[1]
    out = (np.empty if whole else np.zeros)(shape, dtype=np.uint8)
    sums = np.empty((span.rows, len(segments)), dtype=np.int64)
    numbers = np.array([coding.offset, _byte_bits(coding), int(coding.bipolar)], dtype=np.int64)
    if window.tokens:
        tokens = np.ascontiguousarray(x[:, :, 0].transpose(0, 2, 1))
        pack_tokens(tokens, first_channel, span.numbers(), groups, segments, numbers, out, sums)
    else:
        channels = bundle.rows // (window.kernel[0] * window.kernel[1])
        geometry = window.geometry(first_channel, channels)
        image = np.ascontiguousarray(x)
        pack_digits(image, geometry, span.numbers(), groups, segments, numbers, out, sums)
    return out, sums


def read_tiled(
    inputs: NDArray[np.uint8],
    columns: TiledColumns,
    adc: Adc,
    coding: InputCoding,
    *,
    count: bool = True,
) -> tuple[list[NDArray[np.signedinteger]], int]:
    """Read all columns for all inputs.

    Parameters
    ----------
    inputs : uint8[parts, positions, row_groups, 64 words]
        From `pack_bytes`.
    columns : TiledColumns
    adc : Adc
    coding : InputCoding
    count : bool
        Count saturations.

    Returns
    -------
    list of int32 or int64[positions in sixteens, outputs in sixteens]
        Of each step of the slices the sums of the codes; 0 behind the last position and output.
    int
        Conversions that saturated (0 when not counted).
    """
    words = columns.codes.shape[2]
    largest = 64 * words * columns.most * coding.full_scale  # of a sum
    factor, bias, right = adc.fixed_point
    high, low = adc.high, adc.low
    if not adc.full:  # no sum is larger, and 32 bits hold it
        high, low = min(high, largest), max(low, -largest)
    raised = largest + (int(adc.s_max) if adc.signed else 0)
    full = 0 if not adc.full else 1 if raised * factor + bias < 1 << 31 else 2
    reads_weight = sum(abs(weight) for weight in coding.weights)
    wide = columns.weight * max(high, -low) * reads_weight >= 1 << 31
    out = np.zeros((inputs.shape[1], columns.columns), dtype=np.int64 if wide else np.int32)
    numbers = np.array([low, high, factor, bias, right, int(adc.s_max)], dtype=np.int64)
    signed = columns.paired or coding.bipolar
    saturated = 0
    for k, part in enumerate(_parts(coding)):
        kernel = tile_reader(
            words if words <= 2 else 0,
            len(part.starts),
            full,
            int(signed),
            int(count),
            int(coding.bipolar),
            int(part.negative),
            int(wide),
        )
        plan = [[start, high << start, low << start] for start in part.starts]
        places = columns.places + np.array([0, part.left], dtype=np.int64)
        saturated += int(
            kernel(
                inputs[k],
                columns.codes,
                columns.flip,
                places,
                np.array(part.masks, dtype=np.int64),
                np.array(plan, dtype=np.int32).reshape(-1),
                numbers,
                out,
            )
        )
    width = columns.width
    for first, step, outputs in columns.some:
        region = out[:, first : first + outputs.size]
        add_columns(region, outputs, out[:, width * step : width * (step + 1)])
    totals = [out[:, width * k : width * (k + 1)] for k in range(len(columns.steps))]
    return totals, saturated
