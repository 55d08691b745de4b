"""The Report as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

from crossbar.energy import COMPONENTS
from crossbar.mapping.plan_text import counted, units_in_use
from crossbar.report.advice import best_help, pace_words
from crossbar.report.bottleneck import busy_share, percent, wait
from crossbar.report.head import LABEL, head, precision_words
from crossbar.report.lines import WIDTH, broken_line, cut_line, tail
from crossbar.report.report import Report
from crossbar.tables import table
from crossbar.units import text

__all__ = ["report_table"]

_HEAVIEST = 5
_UNITS = ("arrays", "pes", "tiles", "chip_tiles")


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
    lines += [*_costs(report), *_times(report)]
    lines += [
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


def _costs(report: Report) -> list[str]:
    """Write energy and power: of inferences, of programming, of a chip that idles."""
    power, programming = report.power, report.programming
    leaked = fsum(cost["leakage"] for cost in report.components.values())
    rest = f"{text(leaked, 'J')} of it leakage" if leaked else "no leakage"
    window = f" (over {text(power['window'], 's')})" if power["window"] is not None else ""
    powers = [f"{text(power['average'], 'W')} on average"]
    powers += [] if power["peak"] is None else [f"{text(power['peak'], 'W')} peak{window}"]
    if power["nameplate"] is not None:
        powers.append(f"{text(power['nameplate'], 'W')} nameplate")
    lines = [
        _line("energy", f"{text(report.energy, 'J')} an inference", f"{rest}, programming apart"),
        _line("power", ", ".join(powers)),
        _line("leakage", text(power["leakage"], "W"), "whole chip, idle or not"),
    ]
    written = "-"
    if programming["energy"] is not None or programming["latency"] is not None:
        energy, latency = text(programming["energy"], "J"), text(programming["latency"], "s")
        written = f"{energy}, {latency} to load the weights once"
    return [*lines, _line("programming", written)]


def _times(report: Report) -> list[str]:
    """Write times, what sets the pace and what would help."""
    bound, interval = report.bound, report.stream["interval"]
    lines = [
        _line("latency", f"{text(report.latency, 's')}, {report.cycles:,} clocks"),
        _line(
            "throughput",
            f"{text(report.throughput, '', 4)} inferences/s, one every {interval:,.0f} clocks",
            "" if report.stream["steady"] else "not settled",
        ),
        _line(
            "at best",
            f"{text(bound['latency'], 's')}, {text(bound['throughput'], '', 4)} inferences/s"
            " with infinite buffers and free links",
        ),
        *broken_line(f"{'slowest':<{LABEL}}", pace_words(report), LABEL),
        *broken_line(f"{'what helps':<{LABEL}}", best_help(report), LABEL),
    ]
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
    numbers = [
        (
            text(layer["energy"], "J"),
            _share(layer["energy"], report.energy),
            text(layer["time"], "s"),
            str(layer["replicas"]),
            str(layer["arrays"]),
            percent(busy_share(report, layer)),
        )
        for layer in rows
    ]
    heads = ("energy", "share", "time", "copies", "arrays", "busy")
    taken = sum(max(map(len, column)) for column in zip(heads, *numbers, strict=True))
    room = WIDTH - taken - len(heads) - 4  # a blank before every column and at both ends
    own = min(room // 2, max((len(layer["name"]) for layer in rows), default=0))
    return table(
        ["<layer", *heads, "<waits for"],
        [
            [tail(layer["name"], own), *cells, _wait(layer, room - own)]
            for layer, cells in zip(rows, numbers, strict=True)
        ],
        title=f"heaviest layers {what} ({len(rows)} of {len(report.layers)})",
        width=WIDTH,
    )


def _wait(layer: Mapping[str, Any], room: int) -> str:
    """Say what a layer waits for, in two lines where one is too short."""
    waits = layer["waits_for"]
    if not waits or not waits["layer"]:
        return wait(layer)
    words = wait(layer, tail(waits["layer"], room - len(" 100 %")))
    return words if len(words) <= room else words.replace(" by ", " by\n", 1)


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


def _share(part: float, total: float) -> str:
    return f"{100 * part / total:.1f} %" if total else "-"


def _line(name: str, value: str, remark: str = "") -> str:
    return cut_line(f"{name:<{LABEL}}{value}" + (f"  ({remark})" if remark else ""))
