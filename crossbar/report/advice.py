"""What would make this faster?  Plain sentences from a report's own numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crossbar.mapping.plan_text import counted
from crossbar.report.bottleneck import (
    CAUSES,
    PATH_PARTS,
    PORT,
    Pace,
    by_layer,
    by_part,
    free_arrays,
    gain,
    pace,
    percent,
    wait_share,
)
from crossbar.report.report import Report
from crossbar.units import text

__all__ = ["best_help", "pace_words", "sentences"]

_LISTED = 3
_NOTICED = 0.02
"""Smaller changes are called none."""

_RESOURCES = {
    "bus": ("bus of a tile", "a wider tile.bus_width, or output ports apart from it"),
    "port": ("output port of a tile", "a wider tile.bus_width"),
    "vector": ("vector unit of a tile", "more tile.vector_lanes"),
    "adc": ("ADC that several copies share", "more ADCs (pe.adcs) or faster ones (adc.rate)"),
    PORT: ("the chip's own", "fewer bits in and out: smaller inputs, precision.input_bits"),
}
"""Kinds of resources: what they are, and what makes them faster."""


def pace_words(report: Report) -> str:
    """Name what sets the pace and how busy it is: ``"conv1, busy 98 % of the time"``."""
    found = pace(report)
    busy = "" if found.load is None else f", busy {percent(found.load)} of the time"
    return f"{found.name}{busy}"


def best_help(report: Report) -> str:
    """Say in a line what raises the throughput most directly."""
    found = pace(report)
    if found.layer is None or found.resource:
        return _help_of_resource(found)
    waits = found.layer["waits_for"]
    if not found.is_busy and waits:
        help = CAUSES[waits["cause"]].help if waits["cause"] in CAUSES else "see its idle clocks"
        by = f" by {waits['layer']}" if waits["layer"] else ""
        return f"{help}: {found.name} is {waits['cause']}{by}"
    others = f" and {found.ties} other{'' if found.ties == 1 else 's'} as busy"
    return f"more copies of {found.name}{others if found.ties else ''} (replication){_until(found)}"


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
    clocks = f"{stream['interval']:,.0f}"
    if found.layer is None:
        what = f" ({_RESOURCES[found.kind][0]})" if found.kind in _RESOURCES else ""
        works = "" if found.load is None else f"; it is busy {percent(found.load)} of that time"
    else:
        what = ""
        works = f"; its busiest copy computes {percent(found.load or 0)} of that time"
    line = (
        f"Throughput: in a stream an image is done every {clocks} clocks"
        f" ({text(stream['interval'] * _clock(report), 's')}), and {found.name}{what} sets that"
        f" pace{works}."
    )
    if found.ties:
        line += f" {counted(found.ties, 'other layer')} {_is(found.ties)} as busy."
    if not stream["steady"]:
        line += (
            f" The pace had not settled after {counted(stream['images'], 'image')}; it is that of"
            " the last ones."
        )
    return line


def _throughput_help(report: Report) -> str:
    found = pace(report)
    if found.layer is None:
        return f"What would raise the throughput: {_help_of_resource(found)}."
    if found.resource:
        return (
            f"{found.name} is not busy all the time, but {found.resource} is. What would raise the"
            f" throughput: {_help_of_resource(found)}."
        )
    waits = found.layer["waits_for"]
    if not found.is_busy and waits:
        cause = CAUSES.get(waits["cause"])
        by = f" by {waits['layer']}" if waits["layer"] else ""
        why = f" It waits for {cause.what}. What helps: {cause.help}." if cause else ""
        return (
            f"{found.name} is not busy all the time: it is {waits['cause']}{by}"
            f" {percent(wait_share(found.layer))} of its time.{why}"
        )
    both = found.name if not found.ties else f"{found.name} and the layers that are as busy"
    copies = f"{found.layer['replicas']} now{_room(report, found.layer)}"
    line = (
        f"What would raise the throughput: less work for each copy of {both}. Either more copies"
        f" (replication; {found.name} has {copies}) or fewer reads for an input vector"
        f" ({_reads(found.layer)} now: dac.bits, array.rows_per_read)."
    )
    if found.gain is not None and found.next is not None:
        line += (
            f" At {found.gain:.3g} times the throughput {found.next['name']}, now"
            f" {percent(found.next['load'])} busy, would set the pace."
        )
    return line


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
        line += f" {PATH_PARTS[first].help}."
    return line


def _freed(report: Report) -> str:
    """Say what infinite buffers and free links would change, and so whether to look there."""
    latency, throughput = gain(report)
    bound = report.bound
    line = (
        f"With infinite buffers and free links the latency would be {text(bound['latency'], 's')}"
        f" ({_change(latency)}) and the throughput {text(bound['throughput'], '', 4)} inferences/s"
        f" ({_change(throughput)})"
    )
    if max(-latency, throughput) < _NOTICED:
        return (
            f"{line}: larger buffers, wider buses or more vector lanes would gain next to nothing."
        )
    return (
        f"{line}: that much, and no more, can be gained by larger buffers (tile.buffer), wider"
        " buses (tile.bus_width), more vector lanes (tile.vector_lanes) and ADCs that are not"
        " shared."
    )


def _help_of_resource(found: Pace) -> str:
    name = found.resource or found.name
    if found.kind not in _RESOURCES:
        return f"less work for {name}"
    until = "" if found.resource else _until(found)
    return f"{_RESOURCES[found.kind][1]}, for {name}{until}"


def _until(found: Pace) -> str:
    """Say how far it goes until another layer sets the pace."""
    if found.gain is None or found.next is None or found.gain < 1 + _NOTICED:
        return ""
    return f": up to x {found.gain:.3g}, then {found.next['name']} is the slowest"


def _parts(report: Report) -> Iterator[tuple[str, str, int]]:
    for layer, parts in by_layer(report).items():
        for what, cycles in parts.items():
            yield layer, what, cycles


def _room(report: Report, row: Mapping[str, Any]) -> str:
    """Say whether the chip has room for another copy."""
    free = free_arrays(report)
    if free is None or not row["replicas"]:
        return ""
    each = row["arrays"] // row["replicas"]
    if free >= each:
        return f", of {counted(each, 'array')} each; {counted(free, 'array')} of the chip are free"
    left = counted(free, "array")
    return f", of {counted(each, 'array')} each, but the chip has only {left} left: chip.tiles"


def _reads(row: Mapping[str, Any]) -> int:
    reads: int = row.get("reads", 1) * row.get("row_groups", 1)
    return reads


def _change(share: float) -> str:
    return "unchanged" if abs(share) < 5e-4 else f"{100 * share:+.1f} %"


def _clock(report: Report) -> float:
    """Seconds of a clock."""
    return report.latency / report.cycles if report.cycles else 0.0


def _is(number: int) -> str:
    return "is" if number == 1 else "are"
