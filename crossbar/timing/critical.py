"""The critical path: the chain of events, each begun when the one before ended, to the last clock.

Walked backwards from the last result.  A position that was read late because its arrays were busy
leads to the position before it; one that waited for data, to the position that made it; one that
waited for room, to the fetch that gave it up.  So every clock of the run is charged to one layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from crossbar.timing.engine import Schedule

__all__ = ["Stretch", "critical_path"]

What = Literal["reads", "write", "fill", "bus"]


@dataclass(frozen=True)
class Stretch:
    """Clocks of the critical path that one layer or join is charged.

    Parameters
    ----------
    name : str
        Of the layer or join.
    what : str
        ``"reads"``: its arrays, converters included, one position after the other; ``"write"``:
        its cells are programmed; ``"fill"``: the
        steps before and after the reads; ``"bus"``: these, as far as they took longer because
        buses, ports, vector or matmul units were busy.
    clocks : int
    """

    name: str
    what: What
    clocks: int


def critical_path(run: Schedule) -> tuple[Stretch, ...]:
    """Find what the time of a run is made of; the clocks add up to ``run.cycles``.

    Parameters
    ----------
    run : Schedule

    Returns
    -------
    tuple of Stretch
        In the order of the path, each layer and kind once.
    """
    walk = _Walk(run)
    task = max(range(len(run.tasks)), key=lambda number: int(run.tasks[number].done[-1]))
    walk.task, walk.place = task, run.tasks[task].done.size - 1
    at: str | None = "stored"
    while at is not None:
        at = walk.step_from_stored() if at == "stored" else walk.step_from_fetched(at)
    names = [run.tasks[number].step for number in range(len(run.tasks))]
    total: dict[tuple[str, What], int] = {}
    for number, what, clocks in reversed(walk.found):
        if clocks:
            key = names[number], what
            total[key] = total.get(key, 0) + clocks
    return tuple(Stretch(name, what, clocks) for (name, what), clocks in total.items())


class _Walk:
    """Where the walk is: at the end of an event of position ``place`` of ``task``."""

    def __init__(self, run: Schedule) -> None:
        self.run, self.log, self.tables = run, run.log, run.machine.tables
        self.task = self.place = 0
        self.found: list[tuple[int, What, int]] = []
        self._unhindered: dict[int, np.ndarray] = {}

    @property
    def row(self) -> int:
        return int(self.tables.offset[self.task]) * self.run.images + self.place

    def _charge(self, what: What, clocks: int) -> None:
        self.found.append((self.task, what, int(clocks)))

    def step_from_stored(self) -> str | None:
        """Go back from a stored result to the fetch of its position."""
        log, row = self.log, self.row
        if self.tables.join[self.task]:
            alone = int(self.run.machine.alone[self.task])
            return self._issue(int(log.stored[row]), alone)
        fetch = int(self.tables.length[self.task, 0])
        reads = int((self.tables.reads[self.task] - 1) * self.tables.slot[self.task])
        after = int(self.run.machine.alone[self.task]) - reads - max(fetch, self._lead())
        took = int(log.stored[row] - log.last[row])
        self._charge("bus", took - min(took, after))
        self._charge("fill", min(took, after))
        return self._reads()

    def _lead(self) -> int:
        """Clocks of the fetch that its bits need on the bus."""
        t = self.tables
        begin, end = t.ask_start[4 * self.task], t.ask_start[4 * self.task + 1]
        return int(t.ask_lead[begin:end].max(initial=0))

    def _reads(self) -> str | None:
        """Go back over reads, of this position and of those before while the arrays were busy."""
        log, row = self.log, self.row
        self._charge("reads", log.last[row] - log.read[row])
        late = self._late()
        first = int(late[self.place])
        back = row - (self.place - first)
        self._charge("reads", log.read[row] - log.read[back])
        self.place = first
        return "fetched"

    def _late(self) -> np.ndarray:
        """For each position, the last one up to it that was read as soon as it was fetched."""
        if self.task not in self._unhindered:
            begin = self.tables.offset[self.task] * self.run.images
            rows = slice(begin, self.tables.offset[self.task + 1] * self.run.images)
            at_once = self.log.read[rows] == self.log.fetched[rows]
            index = np.where(at_once, np.arange(at_once.size), 0)
            self._unhindered[self.task] = np.maximum.accumulate(index)
        return self._unhindered[self.task]

    def step_from_fetched(self, at: str) -> str | None:
        """Go back from the end of a fetch (``"last"``: from the last read of a position)."""
        if at == "last":
            return self._reads()
        length = max(int(self.tables.length[self.task, 0]), self._lead())
        return self._issue(int(self.log.fetched[self.row]), length)

    def _issue(self, ended: int, alone: int) -> str | None:
        """Charge an event from its issue to ``ended``; go on to what the issue had waited for."""
        log, row = self.log, self.row
        issue = int(log.issue[row])
        took = ended - issue
        self._charge("bus", took - min(took, alone))
        self._charge("fill", min(took, alone))
        if issue == 0:
            return None
        if issue > log.room[row]:
            self.place -= int(self.tables.flight[self.task])
            return "stored"
        if log.room[row] > log.written[row]:
            return self._jump(int(log.room_by[row]), room=True)
        if log.written[row] > log.data[row]:
            return self._written()
        if log.data[row] > log.turn[row]:
            return self._jump(int(log.data_by[row]), room=False)
        if self.tables.join[self.task]:
            self.place -= 1
            return self._issue(issue, 0)
        register = self.place - int(self.tables.register[self.task])
        if register >= 0 and log.last[row - self.place + register] == issue:
            self.place = register
            return "last"
        self.place -= 1
        return "fetched"

    def _written(self) -> str | None:
        """Go back over the programming of the cells, to what it had waited for."""
        log, row = self.log, self.row
        clocks = int(self.tables.write[self.task])
        begun = int(log.written[row]) - clocks
        self._charge("write", clocks)
        if begun == 0:
            return None
        if begun > log.data[row]:  # the arrays were read for the image before
            self._charge("reads", self.tables.array_clocks)
            self.place -= 1
            return "last"
        return self._jump(int(log.data_by[row]), room=False)

    def _jump(self, entry: int, room: bool) -> str | None:
        """Go to the position of another task that was waited for."""
        t = self.tables
        image = self.place // int(t.offset[self.task + 1] - t.offset[self.task])
        task = int((t.room_task if room else t.data_task)[entry])
        count = int((t.room_count if room else t.data_count)[entry])
        self.task = task
        self.place = count + image * int(t.offset[task + 1] - t.offset[task]) - 1
        if room and t.join[task]:
            length = int(t.length[task, 2])
            begun = int(self.log.issue[self.row])
            return self._issue(begun + length, length)
        return "fetched" if room else "stored"
