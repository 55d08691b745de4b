"""Defects in the timing of other simulators: are they absent here?"""

from __future__ import annotations

import pytest

from crossbar import build_plan, load_arch
from crossbar.mapping.converters import clocks
from crossbar.mapping.plan import Plan
from crossbar.timing import schedule
from crossbar.timing.constraints import constraint_rows
from crossbar.workload import WorkloadBuilder


def slow_reader(**keys: object) -> Plan:
    """A fast layer before one that takes ten times as long for a position."""
    net = WorkloadBuilder("slow")
    x = net.linear("fast", net.input("input", (40, 4)), 4)
    x = net.linear("slow", x, 60)
    return build_plan(net.build(x), load_arch("tiny_reram", keys))


def test_a_full_buffer_stops_who_writes_into_it() -> None:
    # one simulator reads the size of its memory from its configuration and uses it nowhere
    plan = slow_reader(**{"adc.rate": "50 MHz"})
    ample, tight = (
        schedule(plan, capacities={("slow", 0, 0): pixels}).tasks[0] for pixels in (100, 4)
    )
    assert ample.idle["blocked"] == 0
    assert tight.idle["blocked"] > 0
    assert tight.done[-1] > ample.done[-1]


def test_every_bit_of_a_transfer_takes_its_turn_and_no_more() -> None:
    # one network model charges the whole path for every flit: n flits take n times the latency
    row = constraint_rows(load_arch("tiny_reram", {"tile.bus_width": 4}))["store", "stored"]
    assert [row.interval(bits) for bits in (1, 4, 5, 400)] == [1, 1, 2, 100]
    assert row.latency == 16  # one step, whatever the bits


def test_two_layers_on_one_bus_take_turns() -> None:
    # in the same model links never contend
    net = WorkloadBuilder("two")
    x = net.input("input", (20, 16))
    net.linear("left", x, 4)
    workload = net.build("left", net.linear("right", x, 4))
    run = schedule(build_plan(workload, load_arch("tiny_reram", {"tile.bus_width": 1})))
    free = schedule(run.plan, free_links=True)
    assert run.cycles > free.cycles
    (bus,) = (use for use in run.resources if use.kind == "bus")
    assert bus.busy == 20 * 2 * (16 * 4 + 4 * 16)
    assert bus.busy <= run.cycles


@pytest.mark.parametrize(("columns", "adcs", "turns"), [(100, 16, 7), (96, 16, 6), (1, 16, 1)])
def test_what_is_left_over_takes_a_turn_of_its_own(columns: int, adcs: int, turns: int) -> None:
    # a ceiling that adds one only where signs differ gives 6 turns for 100 columns and 16 ADCs
    assert clocks(columns / adcs) == turns


def test_the_next_read_overlaps_the_conversion_of_the_one_before() -> None:
    # another adds array and ADC times for every read
    net = WorkloadBuilder("one")
    plan = build_plan(net.build(net.linear("fc", net.input("input", (1, 16)), 8)), "isaac_8bit")
    (task,) = schedule(plan).tasks
    reads, conversion = 8, 128
    assert task.done[0] == (1 + reads + 5) * conversion
