"""What a report's file says, checked: the inputs of every trace."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from crossbar.arch import Arch, load_arch
from crossbar.energy import COMPONENTS
from crossbar.energy.units import BUILT_FOR, ON_DEMAND, chip_units
from crossbar.errors import DataError, InputError
from crossbar.report.damage import found
from crossbar.report.report import Report
from crossbar.report.trace import Term
from crossbar.timing import ACTIONS

__all__ = ["Facts"]


class Facts:
    """The numbers of a report by name, and the hardware that it was made with.

    Every lookup raises `DataError` when the report does not have what is asked for, as one that an
    older version wrote or that was made by hand.

    Parameters
    ----------
    report : Report
    source : str
        What errors call it.
    """

    def __init__(self, report: Report, source: str = "report") -> None:
        self.report = report
        self.source = source

    @cached_property
    def arch(self) -> Arch:
        """The hardware, from ``scenario.arch``."""
        given = self.report.scenario.get("arch")
        if not isinstance(given, Mapping):
            raise self._lacks("scenario.arch", "the hardware as `Arch.to_dict` gives it")
        try:
            return load_arch(given)
        except InputError as error:
            lines = [f"{self.source}: scenario.arch: {line}" for line in str(error).splitlines()]
            raise DataError("\n".join(lines)) from error

    @cached_property
    def layers(self) -> Mapping[str, Mapping[str, Any]]:
        """Rows of the layers by name."""
        rows: dict[str, Mapping[str, Any]] = {}
        for place, row in enumerate(self.report.layers):
            if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
                raise self._lacks(f"layers.{place}.name", "a text")
            if row["name"] in rows:
                raise DataError(f"{self.source}: layers.{place}.name: {row['name']!r} twice")
            rows[row["name"]] = row
        if not rows:
            raise self._lacks("layers", "at least one layer")
        return rows

    @cached_property
    def components(self) -> Mapping[str, str]:
        """Components by name, with what people call them.

        A file of an earlier version, which did not price them, is without those that only some
        networks need.
        """
        there = self.report.components
        return {k: v for k, v in COMPONENTS.items() if k in there or k not in ON_DEMAND}

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Actions; a file of an earlier version is without those of the same components."""
        later = (*BUILT_FOR.values(), "embedding_reads", "runtime_writes")
        return tuple(k for k in ACTIONS if k in self.report.counts or k not in later)

    @cached_property
    def units(self) -> frozenset[str]:
        """Digital units that the chip has since its network needs them."""
        return chip_units(self.report.counts)

    def of_layer(self, layer: str, key: str) -> float:
        """A number of a layer's row."""
        return self._number(self.layers[layer], key, f"layers.{layer}")

    def written_in(self, layer: str, key: str) -> float:
        """``write_cycles`` or ``ideal_write_cycles`` of a layer; 0 in files without them."""
        return self.of_layer(layer, key) if key in self.layers[layer] else 0.0

    def inside_layer(self, layer: str, group: str, key: str) -> float:
        """A number of an object in a layer's row."""
        where = f"layers.{layer}"
        held = self._mapping(self.layers[layer], group, where)
        return self._number(held, key, f"{where}.{group}")

    def idle_of(self, layer: str) -> dict[str, int]:
        """Idle clocks of a layer's arrays by cause, summed over copies."""
        where = f"layers.{layer}"
        idle = self._mapping(self.layers[layer], "idle", where)
        return {cause: int(self._number(idle, cause, f"{where}.idle")) for cause in idle}

    def energy_in(self, layer: str, component: str) -> float:
        """Energy of a component in a layer [J]."""
        return self._number(
            self._mapping(self.layers[layer], "components", f"layers.{layer}"),
            component,
            f"layers.{layer}.components",
        )

    def count_in(self, layer: str, action: str) -> float | None:
        """Actions of a layer; None when they were not measured."""
        where = f"layers.{layer}"
        counts = self._mapping(self.layers[layer], "counts", where)
        if action == "saturations" and action in counts and counts[action] is None:
            return None
        return self._number(counts, action, f"{where}.counts")

    def count(self, action: str) -> float | None:
        """Actions of the whole network; None when they were not measured."""
        if action == "saturations" and self.report.counts.get(action, 0) is None:
            return None
        return self._number(self.report.counts, action, "counts")

    def cost(self, component: str, what: str) -> float:
        """``energy`` or ``leakage`` [J] or ``area`` [m^2] of a component."""
        costs = self._mapping(self.report.components, component, "components")
        return self._number(costs, what, f"components.{component}")

    def of_chip(self, key: str) -> float:
        """A number of the chip."""
        return self._number(self.report.chip, key, "chip")

    def check_components(self) -> None:
        """Refuse components that this version does not know, which a sum would leave out."""
        unknown = [name for name in self.report.components if name not in COMPONENTS]
        if unknown:
            raise DataError(f"{self.source}: components.{unknown[0]}: no component of this version")

    def agreed(self, term: Term, reported: float | None, where: str) -> Term:
        """Return the term, whose value must be what the report says.

        Raises
        ------
        DataError
            When it is not: another version of the costs, or a file changed by hand.
        """
        if term.value is None or reported is None:
            same = term.value is reported
        else:
            same = math.isclose(term.value, reported, rel_tol=1e-9)
        if not same:
            version = self.report.versions.get("crossbar", "?")
            raise DataError(
                f"{self.source}: {where}: the report says {reported!r}, what it is made of gives"
                f" {term.value!r}: another version wrote it (crossbar {version}), or it was"
                " changed by hand; run it again"
            )
        return term

    def _number(self, data: Mapping[str, Any], key: str, where: str) -> float:
        value = data.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._lacks(f"{where}.{key}", "a number", value, key in data)
        return value

    def _mapping(self, data: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
        value = data.get(key)
        if not isinstance(value, Mapping):
            raise self._lacks(f"{where}.{key}", "an object", value, key in data)
        return value

    def _lacks(
        self, where: str, expected: str, value: object = None, present: bool = False
    ) -> DataError:
        held = found(value) if present else "missing"
        return DataError(
            f"{self.source}: {where}: {held}, where {expected} belongs; an older version wrote"
            " the report, or it was made by hand: run it again"
        )
