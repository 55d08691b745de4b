"""When everything is done if buffers are infinite and links free: a max-plus recurrence.

A copy reads its position p not before ``max over k <= p of ready(k) + (p - k) n slot``, where
``ready(k)`` is one fetch after the last pixel of position k was stored.  That needs a fetch short
enough to hide behind the reads before it (`fetch_hides`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossbar.mapping import Plan
from tests.timing.tasks import Task, make_tasks

Ints = NDArray[np.int64]


@dataclass
class Chain:
    """Unhindered clocks of one position: until it is read, its reads, and from the first to the
    end.
    """

    fetch: int
    interval: int
    rest: int


def chain_of(task: Task) -> Chain:
    """Add up the events of one position."""
    cost = task.cost
    lengths = {
        event: max([length, *cost.service[event].values()]) for event, length in cost.length.items()
    }
    tail = lengths["activate"] + lengths["store"]
    if task.step.kind == "join":
        return Chain(0, 0, tail)
    spare = (cost.n - 1) * cost.slot
    bus = cost.service["fetch"].values()
    fetch = max(cost.a, *(max(-(-clocks // cost.n), clocks - spare) for clocks in bus))
    rest = spare + cost.a + cost.slot + cost.a + lengths["merge"] + tail
    return Chain(fetch, cost.n * cost.slot, rest)


def fetch_hides(plan: Plan) -> bool:
    """Whether no copy ever waits for its own fetches, and none for its own results."""
    for task in make_tasks(plan, 1, None):
        if any(other == task.number for found in task.waits_for for other, _ in found):
            return False
        chain = chain_of(task)
        room = task.cost.slot if task.cost.window == 1 else chain.interval
        if task.step.kind == "product" and chain.fetch > room:
            return False
    return True


def closed_form(plan: Plan, images: int) -> list[Ints]:
    """Work out when each position of each task is stored, task by task."""
    tasks = make_tasks(plan, images, None)
    done: list[Ints] = []
    for task in tasks:
        stored = _stored(task, done, images)
        chain, turns = chain_of(task), np.arange(task.total)
        if task.cost.write:
            done.append(_written(task, stored, images) + chain.rest)
        elif task.step.kind == "product":
            ready = stored + chain.fetch
            read = np.maximum.accumulate(ready - turns * chain.interval) + turns * chain.interval
            done.append(read + chain.rest)
        else:
            begin = np.maximum.accumulate(stored)
            for lane in range(task.cost.limit):  # as many under way: each waits for one `limit` ago
                mine = begin[lane :: task.cost.limit]
                later = np.arange(len(mine)) * chain.rest
                begin[lane :: task.cost.limit] = np.maximum.accumulate(mine - later) + later
            done.append(begin + chain.rest)
    return done


def _written(task: Task, stored: Ints, images: int) -> Ints:
    """When positions are read whose cells are programmed for each image, after the one before."""
    chain, cost = chain_of(task), task.cost
    read: list[int] = []
    for image in range(images):
        mine = stored[image * task.count : (image + 1) * task.count]
        idle = read[-1] + (cost.n - 1) * cost.slot + cost.a if read else 0
        written = max(int(mine[0]), idle) + cost.write
        for ready in mine:
            before = read[-1] + chain.interval if read else 0
            read.append(max(max(int(ready), written) + chain.fetch, before))
    return np.array(read, np.int64)


def critical_path(plan: Plan) -> int:
    """Longest way through the network when every copy were free for every position at once."""
    longest: list[Ints] = []
    for task in make_tasks(plan, 1, None):
        chain = chain_of(task)
        if any(other >= task.number for found in task.waits_for for other, _ in found):
            return 0  # a layer that feeds itself: not worked out
        longest.append(_stored(task, longest, 1) + chain.fetch + chain.rest)
    return int(max(each.max() for each in longest))


def _stored(task: Task, done: Sequence[Ints], images: int) -> Ints:
    """When the receptive field of each position is complete."""
    stored = np.zeros((images, task.count), dtype=np.int64)
    for i, found in enumerate(task.waits_for):
        for other, j in found:
            of_images = done[other].reshape(images, -1)[:, j]
            stored[:, i] = np.maximum(stored[:, i], of_images)
    return stored.ravel()
