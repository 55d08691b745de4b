"""Adders, multipliers and look-up tables that the tile's digital units are made of, at 32 nm.

Horowitz, ISSCC 2014, figure 1.1.9 (as quoted), gives integer adders and multipliers at 45 nm and
0.9 V: additions of 8, 16 and 32 bits 0.03, 0.05 and 0.1 pJ, 36, 67 and 137 um2; multiplications of
8 and 32 bits 0.2 and 3.1 pJ, 282 and 3495 um2.  Sze et al. 2020 quote the same 0.2 pJ.  Between
these an adder grows with its bits and a multiplier with the product of the bits of its operands,
which those numbers follow (a test).  At 32 nm and the same voltage energy falls with the length of
the gates, 32 / 45, and area with its square: *assumed*, the usual scaling.
"""

from __future__ import annotations

from crossbar.circuit.registers import input_register_area

__all__ = [
    "ADD_AREA",
    "ADD_ENERGY",
    "LOOKUP_ENERGY",
    "MULTIPLY_AREA",
    "MULTIPLY_ENERGY",
    "NODE",
    "PUBLISHED_NODE",
    "TABLE_ENTRIES",
    "add_area",
    "add_energy",
    "lookup_energy",
    "multiply_area",
    "multiply_energy",
    "sum_bits",
    "table_area",
]

NODE, PUBLISHED_NODE = 32e-9, 45e-9
"""Node of the priced chips, and of Horowitz's table [m]."""

ADD_ENERGY, ADD_AREA = 0.05e-12, 67e-12
"""Of an adder of 16 bits at 45 nm [J, m^2]."""

MULTIPLY_ENERGY, MULTIPLY_AREA = 0.2e-12, 282e-12
"""Of a multiplier of 8 x 8 bits at 45 nm [J, m^2]."""

LOOKUP_ENERGY = 0.2e-12
"""Of an 8-bit entry of a table of 256 [J] at 32 nm, *assumed*: about a multiplication of 8 bits."""

TABLE_ENTRIES = 256


def add_energy(bits: int) -> float:
    """Energy of adding, subtracting or comparing two numbers of ``bits`` bits [J].

    ``0.05 pJ x bits / 16 x 32 nm / 45 nm``: 0.0356 pJ at 16 bits.  Horowitz, ISSCC 2014; that a
    comparison costs what a subtraction does is *assumed*.
    """
    return ADD_ENERGY * bits / 16 * (NODE / PUBLISHED_NODE)


def add_area(bits: int) -> float:
    """Area of an adder of ``bits`` bits [m^2]: 67 um2 x bits / 16 x (32 nm / 45 nm)^2.

    Horowitz, ISSCC 2014.
    """
    return ADD_AREA * bits / 16 * (NODE / PUBLISHED_NODE) ** 2


def multiply_energy(a: int, b: int) -> float:
    """Energy of multiplying a number of ``a`` bits by one of ``b`` bits [J].

    ``0.2 pJ x a b / 64 x 32 nm / 45 nm``: 0.142 pJ at 8 x 8 bits, 0.284 pJ at 8 x 16.  Horowitz,
    ISSCC 2014.
    """
    return MULTIPLY_ENERGY * a * b / 64 * (NODE / PUBLISHED_NODE)


def multiply_area(a: int, b: int) -> float:
    """Area of a multiplier of ``a`` x ``b`` bits [m^2]: 282 um2 x a b / 64 x (32 nm / 45 nm)^2.

    Horowitz, ISSCC 2014; at 32 x 32 bits 29 % above what that table has.
    """
    return MULTIPLY_AREA * a * b / 64 * (NODE / PUBLISHED_NODE) ** 2


def lookup_energy(bits: int) -> float:
    """Energy of an entry of ``bits`` bits from a table of 256 [J]: 0.2 pJ x bits / 8, *assumed*."""
    return LOOKUP_ENERGY * bits / 8


def table_area(bits: int) -> float:
    """Area of a table of 256 entries of ``bits`` bits [m^2], as dense as a register (*assumed*).

    ISAAC, ISCA 2016, table I: 0.0021 mm2 for 2 KB (`crossbar.circuit.registers`).
    """
    return input_register_area(TABLE_ENTRIES) * bits / 8


def sum_bits(bits: int) -> int:
    """Bits of a sum of up to 65,536 products of two numbers of ``bits`` bits: 32 at 8 bits."""
    return 2 * bits + 16
