"""Copies of steps, what each of their positions waits for, and the buffers that they fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossbar.mapping import Plan
from tests.timing.durations import Cost, copy_cost
from tests.timing.fields import Flow, Step, find_flow

CAUSES = ("starved", "write", "blocked", "pipeline", "bus", "adc", "drained")
FOREVER = 10**18

Capacities = Mapping[tuple[str, int, int], int]
"""Pixels by step, copy and operand."""


@dataclass
class Task:
    """One copy of a step at work.

    Lists go over the positions of one image (`waits_for`, `fills`) or of all (the others).
    """

    number: int
    step: Step
    copy: int
    cost: Cost
    first: int
    count: int
    images: int
    waits_for: list[set[tuple[int, int]]] = field(default_factory=list)
    """(task, its position) that must be stored."""
    fills: list[list[tuple[Buffer, int]]] = field(default_factory=list)
    """Buffers, and the last place there that the position contributes to."""
    buffers: dict[int, Buffer] = field(default_factory=dict)
    """Its own, by operand."""
    passed: list[list[int]] = field(default_factory=list)
    """Clocks at which it was its turn, and no longer starved, blocked, held by the pipeline."""
    issue: list[int] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)
    """When its operands were no longer needed: fetched, or activated by a join."""
    read: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    """When its last read began."""
    done: list[int] = field(default_factory=list)
    reads: int = 0
    free: int = 0
    """Clock from which the arrays may read again."""
    ended: int = 0
    """End of its latest read."""
    written: dict[int, int] = field(default_factory=dict)
    """Image -> clock at which its cells are programmed."""
    between_reads: int = 0
    """Idle clocks between reads of one position."""

    @property
    def total(self) -> int:
        return self.count * self.images

    @property
    def busy(self) -> int:
        return self.reads * self.cost.a


@dataclass
class Buffer:
    """What a copy keeps of one operand; a pixel's place is its rank among those that it needs."""

    reader: Task
    capacity: int | None
    size: int
    need: int
    """Places from the oldest to the newest pixel that any position needs."""
    oldest: list[int]
    """First place that the positions i, i + 1 ... of an image still need."""

    def end(self) -> int:
        """First place, counted over all images, for which there is no room."""
        reader = self.reader
        image, place = divmod(len(reader.fetched), reader.count)
        if self.capacity is None or image == reader.images:
            return FOREVER
        return image * self.size + self.oldest[place] + self.capacity


def make_tasks(plan: Plan, images: int, capacities: Capacities | None) -> list[Task]:
    """Set up all copies of all steps, in network order; without capacities nothing blocks."""
    flow = find_flow(plan)
    tasks: list[Task] = []
    by_position: dict[tuple[str, int], tuple[Task, int]] = {}
    for step in flow.steps:
        for copy, (first, count) in enumerate(step.stripes):
            cost = copy_cost(plan, step, copy)
            task = Task(len(tasks), step, copy, cost, first, count, images)
            task.fills = [[] for _ in range(count)]
            tasks.append(task)
            by_position |= {(step.name, first + i): (task, i) for i in range(count)}
    for task in tasks:
        needs = task.step.needs[task.first : task.first + task.count]
        for makers in task.step.waits_for[task.first : task.first + task.count]:
            found = [by_position[maker] for maker in makers]
            task.waits_for.append({(other.number, i) for other, i in found})
        for k, operand in enumerate(task.step.operands):
            _connect(flow, task, k, operand, needs, by_position, capacities)
    return tasks


def buffer_needs(plan: Plan) -> dict[tuple[str, int, int], tuple[int, int]]:
    """Tell of each buffer the fewest pixels that hold any window, and the pixels of an image."""
    return {
        (task.step.name, task.copy, k): (buffer.need, buffer.size)
        for task in make_tasks(plan, 1, None)
        for k, buffer in task.buffers.items()
    }


def _connect(
    flow: Flow,
    task: Task,
    k: int,
    operand: str,
    needs: list[set[tuple[int, int]]],
    by_position: dict[tuple[str, int], tuple[Task, int]],
    capacities: Capacities | None,
) -> None:
    """Make the buffer of one operand, and tell those that fill it."""
    makers = flow.makers[operand]
    needed = [{q for kk, q in each if kk == k} for each in needs]
    order = sorted(set().union(*needed))
    if not any(makers[q] for q in order) or not task.step.is_modelled or k in task.step.in_unit:
        return  # it was there from the start, or goes to a unit that holds it itself, or is unknown
    rank = {q: place for place, q in enumerate(order)}
    oldest = [len(order)]
    for each in reversed(needed):
        oldest.insert(0, min([oldest[0], *(rank[q] for q in each)]))
    capacity = None if capacities is None else capacities[task.step.name, task.copy, k]
    spans = zip(needed, oldest, strict=False)
    need = max(max(rank[q] for q in each) - first + 1 for each, first in spans if each)
    buffer = Buffer(task, capacity, len(order), need, oldest)
    task.buffers[k] = buffer
    furthest: dict[tuple[str, int], int] = {}
    for q in order:
        for maker in makers[q]:
            furthest[maker] = rank[q]  # ranks rise
    for maker, place in furthest.items():
        other, i = by_position[maker]
        other.fills[i].append((buffer, place))


def idle_clocks(task: Task, cycles: int) -> dict[str, int]:
    """Name every clock in which the arrays of a product's copy do not read."""
    idle = dict.fromkeys(CAUSES, 0)
    idle["adc"] = task.between_reads
    end = 0  # of the read before
    for place, read in enumerate(task.read):
        turn, *passed = task.passed[place]  # starved, written, blocked, pipeline
        delays = [
            cause
            for cause, since, until in zip(CAUSES, [turn, *passed], passed, strict=False)
            if until > since
        ]
        pipeline = passed[-1]
        step = min(task.fetched[place], pipeline + task.cost.a)  # of the fetch itself
        causes = (*CAUSES[:4], delays[-1] if delays else "bus", *CAUSES[4:6])
        bounds = [end, *passed, step, task.fetched[place], read]
        bounds = [min(max(bound, end), read) for bound in bounds]
        for cause, start, stop in zip(causes, bounds, bounds[1:], strict=False):
            idle[cause] += stop - start  # CAUSES[5] is adc: fetched, but not yet read
        end = task.last[place] + task.cost.a
    idle["drained"] = cycles - end
    return idle
