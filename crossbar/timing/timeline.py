"""How busy the arrays of each layer are over the time of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.timing.engine import Schedule

__all__ = ["Profile", "profile"]

_BINS = 120


@dataclass(frozen=True, eq=False)
class Profile:
    """Busy shares.

    Parameters
    ----------
    window : int
        Clocks of a bin; the last one may be cut off by the end of the run.
    layers : mapping of str to float64[bins]
        Share of the clocks in which the arrays of the layer were read, mean over its copies, 0..1.
    """

    window: int
    layers: dict[str, NDArray[np.float64]]


def profile(run: Schedule) -> Profile:
    """Sum up the busy clocks of each layer in about a hundred bins.

    Parameters
    ----------
    run : Schedule
        Reads of a position are spread evenly from its first to the end of its last.
    """
    window = max(1, -(-run.cycles // _BINS))
    edges = np.append(np.arange(0, run.cycles, window), run.cycles)
    tables = run.machine.tables
    clocks = tables.array_clocks
    total: dict[str, NDArray[np.float64]] = {}
    copies: dict[str, int] = {}
    for number, times in enumerate(run.tasks):
        if times.kind != "product":
            continue
        rows = slice(tables.offset[number] * run.images, tables.offset[number + 1] * run.images)
        begin, end = run.log.read[rows], run.log.last[rows] + clocks
        knots = np.stack([begin, end], axis=1).ravel()
        each = float(clocks * tables.reads[number])
        done = np.repeat(np.arange(begin.size + 1) * each, 2)[1:-1]
        busy = np.diff(np.interp(edges, knots, done))
        total[times.step] = total.get(times.step, np.zeros(busy.size)) + busy
        copies[times.step] = copies.get(times.step, 0) + 1
    lengths = np.diff(edges)
    return Profile(window, {name: busy / copies[name] / lengths for name, busy in total.items()})
