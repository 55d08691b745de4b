"""Is what a layer waits for seen: in copies that have not begun, and in the stream?"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import build_plan, estimate, load_arch
from crossbar.mapping import Plan
from crossbar.report import Report
from crossbar.timing import measure, schedule, waits_of
from crossbar.workload import Workload, WorkloadBuilder
from crossbar.workload.graph import Node
from tests.timing.random_chips import random_plan

SEEDS = st.integers(0, 100_000)
FEW = settings(deadline=None, max_examples=25)
READS = 4 * 16  # clocks of a position of tiny_reram


def chain(tokens: int, *layers: str, width: int = 8) -> Workload:
    net = WorkloadBuilder("chain")
    x = net.input("x", (tokens, width))
    for name in layers:
        x = net.linear(name, x, width)
    return net.build(x)


def told(workload: Workload, **keys: Any) -> Report:
    overrides = {key.replace("__", "."): value for key, value in keys.items()}
    return estimate(load_arch("tiny_reram", overrides), workload)


def copies_of_unequal_layers() -> Plan:
    """Four copies of a first layer; its rows lie far apart, and the second reads them in order."""
    net = WorkloadBuilder("stripes")
    x = net.conv("first", net.input("x", (1, 16, 16)), 2, 3, padding=1)
    work = net.build(net.conv("second", x, 2, 3, padding=1))
    return build_plan(work, load_arch("tiny_reram", {"replication": [4, 1], "tile.buffer": "64 B"}))


def test_copies_that_wait_to_begin_are_counted() -> None:
    run = schedule(copies_of_unequal_layers())
    first = [task for task in run.tasks if task.step == "first"]
    blocked = sum(task.idle["blocked"] for task in first)
    assert blocked > sum(task.busy for task in first)  # for the one copy of the second
    assert waits_of(run, "first")["blocked", "second"] == blocked


@FEW
@given(SEEDS, st.integers(1, 3))
def test_waits_and_reads_fill_the_time_from_the_layers_first_fetch(seed: int, images: int) -> None:
    run = schedule(random_plan(seed), images=images)
    for layer in run.plan.layers:
        mine = [task for task in run.tasks if task.step == layer.name]
        begin = min(int(task.issue[0]) for task in mine)
        filled = sum(task.busy + task.idle["drained"] + begin for task in mine)
        waits = waits_of(run, layer.name)
        assert filled + sum(waits.values()) == run.cycles * len(mine)
        by_image: dict[tuple[str, str | None], int] = {}
        for image in range(images):
            for key, clocks in waits_of(run, layer.name, image).items():
                by_image[key] = by_image.get(key, 0) + clocks
        assert by_image == waits


def test_a_layer_that_feeds_itself_waits_for_its_own_results_in_the_stream() -> None:
    attrs = {"in_features": 8, "out_features": 8, "bias": False}
    nodes = (
        Node("x", "input", (), (1, 8)),
        Node("fc", "linear", ("x",), (1, 8), attrs, "w"),
        Node("again", "linear", ("fc",), (1, 8), attrs, "w"),
    )
    stream = told(Workload("twice", nodes, ("again",))).stream
    # a result takes 160 clocks from its fetch; the next image is fetched beside the second reads
    assert stream["interval"] == 160 + READS
    assert (stream["limited_by"], stream["load"]) == ("fc", 2 * READS / stream["interval"])
    clocks = stream["interval"] - 2 * READS
    assert stream["waits_for"] == {"cause": "starved", "layer": "fc", "clocks": clocks}


def test_a_layer_that_reads_without_a_pause_waits_for_nothing() -> None:
    stream = told(chain(5, "a", "b")).stream
    assert (stream["limited_by"], stream["load"], stream["waits_for"]) == ("a", 1.0, None)


def test_the_stream_is_limited_by_the_unit_that_is_busy_all_the_time() -> None:
    bus = told(chain(5, "fc"), tile__bus_width=1)
    assert bus.stream["interval"] == 5 * (32 + 128)  # inputs, and partial sums
    assert (bus.stream["limited_by"], bus.stream["load"]) == ("tile 0 bus", 1.0)
    assert bus.stream["waits_for"] is None
    net = WorkloadBuilder("slow")
    x = net.relu("relu", net.linear("fc", net.input("x", (40, 8)), 48))
    lanes = told(net.build(x), tile__vector_lanes=1, dac__bits=4, tile__bus_width=64)
    assert lanes.stream["limited_by"] == "tile 0 vector unit"


def test_the_stream_is_limited_by_the_converter_that_layers_share() -> None:
    net = WorkloadBuilder("heads")
    x = net.input("x", (20, 8))
    work = net.build(net.linear("one", x, 8), net.linear("two", x, 8))
    report = told(work, pe__adcs=2)
    assert report.stream["limited_by"] == "ADC 0"
    assert report.stream["load"] > 0.95
    assert max(row["load"] for row in report.layers) < 0.55
    assert report.bound["throughput"] > 1.8 * report.throughput


@FEW
@given(SEEDS)
def test_nothing_is_busy_for_longer_than_the_interval(seed: int) -> None:
    stream = measure(random_plan(seed)).stream
    assert 0 < stream.load <= 1
    assert all(use.busy <= stream.interval * stream.images for use in stream.run.resources)
