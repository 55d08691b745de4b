"""Can a report be trusted, kept and read?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from math import fsum
from pathlib import Path
from typing import Any

import pytest

from crossbar import build_plan, load_arch
from crossbar.errors import DataError, InputError, SchemaVersionError
from crossbar.mapping import Plan
from crossbar.report import SCHEMA, Report, build_report
from crossbar.timing import Activity
from crossbar.workload import Workload
from tests.report.reports import attending
from tests.report.schedules import scheduled

ROOT = Path(__file__).parents[2]


def made(workload: Workload | str = "resnet20", **given: object) -> Report:
    plan = build_plan(workload, "isaac_8bit")
    return build_report(plan, activity(plan), **given)


def activity(plan: Plan, images: int = 500) -> Activity:
    return Activity(
        {layer.name: 1e-9 * layer.positions for layer in plan.layers},
        {layer.name: 2.5 for layer in plan.layers},
        images,
    )


@pytest.fixture(scope="module")
def report() -> Report:
    return made(accuracy=0.91, float_accuracy=0.92, digital_accuracy=0.915, seed=3)


def test_the_keys_that_users_rely_on_are_there(report: Report) -> None:
    data = json.loads(json.dumps(report.to_dict()))
    assert data["schema"] == SCHEMA
    assert {
        *("schema", "accuracy", "float_accuracy", "energy", "latency", "throughput", "area"),
        *("power", "programming", "components", "layers", "chip", "counts", "scenario", "seed"),
        "versions",
    } <= set(data)
    assert set(data["power"]) == {"average", "peak", "window", "nameplate", "leakage"}
    assert set(data["programming"]) == {"energy", "latency", "rows"}
    assert all(set(c) == {"energy", "leakage", "area"} for c in data["components"].values())
    assert all({"name", "energy", "cycles", "idle"} <= set(row) for row in data["layers"])
    assert {"bound", "stream", "resources", "critical_path", "timeline", "cycles"} <= set(data)
    assert {"tiles", "arrays", "utilisation"} <= set(data["chip"])
    assert {
        *("array_reads", "adc_conversions", "saturations", "dac_drives", "cell_writes"),
    } <= set(data["counts"])


def test_parts_add_up(report: Report) -> None:
    by_component = [c["energy"] for c in report.components.values()]
    assert fsum(by_component) == pytest.approx(report.energy, rel=1e-14)
    leaked = [c["leakage"] for c in report.components.values()]
    dynamic = [row["energy"] for row in report.layers]
    assert fsum((*dynamic, *leaked)) == pytest.approx(report.energy, rel=1e-14)
    assert fsum(c["area"] for c in report.components.values()) == pytest.approx(report.area)
    for row in report.layers:
        assert fsum(row["components"].values()) == pytest.approx(row["energy"], rel=1e-14)
    assert report.power["average"] == report.energy * report.throughput


@pytest.mark.parametrize("which", ["engine", "hand"])
def test_clocks_add_up(which: str, report: Report) -> None:
    found = report if which == "engine" else scheduled(report)
    assert sum(row["cycles"] for row in found.critical_path) == found.cycles
    for row in found.layers:
        assert row["busy"] + sum(row["idle"].values()) == found.cycles * row["replicas"]
        assert row["end"] - row["start"] == row["cycles"]
        assert 0 <= row["load"] <= 1
    for row in found.resources:
        assert row["busy"] + sum(row["idle"].values()) == found.cycles
    strips = found.timeline["layers"]
    assert set(strips) == {row["name"] for row in found.layers}
    assert {len(strip) for strip in strips.values()} == {found.timeline["bins"]}


def test_what_was_not_measured_is_null_and_never_zero() -> None:
    arch = load_arch("isaac_8bit", {"energy.array": "table"})
    data = build_report(build_plan("lenet5", arch), None).to_dict()
    for key in ("accuracy", "float_accuracy", "digital_accuracy", "images"):
        assert data[key] is None
    assert data["counts"]["saturations"] is None
    assert data["counts"]["cell_writes"] > 0
    free = load_arch("isaac_8bit", {"cell.write_voltage": None, "cell.write_pulse": None})
    plan = build_plan("lenet5", free)
    unpriced = build_report(plan, activity(plan))
    assert unpriced.programming == {"energy": None, "latency": None, "rows": None}


def test_a_metric_without_a_value_is_null() -> None:
    assert made(metrics={"spearman": float("nan"), "f1": 0.5}).metrics == {
        "spearman": None,
        "f1": 0.5,
    }


def test_cycles_are_whole_and_agree_with_the_latency() -> None:
    report = made("lenet5")
    assert all(isinstance(row["cycles"], int) for row in report.layers)
    assert isinstance(report.cycles, int)
    assert report.latency_kind == "schedule"
    assert report.latency == report.cycles / 1.28e9
    assert max(row["end"] for row in report.layers) <= report.cycles
    assert report.layers[0]["busy"] == 28 * 28 * 8 * 128
    assert report.bound["latency"] <= report.latency
    assert report.bound["throughput"] >= report.throughput


def test_counts_are_whole_where_nothing_is_averaged(report: Report) -> None:
    assert isinstance(report.counts["adc_conversions"], int)
    assert report.counts["saturations"] == 2.5 * len(report.layers)


def test_what_was_run_is_written_down(report: Report) -> None:
    assert load_arch("isaac_8bit").to_dict() == report.scenario["arch"]
    assert report.scenario["workload"] == "resnet20"
    assert made(scenario={"model": "mine"}).scenario == {"model": "mine"}
    assert report.seed == 3
    assert report.images == 500
    assert {"crossbar", "python", "numpy", "numba"} <= set(report.versions)


def test_the_version_of_torch_is_noted_only_where_torch_is_at_work() -> None:
    code = (
        "import sys\nfrom crossbar import build_plan, load_arch\n"
        "from crossbar.report import build_report\n"
        "arch = load_arch('isaac_8bit', {'energy.array': 'table'})\n"
        "report = build_report(build_plan('lenet5', arch), None)\n"
        "print('torch' in report.versions, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


def test_operations_without_a_price_are_named() -> None:
    assert [(node["kind"], node["operations"]) for node in made(attending()).unpriced] == [
        ("other", 77)
    ]
    assert made("minilm6").unpriced == ()
    assert made().unpriced == ()


def test_saved_and_loaded_is_the_same(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "report.json"
    report.save(file)
    assert Report.load(file) == report
    assert str(Report.load(file)) == str(report)
    assert [f.name for f in file.parent.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_saved_leaves_nothing(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(InputError, match=r"file.report\.json: cannot be written"):
        report.save(tmp_path / "file" / "report.json")
    assert [f.name for f in tmp_path.iterdir()] == ["file"]
    (tmp_path / "report.json").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        report.save(tmp_path / "report.json")
    assert sorted(f.name for f in tmp_path.iterdir()) == ["file", "report.json"]


def test_a_newer_report_is_refused(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps({**report.to_dict(), "schema": SCHEMA + 1}))
    with pytest.raises(SchemaVersionError, match=f"schema: {SCHEMA + 1} was written by a newer"):
        Report.load(file)


def test_a_report_cut_off_is_refused(report: Report, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    report.save(file)
    file.write_text(file.read_text()[:-200])
    with pytest.raises(DataError, match=r"report\.json: line .*may be cut off"):
        Report.load(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        Report.load(file)
    with pytest.raises(InputError, match="cannot be read"):
        Report.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"format": "crossbar.workload"}, "'crossbar.workload'; a report file says"),
        ({"schema": "one"}, "'one' is not a version"),
        ({"energy": None}, "energy: null, where a number belongs"),
        ({"enregy": 1.0}, r"enregy: unknown key \(did you mean 'energy'\?\)"),
    ],
)
def test_another_sort_of_file_is_refused(
    change: dict[str, object], problem: str, report: Report, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps({**report.to_dict(), **change}))
    with pytest.raises(DataError, match=problem):
        Report.load(file)


def test_all_missing_keys_are_named_at_once(report: Report, tmp_path: Path) -> None:
    data = report.to_dict()
    del data["energy"], data["area"]
    file = tmp_path / "report.json"
    file.write_text(json.dumps(data))
    with pytest.raises(DataError, match=r"energy: missing\n.*area: missing"):
        Report.load(file)
    file.write_text("[1]")
    with pytest.raises(DataError, match="a list, where a report is an object"):
        Report.load(file)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda d: d["components"]["adc"].update(energy=None),
            "components.adc.energy: null, where a",
        ),
        (lambda d: d["layers"][1].update(energy="1"), "layers.1.energy: a text, where a number"),
        (lambda d: d["layers"].insert(0, 3), "layers.0: 3, where an object belongs"),
        (lambda d: d["chip"].pop("pes"), "chip.pes: missing"),
        (lambda d: d.update(seed=True), "seed: true, where a whole number belongs"),
        (
            lambda d: d["counts"].update(saturations=[]),
            "counts.saturations: a list, where a number",
        ),
        (lambda d: d.update(arch={}), "arch: an object, where a text belongs"),
        (lambda d: d.pop("critical_path"), "critical_path: missing"),
        (lambda d: d["power"].pop("window"), "power.window: missing"),
        (lambda d: d["bound"].update(latency=None), "bound.latency: null, where a number belongs"),
        (lambda d: d["stream"].update(steady=1), "stream.steady: 1, where true or false belongs"),
        (lambda d: d["layers"][0].update(idle=None), "layers.0.idle: null, where an object"),
        (
            lambda d: d["layers"][0]["idle"].update(bus="x"),
            "layers.0.idle.bus: a text, where a whol",
        ),
        (lambda d: d["layers"][2].update(load=True), "layers.2.load: true, where a number belongs"),
        (lambda d: d["layers"][0]["buffer"].pop("need"), "layers.0.buffer.need: missing"),
        (
            lambda d: d["layers"][0].update(waits_for={"cause": 1, "layer": None, "clocks": 1}),
            "layers.0.waits_for.cause: 1, where a text belongs",
        ),
        (lambda d: d["components"]["adc"].pop("leakage"), "components.adc.leakage: missing"),
        (lambda d: d["critical_path"][0].pop("what"), "critical_path.0.what: missing"),
        (lambda d: d["resources"].append("bus"), "a text, where an object belongs"),
        (
            lambda d: d["timeline"]["layers"].update(conv1=[0.5]),
            "conv1: 1 shares, where timeline.b",
        ),
        (
            lambda d: d["timeline"]["layers"]["conv1"].__setitem__(3, "x"),
            "conv1.3: a text, where a",
        ),
        (lambda d: d["timeline"]["layers"].update(conv1=0.5), "conv1: 0.5, where a list belongs"),
    ],
)
def test_damage_inside_a_file_is_said_in_plain_words(
    change: Callable[[dict[str, Any]], object], problem: str, report: Report, tmp_path: Path
) -> None:
    data = json.loads(json.dumps(report.to_dict()))
    change(data)
    file = tmp_path / "report.json"
    file.write_text(json.dumps(data))
    with pytest.raises(DataError, match=problem):
        Report.load(file)
