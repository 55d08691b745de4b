"""The tile's softmax units, one a vector lane.

A row of n takes n - 1 comparisons (its largest), n subtractions of it, n exponentials, n - 1
additions, one reciprocal and n multiplications (`crossbar.workload.operations`): in a long row a
fifth of each of the five.  An operation of softmax costs their mean; a short row does one
comparison and one addition less and a reciprocal, one look-up, more.
"""

from __future__ import annotations

from crossbar.circuit.arithmetic import (
    add_area,
    add_energy,
    lookup_energy,
    multiply_area,
    multiply_energy,
    sum_bits,
    table_area,
)

__all__ = ["softmax_area", "softmax_energy"]


def softmax_energy(bits: int) -> float:
    """Energy of one operation, mean over those of a long row [J]: 0.118 pJ at 8 bits.

    Scores are compared and subtracted with ``bits`` bits, exponentials looked up with as many,
    added up with `sum_bits` and multiplied by a reciprocal of twice as many (all *assumed*).
    """
    parts = (
        2 * add_energy(bits),
        lookup_energy(bits),
        add_energy(sum_bits(bits)),
        multiply_energy(bits, 2 * bits),
    )
    return sum(parts) / 5


def softmax_area(bits: int, lanes: int) -> float:
    """Area of a tile's softmax units [m^2].

    Each of its vector ``lanes`` has an adder for scores, one for sums, a table of exponentials and
    a multiplier (*assumed*: none is shared with another unit).
    """
    each = add_area(bits) + add_area(sum_bits(bits)) + multiply_area(bits, 2 * bits)
    return lanes * (each + table_area(bits))
