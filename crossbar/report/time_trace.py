"""Traces of times: clocks of the schedule, read from the report, in the words of docs/timing.md."""

from __future__ import annotations

from crossbar.report.bottleneck import CAUSES, PATH_PARTS, by_part
from crossbar.report.facts import Facts
from crossbar.report.trace import Term, given, product, round_up, total

__all__ = [
    "SCHEDULE",
    "clock_of",
    "cycles",
    "cycles_by_part",
    "latency",
    "layer_busy",
    "layer_cycles",
    "layer_end",
    "layer_idle",
    "layer_idle_by_cause",
    "layer_idle_cause",
    "layer_load",
    "layer_time",
    "layer_wait",
    "mean_over_lengths",
    "path_part",
    "resource",
    "timeline_number",
    "work_of",
]

SCHEDULE = "the schedule of every input vector, to one clock (docs/timing.md)"
"""Where clocks come from."""

_TIMELINE = {
    "window": "clocks of one bin of the timeline",
    "bins": "bins of the timeline; together they hold the first inference",
}
_ENDS = {
    "start": "clock at which its first input vector is asked for, in the first inference",
    "end": "clock at which its last output is stored, in the first inference",
}


def latency(facts: Facts) -> Term:
    """Trace the latency to the clocks of the schedule, or to the lengths of the samples."""
    if facts.report.sequences is not None:
        note = "mean over the samples, each alone on the chip at its own length"
        term = mean_over_lengths(facts, "latency", "s", note)
        return facts.agreed(term, facts.report.latency, "latency")
    parts = [
        given("clocks of the first inference", facts.report.cycles, "clock", name="cycles"),
        clock_of(facts).under(),
    ]
    note = "from the first input of one image, alone on the chip, to its last output"
    term = product("latency", "s", parts, note=note)
    return facts.agreed(term, facts.report.latency, "latency")


def mean_over_lengths(facts: Facts, key: str, unit: str, note: str = "") -> Term:
    """Trace a mean over samples of several lengths: share of the samples x what one takes."""
    rows = (facts.report.sequences or {}).get("by_length", ())
    samples = sum(row["samples"] for row in rows)
    parts = [
        product(
            f"{row['tokens']} tokens",
            unit,
            [
                given(f"{key} at {row['tokens']} tokens", row[key], unit),
                given("share of the samples", row["samples"] / samples, ""),
            ],
        )
        for row in rows
    ]
    return total(f"mean {key}", unit, parts, SCHEDULE, note=note)


def cycles(facts: Facts) -> Term:
    """Trace the clocks of the first inference to the parts of the critical path."""
    parts = [
        given(f"{row['what']} of {row['layer']}", row["cycles"], "clock")
        for row in facts.report.critical_path
    ]
    note = (
        "the critical path: what the last output had to wait for, one thing after the other; to"
        " shorten anything else does not help"
    )
    what = "clocks of the first inference, by layer"
    return facts.agreed(
        total(what, "clock", parts, SCHEDULE, note=note), facts.report.cycles, "cycles"
    )


def cycles_by_part(facts: Facts) -> Term:
    """Trace the clocks of the first inference to the kinds of what the critical path holds."""
    kinds = by_part(facts.report)
    parts = [given(what, clocks, "clock") for what, clocks in kinds.items()]
    said = (f"{what}: {PATH_PARTS[what].what}" for what in kinds if what in PATH_PARTS)
    term = total("clocks of the first inference, by kind", "clock", parts, note="; ".join(said))
    return facts.agreed(term, facts.report.cycles, "cycles")


def path_part(facts: Facts, what: str) -> Term:
    """Trace one kind of the critical path to the layers."""
    parts = [
        given(f"{row['what']} of {row['layer']}", row["cycles"], "clock")
        for row in facts.report.critical_path
        if row["what"] == what
    ]
    note = ""
    if what in PATH_PARTS:
        note = f"{PATH_PARTS[what].what}; what makes it shorter: {PATH_PARTS[what].help}"
    return total(f"{what} on the critical path", "clock", parts, SCHEDULE, note=note)


def timeline_number(facts: Facts, name: str) -> Term:
    """Say what a number of the timeline is."""
    unit = "clock" if name == "window" else ""
    return given(_TIMELINE[name], facts.report.timeline[name], unit)


def layer_time(facts: Facts, layer: str) -> Term:
    """Trace the time of a layer to its clocks."""
    clocks = facts.of_layer(layer, "cycles")
    parts = [
        given(f"cycles of {layer}", clocks, "clock", name=f"layers.{layer}.cycles"),
        clock_of(facts).under(),
    ]
    note = "from its first issue to its last retire in the first inference, waiting included"
    term = product(f"time of {layer}", "s", parts, note=note)
    return facts.agreed(term, facts.of_layer(layer, "time"), f"layers.{layer}.time")


def layer_cycles(facts: Facts, layer: str) -> Term:
    """Trace the clocks of a layer to when it begins and ends."""
    start, end = (facts.of_layer(layer, key) for key in ("start", "end"))
    parts = [given("end", end, "clock", name=f"layers.{layer}.end")]
    if start:
        parts.append(given("start", -start, "clock"))
    term = total(f"cycles of {layer}", "clock", parts, SCHEDULE)
    return facts.agreed(term, facts.of_layer(layer, "cycles"), f"layers.{layer}.cycles")


def layer_end(facts: Facts, layer: str, key: str) -> Term:
    """Say when a layer begins or ends."""
    return given(f"{key} of {layer}", facts.of_layer(layer, key), "clock", note=_ENDS[key])


def layer_busy(facts: Facts, layer: str) -> Term:
    """Trace the clocks in which the arrays of a layer compute to its reads."""
    arch = facts.arch
    read = round_up(
        "clocks of a read",
        "clock",
        [given("array.cycle", arch.array.cycle, "s"), clock_of(facts)],
        note="in which the arrays are taken",
    )
    parts = [given("positions", facts.of_layer(layer, "positions")), *_reads(facts, layer), read]
    note = "summed over the copies, each of which computes some of the positions"
    term = product(f"busy clocks of {layer}", "clock", parts, note=note)
    return facts.agreed(term, facts.of_layer(layer, "busy"), f"layers.{layer}.busy")


def layer_idle(facts: Facts, layer: str) -> Term:
    """Trace the idle clocks of a layer to what is left beside the busy ones."""
    every = product(
        "clocks of all copies",
        "clock",
        [
            given("clocks of the first inference", facts.report.cycles, "clock", name="cycles"),
            given("copies", facts.of_layer(layer, "replicas")),
        ],
    )
    busy = given("busy", -facts.of_layer(layer, "busy"), "clock")
    term = total(f"idle clocks of {layer}", "clock", [every, busy])
    idle = sum(facts.idle_of(layer).values())
    return facts.agreed(term, idle, f"layers.{layer}.idle")


def layer_idle_by_cause(facts: Facts, layer: str) -> Term:
    """Trace the idle clocks of a layer to their causes."""
    parts = [
        given(_waited(cause), clocks, "clock", name=f"layers.{layer}.idle.{cause}")
        for cause, clocks in facts.idle_of(layer).items()
    ]
    what = f"idle clocks of {layer}, by cause"
    return total(what, "clock", parts, SCHEDULE, note="summed over the copies")


def layer_idle_cause(facts: Facts, layer: str, cause: str) -> Term:
    """Say what the idle clocks of one cause are, and what makes them fewer."""
    note = "summed over the copies"
    if cause in CAUSES:
        found = CAUSES[cause]
        note += f"; they wait for {found.what}; what helps: {found.help}"
    value = facts.idle_of(layer)[cause]
    return given(f"idle clocks of {layer}, {cause}", value, "clock", SCHEDULE, note=note)


def layer_wait(facts: Facts, layer: str) -> Term:
    """Say what a layer waits for most between its first issue and its last retire."""
    waits = facts.layers[layer].get("waits_for")
    if not waits:
        note = "it never waits between its first issue and its last read"
        return given(f"largest wait of {layer}", 0, "clock", note=note)
    by = f" by {waits['layer']}" if waits["layer"] else ""
    note = f"{waits['cause']}{by}, between its first issue and its last read, over the copies"
    if waits["cause"] in CAUSES:
        note += f"; what helps: {CAUSES[waits['cause']].help}"
    return given(f"largest wait of {layer}", waits["clocks"], "clock", note=note)


def layer_load(facts: Facts, layer: str) -> Term:
    """Trace the load of a layer to the work of its busiest copy and the pace of the stream."""
    interval = given(
        "clocks between two images",
        facts.report.stream["interval"],
        "clock",
        name="stream.interval",
    )
    note = "share of the time between two images of a stream in which its busiest copy is read"
    if facts.written_in(layer, "write_cycles"):
        note += " or programmed"
    parts = [*work_of(facts, layer), interval.under()]
    term = product(f"load of {layer}", "%", parts, note=note)
    return facts.agreed(term, facts.of_layer(layer, "load"), f"layers.{layer}.load")


def resource(facts: Facts, name: str) -> Term:
    """Trace the clocks of a resource to busy ones and idle ones by cause."""
    row = next(each for each in facts.report.resources if each["name"] == name)
    parts = [given("busy", row["busy"], "clock")]
    parts += [given(f"idle, {cause}", clocks, "clock") for cause, clocks in row["idle"].items()]
    note = "starved: nobody asks for it; drained: nobody will any more"
    term = total(f"clocks of {name}", "clock", parts, SCHEDULE, note=note)
    return facts.agreed(term, facts.report.cycles, f"resources.{name}")


def work_of(facts: Facts, layer: str, slot: str = "slot_cycles") -> list[Term]:
    """List the factors of the clocks in which the busiest copy of a layer works for one image.

    Parameters
    ----------
    facts : Facts
    layer : str
    slot : {"slot_cycles", "ideal_slot_cycles"}
        Of the chip, or of one with an ADC for every array.
    """
    positions = given("positions", facts.of_layer(layer, "positions"))
    copies = given("copies", facts.of_layer(layer, "replicas")).under()
    turns = round_up("positions of its busiest copy", "", [positions, copies])
    adc = "one ADC" if slot == "slot_cycles" else "one array"
    note = f"from one read to the next: the longer of array.cycle and the conversions of {adc}"
    clocks = given("clocks of a slot", facts.of_layer(layer, slot), "clock", note=note)
    factors = [turns, *_reads(facts, layer), clocks]
    key = "write_cycles" if slot == "slot_cycles" else "ideal_write_cycles"
    written = facts.written_in(layer, key)
    if not written:
        return factors
    note = "the programming of its cells for an image, and the first fetch after it"
    parts = [product("clocks of its reads", "clock", factors), given(key, written, "clock", note)]
    return [total("clocks of an image", "clock", parts)]


def _reads(facts: Facts, layer: str) -> list[Term]:
    return [
        given("reads", facts.of_layer(layer, "reads")),
        given("row groups", facts.of_layer(layer, "row_groups")),
    ]


def _waited(cause: str) -> str:
    return f"{cause}: waits for {CAUSES[cause].what}" if cause in CAUSES else cause


def clock_of(facts: Facts) -> Term:
    """Return the clock."""
    return given("clock", facts.arch.clock, "Hz")
