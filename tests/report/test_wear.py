"""What programming in every inference costs, and how long cells live."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

import crossbar as xb
from crossbar.report import compare_reports, explain_number
from crossbar.report.report import Report
from crossbar.report.sequences import sequence_report, time_lengths
from crossbar.timing import Activity, count
from crossbar.workload import find_workload
from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.graph import Workload

TABLE = {"energy.array": "table", "chip.tiles": "auto"}


@cache
def block(tokens: int = 6, heads: int = 2, width: int = 4) -> Workload:
    net = WorkloadBuilder("block")
    features = heads * width
    x = net.input("x", (tokens, features))
    q, k, v = (net.linear(name, x, features) for name in "qkv")
    split = (heads, tokens, width)
    q = net.reshape("q_heads", q, split, "transpose", (1, 0, 2))
    k = net.reshape("k_heads", k, (heads, width, tokens), "transpose", (1, 2, 0))
    v = net.reshape("v_heads", v, split, "transpose", (1, 0, 2))
    y = net.matmul("context", net.softmax("softmax", net.matmul("scores", q, k)), v)
    return net.build(net.reshape("joined", y, (tokens, features), "transpose", (1, 0, 2)))


def report(attention: str = "crossbar", **overrides: Any) -> Report:
    keys = {key.replace("__", "."): value for key, value in overrides.items()}
    arch = xb.load_arch("isaac_8bit", {**TABLE, "attention": attention, **keys})
    return xb.estimate(arch, block())


def test_cells_are_counted_as_those_of_the_network_are() -> None:
    found = report()
    # two heads lie together: 8 rows and 2 x 6 (2 x 4) outputs of 4 columns, one unit of rows
    assert found.counts["runtime_writes"] == 8 * 12 * 4 + 12 * 8 * 4
    assert found.counts["cell_writes"] == 3 * 8 * 8 * 4 == report("digital").counts["cell_writes"]
    column = report(array__input_sum="column")
    # a unit column sums the inputs of one head alone: each has an array of its own
    assert column.counts["runtime_writes"] == 2 * (4 * (6 * 4 + 1) + 6 * (4 * 4 + 1))


@pytest.mark.parametrize("name", ["isaac_8bit", "reram_hfo2", "sot_mram"])
def test_a_cell_costs_at_run_time_what_it_costs_when_loaded(name: str) -> None:
    keys = {**TABLE, "attention": "crossbar", "adc.policy": "lossless", "adc.bits": None}
    arch = xb.load_arch(name, keys)
    found = xb.estimate(arch, block())
    each = found.programming["energy"] / found.counts["cell_writes"]
    written = found.components["programming"]
    assert written["energy"] == pytest.approx(each * found.counts["runtime_writes"], rel=1e-12)
    assert written["leakage"] == written["area"] == 0
    leaking = xb.estimate(xb.load_arch(arch, {"energy.leakage_share": 0.5}), block())
    assert leaking.components["programming"] == written


def test_how_long_cells_live() -> None:
    found = report(cell__endurance=1e9, cell__write_pulses=4.0)
    assert found.wear == {
        "writes_per_inference": 4.0,
        "cells": found.counts["runtime_writes"],
        "endurance": 1e9,
        "inferences_to_failure": 2.5e8,
        "lifetime": pytest.approx(2.5e8 / found.throughput),
    }
    unknown = report().wear
    assert unknown is not None
    assert unknown["endurance"] is unknown["inferences_to_failure"] is unknown["lifetime"] is None
    assert report("digital").wear is None


def test_every_number_of_it_is_traced() -> None:
    found = report(cell__endurance=1e9, cell__write_pulses=4.0)
    assert found.wear is not None
    for key, value in found.wear.items():
        (term,) = explain_number(found, f"wear.{key}").terms
        assert term.value == pytest.approx(value)
    assert "cell.endurance" in str(explain_number(report(), "wear.lifetime"))
    (term, *_) = explain_number(found, "components.programming").terms
    assert term.value == pytest.approx(found.components["programming"]["energy"])


def test_it_is_printed_saved_and_compared(tmp_path: Path) -> None:
    found = report(cell__endurance=1e9)
    words = " ".join(str(found).split())
    assert "768 cells programmed in every inference, 1 pulse each; worn out after" in words
    assert "cell.endurance" in " ".join(str(report()).split())
    found.save(tmp_path / "r.json")
    assert Report.load(tmp_path / "r.json") == found
    lines = str(compare_reports(found, report("digital")))
    assert "attention" in lines
    assert str(compare_reports(report("digital"), found))


def test_sequences_wear_at_their_own_pace() -> None:
    keys = {**TABLE, "attention": "crossbar", "cell.endurance": 1e9}
    plan = xb.build_plan(find_workload("minilm6"), xb.load_arch("isaac_8bit", keys))
    lengths = time_lengths(plan, [5, 64])
    assert lengths is not None
    names = [layer.name for layer in plan.layers]
    found = sequence_report(lengths, Activity({}, dict.fromkeys(names, 0.0), 2))
    assert found.wear is not None
    assert found.wear["lifetime"] == pytest.approx(1e9 / found.throughput)
    # whole arrays are written whatever the length
    assert found.wear["cells"] == count(plan).total("runtime_writes")
