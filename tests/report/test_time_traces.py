"""Does a trace of a time say what it consists of, and what would make it shorter?"""

from __future__ import annotations

import dataclasses

import pytest

from crossbar.errors import DataError
from crossbar.report import Report, explain_number
from crossbar.report.bottleneck import CAUSES, PATH_PARTS
from tests.report.reports import made
from tests.report.schedules import many, scheduled

PLAIN = made("lenet5")
BY_HAND = scheduled(made("resnet20"))


def said(report: Report, name: str) -> str:
    return " ".join(str(explain_number(report, name)).split())


def test_latency_is_clocks_and_the_clocks_are_the_critical_path() -> None:
    latency, by_kind, by_layer = explain_number(PLAIN, "latency").terms
    clocks, clock = latency.parts
    assert (clocks.value, clock.value) == (PLAIN.cycles, 1.28e9)
    for term in (by_kind, by_layer):
        assert sum(part.value or 0 for part in term.parts) == term.value == PLAIN.cycles
    assert {part.what for part in by_kind.parts} <= set(PATH_PARTS)
    path = [f"{row['what']} of {row['layer']}" for row in PLAIN.critical_path]
    assert [part.what for part in by_layer.parts] == path


def test_kinds_of_the_critical_path_are_explained_with_what_shortens_them() -> None:
    text = said(BY_HAND, "critical_path.fill")
    assert text.startswith("fill on the critical path = ")
    assert "fetch, convert, merge, activate, store" in text
    assert "array.cycle" in text
    assert "fill: the steps before and after the reads" in said(BY_HAND, "cycles")


def test_throughput_is_the_clock_over_the_interval_of_the_stream() -> None:
    text = said(PLAIN, "throughput")
    interval = PLAIN.stream["interval"]
    assert f"= 1.28 GHz / {interval:,} clocks" in text
    assert f"{PLAIN.stream['limited_by']} sets the pace" in text
    assert "load of conv1 = 100 %" in text
    assert "had not settled" not in text
    unsteady = dataclasses.replace(PLAIN, stream={**PLAIN.stream, "steady": False})
    assert "had not settled" in said(unsteady, "throughput")


@pytest.mark.parametrize("name", ["tile 0 bus", "off-chip port", "the moon"])
def test_a_pace_that_no_layer_sets_is_traced_as_far_as_the_report_goes(name: str) -> None:
    report = scheduled(PLAIN, limited_by=name)
    term = explain_number(report, "throughput").terms[1]
    assert term.what == f"load of {name}"
    busy = [row["busy"] for row in report.resources if row["name"] == name]
    known = {"off-chip port": 1.0, "the moon": 1.0}
    expected = busy[0] / report.stream["interval"] if busy else known[name]
    assert term.value == expected


def test_the_bound_is_compared_with_what_the_chip_does() -> None:
    free, share = explain_number(BY_HAND, "bound.latency").terms
    assert free.value == BY_HAND.bound["latency"]
    assert share.value == pytest.approx(0.8)
    text = said(PLAIN, "bound.throughput")
    assert "the busiest copy, of conv1, is read without a gap" in text


def test_a_layer_is_timed_from_its_first_issue_to_its_last_retire() -> None:
    row = BY_HAND.layers[3]
    name = row["name"]
    assert f"= {row['end']:,} clocks - {row['start']:,} clocks" in said(BY_HAND, f"{name}.cycles")
    assert "its first input vector is asked for" in said(BY_HAND, f"{name}.start")
    assert f"= {row['cycles']:,} clocks / 1.28 GHz" in said(BY_HAND, f"{name}.time")


def test_busy_clocks_are_reads_of_the_arrays() -> None:
    text = said(PLAIN, "conv1.busy")
    assert "= 784 x 8 x 1 x 128 clocks" in text
    assert "= 100 ns x 1.28 GHz, rounded up" in text


def test_idle_clocks_are_what_is_left_and_have_causes() -> None:
    for report in (PLAIN, BY_HAND):
        for row in report.layers:
            by_cause, rest = explain_number(report, f"layers.{row['name']}.idle").terms
            assert by_cause.value == rest.value == report.cycles * row["replicas"] - row["busy"]
            for cause in row["idle"]:
                assert CAUSES[cause].help in said(report, f"{row['name']}.idle.{cause}")


def test_causes_that_do_not_add_up_are_an_error() -> None:
    row = {**PLAIN.layers[0], "idle": {"starved": 1}}
    report = dataclasses.replace(PLAIN, layers=(row, *PLAIN.layers[1:]))
    with pytest.raises(DataError, match=r"layers\.conv1\.idle: the report says 1, what it is made"):
        explain_number(report, "conv1.idle")


def test_the_largest_wait_says_for_whom_and_what_helps() -> None:
    (row,) = [row for row in BY_HAND.layers if row["waits_for"]["cause"] == "blocked"][:1]
    text = said(BY_HAND, f"{row['name']}.waits_for")
    assert f"= {row['waits_for']['clocks']:,} clocks" in text
    assert "blocked by linear" in text
    assert "tile.buffer" in text
    never = dataclasses.replace(BY_HAND, layers=({**row, "waits_for": None},))
    assert "it never waits" in said(never, f"{row['name']}.waits_for")


def test_the_load_is_the_work_of_the_busiest_copy_in_an_interval() -> None:
    report = made("lenet5", {"replication": [3, 1, 1, 1, 1], "pe.adcs": 4})
    text = said(report, "conv1.load")
    assert "= 784 / 3, rounded up" in text
    assert "the longer of array.cycle and the conversions of one ADC" in text
    assert explain_number(report, "conv1.load").terms[0].value == report.layers[0]["load"]


def test_resources_are_busy_or_idle_with_a_cause() -> None:
    name = PLAIN.resources[0]["name"]
    (term,) = explain_number(PLAIN, name).terms
    assert term.value == PLAIN.cycles
    assert "starved: nobody asks for it" in said(PLAIN, f"resources.{name}")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (
            "at best",
            "latency with infinite buffers, buses and vector lanes and an ADC for every array = ",
        ),
        ("slowest", "load of "),
        ("what helps", "throughput = "),
        ("bound", "throughput with infinite buffers, buses and vector lanes and an ADC for every"),
        ("stream.interval", "clocks between the last images of a stream"),
        ("timeline.window", "clocks of one bin"),
        ("conv1.buffer.need", "buffer.need of conv1 = "),
    ],
)
def test_what_is_printed_of_times_can_be_asked_for(asked: str, expected: str) -> None:
    assert expected in said(PLAIN, asked)


def test_powers_are_traced_to_declared_rates_and_prices() -> None:
    text = said(PLAIN, "nameplate.adc")
    assert "energy of one conversion" in text
    assert "122.88 GHz" in text
    assert said(PLAIN, "nameplate").startswith("nameplate power = ")
    assert "leakage of the chip = 0 W" in said(PLAIN, "leakage")
    assert "window of the peak power = 1 us" in said(PLAIN, "peak")


def test_leakage_is_a_share_of_the_nameplate_over_the_time_of_an_inference() -> None:
    report = made("lenet5", {"energy.leakage_share": 0.2})
    text = said(report, "components.adc.leakage")
    assert "= leakage.adc / throughput" in text
    assert "share that is drawn always" in said(report, "leakage.adc")
    leaked = sum(cost["leakage"] for cost in report.components.values())
    assert leaked * report.throughput == pytest.approx(report.power["leakage"])


def test_programming_is_traced_to_cells_and_pulses() -> None:
    text = said(PLAIN, "programming")
    assert f"= {PLAIN.counts['cell_writes']:,} x " in text
    assert "mean pulses of a cell" in text
    assert "time of programming = " in text


def test_names_of_any_kind_can_be_asked_for() -> None:
    odd = ("$x_1^2$", "half \ud800", "<b>")
    report = many(3, odd)
    for name in odd:
        shown = name.replace("\ud800", "\ufffd")
        assert f"cycles of {shown} = " in str(explain_number(report, f"layers.{name}.cycles"))
