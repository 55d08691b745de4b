"""From a Plan and what the data did to a Report."""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from math import fsum
from statistics import mode
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar import __version__
from crossbar.circuit.links import OFFCHIP_RATE
from crossbar.energy import (
    COMPONENTS,
    Costs,
    chip_area,
    leakage_power,
    nameplate,
    peak_power,
    price,
    programming_cost,
)
from crossbar.energy.units import chip_units
from crossbar.mapping.encode import Encoding
from crossbar.mapping.plan import Plan
from crossbar.report.digital import digital_rows
from crossbar.report.report import Report
from crossbar.report.times import (
    ideal_slot,
    layer_times,
    path_rows,
    resource_rows,
    stream_row,
    timeline,
    write_cycles,
)
from crossbar.report.wear import wear_row
from crossbar.timing import Activity, Counts, Timing, count, measure
from crossbar.timing.counts import sums_inputs, unpriced_nodes

__all__ = ["build_report", "port_clocks"]

_PEAK_READS = 10
"""Array reads in the window of the peak power."""


def build_report(
    plan: Plan,
    activity: Activity | None,
    *,
    accuracy: float | None = None,
    float_accuracy: float | None = None,
    digital_accuracy: float | None = None,
    metrics: Mapping[str, float | None] | None = None,
    images: int | None = None,
    scenario: Mapping[str, Any] | None = None,
    seed: int = 0,
    timing: Timing | None = None,
) -> Report:
    """Count, price and time a plan.

    Parameters
    ----------
    plan : Plan
    activity : Activity or None
        What the data did; needed where ``energy.array`` is ``data``.
    accuracy, float_accuracy, digital_accuracy : float, optional
        0..1: on the crossbars, of the float model, of the integer network without crossbars.
    metrics : mapping of str to float, optional
        Other metrics; one that is not finite (undefined) becomes None.
    images : int, optional
        Samples that were run; by default those of the activity.
    scenario : mapping, optional
        What was run, JSON-able; by default the workload's name and the whole arch.
    seed : int
    timing : Timing, optional
        Of this plan, where it is known already.

    Raises
    ------
    InputError
        If ``energy.array`` is ``data`` and the data's activity is not given.
    """
    arch = plan.arch
    counts = count(plan, activity)
    if timing is None:
        timing = measure(plan, port_clocks(plan, counts))
    throughput = timing.throughput
    encoding, units = _summed_encoding(plan), chip_units(counts.to_dict())
    leakage = leakage_power(arch, plan.chip_tiles, encoding, units)
    costs = price(arch, counts, activity).with_leakage(leakage, throughput)
    programming = programming_cost(plan, counts)
    areas = chip_area(arch, plan.chip_tiles, encoding, units)
    energies = costs.components
    return Report(
        workload=plan.workload.name,
        arch=arch.name,
        accuracy=accuracy,
        float_accuracy=float_accuracy,
        digital_accuracy=digital_accuracy,
        metrics={name: _finite(value) for name, value in (metrics or {}).items()},
        images=activity.images if images is None and activity is not None else images,
        precision={
            "weight_bits": mode(layer.encoding.bits for layer in plan.layers),
            "input_bits": mode(layer.input_bits for layer in plan.layers),
        },
        energy=costs.total,
        cycles=timing.alone.cycles,
        latency=timing.latency,
        latency_kind="schedule",
        throughput=throughput,
        bound={
            "latency": timing.free.cycles / timing.clock,
            "throughput": timing.clock / timing.bound.interval,
        },
        stream=stream_row(timing),
        area=fsum(areas.values()),
        power={
            "average": costs.total * throughput,
            **_peak(timing, costs, fsum(leakage.values())),
            "nameplate": fsum(nameplate(arch, plan.chip_tiles, encoding, units).values()),
            "leakage": fsum(leakage.values()),
        },
        programming={
            "energy": programming.energy if programming else None,
            "latency": programming.latency if programming else None,
            "rows": programming.rows if programming else None,
        },
        components={
            name: {
                "energy": energies[name],
                "leakage": costs.leakage[name],
                "area": areas[name],
            }
            for name in COMPONENTS
        },
        layers=_layer_rows(plan, counts, costs, timing),
        resources=resource_rows(timing.alone),
        critical_path=path_rows(timing.alone),
        timeline=dict(timeline(timing.alone)),
        chip={
            "tiles": plan.tiles,
            "pes": plan.pes,
            "arrays": plan.arrays,
            "chip_tiles": plan.chip_tiles,
            "skipped_arrays": plan.skipped_arrays,
            "skipped_pes": plan.skipped_pes,
            "lending_tiles": plan.lending_tiles,
            "utilisation": plan.utilisation,
        },
        counts=counts.to_dict(),
        scenario=dict(
            scenario
            if scenario is not None
            else {"workload": plan.workload.name, "arch": arch.to_dict()}
        ),
        seed=seed,
        versions=_versions(),
        unpriced=tuple(
            {
                "name": node.name,
                "kind": node.kind,
                "operator": str(node.attrs.get("operator", node.kind)),
                "operations": node.operations,
                "weights": int(node.attrs.get("weights", 0)),
            }
            for node in unpriced_nodes(plan)
        ),
        notes=tuple(_notes(plan, timing)),
        digital=digital_rows(plan, costs.total),
        wear=wear_row(plan, counts, throughput),
    )


def _summed_encoding(plan: Plan) -> Encoding:
    """Return the encoding of a layer whose inputs are summed, if there is one: chips are built so.

    Layers differ in it only where some have binary weights.
    """
    encodings = [layer.encoding for layer in plan.layers]
    return next((each for each in encodings if sums_inputs(plan.arch, each)), encodings[0])


def _layer_rows(
    plan: Plan, counts: Counts, costs: Costs, timing: Timing
) -> tuple[dict[str, Any], ...]:
    """One row a layer, with everything that `crossbar.report.explain_number` traces it to."""
    energies = costs.layers
    return tuple(
        {
            "name": layer.name,
            "kind": layer.kind,
            "energy": energies[layer.name],
            **layer_times(timing, layer),
            "buffer": {
                "need": plan.buffers[layer.name].need,
                "given": plan.buffers[layer.name].given,
            },
            "weight_bits": layer.encoding.bits,
            "input_bits": layer.input_bits,
            "positions": layer.positions,
            "replicas": layer.replicas,
            "arrays": layer.arrays,
            "cells": layer.cells_used,
            "reads": layer.reads,
            "row_groups": layer.groups_per_array,
            "slot_cycles": round(layer.slot * timing.clock),
            "ideal_slot_cycles": ideal_slot(timing, layer),
            "write_cycles": write_cycles(timing, layer),
            "ideal_write_cycles": write_cycles(timing, layer, ideal=True),
            "components": dict(costs.by_layer[layer.name]),
            "counts": done.to_dict(),
        }
        for layer, done in zip(plan.layers, counts.layers, strict=True)
    )


def port_clocks(plan: Plan, counts: Counts) -> int:
    """Return the clocks that one image's inputs and outputs take at the chip's port.

    Parameters
    ----------
    plan : Plan
    counts : Counts
    """
    if plan.arch.chip.offchip != "hypertransport":
        return 0
    return math.ceil((counts.total("offchip_bits") or 0.0) / OFFCHIP_RATE * plan.arch.clock)


def _peak(timing: Timing, costs: Costs, leakage: float) -> dict[str, float]:
    """Find the largest power over a few array reads of an endless stream, and that window."""
    run = timing.alone
    window = _PEAK_READS * run.machine.tables.array_clocks / timing.clock
    parts: dict[str, tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]] = {}
    for task in run.tasks:
        if task.kind == "product":
            reads, ends = parts.setdefault(task.step, ([], []))
            reads.append(task.read)
            ends.append(task.done)
    times = {name: (np.concatenate(r), np.concatenate(d)) for name, (r, d) in parts.items()}
    interval = timing.stream.interval
    peak = peak_power(
        times, costs.layers, window, clock=timing.clock, leakage=leakage, interval=interval
    )
    return {"peak": peak, "window": window}


def _notes(plan: Plan, timing: Timing) -> Iterator[str]:
    """Say what the numbers leave out or assume."""
    yield from plan.notes
    yield (
        "Latency is that of one image alone on the chip, its inputs at hand; throughput that of"
        f" {timing.stream.images} images one after the other"
        + ("." if timing.stream.steady else ", whose distance had not settled.")
    )
    yield "Between two tiles lies one hop of one pipeline step, whatever their distance."
    if unpriced_nodes(plan):
        yield "Operations without a modelled unit take no unit's time and no energy (see unpriced)."
    if not plan.arch.energy.leakage_share:
        yield (
            "ISAAC's table does not tell leakage from activity: all of its power is charged to"
            " actions (energy.leakage_share changes that)."
        )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _versions() -> dict[str, str]:
    """Versions of what computes; torch only where it is at work, and never imported for this."""
    found = {"crossbar": __version__, "python": platform.python_version()}
    names = ("numpy", "numba", "torch") if "torch" in sys.modules else ("numpy", "numba")
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # the package can be on the path without its metadata
            module_version = getattr(sys.modules.get(name), "__version__", None)
            if module_version is not None:
                found[name] = str(module_version)
    return found
