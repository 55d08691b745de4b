"""Small random chips, from a seed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from crossbar import build_plan, load_arch
from crossbar.arch import Arch
from crossbar.errors import DoesNotFitError
from crossbar.mapping import Plan
from crossbar.workload import Workload
from crossbar.workload.graph import Node
from tests.timing.random_networks import Rng, random_workload


def random_plan(seed: int, **fixed: Any) -> Plan:
    """Draw a network, a chip and copies of layers; ``fixed`` are keys of the chip, ``__`` for a
    dot.
    """
    rng = np.random.default_rng(seed)
    workload = random_workload(rng)
    arch = random_arch(rng, [(n.name, n.positions) for n in _layers(workload)], **fixed)
    roomy = {
        "tile": arch.tile.model_copy(update={"buffer": 64 * 1024}),
        "pe": arch.pe.model_copy(update={"input_register": 64}),
    }
    for larger in (), ("tile",), ("pe",):  # buffers and registers are drawn very small
        with suppress(DoesNotFitError):
            return build_plan(workload, arch.model_copy(update={key: roomy[key] for key in larger}))
    return build_plan(workload, arch.model_copy(update=roomy))


def random_arch(rng: Rng, layers: list[tuple[str, int]], **fixed: Any) -> Arch:
    """Draw a chip; ``layers`` are names and positions for the copies."""
    cycle = int(rng.choice([1, 2, 3, 4, 5, 8, 16]))
    arrays = int(rng.integers(1, 5))
    rows = int(rng.choice([3, 4, 8, 16]))
    subtract, encoding = "digital", str(rng.choice(["offset", "differential", "twos_complement"]))
    if encoding == "differential" and rng.random() < 0.3:
        subtract = "analog"
    copies: Any = "none"
    if rng.random() < 0.5:
        limits = [1 if "_hh" in name else min(3, positions) for name, positions in layers]
        copies = [int(rng.integers(1, limit + 1)) for limit in limits]
    drawn = {
        "clock": "1 GHz",
        "array.cycle": f"{cycle} ns",
        "cell.read_pulse": f"{cycle} ns",
        "cell.bits": int(rng.integers(1, 4)),
        "array.rows": rows,
        "array.cols": int(rng.choice([3, 5, 8, 16])),
        "array.rows_per_read": None if rng.random() < 0.6 else int(rng.integers(1, rows + 1)),
        "array.encoding": encoding,
        "array.subtract": subtract,
        "array.input_sum": str(rng.choice(["digital", "digital", "column"])),
        "dac.bits": int(rng.integers(1, 4)),
        "adc.bits": 6,
        "adc.rate": str(rng.choice(["250 MHz", "500 MHz", "1 GHz", "1 GHz", "3 GHz", "16 GHz"])),
        "pe.arrays": arrays,
        "pe.adcs": int(rng.integers(1, arrays + 1)),
        "pe.input_register": f"{int(rng.choice([1, 4, 8, 16, 64]))} B",
        "tile.pes": int(rng.integers(1, 4)),
        "tile.buffer": str(rng.choice(["16 B", "32 B", "64 B", "256 B", "64 KiB"])),
        "tile.buffer_banks": int(rng.integers(1, 3)),
        "tile.bus_width": int(rng.choice([1, 2, 3, 5, 8, 16, 33, 64])),
        "tile.vector_lanes": int(rng.choice([1, 2, 3, 16])),
        "tile.matmul_macs": int(rng.choice([1, 2, 7, 32])),
        "chip.tiles": "auto",
        "precision.weight_bits": int(rng.integers(2, 6)),
        "precision.input_bits": int(rng.integers(1, 6)),
        "replication": copies,
        "cell.write_voltage": "2 V",
        "cell.write_pulse": f"{int(rng.choice([1, 7, 40]))} ns",
        "cell.write_pulses": float(rng.choice([1.0, 1.5, 4.0])),
    }
    if rng.random() < 0.5:
        drawn["attention"] = "crossbar"
        drawn["chip.programming"] = str(rng.choice(["parallel", "serial"]))
        drawn["replication"] = "none"
    drawn |= {key.replace("__", "."): value for key, value in fixed.items()}
    return load_arch("tiny_reram", drawn)


def _layers(workload: Workload) -> list[Node]:
    """Nodes of the first use of each weight, with the fewest positions of all its uses."""
    smallest: dict[str, Node] = {}
    for node in workload.products:
        key = node.weight or node.name
        if key not in smallest or node.positions < smallest[key].positions:
            smallest[key] = node
    return list(smallest.values())
