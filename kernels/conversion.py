"""Converters and noise of the columns of a slice, as the kernels take them.

Without thresholds a code is a shift of the sum.  With them it is a search, which may end anywhere
where thresholds are out of order; so what the search answers is tabulated once per converter: the
range of sums is cut into buckets, and a bucket holds the code at its lower end and the few
boundaries inside it.  One or two look-ups then replace one for every bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crossbar.kernels._jit import jit
from crossbar.kernels._lanes import LANES, aligned

__all__ = ["Conversion", "make_conversion"]

_LIMIT = 1 << 30  # of a threshold; no sum goes beyond it
_MOST_BITS = 15  # of a converter with thresholds: two codes in 32 bits
_NARROWEST = 4  # a bucket is at least 2**-4 lsb wide


class Conversion(NamedTuple):
    """Converters, flips and noise of the columns of one slice; made by `make_conversion`.

    Parameters
    ----------
    numbers : int64[6]
        Right shift of a sum that makes it a code, lowest and highest code; and of the search where
        thresholds decide: lower end of bucket 0, its width as a shift, buckets of a converter.
    offset : int32[row_groups, padded cols]
        Added before the shift; with thresholds after the search, to its code plus one.
    flip : int32[row_groups, padded cols]
    which : int32[row_groups, padded cols]
        First bucket of each column's converter.
    steps : int32[2 * pieces, adcs * buckets]
        Of each piece a boundary, and ``code + 1 below | code + 1 from there on << 16``; no pieces
        where rounding decides.
    noise : int
        0 none; 1 ``spread`` is a standard deviation; 2 a variance, added to that of the reads.
    spread : float32[row_groups, padded cols]
    key : uint64
    outputs : int32[padded cols]
    frac : int
    """

    numbers: np.ndarray
    offset: np.ndarray
    flip: np.ndarray
    which: np.ndarray
    steps: np.ndarray
    noise: int
    spread: np.ndarray
    key: np.uint64
    outputs: np.ndarray
    frac: int


def _padded(values, dtype):
    """Copy ``values[row_groups, cols]`` into whole blocks of columns, zeros behind them."""
    n_groups, cols = values.shape
    out = aligned((n_groups, -(-cols // LANES) * LANES), dtype)
    out[:, :cols] = values
    return out


@jit
def _tabulate(thresholds, places, lsb, origin, width, buckets, steps):
    """Fill ``steps``, or return how many boundaries the fullest bucket has where it has no rows.

    What is tabulated is the code plus one; 0 and ``2**bits + 1`` are sums an lsb or more outside.

    Parameters
    ----------
    thresholds : int64[adcs, 2**bits], fixed point
    places : int64[adcs, places]
        Where the answer may change, in order.
    lsb : int
    origin, width, buckets : int
    steps : int32[2 * pieces, adcs * buckets]
        Filled.

    Returns
    -------
    int
    """
    n_adcs, codes = thresholds.shape
    pieces = steps.shape[0] >> 1
    most = 0
    for a in range(n_adcs):
        row = thresholds[a]
        at, found = -1, 0
        here = 0  # of the search so far
        for i in range(-1, places.shape[1]):
            value = places[a, i] if i >= 0 else np.int64(-_LIMIT)
            if i >= 0 and abs(value) >= _LIMIT:
                continue
            code, bit = 0, codes >> 1
            while bit > 0:
                if value >= row[code | bit]:
                    code |= bit
                bit >>= 1
            after = code + 1
            if code == 0 and value < row[1] - lsb:
                after = 0
            elif code == codes - 1 and value >= row[codes - 1] + lsb:
                after = codes + 1
            if i >= 0 and after == here:
                continue
            bucket = (value - origin) >> width if i >= 0 else -1
            if bucket == at:
                found += 1
            else:
                if pieces > 0:  # buckets up to the new one hold the old code throughout
                    for k in range(at + 1, bucket + 1):
                        for piece in range(pieces):
                            steps[2 * piece, a * buckets + k] = 0x7FFFFFFF
                            steps[2 * piece + 1, a * buckets + k] = here << 16 | here
                at, found = bucket, 0
            if i >= 0 and pieces > 0:
                steps[2 * found, a * buckets + bucket] = value
                steps[2 * found + 1, a * buckets + bucket] = after << 16 | here
            if i >= 0:
                most = max(most, found + 1)
            here = after
        if pieces > 0:
            for k in range(at + 1, buckets):
                for piece in range(pieces):
                    steps[2 * piece, a * buckets + k] = 0x7FFFFFFF
                    steps[2 * piece + 1, a * buckets + k] = here << 16 | here
    return most


def _search(thresholds, frac):
    """Tabulate the search: (origin, width, buckets) and ``int32[2 * pieces, adcs * buckets]``."""
    n_adcs, codes = thresholds.shape
    if codes & (codes - 1) or not 2 <= codes <= 1 << _MOST_BITS:
        raise ValueError(
            f"thresholds: {codes} a converter (allowed: a power of two, 2 .. {1 << _MOST_BITS})"
        )
    lsb = 1 << frac
    wide = np.clip(thresholds, -_LIMIT / lsb, _LIMIT / lsb) * lsb
    fixed = np.ascontiguousarray(np.ceil(wide).astype(np.int64))  # sums are whole
    ends = [fixed[:, 1:2] - lsb, fixed[:, -1:] + lsb]  # beyond them a sum saturates
    places = np.sort(np.concatenate([fixed[:, 1:], *ends], axis=1), axis=1)
    within = fixed[:, 1:][np.abs(fixed[:, 1:]) < _LIMIT]
    origin = max(int(within.min(initial=0)) - lsb, 1 - _LIMIT)
    span = min(int(within.max(initial=0)) + lsb, _LIMIT) - origin
    none = np.zeros((0, 1), np.int32)
    best = None
    for width in range(frac, max(frac - _NARROWEST, 0) - 1, -1):
        buckets = (span >> width) + 1
        pieces = max(1, int(_tabulate(fixed, places, lsb, origin, width, buckets, none)))
        if best is None or pieces < best[0]:
            best = (pieces, width, buckets)
        if pieces == 1:
            break
    pieces, width, buckets = best
    steps = np.zeros((2 * pieces, n_adcs * buckets), np.int32)
    _tabulate(fixed, places, lsb, origin, width, buckets, steps)
    return origin, width, buckets, steps


def make_conversion(
    frac,
    low,
    high,
    flip,
    *,
    offset=None,
    thresholds=None,
    which=None,
    deviation=None,
    constant_variance=None,
    key=0,
    outputs=None,
):
    """Put converters, flips and noise as the kernels take them.

    ``code = clip(floor(sum + 1/2 + offset), low, high)``, or by thresholds a binary search from
    the top bit (``code |= bit`` where ``sum >= thresholds[code | bit]``) and ``low + code``.

    Parameters
    ----------
    frac : int
        From `table_numbers`.
    low, high : int
        Codes; ``high - low + 1`` is ``2**bits`` where there are thresholds.
    flip : int64[row_groups, cols]
        0, or -1 where the column's result is negated.
    offset : float64[row_groups, cols] [lsb], optional
    thresholds : float64[adcs, 2**bits] [lsb], optional
        Of each converter; entry 0 is not read.
    which : int64[row_groups, cols], optional
        Converter of each column.
    deviation : float64[row_groups, cols] [lsb], optional
        Standard deviation of the noise of each read: the same whatever is driven.
    constant_variance : float64[row_groups, cols] [lsb^2], optional
        Variance that is added to that of what is driven.
    key : int
        From `crossbar.kernels.draw.noise_key`.
    outputs : int64[cols], optional
        Numbers of the columns, by which noise is drawn.  0, 1, ... where absent.

    Returns
    -------
    Conversion
    """
    unit = 2.0**frac
    n_groups, cols = flip.shape
    zero = np.zeros((n_groups, cols))
    if thresholds is None:
        shift, search, steps = frac, (0, 0, 0), np.zeros((0, 0), np.int32)
        raised = np.rint((0.5 + (zero if offset is None else offset)) * unit)
        first = zero
    else:
        *search, steps = _search(np.asarray(thresholds, dtype=np.float64), frac)
        shift, raised = 0, zero + (low - 1)
        first = (zero if which is None else which) * search[2]
    noise, width = 0, zero
    if deviation is not None:
        noise, width = 1, deviation * unit
    if constant_variance is not None:
        noise, width = 2, constant_variance * unit * unit
    numbers = np.arange(cols) if outputs is None else np.asarray(outputs)
    return Conversion(
        np.array([shift, low, high, *search], dtype=np.int64),
        _padded(raised, np.int32),
        _padded(flip, np.int32),
        _padded(first, np.int32),
        steps,
        noise,
        _padded(width, np.float32),
        np.uint64(key),
        _padded(numbers[None], np.int32)[0],
        frac,
    )
