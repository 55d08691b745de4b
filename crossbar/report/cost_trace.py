"""Traces of energies and areas: actions times prices, units times sizes, with their sources."""

from __future__ import annotations

from math import fsum

from crossbar.energy.area_sources import OF_CHIP, area_origins
from crossbar.energy.sources import energy_origins
from crossbar.energy.units import BUILT_FOR
from crossbar.mapping.plan_text import counted
from crossbar.report.count_trace import count, layer_count
from crossbar.report.facts import Facts
from crossbar.report.origin_terms import origin_parts, origin_term
from crossbar.report.trace import Term, given, named, product, total

__all__ = [
    "area",
    "component_area",
    "component_by_layer",
    "component_energy",
    "energy",
    "energy_by_layer",
    "is_measured",
    "layer_component",
    "layer_energy",
    "mean_read",
]


def is_measured(facts: Facts, component: str) -> bool:
    """Whether the energy follows from the data and has no price: that of the cells."""
    return component == "array" and facts.arch.energy.array == "data"


def energy(facts: Facts) -> Term:
    """Trace the energy of one inference to its components."""
    facts.check_components()
    term = total(
        "energy of one inference",
        "J",
        [
            given(said, facts.cost(name, "energy"), "J", name=name)
            for name, said in facts.components.items()
        ],
    )
    return facts.agreed(term, facts.report.energy, "energy")


def energy_by_layer(facts: Facts) -> Term:
    """Trace the energy of one inference to its layers, and what leaks meanwhile."""
    parts = [named(name, facts.of_layer(name, "energy"), "J") for name in facts.layers]
    leaked = fsum(facts.cost(name, "leakage") for name in facts.components)
    if leaked:
        parts.append(given("leakage of the whole chip", leaked, "J"))
    term = total("energy of one inference, by layer", "J", parts)
    return facts.agreed(term, facts.report.energy, "energy")


def component_energy(facts: Facts, component: str) -> Term:
    """Trace the energy of a component to its actions and their prices."""
    what = f"energy of {component}"
    leaked = facts.cost(component, "leakage")
    name = f"dynamic energy of {component}" if leaked else what
    if is_measured(facts, component):
        term = total(name, "J", _in_layers(facts, component), _measured(facts))
    else:
        term = _priced(facts, None, component, name)
    if leaked:
        own = named(f"components.{component}.leakage", leaked, "J")
        term = total(what, "J", [term, own])
    return facts.agreed(term, facts.cost(component, "energy"), f"components.{component}.energy")


def component_by_layer(facts: Facts, component: str) -> Term:
    """Trace the energy of a component to the layers, and what it leaks meanwhile."""
    parts, leaked = _in_layers(facts, component), facts.cost(component, "leakage")
    if leaked:
        parts.append(named(f"components.{component}.leakage", leaked, "J"))
    term = total(f"energy of {component}, by layer", "J", parts)
    return facts.agreed(term, facts.cost(component, "energy"), f"components.{component}.energy")


def layer_energy(facts: Facts, layer: str) -> Term:
    """Trace the energy of a layer to its components."""
    parts = [
        given(said, facts.energy_in(layer, name), "J", name=f"{layer}.{name}")
        for name, said in facts.components.items()
    ]
    term = total(f"energy of {layer} in one inference", "J", parts)
    return facts.agreed(term, facts.of_layer(layer, "energy"), f"layers.{layer}.energy")


def layer_component(facts: Facts, layer: str, component: str) -> Term:
    """Trace the energy of a component in one layer."""
    what = f"energy of {component} in {layer}"
    reported = facts.energy_in(layer, component)
    if is_measured(facts, component):
        term = given(what, reported, "J", _measured(facts))
    else:
        term = _priced(facts, layer, component, what)
    return facts.agreed(term, reported, f"layers.{layer}.components.{component}")


def mean_read(facts: Facts, layer: str | None) -> tuple[Term, ...]:
    """Compare the mean energy of a read, of a layer or of all, with the largest possible."""
    if layer is None:
        dynamic = facts.cost("array", "energy") - facts.cost("array", "leakage")
        cells = given("energy of array", dynamic, "J")
    else:
        cells = given(f"energy of array in {layer}", facts.energy_in(layer, "array"), "J")
    reads = _actions(facts, layer, "array_reads")
    arch = facts.arch
    largest = product(
        "largest energy of a read, all rows driven and all cells on",
        "J",
        [
            given("rows of a read", arch.array.rows_per_read or arch.array.rows),
            given("array.cols", arch.array.cols),
            given("cell.read_voltage", arch.cell.read_voltage, "V"),
            given("cell.read_voltage", arch.cell.read_voltage, "V"),
            given("cell.g_on", arch.cell.g_on, "S"),
            given("cell.read_pulse", arch.cell.read_pulse, "s"),
        ],
    )
    if not reads.value:
        return (largest,)
    return product("mean energy of a read", "J", [cells, reads.under()]), largest


def area(facts: Facts) -> Term:
    """Trace the area of the chip to its components."""
    facts.check_components()
    term = total(
        "area of the chip",
        "m^2",
        [
            given(said, facts.cost(name, "area"), "m^2", name=name)
            for name, said in facts.components.items()
        ],
    )
    return facts.agreed(term, facts.report.area, "area")


def component_area(facts: Facts, component: str) -> Term:
    """Trace the area of a component to the units of the chip and their sizes."""
    reported = facts.cost(component, "area")
    where = f"components.{component}.area"
    what = f"area of {component}"
    if component == "input_sum" and facts.count("input_sums") == 0:
        none = given(what, 0.0, "m^2", note="no column needs the sum of its inputs: none is built")
        return facts.agreed(none, reported, where)
    if component in BUILT_FOR and component not in facts.units:
        none = given(what, 0.0, "m^2", note="the network needs none: none is built")
        return facts.agreed(none, reported, where)
    origin = area_origins(facts.arch)[component]
    factors = list(origin_parts(origin))
    if component not in OF_CHIP:
        factors.insert(0, given("tiles of the chip", facts.of_chip("chip_tiles")))
    return facts.agreed(product(what, "m^2", factors, origin.source), reported, where)


def _priced(facts: Facts, layer: str | None, component: str, what: str) -> Term:
    """Sum a component's actions times their prices."""
    parts = []
    for (owner, action), origin in energy_origins(facts.arch).items():
        if owner != component:
            continue
        number = _actions(facts, layer, action)
        price = origin_term(f"energy of {origin.of}", "J", origin)
        parts.append((action, number, price))
    busy = [part for part in parts if part[1].value] or parts[:1]
    if len(busy) == 1:
        ((_, number, price),) = busy
        return product(what, "J", [number, price])
    return total(
        what,
        "J",
        [product(f"energy of {action}", "J", [number, price]) for action, number, price in busy],
    )


def _actions(facts: Facts, layer: str | None, action: str) -> Term:
    """Count an action in a layer, or in the whole network."""
    if action == "weight_conversions":
        every = _actions(facts, layer, "adc_conversions")
        of_units = _actions(facts, layer, "unit_conversions")
        if not of_units.value:
            return every
        less = given("those of unit columns", -(of_units.value or 0))
        return total("conversions of weight columns", "", [every, less])
    found = count(facts, action) if layer is None else layer_count(facts, layer, action)
    name = action if layer is None else f"{layer}.{action}"
    return given(action, found.value, name=name)


def _in_layers(facts: Facts, component: str) -> list[Term]:
    return [
        named(f"{layer}.{component}", facts.energy_in(layer, component), "J")
        for layer in facts.layers
    ]


def _measured(facts: Facts) -> str:
    """Say where the energy of the cells comes from."""
    images = facts.report.images
    formula = "read_pulse x sum of v^2 x g over all cells of the driven rows, every read"
    if images:
        return f"measured: {formula}; mean over {counted(images, 'sample')}"
    assumed = [note for note in facts.report.notes if "cells" in note and "assume" in note]
    notes = " ".join(assumed) or "The report does not say what was assumed."
    return f"assumed, not measured: {formula}. {notes}"
