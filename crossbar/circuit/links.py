"""Wires that carry data: the bus of a tile, the routers between tiles, the port to other chips."""

from __future__ import annotations

from crossbar.circuit.isaac import TILE_INPUT_BITS, TILE_OUTPUT_BITS, per_action

__all__ = [
    "OFFCHIP_RATE",
    "bus_area",
    "bus_energy",
    "offchip_area",
    "offchip_energy",
    "router_area",
    "router_energy",
]

OFFCHIP_RATE = 4 * 6.4e9 * 8
"""What the HyperTransport port carries [bit/s]: 4 links of 6.4 GB/s."""

_TILES_SERVED = 4  # ISAAC: four tiles share a router


def bus_energy() -> float:
    """Energy of one bit between a tile's buffer and its PEs [J]: 0.0506 pJ.

    ISAAC, ISCA 2016, table I: 7 mW; a saturated tile moves 12,288 bits of inputs to its IMAs and
    1,536 bits of outputs back in 100 ns.  hwcomponents ``isaac.py`` has 0.054 pJ from the same row.
    """
    return per_action(7e-3, TILE_INPUT_BITS + TILE_OUTPUT_BITS)


def bus_area(wires: int) -> float:
    """Area of a tile's bus [m^2].  ISAAC, ISCA 2016, table I: 0.090 mm2 for 384 wires."""
    return 0.090e-6 * wires / 384


def router_energy() -> float:
    """Energy of one bit that leaves a tile, one hop [J]: 0.684 pJ.

    ISAAC, ISCA 2016, table I: 42 mW for a router of four tiles; all 1,536 bits that a saturated
    tile puts out in 100 ns pass it.  hwcomponents ``isaac.py`` has 20.74 pJ for 256 bits, 0.081 pJ
    a bit, from the same row at a higher rate.
    """
    return per_action(42e-3 / _TILES_SERVED, TILE_OUTPUT_BITS)


def router_area() -> float:
    """Area of a tile's share of its router [m^2].

    ISAAC, ISCA 2016, table I: 0.151 mm2 for a router that four tiles share.
    """
    return 0.151e-6 / _TILES_SERVED


def offchip_energy() -> float:
    """Energy of one bit through the HyperTransport port [J]: 50.8 pJ.

    ISAAC, ISCA 2016, table I: 10.4 W for 4 links of 6.4 GB/s, all busy.  How much of it an idle
    port draws is not published: ``chip.offchip_power`` says whether all of it is drawn always or
    by the bit.
    """
    return 10.4 / OFFCHIP_RATE


def offchip_area() -> float:
    """Area of the HyperTransport port [m^2].  ISAAC, ISCA 2016, table I: 22.88 mm2."""
    return 22.88e-6
