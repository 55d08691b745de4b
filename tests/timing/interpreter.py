"""The schedule of docs/timing.md, clock by clock, in plain Python: the engine's judge.

Nothing here is fast or clever, and nothing comes from the engine: durations are those of
`tests.timing.durations`, receptive fields those of `tests.timing.fields`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from crossbar.mapping import Plan
from tests.timing.durations import Resource
from tests.timing.tasks import FOREVER, Capacities, Task, idle_clocks, make_tasks

EVENTS = ("fetch", "convert", "merge", "activate", "store")
"""Those that need resources, in their order."""


class DeadlockError(Exception):
    """Nothing can ever happen again, and not everything is done."""


@dataclass
class Event:
    """Something asked for, until every resource has served it."""

    task: Task
    kind: str
    place: int
    asked: int
    waiting: int = 0
    end: int = 0

    @property
    def rank(self) -> tuple[int, int, int, int]:
        """The order in which a resource serves."""
        return (self.asked, self.task.number, EVENTS.index(self.kind), self.place)


@dataclass
class Result:
    """What the engine must agree with."""

    tasks: list[Task]
    cycles: int
    done_images: tuple[int, ...]
    idle: dict[int, dict[str, int]]
    busy: dict[Resource, int]


def interpret(
    plan: Plan,
    images: int = 1,
    capacities: Capacities | None = None,
    *,
    free_links: bool = False,
    skip: bool = True,
) -> Result:
    """Schedule images on a plan.

    ``capacities`` are pixels by (step, copy, operand), None infinite; ``skip`` leaves out the
    clocks at which nothing ends and nothing becomes free.
    """
    return _Chip(make_tasks(plan, images, capacities), free_links).run(images, skip)


class _Chip:
    """One run from clock 0."""

    def __init__(self, tasks: list[Task], free_links: bool) -> None:
        self.tasks, self.free_links = tasks, free_links
        self.queues: dict[Resource, list[tuple[Event, int]]] = defaultdict(list)
        self.free: dict[Resource, int] = defaultdict(int)
        self.busy: dict[Resource, int] = defaultdict(int)
        self.ends: dict[int, list[tuple[str, Event]]] = defaultdict(list)
        self.known: set[int] = {0}  # clocks to come at which something ends or becomes free
        self.t = 0

    def run(self, images: int, skip: bool) -> Result:
        """Step through the clocks until everything is stored."""
        while any(len(task.done) < task.total for task in self.tasks):
            self.known = {clock for clock in self.known if clock >= self.t}
            if not self.known:
                raise DeadlockError(f"nothing happens after clock {self.t - 1}")
            if skip:
                self.t = min(self.known)
            self.clock()
            self.t += 1
        done = tuple(
            max(task.done[(i + 1) * task.count - 1] for task in self.tasks) for i in range(images)
        )
        products = (task for task in self.tasks if task.step.kind == "product")
        idle = {task.number: idle_clocks(task, done[-1]) for task in products}
        return Result(self.tasks, done[-1], done, idle, dict(self.busy))

    def clock(self) -> None:
        """Do all that happens in one clock: what ends, what follows from it, then the grants."""
        for kind, event in self.ends.pop(self.t, []):
            self.finish(kind, event)
        for resource in [key for key in self.queues if key[0] == "adc"]:
            self.settle(resource)
        for task in self.tasks:
            self.begin_read(task)
        while any([self.issue(task) for task in self.tasks]):
            pass  # what one fetches may make room for another
        for resource in self.queues:
            self.grant(resource)

    def at(self, clock: int, kind: str, event: Event) -> None:
        """Let something end at a later clock."""
        assert clock > self.t
        self.ends[clock].append((kind, event))
        self.known.add(clock)

    def issue(self, task: Task) -> bool:
        """Ask for the next position of a copy, when it may be fetched."""
        place = len(task.issue)
        if place == task.total:
            return False
        if place == len(task.passed):
            task.passed.append([])
        passed = task.passed[place]
        checks = (self.has_turn, self.is_fed, self.is_written, self.has_room, self.is_free)
        for check in checks[len(passed) :]:
            if not check(task, place):
                return False
            passed.append(self.t)
        task.issue.append(self.t)
        if task.step.kind == "join":
            task.read.append(self.t)
        kind = "activate" if task.step.kind == "join" else "fetch"
        self.ask(Event(task, kind, place, self.t))
        return True

    def has_turn(self, task: Task, place: int) -> bool:
        """Whether the one before has been fetched, and the input register has room."""
        if task.step.kind == "join":
            return True
        if task.cost.write and place % task.count == 0 and len(task.last) < place:
            return False  # the arrays have still to begin the last read of the image before
        return len(task.fetched) == place and place < len(task.last) + task.cost.window

    def is_fed(self, task: Task, place: int) -> bool:
        """Whether the whole receptive field is stored."""
        image, i = divmod(place, task.count)
        others = ((self.tasks[number], j) for number, j in task.waits_for[i])
        return all(len(other.done) > image * other.count + j for other, j in others)

    def is_written(self, task: Task, place: int) -> bool:
        """Whether the cells hold what belongs to the image; else they are programmed from now on,
        or from when the arrays are no longer read for the image before.
        """
        image, i = divmod(place, task.count)
        if i or not task.cost.write:
            return True
        if image not in task.written:
            begin = max(self.t, task.last[-1] + task.cost.a if image else 0)
            task.written[image] = begin + task.cost.write
            self.known.add(task.written[image])
        return self.t >= task.written[image]

    def has_room(self, task: Task, place: int) -> bool:
        """Whether the result has a place in every buffer that takes it."""
        image, i = divmod(place, task.count)
        return all(image * buffer.size + rank < buffer.end() for buffer, rank in task.fills[i])

    def is_free(self, task: Task, place: int) -> bool:
        """Whether few enough positions are under way."""
        return place - len(task.done) < task.cost.limit

    def begin_read(self, task: Task) -> None:
        """Start the next read of a product if the arrays and the inputs are there."""
        n = task.cost.n
        if task.step.kind == "join" or self.t < task.free or task.reads == len(task.fetched) * n:
            return
        place, k = divmod(task.reads, n)
        if k == 0:
            task.read.append(self.t)
        else:
            task.between_reads += self.t - task.ended
        if k == n - 1:
            task.last.append(self.t)
        task.reads += 1
        task.ended = self.t + task.cost.a
        task.free = FOREVER  # until its conversions are known
        self.at(task.ended, "read", Event(task, "read", place, self.t))

    def finish(self, kind: str, event: Event) -> None:
        """Go on to what follows an event."""
        task, place = event.task, event.place
        if kind == "fetch":
            task.fetched.append(self.t)
        elif kind == "read":
            self.ask(Event(task, "convert", place, self.t))
        elif kind == "convert":
            self.at(self.t + task.cost.a, "shift-add", event)
        elif kind == "shift-add":
            self.ask(Event(task, "merge", place, self.t))
        elif kind == "merge":
            self.ask(Event(task, "activate", place, self.t))
        elif kind == "activate":
            if task.step.kind == "join":
                task.fetched.append(self.t)
            self.ask(Event(task, "store", place, self.t))
        else:
            task.done.append(self.t)

    def ask(self, event: Event) -> None:
        """Queue for all that an event needs."""
        cost = event.task.cost
        event.end = self.t + cost.length.get(event.kind, cost.a)
        needed = {key: clocks for key, clocks in cost.service[event.kind].items() if clocks}
        event.waiting = len(needed)
        for resource, service in needed.items():
            if self.free_links:
                self.serve(event, resource, service, self.t)
            else:
                self.queues[resource].append((event, service))
        if not needed:
            self.know_end(event)

    def settle(self, resource: Resource) -> None:
        """Plan an ADC's queue: all asks of this clock are there, so it is known who comes when."""
        for event, service in sorted(self.queues[resource], key=lambda item: item[0].rank):
            start = max(self.t, self.free[resource])
            self.serve(event, resource, service, start)
        self.queues[resource].clear()

    def grant(self, resource: Resource) -> None:
        """Serve the oldest request, if the resource is free."""
        queue = self.queues[resource]
        if queue and self.free[resource] <= self.t:
            event, service = min(queue, key=lambda item: item[0].rank)
            queue.remove((event, service))
            self.serve(event, resource, service, self.t)

    def serve(self, event: Event, resource: Resource, service: int, start: int) -> None:
        """Give a resource to an event from a clock on."""
        self.free[resource] = start + service
        self.known.add(start + service)
        self.busy[resource] += service
        end = start + service
        if event.kind == "fetch":  # reading begins with the first digit, in time for the last
            n, slot = event.task.cost.n, event.task.cost.slot
            end = max(start - (-service // n), end - (n - 1) * slot)
        event.end = max(event.end, end)
        event.waiting -= 1
        if not event.waiting:
            self.know_end(event)

    def know_end(self, event: Event) -> None:
        """Note when an event will end, now that all have granted."""
        task = event.task
        if event.kind == "convert":
            task.free = max(self.t, event.end - task.cost.a)
            self.known.add(task.free)
            if task.reads % task.cost.n:
                return  # more reads of the position are to come
        self.at(event.end, event.kind, event)
