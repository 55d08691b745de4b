"""From pixels of buffers to counts: how far must a reader be before a result has room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossbar.mapping.flow import Flow

__all__ = ["Capacities", "room_counts"]

Ints = NDArray[np.int64]

Capacities = Mapping[tuple[str, int, int], int] | Literal["infinite"]
"""Pixels of each claim, by ``(layer or join, copy, operand)``; or no limit at all."""

_ALWAYS = -(1 << 60)


def room_counts(flow: Flow, capacities: Capacities) -> tuple[Ints, Ints]:
    """Tell for each entry of ``flow.room`` who must have fetched how many positions before.

    Parameters
    ----------
    flow : Flow
    capacities : mapping or "infinite"

    Returns
    -------
    task, count : int64[entries]
        Counted from the beginning of the image of the entry; 0 or less lies in images before.
    """
    claim, rank = flow.room.what, flow.room.value
    reader = np.array([c.task for c in flow.claims], np.int64)
    if capacities == "infinite":
        return reader[claim], np.full(claim.size, _ALWAYS)
    count = np.empty(claim.size, np.int64)
    order = np.argsort(claim, kind="stable")
    bounds = np.searchsorted(claim[order], np.arange(len(flow.claims) + 1))
    for number, each in enumerate(flow.claims):
        mine = order[bounds[number] : bounds[number + 1]]
        if mine.size == 0:
            continue
        task = flow.tasks[each.task]
        capacity = capacities[task.name, task.copy, each.operand]
        image, beyond = np.divmod(rank[mine] - capacity, each.hold.pixels)
        # the reader must be so far that the oldest pixel it needs is newer than `beyond`
        reached = np.searchsorted(each.hold.oldest, beyond, side="right")
        count[mine] = reached + image * task.positions
    return reader[claim], count
