"""A Report as one HTML file: answers, what would make it faster, figures, tables; no script."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from math import fsum
from typing import Any

from crossbar.energy import COMPONENTS
from crossbar.files import write_whole
from crossbar.mapping.plan_text import units_in_use
from crossbar.report.advice import BOUND, sentences
from crossbar.report.bottleneck import busy_share, by_layer, percent, rest, wait
from crossbar.report.digital import HEADS, built_components, table_rows
from crossbar.report.head import facts_of_run, precision_words
from crossbar.report.markup import data_table, document, escaped, items, listing, picture, tiles
from crossbar.report.report import Report
from crossbar.report.sequence_words import mean_clocks, mean_words
from crossbar.report.trial_words import lost_words, score_text, trial_rows, trial_words
from crossbar.units import text

__all__ = ["html_page", "save_page"]

_HEAVIEST = 5
_RESOURCES = 120
_UNITS = ("arrays", "pes", "tiles", "chip_tiles")


def save_page(report: Report, path: str | os.PathLike[str]) -> None:
    """Write a report as an HTML page of its own: no script, nothing to load from elsewhere.

    Parameters
    ----------
    report : Report
    path : path
        The file; its folder is made, an existing file is replaced in one step.

    Raises
    ------
    InputError
        If the file cannot be written; an existing one is then as it was.
    """
    write_whole(path, html_page(report))


def html_page(report: Report, more: Sequence[str] = ()) -> str:
    """Return the page; the same report gives the same text.

    Parameters
    ----------
    report : Report
    more : sequence of str
        Markup (`crossbar.report.markup`) that stands behind the answers.
    """
    title = f"{report.workload} on {report.arch}"
    return document(
        title,
        (
            *_answers(report, title),
            *more,
            *_speed(report),
            *_figures(report),
            *_tables(report),
            *_rest(report),
        ),
    )


def _answers(report: Report, title: str) -> Iterator[str]:
    yield f"<h1>{escaped(title)}</h1>"
    for label, words in facts_of_run(report):
        yield f"<p><b>{escaped(label)}</b> {escaped(words)}</p>"
    power, bound, (clocks, _) = report.power, report.bound, mean_clocks(report)
    known = (
        ("float", report.float_accuracy),
        (f"{precision_words(report)} digital", report.digital_accuracy),
    )
    metric = str(report.scenario.get("metric", "accuracy"))
    beside = ", ".join(f"{score_text(metric, x)} {name}" for name, x in known if x is not None)
    accuracy = "-" if report.accuracy is None else score_text(metric, report.accuracy)
    leaked = fsum(cost["leakage"] for cost in report.components.values())
    window = f"over {text(power['window'], 's')}" if power["window"] is not None else ""
    chip = report.chip
    lost = lost_words(report)
    yield tiles(
        (
            (f"{metric} on the crossbars", accuracy, beside or "not measured"),
            *_trials(report),
            (
                "energy of one inference",
                text(report.energy, "J"),
                f"{text(leaked, 'J')} of it leakage" if leaked else "no leakage",
            ),
            (
                "latency",
                text(report.latency, "s"),
                f"{clocks:,.0f} clocks{mean_words(report)}; {text(bound['latency'], 's')} {BOUND}",
            ),
            (
                "throughput",
                f"{text(report.throughput, '', 4)} /s",
                f"inferences; {text(bound['throughput'], '', 4)} /s {BOUND}",
            ),
            ("power, average", text(power["average"], "W"), "energy x throughput"),
            ("power, peak", text(power["peak"], "W"), window),
            ("power, nameplate", text(power["nameplate"], "W"), "everything busy at its rate"),
            ("leakage", text(power["leakage"], "W"), "whole chip, idle or not"),
            (
                "programming",
                text(report.programming["energy"], "J"),
                f"{text(report.programming['latency'], 's')}; once, to load the weights",
            ),
            (
                "area",
                text(report.area, "m^2"),
                f"{units_in_use(*(int(chip[key]) for key in _UNITS))} in use",
            ),
        )
    )
    if lost is not None:
        yield f"<p><b>accuracy lost</b> {escaped(lost)}</p>"


def _trials(report: Report) -> Iterator[tuple[str, str, str]]:
    """Say in one tile how much several draws of the chip differ."""
    words, trials = trial_words(report), report.trials
    if words is not None and trials is not None:
        spread = trials["accuracy"] or {"std": None}
        std = "-" if spread["std"] is None else f"+- {100 * spread['std']:.2f} %"
        yield "spread of the trials", std, words


def _speed(report: Report) -> Iterator[str]:
    yield "<h2>What would make this faster?</h2>"
    yield items(sentences(report))
    rows = sorted(report.layers, key=lambda row: (-row["load"], -row["time"]))[:_HEAVIEST]
    yield data_table(
        f"Heaviest layers: most work for a copy in a stream ({len(rows)} of {len(report.layers)})",
        [
            "<layer",
            "busy in a stream",
            "time",
            "energy",
            "copies",
            "arrays",
            "busy in the first inference",
            "<waits for",
            "<largest rest",
        ],
        [
            [
                row["name"],
                percent(row["load"]),
                text(row["time"], "s"),
                text(row["energy"], "J"),
                str(row["replicas"]),
                str(row["arrays"]),
                percent(busy_share(report, row)),
                wait(report, row),
                rest(report, row) or "nothing",
            ]
            for row in rows
        ],
    )


def _figures(report: Report) -> Iterator[str]:
    from crossbar.report.drawing import drawn
    from crossbar.report.figures import pictures

    yield "<h2>Figures</h2>"
    for found in pictures(report):
        yield picture(drawn(found.figure), found.title, found.caption)


def _tables(report: Report) -> Iterator[str]:
    yield "<h2>Tables</h2>"
    rows = trial_rows(report)
    if rows:
        yield data_table(
            "Trials: everything that is drawn, drawn anew",
            ["<number", "mean", "standard deviation", "worst"],
            [
                [name, *(_in_unit(part[key], unit) for key in ("mean", "std", "worst"))]
                for name, part, unit in rows
            ],
        )
    yield data_table(
        "Components",
        ["<component", "energy", "share", "of it leakage", "area", "share"],
        [
            [
                COMPONENTS.get(name, name),
                text(cost["energy"], "J"),
                _share(cost["energy"], report.energy),
                text(cost["leakage"], "J"),
                text(cost["area"], "m^2"),
                _share(cost["area"], report.area),
            ]
            for name, cost in sorted(
                built_components(report).items(), key=lambda item: -item[1]["energy"]
            )
        ],
    )
    if report.digital:
        yield data_table(
            "Digital work by kind; clocks that one unit of one tile would be busy",
            HEADS,
            table_rows(report),
        )
    causes = _causes(report.layers)
    yield data_table(
        "Layers, in network order; busy and idle are shares of the clocks of all copies",
        [
            "<layer",
            "copies",
            "arrays",
            "energy",
            "share",
            "start",
            "end",
            "time",
            "in a stream",
            "busy",
            *causes,
            "<waits for",
            "buffer needed",
            "given",
        ],
        [_layer_cells(report, row, causes) for row in report.layers],
    )
    yield data_table(
        "Critical path of the first inference",
        ["<layer", "<what", "clocks", "share"],
        [
            [layer, what, f"{clocks:,}", _share(clocks, report.cycles)]
            for layer, parts in by_layer(report).items()
            for what, clocks in parts.items()
        ],
    )
    yield from _resources(report)
    yield data_table(
        "Actions of one inference (cell writes: of programming)",
        ["<action", "number"],
        [
            [name, "-" if n is None else f"{n:,.6g}" if n % 1 else f"{n:,.0f}"]
            for name, n in report.counts.items()
        ],
    )


def _layer_cells(report: Report, row: dict[str, Any], causes: list[str]) -> list[str]:
    whole = report.cycles * row["replicas"]
    return [
        row["name"],
        str(row["replicas"]),
        str(row["arrays"]),
        text(row["energy"], "J"),
        _share(row["energy"], report.energy),
        f"{row['start']:,}",
        f"{row['end']:,}",
        text(row["time"], "s"),
        percent(row["load"]),
        _share(row["busy"], whole),
        *(_share(row["idle"].get(cause, 0), whole) for cause in causes),
        wait(report, row),
        text(row["buffer"]["need"], "byte"),
        text(row["buffer"]["given"], "byte"),
    ]


def _resources(report: Report) -> Iterator[str]:
    rows = sorted(report.resources, key=lambda row: -row["busy"])
    if not rows:
        return
    shown = rows[:_RESOURCES]
    causes = _causes(shown)
    which = f"the {len(shown)} busiest of {len(rows):,}; the file has all"
    which = which if len(shown) < len(rows) else "busiest first"
    yield data_table(
        f"Shared resources, {which}; shares of the clocks of the first inference",
        ["<resource", "<kind", "busy", *causes],
        [
            [
                row["name"],
                row["kind"],
                _share(row["busy"], report.cycles),
                *(_share(row["idle"].get(cause, 0), report.cycles) for cause in causes),
            ]
            for row in shown
        ],
    )


def _rest(report: Report) -> Iterator[str]:
    if report.unpriced:
        yield "<h2>Not priced and not timed</h2>"
        yield data_table(
            "No unit is modelled for these operations",
            ["<name", "<kind", "<operator", "operations"],
            [
                [node["name"], node["kind"], node["operator"], f"{node['operations']:,}"]
                for node in report.unpriced
            ],
        )
    yield "<h2>What the numbers leave out or assume</h2>"
    yield items(report.notes)
    yield "<h2>What was run</h2>"
    yield listing(json.dumps(report.scenario, indent=1, ensure_ascii=False))
    yield data_table(
        "Versions", ["<package", "<version"], [[*item] for item in report.versions.items()]
    )
    yield (
        "<p>docs/report.md explains every number; <code>crossbar report show FILE --why NAME</code>"
        " traces one to its formula, inputs and source.</p>"
    )


def _causes(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Name the causes for which any row idles."""
    return list(dict.fromkeys(c for row in rows for c, clocks in row["idle"].items() if clocks))


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _in_unit(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if unit == "%" else text(value, unit)
