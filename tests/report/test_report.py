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

ROOT = Path(__file__).parents[2]


def made(workload: str = "resnet20", **given: object) -> Report:
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
    assert set(data["power"]) == {"average", "peak", "nameplate"}
    assert set(data["programming"]) == {"energy", "latency"}
    assert all(set(c) == {"energy", "area"} for c in data["components"].values())
    assert all({"name", "energy", "cycles", "idle"} <= set(row) for row in data["layers"])
    assert {"tiles", "arrays", "utilisation"} <= set(data["chip"])
    assert {
        *("array_reads", "adc_conversions", "saturations", "dac_drives", "cell_writes"),
    } <= set(data["counts"])


def test_parts_add_up(report: Report) -> None:
    by_component = [c["energy"] for c in report.components.values()]
    assert fsum(by_component) == pytest.approx(report.energy, rel=1e-14)
    assert fsum(row["energy"] for row in report.layers) == pytest.approx(report.energy, rel=1e-14)
    assert fsum(c["area"] for c in report.components.values()) == pytest.approx(report.area)
    for row in report.layers:
        assert fsum(row["components"].values()) == pytest.approx(row["energy"], rel=1e-14)
    assert report.power["average"] == report.energy * report.throughput


def test_what_was_not_measured_is_null_and_never_zero() -> None:
    arch = load_arch("isaac_8bit", {"energy.array": "table"})
    data = build_report(build_plan("lenet5", arch), None).to_dict()
    for key in ("accuracy", "float_accuracy", "digital_accuracy", "images"):
        assert data[key] is None
    assert data["power"]["peak"] is None
    assert data["power"]["nameplate"] is None
    assert data["programming"] == {"energy": None, "latency": None}
    assert data["counts"]["saturations"] is None
    assert {row["idle"] for row in data["layers"]} == {None}
    assert data["counts"]["cell_writes"] > 0


def test_a_metric_without_a_value_is_null() -> None:
    assert made(metrics={"spearman": float("nan"), "f1": 0.5}).metrics == {
        "spearman": None,
        "f1": 0.5,
    }


def test_cycles_are_whole_and_agree_with_the_latency() -> None:
    report = made("lenet5")
    assert all(isinstance(row["cycles"], int) for row in report.layers)
    assert report.latency_kind == "bound"
    slowest = max(row["time"] for row in report.layers)
    assert slowest <= report.latency
    assert report.layers[0]["cycles"] == (28 * 28 - 1) * 8 * 128 + 14 * 128


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
    kinds = {node["kind"] for node in made("minilm6").unpriced}
    assert kinds == {"embedding", "matmul", "mul", "norm", "softmax"}
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
