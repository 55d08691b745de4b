"""The tables of the GLUE benchmark, for a terminal and for ``docs/bert.md``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.glue_tasks import TASKS
from crossbar import units
from crossbar.errors import InputError
from crossbar.tables import table

__all__ = ["by_design", "by_task", "costs", "markdown", "observers", "put_into", "quality", "words"]

Row = dict[str, Any]
Layout = Callable[[Sequence[str], Sequence[Sequence[str]]], str]
"""``layout(headings, cells)``, headings of text columns begin with ``<``."""

_SHARES = ("adc", "softmax", "norm")
_COSTS = ("tokens", "energy", "latency", "tokens/s", "ADC", "softmax", "norm", "attention", "time")
"""What an inference costs: four figures, then shares in per cent; `words` says of what."""


def markdown(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Lay out as a table of a Markdown file."""
    heads = [heading.lstrip("<") for heading in columns]
    rule = ["---" if heading.startswith("<") else "---:" for heading in columns]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heads, rule, *cells))


def by_task(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """Group rows: task, then label."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["task"], {})[row["label"]] = row
    return found


def quality(rows: Sequence[Row], layout: Layout = table) -> str:
    """Table of scores, in per cent."""
    labels = list(dict.fromkeys(row["label"] for row in rows))
    cells = []
    for key, points in by_task(rows).items():
        first = next(iter(points.values()))
        scores = [points[label]["score"] if label in points else None for label in labels]
        cells.append(
            [
                TASKS[key].name,
                TASKS[key].metric,
                f"{first['samples']:,}",
                *map(_percent, (first["float"], first["digital"], *scores)),
            ]
        )
    return layout(["<task", "<score", "of", "float", "8-bit", *labels], cells)


def costs(rows: Sequence[Row], layout: Layout = table) -> str:
    """Table of what an inference costs on the first chip, by task."""
    cells = []
    for key, points in by_task(rows).items():
        cells.append([TASKS[key].name, *_costs(next(iter(points.values())))])
    return layout(["<task", *_COSTS], cells)


def by_design(rows: Sequence[Row], layout: Layout = table) -> str:
    """Table of what an inference of the first task costs on each chip."""
    cells = [
        [label, f"{row['arrays']:,}", f"{row['area'] * 1e6:.0f}", *_costs(row)[1:]]
        for label, row in next(iter(by_task(rows).values())).items()
    ]
    return layout(["<chip", "arrays", "mm2", *_COSTS[1:]], cells)


def observers(rows: Sequence[Row], layout: Layout = table) -> str:
    """Table of scores and energy by observer."""
    cells = [
        [
            TASKS[row["task"]].name,
            row["label"],
            *(_percent(row[key], 2) for key in ("float", "digital", "score")),
            units.text(row["energy"], "J"),
        ]
        for row in rows
    ]
    return layout(["<task", "<activations", "float", "8-bit", "crossbar", "energy"], cells)


def words(rows: Sequence[Row]) -> list[str]:
    """Say what the samples of each task are, and what the figures leave out."""
    found = [
        "Scores in per cent; float and 8-bit (integers without crossbars) beside the chips.",
        "ADC, softmax, norm, attention (softmax in it): per cent of the energy; time: the clocks in"
        " which digital units work on attention, in per cent of the latency.",
    ]
    for key, points in by_task(rows).items():
        first = next(iter(points.values()))
        whole = first["float_of_all"]
        of_all = "" if whole is None else f"; {_percent(whole)} in float on all {first['of']:,}"
        found.append(f"{TASKS[key].name}: {first['data']}{of_all}.")
    if "wnli" in by_task(rows):
        found.append("WNLI proves nothing: its dev set contradicts its training set on purpose.")
    unpriced = sorted({kind for row in rows for kind in row["unpriced"]})
    if unpriced:
        found.append(f"Not in these figures, no unit is modelled for them: {', '.join(unpriced)}.")
    return found


def put_into(path: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- name -->`` and ``<!-- end -->`` in a Markdown file.

    Raises
    ------
    InputError
        Where the file has no such place.
    """
    whole = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, mark, after = whole.partition(f"<!-- {name} -->\n")
    _, end, rest = after.partition("<!-- end -->\n")
    if not mark or not end:
        raise InputError(f"{path}: no lines <!-- {name} --> and <!-- end --> to put tables between")
    temporary = path.with_suffix(".tmp")
    temporary.write_text(f"{before}{mark}\n{text}\n\n{end}{rest}", encoding="utf-8")
    os.replace(temporary, path)


def _costs(row: Row) -> list[str]:
    shares = [
        row["components"][part] / row["energy"] if part in row["components"] else None
        for part in _SHARES
    ]
    return [
        f"{row['tokens']:.1f}",
        units.text(row["energy"], "J"),
        units.text(row["latency"], "s"),
        f"{row['throughput'] * row['tokens']:,.0f}",
        *map(_share, (*shares, row["attention"]["energy"], row["attention"]["time"])),
    ]


def _percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f}"


def _share(value: float | None) -> str:
    """Like `_percent`, with a digit more where little is left."""
    return _percent(value, 1 if value is None or value >= 1e-3 else 3)
