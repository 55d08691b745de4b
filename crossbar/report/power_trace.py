"""Traces of powers, leakage and programming: declared rates times prices, shares, cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crossbar.device.programming import mean_write_pulses
from crossbar.energy.area_sources import OF_CHIP
from crossbar.energy.power import leaking_share, power_origins
from crossbar.energy.programming import programming_origins
from crossbar.energy.sources import Origin
from crossbar.mapping.encode import make_encoding
from crossbar.report.facts import Facts
from crossbar.report.origin_terms import origin_term
from crossbar.report.trace import Term, given, named, product, total

__all__ = [
    "average_power",
    "component_leakage",
    "leakage_energy",
    "leakage_power",
    "leakage_power_of",
    "nameplate",
    "nameplate_of",
    "peak_power",
    "peak_window",
    "programming_energy",
    "programming_rows",
    "programming_time",
]

_LEAKS = (
    "energy.leakage_share of the nameplate; cells that are priced by the data leak nothing, the"
    " port draws all of its power always where chip.offchip_power is static"
)


def average_power(facts: Facts) -> Term:
    """Trace the average power to energy and throughput."""
    report = facts.report
    parts = [
        given("energy of one inference", report.energy, "J", name="energy"),
        given("throughput", report.throughput, "1/s", name="throughput"),
    ]
    note = "inferences follow one another without a gap"
    term = product("average power", "W", parts, note=note)
    return facts.agreed(term, report.power.get("average"), "power.average")


def peak_power(facts: Facts) -> Term:
    """Say what the peak power is."""
    value = facts.report.power.get("peak")
    note = (
        "the largest mean over a window (power.window); a layer's dynamic energy is spread evenly"
        " over its positions, that of a position from its first read until it is stored; the"
        " leakage of the chip is in it"
    )
    return given("peak power", value, "W", note=note if value is not None else "not worked out")


def peak_window(facts: Facts) -> Term:
    """Say what the window of the peak is."""
    return given("window of the peak power", facts.report.power.get("window"), "s")


def nameplate(facts: Facts) -> Term:
    """Trace the nameplate to the components."""
    reported = facts.report.power.get("nameplate")
    if reported is None:
        return given("nameplate power", None, "W", note="not worked out")
    parts = [
        named(f"nameplate.{name}", nameplate_of(facts, name).value, "W")
        for name in facts.components
    ]
    note = "everything on the chip busy at its declared rate; what a network draws is less"
    return facts.agreed(
        total("nameplate power", "W", parts, note=note), reported, "power.nameplate"
    )


def nameplate_of(facts: Facts, component: str) -> Term:
    """Trace the nameplate of a component to prices and declared rates."""
    parts = []
    for (owner, action), (energy, rate) in _origins(facts).items():
        if owner != component:
            continue
        factors = [
            origin_term(f"energy of {energy.of}", "J", energy),
            origin_term(f"{action} a second of {rate.of}", "Hz", rate),
        ]
        if component not in OF_CHIP:
            factors.insert(0, given("tiles of the chip", facts.of_chip("chip_tiles")))
        parts.append(product(f"{action} at its rate", "W", factors))
    what = f"nameplate of {component}"
    if not parts:
        return given(what, 0.0, "W", note="no part of the chip")
    return replace(parts[0], what=what) if len(parts) == 1 else total(what, "W", parts)


def leakage_power(facts: Facts) -> Term:
    """Trace the leakage of the chip to the components."""
    reported = facts.report.power.get("leakage")
    if reported is None:
        return given("leakage of the chip", None, "W", note="not worked out")
    parts = [
        named(f"leakage.{name}", leakage_power_of(facts, name).value, "W")
        for name in facts.components
    ]
    term = total("leakage of the chip", "W", parts, note=f"whole chip, idle or not: {_LEAKS}")
    return facts.agreed(term, reported, "power.leakage")


def leakage_power_of(facts: Facts, component: str) -> Term:
    """Trace the leakage power of a component to its nameplate."""
    parts = [
        given("share that is drawn always", leaking_share(facts.arch, component)),
        named(f"nameplate.{component}", nameplate_of(facts, component).value, "W"),
    ]
    return product(f"leakage of {component}", "W", parts, note=_LEAKS)


def component_leakage(facts: Facts, component: str) -> Term:
    """Trace what a component leaks in one inference to its leakage power."""
    reported = facts.cost(component, "leakage")
    parts = [
        named(f"leakage.{component}", leakage_power_of(facts, component).value, "W"),
        given("throughput", facts.report.throughput, "1/s", name="throughput").under(),
    ]
    note = "the time of one inference is that between two of a stream without gaps"
    term = product(f"leakage of {component} in one inference", "J", parts, note=note)
    return facts.agreed(term, reported, f"components.{component}.leakage")


def leakage_energy(facts: Facts) -> Term:
    """Add up what leaks in one inference."""
    parts = [
        named(f"components.{name}.leakage", facts.cost(name, "leakage"), "J")
        for name in facts.components
    ]
    return total("leakage in one inference", "J", parts)


def programming_energy(facts: Facts) -> Term:
    """Trace the energy of loading the weights to the cells and what one costs."""
    reported = facts.report.programming.get("energy")
    what = "energy of programming"
    if reported is None:
        return given(what, None, "J", note=_unpriced(facts))
    parts = [
        origin_term(origin.of, "J", origin) for origin in programming_origins(facts.arch).values()
    ]
    cells = given("cell_writes", facts.count("cell_writes"), name="cell_writes")
    note = "once, to load the weights; not part of an inference"
    term = product(what, "J", [cells, total("programming one cell", "J", parts)], note=note)
    return facts.agreed(term, reported, "programming.energy")


def programming_time(facts: Facts) -> Term:
    """Trace the time of loading the weights to rows, pulses and what one takes."""
    reported = facts.report.programming.get("latency")
    what = "time of programming"
    if reported is None:
        return given(what, None, "s", note=_unpriced(facts))
    cell, rows = facts.arch.cell, programming_rows(facts)
    mean = mean_write_pulses(facts.arch)
    pulses = given("mean pulses of a cell", mean)
    write = given("cell.write_pulse", cell.write_pulse, "s")
    each = reported / ((rows.value or 1) * mean)
    note = "the longer of array.cycle and the conversions of its array, mean of these rows"
    read = given("verifying read", each - (write.value or 0.0), "s")
    parts = [
        rows,
        pulses,
        total("one row, once", "s", [write, read], note=f"verifying read: {note}"),
    ]
    note = "fewer pulses, shorter ones or arrays of fewer rows make it less"
    term = product(what, "s", parts, note=note)
    if (read.value or 0.0) < facts.arch.array.cycle * (1 - 1e-6):
        facts.agreed(given("", facts.arch.array.cycle), read.value, "programming.latency")
    return facts.agreed(term, reported, "programming.latency")


def programming_rows(facts: Facts) -> Term:
    """Say how many rows are programmed one after another."""
    rows, what = facts.report.programming.get("rows"), "rows one after another"
    if rows is None:
        return given(what, None, note=_unpriced(facts))
    pe, array = facts.arch.pe, facts.arch.array
    most = f"at most pe.arrays x array.rows = {pe.arrays} x {array.rows}"
    note = (
        f"those in use of the arrays of the PE that takes longest, {most}: the cells of a row"
        " together, rows of an array and arrays of a PE one after another, PEs side by side"
    )
    if facts.arch.chip.programming == "serial":
        note = (
            "of all arrays of all PEs, one after another (chip.programming: serial); in one PE"
            f" {most}"
        )
    return given(what, rows, note=note)


def _unpriced(facts: Facts) -> str:
    missing = not programming_origins(facts.arch)
    why = "the hardware has no price of a pulse: cell.write_voltage, cell.write_pulse"
    return why if missing else "programming is counted (cell_writes), not priced"


def _origins(facts: Facts) -> Mapping[tuple[str, str], tuple[Origin, Origin]]:
    encoding = make_encoding(facts.arch, facts.report.precision["weight_bits"])
    return power_origins(facts.arch, encoding, facts.units)
