"""Studies without a store: real costs of small grids, and rows made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import crossbar as xb
from crossbar.errors import CrossbarError
from crossbar.study.quantities import QUANTITIES

if TYPE_CHECKING:
    from crossbar.report import Report

HELD = "held: cells of the chip (2.6 G, within 0.4 %)"
SIZES: dict[str, Sequence[Any]] = {"array.rows": [64, 128, 256], "adc.bits": [6, 7, 8]}


@dataclass
class Grid:
    """Points as `crossbar.study.arrange.Points` has them."""

    name: str
    axes: tuple[str, ...]
    rows: list[dict[str, Any]]
    held: str = HELD
    reports: dict[int, Report] = field(default_factory=dict)

    def report(self, place: int, /) -> Report | None:
        return self.reports.get(place)


def point(values: Mapping[str, Any], **numbers: float | None) -> dict[str, Any]:
    """A finished point with the numbers given."""
    return {**values, **dict.fromkeys(QUANTITIES), **numbers, "status": "done", "error": None}


def failed(values: Mapping[str, Any], error: str = "DoesNotFitError: no room") -> dict[str, Any]:
    return {**point(values), "status": "failed", "error": error}


@cache
def _vgg8() -> tuple[Grid, ...]:
    return (costs("vgg8", SIZES),)


def vgg8() -> Grid:
    """Cost of vgg8 over rows and bits of the converters."""
    (grid,) = _vgg8()
    rows = [dict(row) for row in grid.rows]
    return Grid(grid.name, grid.axes, rows, grid.held, dict(grid.reports))


def costs(workload: str, axes: Mapping[str, Sequence[Any]], name: str = "array size") -> Grid:
    """Estimate every point of a grid; what cannot be is a failed point."""
    grid = Grid(name, tuple(axes), [])
    for combination in product(*axes.values()):
        values = dict(zip(axes, combination, strict=True))
        try:
            report = xb.estimate(xb.load_arch("isaac_8bit", values), workload)
        except CrossbarError as error:
            grid.rows.append(failed(values, f"{type(error).__name__}: {error}"))
            continue
        grid.reports[len(grid.rows)] = report
        numbers = {
            "energy": report.energy,
            "latency": report.latency,
            "throughput": report.throughput,
            "area": report.area,
            "power.average": report.power["average"],
            "power.peak": report.power["peak"],
        }
        grid.rows.append(point(values, **numbers))
    return grid
