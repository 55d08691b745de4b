"""Two reports side by side: what was changed, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from crossbar.report.bottleneck import PATH_PARTS, by_part
from crossbar.report.facts import Facts
from crossbar.report.report import Report
from crossbar.report.sequence_words import length_words, sequence_numbers

__all__ = ["Difference", "Row", "changed_hardware", "compare_reports"]

FORMAT = "crossbar.difference"
"""What the ``format`` key of a printed difference says."""

SCHEMA = 1
"""Version of its layout."""

_SAME = 1e-9
"""Floats that are nearer are the same: sums over batches of other sizes round otherwise."""

_LABELS = ("description", "source")
_WHOLE = ("replication",)
"""Settings that are compared as one, although they may name one number a layer."""

_LAYER_NUMBERS = ("energy", "time", "arrays", "replicas", "busy", "load")


@dataclass(frozen=True)
class Row:
    """One number or setting of two reports.

    Parameters
    ----------
    key : str
        Dotted, as `crossbar.report.explain_number` takes it.
    a, b
        Values; None where a report has none.
    """

    key: str
    a: Any
    b: Any

    @property
    def is_equal(self) -> bool:
        """Whether both are the same, floats to nine digits."""
        if _is_number(self.a) and _is_number(self.b):
            return math.isclose(self.a, self.b, rel_tol=_SAME)
        return bool(self.a == self.b)

    @property
    def change(self) -> float | None:
        """``b - a``, 0 for equal ones; None when either is no number."""
        if not (_is_number(self.a) and _is_number(self.b)):
            return None
        return 0 if self.is_equal else self.b - self.a

    @property
    def relative(self) -> float | None:
        """Change over ``a``; None when that is 0 or no number, or too small to divide by."""
        change = self.change
        if change is None or not self.a:
            return None
        ratio = change / self.a
        return ratio if math.isfinite(ratio) else None


@dataclass(frozen=True)
class Difference:
    """What differs between two reports.  Prints as text of 80 columns.

    Parameters
    ----------
    a, b : dict
        ``workload``, ``arch``, ``images``, ``seed`` of each report.
    hardware : tuple of Row
        Keys of the hardware description that differ.
    scenario : tuple of Row
        What else was asked for or used and differs: data, observer, faults, seed, versions ...
    totals : tuple of Row
        Every total, in the order of the report.
    components : tuple of Row
        ``adc.energy``, ``adc.leakage`` [J], ``adc.area`` [m^2] ...
    layers : tuple of Row
        ``conv1.energy`` [J], ``conv1.time`` [s], ``conv1.arrays``, ``conv1.replicas``,
        ``conv1.busy`` [clocks], ``conv1.load``, ``conv1.idle.starved`` [clocks] and every other
        cause, of the layers that both reports have.
    digital : tuple of Row
        ``softmax.energy`` [J], ``softmax.operations``, ``softmax.nodes`` ... of digital work.
    counts : tuple of Row
        Actions of one inference.
    layers_only_in : tuple of two tuples of str
        Layers that only the first and only the second report has.
    notes_only_in : tuple of two tuples of str
        What only the first and only the second says that its numbers leave out or assume.
    """

    a: dict[str, Any]
    b: dict[str, Any]
    hardware: tuple[Row, ...]
    scenario: tuple[Row, ...]
    totals: tuple[Row, ...]
    components: tuple[Row, ...]
    layers: tuple[Row, ...]
    digital: tuple[Row, ...]
    counts: tuple[Row, ...]
    layers_only_in: tuple[tuple[str, ...], tuple[str, ...]]
    notes_only_in: tuple[tuple[str, ...], tuple[str, ...]]

    def __str__(self) -> str:
        from crossbar.report.difference_text import difference_table

        return difference_table(self)

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        numbers = (*self.totals, *self.components, *self.layers, *self.digital, *self.counts)
        others = (*self.layers_only_in, *self.notes_only_in)
        return not (self.hardware or self.scenario or any(others)) and all(
            row.is_equal for row in numbers
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON-able data; equal numbers are in it, equal settings are not."""
        groups = ("hardware", "scenario", "totals", "components", "layers", "digital", "counts")
        data: dict[str, Any] = {"format": FORMAT, "schema": SCHEMA, "a": self.a, "b": self.b}
        for group in groups:
            is_setting = group in ("hardware", "scenario")
            data[group] = [_plain(row, is_setting) for row in getattr(self, group)]
        for name, (a, b) in (("layers", self.layers_only_in), ("notes", self.notes_only_in)):
            data[f"{name}_only_in"] = {"a": list(a), "b": list(b)}
        return data


def compare_reports(
    a: Report, b: Report, *, names: tuple[str, str] = ("first report", "second report")
) -> Difference:
    """Compare two reports, of whatever networks and hardware.

    Parameters
    ----------
    a, b : Report
        The first is what changes are relative to.
    names : tuple of two str
        What errors call them.

    Returns
    -------
    Difference

    Raises
    ------
    DataError
        If a row of a report lacks its number.
    """
    facts = Facts(a, names[0]), Facts(b, names[1])
    names_a, names_b = (list(each.layers) for each in facts)
    both = [name for name in names_a if name in facts[1].layers]
    hardware = _settings(_hardware(a), _hardware(b))
    known = set(map(repr, hardware))
    scenario = _settings(_scenario(a), _scenario(b))
    components = dict.fromkeys((*a.components, *b.components))
    return Difference(
        a=_head(a),
        b=_head(b),
        hardware=hardware,
        scenario=tuple(row for row in scenario if repr(row) not in known),
        totals=_rows(_totals(a), _totals(b)),
        components=tuple(
            Row(f"{name}.{what}", *(_cost(each, name, what) for each in facts))
            for what in ("energy", "leakage", "area")
            for name in components
        ),
        layers=(
            *(
                Row(f"{name}.{what}", *(each.of_layer(name, what) for each in facts))
                for what in _LAYER_NUMBERS
                for name in both
            ),
            *(row for name in both for row in _idle_rows(name, *facts)),
        ),
        digital=_rows(_digital(a), _digital(b)),
        counts=_rows(a.counts, b.counts),
        layers_only_in=(_without(names_a, names_b), _without(names_b, names_a)),
        notes_only_in=(_without(a.notes, b.notes), _without(b.notes, a.notes)),
    )


def changed_hardware(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Row, ...]:
    """Compare two hardware descriptions as `Arch.to_dict` gives them; names are no hardware."""
    return _settings(_described(a), _described(b))


def _described(arch: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in _flat(arch).items() if key not in _LABELS}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _head(report: Report) -> dict[str, Any]:
    keys = ("workload", "arch", "images", "seed")
    return {key: getattr(report, key) for key in keys}


def _totals(report: Report) -> dict[str, Any]:
    """Pick the totals by the names that `crossbar.report.explain_number` takes."""
    data = {key: getattr(report, key) for key in ("accuracy", "float_accuracy", "digital_accuracy")}
    data |= {f"metrics.{name}": value for name, value in report.metrics.items()}
    data.pop("metrics.accuracy", None)  # the same as accuracy
    keys = ("energy", "latency", "cycles", "throughput", "area")
    data |= {key: getattr(report, key) for key in keys}
    for group in ("bound", "stream", "power", "programming", "wear", "chip"):
        data |= {f"{group}.{k}": value for k, value in (getattr(report, group) or {}).items()}
    waits = report.stream["waits_for"]
    data["stream.waits_for"] = waits and waits["cause"]
    data.pop("stream.images")  # how long it took to find the pace says nothing about the chip
    path = dict.fromkeys(PATH_PARTS, 0) | by_part(report)
    data |= {f"critical_path.{what}": cycles for what, cycles in path.items()}
    return data | {f"sequences.{k}": value for k, value in sequence_numbers(report).items()}


def _digital(report: Report) -> dict[str, Any]:
    """Costs of digital work by kind; nothing of a report that does not tell them."""
    return {
        f"{row['kind']}.{what}": row[what]
        for what in ("energy", "operations", "nodes")
        for row in report.digital or ()
    }


def _hardware(report: Report) -> dict[str, Any]:
    arch = report.scenario.get("arch")
    return _described(arch if isinstance(arch, Mapping) else {"arch": report.arch})


def _scenario(report: Report) -> dict[str, Any]:
    """Everything but the hardware that decides the numbers."""
    rest = {key: value for key, value in report.scenario.items() if key != "arch"}
    return {
        "workload": report.workload,
        **_flat({"precision": report.precision}),
        **_flat(rest),
        "tokens": length_words(report),
        "images": report.images,
        "seed": report.seed,
        "latency_kind": report.latency_kind,
        **_flat({"versions": report.versions}),
    }


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys to dotted ones."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        whole = f"{prefix}{key}" in _WHOLE
        if isinstance(value, Mapping) and not whole:  # an empty one sets nothing
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _rows(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Row, ...]:
    return tuple(Row(key, a.get(key), b.get(key)) for key in dict.fromkeys((*a, *b)))


def _settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[Row, ...]:
    return tuple(row for row in _rows(a, b) if not row.is_equal)


def _idle_rows(layer: str, a: Facts, b: Facts) -> tuple[Row, ...]:
    """Compare the idle clocks of a layer; a cause that one report does not name is 0 there."""
    of_a, of_b = a.idle_of(layer), b.idle_of(layer)
    return tuple(
        Row(f"{layer}.idle.{cause}", of_a.get(cause, 0), of_b.get(cause, 0))
        for cause in dict.fromkeys((*of_a, *of_b))
    )


def _cost(facts: Facts, component: str, what: str) -> float | None:
    return facts.cost(component, what) if component in facts.report.components else None


def _without(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    hidden = set(others)
    return tuple(name for name in names if name not in hidden)


def _plain(row: Row, is_setting: bool) -> dict[str, Any]:
    data = {"key": row.key, "a": row.a, "b": row.b}
    return data if is_setting else {**data, "change": row.change, "relative": row.relative}
