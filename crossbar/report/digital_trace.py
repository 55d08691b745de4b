"""Traces of the digital work by kind of operation: its energy, its share, the clocks of a unit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from crossbar.energy.sources import energy_origins
from crossbar.report.digital import actions_of_unit
from crossbar.report.facts import Facts
from crossbar.report.origin_terms import origin_term
from crossbar.report.trace import Term, given, product, round_up, total

__all__ = ["digital_traces"]

_COUNTED = {
    "nodes": "nodes of the kind",
    "operations": "scalar operations of one inference, as crossbar.workload.operations counts them",
}


def digital_traces(facts: Facts) -> Iterator[tuple[str, tuple[Callable[[Facts], Term], ...]]]:
    """List the numbers of the digital work by their full names, and what traces each."""
    for row in facts.report.digital or ():
        full = f"digital.{row['kind']}"
        energy, share = partial(_energy, row=row), partial(_share, row=row)
        yield full, (energy, share)
        yield f"{full}.energy", (energy,)
        yield f"{full}.share", (share,)
        for key in _COUNTED:
            yield f"{full}.{key}", (partial(_counted, row=row, key=key),)
        for action in row["actions"]:
            yield f"{full}.actions.{action}", (partial(_action, row=row, action=action),)
        for unit in row["units"]:
            yield f"{full}.units.{unit}", (partial(_clocks, row=row, unit=unit),)


def _energy(facts: Facts, row: Mapping[str, Any]) -> Term:
    """Trace the energy of a kind to its actions and their prices."""
    what = f"energy of {row['kind']} in one inference"
    if row["energy"] is None:
        return given(what, None, "J", note="no unit is modelled for it")
    prices: dict[str, list[Term]] = {}
    for (_, action), origin in energy_origins(facts.arch).items():
        price = origin_term(f"energy of {origin.of}", "J", origin)
        prices.setdefault(action, []).append(price)
    parts = [
        product(f"energy of {action}", "J", [given(action, number), price])
        for action, number in row["actions"].items()
        for price in prices[action]
    ]
    note = "of the units alone; buffers, buses and routers are their own components"
    term = total(what, "J", parts, note=note)
    return facts.agreed(term, row["energy"], f"digital.{row['kind']}.energy")


def _share(facts: Facts, row: Mapping[str, Any]) -> Term:
    """Trace the share of a kind in the energy of one inference."""
    name = f"digital.{row['kind']}"
    what = f"share of {row['kind']}"
    if row["share"] is None:
        return given(what, None, "%", note="no unit is modelled for it, or nothing costs energy")
    parts = [
        given(f"energy of {row['kind']}", row["energy"], "J", name=f"{name}.energy"),
        given("energy of one inference", facts.report.energy, "J", name="energy").under(),
    ]
    return facts.agreed(product(what, "%", parts), row["share"], f"{name}.share")


def _counted(facts: Facts, row: Mapping[str, Any], key: str) -> Term:
    return given(f"{key} of {row['kind']}", row[key], note=_COUNTED[key])


def _action(facts: Facts, row: Mapping[str, Any], action: str) -> Term:
    return given(f"{action} of {row['kind']}", row["actions"][action])


def _clocks(facts: Facts, row: Mapping[str, Any], unit: str) -> Term:
    """Trace the clocks that one unit of a tile would be busy."""
    what = f"clocks of {row['kind']} in a {unit} unit"
    note = "of one tile's unit; the layers' tiles share the work, see resources for theirs"
    if facts.report.sequences is not None:
        return given(what, row["units"][unit], "clock", note=f"mean over the samples, {note}")
    tile = facts.arch.tile
    key = {"vector": "vector_lanes", "matmul": "matmul_macs"}[unit]
    done = [given(k, n) for k, n in actions_of_unit(row["actions"], unit).items()]
    work = done[0] if len(done) == 1 else total(f"operations in a {unit} unit", "", done)
    parts = [work, given(f"tile.{key}", getattr(tile, key)).under()]
    term = round_up(what, "clock", parts, note=note)
    return facts.agreed(term, row["units"][unit], f"digital.{row['kind']}.units.{unit}")
