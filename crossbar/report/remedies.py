"""What would make one layer faster, as far as the chip it is on allows: converters, copies, reads.

Every remedy is a phrase that may stand behind "What would help: ".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossbar.mapping.plan_text import counted
from crossbar.report.bottleneck import CAUSES, Pace
from crossbar.report.report import Report
from crossbar.units import parse, text

__all__ = [
    "Copies",
    "converters",
    "copies_of",
    "cycle",
    "free_arrays",
    "help_of_wait",
    "reads",
    "wider_bus",
]

_NOTICED = 1.02
"""Smaller factors are called none."""

_FILLED = 0.95
"""From this share of a read on, conversions are said to fill it."""

_CLIPS = "the sums grow with it, and an ADC that was lossless may clip"
_WIDER = "the sums grow with it, and so do the ADCs (adc.policy)"


@dataclass(frozen=True)
class Copies:
    """Whether layers that set the pace together can have another copy each.

    Parameters
    ----------
    why_not : str
        What is in the way; nothing where there is room.
    room : str
        How many arrays a copy takes and how many are free; nothing where that is not known.
    factor : float or None
        By which the throughput grows at most; None where nothing limits it.
    until : str
        The layer that sets the pace then, or nothing.
    buffers : str
        What their buffers hold.
    """

    why_not: str
    room: str
    factor: float | None
    until: str
    buffers: str


def copies_of(
    report: Report, rows: Sequence[Mapping[str, Any]], found: Pace | None = None
) -> Copies:
    """Find out what more copies of all of these layers would take and give.

    Parameters
    ----------
    report : Report
    rows : sequence of mapping
        The layers, which are as busy as one another.
    found : Pace, optional
        What sets the pace, when it is these layers; for what comes next.
    """
    done = [row["name"] for row in rows if row["replicas"] >= row["positions"]]
    if done:
        row = next(row for row in rows if row["name"] == done[0])
        has = counted(row["positions"], "position")
        copies = "that many copies" if row["positions"] > 1 else "1 copy"
        return Copies(f"{done[0]} has {has} and {copies}", "", None, "", "")
    each = sum(row["arrays"] // max(1, row["replicas"]) for row in rows)
    free = free_arrays(report)
    takes = f"another copy{' of each' if len(rows) > 1 else ''} takes {counted(each, 'array')}"
    if free is not None and free < each:
        return Copies(f"{takes} and {_are(free)} free (chip.tiles)", "", None, "", "")
    room = "" if free is None else f"{takes}, {_are(free)} free"
    if free is None and _setting(report, "chip", "tiles") == "auto":
        room = f"{takes}, and the chip grows with them (chip.tiles: auto)"
    more = None if free is None or not each else free // each
    factors = [_factor(row, more) for row in rows]
    until = ""
    if found is not None and found.gain is not None and found.gain <= min(factors):
        factors.append(found.gain)
        until = found.next["name"] if found.next is not None else ""
    factor = min(factors)
    need, given = (sum(row["buffer"][key] for row in rows) for key in ("need", "given"))
    buffers = f"{text(need, 'byte')} needed now, {text(given, 'byte')} given"
    return Copies("", room, factor if factor >= _NOTICED else None, until, buffers)


def converters(report: Report, row: Mapping[str, Any]) -> str:
    """Say what would help a layer whose converters are slower than its arrays, or nothing."""
    clocks = _array_clocks(row)
    if not clocks or row["slot_cycles"] <= clocks:
        return ""
    arrays, adcs = (_setting(report, "pe", key) for key in ("arrays", "adcs"))
    slow = f"a read takes its arrays {counted(clocks, 'clock')} and its ADCs {row['slot_cycles']}"
    if not isinstance(arrays, int) or not isinstance(adcs, int) or adcs < 1:
        return f"more ADCs (pe.adcs) or faster ones (adc.rate): {slow}"
    shared = -(-arrays // adcs)
    if shared == 1:
        return f"faster ADCs (adc.rate): {slow}"
    fewer = -(-arrays // (shared - 1))
    each = f"{shared - 1} arrays an ADC" if shared > 2 else "an ADC for every array"
    return (
        f"more ADCs (pe.adcs={fewer} for {each} instead of {shared}) or faster ones (adc.rate):"
        f" {slow}"
    )


def reads(report: Report, row: Mapping[str, Any], *, brief: bool = False) -> list[str]:
    """List what makes the reads of an input vector fewer, where there is more than one.

    Parameters
    ----------
    report : Report
    row : mapping
    brief : bool
        Whether what it costs is left out.
    """
    found, policy = [], _setting(report, "adc", "policy")
    sums = f"; {_CLIPS if policy in (None, 'clip') else _WIDER}" if not brief else ""
    if row["reads"] > 1:
        found.append(f"fewer reads for an input vector ({row['reads']} now: dac.bits{sums})")
    if row["row_groups"] > 1:
        groups = row["row_groups"]
        found.append(f"more rows a read ({groups} groups now: array.rows_per_read{sums})")
    return found


def cycle(report: Report, row: Mapping[str, Any] | None) -> str:
    """Say what a shorter array.cycle needs: where conversions fill it, faster ADCs as well."""
    filled = None if row is None else _conversions(report, row)
    if row is None or filled is None:
        return "a shorter array.cycle, with faster ADCs (adc.rate) where their conversions fill it"
    number, clocks = filled
    if clocks < _FILLED * _array_clocks(row):
        return "a shorter array.cycle, down to what the conversions of an ADC take"
    return (
        "a shorter array.cycle together with faster ADCs (adc.rate): the conversions of a read,"
        f" {number:,.0f} for an ADC, fill it"
    )


def help_of_wait(report: Report, waits: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Say what makes shorter what a layer waits for, where it helps and is possible."""
    cause, name = waits["cause"], waits["layer"]
    other = next((each for each in report.layers if each["name"] == name), None)
    copies = other is not None and not copies_of(report, [other]).why_not
    if cause == "starved" and name:
        return f"a faster {name}" + (": more copies of it (replication)" if copies else "")
    if cause == "blocked" and name:
        more = f", or more copies of {name} (replication)" if copies else f", or a faster {name}"
        return f"a larger tile.buffer{more}"
    if cause == "adc":
        return converters(report, row) or CAUSES[cause].help
    if cause == "bus":
        return wider_bus(report)
    return CAUSES[cause].help if cause in CAUSES else "see its idle clocks"


def wider_bus(report: Report) -> str:
    """Say what takes load from a bus: ports apart from it only where there are none."""
    banks = _setting(report, "tile", "buffer_banks")
    apart = isinstance(banks, int) and banks > 1
    return "a wider tile.bus_width" if apart else CAUSES["bus"].help


def free_arrays(report: Report) -> int | None:
    """Count the arrays of the chip that copies may still take.

    None where the hardware is not known, or where the chip grows with the network.  Arrays that
    were left empty because a buffer is full are not free, nor are those of tiles whose buffers are
    lent to others.
    """
    arrays, pes = _setting(report, "pe", "arrays"), _setting(report, "tile", "pes")
    tiles, chip = _setting(report, "chip", "tiles"), report.chip
    if not isinstance(arrays, int) or not isinstance(pes, int) or tiles == "auto":
        return None
    whole = (chip["chip_tiles"] - chip["lending_tiles"]) * pes * arrays
    return max(0, int(whole - chip["arrays"] - chip["skipped_arrays"]))


def _factor(row: Mapping[str, Any], more: int | None) -> float:
    """How much less the busiest copy of a layer does with so many more copies of it."""
    positions, copies = row["positions"], row["replicas"]
    most = positions if more is None else min(positions, copies + more)
    return float(-(-positions // copies) / -(-positions // most))


def _conversions(report: Report, row: Mapping[str, Any]) -> tuple[float, float] | None:
    """Conversions of an ADC in a read, the mean of the layer's arrays, and the clocks they take."""
    counts: Mapping[str, Any] = row.get("counts", {})
    done, held = counts.get("adc_conversions"), counts.get("array_reads")
    rate, clock = _setting(report, "adc", "rate"), _setting(report, "clock")
    arrays, adcs = (_setting(report, "pe", key) for key in ("arrays", "adcs"))
    if not done or not held or not isinstance(rate, str) or not isinstance(clock, str):
        return None
    if not isinstance(arrays, int) or not isinstance(adcs, int) or adcs < 1:
        return None
    number = done / held * min(-(-arrays // adcs), row["arrays"] // max(1, row["replicas"]))
    return number, number * parse(clock, "Hz") / parse(rate, "Hz")


def _array_clocks(row: Mapping[str, Any]) -> int:
    """Clocks that a read takes the arrays; 0 where the row does not say."""
    times: int = row["positions"] * row["reads"] * row["row_groups"]
    return int(row["busy"] // times) if times else 0


def _setting(report: Report, *keys: str) -> Any:
    """Look up a key of the hardware; None where the report does not say it."""
    found: Any = report.scenario.get("arch")
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def _are(number: int) -> str:
    return f"{number:,} {'is' if number == 1 else 'are'}"
