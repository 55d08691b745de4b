"""Do `crossbar report show --why` and `crossbar report diff` answer from saved files alone?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., object]

SMALL = ("run", "tiny_reram", "--model", "nets:small", "--data", "data.npz")


@pytest.fixture
def estimated(crossbar: Run) -> None:
    for name, words in (("a", ()), ("b", ("--set", "adc.bits=7", "--set", "array.rows=64"))):
        outcome = crossbar("estimate", "isaac_8bit", "lenet5", *words, "--out", name)
        assert outcome.code == 0, outcome.err


def test_the_numbers_of_a_run_are_explained(crossbar: Run) -> None:
    assert crossbar(*SMALL, "--out", "out").code == 0
    report = json.loads(Path("out/report.json").read_text())
    layer = report["layers"][0]["name"]
    for name, expected in (
        ("energy", "energy of one inference = "),
        ("latency", "clocks of the first inference, by kind = "),
        ("throughput", "= clock / clocks between two images"),
        ("power.nameplate", "nameplate power = "),
        (
            "at best",
            "latency with infinite buffers, buses and vector lanes and an ADC for every array",
        ),
        (f"{layer}.idle", f"idle clocks of {layer}, by cause = "),
        ("area", "area of the chip = "),
        ("accuracy", f"= {round(12 * report['accuracy'])} / 12"),
        ("power.average", "= energy of one inference x throughput"),
        ("adc", "source: ISAAC, ISCA 2016, table I"),
        ("array", "mean over 12 samples"),
        (f"layers.{layer}", f"energy of {layer} in one inference"),
        (f"{layer}.adc", f"energy of adc in {layer}"),
        ("adc_conversions", f"= {report['counts']['adc_conversions']:,}"),
        ("saturations", "share of saturated conversions"),
    ):
        outcome = crossbar("report", "show", "out/report.json", "--why", name)
        assert outcome.code == 0, (name, outcome.err)
        assert expected in outcome.out, name
        assert max(map(len, outcome.out.splitlines())) <= 80


def test_the_printed_factors_give_the_printed_energy(crossbar: Run, estimated: None) -> None:
    out = crossbar("report", "show", "a/report.json", "--why", "adc.energy").out
    total, actions, price = re.search(
        r"energy of adc = ([\d.]+) nJ\n.*\n  = ([\d,]+) x ([\d.]+) pJ", out
    ).groups()
    assert int(actions.replace(",", "")) * float(price) / 1000 == pytest.approx(float(total))


def test_an_unknown_number_is_one_line_with_the_nearest(crossbar: Run, estimated: None) -> None:
    outcome = crossbar("report", "show", "a/report.json", "--why", "adc_conversion")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: unknown number 'adc_conversion' (did you mean")
    assert "near: adc_conversions" in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_report_that_lacks_something_is_one_line_with_its_file(
    crossbar: Run, estimated: None
) -> None:
    data = json.loads(Path("a/report.json").read_text())
    del data["layers"][0]["cells"]
    Path("old.json").write_text(json.dumps(data))
    outcome = crossbar("report", "show", "old.json", "--why", "utilisation")
    assert outcome.code == 2
    assert outcome.err.startswith("error: old.json: layers.conv1.cells: missing")
    assert len(outcome.err.splitlines()) == 1
    assert crossbar("report", "show", "old.json").code == 0


def test_not_a_number_in_a_file_is_one_line(crossbar: Run, estimated: None) -> None:
    written = Path("a/report.json").read_text().replace('"accuracy": null', '"accuracy": NaN')
    Path("nan.json").write_text(written)
    outcome = crossbar("report", "diff", "nan.json", "a/report.json")
    assert outcome.code == 2
    assert outcome.err == "error: nan.json: NaN stands where a number or null is needed\n"


def test_a_page_is_drawn_beside_the_report_and_wherever_it_is_asked_for(
    crossbar: Run, estimated: None
) -> None:
    drawn = Path("a/report.html").read_bytes()
    assert drawn.startswith(b"<!DOCTYPE html>")
    assert b"What would make this faster?" in drawn
    outcome = crossbar("report", "page", "a/report.json", "--out", "pages/a.html")
    assert (outcome.code, outcome.out, outcome.err) == (0, "pages/a.html\n", "")
    assert Path("pages/a.html").read_bytes() == drawn
    Path("copy.json").write_bytes(Path("a/report.json").read_bytes())
    assert crossbar("report", "page", "copy.json").out == "copy.html\n"
    assert Path("copy.html").read_bytes() == drawn


def test_a_run_says_where_its_page_is_and_json_stays_one_document(crossbar: Run) -> None:
    outcome = crossbar(*SMALL, "--out", "results")
    assert outcome.code == 0, outcome.err
    assert outcome.out.endswith("results/report.html (to look at)\nresults/report.json\n")
    assert sorted(p.name for p in Path("results").iterdir()) == ["report.html", "report.json"]
    outcome = crossbar(*SMALL, "--json")
    assert json.loads(outcome.out) == json.loads(Path("out/report.json").read_text())
    assert Path("out/report.html").exists()


def test_a_page_never_replaces_its_report_and_nothing_is_left_half_written(
    crossbar: Run, estimated: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Path("a/report.json").read_bytes()
    outcome = crossbar("report", "page", "a/report.json", "--out", "a/../a/report.json")
    assert outcome.code == 2
    assert "is the report itself" in outcome.err
    assert Path("a/report.json").read_bytes() == before
    Path("taken").write_text("kept")
    outcome = crossbar("report", "page", "a/report.json", "--out", "taken/page.html")
    assert outcome.code == 2
    assert outcome.err.startswith("error: taken/page.html: cannot be written")
    Path("c/report.html").mkdir(parents=True)
    outcome = crossbar("estimate", "isaac_8bit", "lenet5", "--out", "c")
    assert outcome.code == 2
    assert "c/report.html is a folder, where the report's page would go" in outcome.err
    assert [each.name for each in Path("c").iterdir()] == ["report.html"]
    written = Path("b/report.json").read_bytes(), Path("b/report.html").read_bytes()

    def broken(report: object) -> tuple[()]:
        raise OSError("no ink")

    monkeypatch.setattr("crossbar.report.figures.pictures", broken)
    with pytest.raises(OSError, match="no ink"):
        crossbar("estimate", "isaac_8bit", "resnet20", "--out", "b")
    assert (Path("b/report.json").read_bytes(), Path("b/report.html").read_bytes()) == written
    assert len(list(Path("b").iterdir())) == 2


def test_damage_is_one_line_for_the_page_too(crossbar: Run, estimated: None) -> None:
    data = json.loads(Path("a/report.json").read_text())
    del data["timeline"]
    Path("old.json").write_text(json.dumps(data))
    outcome = crossbar("report", "page", "old.json", "--out", "old.html")
    assert (outcome.code, outcome.err) == (2, "error: old.json: timeline: missing\n")
    assert not Path("old.html").exists()


def test_two_reports_are_compared(crossbar: Run, estimated: None) -> None:
    outcome = crossbar("report", "diff", "a/report.json", "b/report.json")
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0] == "A  a/report.json: lenet5 on isaac_8bit, seed 0"
    assert "hardware: 2 keys changed" in lines
    assert "  adc.bits    8 -> 7" in lines
    assert "  array.rows  128 -> 64" in lines
    assert max(map(len, lines)) <= 80


def test_a_comparison_as_json_is_all_that_is_printed(crossbar: Run, estimated: None) -> None:
    outcome = crossbar("report", "diff", "a/report.json", "b/report.json", "--json")
    assert (outcome.code, outcome.err) == (0, "")
    data = json.loads(outcome.out)
    assert {row["key"] for row in data["hardware"]} == {"adc.bits", "array.rows"}
    energy = next(row for row in data["totals"] if row["key"] == "energy")
    assert energy["change"] == energy["b"] - energy["a"]


def test_equal_reports_and_other_networks_are_no_error(crossbar: Run, estimated: None) -> None:
    outcome = crossbar("report", "diff", "a/report.json", "a/report.json")
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == "no difference"
    assert crossbar("estimate", "isaac_8bit", "resnet20", "--out", "c").code == 0
    outcome = crossbar("report", "diff", "a/report.json", "c/report.json", "--all")
    assert outcome.code == 0
    assert "different networks; 1 layer has the same name in both" in outcome.out
    assert "only in B: 19 layers" in outcome.out


def test_a_file_that_is_not_there(crossbar: Run, estimated: None) -> None:
    outcome = crossbar("report", "diff", "a/report.json", "none.json")
    assert outcome.code == 2
    assert outcome.err == "error: none.json: cannot be read: No such file or directory\n"
