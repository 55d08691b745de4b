"""The table of a study as text that fits a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from crossbar.study.csv_file import POINTS, cell_text
from crossbar.study.quantities import QUANTITIES, measured, quantity_text
from crossbar.tables import table

__all__ = ["table_text"]

_WIDTH = 80
_ROWS = 40
_ERRORS = 5
_LEAST_USEFUL = (
    *("power.peak", "power.average", "throughput", "area"),
    *("float_accuracy", "latency", "digital_accuracy", "energy"),
)
"""Columns that are left out first where a line is too long."""

_HEADS = {
    "power.average": "power",
    "power.peak": "peak power",
    "throughput": "inferences",
    "accuracy_std": "+-",
    "accuracy_worst": "worst",
    "digital_accuracy": "digital",
    "float_accuracy": "float",
}


def table_text(name: str, axes: Sequence[str], held: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write a study in 80 columns: its name, what is held equal, points, errors.

    An axis that has one value stands above the table; numbers that nobody measured are left out,
    then the least useful ones until a line fits.
    """
    one = [axis for axis in axes if len({cell_text(row[axis]) for row in rows}) == 1]
    if len(one) == len(axes) and len(rows) == 1:
        one = []
    varied = [axis for axis in axes if axis not in one]
    head = [f"{name}: {_count(rows)}"]
    head += _wrapped(held) if held else []
    head += [line for axis in one for line in _wrapped(f"{axis}: {_cell(rows[0][axis])}")]
    if not rows:
        return "\n".join(head)
    shown = rows[:_ROWS]
    numbers = list(measured(rows))
    unfinished = ["status"] if any(row["status"] != "done" for row in rows) else []
    for least in ("", *_LEAST_USEFUL):
        numbers = [number for number in numbers if number != least]
        cells = [_line(row, varied, numbers, unfinished) for row in shown]
        heads = [*varied, *(_HEADS.get(number, number) for number in numbers), *unfinished]
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        if sum(widths) + 2 * len(widths) <= _WIDTH:
            break
    body = table(heads, cells, width=_WIDTH)
    foot = []
    if len(rows) > len(shown):
        foot.append(f"{len(rows) - len(shown)} points more: {POINTS} has all")
    left_out = [number for number in measured(rows) if number not in numbers]
    if left_out:
        foot += _wrapped(f"not shown: {', '.join(left_out)} ({POINTS} has all)")
    return "\n".join([*head, body, *([""] if foot else []), *foot, *_errors(rows, varied)])


def _line(
    row: Mapping[str, Any], axes: Sequence[str], numbers: Sequence[str], status: Sequence[str]
) -> list[str]:
    found = [quantity_text(QUANTITIES[number], row[number]) for number in numbers]
    return [*(_cell(row[axis]) for axis in axes), *found, *(row[each] for each in status)]


def _cell(value: Any) -> str:
    text = cell_text(value)
    if isinstance(value, float):
        text = f"{value:.6g}"
    return text if len(text) <= 24 else f"{text[:21]}..."


def _count(rows: Sequence[Mapping[str, Any]]) -> str:
    """``24 points, 1 of them failed, 2 not computed yet``."""
    failed = sum(row["status"] == "failed" for row in rows)
    left = sum(row["status"] in ("pending", "running") for row in rows)
    words = [f"{len(rows)} point{'' if len(rows) == 1 else 's'}"]
    words += [f"{failed} failed"] if failed else []
    words += [f"{left} not computed yet"] if left else []
    return ", ".join(words)


def _errors(rows: Sequence[Mapping[str, Any]], axes: Sequence[str]) -> list[str]:
    """Say why points failed, the first few of them, one line each."""
    failed = [row for row in rows if row["status"] == "failed"]
    lines = ["", "failed"] if failed else []
    for row in failed[:_ERRORS]:
        point = ", ".join(f"{axis} {_cell(row[axis])}" for axis in axes)
        lines += _wrapped(f"{point}: {cell_text(row['error'])}" if point else str(row["error"]))
    if len(failed) > _ERRORS:
        lines.append(f"and {len(failed) - _ERRORS} more: {POINTS} has all")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
