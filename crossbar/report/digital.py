"""The digital work of a network by kind of operation: what it costs, and which unit does it."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Any

from crossbar.energy import action_energies
from crossbar.energy.units import ON_DEMAND
from crossbar.mapping.plan import Plan
from crossbar.report.report import Report
from crossbar.tables import table
from crossbar.units import text
from crossbar.workload.graph import MOVE_KINDS
from crossbar.workload.work import UNITS, digital_work, is_known

__all__ = [
    "HEADS",
    "PLAIN_KINDS",
    "actions_of_unit",
    "built_components",
    "digital_rows",
    "digital_table",
    "table_rows",
]

PLAIN_KINDS = ("activation", "add", "pool_avg", "pool_max")
"""What nearly every network has; of these alone the printed report makes no table."""

HEADS = ("<kind", "nodes", "operations", "energy", "share", "<unit", "clocks")
"""Columns of the table."""


def digital_rows(plan: Plan, energy: float) -> tuple[dict[str, Any], ...]:
    """List what the digital operations of one inference cost, by kind, the dearest first.

    Parameters
    ----------
    plan : Plan
    energy : float
        Of one inference [J], for the shares.

    Returns
    -------
    tuple of dict
        ``kind``, ``nodes``, ``operations``; ``actions`` (name -> number) that are counted for them;
        dynamic ``energy`` [J] of the units and its ``share`` of an inference, None where no unit is
        modelled; ``units``: unit of a tile -> clocks that one of them would be busy.
    """
    prices: dict[str, float] = {}
    for _, action, each in action_energies(plan.arch):
        prices[action] = prices.get(action, 0.0) + each
    found: dict[str, dict[str, Any]] = {}
    for node in plan.workload:
        if node.is_product or node.kind in MOVE_KINDS:
            continue
        row = found.setdefault(
            node.kind, {"kind": node.kind, "nodes": 0, "operations": 0, "actions": {}}
        )
        work = digital_work(node)
        row["nodes"] += 1
        row["operations"] += sum(work.values()) if is_known(node) else node.operations
        for action, number in work.items():
            row["actions"][action] = row["actions"].get(action, 0) + number
        row["energy"] = None
        if is_known(node):
            row["energy"] = fsum(prices[action] * n for action, n in row["actions"].items())
    widths = {"vector": plan.arch.tile.vector_lanes, "matmul": plan.arch.tile.matmul_macs}
    for row in found.values():
        known = row["energy"] is not None
        row["share"] = row["energy"] / energy if known and energy else None
        work = {unit: sum(actions_of_unit(row["actions"], unit).values()) for unit in widths}
        row["units"] = {unit: -(-n // widths[unit]) for unit, n in work.items() if n}
    return tuple(sorted(found.values(), key=lambda row: -(row["energy"] or -1.0)))


def actions_of_unit(actions: Mapping[str, int], unit: str) -> dict[str, int]:
    """Return those of the actions that a unit of a tile does."""
    return {action: n for action, n in actions.items() if UNITS.get(action) == unit}


def built_components(report: Report) -> dict[str, dict[str, float]]:
    """Return the components of a report without those that its network does not need."""
    return {
        name: cost
        for name, cost in report.components.items()
        if name not in ON_DEMAND or cost["energy"] or cost["area"]
    }


def table_rows(report: Report) -> list[list[str]]:
    """Write the rows of the digital work, as under `HEADS`."""
    return [
        [
            row["kind"],
            str(row["nodes"]),
            f"{row['operations']:,.0f}",
            "not known" if row["energy"] is None else text(row["energy"], "J"),
            "-" if row["share"] is None else f"{100 * row['share']:.1f} %",
            ", ".join(row["units"]) or "-",
            " + ".join(f"{clocks:,.0f}" for clocks in row["units"].values()) or "-",
        ]
        for row in report.digital or ()
    ]


def digital_table(report: Report, width: int) -> str:
    """Write the digital work as a table; nothing where it is only what every network has.

    Parameters
    ----------
    report : Report
    width : int
        Columns of the terminal.
    """
    if all(row["kind"] in PLAIN_KINDS for row in report.digital or ()):
        return ""
    return table(
        HEADS, table_rows(report), title="digital work by kind, clocks of one tile", width=width
    )
