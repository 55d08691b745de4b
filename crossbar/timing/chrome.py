"""A run as Chrome trace JSON, to be opened in Perfetto (ui.perfetto.dev) or chrome://tracing.

One track for each copy of a layer or join.  A position is a slice from its first read to the end of
its last (of a join: to its result); the waits before it are slices named by their cause.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from crossbar.files import write_whole
from crossbar.timing.engine import Schedule

__all__ = ["trace_text", "write_trace"]

_MICRO = 1e6


def write_trace(run: Schedule, path: str | os.PathLike[str]) -> None:
    """Write a run as Chrome trace JSON, under a temporary name first.

    Parameters
    ----------
    run : Schedule
    path : path

    Raises
    ------
    InputError
        If the file cannot be written; an existing one is then as it was.
    """
    write_whole(path, trace_text(run))


def trace_text(run: Schedule) -> str:
    """Return a run as the text of a Chrome trace; times in us from the start of the run."""
    lines = ",\n".join(json.dumps(event, separators=(",", ":")) for event in _events(run))
    head = json.dumps({"network": run.plan.workload.name, "arch": run.plan.arch.name})
    return f'{{"displayTimeUnit":"ns","otherData":{head},"traceEvents":[\n{lines}\n]}}\n'


def _events(run: Schedule) -> Iterator[dict[str, Any]]:
    scale = _MICRO / run.plan.arch.clock
    copies: dict[str, int] = {}
    for task in run.machine.tasks:
        copies[task.name] = copies.get(task.name, 0) + 1
    tables, log = run.machine.tables, run.log
    for number, task in enumerate(run.machine.tasks):
        label = task.name + (f" copy {task.copy}" if copies[task.name] > 1 else "")
        track = {"pid": 1, "tid": number}
        yield {"ph": "M", "name": "thread_name", **track, "args": {"name": label}}
        yield {"ph": "M", "name": "thread_sort_index", **track, "args": {"sort_index": number}}
        rows = slice(tables.offset[number] * run.images, tables.offset[number + 1] * run.images)
        begin = log.issue[rows] if task.is_join else log.read[rows]
        end = log.stored[rows] if task.is_join else log.last[rows] + tables.array_clocks
        released = np.concatenate([[0], end[:-1]])
        waits = (("starved", log.data[rows]), ("write", log.written[rows]),
                 ("blocked", log.room[rows]),
                 ("pipeline", log.issue[rows]), ("bus", begin))  # fmt: skip
        for place in range(begin.size):
            before = int(released[place])
            for cause, until in waits if not task.is_join else ():
                upto = min(max(int(until[place]), before), int(begin[place]))
                if upto > before:
                    yield _slice(cause, before, upto, scale, track, {})
                before = max(before, upto)
            image, position = divmod(place, task.positions)
            about = {
                "image": image,
                "position": task.first + position,
                "asked_clock": int(log.issue[rows][place]),
                "stored_clock": int(log.stored[rows][place]),
            }
            name = "join" if task.is_join else "read"
            yield _slice(name, int(begin[place]), int(end[place]), scale, track, about)


def _slice(
    name: str, begin: int, end: int, scale: float, track: dict[str, int], about: dict[str, int]
) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": name,
        "ts": begin * scale,
        "dur": (end - begin) * scale,
        **track,
        "args": about,
    }
