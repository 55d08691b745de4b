"""What does this number mean: from a name in a report to its formula, inputs and source."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from crossbar.energy import COMPONENTS
from crossbar.errors import UnknownNameError
from crossbar.report import cost_trace as cost
from crossbar.report import count_trace as counted
from crossbar.report import time_trace as times
from crossbar.report.facts import Facts
from crossbar.report.report import Report
from crossbar.report.trace import Explanation, Term, given
from crossbar.timing import ACTIONS

__all__ = ["explain_number", "number_names"]

_Build = Callable[[], tuple[Term, ...]]

_TOTALS = {"energy": "energy", "latency": "time", "throughput": "time", "power.average": "power"}
_HEADINGS = {f"components.{name}": (said,) for name, said in COMPONENTS.items()} | {
    "images": ("samples",),
    "counts.saturations": ("saturated",),
    **{f"chip.{key}": ("in use",) for key in ("arrays", "pes", "tiles", "utilisation")},
}
"""What the printed table calls a number, where that is not its key."""

_TIME = re.compile("latency|throughput", re.IGNORECASE)
_NEAR = 6

_NULLS = (
    ("power", "peak", "W", "no schedule was simulated, so there is no window to look at"),
    ("power", "nameplate", "W", "declared rates of all components are not added up yet"),
    ("programming", "energy", "J", "programming is counted (cell_writes), not priced"),
    ("programming", "latency", "s", "programming is counted (cell_writes), not timed"),
)


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
    if not name or not found:
        raise _unknown(name, builders)
    terms = dict.fromkeys(term for full in found for term in builders[full]())
    return Explanation(name, tuple(terms), _notes(report, found))


def number_names(report: Report) -> tuple[str, ...]:
    """Return the full names of all numbers that `explain_number` takes."""
    return tuple(_builders(Facts(report)))


def _builders(facts: Facts) -> dict[str, _Build]:
    """Full name -> what traces it."""
    report = facts.report
    found: dict[str, _Build] = {
        "energy": lambda: (cost.energy(facts), cost.energy_by_layer(facts)),
        "latency": lambda: (times.latency(facts),),
        "throughput": lambda: (times.throughput(facts),),
        "area": lambda: (cost.area(facts),),
        "power.average": lambda: (cost.average_power(facts),),
    }

    def add(full: str, *traces: Callable[..., Term], names: tuple[str, ...] = ()) -> None:
        found[full] = lambda: tuple(trace(facts, *names) for trace in traces)

    for name in ("images", "seed"):
        add(name, counted.given_number, names=(name,))
    for name in ("accuracy", "float_accuracy", "digital_accuracy"):
        add(name, counted.accuracy, names=(name,))
    for name in report.metrics:
        trace = counted.accuracy if name == "accuracy" else counted.score
        add(f"metrics.{name}", trace, names=(name,))
    for group, key, unit, why in _NULLS:
        found[f"{group}.{key}"] = partial(_null, facts, group, key, unit, why)
    for key in ("arrays", "pes", "tiles", "chip_tiles", "utilisation"):
        add(f"chip.{key}", counted.chip_number, names=(key,))
    for name in COMPONENTS:
        found[f"components.{name}"] = partial(_component, facts, name)
        found[f"components.{name}.energy"] = partial(_component_energy, facts, name)
        add(f"components.{name}.area", cost.component_area, names=(name,))
    for action in ACTIONS:
        add(f"counts.{action}", counted.count, names=(action,))
    found["counts.saturations"] = lambda: (
        counted.count(facts, "saturations"),
        counted.saturated_share(facts),
    )
    for layer in facts.layers:
        of = (layer,)
        add(
            f"layers.{layer}",
            cost.layer_energy,
            times.layer_time,
            counted.layer_arrays,
            names=of,
        )
        add(f"layers.{layer}.energy", cost.layer_energy, names=of)
        add(f"layers.{layer}.time", times.layer_time, names=of)
        add(f"layers.{layer}.cycles", times.layer_cycles, names=of)
        add(f"layers.{layer}.fill", times.layer_fill, names=of)
        add(f"layers.{layer}.arrays", counted.layer_arrays, names=of)
        for key in counted.LAYER_NUMBERS:
            add(f"layers.{layer}.{key}", counted.layer_number, names=(layer, key))
        for name in COMPONENTS:
            found[f"layers.{layer}.{name}"] = partial(_layer_component, facts, layer, name)
        for action in ACTIONS:
            add(f"layers.{layer}.{action}", counted.layer_count, names=(layer, action))
    return found


def _named(name: str, known: Iterable[str]) -> list[str]:
    """Find numbers by their key or by what the table calls them, capitals or not."""
    names = [(full, {full, _short(full), *_HEADINGS.get(full, ())}) for full in known]
    exact = [full for full, called in names if name in called]
    if exact:
        return exact
    folded = name.casefold()
    return [full for full, called in names if folded in {each.casefold() for each in called}]


def _short(full: str) -> str:
    """Leave out what stands before the first point; of the powers, ``power`` is the average."""
    if full == "power.average":
        return "power"
    return full.partition(".")[2] if full.partition(".")[0] not in ("power", "programming") else ""


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


def _null(facts: Facts, group: str, key: str, unit: str, why: str) -> tuple[Term, ...]:
    value = getattr(facts.report, group).get(key)
    return (given(f"{group}.{key}", value, unit, note=why if value is None else ""),)


def _unknown(name: str, known: Iterable[str]) -> UnknownNameError:
    """List the nearest numbers; where none is near, those that are not of a layer."""
    short = {full: _short(full) or full for full in known}
    group = name.partition(".")[0]
    is_full = any(full.startswith(f"{group}.") for full in short)
    names = set(short) if is_full else set(short.values())
    if difflib.get_close_matches(name, names, n=1, cutoff=0.5):
        return UnknownNameError("number", name, names, near=_NEAR)
    general = {
        word
        for full, word in short.items()
        if not full.startswith("layers.") and not full.endswith((".energy", ".area"))
    }
    return UnknownNameError("number", name, [*general, "LAYER", "LAYER.COMPONENT"])


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
