"""The tile's eDRAM buffer: keeps the inputs of the layers that the tile holds."""

from __future__ import annotations

import math

from crossbar.circuit.isaac import TILE_INPUT_BITS, TILE_OUTPUT_BITS, per_action

__all__ = ["buffer_area", "buffer_energy"]

_SIZE = 64 * 1024  # bytes of ISAAC's


def buffer_energy(size: int) -> float:
    """Energy of reading or writing one bit of a buffer of ``size`` bytes [J]: 0.1497 pJ at 64 KiB.

    ``e0 * sqrt(size)``: wires inside a memory grow with its side (a usual fit, e.g. to CACTI).

    ISAAC, ISCA 2016, table I: 20.7 mW for 64 KB; a saturated tile reads 12,288 bits for its inputs
    and writes 1,536 bits of outputs in 100 ns; a write costs what a read costs (assumed).
    hwcomponents ``isaac.py`` has 20.45 pJ for 256 bits, 0.080 pJ a bit, from the same row at a
    higher rate.
    """
    full = per_action(20.7e-3, TILE_INPUT_BITS + TILE_OUTPUT_BITS)
    return full * math.sqrt(size / _SIZE)


def buffer_area(size: int) -> float:
    """Area of a buffer of ``size`` bytes [m^2], proportional to the size, whatever its banks.

    ISAAC, ISCA 2016, table I: 0.083 mm2 for 64 KB in 4 banks.
    """
    return 0.083e-6 * size / _SIZE
