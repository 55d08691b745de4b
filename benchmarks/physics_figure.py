"""The figure of ``07_device_physics.py``: accuracy against each effect, and all together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from crossbar import units

__all__ = ["draw"]

Row = dict[str, Any]


def _number(value: Any, unit: str) -> float:
    """A value of an axis as a number."""
    return units.parse(value, unit) if isinstance(value, str) else float(value)


def _line(axes: Axes, x: list[float], rows: list[Row], label: str, style: str = "-") -> None:
    """Mean over the chips, and a band of one standard deviation."""
    if not rows:
        return
    y = [100 * row["accuracy"] for row in rows]
    spread = [100 * (row.get("accuracy_std") or 0.0) for row in rows]
    (line,) = axes.plot(x, y, style, marker="o", markersize=3, linewidth=1.2, label=label)
    low = [a - s for a, s in zip(y, spread, strict=True)]
    high = [a + s for a, s in zip(y, spread, strict=True)]
    axes.fill_between(x, low, high, color=line.get_color(), alpha=0.15, linewidth=0)


def _by(rows: list[Row], key: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _finish(axes: Axes, title: str, across: str) -> None:
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel("accuracy [%]", fontsize=8)
    axes.set_ylim(0, 100)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(fontsize=6.5, loc="lower left")


def _variation(axes: Axes, results: dict[str, list[Row]]) -> None:
    for name, word in (
        ("reram", "ReRAM pairs, of its level"),
        ("reram constant", "ReRAM pairs, of the range"),
        ("reram offset", "ReRAM offset, of its level"),
        ("sot", "SOT-MRAM pairs, of its level"),
    ):
        rows = results.get(f"variation {name}", [])
        if rows:
            _line(axes, [100 * row["cell.variation.sigma"] for row in rows], rows, word)
    _finish(axes, "a  programming error", "standard deviation [%]")


def _stuck(axes: Axes, results: dict[str, list[Row]]) -> None:
    colours: dict[str, str] = {}
    for name, rows in results.items():
        if not name.startswith("stuck"):
            continue
        _, encoding, _, mostly = name.split()
        x = [100 * (row["faults.on"] + row["faults.off"]) for row in rows]
        colour = colours.setdefault(encoding, f"C{len(colours)}")
        style = "-" if mostly == "on" else "--"
        y = [100 * row["accuracy"] for row in rows]
        label = f"{encoding}, {84} % {mostly}"
        axes.plot(x, y, style, color=colour, marker="o", markersize=3, linewidth=1.2, label=label)
    if axes.lines:
        axes.set_xscale("symlog", linthresh=0.1)
    _finish(axes, "b  stuck cells, ideal otherwise", "cells stuck [%]")


def _pedestal(axes: Axes, results: dict[str, list[Row]]) -> None:
    for kind, rows in _by(results.get("on over off", []), "cell.pedestal").items():
        x = [40e-6 / _number(row["cell.g_off"], "S") for row in rows]
        _line(axes, x, rows, f"pedestal: {kind}")
    if axes.lines:
        ratios = [2, 3, 5, 10, 20, 50]
        axes.set_xscale("log")
        axes.set_xticks(ratios, [str(ratio) for ratio in ratios])
        axes.minorticks_off()
    _finish(axes, "c  on/off ratio, 8-bit calibrated ADC", "g_on / g_off")


def _wires(axes: Axes, results: dict[str, list[Row]]) -> None:
    for size, rows in _by(results.get("wires", []), "array.rows").items():
        x = [_number(row["array.wire_resistance_row"], "ohm") for row in rows]
        _line(axes, x, rows, f"{size} x {size}, pairs")
    rows = results.get("wires offset", [])
    if rows:
        x = [_number(row["array.wire_resistance_row"], "ohm") for row in rows]
        _line(axes, x, rows, "128 x 128, offset", "--")
    if axes.lines:
        axes.set_xscale("symlog", linthresh=0.1)
    _finish(axes, "d  wires, cells of 1 to 40 uS", "resistance of a segment [ohm]")


def _adc(axes: Axes, results: dict[str, list[Row]]) -> None:
    for policy, rows in _by(results.get("adc", []), "adc.policy").items():
        _line(axes, [row["adc.bits"] for row in rows], rows, policy)
    axes.set_xticks(range(4, 9))
    _finish(axes, "e  converters, 128 rows, 2-bit cells", "ADC bits")


def _rows(axes: Axes, results: dict[str, list[Row]]) -> None:
    for name, word in (("reram", "ReRAM"), ("sot", "SOT-MRAM")):
        rows = results.get(f"rows {name}", [])
        _line(axes, [row["array.rows_per_read"] for row in rows], rows, f"{word} preset")
    if axes.lines:
        axes.set_xscale("log", base=2)
    _finish(axes, "f  rows driven together, presets as they are", "rows per read")


def _together(axes: Axes, results: dict[str, list[Row]], labels: list[str]) -> None:
    names = [name for name in results if "together" in name]
    height = 0.8 / len(names)
    for k, name in enumerate(names):
        y = [place + (k - (len(names) - 1) / 2) * height for place in range(len(labels))]
        rows = results[name]
        word = name.replace("together ", "").replace("reram", "ReRAM").replace("sot", "SOT-MRAM")
        axes.barh(
            y,
            [100 * row["accuracy"] for row in rows],
            height,
            xerr=[100 * (row.get("accuracy_std") or 0.0) for row in rows],
            label=word,
            error_kw={"linewidth": 0.8},
        )
    axes.set_yticks(range(len(labels)), labels, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("accuracy [%]", fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_title("g  each effect alone, and all together", fontsize=9, loc="left")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=6.5, loc="lower right")


def draw(results: dict[str, list[Row]], labels: list[str], path: Path) -> Path:
    """Draw all studies on one page; returns its path."""
    figure = plt.figure(figsize=(11, 11), layout="constrained")
    grid = figure.add_gridspec(4, 2, height_ratios=[1, 1, 1, 1.1])
    panels = (_variation, _stuck, _pedestal, _wires, _adc, _rows)
    for k, panel in enumerate(panels):
        panel(figure.add_subplot(grid[k // 2, k % 2]), results)
    _together(figure.add_subplot(grid[3, :]), results, labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
    return path
