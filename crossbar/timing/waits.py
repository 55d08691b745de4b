"""Whom a layer waits for, once it has begun, and in the steady state of a stream."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from crossbar.timing.engine import Schedule, idle_gaps

__all__ = ["waits_of"]


def waits_of(
    run: Schedule, name: str, image: int | None = None
) -> dict[tuple[str, str | None], int]:
    """Sum up the idle clocks of a layer from its first fetch to its last reads, over its copies.

    Every copy counts from the first fetch of any of them: a copy that has not begun while others
    have is waiting.

    Parameters
    ----------
    run : Schedule
    name : str
        Of a layer on crossbars.
    image : int, optional
        Only of that image of the run: what passed since the copy's last read of the one before.

    Returns
    -------
    dict of (str, str or None) to int
        Cause, and the layer or join that was waited for (``starved``, ``blocked``; else None) ->
        clocks.
    """
    found: dict[tuple[str, str | None], int] = defaultdict(int)
    tables, log = run.machine.tables, run.log
    names = [task.name for task in run.machine.tasks]
    copies = [
        (number, times)
        for number, times in enumerate(run.tasks)
        if times.step == name and times.kind == "product"
    ]
    begin = min((int(times.issue[0]) for _, times in copies), default=0)
    for number, times in copies:
        rows = slice(tables.offset[number] * run.images, tables.offset[number + 1] * run.images)
        gaps = idle_gaps(log, rows, tables.array_clocks, start=begin)
        if image is not None:
            mine = slice(image * times.positions, (image + 1) * times.positions)
            rows = slice(rows.start + mine.start, rows.start + mine.stop)
            gaps = {cause: gap[mine] for cause, gap in gaps.items()}
        for cause, by, who in (
            ("starved", log.data_by[rows], tables.data_task),
            ("blocked", log.room_by[rows], tables.room_task),
        ):
            waited = gaps[cause]
            clocks = np.bincount(by[waited > 0], waited[waited > 0], minlength=who.size)
            for entry in np.flatnonzero(clocks):
                found[cause, names[who[entry]]] += int(clocks[entry])
        for cause in ("write", "pipeline", "bus"):
            found[cause, None] += int(gaps[cause].sum())
        positions = rows.stop - rows.start
        reading = tables.array_clocks * (int(tables.reads[number]) - 1) * positions
        between = int((log.last[rows] - log.read[rows]).sum()) - reading
        found["adc", None] += int(gaps["adc"].sum()) + between
    return {key: int(clocks) for key, clocks in found.items() if clocks}
