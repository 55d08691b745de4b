"""Does the schedule keep what must hold whatever the chip and the network?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import build_plan, load_arch
from crossbar.errors import DeadlockError
from crossbar.mapping import Plan
from crossbar.timing.engine import Schedule, schedule
from crossbar.workload import Workload, WorkloadBuilder
from tests.timing.closed_form import closed_form, critical_path, fetch_hides
from tests.timing.random_chips import random_plan
from tests.timing.tasks import buffer_needs, make_tasks

SEEDS = st.integers(0, 100_000)
FEW = settings(deadline=None, max_examples=25)


def done_of(run: Schedule) -> list[list[int]]:
    return [task.done.tolist() for task in run.tasks]


def one_layer(positions: int, inputs: int, outputs: int) -> Workload:
    """A linear layer on tokens, with an activation."""
    net = WorkloadBuilder("one")
    x = net.linear("fc", net.input("input", (positions, inputs)), outputs)
    return net.build(net.relu("relu", x))


def cycles(workload: Workload, **keys: Any) -> int:
    arch = load_arch("tiny_reram", {key.replace("__", "."): value for key, value in keys.items()})
    return schedule(build_plan(workload, arch)).cycles


@FEW
@given(SEEDS, st.integers(1, 3))
def test_busy_and_idle_clocks_add_up_to_all(seed: int, images: int) -> None:
    run = schedule(random_plan(seed), images=images)
    for task in run.tasks:
        if task.kind == "product":
            assert min(task.idle.values()) >= 0
            assert task.busy + sum(task.idle.values()) == run.cycles
    for use in run.resources:
        assert min(use.idle.values()) >= 0
        assert use.busy + sum(use.idle.values()) == run.cycles


@FEW
@given(SEEDS)
def test_no_schedule_beats_the_critical_path_or_the_busiest_part(seed: int) -> None:
    plan = random_plan(seed)
    run = schedule(plan)
    assert run.cycles >= critical_path(plan)
    assert run.cycles >= max(task.busy for task in run.tasks)
    assert run.cycles >= max((use.busy for use in run.resources), default=0)


@settings(deadline=None, max_examples=60)
@given(SEEDS, st.integers(1, 3))
def test_without_limits_the_schedule_is_the_closed_form(seed: int, images: int) -> None:
    plan = random_plan(seed)
    if not fetch_hides(plan):
        plan = random_plan(seed, pe__input_register="64 KiB", tile__bus_width=4096)
    if not fetch_hides(plan):  # a layer that feeds itself
        return
    run = schedule(plan, images=images, capacities="infinite", free_links=True)
    assert done_of(run) == [each.tolist() for each in closed_form(plan, images)]


@FEW
@given(SEEDS)
def test_without_sharing_later_images_change_nothing_for_the_first(seed: int) -> None:
    plan = random_plan(seed)
    alone = schedule(plan, images=1, free_links=True)
    stream = schedule(plan, images=3, free_links=True)
    for first, all_of_them in zip(alone.tasks, stream.tasks, strict=True):
        np.testing.assert_array_equal(all_of_them.done[: first.positions], first.done)


@FEW
@given(SEEDS)
def test_two_runs_are_the_same(seed: int) -> None:
    plan, again = random_plan(seed), random_plan(seed)
    first, second = schedule(plan, images=2), schedule(again, images=2)
    assert done_of(first) == done_of(second)
    assert [task.idle for task in first.tasks] == [task.idle for task in second.tasks]
    assert first.resources == second.resources


@FEW
@given(
    st.integers(1, 24), st.integers(1, 40), st.integers(1, 12), st.sampled_from(["16 ns", "2 ns"])
)
def test_a_wider_bus_is_never_slower_for_one_layer(
    positions: int, inputs: int, outputs: int, cycle: str
) -> None:
    work = one_layer(positions, inputs, outputs)
    keys = {"array__cycle": cycle, "cell__read_pulse": cycle}
    clocks = [cycles(work, tile__bus_width=width, **keys) for width in (1, 2, 4, 8, 32, 64)]
    assert clocks == sorted(clocks, reverse=True)


@FEW
@given(st.integers(1, 24), st.integers(1, 40), st.integers(1, 20), st.integers(1, 6))
def test_more_adcs_are_never_slower_for_one_layer(
    positions: int, inputs: int, outputs: int, arrays: int
) -> None:
    work = one_layer(positions, inputs, outputs)
    counts = range(1, arrays + 1)
    clocks = [cycles(work, pe__arrays=arrays, pe__adcs=adcs) for adcs in counts]
    assert clocks == sorted(clocks, reverse=True)


@FEW
@given(SEEDS)
def test_larger_buffers_are_never_slower_when_links_are_free(seed: int) -> None:
    plan = random_plan(seed)
    needs = buffer_needs(plan)
    clocks = [
        cycles_or_never(plan, {key: need * share for key, (need, _) in needs.items()})
        for share in (1, 2, 4)
    ]
    clocks.append(schedule(plan, capacities="infinite", free_links=True).cycles)
    assert clocks == sorted(clocks, reverse=True)


def cycles_or_never(plan: Plan, sizes: dict[tuple[str, int, int], int]) -> float:
    """Clocks of one image, infinite where it never ends."""
    try:
        return schedule(plan, capacities=sizes, free_links=True).cycles
    except DeadlockError:
        return float("inf")


def test_where_copies_compete_more_hardware_is_hardly_ever_slower() -> None:
    """Serving the oldest first has anomalies: they are counted, and few."""
    steps = slower = 0
    for seed in range(60):
        for key, values in (("tile__bus_width", (2, 8, 64)), ("pe__adcs", (1, 2, 4))):
            plans = (random_plan(seed, pe__arrays=4, **{key: value}) for value in values)
            clocks = [schedule(plan).cycles for plan in plans]
            steps += len(clocks) - 1
            slower += sum(b > a for a, b in itertools.pairwise(clocks))
    assert slower <= steps // 50, f"{slower} of {steps} steps to more hardware took longer"


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 6])
def test_copies_share_a_layers_reads(copies: int) -> None:
    arch = load_arch("tiny_reram", {"replication": [copies]})
    run = schedule(build_plan(one_layer(24, 8, 4), arch))
    assert [task.busy for task in run.tasks] == [24 * 4 * 16 // copies] * copies


@FEW
@given(SEEDS)
def test_an_array_is_busy_for_each_of_its_reads_and_no_more(seed: int) -> None:
    plan = random_plan(seed)
    run = schedule(plan, images=2)
    for task, mine in zip(run.tasks, make_tasks(plan, 2, None), strict=True):
        assert task.busy == (mine.total * mine.cost.n * mine.cost.a if mine.cost.n else 0)
