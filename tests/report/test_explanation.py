"""Can every number of a saved report be traced to its formula, inputs and source?"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crossbar import build_plan, estimate, load_arch
from crossbar.energy import COMPONENTS
from crossbar.errors import DataError, UnknownNameError
from crossbar.report import Report, Term, build_report, explain_number, number_names
from crossbar.timing import ACTIONS
from tests.report.reports import HARDWARE, SCORES, attending, branching, made


def kept(report: Report, folder: Path) -> Report:
    """What a file says, and nothing else."""
    report.save(folder / "report.json")
    return Report.load(folder / "report.json")


def all_reports() -> Iterator[tuple[str, Report]]:
    for name, overrides in HARDWARE.items():
        yield name, made("lenet5", overrides, **SCORES)
    plan = build_plan("lenet5", load_arch("isaac_isca_2016", {"energy.array": "table"}))
    yield "no data", build_report(plan, None)
    yield "estimate", estimate("isaac_8bit", "lenet5", input_density=0.2)
    yield "branching", made(branching(), {"array.rows_per_read": 16})
    yield "attending", made(attending(), {"energy.leakage_share": 0.1, "tile.matmul_macs": 60})


REPORTS = dict(all_reports())
PLAIN = REPORTS["plain"]
LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")


def worked_out(term: Term) -> float | None:
    """The value of a term from the bottom up."""
    if term.how == "given":
        return term.value
    values = [worked_out(part) for part in term.parts]
    if None in values:
        return None
    if term.how == "sum":
        return math.fsum(values)
    value = 1.0
    for part, number in zip(term.parts, values, strict=True):
        value = value / number if part.divides else value * number
    return math.ceil(value - 1e-9) if term.how == "ceiling" else value


def same(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=1e-12)


OF_NO_FILE = ("power.nameplate.", "power.leakage.")
"""Parts of totals that no file lists."""


def written(report: Report, full: str) -> list[Any]:
    """The numbers of that name, straight from the file's keys."""
    data = report.to_dict()
    group, _, rest = full.partition(".")
    if full.startswith(OF_NO_FILE):
        return []
    if group == "components" and rest in COMPONENTS:
        cost = data[group][rest]
        return [cost["energy"], cost["area"]]
    if group == "components":
        name, _, what = rest.rpartition(".")
        return [data[group][name][what]]
    if group == "critical_path":
        return [sum(row["cycles"] for row in data[group] if rest in ("", row["what"]))]
    if full == "stream.limited_by":  # a name, whose load is explained
        return [data[group]["load"]]
    if full == "stream.waits_for":
        return [data[group][rest]["clocks"] if data[group][rest] else 0]
    if group == "resources":
        row = next(row for row in data[group] if row["name"] == rest)
        return [row["busy"] + sum(row["idle"].values())]
    if group == "layers":
        row = next(row for row in data[group] if f"{rest}.".startswith(f"{row['name']}."))
        return of_row(row, rest[len(row["name"]) + 1 :])
    if group == "digital":
        return of_kind(data[group], *rest.split("."))
    return [data[group][rest] if rest else data[group]]


def of_kind(rows: list[dict[str, Any]], kind: str, key: str = "", name: str = "") -> list[Any]:
    row = next(row for row in rows if row["kind"] == kind)
    if name:
        return [row[key][name]]
    return [row[key]] if key else [row["energy"], row["share"]]


def of_row(row: dict[str, Any], key: str) -> list[Any]:
    inner, point, name = key.partition(".")
    if point:
        return [row[inner][name]]
    if not key:
        return [row["energy"], row["time"], row["arrays"]]
    if key == "idle":
        return [sum(row["idle"].values())]
    if key == "waits_for":
        return [row["waits_for"]["clocks"] if row["waits_for"] else 0]
    return [next(d[key] for d in (row["components"], row["counts"], row) if key in d)]


@pytest.mark.parametrize("which", REPORTS)
def test_every_trace_multiplies_and_adds_up_to_the_number_in_the_file(
    which: str, tmp_path: Path
) -> None:
    report = kept(REPORTS[which], tmp_path)
    for full in number_names(report):
        terms = explain_number(report, full).terms
        for term in terms:
            assert same(worked_out(term), term.value), (full, term.what)
        for number in written(report, full):
            assert any(same(term.value, number) for term in terms), (full, number)


@pytest.mark.parametrize("which", REPORTS)
def test_every_number_in_the_file_has_a_trace(which: str) -> None:
    report = REPORTS[which]
    names = set(number_names(report))
    for layer in report.layers:
        keys = {*layer, *layer["components"], *layer["counts"]}
        keys |= {f"{group}.{key}" for group in ("idle", "buffer") for key in layer[group]}
        keys -= {"name", "kind", "buffer", "components", "counts"}
        assert {f"layers.{layer['name']}.{key}" for key in keys} <= names
    groups = ("components", "counts", "chip", "power", "programming", "metrics", "bound", "stream")
    groups += ("precision",)
    for group in groups:
        assert {f"{group}.{key}" for key in getattr(report, group)} <= names
    assert {f"resources.{row['name']}" for row in report.resources} <= names
    for row in report.digital:
        keys = {*row, *(f"{group}.{k}" for group in ("actions", "units") for k in row[group])}
        keys -= {"kind", "actions", "units"}
        assert {f"digital.{row['kind']}.{key}" for key in keys} <= names
    totals = {"accuracy", "float_accuracy", "digital_accuracy", "energy", "latency", "throughput"}
    assert totals | {"area", "cycles", "stream.interval", "timeline.window"} <= names


@pytest.mark.parametrize("which", ["plain", "unit columns", "branching", "attending"])
def test_a_trace_goes_on_under_the_names_it_gives(which: str) -> None:
    report = REPORTS[which]

    def parts(term: Term) -> Iterator[Term]:
        for part in term.parts:
            yield part
            yield from parts(part)

    for full in number_names(report):
        for term in explain_number(report, full).terms:
            for part in parts(term):
                if part.name:
                    values = [t.value for t in explain_number(report, part.name).terms]
                    assert any(same(v, part.value) for v in values), (full, part.name)


@pytest.mark.parametrize("which", REPORTS)
def test_it_fits_80_columns(which: str) -> None:
    report = REPORTS[which]
    for full in number_names(report):
        lines = str(explain_number(report, full)).splitlines()
        assert max(map(len, lines)) <= 80, full


def test_names_that_are_long_are_broken_and_not_cut() -> None:
    report = made("minilm6")
    name = "encoder.layer.0.attention.self.query"
    rows, path = [dict(row) for row in report.layers], [dict(row) for row in report.critical_path]
    rows[0]["name"] = max(path, key=lambda row: row["cycles"])["layer"] = "a" * 90
    report = dataclasses.replace(report, layers=tuple(rows), critical_path=tuple(path))
    for asked in ("energy", "latency", "a" * 90, "adc", "adc_conversions"):
        text = str(explain_number(report, asked))
        assert max(map(len, text.splitlines())) <= 80
    assert name not in str(explain_number(report, "latency"))
    assert "aaa" in str(explain_number(report, "latency"))


def test_the_energy_of_the_adcs_in_words() -> None:
    text = str(explain_number(PLAIN, "adc"))
    assert text.startswith(
        "energy of adc = 423.9 nJ\n"
        "  = adc_conversions x energy of one conversion\n"
        "  = 271,296 x 1.5625 pJ\n"
        "  energy of one conversion = 1.5625 pJ\n"
        "    = power x cycle / conversions\n"
        "    = 16 mW x 100 ns / 1,024\n"
        "    source: ISAAC, ISCA 2016, table I: 16 mW for the 8 ADCs of 8 bits of an IMA,"
    )
    assert "= 168 x 12 x 8 x 9600 um2 / 8\n" in text
    assert "Saberi" not in text
    assert "Saberi" in str(explain_number(REPORTS["other widths"], "adc"))


def test_accuracy_is_right_answers_over_images() -> None:
    text = str(explain_number(PLAIN, "accuracy"))
    assert text.startswith("accuracy on the crossbars = 91.4 %\n")
    assert "= 457 / 500" in text
    other = made(scenario={"metric": "f1"}, accuracy=0.5)
    assert str(explain_number(other, "accuracy")).startswith("f1 on the crossbars = 0.5")


def test_what_was_not_measured_says_why() -> None:
    report = REPORTS["no data"]
    for name, why in (("accuracy", "no targets"),):
        text = str(explain_number(report, name))
        assert "= not measured\n" in text
        assert why in text
    assert "= not measured\n" in str(explain_number(report, "saturations"))
    text = str(explain_number(REPORTS["table"], "programming"))
    assert "the hardware has no price of a pulse" in text


def test_the_energy_of_the_cells_says_whether_it_was_measured_assumed_or_priced() -> None:
    def said(which: str) -> str:
        return " ".join(str(explain_number(REPORTS[which], "conv1.array")).split())

    assert "measured: read_pulse x sum of v^2 x g" in said("plain")
    assert "mean over 500 samples" in said("plain")
    assumed = said("estimate")
    assert "assumed, not measured" in assumed
    assert "20 % of the input bits are one" in assumed
    assert "array.read_energy" in said("table")
    assert "measured" not in said("table")


def test_totals_say_what_they_leave_out() -> None:
    assert "does not tell leakage from" in str(explain_number(PLAIN, "energy"))
    assert "other x 1" in str(explain_number(REPORTS["attending"], "energy"))


def test_a_name_that_two_numbers_have_explains_both() -> None:
    report = REPORTS["branching"]
    titles = [term.what for term in explain_number(report, "router").terms]
    assert "energy of router" in titles
    assert "energy of router in one inference" in titles
    assert len(explain_number(report, "components.router").terms) < len(titles)


def test_short_names_leave_out_the_group() -> None:
    for short, full in (
        ("adc", "components.adc"),
        ("conv1.adc", "layers.conv1.adc"),
        ("utilisation", "chip.utilisation"),
        ("agreement", "metrics.agreement"),
        ("power", "power.average"),
        *((action, f"counts.{action}") for action in ACTIONS),
    ):
        assert explain_number(PLAIN, short).terms == explain_number(PLAIN, full).terms


@pytest.mark.parametrize(
    ("name", "near"),
    [("adc_conversion", "adc_conversions"), ("conv1.acd", "conv1.adc"), ("latencies", "latency")],
)
def test_an_unknown_name_lists_the_nearest(name: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"unknown number '{name}' .*near: .*{near}"):
        explain_number(PLAIN, name)


@pytest.mark.parametrize("name", ["", "0000"])
def test_a_name_like_no_other_lists_those_of_no_layer(name: str) -> None:
    with pytest.raises(
        UnknownNameError, match=r"known: COMPONENT, LAYER, .* and \d+ more"
    ) as error:
        explain_number(PLAIN, name)
    assert "conv1" not in str(error.value)
    assert "\n" not in str(error.value)


def changed(report: Report, change: Any) -> Report:
    data = json.loads(json.dumps(report.to_dict()))
    change(data)
    fields = {name: data[name] for name in data if name not in ("format", "schema")}
    for name in ("layers", "unpriced", "notes"):
        fields[name] = tuple(fields[name])
    return Report(**fields)


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("adc", lambda d: d["scenario"].pop("arch"), "scenario.arch: missing, where the hardware"),
        ("adc", lambda d: d["scenario"]["arch"]["adc"].pop("bits"), r"scenario\.arch: .*adc.bits"),
        ("conv1.adc", lambda d: d["layers"][0].pop("counts"), "layers.conv1.counts: missing"),
        ("conv1.busy", lambda d: d["layers"][0].pop("reads"), "layers.conv1.reads: missing"),
        (
            "conv1.busy",
            lambda d: d["layers"][0].update(reads="8"),
            "layers.conv1.reads: a text, where a number belongs",
        ),
        (
            "throughput",
            lambda d: d["layers"][0].update(replicas=0),
            "divided by copies, which is 0",
        ),
        ("cycles", lambda d: d["critical_path"][0].update(cycles=1), "cycles: the report says"),
        ("conv1.idle", lambda d: d["layers"][0].pop("idle"), "layers.conv1.idle: missing"),
        ("conv1.idle", lambda d: d["layers"][0]["idle"].update(bus=10**9), "conv1.idle: the"),
        ("latency", lambda d: d.update(latency=1.0), r"latency: the report says 1\.0, what it is"),
        ("energy", lambda d: d["components"].pop("adc"), "components.adc: missing"),
        ("energy", lambda d: d["components"].update(pump={}), "components.pump: no component"),
        (
            "adc",
            lambda d: d["scenario"]["arch"]["adc"].update(bits=7),
            "components.adc.energy: the",
        ),
        (
            "adc",
            lambda d: d["counts"].update(adc_conversions=None),
            "adc_conversions: null, where a number belongs",
        ),
        ("saturations", lambda d: d["counts"].update(saturations=None), "report says None"),
        ("fc1.arrays", lambda d: d["layers"][2].update(replicas=7), "7 equal copies is not"),
        ("energy", lambda d: d["layers"].clear(), "layers: missing, where at least one"),
        ("energy", lambda d: d["layers"][0].pop("name"), "layers.0.name: missing"),
        ("energy", lambda d: d["layers"][1].update(name="conv1"), "layers.1.name: 'conv1' twice"),
    ],
)
def test_a_report_made_by_hand_or_long_ago_is_one_clear_error(
    name: str, change: Any, problem: str
) -> None:
    with pytest.raises(DataError, match=problem) as error:
        explain_number(changed(PLAIN, change), name, source="my.json")
    assert len(str(error.value).splitlines()) == 1


def test_an_unknown_number_of_long_names_is_told_in_a_short_line() -> None:
    report = made("minilm6")
    for name in ("encoder.layer.0.attention.output.dense.adx", "quere", "x" * 300):
        with pytest.raises(UnknownNameError) as error:
            explain_number(report, name)
        assert len(str(error.value)) < 200 + 300 * (name[0] == "x")
        assert str(error.value).count("encoder.layer") <= 5
