"""Figures of a report: where energy and time go, layer by layer.

Each returns a matplotlib figure and a sentence that says what was left out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Any

from crossbar.energy import COMPONENTS
from crossbar.mapping.plan_text import counted
from crossbar.report.bottleneck import CAUSES, PATH_PARTS, by_layer, most_blocked, percent
from crossbar.report.digital import built_components
from crossbar.report.drawing import (
    COLOURS,
    GREY,
    bars,
    canvas,
    key,
    label_rows,
    scaled,
    short,
    style,
)
from crossbar.report.report import Report
from crossbar.report.sequence_words import clock_time
from crossbar.units import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Picture", "pictures"]

_ROWS = 28
"""Layers of a figure of bars."""

_RESOURCES = 12
"""Resources that have a bar each; of more, the busiest of each kind and the mean have."""

_PARTS = 7
"""Components that have a colour of their own."""

_STRIPS = 42
"""Layers of the timeline whose names all stand beside them."""

_TALLEST = 9.0
_CAUSES = {
    "busy": COLOURS[0],
    **dict(zip(CAUSES, (COLOURS[1], COLOURS[6], *COLOURS[2:6], GREY), strict=True)),
}
_PATH = {
    "reads": COLOURS[0],
    "fill": GREY,
    **{name: _CAUSES[name] for name in PATH_PARTS if name in _CAUSES},
}
_KINDS = {
    "bus": ("buses", COLOURS[0]),
    "port": ("output ports", COLOURS[1]),
    "vector": ("vector units", COLOURS[2]),
    "matmul": ("matmul units", COLOURS[4]),
    "adc": ("shared ADCs", COLOURS[3]),
}


@dataclass(frozen=True)
class Picture:
    """A figure of a page.

    Parameters
    ----------
    title : str
    figure : matplotlib.figure.Figure
    caption : str
        What it shows and what it leaves out.
    """

    title: str
    figure: Figure
    caption: str


def pictures(report: Report) -> tuple[Picture, ...]:
    """Draw every figure that the report has data for."""
    from crossbar.report.trial_figure import accuracies

    made: tuple[Callable[[Report], Picture | None], ...] = (
        accuracies,
        energy_by_component,
        energy_by_layer,
        timeline,
        idle_causes,
        critical_path,
        utilisation,
    )
    with style():
        return tuple(found for draw in made if (found := draw(report)) is not None)


def energy_by_component(report: Report) -> Picture:
    """Draw the energy of one inference by component: of actions, and leaked."""
    title = "Energy of one inference by component"
    built = built_components(report)
    found = sorted(built.items(), key=lambda item: -item[1]["energy"])
    found = [item for item in found if item[1]["energy"] > 0] or found[:1]
    rows = found[:_ROWS]
    names = [short(COMPONENTS.get(name, name)) for name, _ in rows]
    factor, unit = scaled(max((cost["energy"] for _, cost in rows), default=0.0), "J")
    dynamic = [(cost["energy"] - cost["leakage"]) / factor for _, cost in rows]
    leaked = [cost["leakage"] / factor for _, cost in rows]
    entries = [("of actions", COLOURS[0]), ("leakage", COLOURS[1])]
    figure, axes = canvas(title, names, keys=2 if any(leaked) else 0)
    bars(axes, [0.0] * len(rows), dynamic, COLOURS[0])
    bars(axes, dynamic, leaked, COLOURS[1])
    if any(leaked):
        key(axes, entries)
    label_rows(axes, names)
    _across(axes, max(a + b for a, b in zip(dynamic, leaked, strict=True)), f"energy [{unit}]")
    _ends(
        axes,
        [a + b for a, b in zip(dynamic, leaked, strict=True)],
        [percent(cost["energy"] / report.energy) if report.energy else "" for _, cost in rows],
    )
    hidden = len(built) - len(rows)
    caption = f"{text(report.energy, 'J')} together."
    if hidden:
        caption += f" Not shown: {counted(hidden, 'component')} without energy."
    return Picture(title, figure, caption)


def energy_by_layer(report: Report) -> Picture:
    """Draw the dynamic energy of each layer, by component."""
    title = "Dynamic energy of one inference by layer and component"
    rows = _largest(report.layers, lambda row: row["energy"])
    parts = {name: fsum(row["components"].get(name, 0.0) for row in rows) for name in COMPONENTS}
    ranked = sorted((name for name in parts if parts[name]), key=lambda name: -parts[name])
    own, rest = ranked[:_PARTS], ranked[_PARTS:]
    factor, unit = scaled(max(row["energy"] for row in rows), "J")
    series = [
        (COMPONENTS[name], colour, [row["components"].get(name, 0.0) / factor for row in rows])
        for name, colour in zip(own, COLOURS, strict=False)
    ]
    if rest:
        others = [fsum(row["components"].get(name, 0.0) for name in rest) / factor for row in rows]
        series.append((f"{len(rest)} others", GREY, others))
    ends = [text(row["energy"], "J") for row in rows]
    figure = _stacked(title, rows, series, f"energy [{unit}]", ends)
    return Picture(title, figure, _selected(report, rows, "energy", "need most", "dynamic energy"))


def timeline(report: Report) -> Picture | None:
    """Draw when the arrays of each layer compute in the first inference."""
    strips = report.timeline["layers"]
    names = [row["name"] for row in report.layers if row["name"] in strips]
    if not names or not report.timeline["bins"] or not report.cycles:
        return None
    title = "Timeline of the first inference"
    many = len(names) > _STRIPS
    labels = [short(name) for name in names]
    height = 0.2 if not many else max(0.02, _TALLEST / len(names))
    figure, axes = canvas(title, labels, row=height, right=1.2)
    end = report.timeline["bins"] * report.timeline["window"] * clock_time(report) * 1e6
    image = axes.imshow(
        [strips[name] for name in names],
        aspect="auto",
        interpolation="none",
        cmap="Blues",
        vmin=0.0,
        vmax=1.0,
        extent=(0.0, end, len(names) - 0.5, -0.5),
    )
    every = -(-len(names) // _STRIPS)
    label_rows(axes, labels, every)
    axes.set_xlabel("time since the first input [us]")
    place = axes.get_position()
    low = place.y1 - min(place.height, 2.0 / figure.get_figheight())
    room = (place.x1 + 0.025, low, 0.012, place.y1 - low)
    bar = figure.colorbar(image, cax=figure.add_axes(room), ticks=[0.0, 0.5, 1.0])
    bar.ax.set_yticklabels(["none", "half", "all"])
    bar.ax.set_title("arrays that\ncompute", fontsize=8, fontweight="normal", loc="left", pad=6)
    caption = (
        "Each strip is a layer, in network order; dark: all of its arrays compute, white: none."
        f" One step of a strip is {report.timeline['window']:,} clocks."
    )
    if every > 1:
        caption += f" {len(names)} layers; every {_ordinal(every)} is named."
    return Picture(title, figure, caption)


def idle_causes(report: Report) -> Picture | None:
    """Draw what the arrays of each layer do in all clocks of the first inference."""
    if not report.cycles:
        return None
    title = "What the arrays of each layer do during the first inference"
    rows = _largest(report.layers, lambda row: row["load"])
    causes = [*CAUSES, *dict.fromkeys(c for row in rows for c in row["idle"] if c not in CAUSES)]
    whole = [report.cycles * row["replicas"] / 100 for row in rows]
    series = [
        ("busy", COLOURS[0], [row["busy"] / all for row, all in zip(rows, whole, strict=True)])
    ]
    for cause in causes:
        shares = [row["idle"].get(cause, 0) / all for row, all in zip(rows, whole, strict=True)]
        if any(shares):
            series.append((cause, _CAUSES.get(cause, COLOURS[7]), shares))
    figure = _stacked(title, rows, series, "share of the clocks of all copies [%]", None)
    named = "; ".join(f"{c}: waits for {CAUSES[c].what}" for c in CAUSES if c in _names(series))
    caption = f"{named[:1].upper()}{named[1:]}. " if named else ""
    return Picture(title, figure, caption + _selected(report, rows, "load", "are busiest", "work"))


def critical_path(report: Report) -> Picture | None:
    """Draw what the latency consists of."""
    path = by_layer(report)
    if not path or not report.cycles:
        return None
    title = "Critical path: what the latency consists of"
    layers = [
        {"name": name, "parts": parts, "all": sum(parts.values())} for name, parts in path.items()
    ]
    rows = _largest(layers, lambda row: row["all"])
    microseconds = clock_time(report) * 1e6
    kinds = dict.fromkeys(what for parts in path.values() for what in parts)
    series = [
        (
            what,
            _PATH.get(what, COLOURS[7]),
            [row["parts"].get(what, 0) * microseconds for row in rows],
        )
        for what in (*(each for each in _PATH if each in kinds), *(kinds.keys() - _PATH.keys()))
    ]
    ends = [percent(row["all"] / report.cycles) for row in rows]
    figure = _stacked(title, rows, series, "time on the path [us]", ends)
    caption = f"{text(report.latency, 's')} together; what is not on this path costs no latency."
    blocked = most_blocked(report)
    if blocked:
        caption += (
            f" Layers wait for room in buffers, {blocked} longest; on this path such time stands"
            " with the layer that reads the buffer and gives up the room."
        )
    if len(rows) < len(layers):
        share = sum(row["all"] for row in rows) / report.cycles
        caption += (
            f" The {len(rows)} of {len(layers)} layers and joins that take most of it,"
            f" {percent(share)} of the latency."
        )
    return Picture(title, figure, caption)


def utilisation(report: Report) -> Picture | None:
    """Draw how busy buses, ports, vector units and shared ADCs are in the first inference."""
    if not report.resources or not report.cycles:
        return None
    title = "Utilisation of shared resources during the first inference"
    found = sorted(report.resources, key=lambda row: -row["busy"])
    kinds = dict.fromkeys(row["kind"] for row in found)
    rows = [(row["name"], row["kind"], 100 * row["busy"] / report.cycles) for row in found]
    caption = "In a stream of images they work more: busy clocks of one image / clocks between two."
    if len(rows) > _RESOURCES:
        caption = f"{len(rows):,} of them: the busiest of each kind, and their mean. {caption}"
        rows = [row for kind in kinds for row in _of_kind(kind, rows)]
    names, shares = [short(name) for name, _, _ in rows], [share for _, _, share in rows]
    figure, axes = canvas(title, names, keys=len(kinds))
    entries = []
    for kind in kinds:
        called, colour = _KINDS.get(kind, (kind, GREY))
        bars(axes, [0.0] * len(rows), [s if k == kind else 0.0 for _, k, s in rows], colour)
        entries.append((called, colour))
    key(axes, entries)
    label_rows(axes, names)
    _across(axes, max(shares), "share of the clocks in which it works [%]")
    _ends(axes, shares, [percent(share / 100) for share in shares])
    return Picture(title, figure, caption)


def _of_kind(kind: str, rows: Sequence[tuple[str, str, float]]) -> list[tuple[str, str, float]]:
    """Make a row of the busiest resource of a kind, and one of the mean of all of them."""
    mine = [row for row in rows if row[1] == kind]
    called = _KINDS.get(kind, (kind, GREY))[0]
    mean = fsum(share for _, _, share in mine) / len(mine)
    return [mine[0], (f"mean of {len(mine):,} {called}", kind, mean)][: len(mine)]


def _largest(rows: Sequence[Any], size: Callable[[Any], float]) -> list[Any]:
    """Pick the rows of a figure, largest first to be picked, in their own order."""
    picked = sorted(range(len(rows)), key=lambda place: -size(rows[place]))[:_ROWS]
    return [rows[place] for place in sorted(picked)]


def _stacked(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    series: Sequence[tuple[str, str, Sequence[float]]],
    label: str,
    ends: Sequence[str] | None,
) -> Figure:
    """Draw a bar a row of parts one behind the other; without ends of a hundred per cent."""
    names = [short(row["name"]) for row in rows]
    figure, axes = canvas(title, names, keys=len(series))
    lefts = [0.0] * len(rows)
    for _, colour, widths in series:
        bars(axes, lefts, widths, colour)
        lefts = [left + width for left, width in zip(lefts, widths, strict=True)]
    key(axes, [(name, colour) for name, colour, _ in series])
    label_rows(axes, names)
    _across(axes, 100.0 if ends is None else max(lefts), label, exact=ends is None)
    if ends is not None:
        _ends(axes, lefts, ends)
    return figure


def _across(axes: Axes, largest: float, label: str, *, exact: bool = False) -> None:
    """Scale the axis of values, and say what it shows."""
    axes.set_xlim(0.0, (largest if exact else 1.02 * largest) or 1.0)
    axes.set_xlabel(label)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.6)
    axes.set_axisbelow(True)


def _ends(axes: Axes, places: Sequence[float], words: Sequence[str]) -> None:
    """Write a value behind each bar."""
    for row, (place, word) in enumerate(zip(places, words, strict=True)):
        axes.text(place, row, f"  {word}", va="center", fontsize=8, parse_math=False)


def _selected(
    report: Report, rows: Sequence[Mapping[str, Any]], key: str, most: str, of: str
) -> str:
    """Say which layers are shown when not all are."""
    if len(rows) == len(report.layers):
        return ""
    share = fsum(row[key] for row in rows) / (fsum(row[key] for row in report.layers) or 1.0)
    return (
        f"The {len(rows)} of {len(report.layers)} layers that {most}, in network order:"
        f" {percent(share)} of all {of}. The table below has all."
    )


def _names(series: Sequence[tuple[str, str, Sequence[float]]]) -> list[str]:
    return [name for name, _, _ in series]


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
