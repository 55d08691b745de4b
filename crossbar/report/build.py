"""From a Plan and what the data did to a Report."""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from math import fsum
from typing import Any

from crossbar import __version__
from crossbar.energy import COMPONENTS, Costs, chip_area, price
from crossbar.mapping.plan import Plan
from crossbar.report.report import Report
from crossbar.timing import Activity, Counts, Timing, bound, count
from crossbar.timing.counts import unpriced_nodes

__all__ = ["build_report"]

_NOTES = (
    "Latency and throughput are those of a pipeline with infinite buffers and free links.",
    "Energy is dynamic: ISAAC's table has no leakage of its own, so none is modelled.",
    "Between two tiles lies one hop, whatever their distance.",
    "Programming the cells is counted (cell_writes) but not priced.",
)


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

    Raises
    ------
    InputError
        If ``energy.array`` is ``data`` and the data's activity is not given.
    """
    arch = plan.arch
    counts, timing = count(plan, activity), bound(plan)
    costs = price(arch, counts, activity)
    areas = chip_area(arch, plan.chip_tiles, plan.layers[0].encoding)
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
            "weight_bits": plan.layers[0].encoding.bits,
            "input_bits": plan.layers[0].input_bits,
        },
        energy=costs.total,
        latency=timing.latency,
        latency_kind="bound",
        throughput=timing.throughput,
        area=fsum(areas.values()),
        power={"average": costs.total * timing.throughput, "peak": None, "nameplate": None},
        programming={"energy": None, "latency": None},
        components={name: {"energy": energies[name], "area": areas[name]} for name in COMPONENTS},
        layers=_layer_rows(plan, counts, costs, timing),
        chip={
            "tiles": plan.tiles,
            "pes": plan.pes,
            "arrays": plan.arrays,
            "chip_tiles": plan.chip_tiles,
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
        notes=_NOTES,
    )


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
            "cycles": time.cycles,
            "time": time.cycles / timing.clock,
            "idle": None,
            "positions": layer.positions,
            "replicas": layer.replicas,
            "arrays": layer.arrays,
            "cells": layer.cells_used,
            "reads": layer.reads,
            "row_groups": layer.groups_per_array,
            "slot_cycles": round(layer.slot * timing.clock),
            "fill_passes": timing.path.count(layer.name),
            "components": dict(costs.by_layer[layer.name]),
            "counts": done.to_dict(),
        }
        for layer, time, done in zip(plan.layers, timing.layers, counts.layers, strict=True)
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
