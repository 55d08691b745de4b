"""The axes of a study as figures show them: which values, in which order, where they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import log
from typing import Any, Literal

from crossbar import units
from crossbar.arch.fields import Measured, shown
from crossbar.arch.keys import key_table
from crossbar.errors import UnknownNameError
from crossbar.report.lines import clean

__all__ = ["Scale", "find_scale", "is_seed", "make_scales", "value_number", "value_text"]

_CONDITIONS = ("workload", "model", "data", "faults", "images")
_UNEVEN = 12.0
"""Widest over narrowest gap above which values stand at even distances instead."""


def is_seed(key: str) -> bool:
    """Tell whether the values of an axis only repeat a point with other random numbers."""
    return key.rpartition(".")[2] == "seed"


def identity(value: Any) -> tuple[str, Any]:
    """Return what tells values of an axis apart; 64 and 64.0 are the same, 1 and true are not."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", float(value)
    return "text", json.dumps(value, sort_keys=True, default=str)


@dataclass(frozen=True)
class Scale:
    """One axis, or several keys that move together.

    Parameters
    ----------
    keys : tuple of str
        The first is what the places are of; empty where a study has no axis at all.
    label : str
        What a figure writes at the axis.
    values : tuple
        Identities of the values of the first key, in the order of the figure.
    words : tuple of str
        What to write for each.
    places : tuple of float
        Where each stands.
    kind : str
        ``"linear"``, ``"log"``, or ``"even"``: places are 0, 1, 2 ...
    numeric : bool
        Whether the values are numbers or quantities.
    """

    keys: tuple[str, ...]
    label: str
    values: tuple[tuple[str, Any], ...]
    words: tuple[str, ...]
    places: tuple[float, ...]
    kind: Literal["linear", "log", "even"]
    numeric: bool

    @property
    def many(self) -> bool:
        """Whether there is more than one value."""
        return len(self.values) > 1

    @property
    def seed(self) -> bool:
        """Whether it only repeats points."""
        return bool(self.keys) and all(is_seed(key) for key in self.keys)

    @property
    def condition(self) -> bool:
        """Whether it is what a chip meets and not how it is built: networks, data, faults."""
        return bool(self.keys) and self.keys[0].partition(".")[0] in _CONDITIONS

    def evenly(self) -> Scale:
        """Return the axis with its values at even distances."""
        return replace(self, kind="even", places=tuple(map(float, range(len(self.values)))))

    def index(self, row: Mapping[str, Any]) -> int:
        """Return which of the values a point has."""
        return self._order[identity(row.get(self.keys[0]))] if self.keys else 0

    @cached_property
    def _order(self) -> dict[tuple[str, Any], int]:
        return {value: place for place, value in enumerate(self.values)}


def make_scales(rows: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> tuple[Scale, ...]:
    """Make the scales of a study; keys that always change together share one.

    Parameters
    ----------
    rows : sequence of mapping
        All points, unfinished ones too.
    axes : sequence of str
        Their keys.
    """
    if not axes:
        return (Scale((), "", (("number", 0.0),), ("the only point",), (0.0,), "even", False),)
    columns = {key: [identity(row.get(key)) for row in rows] for key in axes}
    distinct = {key: list(dict.fromkeys(column)) for key, column in columns.items()}
    groups: list[list[str]] = []
    for key in axes:
        for group in groups:
            pairs = set(zip(columns[group[0]], columns[key], strict=True))
            if 1 < len(pairs) == len(distinct[key]) == len(distinct[group[0]]):
                group.append(key)
                break
        else:
            groups.append([key])
    return tuple(_scale(rows, tuple(group)) for group in groups)


def find_scale(scales: Sequence[Scale], key: str) -> Scale:
    """Return the scale that a key belongs to; ``arch.`` before a key is left out.

    Raises
    ------
    UnknownNameError
        The study has no such axis.
    """
    for each in scales:
        if key in each.keys or key.removeprefix("arch.") in each.keys:
            return each
    raise UnknownNameError("axis", key, (name for each in scales for name in each.keys))


def _scale(rows: Sequence[Mapping[str, Any]], keys: tuple[str, ...]) -> Scale:
    first = keys[0]
    found: dict[tuple[str, Any], Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(identity(row.get(first)), row)
    numbers = {each: value_number(first, row.get(first)) for each, row in found.items()}
    order = list(found)
    known = {each: number for each, number in numbers.items() if number is not None}
    numeric = bool(order) and len(known) == len(order)
    if numeric:
        order.sort(key=known.__getitem__)
    same = all(identity(row.get(key)) == each for each, row in found.items() for key in keys)
    joint = keys[:1] if same else keys
    kind = _kind([known[each] for each in order]) if numeric else "even"
    return Scale(
        keys=keys,
        label=clean((" = " if same else " / ").join(keys)),
        values=tuple(order),
        words=tuple(
            " / ".join(value_text(key, found[each].get(key)) for key in joint) for each in order
        ),
        places=tuple(
            float(place) if kind == "even" else known[each] for place, each in enumerate(order)
        ),
        kind=kind,
        numeric=numeric,
    )


def _unit(key: str) -> str | None:
    """Return the SI unit of a key of the hardware that has one."""
    entry = key_table().get(key.removeprefix("arch."))
    return entry.marker.unit if entry and isinstance(entry.marker, Measured) else None


def value_number(key: str, value: Any) -> float | None:
    """Return a value as a number, a quantity in SI; None for text."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    unit = _unit(key)
    return units.parse(value, unit) if unit and isinstance(value, str) else None


def value_text(key: str, value: Any) -> str:
    """Write a value as a figure shows it."""
    unit, number = _unit(key), value_number(key, value)
    if unit and number is not None:
        return units.text(number, unit, 4)
    if number is None:
        return clean(value if isinstance(value, str) else shown(value))
    if number.is_integer() and abs(number) < 1e7:
        return str(int(number))
    digits, e, power = f"{number:.4g}".partition("e")
    return f"{digits}e{int(power)}" if e else digits


def _kind(numbers: Sequence[float]) -> Literal["linear", "log", "even"]:
    """Choose the scale on which sorted numbers stand most evenly."""
    if len(numbers) < 3:
        return "linear"
    uneven = _unevenness(numbers)
    if numbers[0] > 0:
        in_log = _unevenness([log(number) for number in numbers])
        if in_log < uneven and numbers[-1] / numbers[0] >= 4:
            return "log" if in_log <= _UNEVEN else "even"
    return "linear" if uneven <= _UNEVEN else "even"


def _unevenness(numbers: Sequence[float]) -> float:
    gaps = [b - a for a, b in pairwise(numbers)]
    return max(gaps) / min(gaps) if min(gaps) > 0 else float("inf")
