"""Is each constraint row kept to the clock: blocked a clock before, ready on it?"""

from __future__ import annotations

from typing import Any

import pytest

from crossbar import build_plan, load_arch
from crossbar.kernels.schedule import run
from crossbar.kernels.schedule_tables import new_log, new_space, new_state
from crossbar.timing.constraints import EVENTS, constraint_rows
from crossbar.timing.machine import build_machine
from crossbar.workload import WorkloadBuilder

READS = 4  # of tiny_reram: 4-bit inputs, 1-bit DACs
BITS = 4


class Chip:
    """One linear layer on a chip of which some keys are set; watched clock by clock."""

    def __init__(self, tokens: int = 2, inputs: int = 16, outputs: int = 4, **keys: Any) -> None:
        self.arch = load_arch("tiny_reram", {key.replace("__", "."): v for key, v in keys.items()})
        net = WorkloadBuilder("one")
        x = net.linear("fc", net.input("input", (tokens, inputs)), outputs)
        plan = build_plan(net.build(net.relu("relu", x)), self.arch)
        self.machine = build_machine(plan, "infinite")
        self.rows = constraint_rows(self.arch)
        self.tokens = tokens

    def probe(self, event: str, position: int, clock: int) -> bool:
        """Tell whether an event of a position has begun by the end of a clock."""
        machine = self.machine
        state = new_state(len(machine.tasks), len(machine.resources))
        log = new_log(self.tokens)
        run(1, clock, True, machine.tables, state, log, *new_space(machine.tables))
        if event in ("fetch", "read", "last_read", "stored"):
            name = {"fetch": "issue", "last_read": "last"}.get(event, event)
            begun = int(getattr(log, name)[position])
            return 0 <= begun <= clock
        ask = {"merge": 1, "activate": 2, "store": 3}[event]
        services = [
            (machine.tables.ask_resource[i], machine.tables.ask_hold[i])
            for i in range(machine.tables.ask_start[ask], machine.tables.ask_start[ask + 1])
        ]
        ((resource, hold),) = services
        served = int(state.busy[resource])
        if machine.resources[resource].kind == "bus" and event == "merge":
            fetched = sum(0 <= int(at) <= clock for at in log.issue)
            fetch = machine.tables.ask_hold[machine.tables.ask_start[0]]
            served -= int(fetch) * fetched
        if machine.resources[resource].kind == "bus" and event == "store":
            raise AssertionError("watch the store on a chip with an output port")
        return served >= int(hold) * (position + 1)

    def assert_earliest_ready_at(self, event: str, clock: int, position: int = 0) -> None:
        """The event is blocked at ``clock - 1`` and has begun at ``clock``."""
        assert not self.probe(event, position, clock - 1), f"{event} began before {clock}"
        assert self.probe(event, position, clock), f"{event} had not begun at {clock}"


def steps_to(event: str) -> int:
    """Steps before an event of the first position on a chip where each takes one array read."""
    return {"read": 1, "merge": READS + 3, "activate": READS + 4, "store": READS + 5}[event]


@pytest.mark.parametrize("cycle", [1, 5, 16])
@pytest.mark.parametrize("event", ["read", "merge", "activate", "store"])
def test_a_step_lasts_an_array_read(event: str, cycle: int) -> None:
    chip = Chip(array__cycle=f"{cycle} ns", cell__read_pulse="1 ns", adc__rate="100 GHz",
                tile__bus_width=4096, tile__vector_lanes=64)  # fmt: skip
    assert {row.latency for row in chip.rows.rows} <= {cycle, -cycle, 0}
    chip.assert_earliest_ready_at(event, steps_to(event) * cycle)
    chip.assert_earliest_ready_at("stored", (READS + 6) * cycle)


@pytest.mark.parametrize("width", [1, 3, 8])
def test_fetch_to_read_waits_for_the_first_digit_and_for_the_last(width: int) -> None:
    chip = Chip(tile__bus_width=width)  # 16 inputs x 4 bits
    clocks = chip.rows["fetch", "read"].interval(16 * BITS)
    assert clocks == -(-16 * BITS // width)
    lead = max(16, -(-clocks // READS), clocks - (READS - 1) * 16)
    chip.assert_earliest_ready_at("read", lead)


def test_read_to_read_takes_the_array_its_cycle() -> None:
    chip = Chip(adc__rate="100 GHz")
    chip.assert_earliest_ready_at("last_read", 16 + (READS - 1) * 16)
    chip.assert_earliest_ready_at("read", 16 + READS * 16, position=1)


def test_convert_to_read_keeps_the_next_read_from_ending_before_the_conversions() -> None:
    chip = Chip(adc__rate="0.25 GHz")  # 8 columns: 32 clocks, the array takes 16
    conversion = chip.rows["convert", "shift_add"].interval(8)
    assert conversion == 32
    chip.assert_earliest_ready_at("last_read", 16 + (READS - 1) * conversion)


def test_convert_to_shift_add_lasts_as_long_as_the_conversions() -> None:
    chip = Chip(adc__rate="0.25 GHz")
    last = 16 + (READS - 1) * 32
    chip.assert_earliest_ready_at("merge", last + 16 + 32 + 16)


def test_merge_to_activate_waits_for_the_bus() -> None:
    chip = Chip(tokens=1, tile__bus_width=1)  # 4 sums x 16 bits: 64 clocks; 64 of inputs before
    merge = 16 + (READS - 1) * 16 + 3 * 16
    chip.assert_earliest_ready_at("merge", merge)
    chip.assert_earliest_ready_at("activate", merge + 64)


def test_activate_to_store_waits_for_the_vector_unit() -> None:
    chip = Chip(tokens=1, outputs=40, tile__vector_lanes=1)
    activate = (READS + 4) * 16 + (chip.rows["merge", "activate"].interval(40 * 16) - 16)
    chip.assert_earliest_ready_at("activate", activate)
    chip.assert_earliest_ready_at("store", activate + 40)


def test_store_to_stored_waits_for_the_output_port() -> None:
    chip = Chip(tokens=1, outputs=40, tile__bus_width=2)  # 40 x 4 bits: 80 clocks
    free = Chip(tokens=1, outputs=40, tile__bus_width=2, tile__buffer_banks=1)
    (stored,) = (
        c for c in range(2000) if chip.probe("stored", 0, c) and not chip.probe("stored", 0, c - 1)
    )
    assert chip.probe("store", 0, stored - 80)
    assert not chip.probe("store", 0, stored - 81)
    assert free.probe("stored", 0, stored)  # nothing else is on the bus then


def test_the_input_register_holds_so_many_vectors() -> None:
    # 16 inputs x 4 bits are 8 bytes
    one, two = Chip(tokens=3, pe__input_register="8 B"), Chip(tokens=3, pe__input_register="16 B")
    one.assert_earliest_ready_at("fetch", 16 + 3 * 16, position=1)  # the last read of position 0
    two.assert_earliest_ready_at("fetch", 16, position=1)  # its fetch has ended
    two.assert_earliest_ready_at("fetch", 16 + 3 * 16, position=2)


def test_every_row_is_between_events_of_a_position() -> None:
    rows = constraint_rows(load_arch("isaac_8bit"))
    assert len({(row.before, row.after, row.resource) for row in rows.rows}) == len(rows.rows)
    for row in rows.rows:
        assert row.before in EVENTS
        assert row.after in (*EVENTS, "stored")
        assert row.source
