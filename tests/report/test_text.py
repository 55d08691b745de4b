"""Can a person read a report in a terminal?"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from crossbar import build_plan, load_arch, units
from crossbar.mapping.plan_text import shortened
from crossbar.report import Report, build_report, explain_number
from crossbar.timing import Activity
from crossbar.workload import Workload
from crossbar.workload.graph import Node
from tests.report.reports import attending
from tests.report.schedules import NASTY, many, scheduled


def made(workload: str | Workload, arch: str = "isaac_8bit", **given: object) -> Report:
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
    assert lines[0] == "resnet20 on isaac_8bit, 500 samples, seed 0"
    assert "accuracy    92.00 % float, 91.05 % 8-bit digital, 90.12 % on the crossbars" in lines
    assert "latency     1.11 ms, 1,421,568 clocks" in lines
    assert "throughput  1221 inferences/s, one every 1,048,576 clocks" in lines
    assert "slowest     conv1, busy 100 % of the time in a stream" in lines
    assert "87 arrays in 11 PEs in 1 of 168 tiles, 75.3 % of cells used" in text
    assert "85.7 mm2, the whole chip" in text
    assert "heaviest layers by energy (5 of 20); busy of one inference alone" in lines
    assert "heaviest layers by time (5 of 20); busy of one inference alone" in lines


def test_the_heaviest_components_and_layers_come_first() -> None:
    lines = str(made("vgg8")).splitlines()
    table = lines.index("energy of one inference and area, by component")
    assert lines[table + 4].split()[0] == "ADCs"
    by_time = lines.index("heaviest layers by time (5 of 8); busy of one inference alone")
    assert lines[by_time + 4].split()[0] == "features.0"


def test_what_was_not_measured_is_not_printed() -> None:
    arch = load_arch("isaac_8bit", {"energy.array": "table"})
    text = str(build_report(build_plan("lenet5", arch), None))
    lines = text.splitlines()
    assert "accuracy" not in text
    assert "saturated" not in text
    assert "sample" not in lines[0]
    assert "not priced" not in text


def test_other_metrics_are_printed_by_name() -> None:
    text = str(made("lenet5", metrics={"accuracy": 0.9, "f1": 0.87654, "spearman": None}))
    assert "f1          0.8765" in text
    assert "spearman    -" in text


def test_what_is_not_priced_is_said() -> None:
    text = str(made(attending()))
    assert "not priced and not timed" in text
    assert "other x 1, 77 operations" in text


def test_weights_and_inputs_of_different_width_are_named() -> None:
    mixed = load_arch("isaac_8bit", {"precision.weight_bits": 4})
    lines = str(made("lenet5", mixed, digital_accuracy=0.5)).splitlines()
    assert "precision   4-bit weights, 8-bit inputs" in lines
    assert "accuracy    50.00 % digital" in lines


def test_very_long_names_are_cut_and_not_wrapped() -> None:
    report = made("lenet5")
    long = "a" * 70 + ".tail"
    rows = [dict(row) for row in report.layers]
    rows[0]["name"] = rows[1]["waits_for"]["layer"] = long
    stream = {**report.stream, "limited_by": long}
    changed = dataclasses.replace(report, workload="w" * 90, layers=tuple(rows), stream=stream)
    text = str(changed)
    assert "...aaaa" in text
    assert "aaa.tail" in text
    assert " starved 53 % by\n" in text
    why = str(explain_number(changed, "throughput"))
    assert max(len(line) for line in (*text.splitlines(), *why.splitlines())) <= 80


@pytest.mark.parametrize("layers", [1, 2, 30])
def test_nasty_names_fit_and_send_nothing_to_the_terminal(layers: int) -> None:
    names = (*NASTY, "\x1b[31mred")
    for first in range(len(names) if layers < 3 else 1):
        text = str(many(layers, names[first : first + layers]))
        assert max(len(line) for line in text.splitlines()) <= 80
        assert all(each.isprintable() or each == "\n" for each in text)


def test_what_layers_wait_for_stands_beside_them() -> None:
    report = scheduled(made("lenet5"))
    lines = str(report).splitlines()
    heads = [line.split() for line in lines if line.startswith(" layer")]
    columns = ["layer", "energy", "share", "time", "copies", "arrays", "busy", "waits", "for"]
    assert heads == [columns, columns]
    waits = {row["name"]: row["waits_for"] for row in report.layers}
    assert waits["fc3"]["cause"] == "blocked"
    (line,) = {line for line in lines if line.startswith(" fc3 ")}
    assert line.endswith(" nothing")  # of the whole inference next to nothing
    first = [line for line in lines if line.startswith(" conv1 ")][0]
    share = waits["conv1"]["clocks"] / report.cycles
    assert first.endswith(f" starved {100 * share:.0f} %")
    assert lines[lines.index(first) + 1].split()[:2] in (["also", "adc"], ["then", "drained"])
    never = [{**row, "waits_for": None} for row in report.layers]
    text = str(dataclasses.replace(report, layers=tuple(never)))
    assert [line for line in text.splitlines() if line.startswith(" fc3 ")][0].endswith(" nothing")


def test_the_summary_says_what_limits_and_what_would_help() -> None:
    lines = str(scheduled(made("lenet5"))).splitlines()
    summary = {line[:11].rstrip(): line[12:] for line in lines if line[:1].isalpha()}
    assert summary["at best"].endswith("inferences/s with infinite buffers, buses and vector")
    assert summary["slowest"] == "conv1, busy 100 % of the time in a stream"
    assert summary["what helps"].startswith(
        "more copies of conv1 (replication): throughput at most x 7.84, "
    )
    assert "not settled" in str(scheduled(made("lenet5"), steady=False))


def scenario(arch: object, **more: object) -> dict[str, object]:
    return {"workload": "lenet5", "arch": load_arch(arch).to_dict(), **more}


def test_faults_are_named_with_the_seed_of_their_own() -> None:
    effects = {"stuck_at": {"on": 0.01, "off": 0.002, "seed": 2}}
    lines = str(made("lenet5", scenario=scenario("isaac_8bit", effects=effects))).splitlines()
    assert lines[0].endswith("seed 0")
    assert lines[1] == "faults      1 % stuck on, 0.2 % stuck off, seed 2"
    assert "faults" not in str(made("lenet5", scenario=scenario("isaac_8bit", effects={})))


def test_hardware_that_is_not_the_preset_of_its_name_says_so() -> None:
    assert "changed" not in str(made("lenet5"))
    less = load_arch("isaac_8bit", {"adc.bits": 6, "array.rows": 64})
    assert str(made("lenet5", less)).splitlines()[1] == (
        "changed     array.rows 128 -> 64, adc.bits 8 -> 6"
    )
    free = load_arch("isaac_8bit", {"adc.policy": "lossless", "adc.bits": None})
    assert "adc.policy clip -> lossless, adc.bits 8 -> not set" in str(made("lenet5", free))


def test_many_changes_are_counted() -> None:
    keys = ("array.rows", "array.cols", "pe.arrays", "pe.adcs", "tile.pes", "tile.buffer_banks")
    changes = dict.fromkeys(keys, 16) | {"pe.adcs": 4, "chip.tiles": "auto", "cell.bits": 1}
    text = str(made("lenet5", load_arch("isaac_8bit", changes)))
    assert " ".join(text.split("\n\n")[0].split()).endswith("and 2 more")
    assert max(len(line) for line in text.splitlines()) <= 80


def test_hardware_of_another_name_is_compared_with_nothing() -> None:
    own = load_arch({**load_arch("isaac_8bit", {"adc.bits": 6}).to_dict(), "name": "my_chip"})
    assert "changed" not in str(made("lenet5", own))


def test_precision_that_is_not_the_hardwares_is_named() -> None:
    ternary = {"weight_bits": 8, "weight_levels": 3, "input_bits": 8}
    text = str(made("lenet5", scenario=scenario("isaac_8bit", precision=ternary)))
    words = "ternary weights, 8-bit inputs (the hardware's own: 8-bit)"
    assert f"precision   {words}" in text.splitlines()


def test_power_leakage_and_programming_are_in_the_table_or_a_dash() -> None:
    leaking = made("lenet5", load_arch("isaac_8bit", {"energy.leakage_share": 0.2}))
    leaked = sum(cost["leakage"] for cost in leaking.components.values())
    text = str(leaking)
    assert f"({units.text(leaked, 'J')} of it leakage, programming apart)" in text
    assert f"leakage     {units.text(leaking.power['leakage'], 'W')} (whole chip" in text
    free = {"cell.write_voltage": None, "cell.write_pulse": None}
    lines = str(made("lenet5", load_arch("isaac_8bit", free))).splitlines()
    assert "programming -" in lines
    (energy,) = [line for line in lines if line.startswith("energy  ")]
    assert energy.endswith("(no leakage, programming apart)")
    (power,) = [line for line in lines if line.startswith("power ")]
    for part in (" on average, ", " peak (over 1 us), ", " nameplate"):
        assert part in power


def with_lstm() -> Workload:
    attrs = {"in_features": 4, "out_features": 4, "bias": False}
    unknown = {"operator": "lstm", "weights": 960, "operations": 81920}
    return Workload(
        "odd",
        (
            Node("x", "input", (), (4,)),
            Node("r", "other", ("x",), (4,), unknown),
            Node("fc", "linear", ("r",), (4,), attrs, "fc.weight"),
        ),
        ("fc",),
    )


def test_layers_with_weights_in_float_are_named_at_the_top(tmp_path: Path) -> None:
    report = made(with_lstm())
    assert report.unpriced[0]["weights"] == 960
    top = str(report).split("\n\n")[0].splitlines()
    assert top[1].startswith("NOT on crossbars: r (lstm, 960 weights, 81,920 operations); ")
    assert " ".join(top[1:]).endswith("energy, time and area leave it out")
    assert "lstm x 1, 81,920 operations" in str(report)
    old = report.to_dict()
    del old["unpriced"][0]["weights"]
    file = tmp_path / "old.json"
    file.write_text(json.dumps(old))
    assert "NOT on crossbars" not in str(Report.load(file))


def test_one_thing_is_no_plural() -> None:
    text = str(made(with_lstm(), load_arch("tiny_reram")))
    assert "1 array in 1 PE in 1 of 1 tile," in text
    assert "1 samples" not in str(dataclasses.replace(made("lenet5"), images=1))


def test_lines_that_are_long_are_broken_and_not_cut() -> None:
    text = str(made("minilm6"))
    assert "..." not in text.split("\n\n")[1]
    assert "100.0 % of cells used" in " ".join(text.split())


@pytest.mark.parametrize("network", ["minilm6", "mobilenet_v2", "resnet20"])
def test_layers_in_the_tables_can_be_told_apart(network: str) -> None:
    report = made(network)
    table = str(report).split("heaviest layers by energy")[1].split("heaviest layers by time")[0]
    names = [line.split()[0] for line in table.splitlines() if " uJ " in line or " nJ " in line]
    assert len(names) == len(set(names)) >= 1


def test_layers_with_the_same_numbers_are_counted_in_one_row() -> None:
    report = made("resnet20")
    first, *others = report.layers
    twins = tuple({**first, "name": f"twin{place}"} for place in range(6))
    text = str(dataclasses.replace(report, layers=(first, *twins, *others)))
    assert text.count("and 6 more like it") >= 1
    assert "heaviest layers by time (11 of 26)" in text
    assert max(map(len, text.splitlines())) <= 80


def test_who_is_charged_with_digital_work_is_said() -> None:
    charged = "digital work and port traffic are charged to the layer that has their tiles"
    assert str(made("resnet20")).count(charged) == 1


@pytest.mark.parametrize("room", range(18, 34))
def test_cut_names_cannot_be_taken_for_one_another(room: int) -> None:
    blocks = ("attention.output.dense", "intermediate.dense", "output.dense")
    names = [f"bert.encoder.layer.{n}.{block}" for n in (0, 1, 11) for block in blocks]
    short = shortened(names, room)
    assert len(set(short)) == len(names)
    for n in (0, 1, 11):  # the end of the block's own layer is not that of its attention
        own = short[names.index(f"bert.encoder.layer.{n}.attention.output.dense")]
        assert not own.endswith(f"...{n}...output.dense")
