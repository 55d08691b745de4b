"""No schedule can be faster: the longest chain of single positions, and the busiest arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.timing.machine import Machine

__all__ = ["Bound", "bound", "busiest", "preparing"]


@dataclass(frozen=True)
class Bound:
    """Clocks that a plan needs at least.

    Parameters
    ----------
    critical : int
        One position through each step of the longest path of the network; of a recurrent step all
        of them, one after the other; and the programming of cells before.
    busy : int
        Reads of the copy that has most to do, for one image; a position of a recurrent layer takes
        until its result is stored, but for the last one; one that is programmed for each image is
        that, and fetches, before the first read.
    slowest : str
        The layer of that copy.
    """

    critical: int
    busy: int
    slowest: str

    @property
    def latency(self) -> int:
        """At least so many clocks from the first fetch to the last result."""
        return max(self.critical, self.busy)

    @property
    def interval(self) -> int:
        """At least so many clocks from one image to the next."""
        return self.busy


def busiest(machine: Machine) -> tuple[int, str]:
    """Clocks that the copy with most to do takes for one image, and its layer."""
    tables = machine.tables
    positions, reads = np.diff(tables.offset), tables.reads * tables.slot
    work = np.where(tables.join, 0, positions * reads)
    work += preparing(machine)
    work += np.array([task.chained for task in machine.tasks]) * (machine.alone - reads)
    most = int(work.argmax())
    return int(work[most]), machine.tasks[most].name


def preparing(machine: Machine) -> NDArray[np.int64]:
    """Clocks that each task loses before an image, at least, because its cells are programmed.

    They are when the last read of the image before has ended, and a fetch comes after; without it
    that read's slot would have passed meanwhile.
    """
    tables = machine.tables
    lost = tables.write + tables.length[:, 0] + tables.array_clocks - tables.slot
    found: NDArray[np.int64] = np.where(tables.write > 0, np.maximum(lost, 0), 0)
    return found


def bound(machine: Machine) -> Bound:
    """Add up what every schedule of a plan must take.

    Parameters
    ----------
    machine : Machine
    """
    reached: dict[str, int] = {}
    for task, alone, write in zip(machine.tasks, machine.alone, machine.tables.write, strict=True):
        sources = [name for operand in task.step.operands for name in operand.sources]
        before = max((reached.get(name, 0) for name in sources), default=0)
        here = reached.get(task.step.name)
        chain = task.step.positions if task.step.recurrent else 1
        depth = before + int(write) + chain * int(alone)
        reached[task.step.name] = depth if here is None else min(here, depth)
    return Bound(max(reached.values()), *busiest(machine))
