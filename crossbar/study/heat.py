"""A number over two axes at once: a heat map with its values written in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import InputError
from crossbar.report.drawing import INK
from crossbar.report.figures import Picture
from crossbar.study.arrange import Points, arrange, left_out, panel_names, spreads
from crossbar.study.frame import LETTER, WIDTH, Room, frame, inches
from crossbar.study.lines import averages
from crossbar.study.quantities import find_quantity
from crossbar.study.ticks import number_label, room_below, span, words_across

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

__all__ = ["draw_heat"]

_DEAREST = 10_000
"""Cells above which a vector file holds them as pixels."""


def draw_heat(points: Points, number: str, x: str | None = None, by: str | None = None) -> Picture:
    """Draw a number over two axes.

    Parameters
    ----------
    points : Points
    number : str
        A name of `crossbar.study.quantities.QUANTITIES`.
    x, by : str, optional
        Axes across and up; chosen by their values when not given.

    Raises
    ------
    InputError
        The study has one axis only.
    """
    quantity = find_quantity(points.rows, number)
    view = arrange(points, x, by, rows=True)
    if view.by is None:
        axis = view.x.label or "none"
        raise InputError(f"heat: needs two axes, the study has {axis}; draw lines: --kind line")
    view = replace(view, x=view.x.evenly(), by=view.by.evenly())
    across, up = view.x, view.by
    assert up is not None
    found, empty = spreads(points, view, quantity)
    factor, unit = quantity.scale(max(abs(each.most) for each in found.values()))
    panels = range(len(view.panel.values)) if view.panel else range(1)
    title = f"{quantity.words[:1].upper()}{quantity.words[1:]} over {across.label} and {up.label}"
    longest = min(max(map(len, up.words)), 18)
    high = min(max(0.36 * len(up.values), 1.75), 4.6)
    room = Room(
        left=0.6 + LETTER * longest,
        right=1.3,
        panel=high if len(panels) == 1 else min(high, 2.6),
    )
    room = replace(room, below=room_below(across, len(panels), room))
    figure, drawn = frame(title, view.subtitle(points.name), points.held, panel_names(view), room)
    grids = np.full((len(panels), len(up.values), len(across.values)), np.nan)
    for place, each in found.items():
        grids[place] = each.mean / factor
    failed = np.zeros(grids.shape, dtype=bool)
    for place in empty:
        failed[place] = True
    scale = _colours(grids)
    best = np.nanmin(grids) if quantity.less else np.nanmax(grids)
    differ = bool(np.nanmin(grids) < np.nanmax(grids))
    wrap = 1 if len(panels) == 1 else 2 if len(panels) == 4 else 3
    for panel, axes in zip(panels, drawn, strict=True):
        axes.set_xlim(-0.5, len(across.values) - 0.5)
        axes.set_ylim(-0.5, len(up.values) - 0.5)
        _cells(axes, grids[panel], failed[panel], scale, best, differ=differ)
        words_across(axes, across)
        words_across(axes, up, vertical=True)
        if panel % wrap:
            axes.set_yticklabels([])
            axes.set_ylabel("")
    _bar(drawn[min(wrap, len(drawn)) - 1], scale, number_label(quantity, unit))
    marked = "lowest" if quantity.less else "highest"
    words = [
        f"Framed: the {marked}." if differ else "The same in all cells.",
        averages(view, found),
        left_out(points, number),
    ]
    if failed.any():
        words.append("A cross: no point there has the number.")
    return Picture(title, figure, " ".join(filter(None, words)))


def _colours(grids: NDArray[np.float64]) -> Normalize:
    """Choose the range of the colours; logarithmic where values differ by much."""
    from matplotlib.colors import LogNorm, Normalize

    least, most = float(np.nanmin(grids)), float(np.nanmax(grids))
    is_log, _, _ = span([least, most])
    if is_log:
        return LogNorm(least, most)
    return Normalize(least, most if most > least else least + (abs(least) or 1.0))


def _cells(
    axes: Axes,
    grid: NDArray[np.float64],
    failed: NDArray[np.bool_],
    scale: Normalize,
    best: float,
    *,
    differ: bool,
) -> None:
    """Draw the cells of one panel, and what stands in them."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    rows, cols = grid.shape
    shades = colormaps["viridis"]
    axes.pcolormesh(
        *(np.arange(cols + 1) - 0.5, np.arange(rows + 1) - 0.5, np.ma.masked_invalid(grid)),
        cmap=shades,
        norm=scale,
        edgecolors="white",
        linewidth=0.8 if grid.size <= 1000 else 0.0,
        rasterized=grid.size > _DEAREST,
    )
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    width, height = inches(axes)
    wide, tall = width / cols, height / rows
    longest = max((len(f"{value:.3g}") for value in grid[np.isfinite(grid)]), default=0)
    written = wide >= 0.068 * longest + 0.06 and tall >= 0.17
    for row, col in zip(*np.nonzero(np.isfinite(grid)), strict=True):
        value = float(grid[row, col])
        if written:
            light = np.dot(shades(scale(value))[:3], (0.299, 0.587, 0.114)) > 0.5
            axes.text(
                *(col, row, f"{value:.3g}"),
                ha="center",
                va="center",
                fontsize=8,
                color=INK if light else "white",
            )
        if value == best and differ:
            frame = Rectangle((col - 0.47, row - 0.46), 0.94, 0.92, fill=False, ec="#d55e00", lw=2)
            axes.add_patch(frame)
    for row, col in zip(*np.nonzero(failed), strict=True):
        axes.plot(col, row, marker="x", color="#777777", markersize=6 if written else 3)


def _bar(axes: Axes, scale: Normalize, label: str) -> None:
    """Write what the colours mean, to the right of a panel."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.ticker import FuncFormatter, NullFormatter

    figure = axes.figure
    box = axes.get_position()
    place = figure.add_axes((box.x1 + 0.15 / WIDTH, box.y0, 0.14 / WIDTH, box.height))
    bar = figure.colorbar(ScalarMappable(scale, "viridis"), cax=place)
    words = FuncFormatter(lambda value, at: f"{value:.6g}")
    bar.ax.yaxis.set_major_formatter(words)
    low, high = scale.vmin or 1.0, scale.vmax or 1.0
    bar.ax.yaxis.set_minor_formatter(words if high / low < 100 else NullFormatter())
    bar.set_label(label)
