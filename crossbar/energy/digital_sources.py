"""Where prices and areas of the digital units come from that only some networks need.

Each cost is a sum of adders, multipliers and look-ups, computed in `crossbar.circuit`; the factors
here multiply and add up to it (a test), as for `crossbar.energy.sources`.
"""

from __future__ import annotations

from collections.abc import Mapping

from crossbar.arch import Arch
from crossbar.circuit.arithmetic import (
    ADD_AREA,
    ADD_ENERGY,
    LOOKUP_ENERGY,
    MULTIPLY_AREA,
    MULTIPLY_ENERGY,
    NODE,
    PUBLISHED_NODE,
    TABLE_ENTRIES,
    sum_bits,
)
from crossbar.circuit.isaac import CYCLE, PE_INPUT_BITS
from crossbar.circuit.matmul_unit import operand_bits
from crossbar.energy.origin import TABLE, Factor, Origin

__all__ = ["digital_area_origins", "digital_energy_origins"]

_HOROWITZ = "Horowitz, ISSCC 2014, figure 1.1.9 (as quoted), 45 nm"
_MULTIPLIERS = "grows with the bits of both operands"
_ADDERS = "grows with the bits"
_SHRINK = "that it shrinks with the node is assumed"
_PARTS = "parts by Horowitz, ISSCC 2014; which parts and how wide they are is assumed"


def digital_energy_origins(arch: Arch) -> Mapping[tuple[str, str], Origin]:
    """List where the energy of one action comes from, by component and action."""
    bits, macs = arch.precision.input_bits, arch.tile.matmul_macs
    wide = sum_bits(bits)
    return {
        ("multiplier", "multiplies"): _multiplying("one product", bits, bits),
        ("softmax", "softmax_ops"): Origin(
            "one operation of softmax",
            (Factor("operations of an element", 5, divides=True),),
            f"mean over those of a long row (crossbar.workload.operations); {_PARTS}",
            (
                _adding("comparing a score", bits),
                _adding("subtracting the largest", bits),
                Origin(
                    "looking up an exponential",
                    (
                        Factor("price of 8 bits", LOOKUP_ENERGY, "J"),
                        Factor("bits", bits),
                        Factor("8", 8, divides=True),
                    ),
                    "a table of 256 entries, about as dear as a multiplication of 8 bits: assumed",
                ),
                _adding("adding to the sum", wide),
                _multiplying("multiplying by the reciprocal", bits, 2 * bits),
            ),
        ),
        ("norm", "norm_ops"): Origin(
            "one operation of a norm",
            (Factor("operations of an element", 4, divides=True),),
            "mean over those of many elements with a learned scale (crossbar.workload.operations);"
            f" {_PARTS}",
            (
                _adding("adding to the mean", wide),
                _multiplying("squaring", bits, bits),
                _adding("adding the square", wide),
                _multiplying("scaling by the root", bits, 2 * bits),
                _adding("centring", wide),
                _multiplying("the learned scale", bits, 2 * bits),
                _adding("the learned shift", wide),
            ),
        ),
        ("matmul", "macs"): Origin(
            "one multiply-accumulate",
            (),
            f"{_PARTS}; by the same table 0.3 pJ at 45 nm, without registers",
            (
                _multiplying("multiplying", bits, bits),
                _adding("adding to the sum", wide),
                Origin(
                    "operands from registers",
                    (
                        Factor("bits of a multiply-accumulate", operand_bits(bits, macs)),
                        Factor("power", 1.24e-3, "W"),
                        Factor("cycle", CYCLE, "s"),
                        Factor("bits", PE_INPUT_BITS, divides=True),
                    ),
                    f"{TABLE}: 1.24 mW for an IMA's input register, 1,024 bits in 100 ns; 2 x"
                    " precision.input_bits / sqrt(tile.matmul_macs) bits, each being used along a"
                    " side of the unit (assumed)",
                ),
            ),
        ),
        ("embedding", "embedding_reads"): Origin(
            "one element of an embedding",
            (
                Factor("chip.table_energy", arch.chip.table_energy, "J"),
                Factor("precision.input_bits", bits),
            ),
            "chip.table_energy of the hardware description (ZigZag-IMC, Aimc.py: 3.7 pJ a bit of"
            " DRAM); that tables lie outside of the chip, on an interface of their own, is assumed",
        ),
    }


def digital_area_origins(arch: Arch) -> Mapping[str, Origin]:
    """List where the area in one tile comes from, by component."""
    bits, macs = arch.precision.input_bits, arch.tile.matmul_macs
    wide, lanes = sum_bits(bits), Factor("tile.vector_lanes", arch.tile.vector_lanes)
    product = _multiplier("a multiplier", bits, 2 * bits)
    return {
        "multiplier": Origin(
            "one tile",
            (lanes, *_multiplier("", bits, bits).factors),
            _multiplier("", bits, bits).source + "; one a vector lane is assumed",
        ),
        "softmax": Origin(
            "one tile",
            (lanes,),
            f"one a vector lane; {_PARTS}",
            (
                _adder("an adder for scores", bits),
                _adder("an adder for the sum", wide),
                product,
                _registers("a table of exponentials", TABLE_ENTRIES * bits),
            ),
        ),
        "norm": Origin(
            "one tile",
            (lanes,),
            f"one a vector lane; {_PARTS}",
            (product, _adder("an adder", wide)),
        ),
        "matmul": Origin(
            "one tile",
            (Factor("tile.matmul_macs", macs),),
            _PARTS,
            (
                _multiplier("a multiplier", bits, bits),
                _adder("an adder", wide),
                _registers("the register of a sum", wide),
                _registers("registers of operands", operand_bits(bits, macs)),
            ),
        ),
    }


def _adding(of: str, bits: int) -> Origin:
    """Energy of an addition, subtraction or comparison."""
    factors = (
        Factor("price of 16 bits", ADD_ENERGY, "J"),
        Factor("bits", bits),
        Factor("16", 16, divides=True),
        *_shrunk(),
    )
    return Origin(of, factors, f"{_HOROWITZ}: 0.05 pJ for 16 bits; {_ADDERS}; {_SHRINK}")


def _multiplying(of: str, a: int, b: int) -> Origin:
    """Energy of a multiplication."""
    factors = (
        Factor("price of 8 x 8 bits", MULTIPLY_ENERGY, "J"),
        Factor("bits", a),
        Factor("bits of the other", b),
        Factor("8 x 8", 64, divides=True),
        *_shrunk(),
    )
    return Origin(of, factors, f"{_HOROWITZ}: 0.2 pJ for 8 bits; {_MULTIPLIERS}; {_SHRINK}")


def _adder(of: str, bits: int) -> Origin:
    factors = (
        Factor("area of 16 bits", ADD_AREA, "m^2"),
        Factor("bits", bits),
        Factor("16", 16, divides=True),
        *_shrunk(),
        *_shrunk(),
    )
    return Origin(of, factors, f"{_HOROWITZ}: 67 um2 for 16 bits; {_ADDERS}; {_SHRINK}")


def _multiplier(of: str, a: int, b: int) -> Origin:
    factors = (
        Factor("area of 8 x 8 bits", MULTIPLY_AREA, "m^2"),
        Factor("bits", a),
        Factor("bits of the other", b),
        Factor("8 x 8", 64, divides=True),
        *_shrunk(),
        *_shrunk(),
    )
    return Origin(of, factors, f"{_HOROWITZ}: 282 um2 for 8 bits; {_MULTIPLIERS}; {_SHRINK}")


def _registers(of: str, bits: float) -> Origin:
    """Area of bits that are as dense as ISAAC's input register."""
    factors = (
        Factor("bits", bits),
        Factor("area of 2 KiB", 0.0021e-6, "m^2"),
        Factor("bits of 2 KiB", 8 * 2048, divides=True),
    )
    return Origin(of, factors, f"{TABLE}: 0.0021 mm2 for 2 KB; as dense is assumed")


def _shrunk() -> tuple[Factor, Factor]:
    """Scale from the node of the source to that of the chip."""
    return Factor("node", NODE, "m"), Factor("node of the source", PUBLISHED_NODE, "m", True)
