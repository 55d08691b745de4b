"""The tile's normalisation units, one a vector lane.

n elements that are normalised together take n additions (mean), n multiply-adds (sum of squares),
one reciprocal square root, n multiply-adds (centre and scale) and n more for a learned scale and
shift (`crossbar.workload.operations`): an addition and three multiply-adds of four operations.  An
operation of a norm costs their mean, also where nothing is learned; the root is left out.
"""

from __future__ import annotations

from crossbar.circuit.arithmetic import (
    add_area,
    add_energy,
    multiply_area,
    multiply_energy,
    sum_bits,
)

__all__ = ["norm_area", "norm_energy"]


def norm_energy(bits: int) -> float:
    """Energy of one operation, mean over those of many elements [J]: 0.249 pJ at 8 bits.

    All additions have `sum_bits`; squares are of ``bits`` bits, the two other products of ``bits``
    by twice as many (all *assumed*).
    """
    parts = (
        4 * add_energy(sum_bits(bits)),
        multiply_energy(bits, bits),
        2 * multiply_energy(bits, 2 * bits),
    )
    return sum(parts) / 4


def norm_area(bits: int, lanes: int) -> float:
    """Area of a tile's normalisation units [m^2].

    Each of its vector ``lanes`` has a multiplier and an adder (*assumed*: none is shared with
    another unit).
    """
    return lanes * (multiply_area(bits, 2 * bits) + add_area(sum_bits(bits)))
