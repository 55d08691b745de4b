"""The Report as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossbar.energy import COMPONENTS
from crossbar.mapping.plan_text import counted, units_in_use
from crossbar.report.head import head, precision_words
from crossbar.report.lines import WIDTH, cut_line
from crossbar.report.report import Report
from crossbar.tables import table
from crossbar.units import text

__all__ = ["report_table"]

_HEAVIEST = 5
_NAME = 30
_UNITS = ("arrays", "pes", "tiles", "chip_tiles")
_DYNAMIC = "dynamic: no leakage, programming apart"
_IDLE = "what is idle draws nothing in this model"


def report_table(report: Report) -> str:
    """Write a report for people: totals, energy by component, heaviest layers; 80 columns.

    Parameters
    ----------
    report : Report
    """
    blocks = ["\n".join(_summary(report)), _components(report)]
    blocks += [
        _heaviest(report, f"by {what}", key)
        for what, key in (("energy", "energy"), ("time", "time"))
    ]
    if report.unpriced:
        blocks.append(_unpriced(report.unpriced))
    return "\n\n".join(blocks)


def _summary(report: Report) -> list[str]:
    chip, counts = report.chip, report.counts
    kind = "bound of an unconstrained pipeline" if report.latency_kind == "bound" else ""
    widths = precision_words(report)
    digital = "digital" if " " in widths else f"{widths} digital"
    lines = [*head(report), ""]
    accuracies = [
        ("float", report.float_accuracy),
        (digital, report.digital_accuracy),
        ("on the crossbars", report.accuracy),
    ]
    known = [f"{100 * value:.2f} % {name}" for name, value in accuracies if value is not None]
    if known:
        lines.append(_line("accuracy", ", ".join(known)))
    others = {name: value for name, value in report.metrics.items() if name != "accuracy"}
    for name, value in others.items():
        lines.append(_line(name, "-" if value is None else f"{value:.4g}"))
    lines += [
        _line("energy", f"{text(report.energy, 'J')} an inference", _DYNAMIC),
        _line("latency", text(report.latency, "s"), kind),
        _line("throughput", f"{text(report.throughput, '', 4)} inferences/s", kind),
        _line("power", f"{text(report.power['average'], 'W')} on average", _IDLE),
        _line("area", f"{text(report.area, 'm^2')}, the whole chip"),
        _line(
            "in use",
            f"{units_in_use(*(int(chip[key]) for key in _UNITS))},"
            f" {100 * chip['utilisation']:.1f} % of cells used",
        ),
    ]
    saturations, conversions = counts.get("saturations"), counts.get("adc_conversions")
    if saturations is not None and conversions:
        share = 100 * saturations / conversions
        lines.append(_line("saturated", f"{share:.3g} % of {conversions:,.0f} conversions"))
    return lines


def _components(report: Report) -> str:
    rows = sorted(report.components.items(), key=lambda item: -item[1]["energy"])
    return table(
        ["<component", "energy", "share", "area", "share"],
        [
            [
                COMPONENTS.get(name, name),
                text(cost["energy"], "J"),
                _share(cost["energy"], report.energy),
                text(cost["area"], "m^2"),
                _share(cost["area"], report.area),
            ]
            for name, cost in rows
            if cost["energy"] or cost["area"]
        ],
        title="energy of one inference and area, by component",
        width=WIDTH,
    )


def _heaviest(report: Report, what: str, key: str) -> str:
    rows = sorted(report.layers, key=lambda layer: -layer[key])[:_HEAVIEST]
    return table(
        ["<layer", "energy", "share", "time", "copies", "arrays"],
        [
            [
                _tail(layer["name"]),
                text(layer["energy"], "J"),
                _share(layer["energy"], report.energy),
                text(layer["time"], "s"),
                str(layer["replicas"]),
                str(layer["arrays"]),
            ]
            for layer in rows
        ],
        title=f"heaviest layers {what} ({len(rows)} of {len(report.layers)})",
        width=WIDTH,
    )


def _unpriced(nodes: Sequence[dict[str, Any]]) -> str:
    kinds: dict[str, tuple[int, int]] = {}
    for node in nodes:
        kind = node["operator"] if node["kind"] == "other" else node["kind"]
        number, operations = kinds.get(kind, (0, 0))
        kinds[kind] = (number + 1, operations + node["operations"])
    lines = ["not priced and not timed (no unit is modelled for them):"]
    lines += [
        cut_line(f"  {kind} x {number}, {counted(operations, 'operation')}")
        for kind, (number, operations) in kinds.items()
    ]
    return "\n".join(lines)


def _tail(name: str) -> str:
    """Keep the end of a long name, which tells the layers of a block apart."""
    return name if len(name) <= _NAME else f"...{name[3 - _NAME :].lstrip('.')}"


def _share(part: float, total: float) -> str:
    return f"{100 * part / total:.1f} %" if total else "-"


def _line(name: str, value: str, remark: str = "") -> str:
    return cut_line(f"{name:<12}{value}" + (f"  ({remark})" if remark else ""))
