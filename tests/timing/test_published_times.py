"""Does the schedule reproduce the times that ISAAC's paper draws?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import build_plan, load_arch
from crossbar.mapping.plan import Plan
from crossbar.timing import Timing, measure
from crossbar.timing.machine import build_machine
from crossbar.workload import Workload, WorkloadBuilder

STEP = 128  # clocks: 100 ns at 1.28 GHz


def one_layer(tokens: int, inputs: int = 16, outputs: int = 4) -> Workload:
    net = WorkloadBuilder("one")
    x = net.input("input", (tokens, inputs))
    return net.build(net.linear("fc", x, outputs))


def interval(plan: Plan) -> int:
    """Clocks from one position of the first copy to the next."""
    read = measure(plan).alone.tasks[0].read
    (gap,) = np.unique(np.diff(read))
    return int(gap)


def timed(workload: Workload | str, preset: str, **keys: object) -> Timing:
    return measure(build_plan(workload, load_arch(preset, keys)))


@pytest.mark.parametrize(("preset", "slots"), [("isaac_isca_2016", 22), ("isaac_8bit", 14)])
@pytest.mark.parametrize("outputs", [1, 16, 300])
def test_the_first_output_of_a_layer_comes_after_its_pipeline(
    preset: str, slots: int, outputs: int
) -> None:
    assert timed(one_layer(1, 128, outputs), preset).alone.cycles == slots * STEP


def test_further_positions_follow_one_by_one() -> None:
    timing = timed(one_layer(1000), "isaac_isca_2016")
    assert timing.latency == pytest.approx((22 + 999 * 16) * 100e-9)
    assert timing.throughput == pytest.approx(1 / (1000 * 16 * 100e-9))


def test_signed_inputs_take_as_long_when_the_sign_is_one_of_the_bits() -> None:
    plan = build_plan(one_layer(10), "isaac_8bit", signed_inputs={"fc": True})
    assert interval(plan) == 8 * STEP
    two_bits = load_arch("isaac_8bit", {"dac.bits": 2})
    for signed, reads in ((False, 4), (True, 5)):
        plan = build_plan(one_layer(10), two_bits, signed_inputs={"fc": signed})
        assert interval(plan) == reads * STEP


def test_row_groups_are_read_one_after_the_other() -> None:
    arch = load_arch("isaac_8bit", {"array.rows_per_read": 32})
    assert interval(build_plan(one_layer(10, inputs=100), arch)) == 8 * 4 * STEP


@pytest.mark.parametrize(
    ("name", "slowest"), [("vgg8", 1638.4e-6), ("resnet18", 20070.4e-6), ("vgg11", 80281.6e-6)]
)
def test_slowest_layer_without_copies(name: str, slowest: float) -> None:
    # 1.6 us an output pixel: ISAAC's 16 reads of 100 ns
    timing = timed(name, "isaac_isca_2016", **{"chip.tiles": "auto"})
    assert timing.bound.busy / timing.clock == pytest.approx(slowest)
    assert timing.throughput == pytest.approx(1 / slowest)


def test_only_the_longest_path_is_critical() -> None:
    # 20 products on it; the 2 shortcuts run beside the blocks, whose 9 sums take 2 steps each
    timing = timed("resnet20", "isaac_8bit")
    assert timing.bound.critical == (20 * 14 + 9 * 2) * STEP
    assert timing.alone.cycles > timing.bound.latency


def test_partial_sums_of_many_arrays_take_the_bus_longer_than_a_step() -> None:
    # 4,608 inputs x 512 outputs: 36 row blocks hand 512 sums of 16 bits each to the tiles' adders
    timing = timed(one_layer(1, 4608, 512), "isaac_8bit")
    words = 36 * 512
    tiles = len(timing.alone.plan.tiles_of(timing.alone.plan.layers[0]))
    merge = timing.alone.cycles - 13 * STEP
    assert merge >= words * 16 / 384 / tiles


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_copies_divide_the_work(tokens: int, copies: int) -> None:
    copies = min(copies, tokens)
    timing = timed(one_layer(tokens), "isaac_8bit", replication=[copies])
    turns = -(-tokens // copies)
    assert timing.bound.busy == turns * 8 * STEP
    assert timing.alone.cycles == (14 + 8 * (turns - 1)) * STEP
    assert timing.stream.interval == timing.bound.busy


def test_fewer_converters_make_reads_longer_when_they_are_the_bottleneck() -> None:
    shared = load_arch("isaac_8bit", {"pe.adcs": 2})  # each serves 4 arrays
    four = one_layer(10, inputs=512, outputs=32)  # 4 arrays of 128 columns: 400 ns a read
    one = one_layer(10, inputs=128, outputs=32)  # alone under its ADC, as fast as ever
    few = one_layer(10, inputs=512, outputs=8)  # 4 arrays of 32 columns: 100 ns again
    assert interval(build_plan(four, shared)) == 4 * 8 * STEP
    assert interval(build_plan(one, shared)) == 8 * STEP
    assert interval(build_plan(few, shared)) == 8 * STEP


def test_the_first_row_of_a_layer_begins_when_its_window_is_there() -> None:
    # ISAAC: layer i + 1 may begin when (K - 1) rows + K pixels of layer i exist; padding 0
    net = WorkloadBuilder("two")
    x = net.input("input", (4, 12, 12))
    x = net.conv("first", x, 4, 3, padding=1)
    plan = build_plan(net.build(net.conv("second", x, 4, 3, padding=0)), "isaac_8bit")
    first, second = measure(plan).alone.tasks
    assert second.issue[0] == first.done[2 * 12 + 3 - 1]


@pytest.mark.parametrize(
    "keys", [{}, {"pe.adcs": 1}, {"pe.adcs": 3}, {"adc.rate": "0.5 GHz"}, {"array.cycle": "130 ns"}]
)
def test_the_slot_that_the_plan_states_is_the_one_of_the_schedule(keys: dict[str, object]) -> None:
    # the placement needs it before there is a schedule, so it is worked out in both
    plan = build_plan("resnet20", load_arch("isaac_8bit", keys))
    machine = build_machine(plan, "infinite")
    for layer in plan.layers:
        slots = [
            int(slot)
            for task, slot in zip(machine.tasks, machine.tables.slot, strict=True)
            if task.name == layer.name
        ]
        assert max(slots) == round(layer.slot * plan.arch.clock)
