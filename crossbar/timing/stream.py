"""Images that follow one another without a gap: how far apart do they end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.mapping.plan import Plan
from crossbar.timing.bounds import busiest
from crossbar.timing.engine import Schedule, schedule_machine
from crossbar.timing.machine import Machine

__all__ = ["Stream", "stream"]

_BUSY = 0.95
"""From this share of the interval on, something sets the pace."""

_FIRST, _MOST = 4, 32
_MOST_POSITIONS = 4_000_000


@dataclass(frozen=True, eq=False)
class Stream:
    """The steady state of a stream.

    Parameters
    ----------
    images : int
        How many were run.
    interval : int
        Clocks between two images in the steady state.
    steady : bool
        Whether the images before were as far apart.
    limited_by : str
        The layer whose busiest copy reads longest; a shared resource that is busy all the time
        where no layer is; or ``"off-chip port"``.
    load : float
        Share of the interval in which that layer's busiest copy, or that resource, is busy, 0..1.
    run : Schedule
    """

    images: int
    interval: int
    steady: bool
    limited_by: str
    load: float
    run: Schedule


def stream(plan: Plan, machine: Machine, port: int) -> Stream:
    """Run images until the time between two settles.

    Parameters
    ----------
    plan : Plan
    machine : Machine
    port : int
        Clocks that one image's inputs and outputs need at the chip's port, which lies outside of
        the schedule.
    """
    images = _FIRST
    positions = int(machine.tables.offset[-1])
    while True:
        run = schedule_machine(plan, machine, images)
        gaps = np.diff(run.done_images)
        # the last image has no successor that competes with it, so it does not count
        steady = bool(gaps[-2] == gaps[-3])
        if steady or 2 * images > _MOST or 2 * images * positions > _MOST_POSITIONS:
            break
        images *= 2
    work, slowest = busiest(machine)
    # what cannot be done in less holds also where the distance of the images has not settled
    unit = max(run.resources, key=lambda use: use.busy, default=None)
    served = unit.busy // images if unit is not None else 0  # the same for every image
    interval = max(int(gaps[-2]), work, served)
    if port > interval:
        return Stream(images, port, steady, "off-chip port", 1.0, run)
    if unit is not None and work < _BUSY * interval <= served:
        return Stream(images, interval, steady, unit.name, served / interval, run)
    return Stream(images, interval, steady, slowest, work / interval, run)
