"""The tile's matmul unit: products of two activations, as attention has them.

A square of multipliers with an accumulator each.  In a clock a column of one operand and a row of
the other come in, each element used by one side of the square; the sums stay where they are until
they are complete, so that only operands pass registers.
"""

from __future__ import annotations

import math

from crossbar.circuit.arithmetic import (
    add_area,
    add_energy,
    multiply_area,
    multiply_energy,
    sum_bits,
)
from crossbar.circuit.registers import input_register_area, input_register_energy

__all__ = ["mac_energy", "matmul_area", "operand_bits"]


def operand_bits(bits: int, macs: int) -> float:
    """Bits of operands that one multiply-accumulate takes from registers, its share of a clock's.

    2 x ``bits`` / sqrt(``macs``): 1 at 8 bits and 256 multiply-accumulates a clock.
    """
    return 2 * bits / math.sqrt(macs)


def mac_energy(bits: int, macs: int) -> float:
    """Energy of one multiply-accumulate [J]: 0.334 pJ at 8 bits in a unit of 256.

    A multiplication (0.142 pJ), an addition to a sum of 2 x bits + 16 bits (0.071 pJ; that its
    register is part of that price is *assumed*) and the operands' registers (0.121 pJ, at the price
    of ISAAC's input register).  Published: about 0.3 pJ at 45 nm (Horowitz, ISSCC 2014: 0.2 pJ +
    0.1 pJ, without registers).

    Parameters
    ----------
    bits : int
        Of an activation.
    macs : int
        Multiply-accumulates of the unit in a clock.
    """
    registers = operand_bits(bits, macs) * input_register_energy()
    return multiply_energy(bits, bits) + add_energy(sum_bits(bits)) + registers


def matmul_area(bits: int, macs: int) -> float:
    """Area of a matmul unit of ``macs`` multiply-accumulates a clock [m^2].

    Multipliers, adders, a register for each sum and for the operands, the last two as dense as
    ISAAC's input register (*assumed*): 0.0549 mm2 for 256 of 8 bits.
    """
    sums = sum_bits(bits)
    each = multiply_area(bits, bits) + add_area(sums) + input_register_area(1) * sums / 8
    return macs * (each + input_register_area(1) * operand_bits(bits, macs) / 8)
