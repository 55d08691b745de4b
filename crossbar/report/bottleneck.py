"""What a report's times say about the chip: what sets the pace, who waits for what, what helps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crossbar.report.report import Report

__all__ = [
    "CAUSES",
    "PATH_PARTS",
    "PORT",
    "Cause",
    "Pace",
    "busy_share",
    "by_layer",
    "by_part",
    "gain",
    "most_blocked",
    "pace",
    "percent",
    "rest",
    "wait",
    "wait_share",
    "waiting",
]

_BUSY = 0.9
"""From this share on, what sets the pace is said to be busy and not to be waiting."""

_WAITS = 0.005
"""Below this share of the first inference a layer is said to wait for nothing."""

_LONG = 0.05
"""From this share on, a wait for room in a buffer is worth a word beside the critical path."""


@dataclass(frozen=True)
class Cause:
    """Why arrays idle, in words.

    Parameters
    ----------
    what : str
        What is waited for.
    help : str
        What makes it less.
    """

    what: str
    help: str


CAUSES = {
    "starved": Cause(
        "inputs that an earlier layer has still to make",
        "a faster layer before it: more copies of that one (replication)",
    ),
    "write": Cause(
        "its own cells, which are programmed with what the network has computed",
        "fewer or shorter pulses (cell.write_pulses, cell.write_pulse), fewer arrays in a PE"
        " (pe.arrays), or a matmul unit (attention: digital)",
    ),
    "blocked": Cause(
        "room for its results in the buffer of the layer that reads them",
        "a larger tile.buffer, or more copies of the layer that reads them (replication)",
    ),
    "pipeline": Cause(
        "its own later steps, which hold all the positions they can",
        "wider vector and matmul units and output ports (tile.vector_lanes, tile.matmul_macs,"
        " tile.bus_width)",
    ),
    "bus": Cause(
        "its inputs on the way from the buffer: a step of array.cycle at least",
        "a wider tile.bus_width, or output ports apart from the bus (tile.buffer_banks above 1)",
    ),
    "adc": Cause(
        "its converters, slower than the arrays or busy with others",
        "more ADCs (pe.adcs) or faster ones (adc.rate)",
    ),
    "drained": Cause("nothing, its work is done", "nothing; other copies or layers work on"),
}
"""Causes of idle clocks by their name in a report."""

PATH_PARTS = {
    "reads": Cause(
        "its arrays, one input vector after the other, converters included",
        "more copies (replication), fewer reads (dac.bits), more or faster ADCs where they are"
        " slower than the arrays (pe.adcs, adc.rate), else a shorter array.cycle",
    ),
    "write": Cause(
        "the programming of its cells with keys or values (attention: crossbar)",
        "fewer or shorter pulses (cell.write_pulses, cell.write_pulse), fewer arrays in a PE"
        " (pe.arrays), or a matmul unit (attention: digital)",
    ),
    "fill": Cause(
        "the steps before and after the reads: fetch, convert, merge, activate, store",
        "fewer layers one behind the other, a shorter array.cycle (with faster ADCs, adc.rate,"
        " where their conversions fill it)",
    ),
    "bus": Cause(
        "what these steps take longer since buses, output ports, vector or matmul units are busy",
        "a wider tile.bus_width, more tile.buffer_banks, tile.vector_lanes or tile.matmul_macs",
    ),
}
"""Parts of the critical path by their name in a report."""

PORT = "off-chip port"
"""What limits a stream whose images take longer to arrive than to be worked on."""


@dataclass(frozen=True)
class Pace:
    """What limits the throughput of a stream of images.

    Parameters
    ----------
    name : str
        Layer or resource.
    layer : dict or None
        Its row, when it is a layer.
    load : float or None
        Share of the time between two images in which it works, 0..1; None where not known.
    ties : tuple of dict
        Other layers of the same load.
    next : dict or None
        The layer that comes next, of less load.
    kind : str
        Of a resource, or nothing.
    """

    name: str
    layer: Mapping[str, Any] | None
    load: float | None
    ties: tuple[Mapping[str, Any], ...]
    next: Mapping[str, Any] | None
    kind: str

    @property
    def is_busy(self) -> bool:
        """Whether it works nearly all the time."""
        return self.load is not None and self.load >= _BUSY

    @property
    def gain(self) -> float | None:
        """Factor of throughput at which the next layer sets the pace."""
        if self.next is None or not self.load or not self.next["load"]:
            return None
        return max(1.0, float(self.load / self.next["load"]))


def pace(report: Report) -> Pace:
    """Find what sets the pace in the steady state."""
    name, load = str(report.stream["limited_by"]), float(report.stream["load"])
    row = next((row for row in report.layers if row["name"] == name), None)
    if row is not None:
        least = row["load"] * (1 - 1e-9)
        ties = tuple(each for each in report.layers if each["load"] >= least and each is not row)
        following = _busiest(each for each in report.layers if each["load"] < least)
        return Pace(name, row, load, ties, following, "")
    following = _busiest(report.layers)
    if name == PORT:
        return Pace(name, None, load, (), following, PORT)
    resource = next((each for each in report.resources if each["name"] == name), None)
    return Pace(name, None, load, (), following, "" if resource is None else resource["kind"])


def _busiest(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return max(rows, key=lambda row: row["load"], default=None)


def busy_share(report: Report, row: Mapping[str, Any]) -> float:
    """Return the share of the first inference in which the arrays of a layer compute."""
    clocks = report.cycles * row["replicas"]
    return row["busy"] / clocks if clocks else 0.0


def wait_share(report: Report, row: Mapping[str, Any]) -> float:
    """Return the share of the first inference in which a layer waits for one thing most."""
    clocks = report.cycles * row["replicas"]
    return row["waits_for"]["clocks"] / clocks if row["waits_for"] and clocks else 0.0


def wait(report: Report, row: Mapping[str, Any], name: str | None = None) -> str:
    """Say what a layer waits for most: ``"starved by conv1 62 %"`` of the first inference.

    ``"nothing"`` where that is less than 0.5 % of it: it reads without a pause.

    Parameters
    ----------
    report : Report
    row : mapping
    name : str, optional
        How to call the layer that it waits for.
    """
    found = row["waits_for"]
    if found is None or wait_share(report, row) < _WAITS:
        return "nothing"
    layer = found["layer"] if name is None else name
    by = f" by {layer}" if layer else ""
    return f"{found['cause']}{by} {percent(wait_share(report, row))}"


def most_blocked(report: Report) -> str:
    """Name the layer that waits longest for room in a buffer; nothing where none waits for long."""
    rows = [row for row in report.layers if row["waits_for"]]
    rows = [row for row in rows if row["waits_for"]["cause"] == "blocked"]
    row = max(rows, key=lambda row: wait_share(report, row), default=None)
    return row["name"] if row is not None and wait_share(report, row) >= _LONG else ""


def rest(report: Report, row: Mapping[str, Any]) -> str:
    """Name the largest rest of the first inference: neither busy nor what it waits for most.

    ``"not begun 62 %"``, ``"drained 29 %"``; nothing where that is less than 0.5 %.
    """
    left = dict(row["idle"])
    if row["waits_for"] and wait_share(report, row) >= _WAITS:
        cause = row["waits_for"]["cause"]
        left[cause] = left.get(cause, 0) - row["waits_for"]["clocks"]
    before = min(row["start"] * row["replicas"], left.get("starved", 0))
    if before:
        left |= {"not begun": before, "starved": left["starved"] - before}
    cause = max(left, key=left.__getitem__, default="")
    share = left[cause] / (report.cycles * row["replicas"] or 1) if cause else 0.0
    return f"{cause} {percent(share)}" if share >= _WAITS else ""


def waiting(waits: Mapping[str, Any]) -> str:
    """Say in a sentence what a layer waits for: ``"waits for its bus"``."""
    cause, layer = waits["cause"], waits["layer"]
    words = {
        "starved": f"inputs from {layer}" if layer else "its inputs",
        "blocked": f"room in the buffer of {layer}" if layer else "room for its results",
        "pipeline": "its own later steps",
        "bus": "its bus",
        "adc": "its ADCs",
        "drained": "nothing, its work is done",
    }
    return f"waits for {words[cause]}" if cause in words else f"idles ({cause})"


def by_layer(report: Report) -> dict[str, dict[str, int]]:
    """Sum the critical path by layer and part, in the order in which the path reaches them."""
    found: dict[str, dict[str, int]] = {}
    for row in report.critical_path:
        parts = found.setdefault(row["layer"], {})
        parts[row["what"]] = parts.get(row["what"], 0) + row["cycles"]
    return found


def by_part(report: Report) -> dict[str, int]:
    """Sum the critical path by part, the largest first."""
    found: dict[str, int] = {}
    for row in report.critical_path:
        found[row["what"]] = found.get(row["what"], 0) + row["cycles"]
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def gain(report: Report) -> tuple[float, float]:
    """Return by how much the bound differs: latency, throughput; 0.1: +10 %."""
    bound = report.bound
    return (
        bound["latency"] / report.latency - 1 if report.latency else 0.0,
        bound["throughput"] / report.throughput - 1 if report.throughput else 0.0,
    )


def percent(share: float) -> str:
    """Write a share: ``"62 %"``; with a decimal below ten, so that little is not nothing."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or not share else f"{100 * share:.1f} %"
