"""Is a matrix that the network computes written before it is read, and after it was read?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crossbar import build_plan, load_arch
from crossbar.errors import DataError
from crossbar.mapping import Plan
from crossbar.mapping.lengths import plan_at
from crossbar.mapping.writing import write_clocks
from crossbar.timing import critical_path, measure, waits_of
from crossbar.timing.counts import count
from crossbar.timing.engine import schedule
from crossbar.timing.traffic import find_parts, find_traffic
from crossbar.workload import WorkloadBuilder, find_workload
from tests.timing.interpreter import interpret
from tests.timing.random_chips import random_plan

TOKENS, HEADS, WIDTH = 5, 2, 3
FEATURES = HEADS * WIDTH
READ = 16  # clocks of tiny_reram
WRITING = {"cell.write_voltage": "1 V", "cell.write_pulse": "40 ns", "cell.write_pulses": 2.0}


def attention(**keys: Any) -> Plan:
    net = WorkloadBuilder("attention")
    x = net.input("x", (TOKENS, FEATURES))
    split, axes = (HEADS, TOKENS, WIDTH), (1, 0, 2)
    q, k, v = (net.linear(name, x, FEATURES) for name in "qkv")
    q = net.reshape("q_heads", q, split, "transpose", axes)
    k = net.reshape("k_heads", k, (HEADS, WIDTH, TOKENS), "transpose", (1, 2, 0))
    v = net.reshape("v_heads", v, split, "transpose", axes)
    y = net.matmul("context", net.softmax("softmax", net.matmul("scores", q, k)), v)
    y = net.reshape("joined", y, (TOKENS, FEATURES), "transpose", axes)
    found = {"attention": "crossbar", "tile.bus_width": 512, **WRITING}
    found |= {key.replace("__", "."): value for key, value in keys.items()}
    return build_plan(net.build(y), load_arch("tiny_reram", found))


def test_rows_are_written_one_after_another() -> None:
    plan = attention()
    arch, scores = plan.arch, plan["scores"]
    assert arch.clock == 1e9
    # two heads of 3 rows share 16 rows, as far as their columns (5 keys of a weight) fit
    assert (scores.matrix.groups, scores.matrix.rows, scores.matrix.cols) == (2, 3, 5)
    arrays: dict[int, float] = {}
    for bundle, (start,) in zip(scores.bundles, scores.bundle_blocks(0), strict=True):
        for across in range(bundle.col_blocks):
            pe = (int(start) + across) // arch.pe.arrays
            arrays[pe] = arrays.get(pe, 0) + bundle.rows * 2 * (40 + READ)
    assert write_clocks(arch, scores) == max(arrays.values())
    serial = attention(chip__programming="serial")
    assert write_clocks(serial.arch, serial["scores"]) == sum(arrays.values())
    assert write_clocks(arch, plan["q"]) == 0


def test_keys_are_written_when_all_are_there_and_before_the_first_query() -> None:
    plan = attention()
    timing = measure(plan)
    tasks = {times.step: times for times in timing.alone.tasks}
    for name, operands in (("scores", "qk"), ("context", ["scores", "v"])):
        own = tasks[name]
        ready = max(int(tasks[operands[1]].done[-1]), int(tasks[operands[0]].done[0]))
        written = ready + write_clocks(plan.arch, plan[name])
        assert own.issue[0] == written
        # and the first fetch, which would else have gone on beside the writing
        assert own.idle["write"] == write_clocks(plan.arch, plan[name]) + READ
        assert own.busy + sum(own.idle.values()) == timing.alone.cycles
    path = critical_path(timing.alone)
    assert sum(stretch.clocks for stretch in path) == timing.alone.cycles
    charged = {stretch.name: stretch.clocks for stretch in path if stretch.what == "write"}
    assert charged == {name: write_clocks(plan.arch, plan[name]) for name in ("scores", "context")}
    assert waits_of(timing.alone, "scores")["write", None] == READ  # before that it had not begun


def test_the_next_image_is_written_when_this_one_has_been_read() -> None:
    plan = attention()
    run = schedule(plan, images=3)
    number = [task.name for task in run.machine.tasks].index("scores")
    tables, log = run.machine.tables, run.log
    rows = slice(int(tables.offset[number]) * 3, int(tables.offset[number + 1]) * 3)
    written, last, data = log.written[rows], log.last[rows], log.data[rows]
    for image in (1, 2):
        first = image * TOKENS
        begun = max(int(data[first]), int(last[first - 1]) + READ)
        assert written[first] == begun + write_clocks(plan.arch, plan["scores"])
        assert log.issue[rows][first] >= written[first]
    later = np.arange(3 * TOKENS) % TOKENS > 0
    assert (written[later] == data[later]).all()


@pytest.mark.parametrize("keys", [{}, {"chip__programming": "serial"}, {"adc__rate": "250 MHz"}])
def test_the_bound_knows_of_it(keys: dict[str, Any]) -> None:
    timing = measure(attention(**keys))
    assert timing.bound.slowest in ("scores", "context")
    assert timing.bound.latency <= timing.free.cycles <= timing.alone.cycles
    assert timing.bound.interval <= timing.stream.interval
    assert timing.stream.limited_by in ("scores", "context")
    assert 0 < timing.stream.load <= 1


def test_a_matmul_unit_needs_no_writing() -> None:
    digital = measure(attention(attention="digital"))
    assert digital.alone.machine.tables.write.sum() == 0
    assert digital.alone.cycles < measure(attention()).alone.cycles


@pytest.mark.parametrize("seed", range(24))
def test_it_is_the_schedule_of_the_interpreter(seed: int) -> None:
    plan = random_plan(1000 + seed, attention="crossbar", replication="none")
    for images in (1, 3):
        run, judge = schedule(plan, images=images), interpret(plan, images, plan.capacities)
        assert (run.cycles, run.done_images) == (judge.cycles, judge.done_images)
        for times, task in zip(run.tasks, judge.tasks, strict=True):
            assert times.issue.tolist() == task.issue
            if times.kind == "product":
                assert dict(times.idle) == judge.idle[task.number]
                assert times.busy + sum(times.idle.values()) == run.cycles


def test_keys_move_once_and_queries_as_inputs_do() -> None:
    plan = attention()
    parts = {layer.name: find_parts(plan, layer) for layer in plan.layers}
    traffic = find_traffic(plan, parts)
    bits, elements = plan.arch.precision.input_bits, TOKENS * FEATURES
    assert len({part.tile for part in parts["scores"]}) == 1
    assert traffic.read["scores"] == elements * bits  # keys, on their way into cells
    assert traffic.written["scores"] == 2 * elements * bits
    assert traffic.written["context"] == (elements + HEADS * TOKENS**2) * bits
    (scores,) = (layer for layer in count(plan).layers if layer.name == "scores")
    assert scores.buffer_read_bits == 2 * elements * bits


def test_shorter_sequences_keep_their_arrays_and_longer_ones_are_refused() -> None:
    arch = load_arch("isaac_8bit", {"attention": "crossbar", "chip.tiles": "auto"})
    plan = build_plan(find_workload("minilm6"), arch)
    short = plan_at(plan, 17)
    assert short.arrays == plan.arrays
    scores = [layer for layer in short.layers if layer.kind == "dynamic"]
    assert {layer.positions for layer in scores} == {17}
    assert schedule(short).cycles < schedule(plan).cycles
    with pytest.raises(
        DataError, match=r"200 tokens; the arrays of .*scores' are laid out for 128"
    ):
        plan_at(plan, 200)
