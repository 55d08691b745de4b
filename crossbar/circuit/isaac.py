"""What a saturated ISAAC-CE tile does in one 100 ns cycle: the divisor of every energy per action.

ISAAC (Shafiee et al., ISCA 2016, doi 10.1109/ISCA.2016.12) publishes powers, table I, at 32 nm.  An
energy per action is such a power times the cycle, over the actions of a cycle in which nothing
idles.  So a run that keeps a tile saturated reproduces the table's power row by row.

Saturated means: each of the 12 x 8 arrays (128 x 128 cells of 2 bits, 8 columns for a weight of 16
bits) is read every cycle with 128 inputs of its own, 1 bit of each; after the 16 cycles of a 16-bit
input it has 16 finished outputs of 16 bits.
"""

from __future__ import annotations

__all__ = [
    "CYCLE",
    "PE_COLUMNS",
    "PE_INPUT_BITS",
    "PE_OUTPUT_BITS",
    "TILE_INPUT_BITS",
    "TILE_OUTPUTS",
    "TILE_OUTPUT_BITS",
    "WORD",
    "per_action",
]

CYCLE = 100e-9
"""Time of one crossbar read [s]; the paper's cycle."""

WORD = 16
"""Bits of a partial sum in registers, on the bus and between tiles.  The paper keeps sums of 16-bit
products in 16 bits; that other precisions carry them so too is assumed."""

_READS = 16  # cycles of one input of 16 bits
_PES, _ARRAYS, _SIDE, _SLICES = 12, 8, 128, 8

PE_COLUMNS = _ARRAYS * _SIDE
"""Columns that one PE samples, converts and shift-adds in a cycle: 1024."""

PE_INPUT_BITS = _ARRAYS * _SIDE
"""Input bits that one PE drives in a cycle, one a row: 1024."""

PE_OUTPUT_BITS = _ARRAYS * _SIDE // _SLICES * WORD // _READS
"""Bits of finished outputs of one PE in a cycle: 128 x 16 bits in 16 cycles = 128."""

TILE_INPUT_BITS = _PES * PE_INPUT_BITS
"""Input bits that the tile's buffer sends over its bus in a cycle: 12,288."""

TILE_OUTPUT_BITS = _PES * PE_OUTPUT_BITS
"""Bits of outputs that go back over the bus and on to the next tile in a cycle: 1,536."""

TILE_OUTPUTS = TILE_OUTPUT_BITS // WORD
"""Outputs of a tile in a cycle: 96."""


def per_action(power: float, actions: float) -> float:
    """Energy of one action [J] of a component that draws ``power`` [W] at ``actions`` a cycle."""
    return power * CYCLE / actions
