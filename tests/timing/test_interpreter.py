"""Does the judge of the engine schedule cases that can be worked out by hand?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossbar import build_plan, load_arch
from crossbar.mapping import Plan
from crossbar.workload import WorkloadBuilder
from tests.timing.fields import find_flow
from tests.timing.interpreter import DeadlockError, Result, interpret
from tests.timing.random_chips import random_plan
from tests.timing.tasks import Task

STEP = 16
"""Clocks of a step of tiny_reram; its 4-bit inputs take 4 reads, 16 columns 16 conversions."""


def tokens(n: int, *layers: str, arch: str = "tiny_reram", width: int = 8, **keys: Any) -> Plan:
    """Linear layers one after the other over n tokens."""
    net = WorkloadBuilder("tokens")
    x = net.input("input", (n, width))
    for name in layers:
        x = net.linear(name, x, width)
    overrides = {key.replace("__", "."): value for key, value in keys.items()}
    return build_plan(net.build(x), load_arch(arch, overrides))


def task_of(result: Result, name: str, copy: int = 0) -> Task:
    return next(t for t in result.tasks if (t.step.name, t.copy) == (name, copy))


def test_isaac_gives_its_first_output_after_22_steps_and_one_every_16() -> None:
    result = interpret(tokens(5, "fc", arch="isaac_isca_2016"))
    assert task_of(result, "fc").done == [128 * (22 + 16 * i) for i in range(5)]
    assert result.cycles == 128 * (22 + 64)


def test_a_layer_starts_with_the_first_output_of_the_one_before() -> None:
    result = interpret(tokens(3, "a", "b"))
    assert task_of(result, "a").done == [10 * STEP, 14 * STEP, 18 * STEP]
    assert task_of(result, "b").issue == task_of(result, "a").done
    assert task_of(result, "b").done == [20 * STEP, 24 * STEP, 28 * STEP]
    idle = result.idle[task_of(result, "b").number]
    assert idle == {
        "starved": 11 * STEP,  # and the first fetch behind it; later ones go on beside the reads
        "write": 0,
        "blocked": 0,
        "pipeline": 0,
        "bus": 0,
        "adc": 0,
        "drained": 5 * STEP,
    }


def test_partial_sums_and_later_fetches_queue_for_a_narrow_bus() -> None:
    """Of 8 inputs 32 bits, of 8 partial sums 128, of 8 outputs 32: a clock each."""
    result = interpret(tokens(3, "fc", tile__bus_width=1))
    task = task_of(result, "fc")
    assert task.issue == [0, 16, 40]  # the second gets the bus at 32, and 8 later its first digit
    assert task.read == [16, 80, 144]
    # merged 112 .. 240, .. 368, .. 496; then 16 to activate, 32 through the port
    assert task.done == [288, 416, 544]
    assert result.busy["bus", 0] == 3 * (32 + 128)
    assert result.busy["port", 0] == 3 * 32


def test_with_one_bank_outputs_leave_over_the_bus() -> None:
    plan = tokens(3, "fc", tile__bus_width=1, tile__buffer_banks=1)
    result = interpret(plan)
    # the merge of the third asks at 240, before the store of the first at 256: bus 368 .. 496
    assert task_of(result, "fc").done == [528, 560, 592]
    assert "port" not in {kind for kind, _ in result.busy}


def test_copies_of_two_layers_that_share_an_adc_take_turns() -> None:
    net = WorkloadBuilder("heads")
    x = net.input("input", (1, 8))
    first, second = net.linear("first", x, 8), net.linear("second", x, 8)
    plan = build_plan(net.build(first, second), load_arch("tiny_reram", {"pe.adcs": 2}))
    result = interpret(plan)
    # reads at 16 32 64 96, and at 16 48 80 112; the last conversions end at 144 and at 160
    assert [task.done[0] for task in result.tasks] == [144 + 4 * STEP, 160 + 4 * STEP]
    assert [idle["adc"] for idle in result.idle.values()] == [32, 48]
    assert result.busy["adc", 0] == 8 * 16


def test_one_place_in_a_buffer_makes_two_layers_take_turns() -> None:
    result = interpret(tokens(3, "a", "b"), capacities={("b", 0, 0): 1})
    a = task_of(result, "a")
    assert a.issue == [0, 176, 352]  # 160 until it is stored, 16 until it is fetched
    assert task_of(result, "b").issue == [160, 336, 512]
    assert result.cycles == 672
    assert result.idle[a.number]["blocked"] == 2 * (176 - 80 + STEP)  # and the fetch


def test_a_slow_vector_unit_holds_the_pipeline() -> None:
    net = WorkloadBuilder("slow")
    x = net.linear("fc", net.input("input", (40, 8)), 48)
    keys = {"tile.vector_lanes": 1, "dac.bits": 4, "tile.bus_width": 64}  # one read a position
    result = interpret(build_plan(net.build(net.relu("relu", x)), load_arch("tiny_reram", keys)))
    task = task_of(result, "fc")
    assert task.cost.limit == 10  # 6 steps and one of 48 clocks are 9 slots, and one more
    assert set(np.diff(task.done)) == {48}
    assert task.issue[-1] == task.done[-11]
    # from the thirteenth on: a step for its turn, one to fetch, one to read; the turn of the
    # twelfth came beside the read before it
    assert result.idle[task.number]["pipeline"] == (28 * 2 + 1) * STEP


def test_a_window_larger_than_the_buffer_never_ends() -> None:
    net = WorkloadBuilder("stuck")
    x = net.conv("a", net.input("input", (1, 4, 4)), 2, 1)
    plan = build_plan(net.build(net.conv("b", x, 2, 3)), load_arch("tiny_reram"))
    interpret(plan, capacities={("b", 0, 0): 11})  # two rows and three pixels
    with pytest.raises(DeadlockError):
        interpret(plan, capacities={("b", 0, 0): 10})


def test_copies_work_on_stripes_of_the_positions() -> None:
    result = interpret(tokens(5, "fc", replication=[2]))
    assert [len(task.done) for task in result.tasks] == [2, 3]
    assert result.cycles == (10 + 4 + 4) * STEP


def test_images_follow_one_another_without_a_gap() -> None:
    result = interpret(tokens(2, "fc"), images=3)
    assert result.done_images == (14 * STEP, 22 * STEP, 30 * STEP)


def test_windows_are_traced_through_pools_concatenations_and_flattening() -> None:
    net = WorkloadBuilder("trace")
    x = net.input("input", (1, 4, 4))
    a, b = net.conv("a", x, 2, 3, padding=1), net.conv("b", x, 2, 3, padding=1)
    pool = net.max_pool("pool", net.concat("concat", a, b), 2)
    c = net.conv("c", pool, 2, 2, padding=1)
    fc = net.linear("fc", net.flatten("flatten", c), 3)
    flow = find_flow(build_plan(net.build(fc), load_arch("tiny_reram")))
    c_step, fc_step = flow.steps[2], flow.steps[3]
    assert [len(needed) for needed in c_step.needs] == [1, 2, 1, 2, 4, 2, 1, 2, 1]
    assert flow.makers["pool"][1] == {(side, p) for side in "ab" for p in (2, 3, 6, 7)}
    assert fc_step.needs == [{(0, 0)}]
    assert flow.makers["flatten"] == [{("c", p) for p in range(9)}]


@pytest.mark.parametrize("seed", range(12))
def test_no_clock_that_is_left_out_matters(seed: int) -> None:
    plan = random_plan(seed)
    quick, slow = interpret(plan, 2), interpret(plan, 2, skip=False)
    assert [t.done for t in quick.tasks] == [t.done for t in slow.tasks]
    assert quick.idle == slow.idle
