"""What does this number mean: from a name in a report to its formula, inputs and source."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import partial

from crossbar.energy import COMPONENTS
from crossbar.errors import UnknownNameError
from crossbar.report import cost_trace as cost
from crossbar.report import count_trace as counted
from crossbar.report import power_trace as powers
from crossbar.report import stream_trace as streams
from crossbar.report import time_trace as times
from crossbar.report.bottleneck import by_part
from crossbar.report.digital_trace import digital_traces
from crossbar.report.facts import Facts
from crossbar.report.report import Report
from crossbar.report.sequence_trace import sequence_traces
from crossbar.report.trace import Explanation, Term
from crossbar.report.wear import WEAR, wear_number

__all__ = ["explain_number", "number_names"]

_Build = Callable[[], tuple[Term, ...]]

_TOTALS = {
    "energy": "energy",
    "power.average": "power",
    **dict.fromkeys(
        ("latency", "cycles", "throughput", "bound.latency", "bound.throughput"), "time"
    ),
}
_OWN = ("power", "programming", "wear", "bound", "stream", "timeline", "critical_path")
"""Groups whose name is part of what a number is called."""
_HEADINGS = {f"components.{name}": (said,) for name, said in COMPONENTS.items()} | {
    "images": ("samples",),
    "counts.saturations": ("saturated",),
    "throughput": ("slowest", "what helps"),
    "power.peak": ("peak",),
    "power.nameplate": ("nameplate",),
    "power.leakage": ("leakage",),
    **dict.fromkeys(("bound.latency", "bound.throughput"), ("at best", "bound")),
    **dict.fromkeys(("programming.energy", "programming.latency"), ("programming",)),
    **{f"chip.{key}": ("in use",) for key in ("arrays", "pes", "tiles", "utilisation")},
    "sequences.mean": ("sequences", "tokens", "lengths"),
    "sequences.per_second": ("sequences", "tokens_per_second", "tokens/s"),
    "sequences.energy_per_token": ("sequences",),
    **dict.fromkeys(("sequences.shortest", "sequences.longest"), ("lengths",)),
}
"""What the printed table calls a number, where that is not its key."""

_TIME = re.compile("latency|throughput", re.IGNORECASE)
_ATTENTION = ("digital.matmul", "digital.softmax", "digital.mul")
"""Scores and context, softmax, scaling."""

_NEAR = 3
_LONGEST = 200
_START = 40
_GENERAL = (
    *("LAYER", "LAYER.COMPONENT", "COMPONENT"),
    *("accuracy", "area", "energy", "latency", "throughput"),
)
"""What can be asked for, where no name is near."""


def explain_number(report: Report, name: str, *, source: str = "report") -> Explanation:
    """Trace a number of a report to its formula, its inputs and its source.

    Parameters
    ----------
    report : Report
        Nothing but what a saved file holds is needed.
    name : str
        As in the file, e.g. ``"power.average"``, ``"components.adc"``, ``"counts.dac_drives"``,
        ``"layers.conv1"``, ``"layers.conv1.adc"``; what stands before the first point may be left
        out, and then every number of that name is explained.
    source : str
        What errors call the report, e.g. its file.

    Returns
    -------
    Explanation
        Its terms multiply and add up to the report's numbers.

    Raises
    ------
    UnknownNameError
        If the report has no such number; lists the nearest.
    DataError
        If the report lacks what the trace needs, or its numbers do not follow from one another.
    """
    builders = _builders(Facts(report, source))
    found = _named(name, builders)
    parts = [] if found else _parts(name, builders)
    if not name or not (found or parts):
        raise _unknown(name, builders)
    terms = dict.fromkeys(term for full in (*found, *parts) for term in builders[full]())
    said = (f"It is written out in this network; its digital work: {', '.join(parts)}.",)
    notes = said if parts else _notes(report, found)
    return Explanation(name, tuple(terms), notes)


def number_names(report: Report) -> tuple[str, ...]:
    """Return the full names of all numbers that `explain_number` takes."""
    return tuple(_builders(Facts(report)))


def _builders(facts: Facts) -> dict[str, _Build]:
    """Full name -> what traces it."""
    report = facts.report
    found: dict[str, _Build] = {}

    def add(full: str, *traces: Callable[..., Term], names: tuple[str, ...] = ()) -> None:
        found[full] = lambda: tuple(trace(facts, *names) for trace in traces)

    add("energy", cost.energy, cost.energy_by_layer)
    add("area", cost.area)
    for name in ("images", "seed"):
        add(name, counted.given_number, names=(name,))
    for name in ("accuracy", "float_accuracy", "digital_accuracy"):
        add(name, counted.accuracy, names=(name,))
    for name in report.metrics:
        trace = counted.accuracy if name == "accuracy" else counted.score
        add(f"metrics.{name}", trace, names=(name,))
    for name in report.precision:
        add(f"precision.{name}", counted.width, names=(name,))
    for key in report.chip:
        add(f"chip.{key}", counted.chip_number, names=(key,))
    for action in facts.actions:
        add(f"counts.{action}", counted.count, names=(action,))
    add("counts.saturations", _saturations, counted.saturated_share)
    _add_times(facts, add)
    _add_powers(facts, add)
    for full, traces in (*digital_traces(facts), *sequence_traces(facts)):
        add(full, *traces)
    for name in facts.components:
        found[f"components.{name}"] = partial(_component, facts, name)
        found[f"components.{name}.energy"] = partial(_component_energy, facts, name)
        add(f"components.{name}.leakage", powers.component_leakage, names=(name,))
        add(f"components.{name}.area", cost.component_area, names=(name,))
    for layer in facts.layers:
        _add_layer(facts, layer, add)
        for name in facts.components:
            found[f"layers.{layer}.{name}"] = partial(_layer_component, facts, layer, name)
    return found


def _add_times(facts: Facts, add: Callable[..., None]) -> None:
    """Add latency, throughput, what bounds them, and what buses and the like do."""
    add("latency", times.latency, times.cycles_by_part, times.cycles)
    for name in ("cycles", "critical_path"):
        add(name, times.cycles_by_part, times.cycles)
    for name in ("limited_by", "load"):
        add(f"stream.{name}", streams.pace_load)
    add("stream.waits_for", streams.stream_wait)
    add("throughput", streams.throughput, streams.pace_load)
    for name, free in (("latency", streams.free_latency), ("throughput", streams.free_throughput)):
        add(f"bound.{name}", free, partial(streams.bound_share, name=name))
    for name in ("images", "interval", "steady"):
        add(f"stream.{name}", streams.stream_number, names=(name,))
    for name in ("window", "bins"):
        add(f"timeline.{name}", times.timeline_number, names=(name,))
    for what in by_part(facts.report):
        add(f"critical_path.{what}", times.path_part, names=(what,))
    for row in facts.report.resources:
        add(f"resources.{row['name']}", times.resource, names=(row["name"],))


def _add_powers(facts: Facts, add: Callable[..., None]) -> None:
    """Add powers of the chip, with what each component has of them, and programming."""
    add("power.average", powers.average_power)
    add("power.peak", powers.peak_power, powers.peak_window)
    add("power.window", powers.peak_window)
    add("power.nameplate", powers.nameplate)
    add("power.leakage", powers.leakage_power, powers.leakage_energy)
    for name in facts.components:
        add(f"power.nameplate.{name}", powers.nameplate_of, names=(name,))
        add(f"power.leakage.{name}", powers.leakage_power_of, names=(name,))
    add("programming.energy", powers.programming_energy)
    add("programming.latency", powers.programming_time)
    add("programming.rows", powers.programming_rows)
    for key in WEAR if facts.report.wear is not None else ():
        add(f"wear.{key}", wear_number, names=(key,))


def _add_layer(facts: Facts, layer: str, add: Callable[..., None]) -> None:
    """Add the numbers of a layer."""
    full, of = f"layers.{layer}", (layer,)
    add(full, cost.layer_energy, times.layer_time, times.layer_wait, counted.layer_arrays, names=of)
    add(f"{full}.energy", cost.layer_energy, names=of)
    add(f"{full}.time", times.layer_time, names=of)
    add(f"{full}.cycles", times.layer_cycles, names=of)
    for key in ("start", "end"):
        add(f"{full}.{key}", times.layer_end, names=(layer, key))
    add(f"{full}.busy", times.layer_busy, names=of)
    add(f"{full}.idle", times.layer_idle_by_cause, times.layer_idle, names=of)
    for cause in facts.idle_of(layer):
        add(f"{full}.idle.{cause}", times.layer_idle_cause, names=(layer, cause))
    add(f"{full}.waits_for", times.layer_wait, names=of)
    add(f"{full}.load", times.layer_load, names=of)
    add(f"{full}.arrays", counted.layer_arrays, names=of)
    for key in counted.LAYER_NUMBERS:
        add(f"{full}.{key}", counted.layer_number, names=(layer, key))
    for action in facts.actions:
        add(f"{full}.{action}", counted.layer_count, names=(layer, action))


def _named(name: str, known: Iterable[str]) -> list[str]:
    """Find numbers by their key or by what the table calls them, capitals or not."""
    names = [(full, {full, _short(full), *_HEADINGS.get(full, ())}) for full in known]
    exact = [full for full, called in names if name in called]
    if exact:
        return exact
    folded = name.casefold()
    return [full for full, called in names if folded in {each.casefold() for each in called}]


def _parts(name: str, known: Collection[str]) -> list[str]:
    """Find the digital work of attention where the graph has no node of that kind."""
    if name.casefold() != "attention" or "digital.softmax" not in known:
        return []
    return [full for full in _ATTENTION if full in known]


def _short(full: str) -> str:
    """Leave out what stands before the first point; of the powers, ``power`` is the average."""
    if full == "power.average":
        return "power"
    group, _, rest = full.partition(".")
    return "" if group in _OWN and "." not in rest else rest


def _component(facts: Facts, name: str) -> tuple[Term, ...]:
    return (*_component_energy(facts, name), cost.component_area(facts, name))


def _component_energy(facts: Facts, name: str) -> tuple[Term, ...]:
    term = cost.component_energy(facts, name)
    if cost.is_measured(facts, name):
        return (term, *cost.mean_read(facts, None))
    return (term, cost.component_by_layer(facts, name)) if term.value else (term,)


def _layer_component(facts: Facts, layer: str, name: str) -> tuple[Term, ...]:
    term = cost.layer_component(facts, layer, name)
    return (term, *cost.mean_read(facts, layer)) if cost.is_measured(facts, name) else (term,)


def _saturations(facts: Facts) -> Term:
    return counted.count(facts, "saturations")


def _bare(name: str, names: Iterable[str]) -> UnknownNameError:
    """Name the nearest number alone, where names are long."""
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return UnknownNameError("number", f"{name[:_START]}...", nearest)


def _unknown(name: str, known: Iterable[str]) -> UnknownNameError:
    """List the nearest numbers; where none is near, a few of the most general ones."""
    short = {full: _short(full) or full for full in known}
    group = name.partition(".")[0]
    is_full = any(full.startswith(f"{group}.") for full in short)
    names = set(short) if is_full else set(short.values())
    if difflib.get_close_matches(name, names, n=1, cutoff=0.5):
        errors = (UnknownNameError("number", name, names, near=n) for n in range(_NEAR, 0, -1))
        return next((e for e in errors if len(str(e)) < _LONGEST), _bare(name, names))
    return UnknownNameError("number", name, _GENERAL, more=len(set(short.values())))


def _notes(report: Report, found: Iterable[str]) -> tuple[str, ...]:
    """Return the report's notes on the totals that are explained, and what has no price."""
    kinds = {_TOTALS[full] for full in found if full in _TOTALS}
    about = {note: "time" if _TIME.search(note) else "energy" for note in report.notes}
    notes = [note for note, kind in about.items() if kind in kinds or "power" in kinds]
    if report.unpriced and kinds:
        nodes = Counter(str(node.get("kind")) for node in report.unpriced)
        listed = ", ".join(f"{kind} x {number}" for kind, number in nodes.items())
        notes.append(f"Neither priced nor timed, for want of a unit: {listed}.")
    return tuple(notes)
