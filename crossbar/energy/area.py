"""How large the chip is: every tile, idle ones too, and the off-chip port."""

from __future__ import annotations

from collections.abc import Collection

from crossbar.arch import Arch
from crossbar.circuit.adc import resolution
from crossbar.circuit.adc_cost import chip_adc_cost
from crossbar.circuit.buffer import buffer_area
from crossbar.circuit.dac import dac_area
from crossbar.circuit.links import bus_area, offchip_area, router_area
from crossbar.circuit.matmul_unit import matmul_area
from crossbar.circuit.multiplier import multiplier_area
from crossbar.circuit.norm_unit import norm_area
from crossbar.circuit.registers import (
    input_register_area,
    output_register_area,
    tile_register_area,
)
from crossbar.circuit.sample_hold import sample_hold_area
from crossbar.circuit.shift_add import input_sum_area, merge_area, shift_add_area
from crossbar.circuit.softmax_unit import softmax_area
from crossbar.circuit.vector import activation_area, pool_area
from crossbar.device.cell_cost import array_area
from crossbar.mapping.encode import Encoding, make_encoding
from crossbar.timing.counts import sums_inputs

__all__ = ["chip_area", "pe_area", "tile_area"]


def pe_area(arch: Arch) -> dict[str, float]:
    """Area of one PE by component [m^2].

    ISAAC, ISCA 2016, table I: 0.0131 mm2 for an IMA.  A DAC stands at every row of every array, a
    sample and hold at every column.
    """
    array, pe = arch.array, arch.pe
    return {
        "array": pe.arrays * array_area(array.rows, array.cols),
        "dac": pe.arrays * array.rows * dac_area(arch.dac.bits),
        "sample_hold": pe.arrays * array.cols * sample_hold_area(),
        "adc": pe.adcs * chip_adc_cost(arch, resolution(arch)).area,
        "shift_add": shift_add_area(pe.adcs),
        "input_register": input_register_area(pe.input_register),
        "output_register": output_register_area(pe.output_register),
    }


def tile_area(
    arch: Arch, encoding: Encoding | None = None, units: Collection[str] = ()
) -> dict[str, float]:
    """Area of one tile by component [m^2], its PEs included.

    ISAAC, ISCA 2016, table I: 0.372 mm2.  The tile's output register holds those of its PEs (3 KB
    in ISAAC).  Digital input sums, which ISAAC's table does not have, add 0.4 % to it.

    Parameters
    ----------
    arch : Arch
    encoding : Encoding, optional
        Of the weights, which decides whether inputs are summed; by default that of
        ``arch.precision``.
    units : collection of str
        Digital units that the network of the chip needs (`crossbar.energy.units.chip_units`); a
        tile has no others but those that every network needs.
    """
    tile, bits = arch.tile, arch.precision.input_bits
    built = {
        "multiplier": multiplier_area(bits, tile.vector_lanes),
        "softmax": softmax_area(bits, tile.vector_lanes),
        "norm": norm_area(bits, tile.vector_lanes),
        "matmul": matmul_area(bits, tile.matmul_macs),
    }
    if encoding is None:
        encoding = make_encoding(arch, arch.precision.weight_bits, arch.precision.weight_levels)
    sums = sums_inputs(arch, encoding)
    return {
        **{name: tile.pes * area for name, area in pe_area(arch).items()},
        "input_sum": input_sum_area(tile.bus_width) if sums else 0.0,
        "tile_register": tile_register_area(tile.pes * arch.pe.output_register),
        "tile_adder": merge_area(),
        "activation": activation_area(),
        "pool": pool_area(),
        **{name: area if name in units else 0.0 for name, area in built.items()},
        "buffer": buffer_area(tile.buffer),
        "bus": bus_area(tile.bus_width),
        "router": router_area(),
    }


def chip_area(
    arch: Arch, tiles: int, encoding: Encoding | None = None, units: Collection[str] = ()
) -> dict[str, float]:
    """Area of a chip of ``tiles`` tiles by component [m^2].

    ISAAC, ISCA 2016, table I: 168 tiles and the HyperTransport port are 85.4 mm2.

    Parameters
    ----------
    arch : Arch
    tiles : int
    encoding, units
        As for `tile_area`.
    """
    areas = {name: tiles * area for name, area in tile_area(arch, encoding, units).items()}
    areas["offchip"] = offchip_area() if arch.chip.offchip == "hypertransport" else 0.0
    areas["embedding"] = 0.0  # outside of the chip
    areas["programming"] = 0.0  # pumps and drivers are left out, as in their energy
    return areas
