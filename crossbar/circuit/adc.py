"""Analog-to-digital converter: what code a column sum becomes, and what a conversion costs.

Behaviour (design: the numerics contract).  ``s`` is the column sum in units of one cell level and
one DAC step.  ``clip``: lsb = 1, saturates at the top code.  ``full``: lsb = s_max / (2**bits - 1),
rounds half up.  ``lossless``: as many bits as s_max needs, lsb = 1.  A signed converter (currents
subtracted first) has codes -2**(bits - 1) .. 2**(bits - 1) - 1; under ``full`` its lsb is
s_max / (2**(bits - 1) - 1).  Zero is always a code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.circuit.isaac import PE_COLUMNS, per_action

__all__ = [
    "Adc",
    "adc_area",
    "conversion_energy",
    "fitted_bits",
    "make_adc",
    "make_unit_adc",
    "resolution",
]


@dataclass(frozen=True, slots=True)
class Adc:
    """One converter's transfer function.

    Parameters
    ----------
    bits : int
        Width of the code.
    s_max : int
        Largest magnitude of a column sum of the physical row group.
    full : bool
        Whether the range is stretched over s_max (policy ``full``); otherwise lsb = 1.
    signed : bool
        Whether sums may be negative.
    """

    bits: int
    s_max: int
    full: bool
    signed: bool

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

    def _unclipped(self, s: NDArray[np.integer]) -> NDArray[np.int64]:
        code = np.asarray(s, dtype=np.int64)
        return (2 * code * self.high + self.s_max) // (2 * self.s_max) if self.full else code

    def convert(self, s: NDArray[np.integer]) -> NDArray[np.int64]:
        """Codes of the integer column sums ``s``, any shape."""
        return np.clip(self._unclipped(s), self.low, self.high)

    def saturates(self, s: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether each column sum lies outside the range of codes and is clipped."""
        code = self._unclipped(s)
        return (code < self.low) | (code > self.high)

    @property
    def fixed_point(self) -> tuple[int, int, int]:
        """``(factor, bias, shift)``: ``code(s) = (s * factor + bias) >> shift``, 0 <= s <= 2 s_max.

        The quotient of `convert` by a multiplication: with ``factor = ceil(high * 2**shift /
        s_max)`` the error of ``s * factor`` is below ``s``; fractions of the exact result are
        multiples of 1 / (2 s_max), so it is exact once ``2**shift > 2 s_max * 2 s_max``.
        """
        if not self.full:
            return 1, 0, 0
        shift = (4 * self.s_max * self.s_max).bit_length()
        factor = -(-(self.high << shift) // self.s_max)
        if (2 * self.s_max * factor).bit_length() > 62:
            raise OverflowError(f"an ADC of {self.bits} bits over s_max {self.s_max}")
        return factor, 1 << (shift - 1), shift


def _s_max(arch: Arch, halved: bool) -> int:
    rows = arch.array.rows_per_read or arch.array.rows
    drive = (1 << arch.dac.bits) - 1
    top = (1 << arch.cell.bits) - 1
    return drive * max(1, rows * top // 2) if halved else drive * rows * top


def _make(arch: Arch, s_max: int, signed: bool) -> Adc:
    if arch.adc.policy == "lossless":
        return Adc(s_max.bit_length() + int(signed), s_max, False, signed)
    assert arch.adc.bits is not None  # the schema requires it of the other policies
    return Adc(arch.adc.bits, s_max, arch.adc.policy == "full", signed)


def make_adc(arch: Arch) -> Adc:
    """Build the converter of the weight columns; flipped columns halve the largest sum."""
    return _make(arch, _s_max(arch, arch.array.flip_columns), arch.array.subtract == "analog")


def make_unit_adc(arch: Arch) -> Adc:
    """Build the converter of the unit columns that sum the inputs (``array.input_sum: column``)."""
    return _make(arch, _s_max(arch, False), False)


def resolution(arch: Arch) -> int:
    """Bits that the converters of the chip need [bit]: the wider of weight and unit columns."""
    bits = make_adc(arch).bits
    return max(bits, make_unit_adc(arch).bits) if arch.array.input_sum == "column" else bits


def fitted_bits(bits: int) -> tuple[float, float]:
    """Energy [J] and area [m^2] of a converter with a capacitive DAC, by resolution.

    ``E = 1.667 + 0.1932 (b - 8) + 0.000423 (2^b - 256)`` pJ,
    ``A = 1200 + 81.9 (b - 8) + 2.133 (2^b - 256)`` um2: a part a bit (comparator, logic) and one
    that doubles with each bit (the capacitors).

    Fitted to the scaling of Saberi et al. (2011) as tabulated for ISAAC's converter at 1.2 GS/s,
    32 nm, 4 to 10 bits, in hwcomponents ``isaac.py``; within 1 % of it.  Fewer and more bits are
    extrapolated (assumed).
    """
    steps = 2.0**bits - 256.0
    energy = 1.667 + 0.1932 * (bits - 8) + 0.000423 * steps
    area = 1200.0 + 81.9 * (bits - 8) + 2.133 * steps
    return energy * 1e-12, area * 1e-12


def conversion_energy(bits: int) -> float:
    """Energy of one conversion [J]: 1.5625 pJ at 8 bits.

    ISAAC, ISCA 2016, table I: 16 mW for the 8 ADCs of an IMA, 8 x 128 conversions in 100 ns;
    scaled from 8 bits by `fitted_bits`.  Taken as independent of ``adc.rate``.
    """
    return per_action(16e-3, PE_COLUMNS) * fitted_bits(bits)[0] / fitted_bits(8)[0]


def adc_area(bits: int) -> float:
    """Area of one converter [m^2]: 1200 um2 at 8 bits.

    ISAAC, ISCA 2016, table I: 0.0096 mm2 for 8; scaled from 8 bits by `fitted_bits`.
    """
    return 0.0096e-6 / 8 * fitted_bits(bits)[1] / fitted_bits(8)[1]
