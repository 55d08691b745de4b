"""How fast cells that are programmed in every inference wear out."""

from __future__ import annotations

from typing import Any

from crossbar.device.programming import mean_write_pulses
from crossbar.mapping.plan import Plan
from crossbar.mapping.plan_text import counted
from crossbar.report.facts import Facts
from crossbar.report.head import duration
from crossbar.report.report import Report
from crossbar.report.trace import Term, given, product
from crossbar.timing import Counts

__all__ = ["WEAR", "at_pace", "wear_number", "wear_row", "wear_words"]

WEAR = ("writes_per_inference", "cells", "endurance", "inferences_to_failure", "lifetime")
"""Keys of the block."""


def wear_row(plan: Plan, counts: Counts, throughput: float) -> dict[str, Any] | None:
    """Say how often cells are programmed and how long they live; None where none is at run time.

    Parameters
    ----------
    plan : Plan
    counts : Counts
    throughput : float
        Inferences a second [1/s].
    """
    cells = counts.total("runtime_writes")
    if not cells:
        return None
    pulses, endurance = mean_write_pulses(plan.arch), plan.arch.cell.endurance
    row = {
        "writes_per_inference": pulses,
        "cells": int(cells),
        "endurance": endurance,
        "inferences_to_failure": None if endurance is None else endurance / pulses,
    }
    return at_pace(row, throughput)


def at_pace(row: dict[str, Any] | None, throughput: float) -> dict[str, Any] | None:
    """Return the block with the lifetime [s] at so many inferences a second."""
    if row is None:
        return None
    left = row["inferences_to_failure"]
    return {**row, "lifetime": None if left is None else left / throughput}


def wear_words(report: Report) -> str:
    """Write it for people; empty where nothing is programmed at run time."""
    wear = report.wear
    if wear is None:
        return ""
    pulses = wear["writes_per_inference"]
    words = (
        f"{counted(int(wear['cells']), 'cell')} programmed in every inference,"
        f" {pulses:.4g} pulse{'' if pulses == 1 else 's'} each"
    )
    if wear["lifetime"] is None:
        return f"{words}; how long they last is not known (cell.endurance)"
    return f"{words}; worn out after {duration(wear['lifetime'])} without a pause"


def wear_number(facts: Facts, key: str) -> Term:
    """Trace a number of the block."""
    wear = facts.report.wear or {}
    value, pulses = wear.get(key), mean_write_pulses(facts.arch)
    if key == "writes_per_inference":
        term = given("mean pulses of a cell", pulses, note="every cell once in an inference")
        return facts.agreed(term, value, "wear.writes_per_inference")
    if key == "cells":
        count = facts.count("runtime_writes")
        return facts.agreed(given("runtime_writes", count), value, "wear.cells")
    if key == "endurance" or value is None:
        note = "cell.endurance" + ("" if value is not None else ": left out, nothing is stated")
        return given(f"{key} in pulses" if key == "endurance" else key, value, note=note)
    endurance = given("cell.endurance", facts.arch.cell.endurance)
    each = given("writes_per_inference", pulses, name="wear.writes_per_inference").under()
    parts, unit, note = [endurance, each], "", "the mean cell; the one that fails first does sooner"
    if key == "lifetime":
        parts.append(given("throughput", facts.report.throughput, "1/s", name="throughput").under())
        unit, note = "s", "inferences follow one another without a gap"
    return facts.agreed(product(key, unit, parts, note=note), value, f"wear.{key}")
