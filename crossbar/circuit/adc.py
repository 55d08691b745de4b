"""Analog-to-digital converter: what code a column sum becomes.

``s`` is the column sum in units of one cell level and one DAC step.  ``clip``: lsb = 1, saturates
at the top code.  ``full``: lsb = s_max / (2**bits - 1), rounds half up.  ``calibrated``: the same
with an s_max that was seen in data.  ``lossless``: as many bits as s_max needs, lsb = 1.  A signed
converter (currents subtracted first, or rows driven with either sign) has codes -2**(bits - 1) ..
2**(bits - 1) - 1; stretched over a range its lsb is s_max / (2**(bits - 1) - 1).  Zero is always a
code.

What single converters do wrong is in `crossbar.circuit.adc_mismatch`, what they cost in
`crossbar.circuit.adc_cost`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch

__all__ = [
    "Adc",
    "make_adc",
    "make_unit_adc",
    "pedestal_levels",
    "resolution",
    "unit_resolution",
]

_WORD = 62  # bits of a product that int64 holds with room for a sum


@dataclass(frozen=True, slots=True)
class Adc:
    """One converter's transfer function.

    Parameters
    ----------
    bits : int
        Width of the code.
    s_max : float
        Largest magnitude of a column sum that the range is made for, more than 0.  A whole number
        is computed with as an integer, ties included.
    full : bool
        Whether the range is stretched over s_max (policies ``full`` and ``calibrated``); otherwise
        lsb = 1.
    signed : bool
        Whether sums may be negative.
    bound : float, optional
        Largest magnitude of a column sum that can occur, where that is more than s_max.
    """

    bits: int
    s_max: float
    full: bool
    signed: bool
    bound: float | None = None

    @property
    def low(self) -> int:
        """Lowest code."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """Highest code."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    @property
    def lsb(self) -> float:
        """Column sum that one code step stands for."""
        return self.s_max / self.high if self.full else 1.0

    def convert(self, s: NDArray[np.integer]) -> NDArray[np.int64]:
        """Codes of the integer column sums ``s``, any shape."""
        return np.clip(self._unclipped(s), self.low, self.high)

    def convert_real(self, s: NDArray[np.floating]) -> NDArray[np.int64]:
        """Codes of real column sums ``s``, any shape: ``clip(floor(s / lsb + 1/2), low, high)``.

        For whole sums and a whole s_max this is `convert` but for ties, which floating point may
        miss.
        """
        return np.clip(self._unclipped_real(s), self.low, self.high).astype(np.int64)

    def saturates(self, s: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether each integer column sum lies outside the range of codes and is clipped."""
        code = self._unclipped(s)
        return (code < self.low) | (code > self.high)

    def saturates_real(self, s: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each real column sum lies outside the range of codes and is clipped."""
        code = self._unclipped_real(s)
        return (code < self.low) | (code > self.high)

    def _unclipped(self, s: NDArray[np.integer]) -> NDArray[np.int64]:
        code = np.asarray(s, dtype=np.int64)
        if not self.full:
            return code
        if not float(self.s_max).is_integer():
            factor, bias, shift = self.fixed_point
            least, most = _span(self)
            return (np.clip(code, -least, most) * factor + bias) >> shift
        s_max = int(self.s_max)
        return (2 * code * self.high + s_max) // (2 * s_max)

    def _unclipped_real(self, s: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.floor(np.asarray(s, dtype=np.float64) / self.lsb + 0.5)

    @property
    def fixed_point(self) -> tuple[int, int, int]:
        """``(factor, bias, shift)``: ``code(s) = (s * factor + bias) >> shift``, not yet clipped.

        It equals `convert` for every whole s that can occur: 0 to the larger of ``bound`` and
        2 s_max, for a signed converter as far below 0 too.  A signed sum may also be raised by a
        whole s_max first and the code lowered by ``high``.  Where s_max is whole, it is the exact
        quotient, ties included; where it is not, a sum within some 1e-6 of a code below an edge
        already counts as above it.

        Raises
        ------
        OverflowError
            When 64 bits do not hold the products.
        """
        return _fixed_point(self)


def _span(adc: Adc) -> tuple[int, int]:
    """How far below and above 0 whole sums are converted exactly; sums beyond saturate."""
    reach = math.ceil(max(adc.bound or 0.0, 2 * adc.s_max))
    return (reach, reach + math.ceil(adc.s_max)) if adc.signed else (0, reach)


@lru_cache(maxsize=4096)
def _fixed_point(adc: Adc) -> tuple[int, int, int]:
    """Replace the quotient of `Adc.convert` by a multiplication.

    With ``factor = ceil(high * 2**shift / s_max)`` the product is too large by less than ``s``, too
    small by less than ``-s`` where s is negative; ``bias`` makes up for the latter.  Fractions of
    the exact result are multiples of 1 / (2 s_max) where s_max is whole, so it is exact once
    ``2**shift > 2 s_max * (largest s + largest -s)``.  Other s_max have no such multiples; they get
    all the bits there are.
    """
    if not adc.full:
        return 1, 0, 0
    below, above = _span(adc)
    s_max = Fraction(adc.s_max)
    if s_max.denominator == 1:
        shift = int(2 * s_max * (above + below)).bit_length()
    else:
        shift = max(1, _WORD - 2 - math.ceil(above * adc.high / s_max).bit_length())
    factor = math.ceil((adc.high << shift) / s_max)
    bias = (1 << (shift - 1)) + below
    if (above * factor + bias).bit_length() > _WORD:
        raise OverflowError(f"an ADC of {adc.bits} bits over s_max {adc.s_max}")
    return factor, bias, shift


def pedestal_levels(arch: Arch) -> float:
    """What a driven cell at level 0 adds to a conversion [level of one cell and one DAC step].

    ``g_off / g_step`` where ``cell.pedestal`` is ``none`` or ``digital``.  It is 0 where a
    reference column or the other column of a pair (``array.subtract: analog``) takes the pedestal
    away before the converter, and for ideal cells.
    """
    cell = arch.cell
    if cell.pedestal not in ("none", "digital") or arch.array.subtract == "analog":
        return 0.0
    return cell.g_off * ((1 << cell.bits) - 1) / (cell.g_on - cell.g_off)


def _s_max(arch: Arch, halved: bool) -> float:
    """Largest magnitude of a column sum; an int where there is no pedestal."""
    rows = arch.array.rows_per_read or arch.array.rows
    drive = (1 << arch.dac.bits) - 1
    top = (1 << arch.cell.bits) - 1
    levels = drive * max(1, rows * top // 2) if halved else drive * rows * top
    pedestal = drive * rows * pedestal_levels(arch)
    return levels + pedestal if pedestal else levels


def _signed_drive(arch: Arch) -> bool:
    return arch.dac.signed == "sign_magnitude"


def _make(arch: Arch, s_max: float, bound: float, signed: bool) -> Adc:
    if arch.adc.policy == "lossless":
        bits = math.floor(s_max + 0.5).bit_length() + int(signed)
        return Adc(bits, s_max, False, signed, bound)
    assert arch.adc.bits is not None  # the schema requires it of the other policies
    stretched = arch.adc.policy in ("full", "calibrated")
    return Adc(arch.adc.bits, s_max, stretched, signed, bound)


def make_adc(arch: Arch, s_max: float | None = None) -> Adc:
    """Build the converter of the weight columns.

    The largest sum of a row group is ``rows * (2^dac.bits - 1) * (2^cell.bits - 1 + g_off /
    g_step)``, the last part where the converter sees the pedestal (`pedestal_levels`); flipped
    columns halve the part of the levels.  Sums have a sign where currents are subtracted or rows
    are driven with the sign of the input (``dac.signed: sign_magnitude``, with which the pedestal
    has that sign too).

    Parameters
    ----------
    arch : Arch
    s_max : float, optional
        Largest sum to be converted, as seen in data, under ``adc.policy: calibrated``; before
        calibration the largest that is possible.  Where data showed nothing but zeros (0) it is
        one level.

    Raises
    ------
    ValueError
        An s_max that is negative or not finite, or under another policy.
    """
    signed = arch.array.subtract == "analog" or _signed_drive(arch)
    largest, bound = _s_max(arch, arch.array.flip_columns), _s_max(arch, False)
    if s_max is None:
        return _make(arch, largest, bound, signed)
    if arch.adc.policy != "calibrated" or not (0.0 <= s_max < math.inf):
        raise ValueError(f"s_max {s_max} under adc.policy {arch.adc.policy}")
    seen = s_max or 1.0
    return _make(arch, int(seen) if float(seen).is_integer() else float(seen), bound, signed)


def make_unit_adc(arch: Arch) -> Adc:
    """Build the converter of the unit columns that sum the inputs (``array.input_sum: column``).

    Never calibrated: under ``calibrated`` its range is the largest sum possible.
    """
    largest = _s_max(arch, False)
    return _make(arch, largest, largest, _signed_drive(arch))


def unit_resolution(arch: Arch) -> int:
    """Bits with which unit columns are converted [bit]; without any, those of weight columns."""
    units = arch.array.input_sum == "column"
    return make_unit_adc(arch).bits if units else make_adc(arch).bits


def resolution(arch: Arch) -> int:
    """Bits that the converters of the chip need [bit]: the wider of weight and unit columns."""
    return max(make_adc(arch).bits, unit_resolution(arch))
