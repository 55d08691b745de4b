"""Does the report say what the digital work of a network costs, kind by kind?"""

from __future__ import annotations

import json
from math import fsum
from pathlib import Path
from typing import Any

import pytest

from crossbar.energy.units import BUILT_FOR, ON_DEMAND
from crossbar.errors import DataError
from crossbar.report import Report, compare_reports, explain_number, number_names
from crossbar.report.page import html_page
from tests.report.reports import attending, made

ATTENDING = made(attending(), {"energy.leakage_share": 0.1})
ROWS = {row["kind"]: row for row in ATTENDING.digital or ()}


def test_every_kind_of_the_network_has_a_row() -> None:
    wanted = {"embedding", "add", "attention", "norm", "activation", "mul", "other"}
    assert set(ROWS) == wanted
    assert {row["nodes"] for row in ROWS.values()} == {1}
    assert ROWS["attention"]["actions"] == {"macs": 1152, "multiplies": 72, "softmax_ops": 348}
    assert ROWS["attention"]["operations"] == 1152 + 72 + 348


def test_kinds_add_up_to_the_units() -> None:
    energy = fsum(row["energy"] or 0.0 for row in ROWS.values())
    parts = ATTENDING.components
    units = [
        parts[name]["energy"] - parts[name]["leakage"]
        for name in (*ON_DEMAND, "activation", "pool")
    ]
    added = 0.9 * 96 * 50e-6 * 100e-9 / 96  # the tile's adder, which does partial sums as well
    assert energy == pytest.approx(fsum(units) + added)
    for row in ROWS.values():
        if row["energy"] is not None:
            assert row["share"] == pytest.approx(row["energy"] / ATTENDING.energy)
    for action in {a for row in ROWS.values() for a in row["actions"]}:
        done = sum(row["actions"].get(action, 0) for row in ROWS.values())
        assert done == ATTENDING.counts[action]


def test_clocks_are_those_of_one_unit() -> None:
    assert ROWS["attention"]["units"] == {"vector": -(-(72 + 348) // 24), "matmul": -(-1152 // 256)}
    assert ROWS["mul"]["units"] == {"vector": 4}
    assert ROWS["embedding"]["units"] == {}


def test_what_has_no_unit_has_no_price_there() -> None:
    assert ROWS["other"] == {
        "kind": "other",
        "nodes": 1,
        "operations": 77,
        "actions": {},
        "energy": None,
        "share": None,
        "units": {},
    }
    (term, _) = explain_number(ATTENDING, "digital.other").terms
    assert term.value is None
    assert "no unit is modelled" in str(term)


def test_the_dearest_stand_first_and_the_unknown_last() -> None:
    found = [row["energy"] for row in ATTENDING.digital or ()]
    assert found[-1] is None
    assert found[:-1] == sorted(found[:-1], reverse=True)


def test_only_networks_with_other_work_have_a_table() -> None:
    assert "digital work by kind" not in str(made())
    text = str(ATTENDING)
    assert "digital work by kind" in text
    assert max(map(len, text.splitlines())) <= 80
    lines = [line.split() for line in text.splitlines()]
    (row,) = (line for line in lines if line[:2] == ["attention", "1"])
    assert row[2] == "1,572"
    assert row[-4:] == ["vector,", "matmul", "18", "+"] or row[-1] == "5"


def test_the_page_has_it_and_only_what_is_built() -> None:
    page = html_page(ATTENDING)
    assert "Digital work by kind" in page
    assert "matmul units" in page
    assert "matmul units" not in html_page(made())


@pytest.mark.parametrize("name", [*BUILT_FOR, "embedding"])
def test_every_unit_can_be_asked_for(name: str) -> None:
    for full in (f"components.{name}", f"power.nameplate.{name}", f"power.leakage.{name}"):
        assert explain_number(ATTENDING, full).terms
    energy, *_ = explain_number(ATTENDING, f"components.{name}").terms
    assert energy.value
    text = str(explain_number(made(), f"components.{name}.area"))
    assert "none is built" in text or "outside of the chip" in text


def test_two_reports_are_compared_by_kind() -> None:
    before, after = made(attending()), made(attending(), {"precision.input_bits": 4})
    difference = compare_reports(before, after)
    rows = {row.key: row for row in difference.digital}
    assert rows["mul.energy"].relative == pytest.approx(-0.75)
    assert rows["mul.operations"].change == 0
    assert rows["other.energy"].change is None
    assert "energy of digital work by kind" in str(difference)
    assert "digital" in difference.to_dict()
    mixed = {row.key: row for row in compare_reports(made(), before).digital}
    assert mixed["attention.energy"].a is None
    assert mixed["attention.nodes"].b == 1


def older(report: Report) -> dict[str, Any]:
    """The file of a version that had no such units."""
    data: dict[str, Any] = json.loads(json.dumps(report.to_dict()))
    del data["digital"]
    for row in data["layers"]:
        for action in (*BUILT_FOR.values(), "embedding_reads"):
            del row["counts"][action]
        for name in ON_DEMAND:
            del row["components"][name]
    for action in (*BUILT_FOR.values(), "embedding_reads"):
        del data["counts"][action]
    for name in ON_DEMAND:
        del data["components"][name]
    del data["scenario"]["arch"]["tile"]["matmul_macs"]
    del data["scenario"]["arch"]["chip"]["table_energy"]
    return data


def test_an_older_report_still_loads_prints_and_explains(tmp_path: Path) -> None:
    new = made("resnet20", {"energy.leakage_share": 0.1})
    (tmp_path / "old.json").write_text(json.dumps(older(new)), encoding="utf-8")
    old = Report.load(tmp_path / "old.json")
    assert old.digital is None
    assert str(old) == str(new)
    assert html_page(old)
    names = set(number_names(old))
    assert names < set(number_names(new))
    for full in names:
        assert explain_number(old, full).terms
    difference = compare_reports(old, new)
    assert all(row.is_equal for row in difference.totals)
    assert all(row.is_equal or (row.a, row.b) == (None, 0) for row in difference.components)
    assert all(row.a is None for row in difference.digital)
    assert not difference.hardware or {row.a for row in difference.hardware} == {None}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d[0].pop("energy"), r"digital\.0\.energy: missing"),
        (lambda d: d[0].update(nodes="2"), r"digital\.0\.nodes: a text"),
        (lambda d: d[0]["actions"].update(macs=None), r"digital\.0\.actions\.macs: null"),
    ],
)
def test_a_damaged_block_is_refused(change: Any, problem: str) -> None:
    data = json.loads(json.dumps(ATTENDING.to_dict()))
    change(data["digital"])
    with pytest.raises(DataError, match=problem):
        Report.from_dict(data)


def test_a_changed_energy_is_found() -> None:
    data = json.loads(json.dumps(ATTENDING.to_dict()))
    data["digital"][0]["energy"] *= 2
    report = Report.from_dict(data)
    with pytest.raises(DataError, match=r"digital\.\w+\.energy: the report says"):
        explain_number(report, f"digital.{data['digital'][0]['kind']}")
