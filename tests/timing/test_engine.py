"""Does the engine schedule exactly as docs/timing.md says?"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import numpy as np
import pytest

from crossbar.errors import DeadlockError
from crossbar.mapping import Plan
from crossbar.timing.engine import Schedule, schedule
from tests.timing.interpreter import DeadlockError as NeverEnds
from tests.timing.interpreter import Result, interpret
from tests.timing.random_chips import random_plan
from tests.timing.tasks import Capacities, buffer_needs

BATCH = 60
"""Seeds of one test."""


def random_capacities(plan: Plan, rng: np.random.Generator) -> Capacities | None:
    """Draw buffers: those of the plan, infinite, roomy, or with hardly room for a window."""
    kind = int(rng.integers(4))
    if kind == 0:
        return plan.capacities
    if kind == 1:
        return None
    slack = 4 if kind == 2 else 1
    return {
        key: need + int(rng.integers(0, slack * need + 1))
        for key, (need, _) in buffer_needs(plan).items()
    }


def first_difference(run: Schedule, expected: Result) -> str:
    """Say where the engine and the judge part; nothing where they agree."""
    found = [(task.step, task.copy, task.kind) for task in run.tasks]
    wanted = [(task.step.name, task.copy, task.step.kind) for task in expected.tasks]
    if found != wanted:
        return f"tasks {found}, expected {wanted}"
    for clocks in ("issue", "read", "done"):
        for mine, theirs in zip(run.tasks, expected.tasks, strict=True):
            engine, judge = getattr(mine, clocks), np.array(getattr(theirs, clocks))
            if not np.array_equal(engine, judge):
                at = int(np.flatnonzero(engine != judge)[0])
                return (
                    f"{clocks} of position {at} of {mine.step!r} copy {mine.copy}:"
                    f" engine {engine[at]}, expected {judge[at]}"
                )
    for number, idle in expected.idle.items():
        task = run.tasks[number]
        if dict(task.idle) != idle or task.busy != expected.tasks[number].busy:
            return f"idle of {task.step!r} copy {task.copy}: {task.idle}, expected {idle}"
    if run.done_images != expected.done_images or run.cycles != expected.cycles:
        return f"images {run.done_images}, expected {expected.done_images}"
    return ""


def resource_difference(run: Schedule, expected: Result) -> str:
    """Compare the clocks of service."""
    names = {
        "bus": "tile {} bus",
        "port": "tile {} output port",
        "vector": "tile {} vector unit",
        "matmul": "tile {} matmul unit",
        "adc": "ADC {}",
    }
    busy = {names[kind].format(number): clocks for (kind, number), clocks in expected.busy.items()}
    users = Counter(
        f"ADC {number}"
        for task in expected.tasks
        for _, number in task.cost.service.get("convert", {})
    )
    for use in run.resources:
        if use.busy != busy.pop(use.name):
            return f"{use}, expected {expected.busy}"
        if use.busy + sum(use.idle.values()) != run.cycles or min(use.idle.values()) < 0:
            return f"{use.name}: busy {use.busy} and idle {use.idle} of {run.cycles} clocks"
    missing = [name for name in busy if users.get(name) != 1]  # an ADC of one copy is no resource
    return f"{missing} missing" if missing else ""


def check(seed: int) -> None:
    """Compare one random chip, network, stream and set of buffers."""
    plan = random_plan(seed)
    rng = np.random.default_rng([seed, 1])
    images = int(rng.integers(1, 4))
    capacities = random_capacities(plan, rng)
    free = bool(rng.random() < 0.1)
    where = f"seed {seed}, {images} images, free links {free}, capacities {capacities}"
    expected: Result | None = None
    with suppress(NeverEnds):
        expected = interpret(plan, images, capacities, free_links=free)
    run: Schedule | None = None
    with suppress(DeadlockError):
        run = schedule(plan, images=images, capacities=capacities or "infinite", free_links=free)
    if run is None or expected is None:
        ends = [name for name, each in (("engine", run), ("judge", expected)) if each is not None]
        assert not ends, f"{where}: it ends for the {ends[0]} only"
        assert capacities is not plan.capacities, f"{where}: the plan's buffers are too small"
        return
    difference = first_difference(run, expected)
    if not difference and not free:
        difference = resource_difference(run, expected)
    assert not difference, f"{where}: {difference}"


@pytest.mark.parametrize("first", range(0, 1200, BATCH))
def test_the_engine_agrees_with_the_interpreter_to_the_clock(first: int) -> None:
    for seed in range(first, first + BATCH):
        check(seed)
