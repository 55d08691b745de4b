"""Row drivers: into which reads an activation is cut, and what a drive costs.

An input of ``bits`` goes out ``dac.bits`` a read, least significant first.  A signed one in two's
complement has its sign bit in a read of its own with negative weight; in ``offset`` it is raised by
``2**(bits - 1)`` first and the weight sums times that are subtracted digitally; in
``sign_magnitude`` the rows are driven with either polarity, each read with a digit of the magnitude
and the sign of the input, so column sums have a sign too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.circuit.bow import bows
from crossbar.circuit.isaac import PE_INPUT_BITS, per_action
from crossbar.kernels.draw import uniform_cells

__all__ = ["InputCoding", "dac_area", "dac_drive", "drive_energy", "make_input_coding"]

_STREAM = 6  # of draws per row driver


@dataclass(frozen=True, slots=True)
class InputCoding:
    """How an integer activation becomes reads.

    Parameters
    ----------
    bits : int
        Bits of the activation.
    digit : int
        Bits a read (``dac.bits``).
    sign_read : bool
        Whether the last read is the sign bit of two's complement.
    offset : int
        Added to the activation before it is cut.
    bipolar : bool
        Whether digits are those of the magnitude and have the sign of the activation.
    """

    bits: int
    digit: int
    sign_read: bool
    offset: int
    bipolar: bool = False

    @property
    def main_bits(self) -> int:
        """Bits that are cut into digits: all but a sign that is driven in another way."""
        return self.bits - int(self.sign_read or self.bipolar)

    @property
    def main_reads(self) -> int:
        """Reads with positive weight; read t counts ``2**(t * digit)``."""
        return -(-self.main_bits // self.digit)

    @property
    def reads(self) -> int:
        """Reads of one row group for one input vector."""
        return self.main_reads + int(self.sign_read)

    @property
    def low(self) -> int:
        """Smallest activation; ``-2**(bits - 1)`` has no magnitude of ``bits - 1`` bits."""
        if self.bipolar:
            return -self.high
        return -(1 << (self.bits - 1)) if self.sign_read or self.offset else 0

    @property
    def high(self) -> int:
        """Largest activation."""
        signed = self.sign_read or self.offset or self.bipolar
        return (1 << (self.bits - 1)) - 1 if signed else (1 << self.bits) - 1

    def digits(self, x: NDArray[np.integer]) -> NDArray[np.int64]:
        """What the DACs drive: ``int64[reads, ...]`` for integer activations ``x[...]``.

        Digits are 0 to `full_scale`; bipolar ones have the sign of the activation.
        """
        raised = np.asarray(x, dtype=np.int64) + self.offset
        driven = np.abs(raised) if self.bipolar else raised
        main = driven & ((1 << self.main_bits) - 1)
        mask = (1 << self.digit) - 1
        out = [(main >> (t * self.digit)) & mask for t in range(self.main_reads)]
        if self.bipolar:
            out = [np.sign(raised) * digit for digit in out]
        if self.sign_read:
            out.append((raised >> self.main_bits) & 1)
        return np.stack(out)

    @property
    def weights(self) -> tuple[int, ...]:
        """What one step of each read counts; ``sum_t weights[t] * digits[t] == x + offset``."""
        main = [1 << (t * self.digit) for t in range(self.main_reads)]
        return tuple(main + ([-(1 << (self.bits - 1))] if self.sign_read else []))

    @property
    def full_scale(self) -> int:
        """Largest digit (magnitude); it is driven with the whole read voltage."""
        return (1 << self.digit) - 1

    @lru_cache(maxsize=64)  # noqa: B019 - codings are few and small, and a layer asks every batch
    def drive_squares(self) -> NDArray[np.float64]:
        """Sum over the reads of digit**2, by activation.

        Returns
        -------
        float64[2**bits]
            Whole numbers, indexed by the activation's two's complement bits
            (``x & (2**bits - 1)``); times ``(read_voltage / full_scale)**2`` it is the sum of v**2
            that array energy needs.  The pattern of ``-2**(bits - 1)``, which a bipolar coding
            does not have, stands for the smallest activation.
        """
        patterns = np.arange(1 << self.bits)
        if self.low:
            half = 1 << (self.bits - 1)
            patterns = np.where(patterns >= half, patterns - 2 * half, patterns)
            patterns = np.maximum(patterns, self.low)
        return np.asarray((self.digits(patterns) ** 2).sum(0), dtype=np.float64)


def make_input_coding(arch: Arch, bits: int, signed: bool) -> InputCoding:
    """Choose the reads for activations of ``bits``, signed or not.

    A signed one in two's complement takes ``1 + ceil((bits - 1) / dac.bits)`` reads, with an offset
    ``ceil(bits / dac.bits)``, in sign and magnitude ``ceil((bits - 1) / dac.bits)``.
    """
    kind = arch.dac.signed if signed else "none"
    offset = 1 << (bits - 1) if kind == "offset" else 0
    twos, bipolar = kind == "twos_complement", kind == "sign_magnitude"
    return InputCoding(bits, arch.dac.bits, twos, offset, bipolar)


def dac_drive(
    arch: Arch, arrays: NDArray[np.integer], rows: int, seed: int
) -> NDArray[np.float64] | None:
    """Drive of every row driver for each digit, with its INL; None where all are ideal.

    Each driver has a bow of its own (`crossbar.circuit.bow.bows`) with a largest error of exactly
    ``dac.inl`` steps.  Digit 0 drives 0 and the top digit the whole read voltage, so a driver of 1
    bit has no INL.  A digit driven with the other polarity drives the same backwards.

    Parameters
    ----------
    arch : Arch
    arrays : int64[n]
        Numbers of arrays on the chip.
    rows : int
        Rows of an array.
    seed : int
        Drawn from ``(seed, stream 6, array, row)``.

    Returns
    -------
    float64[n, rows, 2**dac.bits]
        [step]
    """
    if not arch.dac.inl or arch.dac.bits == 1:
        return None
    digits = 1 << arch.dac.bits
    drive = np.empty((len(arrays), rows, digits))
    mixes = np.empty((rows, 2))
    for i, array in enumerate(arrays.tolist()):
        uniform_cells(seed, _STREAM, array, 0, 0, mixes)
        drive[i] = np.arange(digits) + arch.dac.inl * bows(mixes, digits)
    return drive


def drive_energy(bits: int) -> float:
    """Energy of driving one row for one read [J]: 0.3906 pJ at 1 bit, doubled by each further bit.

    ISAAC, ISCA 2016, table I: 4 mW for the 8 x 128 1-bit DACs of an IMA, each used in every 100 ns.
    More bits: MNSIM's 3.9 uW x 2^(bits - 1).
    """
    return per_action(4e-3, PE_INPUT_BITS) * 2.0 ** (bits - 1)


def dac_area(bits: int) -> float:
    """Area of one row's DAC [m^2]: 0.166 um2 at 1 bit, doubled by each further bit.

    ISAAC, ISCA 2016, table I: 0.00017 mm2 for 8 x 128.  More bits: MNSIM's 0.166 um2 x
    2^(bits - 1).
    """
    return 0.00017e-6 / PE_INPUT_BITS * 2.0 ** (bits - 1)
