"""Who waits for whom when nothing can go on."""

from __future__ import annotations

from crossbar.errors import DeadlockError
from crossbar.kernels.schedule_tables import DATA, ROOM, State
from crossbar.timing.machine import Machine

__all__ = ["explain_deadlock"]


def explain_deadlock(machine: Machine, state: State, images: int) -> DeadlockError:
    """Name the circle of tasks that wait for one another.

    Parameters
    ----------
    machine : Machine
    state : State
        In which no event is left, and some positions are not done.
    images : int
    """
    tables = machine.tables
    waiting = [
        task
        for task in range(len(machine.tasks))
        if state.stored[task] < (tables.offset[task + 1] - tables.offset[task]) * images
    ]
    path: list[int] = []
    here = waiting[0]
    while here not in path:
        path.append(here)
        here = _waits_for(machine, state, here)
    circle = path[path.index(here) :]
    steps = "; ".join(_words(machine, state, task) for task in circle)
    return DeadlockError(
        f"{len(waiting)} of {len(machine.tasks)} tasks can never go on, waiting in a circle:"
        f" {steps} (larger buffers would break it: tile.buffer)"
    )


def _waits_for(machine: Machine, state: State, task: int) -> int:
    """Find the task for which one waits."""
    tables = machine.tables
    if state.stage[task] == DATA:
        return int(tables.data_task[state.entry[task]])
    if state.stage[task] == ROOM:
        return int(tables.room_task[state.entry[task]])
    return task


def _words(machine: Machine, state: State, task: int) -> str:
    """Say what a task waits for."""
    positions = machine.tasks[task].positions
    place = int(state.issued[task]) % positions
    other = _waits_for(machine, state, task)
    what = {DATA: "waits for results of", ROOM: "waits for room in the buffer of"}.get(
        int(state.stage[task]), "waits for itself,"
    )
    return f"{_name(machine, task)} position {place} of {positions} {what} {_name(machine, other)}"


def _name(machine: Machine, number: int) -> str:
    task = machine.tasks[number]
    copies = sum(other.name == task.name for other in machine.tasks)
    return repr(task.name) + (f" copy {task.copy}" if copies > 1 else "")
