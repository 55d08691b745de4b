"""The times of a report: layers and what they wait for, resources, critical path, timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossbar.mapping.plan import LayerPlan
from crossbar.timing import Schedule, Timing, critical_path, profile, waits_of
from crossbar.timing.bounds import preparing

__all__ = [
    "ideal_slot",
    "layer_times",
    "path_rows",
    "resource_rows",
    "stream_row",
    "timeline",
    "write_cycles",
]


def layer_times(timing: Timing, layer: LayerPlan) -> dict[str, Any]:
    """When a layer was at work in the run of one image, and what it waited for.

    Parameters
    ----------
    timing : Timing
    layer : LayerPlan
    """
    run = timing.alone
    mine = [times for times in run.tasks if times.step == layer.name]
    start, end = min(int(t.issue[0]) for t in mine), max(int(t.done[-1]) for t in mine)
    slots = layer.reads * layer.groups_per_array
    clocks = round(layer.slot * timing.clock)
    work = max(t.positions for t in mine) * slots * clocks + write_cycles(timing, layer)
    idle = {cause: sum(t.idle[cause] for t in mine) for cause in mine[0].idle}
    # copies that a short sequence leaves without a token
    idle["drained"] += (layer.replicas - len(mine)) * run.cycles
    return {
        "cycles": end - start,
        "time": (end - start) / timing.clock,
        "start": start,
        "end": end,
        "busy": sum(t.busy for t in mine),
        "idle": idle,
        "waits_for": _longest_wait(waits_of(run, layer.name)),
        "load": work / timing.stream.interval,
    }


def write_cycles(timing: Timing, layer: LayerPlan, *, ideal: bool = False) -> int:
    """Clocks that a layer loses before each image because its cells are programmed.

    Parameters
    ----------
    timing : Timing
    layer : LayerPlan
    ideal : bool
        On the ideal machine.
    """
    machine = timing.free.machine if ideal else timing.alone.machine
    lost = zip(machine.tasks, preparing(machine), strict=True)
    return max(int(clocks) for task, clocks in lost if task.name == layer.name)


def ideal_slot(timing: Timing, layer: LayerPlan) -> int:
    """Clocks of one read of a layer where every array has an ADC to itself."""
    machine = timing.free.machine
    slots = zip(machine.tasks, machine.tables.slot, strict=True)
    return max(int(slot) for task, slot in slots if task.name == layer.name)


def stream_row(timing: Timing) -> dict[str, Any]:
    """How images follow one another, and what the layer that sets the pace waits for meanwhile.

    Parameters
    ----------
    timing : Timing
    """
    stream = timing.stream
    # the second last image, whose end the interval is measured at; no layer, no waits
    waits = waits_of(stream.run, stream.limited_by, image=stream.images - 2)
    return {
        "images": stream.images,
        "interval": stream.interval,
        "steady": stream.steady,
        "limited_by": stream.limited_by,
        "load": stream.load,
        "waits_for": _longest_wait(waits),
    }


def _longest_wait(waits: Mapping[tuple[str, str | None], int]) -> dict[str, Any] | None:
    """Sum waits up by cause, and name the largest."""
    by_cause: dict[str, int] = {}
    for (cause, _), clocks in waits.items():
        by_cause[cause] = by_cause.get(cause, 0) + clocks
    if not by_cause:
        return None
    cause = max(by_cause, key=by_cause.__getitem__)
    whom = {who: clocks for (why, who), clocks in waits.items() if why == cause and who is not None}
    layer = max(whom, key=whom.__getitem__) if whom else None
    return {"cause": cause, "layer": layer, "clocks": by_cause[cause]}


def resource_rows(run: Schedule) -> tuple[dict[str, Any], ...]:
    """List what buses, output ports, vector units and shared converters did for one image."""
    return tuple(
        {
            "name": use.name,
            "kind": use.kind,
            "tile": use.tile,
            "busy": use.busy,
            "idle": dict(use.idle),
        }
        for use in run.resources
    )


def path_rows(run: Schedule) -> tuple[dict[str, Any], ...]:
    """List what the time of one image is made of."""
    return tuple(
        {"layer": stretch.name, "what": stretch.what, "cycles": stretch.clocks}
        for stretch in critical_path(run)
    )


def timeline(run: Schedule) -> Mapping[str, Any]:
    """Tell how busy each layer was over the time of one image."""
    found = profile(run)
    layers = {
        name: [round(float(share), 4) for share in shares] for name, shares in found.layers.items()
    }
    return {
        "window": found.window,
        "bins": len(next(iter(layers.values()))),
        "layers": layers,
    }
