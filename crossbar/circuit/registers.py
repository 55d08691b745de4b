"""Registers: inputs and outputs of a PE, outputs of a tile.

Energy a bit is taken as independent of the size: the table's registers of 256 B, 2 KB and 3 KB
show no growth with it.  Area is taken as proportional to the size, each kind at its own rate.
"""

from __future__ import annotations

from crossbar.circuit.isaac import PE_INPUT_BITS, PE_OUTPUT_BITS, TILE_OUTPUT_BITS, per_action

__all__ = [
    "input_register_area",
    "input_register_energy",
    "output_register_area",
    "output_register_energy",
    "tile_register_area",
    "tile_register_energy",
]


def input_register_energy() -> float:
    """Energy of one bit through a PE's input register, written and driven [J]: 0.1211 pJ.

    ISAAC, ISCA 2016, table I: 1.24 mW; a saturated IMA drives 8 x 128 bits in 100 ns.
    """
    return per_action(1.24e-3, PE_INPUT_BITS)


def input_register_area(size: int) -> float:
    """Area of a PE's input register of ``size`` bytes [m^2].

    ISAAC, ISCA 2016, table I: 0.0021 mm2 for 2 KB.
    """
    return 0.0021e-6 * size / 2048


def output_register_energy() -> float:
    """Energy of one bit through a PE's output register [J]: 0.1797 pJ.

    ISAAC, ISCA 2016, table I: 0.23 mW; a saturated IMA has 128 outputs of 16 bits in 1.6 us.
    """
    return per_action(0.23e-3, PE_OUTPUT_BITS)


def output_register_area(size: int) -> float:
    """Area of a PE's output register of ``size`` bytes [m^2].

    ISAAC, ISCA 2016, table I: 0.00077 mm2 for 256 B.
    """
    return 0.00077e-6 * size / 256


def tile_register_energy() -> float:
    """Energy of one bit through a tile's output register [J]: 0.1094 pJ.

    ISAAC, ISCA 2016, table I: 1.68 mW; a saturated tile has 12 x 128 outputs of 16 bits in 1.6 us.
    """
    return per_action(1.68e-3, TILE_OUTPUT_BITS)


def tile_register_area(size: int) -> float:
    """Area of a tile's output register of ``size`` bytes [m^2].

    ISAAC, ISCA 2016, table I: 0.0032 mm2 for 3 KB, which is 256 B for each of 12 IMAs.
    """
    return 0.0032e-6 * size / 3072
