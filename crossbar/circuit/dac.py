"""Row drivers: into which reads an activation is cut, and what a drive costs.

An input of ``bits`` goes out ``dac.bits`` a read, least significant first.  A signed one in two's
complement has its sign bit in a read of its own with negative weight; in ``offset`` it is raised by
``2**(bits - 1)`` first and the weight sums times that are subtracted digitally.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from crossbar.arch import Arch
from crossbar.circuit.isaac import PE_INPUT_BITS, per_action

__all__ = ["InputCoding", "dac_area", "drive_energy", "make_input_coding"]


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
    """

    bits: int
    digit: int
    sign_read: bool
    offset: int

    @property
    def main_reads(self) -> int:
        """Reads with positive weight; read t counts ``2**(t * digit)``."""
        return -(-(self.bits - int(self.sign_read)) // self.digit)

    @property
    def reads(self) -> int:
        """Reads of one row group for one input vector."""
        return self.main_reads + int(self.sign_read)

    @property
    def low(self) -> int:
        """Smallest activation."""
        return -(1 << (self.bits - 1)) if self.sign_read or self.offset else 0

    @property
    def high(self) -> int:
        """Largest activation."""
        return (1 << (self.bits - 1)) - 1 if self.low else (1 << self.bits) - 1

    def digits(self, x: NDArray[np.integer]) -> NDArray[np.int64]:
        """What the DACs drive: ``int64[reads, ...]`` for integer activations ``x[...]``."""
        raised = np.asarray(x, dtype=np.int64) + self.offset
        main_bits = self.bits - int(self.sign_read)
        main = raised & ((1 << main_bits) - 1)
        mask = (1 << self.digit) - 1
        out = [(main >> (t * self.digit)) & mask for t in range(self.main_reads)]
        if self.sign_read:
            out.append((raised >> main_bits) & 1)
        return np.stack(out)

    @property
    def weights(self) -> tuple[int, ...]:
        """What one step of each read counts; ``sum_t weights[t] * digits[t] == x + offset``."""
        main = [1 << (t * self.digit) for t in range(self.main_reads)]
        return tuple(main + ([-(1 << (self.bits - 1))] if self.sign_read else []))

    @property
    def full_scale(self) -> int:
        """Largest digit; it is driven with the whole read voltage."""
        return (1 << self.digit) - 1

    @lru_cache(maxsize=64)  # noqa: B019 - codings are few and small, and a layer asks every batch
    def drive_squares(self) -> NDArray[np.float64]:
        """Sum over the reads of digit**2, by activation.

        Returns
        -------
        float64[2**bits]
            Whole numbers, indexed by the activation's two's complement bits
            (``x & (2**bits - 1)``); times ``(read_voltage / full_scale)**2`` it is the sum of v**2
            that array energy needs.
        """
        patterns = np.arange(1 << self.bits)
        if self.low:
            half = 1 << (self.bits - 1)
            patterns = np.where(patterns >= half, patterns - 2 * half, patterns)
        return np.asarray((self.digits(patterns) ** 2).sum(0), dtype=np.float64)


def make_input_coding(arch: Arch, bits: int, signed: bool) -> InputCoding:
    """Choose the reads for activations of ``bits``, signed or not."""
    twos = signed and arch.dac.signed == "twos_complement"
    offset = 1 << (bits - 1) if signed and not twos else 0
    return InputCoding(bits, arch.dac.bits, twos, offset)


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
