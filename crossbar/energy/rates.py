"""What a saturated chip does in a second: the declared rates at which `nameplate` prices it.

Saturated means, as in ISAAC's table: every array is read in every slot with inputs of its own of
``precision.input_bits``, every column holds weights of ``precision.weight_bits``, and every output
is activated, pooled and handed on.  What cannot keep up works as fast as it can: a bus moves one
bit a wire and clock, a vector unit does ``tile.vector_lanes`` operations a clock, half of them
activations and half pooling.  Multipliers, softmax and norm units, where the chip has them, do an
operation a lane and clock each, and a matmul unit ``tile.matmul_macs`` multiply-accumulates a
clock, whatever the arrays do.

The rates are of the hardware and do not follow the network that is run on it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crossbar.arch import Arch
from crossbar.circuit.dac import make_input_coding
from crossbar.circuit.isaac import WORD
from crossbar.circuit.links import OFFCHIP_RATE
from crossbar.energy.origin import Factor, Origin
from crossbar.energy.units import BUILT_FOR
from crossbar.mapping.converters import read_slot
from crossbar.mapping.encode import Encoding, make_encoding
from crossbar.mapping.tiling import usable_columns
from crossbar.timing.counts import sums_inputs

__all__ = ["saturated_rates"]

_BUSY = "every array is read in every slot with inputs of its own"


def saturated_rates(
    arch: Arch, encoding: Encoding | None = None, units: Collection[str] = ()
) -> Mapping[str, Origin]:
    """List actions a second of one saturated tile, of the chip for ``offchip_bits``.

    The actions are those of `crossbar.energy.action_energies` and ``array_reads``, without
    ``adds``: the tile's adder, which does them, is busy with partial sums.

    Parameters
    ----------
    arch : Arch
    encoding : Encoding, optional
        Of the weights, which decides whether inputs are summed, as for `crossbar.energy.tile_area`;
        by default that of ``arch.precision``.
    units : collection of str
        Which of `crossbar.energy.units.BUILT_FOR` the chip has.
    """
    array, bits = arch.array, arch.precision.input_bits
    own = make_encoding(arch, arch.precision.weight_bits, arch.precision.weight_levels)
    sums = sums_inputs(arch, encoding or own)
    usable = usable_columns(arch)
    unit_columns = 1 if array.input_sum == "column" else 0
    weights = usable // 2 if own.subtract == "analog" else usable
    groups = -(-array.rows // (array.rows_per_read or array.rows))
    arrays = (Factor("tile.pes", arch.tile.pes), Factor("pe.arrays", arch.pe.arrays))
    slot = Factor("time of a read", read_slot(arch, weights + unit_columns), "s", divides=True)
    row_groups = Factor("row groups", groups, divides=True)
    rows = Factor("array.rows", array.rows)
    position = (
        Factor("reads of an input", make_input_coding(arch, bits, False).reads, divides=True),
        row_groups,
        slot,
    )
    inputs = (*arrays, rows, Factor("precision.input_bits", bits), *position)
    outputs = (
        *arrays,
        Factor("columns of weights", usable),
        Factor("columns a weight", own.columns, divides=True),
        *position,
    )
    words = (*outputs, Factor("bits of a partial sum", WORD))
    passed = (*outputs, Factor("precision.input_bits", bits))
    moved = Factor(
        "bits of inputs and partial sums of an array",
        array.rows * bits + usable / own.columns * WORD,
    )
    wires = (Factor("tile.bus_width", arch.tile.bus_width), Factor("clock", arch.clock, "Hz"))
    lanes = (
        Factor("tile.vector_lanes", arch.tile.vector_lanes),
        Factor("clock", arch.clock, "Hz"),
        Factor("kinds of operations", 2, divides=True),
    )

    def at_most(demand: tuple[Factor, ...], limit: tuple[Factor, ...], what: str) -> Origin:
        wanted, most = _tile(demand, _BUSY), _tile(limit, f"{what} cannot keep up with the arrays")
        return wanted if wanted.value <= most.value else most

    samples = _tile((*arrays, Factor("columns converted", weights + unit_columns), slot), _BUSY)
    partial = _tile(outputs, _BUSY)
    return {
        "array_reads": _tile((*arrays, slot), _BUSY),
        "dac_drives": _tile((*arrays, rows, row_groups, slot), _BUSY),
        "sample_holds": samples,
        "weight_conversions": _tile((*arrays, Factor("columns", weights), slot), _BUSY),
        "unit_conversions": _tile((*arrays, Factor("unit columns", unit_columns), slot), _BUSY),
        "shift_adds": samples,
        "input_sums": _tile(inputs if sums else (Factor("none needed", 0.0, "Hz"),), _BUSY),
        "input_register_bits": _tile(inputs, _BUSY),
        "output_register_bits": _tile(words, _BUSY),
        "partial_sums": partial,
        "activations": at_most(outputs, lanes, "the vector unit"),
        "pool_ops": at_most(outputs, lanes, "the vector unit"),
        **{action: _unit(arch, name, name in units) for name, action in BUILT_FOR.items()},
        "buffer_read_bits": at_most(inputs, wires, "the bus"),
        "buffer_write_bits": at_most(passed, wires, "the port"),
        "bus_bits": at_most((*arrays, moved, *position), wires, "the bus"),
        "router_bits": at_most(passed, wires, "the port"),
        "offchip_bits": Origin(
            "the chip", (Factor("bits a second", OFFCHIP_RATE, "Hz"),), "4 links of 6.4 GB/s"
        ),
    }


def _unit(arch: Arch, name: str, is_built: bool) -> Origin:
    """Operations a second of a unit that only some networks need."""
    if not is_built:
        return Origin("one tile", (Factor("none built", 0.0, "Hz"),), "its network needs none")
    side, key = (
        (arch.tile.matmul_macs, "tile.matmul_macs")
        if name == "matmul"
        else (arch.tile.vector_lanes, "tile.vector_lanes")
    )
    return _tile((Factor(key, side), Factor("clock", arch.clock, "Hz")), "as wide as it is")


def _tile(factors: tuple[Factor, ...], source: str) -> Origin:
    return Origin("one tile", factors, f"a saturated tile: {source}")
