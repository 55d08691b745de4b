"""Analog-to-digital converter: what code a column sum becomes, and what a conversion costs.

Behaviour (design: the numerics contract).  ``s`` is the column sum in units of one cell level and one DAC
step.  ``clip``: lsb = 1, saturates at the top code.  ``full``: lsb = s_max / (2**bits - 1), rounds half up.
``lossless``: as many bits as s_max needs, lsb = 1.  A signed converter (currents subtracted first) has
codes -2**(bits - 1) .. 2**(bits - 1) - 1; under ``full`` its lsb is s_max / (2**(bits - 1) - 1).  Zero is
always a code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch

__all__ = ["Adc", "make_adc", "make_unit_adc"]


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
        """``(factor, bias, shift)`` with ``code(s) = (s * factor + bias) >> shift`` for 0 <= s <= 2 s_max.

        The quotient of `convert` by a multiplication: with ``factor = ceil(high * 2**shift / s_max)`` the
        error of ``s * factor`` is below ``s``; fractions of the exact result are multiples of
        1 / (2 s_max), so it is exact once ``2**shift > 2 s_max * 2 s_max``.
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
