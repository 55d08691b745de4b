"""A Difference as text for a terminal: what was changed first, then what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crossbar.mapping.plan_text import counted
from crossbar.report.difference import Difference, Row
from crossbar.report.lines import WIDTH, broken_line, tail, wrapped
from crossbar.report.trace import quantity
from crossbar.tables import table

__all__ = ["difference_table", "setting_text"]

_DIGITS = 4
_SHOWN = 10
_NAME = 28
_TEXT = 16
_TOTAL_UNITS = {
    "energy": "J",
    "latency": "s",
    "throughput": "1/s",
    "area": "m^2",
    "cycles": "clock",
    "bound.latency": "s",
    "bound.throughput": "1/s",
    "stream.interval": "clock",
    "critical_path": "clock",
    "power": "W",
    "power.window": "s",
    "programming.energy": "J",
    "programming.latency": "s",
    "wear.lifetime": "s",
    "accuracy": "%",
    "float_accuracy": "%",
    "digital_accuracy": "%",
    "metrics.agreement": "%",
    "metrics.digital_agreement": "%",
    "chip.utilisation": "%",
    "sequences.per_second": "1/s",
    "sequences.energy_per_token": "J",
}
_TABLES = (
    ("components", "energy", "J", "energy by component"),
    ("components", "area", "m^2", "area by component"),
    ("digital", "energy", "J", "energy of digital work by kind"),
    ("layers", "energy", "J", "energy by layer"),
    ("layers", "time", "s", "time by layer"),
    ("layers", "load", "%", "load by layer"),
    ("layers", "idle", "clock", "idle clocks by layer and cause"),
    ("layers", "replicas", "", "copies by layer"),
    ("layers", "arrays", "", "arrays by layer"),
)
"""Group, number, unit, title; components leak what the totals say."""

_SAID = {"pool": "pool: compares (pooling, token scales)"}
_SAID["pool_ops"] = _SAID["pool"].replace("pool:", "pool_ops:")
"""Names of rows that say too little."""


def difference_table(
    difference: Difference, *, names: tuple[str, str] = ("", ""), complete: bool = False
) -> str:
    """Write a difference for people; 80 columns.

    Parameters
    ----------
    difference : Difference
    names : tuple of two str
        What the reports are called, e.g. their files.
    complete : bool
        Whether all layers that changed are listed, not only those that changed most.
    """
    blocks = ["\n".join(_heads(difference, names))]
    if difference.is_empty:
        return "\n\n".join([*blocks, "no difference"])
    blocks += _settings("hardware", difference.hardware)
    blocks += _settings("scenario", difference.scenario)
    units = {row.key: _unit_of_total(row.key) for row in difference.totals}
    blocks += _numbers("totals", difference.totals, units, None)
    limit = None if complete else _SHOWN
    for group, what, unit, title in _TABLES:
        rows = _rows_of(getattr(difference, group), what)
        if (not unit or group == "digital") and all(row.is_equal for row in rows):
            continue
        rows.sort(key=lambda row: -abs(row.change or 0))
        units = dict.fromkeys((row.key for row in rows), unit)
        blocks += _numbers(title, rows, units, limit if group == "layers" else None)
        if what == "replicas":
            break  # with other copies there are other arrays
    counts = sorted(difference.counts, key=lambda row: -abs(row.relative or 0))
    units = dict.fromkeys((row.key for row in counts), "")
    blocks += _numbers("counts", counts, units, None)
    blocks += _only(difference)
    return "\n\n".join(blocks)


def _rows_of(rows: Sequence[Row], what: str) -> list[Row]:
    """Pick one number of all components or layers; of idle clocks, those of every cause."""
    if what == "idle":
        parts = [(row, *row.key.rpartition(".idle.")) for row in rows]
        return [Row(f"{name} {cause}", row.a, row.b) for row, name, point, cause in parts if point]
    end = f".{what}"
    return [
        Row(row.key.removesuffix(end), row.a, row.b)
        for row in rows
        if row.key.endswith(end) and ".idle." not in row.key
    ]


def _heads(difference: Difference, names: tuple[str, str]) -> Iterator[str]:
    for letter, name, head in zip("AB", names, (difference.a, difference.b), strict=True):
        images = "" if head["images"] is None else f", {counted(head['images'], 'sample')}"
        start = f"{name}: " if name else ""
        line = f"{start}{head['workload']} on {head['arch']}{images}, seed {head['seed']}"
        yield from broken_line(f"{letter}  ", line, 3)
    a, b = difference.a["workload"], difference.b["workload"]
    if a != b:
        shared = len(_rows_of(difference.layers, "energy"))
        have = "layer has" if shared == 1 else "layers have"
        line = f"different networks; {shared} {have} the same name in both"
        yield from broken_line("", line, 0)


def _settings(title: str, rows: Sequence[Row]) -> list[str]:
    """Write what was changed, old -> new."""
    if not rows:
        return [f"{title}: equal"]
    wide = min(max(len(row.key) for row in rows), _NAME)
    lines = [f"{title}: {counted(len(rows), 'key')} changed"]
    for row in rows:
        start = f"  {row.key:<{wide}}  "
        lines += broken_line(start, f"{setting_text(row.a)} -> {setting_text(row.b)}", wide + 4)
    return ["\n".join(lines)]


def setting_text(value: Any) -> str:
    """Write the value of a setting: ``"not set"``, ``"conv1: 4, fc: 2"`` ..."""
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {setting_text(each)}" for key, each in value.items()) or "nothing"
    return value if isinstance(value, str) else json.dumps(value)


def _numbers(
    title: str, rows: Sequence[Row], units: dict[str, str], limit: int | None
) -> list[str]:
    """Write the rows that changed, and how many did not."""
    changed = [row for row in rows if not row.is_equal]
    equal = len(rows) - len(changed)
    if not rows:
        return []
    if not changed:
        return [f"{title}: all {equal} equal"]
    head = f"{title}: {len(changed)} changed, {equal} equal"
    shown = changed[:limit]
    heads = ("A", "B", "change", "")
    numbers = [_cells(row, units[row.key]) for row in shown]
    taken = sum(max(map(len, column)) for column in zip(heads, *numbers, strict=True))
    room = WIDTH - taken - len(heads) - 3  # a blank before every column and at both ends
    block = table(
        ["<", *heads],
        [
            [wrapped(_SAID.get(row.key, row.key), room), *cells]
            for row, cells in zip(shown, numbers, strict=True)
        ],
        title=head,
        width=WIDTH,
    )
    hidden = len(changed) - len(shown)
    if hidden:
        block += f"\nand {hidden} that changed less (--all lists them)"
    return [block]


def _cells(row: Row, unit: str) -> tuple[str, str, str, str]:
    """Write both values, the change and the relative change."""
    a, b = (_value(value, unit) for value in (row.a, row.b))
    if row.change is None:
        return a, b, "-", ""
    sign = "+" if row.change > 0 else "-"
    if unit == "%":
        return a, b, f"{sign}{100 * abs(row.change):.2f} points", ""
    change = f"{sign}{_value(abs(row.change), unit)}"
    if row.relative is None:
        return a, b, change, ""
    if row.relative >= 9:
        ratio = row.b / row.a
        return a, b, change, f"x {ratio:,.0f}" if ratio >= 100 else f"x {ratio:.3g}"
    return a, b, change, f"{100 * row.relative:+.1f} %"


def _value(value: Any, unit: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return tail(value, _TEXT)
    return f"{100 * value:.2f} %" if unit == "%" else quantity(value, unit, _DIGITS)


def _unit_of_total(key: str) -> str:
    return _TOTAL_UNITS.get(key) or _TOTAL_UNITS.get(key.partition(".")[0], "")


def _only(difference: Difference) -> Iterator[str]:
    """Write what stands in one of the reports only."""
    for letter, names in zip("AB", difference.layers_only_in, strict=True):
        if names:
            count = counted(len(names), "layer")
            yield "\n".join(broken_line(f"only in {letter}: ", f"{count}: {', '.join(names)}", 2))
    for letter, notes in zip("AB", difference.notes_only_in, strict=True):
        if notes:
            lines = [f"what only {letter} leaves out or assumes:"]
            for note in notes:
                lines += broken_line("- ", note, 2)
            yield "\n".join(lines)
