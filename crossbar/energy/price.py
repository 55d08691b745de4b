"""Counts to joules: every action at the energy of its component, and what leaks meanwhile.

ISAAC's table gives powers of a busy chip and no leakage apart from them.  ``energy.leakage_share``
says how much of each is drawn also when idle; the actions share the rest, so that a saturated chip
draws the table's power whatever the share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import fsum

from crossbar.arch import Arch
from crossbar.circuit.adc import make_adc, unit_resolution
from crossbar.circuit.adc_cost import chip_adc_cost
from crossbar.circuit.buffer import buffer_energy
from crossbar.circuit.dac import drive_energy
from crossbar.circuit.embedding_table import fetch_energy
from crossbar.circuit.links import bus_energy, offchip_energy, router_energy
from crossbar.circuit.matmul_unit import mac_energy
from crossbar.circuit.multiplier import multiplier_energy
from crossbar.circuit.norm_unit import norm_energy
from crossbar.circuit.registers import (
    input_register_energy,
    output_register_energy,
    tile_register_energy,
)
from crossbar.circuit.sample_hold import sample_energy
from crossbar.circuit.shift_add import input_sum_energy, merge_energy, shift_add_energy
from crossbar.circuit.softmax_unit import softmax_energy
from crossbar.circuit.vector import activation_energy, add_energy, pool_energy
from crossbar.device.cell_cost import table_read_energy
from crossbar.device.programming import mean_write_pulses, verify_energy, write_energy
from crossbar.errors import InputError
from crossbar.timing import Activity, Counts, LayerCounts

__all__ = [
    "COMPONENTS",
    "WITHOUT_LEAKAGE",
    "Costs",
    "action_energies",
    "price",
    "programming_energy",
    "published_energies",
]

COMPONENTS = {
    "array": "cells",
    "dac": "DACs",
    "sample_hold": "sample and hold",
    "adc": "ADCs",
    "shift_add": "shift-and-add",
    "input_sum": "input sums",
    "input_register": "input registers",
    "output_register": "output registers",
    "tile_register": "tile output registers",
    "tile_adder": "tile adders",
    "activation": "activation units",
    "pool": "pooling units",
    "multiplier": "multipliers",
    "softmax": "softmax units",
    "norm": "norm units",
    "matmul": "matmul units",
    "buffer": "tile buffers",
    "bus": "tile buses",
    "router": "routers",
    "offchip": "off-chip port",
    "embedding": "embedding tables",
    "programming": "run-time programming",
}
"""Components by the name they have in reports, with what people call them."""

WITHOUT_LEAKAGE = ("embedding", "programming")
"""Those whose energy is that of their actions alone."""


@dataclass(frozen=True)
class Costs:
    """Energy of one inference [J]; its parts add up to its total.

    Parameters
    ----------
    by_layer : mapping of str to mapping of str to float
        Layer -> component -> dynamic energy.
    leakage : mapping of str to float
        Component -> what it leaks during one inference; of the chip, not of any layer.  Empty where
        it is not known how long an inference takes.
    """

    by_layer: Mapping[str, Mapping[str, float]]
    leakage: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Energy of one inference [J], leakage included."""
        return fsum((self.dynamic, *self.leakage.values()))

    @property
    def dynamic(self) -> float:
        """Energy of the actions alone [J]."""
        return fsum(e for parts in self.by_layer.values() for e in parts.values())

    @property
    def layers(self) -> dict[str, float]:
        """Dynamic energy by layer [J]."""
        return {name: fsum(parts.values()) for name, parts in self.by_layer.items()}

    @property
    def components(self) -> dict[str, float]:
        """Energy by component [J], leakage included."""
        return {
            component: fsum(
                (
                    *(parts[component] for parts in self.by_layer.values()),
                    self.leakage.get(component, 0.0),
                )
            )
            for component in COMPONENTS
        }

    def with_leakage(self, power: Mapping[str, float], throughput: float) -> Costs:
        """Return the costs with what leaks during one inference: leakage power / throughput.

        The time of one inference is that between two of a stream without gaps, as it is for the
        average power, energy x throughput.  A chip that runs one inference and stops leaks for the
        latency instead, which is longer.

        Parameters
        ----------
        power : mapping of str to float
            Component -> leakage [W], of `crossbar.energy.leakage_power`.
        throughput : float
            Inferences a second [1/s].
        """
        return replace(self, leakage={name: watts / throughput for name, watts in power.items()})


def published_energies(arch: Arch) -> tuple[tuple[str, str, float], ...]:
    """List ``(component, action, energy of one [J])`` as if all of a power were drawn by actions.

    The actions are those of `crossbar.timing.ACTIONS`, but ``weight_conversions`` (conversions that
    are not of unit columns); an action that uses several components stands there for each.  The
    cells are not among them.
    """
    has_port = arch.chip.offchip == "hypertransport"
    bits = arch.precision.input_bits
    return (
        ("dac", "dac_drives", drive_energy(arch.dac.bits)),
        ("sample_hold", "sample_holds", sample_energy()),
        ("adc", "weight_conversions", chip_adc_cost(arch, make_adc(arch).bits).energy),
        ("adc", "unit_conversions", chip_adc_cost(arch, unit_resolution(arch)).energy),
        ("shift_add", "shift_adds", shift_add_energy()),
        ("input_sum", "input_sums", input_sum_energy()),
        ("input_register", "input_register_bits", input_register_energy()),
        ("output_register", "output_register_bits", output_register_energy()),
        ("tile_register", "output_register_bits", tile_register_energy()),
        ("tile_adder", "partial_sums", merge_energy()),
        ("tile_adder", "adds", add_energy()),
        ("activation", "activations", activation_energy()),
        ("pool", "pool_ops", pool_energy()),
        ("multiplier", "multiplies", multiplier_energy(bits)),
        ("softmax", "softmax_ops", softmax_energy(bits)),
        ("norm", "norm_ops", norm_energy(bits)),
        ("matmul", "macs", mac_energy(bits, arch.tile.matmul_macs)),
        ("buffer", "buffer_read_bits", buffer_energy(arch.tile.buffer)),
        ("buffer", "buffer_write_bits", buffer_energy(arch.tile.buffer)),
        ("bus", "bus_bits", bus_energy()),
        ("router", "router_bits", router_energy()),
        ("offchip", "offchip_bits", offchip_energy() if has_port else 0.0),
        ("embedding", "embedding_reads", fetch_energy(bits, arch.chip.table_energy)),
        ("programming", "runtime_writes", programming_energy(arch)),
    )


def programming_energy(arch: Arch) -> float:
    """Energy of programming one cell [J], as in `crossbar.energy.programming`; 0 without a price.

    ``pulses x (v^2 g t of the pulse + v^2 g t of the verifying read + sample and conversion of its
    column)``.
    """
    pulse = write_energy(arch)
    if pulse is None:
        return 0.0  # nothing is programmed at run time: `crossbar.mapping.dynamic` refuses it
    conversion = chip_adc_cost(arch, make_adc(arch).bits).energy
    each = fsum((pulse, verify_energy(arch), sample_energy(), conversion))
    return mean_write_pulses(arch) * each


def action_energies(arch: Arch) -> tuple[tuple[str, str, float], ...]:
    """List ``(component, action, dynamic energy of one [J])``, as `published_energies`.

    The share ``energy.leakage_share`` is drawn with or without actions, and so is all of the port's
    where ``chip.offchip_power`` is ``static``: `crossbar.energy.leakage_power`.  The memory of
    embedding tables lies outside of the chip, whose leakage has no part in it, and what programming
    takes is no part of the power of a chip that computes.
    """
    dynamic = 1.0 - arch.energy.leakage_share
    shares = {
        "offchip": 0.0 if arch.chip.offchip_power == "static" else dynamic,
        **dict.fromkeys(WITHOUT_LEAKAGE, 1.0),
    }
    return tuple(
        (component, action, energy * shares.get(component, dynamic))
        for component, action, energy in published_energies(arch)
    )


def price(arch: Arch, counts: Counts, activity: Activity | None = None) -> Costs:
    """Price the actions of one inference; `Costs.with_leakage` adds what leaks meanwhile.

    Parameters
    ----------
    arch : Arch
    counts : Counts
    activity : Activity, optional
        Needed where ``energy.array`` is ``data``.

    Raises
    ------
    InputError
        If ``energy.array`` is ``data`` and the data's activity is not given for every layer.
    """
    energies = action_energies(arch)
    by_layer: dict[str, dict[str, float]] = {}
    for layer in counts.layers:
        parts = dict.fromkeys(COMPONENTS, 0.0)
        parts["array"] = _array_energy(arch, layer, activity)
        for component, action, energy in energies:
            parts[component] += energy * _actions(layer, action)
        by_layer[layer.name] = parts
    return Costs(by_layer)


def _actions(layer: LayerCounts, action: str) -> float:
    if action == "weight_conversions":
        return layer.adc_conversions - layer.unit_conversions
    return float(getattr(layer, action))


def _array_energy(arch: Arch, layer: LayerCounts, activity: Activity | None) -> float:
    if arch.energy.array == "table":
        return table_read_energy(arch) * (1.0 - arch.energy.leakage_share) * layer.array_reads
    if activity is None or layer.name not in activity.array_energy:
        raise InputError(
            f"{arch.name}: energy.array: data needs data: no energy of the cells of"
            f" {layer.name!r} was measured (or set energy.array=table)"
        )
    return activity.array_energy[layer.name]
