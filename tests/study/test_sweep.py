"""Does a sweep give what single estimates and runs give, and compute nothing twice?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import crossbar as xb
from crossbar.arch import Arch
from crossbar.errors import ConfigError, InputError
from crossbar.report import Report
from crossbar.study.costs import UNTIMED, CostBench, timed_part
from crossbar.study.table import load_table
from crossbar.workload import find_workload

AXES = {"array.rows": [64, 128], "adc.bits": "6..8", "tile.bus_width": [96, 384]}


def same(report: Report | None, other: Report) -> None:
    assert report is not None
    assert report.to_dict() == other.to_dict()


def test_each_point_is_what_an_estimate_of_its_chip_is() -> None:
    table = xb.sweep("isaac_8bit", "lenet5", AXES)
    assert len(table) == 12
    assert table.held.startswith("held: chip.tiles 168: cells vary")
    for place in (0, 5, 11):
        row = table.rows[place]
        chip = xb.load_arch("isaac_8bit", {key: row[key] for key in AXES})
        expected = xb.estimate(chip, "lenet5")
        assert (row["energy"], row["latency"]) == (expected.energy, expected.latency)
        same(table.report(place), expected)


def test_schedules_are_shared_without_a_difference() -> None:
    # the second point takes the first one's schedule: only prices differ
    axes = {"cell.g_on": ["0.458 uS", "1 uS"], "energy.leakage_share": [0.0, 0.3]}
    table = xb.sweep("isaac_8bit", "resnet20", axes)
    for place, row in enumerate(table):
        chip = xb.load_arch("isaac_8bit", {key: row[key] for key in axes})
        same(table.report(place), xb.estimate(chip, "resnet20"))


TABLE = {"source": "t", "unit": "S", "targets": [0, 1e-6], "means": [0, 1e-6], "sigmas": [0, 0]}
CHANGES = {
    "cell.g_on": "1 uS", "cell.g_off": "10 nS", "cell.read_voltage": "0.3 V",
    "cell.read_pulse": "50 ns", "cell.write_voltage": "3 V", "cell.write_pulse": "20 ns",
    "cell.write_pulses": 4, "cell.narrow_slice": "full_swing", "array.read_energy": "10 pJ",
    "adc.bits": 6, "adc.policy": "full", "chip.offchip_power": "static",
    "chip.programming": "serial", "energy": None, "faults": None, "name": None,
    "description": None, "source": None, "node": None, "cell.tmr": 1.2,
    "cell.tmr_half_voltage": "0.3 V", "cell.variation": 0.1, "cell.drift": "pcm",
    "cell.read_noise": 0.1, "cell.nonlinearity.alpha": 2.0, "cell.table": TABLE,
    "array.wire_resistance_row": "1 ohm", "array.wire_resistance_col": "1 ohm",
    "array.driver_resistance": "1 ohm", "array.sense_resistance": "1 ohm", "array.drive": "both",
    "array.row_density": 0.5, "dac.inl": 0.5, "dac.noise": 0.1, "adc.model": "puma",
    "adc.calibrate": "layer", "adc.calibration_share": 0.9, "adc.offset": 1.0,
    "adc.gain_error": 0.1, "adc.inl": 1.0, "adc.dnl": 1.0, "adc.noise": 1.0, "adc.enob": 6.0,
}  # fmt: skip
ON_REAL_CELLS = ("cell.variation", "cell.drift", "cell.read_noise", "cell.nonlinearity.alpha")


def _base(key: str) -> Arch:
    if key == "cell.table":
        given = {"cell.variation": "table", "cell.table": TABLE | {"sigmas": [0, 1e-9]}}
        return xb.load_arch("isaac_8bit", {"cell.kind": "reram"} | given)
    if key in ON_REAL_CELLS:
        return xb.load_arch("isaac_8bit", {"cell.kind": "reram"})
    if "tmr" in key:
        return xb.load_arch("sot_mram")
    return xb.load_arch("isaac_8bit", {"adc.kind": "sar"} if key in ("adc.inl", "adc.dnl") else {})


def test_every_key_said_to_be_untimed_is_tried() -> None:
    assert {key.removesuffix(".alpha") for key in CHANGES} == set(UNTIMED)


@pytest.mark.parametrize("key", [key for key, value in CHANGES.items() if value is not None])
def test_an_untimed_key_changes_neither_place_nor_time(key: str) -> None:
    base = _base(key)
    chip = xb.load_arch(base, {key: CHANGES[key]})
    assert chip != base
    assert timed_part(chip) == timed_part(base)
    one, other = xb.estimate(base, "lenet5"), xb.estimate(chip, "lenet5")
    assert one.timeline == other.timeline
    assert one.stream == other.stream
    assert [x["idle"] for x in one.layers] == [x["idle"] for x in other.layers]
    assert one.chip == other.chip


def test_a_fit_is_checked_on_a_schedule_that_is_shared() -> None:
    bench, real = CostBench(find_workload), {"cell.kind": "reram"}
    bench.report(xb.load_arch("isaac_8bit", real), "lenet5")
    narrow = xb.load_arch("isaac_8bit", real | {"cell.variation": "milo_2021"})
    with pytest.raises(InputError, match="milo_2021"):  # 50 to 225 uS; these cells have less
        bench.report(narrow, "lenet5")


def test_a_second_run_computes_nothing_and_says_the_same(tmp_path: Path) -> None:
    told: list[tuple[int, int, int]] = []
    first = xb.sweep("isaac_8bit", "lenet5", AXES, store=tmp_path)
    again = xb.sweep(
        "isaac_8bit", "lenet5", AXES, store=tmp_path, progress=lambda *now: told.append(now)
    )
    assert again.rows == first.rows
    assert all(total == 0 for _, total, _ in told)
    more = xb.sweep("isaac_8bit", "lenet5", {**AXES, "array.rows": [64, 128, 256]}, store=tmp_path)
    assert len(more) == 18
    assert load_table(tmp_path).rows == more.rows


def test_two_processes_give_what_one_gives() -> None:
    assert (
        xb.sweep("isaac_8bit", "lenet5", AXES, jobs=2).rows
        == xb.sweep("isaac_8bit", "lenet5", AXES).rows
    )


def test_a_chip_that_is_impossible_or_too_small_fails_alone() -> None:
    axes = {"array.rows_per_read": [64, 200], "chip.tiles": [1, 168]}
    table = xb.sweep("isaac_8bit", "vgg8", axes)
    assert [row["status"] for row in table] == ["failed", "done", "failed", "failed"]
    assert "does not fit" in table.rows[0]["error"]
    assert "array.rows_per_read: 200 is more than array.rows (128)" in table.rows[2]["error"]
    assert table.rows[2]["energy"] is None
    assert table.report(2) is None


def test_cells_are_held_equal_by_the_number_of_tiles() -> None:
    axes = {("array.rows", "array.cols"): [(64, 64), (128, 128), (256, 256)]}
    table = xb.sweep("isaac_8bit", "lenet5", axes, iso="cells")
    tiles = [table.report(i).chip["chip_tiles"] for i in range(3)]  # type: ignore[union-attr]
    assert tiles == [672, 168, 42]
    assert table.held == "held: cells of the chip (264 M, exactly)"


class Small(nn.Module):
    """A little network that pickles by value."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers(x)
        return result


@pytest.fixture(scope="module")
def small() -> tuple[nn.Module, Any]:
    model = Small().eval()
    x = torch.rand(96, 20, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model, (x, model(x).argmax(1))


def test_accuracies_are_those_of_single_runs(small: tuple[nn.Module, Any]) -> None:
    model, data = small
    axes = {"adc.bits": [4, 8], "faults.on": [0.0, 0.05], "seed": [1, 2]}
    table = xb.sweep("tiny_reram", model, axes, data=data, measure="accuracy")
    assert len(table) == 8
    for place, row in enumerate(table):
        chip = xb.load_arch("tiny_reram", {"adc.bits": row["adc.bits"]})
        mapped = xb.map_model(model, chip, calibration=data[0][:64])
        if row["faults.on"]:
            mapped = xb.inject(mapped, xb.StuckAt(on=0.05, off=0.0), seed=row["seed"])
        expected = xb.simulate(mapped, data, seed=row["seed"])
        same(table.report(place), expected)
        assert row["accuracy"] == expected.accuracy


def test_other_weights_or_data_are_other_points(
    small: tuple[nn.Module, Any], tmp_path: Path
) -> None:
    model, (x, y) = small
    axes = {"adc.bits": [6]}
    first = xb.sweep("tiny_reram", model, axes, data=(x, y), measure="accuracy", store=tmp_path)
    with torch.no_grad():
        changed = Small().eval()
        changed.layers[0].weight[0, 0] += 1.0
    other = xb.sweep("tiny_reram", changed, axes, data=(x, y), measure="accuracy", store=tmp_path)
    fewer = xb.sweep(
        "tiny_reram", model, axes, data=(x, y), images=50, measure="accuracy", store=tmp_path
    )
    assert len({*first.keys, *other.keys, *fewer.keys}) == 3


def test_one_sweep_knows_nothing_of_the_one_before(small: tuple[nn.Module, Any]) -> None:
    model, (x, y) = small
    axes = {"adc.bits": [6]}
    right, wrong = (
        xb.sweep("tiny_reram", model, axes, data=(x, labels), measure="accuracy")
        for labels in (y, (y + 1) % 4)
    )
    assert right.rows[0]["accuracy"] > 0.5
    assert wrong.rows[0]["accuracy"] < 0.5


def test_numpy_values_are_axes_like_any_other() -> None:
    table = xb.sweep("isaac_8bit", "lenet5", {"adc.bits": np.arange(6, 9)})
    assert table.column("adc.bits") == [6, 7, 8]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"axes": {"adc.bit": [6]}}, "adc.bits"),
        ({"axes": {"array.cycle": [100]}}, "unit"),
        ({"axes": {}}, "axes"),
        ({"axes": {"adc.bits": [6]}, "measure": "speed"}, "speed"),
        ({"axes": {"adc.bits": [6]}, "iso": "watts"}, "watts"),
        ({"axes": {"adc.bits": [6]}, "where": "adc.bits > 9"}, "adc.bits > 9"),
    ],
)
def test_wrong_words_are_told(words: dict[str, Any], told: str) -> None:
    with pytest.raises((ConfigError, InputError)) as caught:
        xb.sweep("isaac_8bit", "lenet5", **words)
    assert told in str(caught.value)


def test_a_cost_study_without_a_network_is_told() -> None:
    with pytest.raises(InputError, match="workload: missing"):
        xb.sweep("isaac_8bit", None, {"adc.bits": [6]})
