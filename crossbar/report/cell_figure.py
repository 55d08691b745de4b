"""A figure of what cells hold after they are programmed, beside what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crossbar.arch import Arch
from crossbar.device.samples import cell_samples
from crossbar.device.variation import level_conductances
from crossbar.mapping.plan_text import counted
from crossbar.report.drawing import COLOURS, GREY, INK, style
from crossbar.report.figures import Picture
from crossbar.units import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["cell_picture"]

_SIZE = (9.4, 4.3)
_SHOWN, _DRAWN = 300, 20_000
_BINS = 120
_MICRO = 1e-6


def cell_picture(arch: Arch, seed: int = 0) -> Picture:
    """Draw sampled conductances of every level, and the points of ``cell.table``.

    Parameters
    ----------
    arch : Arch
    seed : int
        Of the samples and of where their dots lie.

    Raises
    ------
    InputError
        An error model that does not hold for this cell.
    """
    from matplotlib.figure import Figure

    targets = level_conductances(arch.cell) / _MICRO
    samples = cell_samples(arch, _DRAWN, seed) / _MICRO
    with style():
        figure = Figure(figsize=_SIZE, facecolor="white")
        left = figure.add_axes((0.07, 0.13, 0.42, 0.74))
        right = figure.add_axes((0.57, 0.13, 0.41, 0.74))
        _dots(left, targets, samples[:, :_SHOWN], seed)
        _measured(left, arch)
        _histograms(right, targets, samples)
        # both panels carry a title: the hardware and what it assumes
        left.set_title(f"{arch.name}: {_error_words(arch)}", loc="left")
        right.set_title(f"{_DRAWN:,} cells a level", loc="left")
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
        left.legend(frameon=False, loc="upper left", fontsize=8)
    return Picture(arch.name, figure, _caption(arch, targets, samples))


def _dots(
    axes: Axes, targets: NDArray[np.float64], samples: NDArray[np.float64], seed: int
) -> None:
    """Draw samples over their targets, spread a little to both sides."""
    step = float(np.diff(targets).min())
    aside = np.random.default_rng(seed).uniform(-0.12, 0.12, samples.shape) * step
    axes.scatter(
        (targets[:, None] + aside).reshape(-1),
        samples.reshape(-1),
        s=3,
        color=COLOURS[0],
        alpha=0.25,
        linewidths=0,
        label="sampled",
        rasterized=True,
    )
    ends = (0.0, float(targets[-1]) + 0.2 * step)
    axes.plot(ends, ends, color=GREY, linewidth=1, zorder=0, label="as aimed at")
    axes.set_xlabel("target conductance [uS]")
    axes.set_ylabel("conductance after programming [uS]")
    axes.set_xlim(min(0.0, float(targets[0]) - 0.3 * step), float(targets[-1]) + 0.3 * step)
    axes.set_ylim(bottom=0.0)


def _measured(axes: Axes, arch: Arch) -> None:
    table = arch.cell.table
    if table is None:
        return
    if table.points:
        x, y = zip(*table.points, strict=True)
        axes.scatter(
            np.array(x) / _MICRO, np.array(y) / _MICRO, s=9, color=COLOURS[5], marker="x",
            linewidths=0.8, label=f"measured ({table.source})",
        )  # fmt: skip
        return
    axes.errorbar(
        np.array(table.targets) / _MICRO, np.array(table.means) / _MICRO,
        np.array(table.sigmas) / _MICRO, color=COLOURS[5], fmt="o", markersize=3, capsize=2,
        linewidth=1, label=f"measured, mean and sigma ({table.source})",
    )  # fmt: skip


def _histograms(axes: Axes, targets: NDArray[np.float64], samples: NDArray[np.float64]) -> None:
    """Draw how the cells of each level spread; colours repeat where levels are many."""
    edges = np.linspace(0.0, float(samples.max()) * 1.02, _BINS + 1)
    for level, row in enumerate(samples):
        share = np.histogram(row, edges)[0] / len(row)
        colour = COLOURS[level % 7]
        axes.stairs(share, edges, color=colour, fill=True, alpha=0.35)
        axes.stairs(share, edges, color=colour, linewidth=1)
        axes.axvline(targets[level], color=INK, linewidth=0.6, linestyle=":")
    axes.set_xlabel("conductance after programming [uS]; dotted: the targets")
    axes.set_ylabel(f"share of cells in a bin of {edges[1]:.2g} uS")
    axes.set_xlim(0.0, edges[-1])
    axes.set_ylim(bottom=0.0)


def _error_words(arch: Arch) -> str:
    variation = arch.cell.variation
    if variation.kind == "none":
        return "no programming error"
    if arch.cell.table is not None and variation.kind == "table":
        return f"error of {arch.cell.table.source}"
    value = getattr(variation, "name", getattr(variation, "sigma", None))
    words = variation.kind if value is None else f"{variation.kind} {value}"
    verified = "" if variation.verify_tolerance is None else ", verified"
    return f"error {words}{verified}"


def _caption(arch: Arch, targets: NDArray[np.float64], samples: NDArray[np.float64]) -> str:
    """Say in words what each level comes to."""
    parts = [
        f"{text(target * _MICRO, 'S')}: {text(float(row.mean()) * _MICRO, 'S')}"
        f" +- {text(_spread(row) * _MICRO, 'S')}"
        for target, row in zip(targets, samples, strict=True)
    ]
    said = f"{counted(len(targets), 'level')}, target: mean +- standard deviation of"
    return f"{said} {samples.shape[1]:,} cells: {'; '.join(parts)}."


def _spread(values: NDArray[np.float64]) -> float:
    """Standard deviation; 0 where all are one number but for rounding."""
    spread = float(values.std(ddof=1))
    return spread if spread > 1e-12 * float(np.abs(values).max()) else 0.0
