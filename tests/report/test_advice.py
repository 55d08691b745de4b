"""Does a report answer "what would make this faster?", from its own numbers?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from crossbar.report import Report
from crossbar.report.advice import best_help, pace_words, sentences
from crossbar.report.bottleneck import (
    by_layer,
    by_part,
    gain,
    pace,
    percent,
    rest,
    wait,
    wait_share,
    waiting,
)
from crossbar.report.remedies import free_arrays
from tests.report.reports import made
from tests.report.schedules import many, scheduled

LENET = made("lenet5")
RESNET = made("resnet20")


def waits_often(waits: dict[str, Any] | None, report: Report = LENET) -> Report:
    """The same, its first layer not busy in a stream, and what it waits for then."""
    first = {**report.layers[0], "load": 0.6}
    stream = {**report.stream, "load": 0.6, "waits_for": waits}
    return replace(report, layers=(first, *report.layers[1:]), stream=stream)


def limited(name: str, load: float = 1.0) -> Report:
    return replace(
        LENET, stream={**LENET.stream, "limited_by": name, "load": load, "waits_for": None}
    )


def test_a_busy_layer_needs_copies_until_the_next_is_the_slowest() -> None:
    found = pace(LENET)
    assert (found.name, found.load, found.ties) == ("conv1", 1.0, ())
    assert found.next is not None
    assert found.next["name"] == "conv2"
    assert found.gain == pytest.approx(1 / LENET.layers[1]["load"])
    assert pace_words(LENET) == "conv1, busy 100 % of the time in a stream"
    assert best_help(LENET) == (
        "more copies of conv1 (replication): throughput at most x 7.84, then conv2 is the slowest"
    )
    speed, help, *_ = sentences(LENET)
    assert "an image is done every 802,816 clocks (627 us), and conv1 sets that pace" in speed
    assert "it has 1 copy, another copy takes 1 array, 16,105 are free" in help
    assert "fewer reads for an input vector (8 now: dac.bits; the sums grow with it" in help
    assert "at most 7.84 times the throughput (then conv2, now 13 % busy" in help
    assert "if the buffers have room for them (160 B needed now, 8.52 KiB given)" in help


def test_layers_that_are_as_busy_are_counted_and_need_copies_together() -> None:
    assert len(pace(RESNET).ties) == 6
    assert "conv1 and 6 others as busy" in best_help(RESNET)
    assert "6 other layers are as busy." in sentences(RESNET)[0]
    assert "1 other layer is as busy." in sentences(many(2))[0]
    each = sum(row["arrays"] for row in RESNET.layers[:7])
    assert f"another copy of each takes {each} arrays" in sentences(RESNET)[1]
    assert "at most x 2" in best_help(made("resnet20", {"chip.tiles": 1, "tile.pes": 13}))


def test_a_chip_without_room_for_another_copy_says_so_and_helps_otherwise() -> None:
    full = replace(LENET, chip={**LENET.chip, "arrays": 168 * 96})
    assert free_arrays(full) == 0
    why = "another copy takes 1 array and 0 are free (chip.tiles)"
    assert best_help(full).startswith("fewer reads for an input vector (8 now: dac.bits; ")
    assert best_help(full).endswith(f"no more copies: {why}")
    assert f"More copies are not possible: {why}." in sentences(full)[1]
    empty = {"skipped_arrays": 96 * 166, "lending_tiles": 1}
    assert free_arrays(replace(LENET, chip={**LENET.chip, **empty})) == 96 - 23
    unknown = replace(LENET, scenario={})
    assert free_arrays(unknown) is None
    assert "it has 1 copy; more give" in sentences(unknown)[1]
    assert "chip grows with them" in sentences(made("lenet5", {"chip.tiles": "auto"}))[1]


def test_a_layer_of_one_position_can_have_no_copies() -> None:
    rows = [{**row, "positions": 1} for row in RESNET.layers[:3]]
    said = best_help(replace(RESNET, layers=(*rows, *RESNET.layers[3:])))
    assert said.endswith("no more copies: conv1 has 1 position and 1 copy")


def test_converters_that_are_slower_than_the_arrays_come_first() -> None:
    shared = made("lenet5", {"pe.adcs": 3})
    assert shared.layers[0]["slot_cycles"] == shared.layers[0]["ideal_slot_cycles"]
    assert best_help(shared).startswith("more copies of conv1")  # one small array an ADC
    vgg8 = made("vgg8", {"pe.adcs": 3})
    assert best_help(vgg8) == (
        "more ADCs (pe.adcs=4 for 2 arrays an ADC instead of 3) or faster ones (adc.rate): a read"
        " takes its arrays 128 clocks and its ADCs 384"
    )
    assert "pe.adcs=8 for an ADC for every array" in best_help(made("vgg8", {"pe.adcs": 4}))
    slow = best_help(made("vgg8", {"adc.rate": "640 MHz"}))
    assert slow == "faster ADCs (adc.rate): a read takes its arrays 128 clocks and its ADCs 256"
    for report in (vgg8, LENET, made("vgg8", {"adc.rate": "640 MHz"})):
        assert "shorter array.cycle" not in sentences(report)[1]


def test_a_shorter_cycle_is_advised_with_faster_converters_where_they_fill_it() -> None:
    bits = {"dac.bits": 4, "precision.input_bits": 4}
    report = made("vgg8", {**bits, "chip.tiles": 34})
    full = {**report.chip, "arrays": 34 * 96}
    said = best_help(replace(report, chip=full))
    assert "the conversions of a read, 128 for an ADC, fill it" in said
    assert "adc.rate" in said
    assert "rows_per_read" not in said  # all rows are driven already
    assert "dac.bits" not in said
    few = made("lenet5", bits)
    said = best_help(replace(few, chip={**few.chip, "arrays": 168 * 96}))
    assert said.startswith("a shorter array.cycle, down to what the conversions of an ADC take")


def test_rows_that_are_read_in_groups_can_be_read_together() -> None:
    said = sentences(made("vgg8", {"array.rows_per_read": 32}))[1]
    assert "groups now: array.rows_per_read; the sums grow with it" in said


@pytest.mark.parametrize(
    ("cause", "helps", "says"),
    [
        ("starved", "a faster conv2: more copies", "conv1 waits for inputs from conv2"),
        ("blocked", "a larger tile.buffer", "conv1 waits for room in the buffer of conv2"),
        ("pipeline", "tile.vector_lanes", "conv1 waits for its own later steps"),
        ("bus", "a wider tile.bus_width", "conv1 waits for its bus"),
        ("adc", "more ADCs (pe.adcs)", "conv1 waits for its ADCs"),
    ],
)
def test_a_layer_that_often_waits_in_a_stream_needs_what_it_waits_for(
    cause: str, helps: str, says: str
) -> None:
    waits = {"cause": cause, "layer": "conv2", "clocks": LENET.stream["interval"] // 4}
    report = waits_often(waits)
    assert best_help(report).startswith(helps) or helps in best_help(report)
    assert best_help(report).endswith(f"{says} 25 % of the time")
    said = sentences(report)[1]
    assert said.startswith("conv1 is not busy all the time: it waits for ")
    assert helps in said
    assert waiting({**waits, "layer": None}).startswith("waits for ")


def test_copies_are_not_advised_for_a_layer_that_can_have_none() -> None:
    waits = {"cause": "starved", "layer": "fc1", "clocks": 100}
    assert best_help(waits_often(waits)).startswith("a faster fc1: conv1 waits")
    waits["cause"] = "blocked"
    assert "a larger tile.buffer, or a faster fc1" in best_help(waits_often(waits))
    assert best_help(waits_often(None)) == "see the idle clocks of conv1"
    assert "its idle clocks say why" in sentences(waits_often(None))[1]


def test_a_resource_that_limits_is_named_and_is_what_helps() -> None:
    name = next(row["name"] for row in LENET.resources if row["kind"] == "bus")
    named = limited(name, 0.97)
    assert pace_words(named) == f"{name}, busy 97 % of the time in a stream"
    assert f"{name} (bus of a tile) sets that pace; it is busy 97 %" in sentences(named)[0]
    assert best_help(named).startswith(f"a wider tile.bus_width, for {name}")
    assert "apart" not in best_help(named)  # they are, on ISAAC


def test_the_chips_port_may_be_what_limits() -> None:
    report = limited("off-chip port")
    report = replace(report, layers=({**LENET.layers[0], "load": 0.6}, *LENET.layers[1:]))
    assert pace_words(report) == "off-chip port, busy 100 % of the time in a stream"
    assert "fewer bits in and out" in best_help(report)
    assert best_help(report).endswith(": at most x 1.67, then conv1 is the slowest")
    assert best_help(limited("the weather")) == "less work for the weather"


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
    assert said.startswith("With infinite buffers, buses and vector lanes and an ADC for every")
    assert "tile.buffer, tile.bus_width, tile.vector_lanes and pe.adcs together" in said
    same = {"latency": report.latency, "throughput": report.throughput}
    said = sentences(replace(report, bound=same))[3]
    assert said.count("unchanged") == 2
    assert said.endswith("none of these would gain more than 2 %.")


def test_waits_and_the_rest_are_shares_of_the_first_inference_of_all_copies() -> None:
    report = replace(LENET, cycles=1000)
    idle = {"starved": 1500, "bus": 40, "drained": 460}
    row = {**LENET.layers[0], "busy": 2000, "start": 125, "replicas": 4, "idle": idle}
    starved = {"cause": "starved", "layer": "x", "clocks": 1000}
    row["waits_for"] = starved
    assert wait(report, row) == "starved by x 25 %"
    assert wait(report, {**row, "waits_for": {**starved, "layer": None}}) == "starved 25 %"
    assert wait(report, {**row, "waits_for": None}) == "nothing"
    assert wait_share(report, row) == 0.25
    assert rest(report, row) == "not begun 12 %"
    assert rest(report, {**row, "start": 0}) == "starved 12 %"
    assert rest(report, {**row, "start": 0, "idle": {**idle, "drained": 700}}) == "drained 18 %"
    assert rest(report, {**row, "idle": {"starved": 1000}, "start": 0}) == ""


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
