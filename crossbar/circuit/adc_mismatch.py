"""What single converters do wrong: offset, gain, bent and uneven steps, noise.

No two converters of a chip are alike.  Each has an offset and a gain of its own; each has a bow
(``adc.inl``, `crossbar.circuit.bow`); and its steps are uneven (``adc.dnl``) in the way of its
kind:

- ``sar``: the thresholds are sums of binary-weighted capacitors; one of 2^b units is off by the
  root of 2^b of what one unit is off, so the steps where many bits change are the worst
- ``pipeline``: bit by bit as well; each stage multiplies what is left by a little more or less than
  2, which scales all bits after it
- ``ramp``: each step of the ramp is off independently and the errors add up along it; a counter
  stops at the first crossing, so thresholds never fall
- ``flash``: one comparator a threshold, each off independently; the codes count those that fire,
  which sorts the thresholds

All are drawn once for each converter of the chip, from ``(seed, stream 5, number)``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.circuit.adc import Adc
from crossbar.circuit.bow import bows
from crossbar.kernels.draw import normal_cells, uniform_cells

__all__ = [
    "Converters",
    "adc_number",
    "conversion_noise",
    "converter_instances",
    "find_codes",
    "threshold_table",
]

_STREAM = 5
_COMMON, _BOW, _STEPS = 0, 1, 2  # rows of the draws of one converter
_LEAST_GAIN = 0.01


@dataclass(frozen=True, eq=False)
class Converters:
    """Some converters of a chip, as they really are.

    Parameters
    ----------
    bits : int
    low : int
        Lowest code.
    offset : float64[n]
        [lsb]
    gain : float64[n]
        Factor, never below 0.01; without thresholds ``code = clip(floor(gain * s + offset +
        1/2))``, s in lsb.
    thresholds : float64[n, 2**bits] or None
        ``thresholds[i, k]`` is the column sum [lsb] at which converter i decides for code ``low +
        k``, offset and gain included; -inf for k = 0.  `find_codes` says how they are used; those
        of ``sar`` and ``pipeline`` need not rise.  None where the steps are even and straight.
    noise : float
        Fresh in every conversion, added to the sum [lsb rms].
    """

    bits: int
    low: int
    offset: NDArray[np.float64]
    gain: NDArray[np.float64]
    thresholds: NDArray[np.float64] | None
    noise: float


def adc_number(arch: Arch, array: NDArray[np.integer]) -> NDArray[np.int64]:
    """Number of the physical converter that serves an array: ``PE * pe.adcs + place in the PE``.

    Neighbouring arrays of a PE share one, ``ceil(pe.arrays / pe.adcs)`` at most.

    Parameters
    ----------
    arch : Arch
    array : int[...]
        Numbers of arrays on the chip.
    """
    pe, place = np.divmod(np.asarray(array, dtype=np.int64), arch.pe.arrays)
    shared = -(-arch.pe.arrays // arch.pe.adcs)
    return np.asarray(pe * arch.pe.adcs + place // shared)


def conversion_noise(arch: Arch, bits: int) -> float:
    """Noise of one conversion, referred to the input [lsb rms].

    ``adc.noise``, or from ``adc.enob``: ``sqrt((4^(bits - enob) - 1) / 12)``, with which a
    full-scale sine has a signal-to-noise ratio of ``6.02 enob + 1.76`` dB, the definition of
    effective bits (IEEE Std 1241): the noise power of enob bits, 4^(bits - enob) / 12 lsb^2, less
    that of rounding, 1 / 12 lsb^2.
    """
    enob = arch.adc.enob
    if enob is None:
        return arch.adc.noise
    return float(np.sqrt((4.0 ** (bits - enob) - 1.0) / 12.0))


def converter_instances(
    arch: Arch, adc: Adc, numbers: NDArray[np.integer], seed: int
) -> Converters | None:
    """Draw converters of a chip; None where they are all ideal.

    The same number and seed give the same converter, whatever else is asked for.

    Parameters
    ----------
    arch : Arch
        For ``adc.kind``, ``offset``, ``gain_error``, ``inl``, ``dnl``, ``noise`` and ``enob``.
    adc : Adc
        For the codes.
    numbers : int64[n]
        Of `adc_number`.
    seed : int
    """
    section, noise = arch.adc, conversion_noise(arch, adc.bits)
    uneven = bool(section.inl or section.dnl)
    if not (section.offset or section.gain_error or noise or uneven):
        return None
    common = np.empty((len(numbers), 2))
    mixes = np.empty((len(numbers), 2))
    steps = np.empty((len(numbers), 1 << adc.bits if uneven else 0))
    for i, number in enumerate(numbers.tolist()):
        normal_cells(seed, _STREAM, number, _COMMON, 0, common[i : i + 1])
        uniform_cells(seed, _STREAM, number, _BOW, 0, mixes[i : i + 1])
        normal_cells(seed, _STREAM, number, _STEPS, 0, steps[i : i + 1])
    offset = section.offset * common[:, 0]
    gain = np.maximum(1.0 + section.gain_error * common[:, 1], _LEAST_GAIN)
    table = None
    if uneven:
        table = threshold_table(section.kind, adc.bits, section.dnl, steps)
        table[:, 1:] += section.inl * bows(mixes, table.shape[1] - 1)
        if section.kind == "flash":
            table.sort(1)
        elif section.kind == "ramp":
            np.maximum.accumulate(table, 1, out=table)
        table = (table + adc.low - offset[:, None]) / gain[:, None]
    return Converters(adc.bits, adc.low, offset, gain, table, noise)


def threshold_table(
    kind: str, bits: int, dnl: float, draws: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Thresholds of an unsigned converter with uneven steps; ``k - 1/2`` where dnl is 0.

    The root of the mean square of ``thresholds[k + 1] - thresholds[k] - 1``, over the codes and
    over many converters, is ``dnl``: to first order in it, and for flash as long as hardly any
    thresholds change places.  The ends of the range stay where they are, but for flash, since
    offset and gain are counted apart.

    Parameters
    ----------
    kind : {"sar", "pipeline", "ramp", "flash"}
    bits : int
    dnl : float
        [lsb]
    draws : float64[n, 2**bits]
        Standard normal; ``sar`` and ``pipeline`` use the first ``bits`` of a row.

    Returns
    -------
    float64[n, 2**bits]
        [lsb], -inf at k = 0.
    """
    codes = np.arange(1 << bits)
    if kind in ("sar", "pipeline"):
        weights = _sar_weights if kind == "sar" else _pipeline_weights
        table = weights(bits, dnl, draws) @ ((codes >> np.arange(bits)[:, None]) & 1) - 0.5
    else:
        errors = _ramp_errors if kind == "ramp" else _flash_errors
        table = codes - 0.5 + errors(dnl, draws)
    table[:, 0] = -np.inf
    return np.asarray(table)


def _sar_weights(bits: int, dnl: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each bit counts, ``float64[n, bits]``: capacitors of 2^b units of independent errors."""
    nominal = 2.0 ** np.arange(bits)
    spread = np.diag(np.sqrt(nominal))
    sigma = dnl / _rms_step(spread)
    return _to_the_ends(nominal + sigma * draws[:, :bits] @ spread.T)


def _pipeline_weights(bits: int, dnl: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each bit counts, ``float64[n, bits]``: divided by the gains of the stages before it."""
    nominal = 2.0 ** np.arange(bits)
    before = np.triu(np.ones((bits, bits)), 1)  # bit b has passed the stages of the bits above it
    sigma = dnl / _rms_step(nominal[:, None] * before)
    gains = np.maximum(1.0 + sigma * draws[:, :bits], _LEAST_GAIN)
    after_top = np.cumprod(gains[:, ::-1], 1)[:, ::-1] / gains
    return _to_the_ends(nominal / after_top)


def _to_the_ends(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale the bits of each converter to the whole range; what they miss of it is gain."""
    return np.asarray(weights * ((2.0 ** weights.shape[1] - 1) / weights.sum(1, keepdims=True)))


def _rms_step(spread: NDArray[np.float64]) -> float:
    """Root mean square of the errors of the steps for a unit standard deviation of the draws.

    The step from k to k + 1 sets the lowest clear bit, m, and clears those below.  Of all k from 1
    (the first step ends at -inf) 2^(bits - 1 - m) have the bit m; for m = 0 one fewer.

    Parameters
    ----------
    spread : float64[bits, draws]
        How the weight of each bit follows the draws, before `_to_the_ends`.
    """
    bits = len(spread)
    if bits == 1:
        return 1.0  # one threshold has no steps; it does not move either
    nominal = 2.0 ** np.arange(bits)
    held = spread - np.outer(nominal, spread.sum(0)) / (2.0**bits - 1)
    steps = held - (np.cumsum(held, 0) - held)
    times = nominal[::-1].copy()
    times[0] -= 1
    return float(np.sqrt(times @ (steps**2).sum(1) / (2.0**bits - 2)))


def _ramp_errors(dnl: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up the errors of the steps from threshold 1 on; the last is back at 0 (gain)."""
    errors = np.zeros_like(draws)
    steps = draws[:, 2:]
    count = steps.shape[1]
    if count:
        sigma = dnl * np.sqrt(count / (count - 1.0))
        errors[:, 2:] = sigma * np.cumsum(steps - steps.mean(1, keepdims=True), 1)
    return errors


def _flash_errors(dnl: float, draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Errors of the comparators; a step lies between two of them."""
    return np.asarray(draws * (dnl / np.sqrt(2.0)))


def find_codes(
    converters: Converters, which: NDArray[np.integer], s: NDArray[np.floating]
) -> NDArray[np.int64]:
    """Convert column sums, each by a converter of its own.

    A code is found from the top bit down, ``code |= bit`` where ``s >= thresholds[code | bit]``:
    what successive approximation does; for thresholds that never fall it is the last one that is
    not above s.

    Parameters
    ----------
    converters : Converters
    which : int[...]
        Place of the converter in ``converters``; broadcast against ``s``.
    s : float[...]
        Column sums [lsb], noise included.
    """
    where, sums = np.broadcast_arrays(which, np.asarray(s, dtype=np.float64))
    if converters.thresholds is None:
        found = np.floor(converters.gain[where] * sums + converters.offset[where] + 0.5)
        high = converters.low + (1 << converters.bits) - 1
        return np.asarray(np.clip(found, converters.low, high), dtype=np.int64)
    code = np.zeros(sums.shape, dtype=np.int64)
    for place in reversed(range(converters.bits)):
        tried = code | (1 << place)
        code = np.where(sums >= converters.thresholds[where, tried], tried, code)
    return np.asarray(converters.low + code)
