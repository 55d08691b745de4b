"""Does a comparison say what was changed and what came of it?"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from crossbar import estimate
from crossbar.errors import DataError
from crossbar.report import Report, Row, compare_reports, difference_table
from tests.report.reports import HARDWARE, SCORES, branching, made
from tests.report.schedules import scheduled

BASE = made("resnet20", **SCORES)
SMALLER = made(
    "resnet20",
    {"adc.bits": 7, "pe.adcs": 4},
    **{**SCORES, "accuracy": 0.902},
    seed=3,
)


def row(rows: tuple[Row, ...], key: str) -> Row:
    (found,) = [each for each in rows if each.key == key]
    return found


def test_what_was_changed_is_named_by_its_key() -> None:
    found = compare_reports(BASE, SMALLER)
    assert [(r.key, r.a, r.b) for r in found.hardware] == [("adc.bits", 8, 7), ("pe.adcs", 8, 4)]
    assert [(r.key, r.a, r.b) for r in found.scenario] == [("seed", 0, 3)]


def test_changes_are_absolute_and_relative_to_the_first() -> None:
    found = compare_reports(BASE, SMALLER)
    energy = row(found.totals, "energy")
    assert energy.change == SMALLER.energy - BASE.energy
    assert energy.relative == pytest.approx(SMALLER.energy / BASE.energy - 1)
    assert row(found.totals, "accuracy").change == pytest.approx(-0.012)
    assert row(found.components, "dac.energy").change == 0
    area = row(found.components, "adc.area")
    assert area.b == SMALLER.components["adc"]["area"]
    assert row(found.layers, "conv1.energy").a == BASE.layers[0]["energy"]
    assert row(found.layers, "conv1.time").is_equal
    assert row(found.counts, "adc_conversions").is_equal


def test_every_number_of_both_is_in_the_data() -> None:
    found = compare_reports(BASE, SMALLER)
    assert {r.key for r in found.counts} == set(BASE.counts)
    assert {r.key for r in found.components} == {
        f"{name}.{what}" for name in BASE.components for what in ("energy", "leakage", "area")
    }
    of_layer = {r.key.removeprefix("conv1.") for r in found.layers if r.key.startswith("conv1.")}
    assert of_layer >= {"energy", "time", "arrays", "replicas", "busy", "load", "idle.starved"}
    assert len(found.layers) == len(of_layer) * len(BASE.layers)
    totals = {r.key for r in found.totals}
    assert {"energy", "latency", "throughput", "area", "accuracy", "float_accuracy"} <= totals
    assert {"power.average", "chip.arrays", "chip.utilisation", "metrics.agreement"} <= totals
    assert {"cycles", "bound.latency", "stream.interval", "stream.limited_by"} <= totals
    assert {"power.peak", "power.leakage", "programming.energy", "critical_path.reads"} <= totals


def test_turning_it_round_turns_the_signs() -> None:
    there, back = compare_reports(BASE, SMALLER), compare_reports(SMALLER, BASE)
    for group in ("totals", "components", "layers", "counts"):
        for one, other in zip(getattr(there, group), getattr(back, group), strict=True):
            assert (one.a, one.b) == (other.b, other.a)
            assert one.change == (None if other.change is None else -other.change)


def test_what_is_not_measured_has_no_change() -> None:
    found = compare_reports(BASE, made("resnet20"))
    assert row(found.totals, "accuracy").change is None
    unpriced = made("lenet5", HARDWARE["table"])
    found = compare_reports(unpriced, unpriced)
    assert row(found.totals, "programming.energy").is_equal
    assert row(found.totals, "programming.energy").change is None


def test_nothing_is_relative_to_zero() -> None:
    assert Row("router.energy", 0, 2.0).change == 2.0
    assert Row("router.energy", 0, 2.0).relative is None
    assert Row("router.energy", 5e-324, 1e300).relative is None
    assert Row("a.flag", True, False).change is None


def test_rounding_is_no_difference() -> None:
    other = dataclasses.replace(BASE, energy=BASE.energy * (1 + 1e-13))
    assert compare_reports(BASE, other).is_empty
    assert not compare_reports(BASE, dataclasses.replace(BASE, energy=2 * BASE.energy)).is_empty


def test_other_networks_are_compared_as_far_as_they_have_the_same_layers() -> None:
    found = compare_reports(BASE, made("lenet5"))
    assert found.layers_only_in[0][0] == "layer1.0.conv1"
    assert found.layers_only_in[1] == ("conv2", "fc1", "fc2", "fc3")
    assert {r.key.partition(".")[0] for r in found.layers} == {"conv1"}
    text = " ".join(str(found).split())
    assert "different networks; 1 layer has the same name in both" in text
    assert "only in B: 4 layers: conv2, fc1, fc2, fc3" in text
    none = str(compare_reports(BASE, made(branching())))
    assert "0 layers have the same name" in none
    assert "energy by layer" not in none


def test_an_estimate_says_what_it_assumes_beside_a_run() -> None:
    found = compare_reports(BASE, estimate("isaac_8bit", "resnet20"))
    keys = {r.key for r in found.scenario}
    assert {"activity.input_density", "images"} <= keys
    assert any("assumed" in note for note in found.notes_only_in[1])
    assert "what only B leaves out or assumes:" in str(found)


def test_a_setting_of_the_run_that_only_repeats_the_hardware_is_named_once() -> None:
    def ran(bits: int) -> Report:
        report = made("lenet5", {"precision.weight_bits": bits})
        precision = {"weight_bits": bits, "input_bits": 8, "weight_levels": None}
        scenario = {**report.scenario, "precision": precision, "effects": {}}
        return dataclasses.replace(report, scenario=scenario)

    found = compare_reports(ran(8), ran(4))
    assert [r.key for r in found.hardware] == ["precision.weight_bits"]
    assert found.scenario == ()


def test_faults_are_named() -> None:
    effects = {"stuck_at": {"on": 0.09, "off": 0.017, "seed": 1}}
    faulty = dataclasses.replace(BASE, scenario={**BASE.scenario, "effects": effects})
    clean = dataclasses.replace(BASE, scenario={**BASE.scenario, "effects": {}})
    found = compare_reports(clean, faulty)
    changes = {r.key: (r.a, r.b) for r in found.scenario}
    assert changes["effects.stuck_at.on"] == (None, 0.09)
    assert "effects.stuck_at.on    not set -> 0.09" in str(found)


def test_it_is_json() -> None:
    data = json.loads(json.dumps(compare_reports(BASE, SMALLER).to_dict(), allow_nan=False))
    assert (data["format"], data["schema"]) == ("crossbar.difference", 1)
    assert data["a"]["workload"] == "resnet20"
    assert data["hardware"][0] == {"key": "adc.bits", "a": 8, "b": 7}
    energy = next(r for r in data["totals"] if r["key"] == "energy")
    assert set(energy) == {"key", "a", "b", "change", "relative"}
    assert data["layers_only_in"] == {"a": [], "b": []}
    assert set(data) >= {"scenario", "components", "layers", "counts", "notes_only_in"}


def test_the_text_begins_with_what_was_changed() -> None:
    lines = difference_table(
        compare_reports(BASE, SMALLER), names=("a.json", "b.json")
    ).splitlines()
    assert lines[0] == "A  a.json: resnet20 on isaac_8bit, 500 samples, seed 0"
    assert lines[1] == "B  b.json: resnet20 on isaac_8bit, 500 samples, seed 3"
    assert lines[3:6] == ["hardware: 2 keys changed", "  adc.bits  8 -> 7", "  pe.adcs   8 -> 4"]
    titles = [line.split(":")[0] for line in lines if ":" in line and not line.startswith(" ")]
    assert titles[2:] == [
        *("hardware", "scenario", "totals", "energy by component", "area by component"),
        *("energy by layer", "time by layer", "load by layer", "idle clocks by layer and cause"),
        "counts",
    ]


def test_accuracy_changes_in_points() -> None:
    lines = str(compare_reports(BASE, SMALLER)).splitlines()
    (accuracy,) = [line for line in lines if line.startswith(" accuracy")]
    assert accuracy.split() == ["accuracy", "91.40", "%", "90.20", "%", "-1.20", "points"]


def test_equal_rows_are_counted_and_the_others_sorted_by_their_change() -> None:
    lines = str(compare_reports(BASE, SMALLER)).splitlines()
    assert "energy by component: 1 changed, 21 equal" in lines
    assert "area by component: 2 changed, 20 equal" in lines
    assert "counts: all 26 equal" in lines
    start = lines.index("energy by layer: 20 changed, 0 equal") + 4
    names = [line.split()[0] for line in lines[start : start + 10]]
    assert names[0] == "layer1.0.conv1"
    assert "linear" not in names
    assert lines[start + 10] == "and 10 that changed less (--all lists them)"
    complete = difference_table(compare_reports(BASE, SMALLER), complete=True)
    assert " linear " in complete
    assert "changed less" not in complete


def test_copies_are_compared_where_they_differ() -> None:
    copies = made("lenet5", {"replication": [8, 4, 1, 1, 1]})
    text = str(compare_reports(made("lenet5"), copies))
    assert "copies by layer: 2 changed, 3 equal" in text
    assert "arrays by layer" not in text
    assert "arrays by layer" in str(compare_reports(made(), made("lenet5", {"array.rows": 64})))


def test_large_changes_are_factors() -> None:
    slow, fast = made("lenet5"), made("lenet5", {"replication": [28, 8, 1, 1, 1]})
    lines = str(compare_reports(slow, fast)).splitlines()
    (line,) = [x for x in lines if x.startswith(" throughput")]
    assert line.endswith("x 28")


def test_what_moved_in_time_is_said() -> None:
    before = scheduled(BASE)
    rows = [dict(row) for row in before.layers]
    name, idle = rows[4]["name"], dict(rows[4]["idle"])
    rows[4]["idle"] = idle | {"bus": idle.get("bus", 0) + 5000, "starved": idle["starved"] - 5000}
    after = dataclasses.replace(
        before,
        layers=tuple(rows),
        stream={**before.stream, "limited_by": "tile 1 bus", "steady": False},
    )
    found = compare_reports(before, after)
    assert row(found.layers, f"{name}.idle.bus").change == 5000
    lines = str(found).splitlines()
    start = next(
        n for n, x in enumerate(lines) if x.startswith("idle clocks by layer and cause: 2")
    )
    assert {" ".join(x.split()[:2]) for x in lines[start + 4 : start + 6]} == {
        f"{name} bus",
        f"{name} starved",
    }
    (pace,) = [x for x in lines if "stream.limited_by" in x]
    assert pace.split() == ["stream.limited_by", "conv1", "tile", "1", "bus", "-"]
    (steady,) = [x for x in lines if "stream.steady" in x]
    assert steady.split() == ["stream.steady", "yes", "no", "-"]


def test_a_cause_that_only_one_report_names_counts_as_no_clocks_in_the_other() -> None:
    rows = ({**BASE.layers[0], "idle": {"voted": 7}}, *BASE.layers[1:])
    found = compare_reports(BASE, dataclasses.replace(BASE, layers=rows))
    voted = row(found.layers, "conv1.idle.voted")
    assert (voted.a, voted.b) == (0, 7)


def test_the_same_report_twice() -> None:
    assert str(compare_reports(BASE, BASE)).splitlines()[-1] == "no difference"


@pytest.mark.parametrize(
    "other", [SMALLER, made("minilm6", {"chip.tiles": "auto"}), made("mobilenet_v2")]
)
def test_it_fits_80_columns(other: Report) -> None:
    found = compare_reports(BASE, other)
    for complete in (False, True):
        text = difference_table(found, names=("x" * 90, "b.json"), complete=complete)
        assert max(map(len, text.splitlines())) <= 80
        assert not any(line != line.rstrip() for line in text.splitlines())


def test_long_settings_and_names_are_broken() -> None:
    long = {"name": "n" * 60 + ".tail"}
    scenario: dict[str, Any] = {**BASE.scenario, "k" * 50: {"deep": ["v" * 30] * 9}}
    a = dataclasses.replace(BASE, layers=({**BASE.layers[1], **long},), scenario=scenario)
    b = dataclasses.replace(SMALLER, layers=({**SMALLER.layers[1], **long},))
    text = str(compare_reports(a, b))
    assert max(map(len, text.splitlines())) <= 80
    assert " tail drained" in text


def test_keys_are_broken_behind_a_point_and_not_inside_a_word() -> None:
    other = made("minilm6", {"pe.adcs": 2})
    lines = str(compare_reports(made("minilm6"), other)).splitlines()
    words = " ".join(lines)
    for word in ("attention.", "intermediate.dense", "output.dense", "self.query", "throughput"):
        assert word in words
    starts = [line.split()[0] for line in lines if line.startswith(" ") and line.split()]
    parts = {part for row in other.layers for part in row["name"].split(".")}
    for start in starts:
        if start.startswith("encoder."):
            assert set(start.strip(".").split(".")) <= parts


def test_copies_of_layers_are_one_setting() -> None:
    some = made("resnet20", {"replication": {"conv1": 4, "layer1.0.conv1": 2}})
    found = compare_reports(BASE, some)
    (setting,) = found.hardware
    copies = {"conv1": 4, "layer1.0.conv1": 2}
    assert (setting.key, setting.a, setting.b) == ("replication", "none", copies)
    assert "replication  none -> conv1: 4, layer1.0.conv1: 2" in str(found)
    assert "changed     replication none -> conv1: 4, layer1.0.conv1: 2" in str(some)


def test_a_report_without_a_number_is_one_clear_error() -> None:
    rows = ({k: v for k, v in BASE.layers[0].items() if k != "time"}, *BASE.layers[1:])
    broken = dataclasses.replace(BASE, layers=rows)
    with pytest.raises(DataError, match=r"new\.json: layers\.conv1\.time: missing, where a number"):
        compare_reports(BASE, broken, names=("old.json", "new.json"))


def test_a_component_that_only_one_version_knows_is_compared_with_nothing() -> None:
    newer = {**BASE.components, "pump": {"energy": 1e-9, "leakage": 0.0, "area": 1e-12}}
    found = compare_reports(BASE, dataclasses.replace(BASE, components=newer))
    assert (row(found.components, "pump.energy").a, row(found.components, "pump.energy").b) == (
        None,
        1e-9,
    )
