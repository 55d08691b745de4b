"""Whom a layer waits for, once it has begun."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from crossbar.timing.engine import Schedule, idle_gaps

__all__ = ["waits_of"]


def waits_of(run: Schedule, name: str) -> dict[tuple[str, str | None], int]:
    """Sum up the idle clocks of a layer from its first fetch to its last read, over its copies.

    Parameters
    ----------
    run : Schedule
    name : str
        Of a layer on crossbars.

    Returns
    -------
    dict of (str, str or None) to int
        Cause, and the layer or join that was waited for (``starved``, ``blocked``; else None) ->
        clocks.
    """
    found: dict[tuple[str, str | None], int] = defaultdict(int)
    tables, log = run.machine.tables, run.log
    names = [task.name for task in run.machine.tasks]
    for number, times in enumerate(run.tasks):
        if times.step != name or times.kind != "product":
            continue
        rows = slice(tables.offset[number] * run.images, tables.offset[number + 1] * run.images)
        gaps = idle_gaps(log, rows, tables.array_clocks, start=int(log.issue[rows][0]))
        for cause, by, who in (
            ("starved", log.data_by[rows], tables.data_task),
            ("blocked", log.room_by[rows], tables.room_task),
        ):
            waited = gaps[cause]
            clocks = np.bincount(by[waited > 0], waited[waited > 0], minlength=who.size)
            for entry in np.flatnonzero(clocks):
                found[cause, names[who[entry]]] += int(clocks[entry])
        for cause in ("pipeline", "bus"):
            found[cause, None] += int(gaps[cause].sum())
        reading = tables.array_clocks * (int(tables.reads[number]) - 1) * times.read.size
        between = int((log.last[rows] - log.read[rows]).sum()) - reading
        found["adc", None] += int(gaps["adc"].sum()) + between
    return {key: clocks for key, clocks in found.items() if clocks}
