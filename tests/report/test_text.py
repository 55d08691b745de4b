"""Can a person read a report in a terminal?"""

from __future__ import annotations

import dataclasses

import pytest

from crossbar import build_plan, load_arch
from crossbar.report import Report, build_report
from crossbar.timing import Activity


def made(workload: str, arch: str = "isaac_8bit", **given: object) -> Report:
    plan = build_plan(workload, arch)
    energy = {layer.name: 1e-9 for layer in plan.layers}
    saturations = {layer.name: 7.0 for layer in plan.layers}
    return build_report(plan, Activity(energy, saturations, 500), **given)


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "mobilenet_v2", "minilm6", "vgg8"])
def test_it_fits_80_columns(name: str) -> None:
    assert max(len(line) for line in str(made(name)).splitlines()) <= 80


def test_it_says_what_was_run_and_what_came_out() -> None:
    text = str(made("resnet20", accuracy=0.9012, float_accuracy=0.92, digital_accuracy=0.9105))
    lines = text.splitlines()
    assert lines[0] == "resnet20 on isaac_8bit, 500 images, seed 0"
    assert "accuracy    92.00 % float, 91.05 % 8-bit digital, 90.12 % on the crossbars" in lines
    assert "latency     846 us  (bound of an unconstrained pipeline)" in lines
    assert "throughput  1221 inferences/s  (bound of an unconstrained pipeline)" in lines
    assert "87 arrays in 11 PEs in 1 of 168 tiles, 75.3 % of cells used" in text
    assert "85.7 mm2, the whole chip" in text
    assert "heaviest layers by energy (5 of 20)" in lines
    assert "heaviest layers by time (5 of 20)" in lines


def test_the_heaviest_components_and_layers_come_first() -> None:
    lines = str(made("vgg8")).splitlines()
    table = lines.index("energy of one inference and area, by component")
    assert lines[table + 4].split()[0] == "ADCs"
    by_time = lines.index("heaviest layers by time (5 of 8)")
    assert lines[by_time + 4].split()[0] == "features.0"


def test_what_was_not_measured_is_not_printed() -> None:
    arch = load_arch("isaac_8bit", {"energy.array": "table"})
    text = str(build_report(build_plan("lenet5", arch), None))
    assert "accuracy" not in text
    assert "saturated" not in text
    assert "image" not in text
    assert "not priced" not in text


def test_other_metrics_are_printed_by_name() -> None:
    text = str(made("lenet5", metrics={"accuracy": 0.9, "f1": 0.87654, "spearman": None}))
    assert "f1          0.8765" in text
    assert "spearman    -" in text


def test_what_is_not_priced_is_said() -> None:
    text = str(made("minilm6"))
    assert "not priced and not timed" in text
    assert "softmax x 6" in text


def test_weights_and_inputs_of_different_width_are_named() -> None:
    mixed = load_arch("isaac_8bit", {"precision.weight_bits": 4})
    assert "4/8-bit digital" in str(made("lenet5", mixed, digital_accuracy=0.5))


def test_very_long_names_are_cut_and_not_wrapped() -> None:
    report = made("lenet5")
    rows = ({**report.layers[0], "name": "a" * 70 + ".tail"}, *report.layers[1:])
    text = str(dataclasses.replace(report, workload="w" * 90, layers=rows))
    assert "...aaaa" in text
    assert "aaa.tail" in text
    assert max(len(line) for line in text.splitlines()) <= 80
