"""Digital adders: slices and reads, the sums of the inputs, partial sums of arrays."""

from __future__ import annotations

from crossbar.circuit.isaac import PE_COLUMNS, TILE_OUTPUTS, WORD, per_action

__all__ = [
    "input_sum_area",
    "input_sum_energy",
    "merge_area",
    "merge_energy",
    "shift_add_area",
    "shift_add_energy",
]

_ADCS_SERVED = 2  # ISAAC: 4 shift-and-add units for the 8 ADCs of an IMA


def shift_add_energy() -> float:
    """Energy of adding one converted sample to its output [J]: 0.01953 pJ.

    ISAAC, ISCA 2016, table I: 0.2 mW for the 4 units of an IMA, 8 x 128 samples in 100 ns.
    """
    return per_action(0.2e-3, PE_COLUMNS)


def shift_add_area(adcs: int) -> float:
    """Area of the shift-and-add units that keep up with ``adcs`` converters [m^2].

    ISAAC, ISCA 2016, table I: 4 units of 60 um2 for the 8 ADCs of an IMA; one unit for every two
    converters begun is assumed elsewhere.
    """
    return -(-adcs // _ADCS_SERVED) * 0.00024e-6 / 4


def merge_energy() -> float:
    """Energy of adding one 16-bit value in the tile's adder [J]: 0.0521 pJ.

    ISAAC, ISCA 2016, table I: 0.05 mW; every output of the tile's IMAs passes it, 96 in 100 ns.
    """
    return per_action(0.05e-3, TILE_OUTPUTS)


def merge_area() -> float:
    """Area of the tile's adder [m^2].  ISAAC, ISCA 2016, table I: 0.00006 mm2."""
    return 0.00006e-6


def input_sum_energy() -> float:
    """Energy of counting one input bit into the sum of the inputs [J]: 1.22 fJ.

    Not in ISAAC's table; *assumed*: a popcount takes one full adder a bit, and a full adder is
    1/16 of the 16-bit shift-and-add (`shift_add_energy`).
    """
    return shift_add_energy() / WORD


def input_sum_area(wires: int) -> float:
    """Area of the counters of input bits of one tile [m^2].

    Not in ISAAC's table; *assumed*: the inputs are summed as they pass the tile's bus, one full
    adder (1/16 of a 60 um2 shift-and-add) a wire.  For ISAAC's 384 wires 0.0014 mm2, 0.4 % of a
    tile.
    """
    return wires * shift_add_area(1) / WORD
