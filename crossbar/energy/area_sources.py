"""Where every area comes from: its factors and who published them, as `crossbar.energy.sources`."""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.arch import Arch
from crossbar.circuit.adc import resolution
from crossbar.circuit.adc_cost import chip_adc_cost
from crossbar.circuit.isaac import PE_COLUMNS, PE_INPUT_BITS, WORD
from crossbar.energy.digital_sources import digital_area_origins
from crossbar.energy.origin import FIT, TABLE, Factor, Origin
from crossbar.energy.sources import fitted

__all__ = ["OF_CHIP", "area_origins"]

OF_CHIP = ("offchip", "embedding", "programming")
"""Components that are not multiplied by the number of tiles."""


def area_origins(arch: Arch) -> Mapping[str, Origin]:
    """List where the area comes from, by component: of one tile, or of the chip (`OF_CHIP`).

    ``input_sum`` is that of a chip which sums its inputs, and the units of
    `crossbar.energy.units.BUILT_FOR` are those of a chip whose network needs them.
    """
    array, pe, tile = arch.array, arch.pe, arch.tile
    pes = Factor("tile.pes", tile.pes)
    arrays = Factor("pe.arrays", pe.arrays)
    has_port = arch.chip.offchip == "hypertransport"
    return {
        "array": _area(
            0.0002e-6,
            f"{TABLE}: 0.0002 mm2 for 8 arrays of 128 x 128",
            pes,
            arrays,
            Factor("array.rows", array.rows),
            Factor("array.cols", array.cols),
            Factor("cells", 8 * 128 * 128, divides=True),
        ),
        "dac": _area(
            0.00017e-6,
            f"{TABLE}: 0.00017 mm2 for 8 x 128 of 1 bit; more bits double it as in MNSIM",
            pes,
            arrays,
            Factor("array.rows", array.rows),
            Factor("DACs", PE_INPUT_BITS, divides=True),
            Factor("2^(dac.bits - 1)", 2.0 ** (arch.dac.bits - 1)),
        ),
        "sample_hold": _area(
            0.00004e-6,
            f"{TABLE}: 0.00004 mm2 for 8 x 128, one a column",
            pes,
            arrays,
            Factor("array.cols", array.cols),
            Factor("circuits", PE_COLUMNS, divides=True),
        ),
        "adc": _adcs(arch),
        "shift_add": _area(
            0.00024e-6,
            f"{TABLE}: 0.00024 mm2 for the 4 units of an IMA's 8 ADCs; one unit for two ADCs begun"
            " is assumed elsewhere",
            pes,
            Factor("pe.adcs / 2, rounded up", -(-pe.adcs // 2)),
            Factor("units", 4, divides=True),
        ),
        "input_register": _area(
            0.0021e-6,
            f"{TABLE}: 0.0021 mm2 for 2 KB",
            pes,
            Factor("pe.input_register", pe.input_register, "byte"),
            Factor("ISAAC's", 2048, "byte", divides=True),
        ),
        "output_register": _area(
            0.00077e-6,
            f"{TABLE}: 0.00077 mm2 for 256 B",
            pes,
            Factor("pe.output_register", pe.output_register, "byte"),
            Factor("ISAAC's", 256, "byte", divides=True),
        ),
        "input_sum": _area(
            0.00024e-6,
            "not in ISAAC's table; assumed: inputs are summed as they pass the bus, one full adder"
            " (1/16 of a 60 um2 shift-and-add) a wire",
            Factor("tile.bus_width", tile.bus_width),
            Factor("units", 4, divides=True),
            Factor("bits", WORD, divides=True),
        ),
        "tile_register": _area(
            0.0032e-6,
            f"{TABLE}: 0.0032 mm2 for 3 KB, 256 B for each of 12 IMAs",
            pes,
            Factor("pe.output_register", pe.output_register, "byte"),
            Factor("ISAAC's", 3072, "byte", divides=True),
        ),
        "tile_adder": _area(0.00006e-6, f"{TABLE}: 0.00006 mm2"),
        "activation": _area(0.0006e-6, f"{TABLE}: 0.0006 mm2 for two sigmoid units"),
        "pool": _area(0.00024e-6, f"{TABLE}: 0.00024 mm2"),
        **digital_area_origins(arch),
        "buffer": _area(
            0.083e-6,
            f"{TABLE}: 0.083 mm2 for 64 KB in 4 banks",
            Factor("tile.buffer", tile.buffer, "byte"),
            Factor("ISAAC's", 65536, "byte", divides=True),
        ),
        "bus": _area(
            0.090e-6,
            f"{TABLE}: 0.090 mm2 for 384 wires",
            Factor("tile.bus_width", tile.bus_width),
            Factor("wires", 384, divides=True),
        ),
        "router": _area(
            0.151e-6,
            f"{TABLE}: 0.151 mm2 for a router that four tiles share",
            Factor("tiles a router", 4, divides=True),
        ),
        "offchip": Origin(
            "the chip",
            (Factor("area", 22.88e-6 if has_port else 0.0, "m^2"),),
            f"{TABLE}: 22.88 mm2 for the HyperTransport port"
            if has_port
            else "chip.offchip: none; such a chip has no port",
        ),
        "embedding": Origin(
            "the chip",
            (Factor("area", 0.0, "m^2"),),
            "embedding tables lie in a memory outside of the chip (assumed)",
        ),
        "programming": Origin(
            "the chip",
            (Factor("area", 0.0, "m^2"),),
            "charge pumps and write drivers are left out (assumed small)",
        ),
    }


def _adcs(arch: Arch) -> Origin:
    """Area of a tile's converters, by the model of ``adc.model``."""
    bits = resolution(arch)
    pes, adcs = Factor("tile.pes", arch.tile.pes), Factor("pe.adcs", arch.pe.adcs)
    if arch.adc.model != "isaac":
        cost = chip_adc_cost(arch, bits)
        return _area(cost.area, cost.source, pes, adcs)
    source = f"{TABLE}: 0.0096 mm2 for the 8 ADCs of 8 bits of an IMA{FIT if bits != 8 else ''}"
    eight = Factor("ADCs", 8, divides=True)
    return _area(0.0096e-6, source, pes, adcs, eight, *fitted(bits, 1))


def _area(area: float, source: str, *factors: Factor) -> Origin:
    """Area of a tile's components from the area [m^2] of ISAAC's and how much more there is."""
    return Origin("one tile", (*factors, Factor("area", area, "m^2")), source)
