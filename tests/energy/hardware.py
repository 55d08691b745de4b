"""What several tests of costs share: chips, and a network that keeps every array busy."""

from __future__ import annotations

from typing import Any

from crossbar.arch import Arch, load_arch
from crossbar.circuit.dac import make_input_coding
from crossbar.mapping.encode import make_encoding
from crossbar.mapping.tiling import usable_columns
from crossbar.workload import Workload, WorkloadBuilder

CHIPS: dict[str, dict[str, Any]] = {
    "isaac": {},
    "8 bits": {"precision.weight_bits": 8, "precision.input_bits": 8},
    "shared converters": {"pe.adcs": 2},
    "slow converters": {"adc.rate": "0.3 GHz"},
    "small arrays": {
        "array.rows": 32,
        "array.cols": 64,
        "tile.pes": 3,
        "pe.arrays": 5,
        "pe.adcs": 3,
    },
    "row groups": {"array.rows_per_read": 32},
    "wide digits": {"dac.bits": 3, "adc.bits": 10},
    "unit columns": {
        "array.input_sum": "column",
        "array.cols": 129,
        "adc.policy": "lossless",
        "adc.bits": None,
    },
    "pairs": {
        "array.encoding": "differential",
        "array.subtract": "analog",
        "array.flip_columns": False,
        "array.cols": 128,
        "precision.weight_bits": 9,
    },
    "more memory": {"tile.buffer": "4 MiB"},
}
"""Overrides of ``isaac_isca_2016``; on all of them outputs fill the columns and arrays whole."""

_ROOM = {"chip.tiles": 1, "tile.buffer": "1 MiB"}  # windows that share nothing need much room


def chip(name: str, **more: Any) -> Arch:
    """One of CHIPS, of one tile with room in its buffer."""
    return load_arch("isaac_isca_2016", {**_ROOM, **CHIPS[name], **more})


def saturating(arch: Arch, positions: int = 20) -> Workload:
    """Every array of one tile full, each with inputs of its own; outputs are activated, pooled."""
    arrays, rows = arch.tile.pes * arch.pe.arrays, arch.array.rows
    encoding = make_encoding(arch, arch.precision.weight_bits)
    outputs, rest = divmod(usable_columns(arch), encoding.columns)
    assert rest == 0
    net = WorkloadBuilder("saturating")
    x = net.input("input", (arrays * rows, positions, 1))
    x = net.conv("conv", x, arrays * outputs, (1, 1), groups=arrays, bias=False)
    return net.build(net.max_pool("pool", net.activation("relu", x, "relu"), 1))


def period(arch: Arch, slot: float) -> float:
    """Time from one input vector to the next [s]."""
    groups = -(-arch.array.rows // (arch.array.rows_per_read or arch.array.rows))
    return make_input_coding(arch, arch.precision.input_bits, False).reads * groups * slot
