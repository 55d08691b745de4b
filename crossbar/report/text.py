"""The Report as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any

from crossbar.energy import COMPONENTS
from crossbar.mapping.plan_text import counted, shortened, units_in_use
from crossbar.report.advice import BOUND, best_help, pace_words
from crossbar.report.bottleneck import busy_share, percent, rest, wait
from crossbar.report.digital import digital_table
from crossbar.report.head import LABEL, head, precision_words
from crossbar.report.lines import WIDTH, broken_line, clean, cut_line, wrapped
from crossbar.report.report import Report
from crossbar.report.sequence_words import mean_clocks, mean_words, sequence_words, shown_words
from crossbar.report.trial_words import lost_words, score_text, trial_words
from crossbar.report.wear import wear_words
from crossbar.tables import table
from crossbar.units import text

__all__ = ["report_table"]

_HEAVIEST = 5
_CHARGED = "digital work and port traffic are charged to the layer that has their tiles"
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
    blocks[-1] += f"\n{_CHARGED}"
    digital = digital_table(report, WIDTH)
    if digital:
        blocks.append(digital)
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
    metric = str(report.scenario.get("metric", "accuracy"))
    known = [f"{score_text(metric, x)} {name}" for name, x in accuracies if x is not None]
    if known:
        lines += _line(metric, ", ".join(known))
    said = (("trials", trial_words(report)), ("lost", lost_words(report)))
    for label, words in (*said, ("sequences", sequence_words(report))):
        lines += _line(label, words) if words else []
    integers = report.metrics.get("digital_agreement")
    for name, value in report.metrics.items():
        if name not in ("accuracy", "digital_agreement", *([metric] if known else [])):
            beside = name == "agreement" and integers is not None and not known
            remark = f"{digital}: {integers:.4g}" if beside else ""
            lines += _line(name, "-" if value is None else f"{value:.4g}", remark)
    lines += [*_costs(report), *_times(report)]
    lines += [
        *_line("area", f"{text(report.area, 'm^2')}, the whole chip"),
        *_line(
            "in use",
            f"{units_in_use(*(int(chip[key]) for key in _UNITS))},"
            f" {100 * chip['utilisation']:.1f} % of cells used",
        ),
    ]
    saturations, conversions = counts.get("saturations"), counts.get("adc_conversions")
    if saturations is not None and conversions:
        share = 100 * saturations / conversions
        lines += _line("saturated", f"{share:.3g} % of {conversions:,.0f} conversions")
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
        *_line("energy", f"{text(report.energy, 'J')} an inference", f"{rest}, programming apart"),
        *_line("power", ", ".join(powers)),
        *_line("leakage", text(power["leakage"], "W"), "whole chip, idle or not"),
    ]
    written = "-"
    if programming["energy"] is not None or programming["latency"] is not None:
        energy, latency = text(programming["energy"], "J"), text(programming["latency"], "s")
        written = f"{energy}, {latency} to load the weights once"
    worn = wear_words(report)
    return [*lines, *_line("programming", written), *(_line("wear", worn) if worn else [])]


def _times(report: Report) -> list[str]:
    """Write times, what sets the pace and what would help."""
    bound, mean, (clocks, interval) = report.bound, mean_words(report), mean_clocks(report)
    lines = [
        *_line("latency", f"{text(report.latency, 's')}, {clocks:,.0f} clocks{mean}"),
        *_line(
            "throughput",
            f"{text(report.throughput, '', 4)} inferences/s, one every {interval:,.0f}"
            f" clocks{mean}",
            "" if report.stream["steady"] else "not settled",
        ),
        *_line(
            "at best",
            f"{text(bound['latency'], 's')}, {text(bound['throughput'], '', 4)} inferences/s"
            f" {BOUND}",
        ),
        *_line("slowest", pace_words(report)),
        *_line("what helps", best_help(report)),
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
    heads = ("energy", "share", "time", "copies", "arrays", "busy")
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for layer in sorted(report.layers, key=lambda layer: -layer[key]):
        numbers = _numbers_of(report, layer)
        if numbers in alike or len(alike) < _HEAVIEST:
            alike.setdefault(numbers, []).append(layer)
    firsts = [layers[0] for layers in alike.values()]
    taken = sum(max(map(len, column)) for column in zip(heads, *alike, strict=False))
    room = WIDTH - taken - len(heads) - 4  # a blank before every column and at both ends
    names = shortened([clean(layer["name"]) for layer in firsts], room // 2)
    others = [_others(layers) for layers in alike.values()]
    own = min(room // 2, max(map(len, (*names, *others)), default=0))
    shown = sum(map(len, alike.values()))
    return table(
        ["<layer", *heads, "<waits for"],
        [
            [
                f"{wrapped(name, own)}\n{other}".rstrip("\n"),
                *cells[: len(heads)],
                _wait(report, layers, room - own),
            ]
            for name, other, (cells, layers) in zip(names, others, alike.items(), strict=True)
        ],
        title=f"heaviest layers {what} ({shown} of {len(report.layers)}); busy of one inference"
        f"{shown_words(report)} alone",
        width=WIDTH,
    )


def _numbers_of(report: Report, layer: Mapping[str, Any]) -> tuple[str, ...]:
    """Write the numbers of a layer, those of the columns first."""
    waits = layer["waits_for"]
    return (
        text(layer["energy"], "J"),
        _share(layer["energy"], report.energy),
        text(layer["time"], "s"),
        str(layer["replicas"]),
        str(layer["arrays"]),
        percent(busy_share(report, layer)),
        wait(report, layer, "" if waits and waits["layer"] else None),
        rest(report, layer),
    )


def _others(layers: Sequence[Mapping[str, Any]]) -> str:
    """Count the layers that have the numbers of the first, or say nothing."""
    return "" if len(layers) == 1 else f"and {len(layers) - 1} more like it"


def _wait(report: Report, layers: Sequence[Mapping[str, Any]], room: int) -> str:
    """Say what a layer waits for, in two lines where one is too short, and what else it does."""
    layer, waits = layers[0], layers[0]["waits_for"]
    if not waits or not waits["layer"]:
        words = wait(report, layer)
    elif len({row["waits_for"]["layer"] for row in layers}) > 1:
        words = wait(report, layer, "")
    else:
        names = list(dict.fromkeys((waits["layer"], *(row["name"] for row in report.layers))))
        whom = shortened([clean(name) for name in names], room)[0]
        words = wait(report, layer, whom)
        if len(words) > room and " by " in words:
            words = f"{wait(report, layer, '')} by\n{wrapped(whom, room)}"
    left = rest(report, layer)
    if not left:
        return words
    also = "then " if left.startswith("drained") else "" if left.startswith("not") else "also "
    return f"{words}\n{also}{left}"


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


def _line(name: str, value: str, remark: str = "") -> list[str]:
    words = f"{value} ({remark})" if remark else value
    if len(name) < LABEL:
        return broken_line(f"{name:<{LABEL}}", words, LABEL)
    return broken_line("", f"{name}: {words}", LABEL)
