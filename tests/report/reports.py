"""Reports to explain and to compare."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from crossbar import build_plan, load_arch
from crossbar.mapping import Plan
from crossbar.report import Report, build_report
from crossbar.timing import Activity
from crossbar.workload import Workload, WorkloadBuilder
from crossbar.workload.operations import attention_operations

SCORES: dict[str, Any] = {
    "accuracy": 0.914,
    "float_accuracy": 0.92,
    "digital_accuracy": 0.916,
    "metrics": {"accuracy": 0.914, "agreement": 0.978},
}

HARDWARE = {
    "plain": {},
    "other widths": {
        "adc.bits": 7,
        "dac.bits": 2,
        "pe.adcs": 3,
        "tile.buffer": "32 KiB",
        "replication": [7, 3, 1, 1, 1],
        "array.rows": 100,
    },
    "unit columns": {
        "array.input_sum": "column",
        "array.flip_columns": False,
        "array.rows_per_read": 32,
        "chip.tiles": "auto",
        "chip.offchip": "none",
        "adc.policy": "lossless",
        "adc.bits": None,
    },
    "pairs": {
        "array.encoding": "differential",
        "array.subtract": "analog",
        "array.flip_columns": False,
        "adc.policy": "full",
    },
    "table": {
        "energy.array": "table",
        "precision.weight_bits": 4,
        "cell.write_voltage": None,
        "cell.write_pulse": None,
    },
    "leaking": {
        "energy.leakage_share": 0.2,
        "chip.offchip_power": "static",
        "chip.programming": "serial",
    },
    "leaking by the table": {"energy.leakage_share": 0.1, "energy.array": "table"},
}
"""Overrides of isaac_8bit that reach every branch of the costs."""


def made(
    workload: Workload | str = "lenet5", overrides: dict[str, Any] | None = None, **given: Any
) -> Report:
    """Return the report of a network whose data did what `activity` says."""
    plan = build_plan(workload, load_arch("isaac_8bit", overrides))
    return build_report(plan, activity(plan), **given)


def activity(plan: Plan) -> Activity:
    """Return 1 pJ a read of a position and a third of a saturation a layer, over 500 images."""
    return Activity(
        {layer.name: 1e-12 * layer.positions * layer.reads for layer in plan.layers},
        {layer.name: (place + 1) / 3 for place, layer in enumerate(plan.layers)},
        500,
    )


def attending() -> Workload:
    """Return a net with work for every digital unit, and an operation that none is known for."""
    net = WorkloadBuilder("attending")
    x = net.embedding("words", net.input("tokens", (6,)), 100, 16)
    x = net.add("sum", net.linear("project", x, 16), x)
    sizes = {"heads": 2, "queries": 6, "keys": 6, "width": 8, "value_width": 8}
    operations = attention_operations(*sizes.values())
    x = net.digital("attend", "attention", (net.linear("query", x, 16),), (6, 16), operations)
    x = net.norm("norm", x)
    x = net.mul("gate", net.activation("gelu", net.linear("up", x, 16), "gelu"), x)
    x = net.digital("sorted", "other", (x,), (6, 16), 77)
    made = net.build(net.linear("out", x, 4))
    nodes = tuple(
        replace(node, attrs={**node.attrs, **sizes}) if node.name == "attend" else node
        for node in made
    )
    return replace(made, nodes=nodes)


def branching() -> Workload:
    """Return a net with a short way beside a long one, a layer named as a component, one twice."""
    net = WorkloadBuilder("branching")
    x = net.input("input", (4, 8, 8))
    first = net.conv("first", x, 4, 3, padding=1)
    second = net.relu("relu", net.conv("router", first, 4, 3, padding=1))
    third = net.conv("third", second, 4, 3, padding=1)
    made = net.build(net.add("sum", third, first))
    nodes = tuple(
        replace(node, weight="shared") if node.name in ("first", "third") else node for node in made
    )
    return replace(made, nodes=nodes)
