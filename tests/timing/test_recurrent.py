"""Does a recurrent layer wait for its own results, and for nothing more?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossbar import build_plan, load_arch
from crossbar.mapping import Plan
from crossbar.timing import measure
from crossbar.timing.counts import count
from crossbar.timing.traffic import find_parts, find_traffic
from crossbar.workload.graph import Node, Workload

POSITIONS, HIDDEN, GATES = 7, 5, 20


def memory(way: str, after: bool = True, **keys: Any) -> Plan:
    """A long short-term memory with a linear layer behind it."""
    shape = (POSITIONS, GATES)
    given = {"in_features": 3, "out_features": GATES, "bias": True}
    state = {**given, "in_features": HIDDEN, "recurrent": way}
    nodes = [
        Node("x", "input", (), (POSITIONS, 3)),
        Node("ih", "linear", ("x",), shape, given, "ih.weight"),
        Node("hh", "linear", ("ih",), shape, state, "hh.weight"),
        Node("cell", "cell", ("hh",), (POSITIONS, HIDDEN), {"operator": "lstm"}),
    ]
    if after:
        last = {"in_features": HIDDEN, "out_features": 2, "bias": True}
        nodes.append(Node("fc", "linear", ("cell",), (POSITIONS, 2), last, "fc.weight"))
    arch = load_arch("tiny_reram", {key.replace("__", "."): v for key, v in keys.items()})
    return build_plan(Workload("memory", tuple(nodes), (nodes[-1].name,)), arch)


@pytest.mark.parametrize("lanes", [1, 16])
def test_positions_follow_one_another_by_the_whole_time_of_one(lanes: int) -> None:
    timing = measure(memory("forward", tile__vector_lanes=lanes, tile__bus_width=512))
    ih, hh, fc = timing.alone.tasks
    one = int(timing.alone.machine.alone[1])
    cell = -(-13 * HIDDEN // lanes)  # operations of one position
    # fetch, reads, convert, shift-add, merge, store: 16 clocks a step; conversions of 20 outputs
    assert one == timing.free.machine.alone[1] - 16 + max(16, cell)
    begin = int(ih.done[0])
    np.testing.assert_array_equal(hh.done, begin + one * np.arange(1, POSITIONS + 1))
    assert timing.alone.cycles == int(hh.done[-1]) + int(timing.alone.machine.alone[2])
    assert (fc.issue == hh.done).all()
    busy = 4 * 16 * POSITIONS  # 4 reads of 4-bit inputs
    assert hh.busy == busy
    assert hh.idle["starved"] == begin + (POSITIONS - 1) * (one - 4 * 16) + 16
    assert hh.busy + sum(hh.idle.values()) == timing.alone.cycles


def test_backwards_it_begins_and_ends_with_everything() -> None:
    timing = measure(memory("backward", tile__bus_width=512))
    ih, hh, fc = timing.alone.tasks
    assert hh.issue[0] == ih.done[-1]
    assert (np.diff(hh.done) == timing.alone.machine.alone[1]).all()
    assert fc.issue[0] == hh.done[-1]


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_the_bound_knows_the_chain(way: str) -> None:
    timing = measure(memory(way))
    one = int(timing.free.machine.alone[1])
    assert timing.bound.slowest == "hh"
    assert timing.bound.busy == (POSITIONS - 1) * one + 4 * 16
    assert timing.bound.critical >= POSITIONS * one
    assert timing.bound.latency <= timing.free.cycles
    assert timing.bound.interval <= timing.stream.interval
    assert timing.stream.limited_by == "hh"


def test_the_state_goes_round_and_the_inputs_are_added() -> None:
    plan = memory("forward", after=False)
    bits = 4
    parts = {layer.name: find_parts(plan, layer) for layer in plan.layers}
    traffic = find_traffic(plan, parts)
    tiles = {part.tile for part in parts["hh"]}
    assert len(tiles) == 1
    gates, states = POSITIONS * GATES * bits, POSITIONS * HIDDEN * bits
    assert traffic.written["hh"] == gates + states
    assert traffic.read["hh"] == gates  # and the states, for the products, elsewhere
    counts = count(plan)
    (hh,) = (layer for layer in counts.layers if layer.name == "hh")
    assert hh.buffer_read_bits == gates + states
    assert hh.activations == 5 * POSITIONS * HIDDEN
