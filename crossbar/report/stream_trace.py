"""Traces of a stream of images: its pace, what sets it, and what the chip could do at best."""

from __future__ import annotations

from crossbar.report.advice import BOUND
from crossbar.report.bottleneck import CAUSES, pace, waiting
from crossbar.report.facts import Facts
from crossbar.report.time_trace import SCHEDULE, clock_of, layer_load, mean_over_lengths, work_of
from crossbar.report.trace import Term, given, product

__all__ = [
    "bound_share",
    "free_latency",
    "free_throughput",
    "pace_load",
    "stream_number",
    "stream_wait",
    "throughput",
]

_STREAM = {
    "images": "images scheduled one behind the other to find the steady pace",
    "interval": "clocks between the last images of a stream, the slowest of what an image needs",
    "steady": "1: the interval had settled; 0: it had not, and is that of the last images",
}
_BOUNDS = {"latency": "s", "throughput": "1/s"}


def throughput(facts: Facts) -> Term:
    """Trace the throughput to the clocks between two images of a stream."""
    stream = facts.report.stream
    if facts.report.sequences is not None:
        interval = mean_over_lengths(facts, "interval", "s")
        note = "a stream of a mix lasts as long as streams of its lengths, one after the other"
        term = product("throughput", "1/s", [interval.under()], SCHEDULE, note=note)
        return facts.agreed(term, facts.report.throughput, "throughput")
    what = "clocks between two images"
    interval = given(what, stream["interval"], "clock", name="stream.interval")
    settled = (
        "" if stream["steady"] else "; it had not settled after the images that were scheduled"
    )
    note = f"images follow one another without a gap; {stream['limited_by']} sets the pace{settled}"
    term = product("throughput", "1/s", [clock_of(facts), interval.under()], SCHEDULE, note=note)
    return facts.agreed(term, facts.report.throughput, "throughput")


def pace_load(facts: Facts) -> Term:
    """Say what sets the pace and how busy it is."""
    found = pace(facts.report)
    note = "it sets the pace: no layer and nothing shared has more to do in a stream"
    if found.layer is None:
        note += "; its busy clocks of one image / clocks between two images"
        return given(f"load of {found.name}", found.load, "%", note=note)
    reported = facts.report.stream["load"]
    return facts.agreed(layer_load(facts, found.name), reported, "stream.load")


def stream_wait(facts: Facts) -> Term:
    """Say what the layer that sets the pace waits for most in the steady state."""
    name, waits = pace(facts.report).name, facts.report.stream["waits_for"]
    what = f"largest wait of {name} in a stream, over its copies"
    if not waits:
        return given(what, 0, "clock", note="it waits for nothing between two images")
    note = f"it {waiting(waits)}, between two images"
    if waits["cause"] in CAUSES:
        note += f"; what helps: {CAUSES[waits['cause']].help}"
    return given(what, waits["clocks"], "clock", SCHEDULE, note=note)


def free_latency(facts: Facts) -> Term:
    """Say what the latency would be where nothing is shared or too small."""
    note = (
        "the same schedule, placement and copies with buffers that never fill, buses, output ports"
        " and vector units of any width, and an ADC for every array"
    )
    return given(f"latency {BOUND}", facts.report.bound["latency"], "s", SCHEDULE, note=note)


def free_throughput(facts: Facts) -> Term:
    """Trace the throughput that nothing but its arrays limits to the work of the busiest copy."""
    if facts.report.sequences is not None:
        note = "samples / sum of what the busiest copy needs for each, at its own length"
        bound = facts.report.bound["throughput"]
        return given(f"throughput {BOUND}", bound, "1/s", SCHEDULE, note=note)

    def work(layer: str) -> float:
        return product("", "", work_of(facts, layer, "ideal_slot_cycles")).value or 0.0

    slowest = max(facts.layers, key=work)
    factors = work_of(facts, slowest, "ideal_slot_cycles")
    term = product(
        f"throughput {BOUND}",
        "1/s",
        [clock_of(facts), *(part.under() for part in factors)],
        note=f"the busiest copy, of {slowest}, is read without a gap",
    )
    return facts.agreed(term, facts.report.bound["throughput"], "bound.throughput")


def bound_share(facts: Facts, name: str) -> Term:
    """Compare the bound with what the chip does."""
    report = facts.report
    real = given(name, getattr(report, name), _BOUNDS[name], name=name)
    free = given("the bound", report.bound[name], _BOUNDS[name])
    return product("the bound as a share of what the chip does", "%", [free, real.under()])


def stream_number(facts: Facts, name: str) -> Term:
    """Say what a number of the stream is."""
    unit = "clock" if name == "interval" else ""
    note = f"{facts.report.stream['limited_by']} sets it" if name == "interval" else ""
    value = facts.report.stream[name]
    return given(_STREAM[name], int(value) if name == "steady" else value, unit, note=note)
