"""Does a report answer "what would make this faster?", from its own numbers?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossbar.report import Report
from crossbar.report.advice import best_help, pace_words, sentences
from crossbar.report.bottleneck import by_layer, by_part, free_arrays, gain, pace, percent, wait
from tests.report.reports import made
from tests.report.schedules import many, scheduled

LENET = made("lenet5")
RESNET = made("resnet20")


def loaded(report: Report, **changes: Any) -> Report:
    """The same, its first layer changed and not busy in a stream."""
    first = {**report.layers[0], "load": 0.6, **changes}
    return replace(report, layers=(first, *report.layers[1:]))


def test_a_busy_layer_needs_copies_until_the_next_is_the_slowest() -> None:
    found = pace(LENET)
    assert (found.name, found.load, found.ties) == ("conv1", 1.0, 0)
    assert found.next is not None
    assert found.next["name"] == "conv2"
    assert found.gain == pytest.approx(1 / LENET.layers[1]["load"])
    assert pace_words(LENET) == "conv1, busy 100 % of the time"
    assert best_help(LENET) == (
        "more copies of conv1 (replication): up to x 7.84, then conv2 is the slowest"
    )
    speed, help, *_ = sentences(LENET)
    assert "an image is done every 802,816 clocks (627 us), and conv1 sets that pace" in speed
    assert "conv1 has 1 now, of 1 array each; 16,105 arrays of the chip are free" in help
    assert "fewer reads for an input vector (8 now" in help
    assert "At 7.84 times the throughput conv2, now 13 % busy" in help


def test_layers_that_are_as_busy_are_counted() -> None:
    assert pace(RESNET).ties == 6
    assert "conv1 and 6 others as busy" in best_help(RESNET)
    assert "6 other layers are as busy." in sentences(RESNET)[0]
    assert "1 other layer is as busy." in sentences(many(2))[0]


def test_a_chip_without_room_for_another_copy_says_so() -> None:
    arrays = {**LENET.chip, "arrays": 168 * 96}
    assert free_arrays(replace(LENET, chip=arrays)) == 0
    assert "but the chip has only 0 arrays left" in sentences(replace(LENET, chip=arrays))[1]
    unknown = replace(LENET, scenario={})
    assert free_arrays(unknown) is None
    assert "conv1 has 1 now)" in sentences(unknown)[1]


@pytest.mark.parametrize(
    ("cause", "helps"),
    [
        ("starved", "a faster layer before it"),
        ("blocked", "a larger tile.buffer"),
        ("pipeline", "tile.vector_lanes"),
        ("bus", "a wider tile.bus_width"),
        ("adc", "more ADCs (pe.adcs)"),
    ],
)
def test_a_layer_that_often_waits_needs_what_it_waits_for(cause: str, helps: str) -> None:
    waits = {"cause": cause, "layer": "conv2", "clocks": LENET.layers[0]["cycles"] // 4}
    report = replace(loaded(LENET, waits_for=waits), resources=())
    assert helps in best_help(report)
    assert f"conv1 is {cause} by conv2" in best_help(report)
    said = sentences(report)[1]
    assert f"conv1 is not busy all the time: it is {cause} by conv2 25 % of its time." in said
    assert helps in said


def test_a_resource_that_is_always_busy_is_what_helps() -> None:
    interval = LENET.stream["interval"]
    bus = {"name": "tile 0 bus", "kind": "bus", "tile": 0, "busy": interval, "idle": {}}
    report = replace(loaded(LENET), resources=(bus,))
    assert best_help(report).startswith("a wider tile.bus_width")
    assert "conv1 is not busy all the time, but tile 0 bus is." in sentences(report)[1]
    named = replace(LENET, resources=(bus,), stream={**LENET.stream, "limited_by": "tile 0 bus"})
    assert pace_words(named) == "tile 0 bus, busy 100 % of the time"
    assert "tile 0 bus (bus of a tile) sets that pace; it is busy 100 %" in sentences(named)[0]
    assert "wider tile.bus_width, or output ports apart from it, for tile 0 bus" in best_help(named)


def test_the_chips_port_may_be_what_limits() -> None:
    report = replace(loaded(LENET), stream={**LENET.stream, "limited_by": "off-chip port"})
    assert pace_words(report) == "off-chip port, busy 100 % of the time"
    assert "fewer bits in and out" in best_help(report)
    assert best_help(report).endswith(": up to x 1.67, then conv1 is the slowest")
    unknown = replace(LENET, stream={**LENET.stream, "limited_by": "the weather"})
    assert pace_words(unknown) == "the weather"
    assert best_help(unknown) == "less work for the weather"


def test_a_stream_that_has_not_settled_is_said() -> None:
    report = replace(LENET, stream={**LENET.stream, "steady": False, "images": 24})
    assert "had not settled after 24 images" in sentences(report)[0]
    assert "settled" not in sentences(LENET)[0]


def test_the_latency_is_taken_apart() -> None:
    report = scheduled(LENET)
    said = sentences(report)[2]
    assert sum(by_part(report).values()) == report.cycles
    assert sum(sum(parts.values()) for parts in by_layer(report).values()) == report.cycles
    assert list(by_part(report).values()) == sorted(by_part(report).values(), reverse=True)
    (first, clocks), *_ = by_part(report).items()
    assert f"By kind: {first} {percent(clocks / report.cycles)}" in said
    assert f"{report.cycles:,} clocks" in said
    assert "no critical path" in sentences(replace(report, critical_path=()))[2]


def test_what_infinite_buffers_and_free_links_would_change_is_said_both_ways() -> None:
    report = scheduled(LENET)
    assert gain(report) == pytest.approx((-0.2, 0.1))
    said = sentences(report)[3]
    assert "(-20.0 %)" in said
    assert "(+10.0 %)" in said
    assert "can be gained by larger buffers (tile.buffer)" in said
    same = {"latency": report.latency, "throughput": report.throughput}
    said = sentences(replace(report, bound=same))[3]
    assert said.count("unchanged") == 2
    assert "next to nothing" in said


def test_waits_are_a_share_of_the_time_of_all_copies() -> None:
    row = {**LENET.layers[0], "cycles": 1000, "replicas": 4}
    starved = {"cause": "starved", "layer": "x", "clocks": 1000}
    assert wait({**row, "waits_for": starved}) == "starved by x 25 %"
    assert wait({**row, "waits_for": {**starved, "layer": None}}) == "starved 25 %"
    assert wait({**row, "waits_for": None}) == "nothing"


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0, "0 %"),
        (1e-5, "< 0.1 %"),
        (0.021, "2.1 %"),
        (0.0999, "10 %"),
        (0.62, "62 %"),
        (1, "100 %"),
    ],
)
def test_small_shares_are_not_nothing(share: float, written: str) -> None:
    assert percent(share) == written
