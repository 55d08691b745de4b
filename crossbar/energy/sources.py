"""Where every energy comes from: the factors of each cost and who published them.

The costs themselves are computed beside their component in `crossbar.circuit` and
`crossbar.device`; the factors here multiply up to them exactly (a test), so that a report can trace
its numbers down to a published table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from crossbar.arch import Arch
from crossbar.circuit.adc import make_adc, unit_resolution
from crossbar.circuit.adc_cost import chip_adc_cost, fitted_bits
from crossbar.circuit.isaac import (
    CYCLE,
    PE_COLUMNS,
    PE_INPUT_BITS,
    PE_OUTPUT_BITS,
    TILE_INPUT_BITS,
    TILE_OUTPUT_BITS,
    TILE_OUTPUTS,
    WORD,
)
from crossbar.energy.digital_sources import digital_energy_origins
from crossbar.energy.origin import FIT, TABLE, Factor, Origin
from crossbar.energy.price import WITHOUT_LEAKAGE
from crossbar.energy.programming_sources import runtime_origin

__all__ = [
    "FIT",
    "TABLE",
    "VERIFY",
    "Factor",
    "Origin",
    "energy_origins",
    "fitted",
    "published_origins",
]

VERIFY = (("sample_hold", "sample_holds"), ("adc", "weight_conversions"))
"""Component and action of what a cell's column takes in a read that verifies a pulse."""

_MOVED = TILE_INPUT_BITS + TILE_OUTPUT_BITS
_ADDER = f"{TABLE}: 0.05 mW for the tile's adder; 96 values in 100 ns"


def energy_origins(arch: Arch) -> Mapping[tuple[str, str], Origin]:
    """List where the dynamic energy of one action comes from, by component and action.

    The keys are those of `crossbar.energy.action_energies`, and ``("array", "array_reads")`` where
    the hardware has a price of a read by the table.
    """
    found = dict(published_origins(arch))
    share = arch.energy.leakage_share
    if share:
        dynamic = Factor("1 - energy.leakage_share", 1.0 - share)
        found = {
            key: origin
            if key[0] in WITHOUT_LEAKAGE
            else replace(origin, factors=(*origin.factors, dynamic))
            for key, origin in found.items()
        }
    if arch.chip.offchip == "hypertransport" and arch.chip.offchip_power == "static":
        found["offchip", "offchip_bits"] = Origin(
            "one bit through the port",
            (Factor("price", 0.0, "J"),),
            f"chip.offchip_power: static; the 10.4 W of {TABLE}, are drawn always",
        )
    return found


def published_origins(arch: Arch) -> Mapping[tuple[str, str], Origin]:
    """List where the energy of one action comes from if all of a power were drawn by actions.

    The keys are those of `energy_origins`, the values those of
    `crossbar.energy.price.published_energies`.
    """
    buffer = (
        *_power(20.7e-3, _MOVED, "bits"),
        Factor("sqrt(tile.buffer / 64 KiB)", math.sqrt(arch.tile.buffer / 65536)),
    )
    buffer_source = (
        f"{TABLE}: 20.7 mW for 64 KB; a saturated tile reads 12,288 and writes 1,536 bits in"
        " 100 ns; a write as dear as a read and the growth with the root of the size are assumed"
    )
    adder = _power(0.05e-3, TILE_OUTPUTS, "values")
    found = {
        ("dac", "dac_drives"): Origin(
            "one drive of a row",
            (
                *_power(4e-3, PE_INPUT_BITS, "drives"),
                Factor("2^(dac.bits - 1)", 2.0 ** (arch.dac.bits - 1)),
            ),
            f"{TABLE}: 4 mW for the 8 x 128 1-bit DACs of an IMA, each used in every 100 ns; more"
            " bits double it as in MNSIM (3.9 uW x 2^(bits - 1))",
        ),
        ("sample_hold", "sample_holds"): Origin(
            "one sample",
            _power(10e-6, PE_COLUMNS, "samples"),
            f"{TABLE}: 10 uW for the 8 x 128 circuits of an IMA, each used once in 100 ns",
        ),
        ("adc", "weight_conversions"): _conversion(arch, "one conversion", make_adc(arch).bits),
        ("adc", "unit_conversions"): _conversion(
            arch, "one conversion of a unit column", unit_resolution(arch)
        ),
        ("shift_add", "shift_adds"): Origin(
            "adding one sample",
            _power(0.2e-3, PE_COLUMNS, "samples"),
            f"{TABLE}: 0.2 mW for the 4 units of an IMA; 8 x 128 samples in 100 ns",
        ),
        ("input_sum", "input_sums"): Origin(
            "counting one input bit",
            (*_power(0.2e-3, PE_COLUMNS, "samples"), Factor("bits", WORD, divides=True)),
            "not in ISAAC's table; assumed: one full adder a bit, 1/16 of a 16-bit shift-and-add",
        ),
        ("input_register", "input_register_bits"): Origin(
            "one bit through the PE's input register",
            _power(1.24e-3, PE_INPUT_BITS, "bits"),
            f"{TABLE}: 1.24 mW; a saturated IMA drives 8 x 128 bits in 100 ns",
        ),
        ("output_register", "output_register_bits"): Origin(
            "one bit through the PE's output register",
            _power(0.23e-3, PE_OUTPUT_BITS, "bits"),
            f"{TABLE}: 0.23 mW; a saturated IMA has 128 outputs of 16 bits in 1.6 us",
        ),
        ("tile_register", "output_register_bits"): Origin(
            "one bit through the tile's output register",
            _power(1.68e-3, TILE_OUTPUT_BITS, "bits"),
            f"{TABLE}: 1.68 mW; a saturated tile has 12 x 128 outputs of 16 bits in 1.6 us",
        ),
        ("tile_adder", "partial_sums"): Origin("adding one partial sum", adder, _ADDER),
        ("tile_adder", "adds"): Origin(
            "adding two elements",
            adder,
            f"{_ADDER}; that residual sums and average pooling use it is assumed",
        ),
        ("activation", "activations"): Origin(
            "one element",
            _power(0.52e-3, TILE_OUTPUTS, "elements"),
            f"{TABLE}: 0.52 mW for two sigmoid units; a saturated tile has 96 outputs in 100 ns;"
            " that other functions cost the same is assumed",
        ),
        ("pool", "pool_ops"): Origin(
            "one element",
            _power(0.4e-3, TILE_OUTPUTS, "elements"),
            f"{TABLE}: 0.4 mW for the max-pool unit; a saturated tile has 96 outputs in 100 ns",
        ),
        **digital_energy_origins(arch),
        ("buffer", "buffer_read_bits"): Origin("reading one bit", buffer, buffer_source),
        ("buffer", "buffer_write_bits"): Origin("writing one bit", buffer, buffer_source),
        ("bus", "bus_bits"): Origin(
            "one bit over the bus",
            _power(7e-3, _MOVED, "bits"),
            f"{TABLE}: 7 mW; a saturated tile moves 12,288 bits of inputs and 1,536 of outputs in"
            " 100 ns",
        ),
        ("router", "router_bits"): Origin(
            "one bit that leaves a tile",
            (
                *_power(42e-3, TILE_OUTPUT_BITS, "bits"),
                Factor("tiles a router", 4, divides=True),
            ),
            f"{TABLE}: 42 mW for a router of four tiles; a saturated tile puts out 1,536 bits in"
            " 100 ns; one hop, whatever the distance, is assumed",
        ),
        ("offchip", "offchip_bits"): _port(arch),
    }
    verify = {action: found[part, action] for part, action in VERIFY}
    found["programming", "runtime_writes"] = runtime_origin(arch, verify)
    if arch.array.read_energy is not None:
        found["array", "array_reads"] = Origin(
            "one read of an array",
            (Factor("array.read_energy", arch.array.read_energy, "J"),),
            "array.read_energy of the hardware description (ISAAC, ISCA 2016, table I: 2.4 mW for 8"
            " arrays read once in 100 ns = 30 pJ), whatever the data",
        )
    return found


def _power(power: float, actions: int, what: str) -> tuple[Factor, ...]:
    """Factors of an energy from ISAAC's table: power x cycle / actions in a cycle."""
    return (
        Factor("power", power, "W"),
        Factor("cycle", CYCLE, "s"),
        Factor(what, actions, divides=True),
    )


def _port(arch: Arch) -> Origin:
    if arch.chip.offchip != "hypertransport":
        nothing = (Factor("price", 0.0, "J"),)
        return Origin("one bit off the chip", nothing, "chip.offchip: none; no port, no price")
    return Origin(
        "one bit through the port",
        (
            Factor("power", 10.4, "W"),
            Factor("links", 4, divides=True),
            Factor("bytes a second and link", 6.4e9, divides=True),
            Factor("bits a byte", 8, divides=True),
        ),
        f"{TABLE}: 10.4 W for 4 HyperTransport links of 6.4 GB/s, all busy; whether an idle port"
        " draws them too is not published (chip.offchip_power)",
    )


def _conversion(arch: Arch, of: str, bits: int) -> Origin:
    """Energy of a conversion, by the model of ``adc.model``."""
    if arch.adc.model != "isaac":
        cost = chip_adc_cost(arch, bits)
        return Origin(of, tuple(Factor(*term) for term in cost.terms), cost.source)
    source = f"{TABLE}: 16 mW for the 8 ADCs of 8 bits of an IMA, 8 x 128 conversions in 100 ns"
    factors = (*_power(16e-3, PE_COLUMNS, "conversions"), *fitted(bits, 0))
    return Origin(of, factors, source if bits == 8 else source + FIT)


def fitted(bits: int, column: int) -> tuple[Factor, ...]:
    """Correct a converter that has not ISAAC's 8 bits; ``column`` 0 for energy, 1 for area."""
    ratio = fitted_bits(bits)[column] / fitted_bits(8)[column]
    return () if bits == 8 else (Factor(f"{bits} bits to 8 bits", ratio),)
