"""The schedule of a plan: when every position of every copy happens, and what it waits for.

docs/timing.md is the contract; `crossbar.kernels.schedule` is the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crossbar.errors import InputError
from crossbar.kernels.schedule import run
from crossbar.kernels.schedule_tables import Log, new_log, new_space, new_state
from crossbar.mapping.flow import Task
from crossbar.mapping.plan import Plan
from crossbar.timing.deadlock import explain_deadlock
from crossbar.timing.machine import Machine, build_machine
from crossbar.timing.room import Capacities

__all__ = ["CAUSES", "Schedule", "TaskTimes", "Use", "idle_gaps", "schedule", "schedule_machine"]

Ints = NDArray[np.int64]

CAUSES = ("starved", "write", "blocked", "pipeline", "bus", "adc", "drained")
"""What an array that is not reading waits for; docs/timing.md says what each means."""

_FOREVER = 1 << 36


@dataclass(frozen=True, eq=False)
class TaskTimes:
    """What one copy of a layer or join did.

    Parameters
    ----------
    task : Task
    busy : int
        Clocks in which its arrays were read.
    idle : mapping of str to int
        Cause -> clocks; empty for a join.  With ``busy`` they add up to the clocks of the run.
    issue, read, done : int64[images * positions]
        Clock at which each position was asked for, its first read began, its result was stored.
    """

    task: Task
    busy: int
    idle: Mapping[str, int]
    issue: Ints
    read: Ints
    done: Ints

    @property
    def step(self) -> str:
        """Name of the layer or join."""
        return self.task.name

    @property
    def copy(self) -> int:
        """Which copy of it."""
        return self.task.copy

    @property
    def kind(self) -> str:
        """``"product"`` or ``"join"``."""
        return self.task.step.kind

    @property
    def positions(self) -> int:
        """Positions of one image."""
        return self.task.positions


@dataclass(frozen=True)
class Use:
    """What one shared resource did.

    Parameters
    ----------
    name, kind : str
    tile : int
    busy : int
        Clocks of service.
    idle : mapping of str to int
        ``starved``: clocks without a request before its last service; ``drained``: after it.
    """

    name: str
    kind: str
    tile: int
    busy: int
    idle: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Schedule:
    """A run of one or more images.

    Parameters
    ----------
    plan : Plan
    images : int
    cycles : int
        Clock at which everything is stored; the run begins at 0.
    done_images : tuple of int
        Clock at which each image is.
    tasks : tuple of TaskTimes
        In network order, copies in order.
    resources : tuple of Use
        Those that were asked for.
    machine : Machine
    log : Log
    events : int
        How many the event loop worked through.
    """

    plan: Plan
    images: int
    cycles: int
    done_images: tuple[int, ...]
    tasks: tuple[TaskTimes, ...]
    resources: tuple[Use, ...]
    machine: Machine
    log: Log
    events: int


def schedule(
    plan: Plan,
    *,
    images: int = 1,
    capacities: Capacities | Literal["plan"] = "plan",
    free_links: bool = False,
) -> Schedule:
    """Run images one after the other through a plan.

    Parameters
    ----------
    plan : Plan
    images : int
        All are waiting at clock 0.
    capacities : mapping, "plan" or "infinite"
        Pixels that each buffer holds, by ``(layer or join, copy, operand)``; by default what the
        plan gives them.
    free_links : bool
        Whether buses, ports, digital units and shared converters serve everybody at once.

    Raises
    ------
    DeadlockError
        If positions wait for one another in a circle, which buffers of the plan never cause.
    """
    machine = build_machine(plan, plan.capacities if capacities == "plan" else capacities)
    return schedule_machine(plan, machine, images, free_links)


def schedule_machine(
    plan: Plan, machine: Machine, images: int = 1, free_links: bool = False
) -> Schedule:
    """Run images through a plan that is compiled already; see `schedule`."""
    tables = machine.tables
    _check_length(machine, images)
    state = new_state(len(machine.tasks), len(machine.resources))
    log = new_log(int(tables.offset[-1]) * images)
    events = int(run(images, _FOREVER, not free_links, tables, state, log, *new_space(tables)))
    sizes = np.diff(tables.offset)
    if (state.stored < sizes * images).any():
        raise explain_deadlock(machine, state, images)
    done = np.zeros(images, np.int64)
    for task, size in enumerate(sizes):
        rows = slice(tables.offset[task] * images, tables.offset[task + 1] * images)
        ends = log.stored[rows].reshape(images, size)[:, -1]
        done = np.maximum(done, ends)
    cycles = int(done.max())
    return Schedule(
        plan,
        images,
        cycles,
        tuple(int(clock) for clock in done),
        tuple(_times(machine, log, task, images, cycles) for task in range(sizes.size)),
        tuple(
            Use(
                named.name,
                named.kind,
                named.tile,
                int(busy),
                _unasked(int(busy), min(int(end), cycles), cycles),
            )
            for named, busy, end in zip(machine.resources, state.busy, state.free, strict=True)
            if busy and not free_links  # served at once, they are never idle or busy in a row
        ),
        machine,
        log,
        events,
    )


def _check_length(machine: Machine, images: int) -> None:
    """Refuse a run whose clocks would not fit the event loop, were all done one after the other."""
    tables = machine.tables
    held = np.add.reduceat(np.append(tables.ask_hold, 0), tables.ask_start[:-1])
    held[np.diff(tables.ask_start) == 0] = 0
    each = machine.alone + held.reshape(-1, 4).sum(axis=1)
    clocks = float((np.diff(tables.offset) * each.astype(float) + tables.write).sum()) * images
    if clocks > _FOREVER / 2:
        raise InputError(
            f"{images} image(s) would take up to {clocks:.3g} clocks, and the schedule counts"
            f" {_FOREVER / 2:.3g}; check clock, array.cycle and adc.rate"
        )


def _unasked(busy: int, end: int, cycles: int) -> dict[str, int]:
    """Tell the idle clocks of a resource before its last service from those after."""
    return {"starved": end - busy, "drained": cycles - end}


def idle_gaps(log: Log, rows: slice, clocks: int, start: int) -> dict[str, Ints]:
    """Split what passes before each position is read, its arrays being idle, by its causes.

    The step that a fetch takes at least is charged to what delayed it last, since it would have
    gone on beside the reads of the position before; to the bus only if nothing did.

    Parameters
    ----------
    log : Log
    rows : slice
        The positions of one task.
    clocks : int
        Of a read, and of a step.
    start : int
        Clock from which the first position counts.

    Returns
    -------
    dict of str to int64[positions]
        Clocks by cause.
    """
    turn, data, room, issue = log.turn[rows], log.data[rows], log.room[rows], log.issue[rows]
    read, fetched, written = log.read[rows], log.fetched[rows], log.written[rows]
    before = np.concatenate([[start], log.last[rows][:-1] + clocks])
    found: dict[str, Ints] = {}
    step = np.minimum(fetched, issue + clocks)
    for cause, until in (
        ("starved", data),
        ("write", written),
        ("blocked", room),
        ("pipeline", issue),
        ("fetch", step),
        ("bus", fetched),
        ("adc", read),
    ):
        upto = np.clip(until, before, read)
        found[cause] = upto - before
        before = upto
    fetch = found.pop("fetch")
    free = np.ones(fetch.shape, bool)
    for cause, delayed in (
        ("pipeline", issue > room),
        ("blocked", room > written),
        ("write", written > data),
        ("starved", data > turn),
    ):
        found[cause] += fetch * (free & delayed)
        free &= ~delayed
    found["bus"] += fetch * free
    return found


def _times(machine: Machine, log: Log, number: int, images: int, cycles: int) -> TaskTimes:
    """Read one task's part of the log."""
    tables, task = machine.tables, machine.tasks[number]
    rows = slice(tables.offset[number] * images, tables.offset[number + 1] * images)
    issue, done = log.issue[rows], log.stored[rows]
    if task.is_join:
        return TaskTimes(task, 0, {}, issue, issue, done)
    clocks, reads = tables.array_clocks, int(tables.reads[number])
    read, last = log.read[rows], log.last[rows]
    busy = clocks * reads * read.size
    gaps = idle_gaps(log, rows, clocks, start=0)
    idle = {cause: int(gap.sum()) for cause, gap in gaps.items()}
    idle["adc"] += int((last - read).sum()) - clocks * (reads - 1) * read.size
    idle["drained"] = cycles - int(last[-1]) - clocks
    return TaskTimes(task, busy, idle, issue, read, done)
