"""Counts to joules: every action at the energy of its component.

Dynamic energy only.  ISAAC's table gives no leakage apart from its powers, and those are spread
over the actions of a busy chip, so idle time costs nothing here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum

from crossbar.arch import Arch
from crossbar.circuit.adc import conversion_energy, make_adc, make_unit_adc
from crossbar.circuit.buffer import buffer_energy
from crossbar.circuit.dac import drive_energy
from crossbar.circuit.links import bus_energy, offchip_energy, router_energy
from crossbar.circuit.registers import (
    input_register_energy,
    output_register_energy,
    tile_register_energy,
)
from crossbar.circuit.sample_hold import sample_energy
from crossbar.circuit.shift_add import input_sum_energy, merge_energy, shift_add_energy
from crossbar.circuit.vector import activation_energy, add_energy, pool_energy
from crossbar.device.cell_cost import table_read_energy
from crossbar.errors import InputError
from crossbar.timing import Activity, Counts, LayerCounts

__all__ = ["COMPONENTS", "Costs", "action_energies", "price"]

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
    "buffer": "tile buffers",
    "bus": "tile buses",
    "router": "routers",
    "offchip": "off-chip port",
}
"""Components by the name they have in reports, with what people call them."""


@dataclass(frozen=True)
class Costs:
    """Energy of one inference [J], by layer and component; its parts add up to its total.

    Parameters
    ----------
    by_layer : mapping of str to mapping of str to float
        Layer -> component -> energy.
    """

    by_layer: Mapping[str, Mapping[str, float]]

    @property
    def total(self) -> float:
        """Energy of one inference [J]."""
        return fsum(e for parts in self.by_layer.values() for e in parts.values())

    @property
    def layers(self) -> dict[str, float]:
        """Energy by layer [J]."""
        return {name: fsum(parts.values()) for name, parts in self.by_layer.items()}

    @property
    def components(self) -> dict[str, float]:
        """Energy by component [J]."""
        return {
            component: fsum(parts[component] for parts in self.by_layer.values())
            for component in COMPONENTS
        }


def action_energies(arch: Arch) -> tuple[tuple[str, str, float], ...]:
    """List ``(component, action, energy of one [J])``; the cells are not among them.

    The actions are those of `crossbar.timing.ACTIONS`, but ``weight_conversions`` (conversions that
    are not of unit columns); an action that uses several components stands there for each.
    """
    offchip = offchip_energy() if arch.chip.offchip == "hypertransport" else 0.0
    return (
        ("dac", "dac_drives", drive_energy(arch.dac.bits)),
        ("sample_hold", "sample_holds", sample_energy()),
        ("adc", "weight_conversions", conversion_energy(make_adc(arch).bits)),
        ("adc", "unit_conversions", conversion_energy(make_unit_adc(arch).bits)),
        ("shift_add", "shift_adds", shift_add_energy()),
        ("input_sum", "input_sums", input_sum_energy()),
        ("input_register", "input_register_bits", input_register_energy()),
        ("output_register", "output_register_bits", output_register_energy()),
        ("tile_register", "output_register_bits", tile_register_energy()),
        ("tile_adder", "partial_sums", merge_energy()),
        ("tile_adder", "adds", add_energy()),
        ("activation", "activations", activation_energy()),
        ("pool", "pool_ops", pool_energy()),
        ("buffer", "buffer_read_bits", buffer_energy(arch.tile.buffer)),
        ("buffer", "buffer_write_bits", buffer_energy(arch.tile.buffer)),
        ("bus", "bus_bits", bus_energy()),
        ("router", "router_bits", router_energy()),
        ("offchip", "offchip_bits", offchip),
    )


def price(arch: Arch, counts: Counts, activity: Activity | None = None) -> Costs:
    """Price the actions of one inference.

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
        return table_read_energy(arch) * layer.array_reads
    if activity is None or layer.name not in activity.array_energy:
        raise InputError(
            f"{arch.name}: energy.array: data needs data: no energy of the cells of"
            f" {layer.name!r} was measured (or set energy.array=table)"
        )
    return activity.array_energy[layer.name]
