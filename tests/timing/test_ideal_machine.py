"""Can no wider bus, no larger buffer and no further converter beat the bound of a report?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import build_plan, estimate, load_arch
from crossbar.timing import measure
from crossbar.timing.engine import schedule, schedule_machine
from crossbar.timing.machine import build_machine
from crossbar.workload import Workload, WorkloadBuilder
from tests.timing.random_chips import random_plan

SEEDS = st.integers(0, 100_000)
FEW = settings(deadline=None, max_examples=25)


def tokens(count: int, inputs: int, outputs: int) -> Workload:
    net = WorkloadBuilder("tokens")
    return net.build(net.linear("fc", net.input("x", (count, inputs)), outputs))


@FEW
@given(SEEDS)
def test_no_chip_of_the_same_plan_beats_the_ideal_machine(seed: int) -> None:
    timing = measure(random_plan(seed))
    assert timing.bound.latency <= timing.free.cycles <= timing.alone.cycles
    assert timing.bound.interval <= timing.stream.interval
    for ideal, real in zip(timing.free.tasks, timing.alone.tasks, strict=True):
        assert (ideal.done <= real.done).all()
    assert timing.free.resources == ()


@FEW
@given(SEEDS)
def test_hardware_without_end_reaches_the_ideal_machine(seed: int) -> None:
    plan = random_plan(seed)
    wide = random_plan(
        seed,
        tile__bus_width=65536,
        tile__vector_lanes=65536,
        tile__matmul_macs=65536,
        tile__buffer_banks=2,
        pe__adcs=plan.arch.pe.arrays,
    )
    ideal = schedule_machine(plan, build_machine(plan, "infinite", ideal=True), free_links=True)
    run = schedule(wide, capacities="infinite", free_links=True)
    for mine, theirs in zip(ideal.tasks, run.tasks, strict=True):
        np.testing.assert_array_equal(mine.done, theirs.done)


@FEW
@given(
    SEEDS,
    st.sampled_from(["tile__bus_width", "tile__vector_lanes", "tile__matmul_macs"]),
    st.integers(1, 65536),
)
def test_the_bound_does_not_depend_on_what_it_leaves_out(seed: int, key: str, value: int) -> None:
    bound, other = measure(random_plan(seed)), measure(random_plan(seed, **{key: value}))
    assert bound.bound == other.bound
    assert bound.free.cycles == other.free.cycles
    assert other.free.cycles <= other.alone.cycles


@pytest.mark.parametrize("adcs", [1, 2, 4, 8])
def test_a_shared_converter_does_not_slow_the_bound(adcs: int) -> None:
    # four arrays of 128 columns: 100 ns each, one after another where they share an ADC
    report = estimate(load_arch("isaac_8bit", {"pe.adcs": adcs}), tokens(10, 512, 32))
    row = report.layers[0]
    assert row["slot_cycles"] == {1: 512, 2: 512, 4: 256, 8: 128}[adcs]
    assert row["ideal_slot_cycles"] == 128
    assert report.bound["latency"] == pytest.approx((14 + 9 * 8) * 100e-9)
    assert report.bound["throughput"] == pytest.approx(1 / (10 * 8 * 100e-9))


def test_a_slow_converter_slows_the_bound_by_what_one_array_has_to_convert() -> None:
    arch = load_arch("tiny_reram", {"adc.rate": "250 MHz", "pe.adcs": 1})
    plan = build_plan(tokens(3, 32, 8), arch)  # two arrays of 16 columns, 64 clocks each
    timing = measure(plan)
    assert timing.alone.tasks[0].read[1] - timing.alone.tasks[0].read[0] == 4 * 128
    assert timing.free.tasks[0].read[1] - timing.free.tasks[0].read[0] == 4 * 64
    assert timing.bound.interval == 3 * 4 * 64


def test_the_throughput_of_the_bound_follows_from_the_rows() -> None:
    keys = {"pe.adcs": 2, "replication": {"conv1": 5}, "array.rows_per_read": 50}
    report = estimate(load_arch("isaac_8bit", keys), "lenet5")
    slowest = max(
        -(-row["positions"] // row["replicas"])
        * row["reads"]
        * row["row_groups"]
        * row["ideal_slot_cycles"]
        for row in report.layers
    )
    assert report.bound["throughput"] == pytest.approx(1.28e9 / slowest)
    assert report.bound["throughput"] >= report.throughput
