"""Schedules made by hand: every sum that holds for a real one holds for these."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crossbar import build_plan, load_arch
from crossbar.report import Report, build_report
from crossbar.workload import Workload, WorkloadBuilder
from tests.report.reports import activity

BETWEEN = ("starved", "adc", "bus", "pipeline", "blocked")
NASTY = (
    "<script>alert(1)</script>",
    "quotes \" and ' and &amp;",
    "$x_1^2$ and $\\frac{",
    "_hidden",
    "层.卷积 שכבה طبقة",
    "half \ud800 of a pair\x00\n",
    "a" * 70 + ".tail",
)


def chain(layers: int, names: tuple[str, ...] = ()) -> Workload:
    """Return so many small convolutions one behind the other."""
    net = WorkloadBuilder(f"chain{layers}")
    x = net.input("input", (4, 6, 6))
    for place in range(layers):
        name = names[place] if place < len(names) else f"stage{place // 10}.block{place % 10}.conv"
        x = net.conv(name, x, 4, 3, padding=1)
    return net.build(x)


def scheduled(report: Report, limited_by: str | None = None, steady: bool = True) -> Report:
    """Return the report with times made up: layers that begin one after the other."""
    count = len(report.layers)
    turns = [row["busy"] // row["replicas"] for row in report.layers]
    lag = max(turns) // 10 + 7
    lengths = [turn + turn // 3 + 100 for turn in turns]
    ends = [place * lag + length for place, length in enumerate(lengths)]
    cycles = max(ends) + 13
    clock = report.cycles / report.latency
    rows = []
    for place, row in enumerate(report.layers):
        whole = (ends[place] - place * lag) * row["replicas"] - row["busy"]
        main = whole * (place + 4) // (place + 6)
        cause, other = BETWEEN[place % 5], BETWEEN[(place + 1) % 5]
        names = [each["name"] for each in report.layers]
        near = {"starved": names[place - 1] if place else None, "blocked": names[-1]}
        idle = {
            "starved": place * lag * row["replicas"],
            "drained": (cycles - ends[place]) * row["replicas"],
        }
        idle[cause] = idle.get(cause, 0) + main
        idle[other] = idle.get(other, 0) + whole - main
        length = ends[place] - place * lag
        rows.append(
            row
            | {"start": place * lag, "end": ends[place], "cycles": length, "time": length / clock}
            | {"idle": idle, "buffer": {"need": 3 * 1024, "given": 8 * 1024}}
            | {"waits_for": {"cause": cause, "layer": near.get(cause), "clocks": main}}
        )
    last = ends.index(max(ends))
    path = [{"layer": rows[place]["name"], "what": "fill", "cycles": lag} for place in range(last)]
    path += [
        {"layer": rows[last]["name"], "what": "reads", "cycles": turns[last]},
        {"layer": rows[last]["name"], "what": "bus", "cycles": cycles - last * lag - turns[last]},
    ]
    slow = {"latency": 0.8 * cycles / clock, "throughput": 1.1 * report.throughput}
    stream = {**report.stream, "steady": steady}
    resources = _resources(cycles, max(2, count // 4))
    if limited_by:
        busy = {use["name"]: use["busy"] / stream["interval"] for use in resources}
        busy |= {row["name"]: row["load"] for row in rows}
        stream |= {"limited_by": limited_by, "load": busy.get(limited_by, 1.0), "waits_for": None}
    return replace(
        report,
        cycles=cycles,
        latency=cycles / clock,
        bound=slow,
        stream=stream,
        power={**report.power, "peak": 3 * report.energy * report.throughput, "window": 1e-7},
        layers=tuple(rows),
        resources=resources,
        critical_path=tuple(path),
        timeline=_timeline(rows, cycles),
    )


def many(layers: int, names: tuple[str, ...] = (), **overrides: Any) -> Report:
    """Return the report of a chain with a schedule made by hand."""
    arch = load_arch("isaac_8bit", {"chip.tiles": "auto", **overrides})
    plan = build_plan(chain(layers, names), arch)
    return scheduled(build_report(plan, activity(plan)))


def _resources(cycles: int, tiles: int) -> tuple[dict[str, Any], ...]:
    rows = []
    for tile in range(tiles):
        for place, kind in enumerate(("bus", "port", "vector", "adc")):
            busy = cycles * (tile + 1) // (2 * tiles + place)
            idle = {
                "starved": (cycles - busy) // 3,
                "drained": cycles - busy - (cycles - busy) // 3,
            }
            name = f"tile {tile} {kind}"
            rows.append({"name": name, "kind": kind, "tile": tile, "busy": busy, "idle": idle})
    return tuple(rows)


def _timeline(rows: list[dict[str, Any]], cycles: int) -> dict[str, Any]:
    window = -(-cycles // 100)
    strips = {}
    for row in rows:
        share = row["busy"] / (row["cycles"] * row["replicas"])
        edges = [(n * window, (n + 1) * window) for n in range(100)]
        strips[row["name"]] = [
            share * max(0, min(b, row["end"]) - max(a, row["start"])) / window for a, b in edges
        ]
    return {"window": window, "bins": 100, "layers": strips}
