"""What would make this faster?  Plain sentences from a report's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossbar.mapping.plan_text import counted
from crossbar.report.bottleneck import (
    PATH_PARTS,
    PORT,
    Pace,
    by_layer,
    by_part,
    gain,
    pace,
    percent,
    waiting,
)
from crossbar.report.remedies import (
    Copies,
    converters,
    copies_of,
    cycle,
    help_of_wait,
    reads,
    wider_bus,
)
from crossbar.report.report import Report
from crossbar.report.sequence_words import clock_time
from crossbar.units import text

__all__ = ["BOUND", "best_help", "pace_words", "sentences"]

BOUND = "with infinite buffers, buses and vector lanes and an ADC for every array"
"""What the bound of a report is."""

_LISTED = 3
_NOTICED = 0.02
"""Smaller changes are called none."""

_RESOURCES = {
    "bus": ("bus of a tile", ""),
    "port": ("output port of a tile", "a wider tile.bus_width"),
    "vector": ("vector unit of a tile", "more tile.vector_lanes"),
    "matmul": ("matmul unit of a tile", "more tile.matmul_macs"),
    "adc": ("ADC that several copies share", "more ADCs (pe.adcs) or faster ones (adc.rate)"),
    PORT: ("the chip's own", "fewer bits in and out: smaller inputs, precision.input_bits"),
}
"""Kinds of resources: what they are, and what makes them faster."""


def pace_words(report: Report) -> str:
    """Name what sets the pace, and how busy it is in a stream of inferences."""
    found = pace(report)
    busy = "" if found.load is None else f", busy {percent(found.load)} of the time in a stream"
    return f"{found.name}{busy}"


def best_help(report: Report) -> str:
    """Say in a line what raises the throughput most directly."""
    found = pace(report)
    if found.layer is None:
        return _help_of_resource(report, found)
    if not found.is_busy:
        waits = report.stream["waits_for"]
        if not waits:
            return f"see the idle clocks of {found.name}"
        said = f"{found.name} {waiting(waits)} {percent(_waited(report, found.layer))} of the time"
        return f"{help_of_wait(report, waits, found.layer)}: {said}"
    slow = converters(report, found.layer)
    if slow:
        return slow
    copies = copies_of(report, [found.layer, *found.ties], found)
    if not copies.why_not:
        return f"{_more_copies(report, found)}{_until(copies)}"
    return f"{_remedies(report, found.layer)[0]}; no more copies: {copies.why_not}"


def sentences(report: Report) -> tuple[str, ...]:
    """Answer what would make an inference and a stream of them faster, most important first."""
    return (
        _throughput(report),
        _throughput_help(report),
        _latency(report),
        _freed(report),
    )


def _throughput(report: Report) -> str:
    found, stream = pace(report), report.stream
    clocks = counted(int(stream["interval"]), "clock")
    if found.layer is None:
        what = f" ({_RESOURCES[found.kind][0]})" if found.kind in _RESOURCES else ""
        works = "it is busy"
    else:
        what, works = "", "its busiest copy is at work"
    line = (
        f"Throughput: in a stream an image is done every {clocks}"
        f" ({text(stream['interval'] * _clock(report), 's')}), and {found.name}{what} sets that"
        f" pace; {works} {percent(found.load or 0)} of that time."
    )
    ties = len(found.ties)
    if ties:
        line += f" {counted(ties, 'other layer')} {'is' if ties == 1 else 'are'} as busy."
    if not stream["steady"]:
        line += (
            f" The pace had not settled after {counted(stream['images'], 'image')}; it is that of"
            " the last ones."
        )
    return line


def _throughput_help(report: Report) -> str:
    found = pace(report)
    if found.layer is None:
        return f"What would raise the throughput: {_help_of_resource(report, found)}."
    if not found.is_busy:
        waits = report.stream["waits_for"]
        if not waits:
            return f"{found.name} is not busy all the time; its idle clocks say why."
        return (
            f"{found.name} is not busy all the time: it {waiting(waits)}"
            f" {percent(_waited(report, found.layer))} of it. What would raise the throughput:"
            f" {help_of_wait(report, waits, found.layer)}."
        )
    copies = copies_of(report, [found.layer, *found.ties], found)
    ways = [each for each in (converters(report, found.layer),) if each]
    if not copies.why_not:
        ways.append(_copies(report, found, copies))
    ways += _remedies(report, found.layer)
    shared = " and of the layers that are as busy" if found.ties else ""
    line = f"What would raise the throughput is less work for each copy of {found.name}{shared}:"
    line += f" {'; or '.join(dict.fromkeys(ways))}."
    return f"{line} More copies are not possible: {copies.why_not}." if copies.why_not else line


def _more_copies(report: Report, found: Pace) -> str:
    """Name the remedy; where copies are balanced already, buffers or the chip are in the way."""
    arch = report.scenario.get("arch")
    ties = len(found.ties)
    others = f" and {counted(ties, 'other')} as busy" if ties else ""
    if isinstance(arch, Mapping) and arch.get("replication") == "balance":
        return (
            f"room for more copies of {found.name}{others}: a larger tile.buffer, more tiles"
            " (chip.tiles)"
        )
    return f"more copies of {found.name}{others} (replication)"


def _copies(report: Report, found: Pace, copies: Copies) -> str:
    """Say what more copies take and give."""
    number = found.layer["replicas"] if found.layer else 0
    now = f"{number:,} {'copy' if number == 1 else 'copies'}"
    room = f", {copies.room}" if copies.room else ""
    it = found.name if found.ties else "it"
    line = f"{_more_copies(report, found)}: {it} has {now}{room}"
    if copies.factor is not None:
        line += f"; more give at most {copies.factor:.3g} times the throughput"
        if copies.until and found.next is not None:
            busy = percent(found.next["load"])
            line += f" (then {copies.until}, now {busy} busy, would set the pace)"
    return f"{line}, if the buffers have room for them ({copies.buffers})"


def _remedies(report: Report, row: Mapping[str, Any], *, brief: bool = False) -> list[str]:
    """List what helps beside copies and converters; a shorter cycle where nothing else does."""
    slow = converters(report, row)
    return reads(report, row, brief=brief) or [slow or cycle(report, row)]


def _waited(report: Report, row: Mapping[str, Any]) -> float:
    """Share of the time between two images for which the layer waits for one thing most."""
    clocks = report.stream["interval"] * row["replicas"]
    return report.stream["waits_for"]["clocks"] / clocks if clocks else 0.0


def _latency(report: Report) -> str:
    """Say what the critical path consists of."""
    parts = sorted(_parts(report), key=lambda part: -part[2])[:_LISTED]
    if not parts or not report.cycles:
        return "Latency: the report has no critical path."
    listed = ", ".join(
        f"{percent(cycles / report.cycles)} {what} of {layer}" for layer, what, cycles in parts
    )
    kinds = by_part(report)
    line = (
        f"Latency: {text(report.latency, 's')} ({report.cycles:,} clocks) pass from the first input"
        f" of an image to its last output; on the path that decides this are, most first: {listed}."
    )
    if len(kinds) > 1:
        shares = (f"{what} {percent(cycles / report.cycles)}" for what, cycles in kinds.items())
        line += f" By kind: {', '.join(shares)}."
    first = next(iter(kinds))
    if first in PATH_PARTS:
        line += f" The largest kind, {first}, is {PATH_PARTS[first].what}; what makes it shorter:"
        line += f" {_help_of_path(report, first)}."
    return line


def _help_of_path(report: Report, what: str) -> str:
    """Say what makes a kind of the critical path shorter, for the layer with most of it."""
    parts = {layer: cycles for layer, kind, cycles in _parts(report) if kind == what}
    name = max(parts, key=parts.__getitem__)
    row = next((row for row in report.layers if row["name"] == name), None)
    if what == "fill":
        return f"fewer layers one behind the other, or {cycle(report, row)}"
    if what != "reads" or row is None:
        return PATH_PARTS[what].help
    ways = [converters(report, row)]
    copies = copies_of(report, [row])
    if not copies.why_not:
        ways.append("more copies (replication)")
    ways += _remedies(report, row, brief=True)
    why = f" (not more copies: {copies.why_not})" if copies.why_not else ""
    return f"for {name}, {'; or '.join(dict.fromkeys(way for way in ways if way))}{why}"


def _freed(report: Report) -> str:
    """Say what the bound is and so whether to look for buffers, links and converters."""
    latency, throughput = gain(report)
    bound = report.bound
    line = (
        f"{BOUND[:1].upper()}{BOUND[1:]} the latency would be {text(bound['latency'], 's')}"
        f" ({_change(latency)}) and the throughput {text(bound['throughput'], '', 4)} inferences/s"
        f" ({_change(throughput)})"
    )
    if max(-latency, throughput) < _NOTICED:
        return f"{line}: none of these would gain more than 2 %."
    return (
        f"{line}: tile.buffer, tile.bus_width, tile.vector_lanes and pe.adcs together can give"
        " about that much, on the same copies and arrays."
    )


def _help_of_resource(report: Report, found: Pace) -> str:
    if found.kind not in _RESOURCES:
        return f"less work for {found.name}"
    help = wider_bus(report) if found.kind == "bus" else _RESOURCES[found.kind][1]
    return f"{help}, for {found.name}{_to_the_next(found)}"


def _to_the_next(found: Pace) -> str:
    """Say how far it goes at most until a layer sets the pace."""
    if found.gain is None or found.next is None or found.gain < 1 + _NOTICED:
        return ""
    return f": at most x {found.gain:.3g}, then {found.next['name']} is the slowest"


def _until(copies: Copies) -> str:
    """Say how far more copies go at most."""
    if copies.factor is None:
        return ""
    then = f", then {copies.until} is the slowest" if copies.until else ""
    return f": throughput at most x {copies.factor:.3g}{then}"


def _parts(report: Report) -> Iterator[tuple[str, str, int]]:
    for layer, parts in by_layer(report).items():
        for what, cycles in parts.items():
            yield layer, what, cycles


def _change(share: float) -> str:
    return "unchanged" if abs(share) < 5e-4 else f"{100 * share:+.1f} %"


def _clock(report: Report) -> float:
    """Seconds of a clock."""
    return clock_time(report)
