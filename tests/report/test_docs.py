"""Does docs/report.md explain every number, with the formulas and sources of the code?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from crossbar import load_arch
from crossbar.energy import COMPONENTS
from crossbar.energy.area_sources import area_origins
from crossbar.energy.sources import Origin, energy_origins
from crossbar.report import compare_reports
from crossbar.report.bottleneck import CAUSES, PATH_PARTS
from crossbar.report.trace import quantity
from crossbar.timing import ACTIONS
from crossbar.timing import CAUSES as CAUSES_OF_THE_SCHEDULE
from crossbar.timing.formulas import FORMULAS
from tests.report.reports import SCORES, attending, made

DOCUMENT = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
ARCH = load_arch("isaac_8bit")
NAMES_OF_THINGS = (
    *("layers", "components", "counts", "metrics", "scenario", "versions"),
    *("actions", "units"),
)
"""Groups whose keys are names of their own; those of fixed names are looked at one by one."""


def factors(origin: Origin) -> str:
    above = [quantity(f.value, f.unit) for f in origin.factors if not f.divides]
    below = [quantity(f.value, f.unit) for f in origin.factors if f.divides]
    if origin.terms:
        parts = " + ".join(factors(term) for term in origin.terms)
        above.insert(0, f"({parts})" if origin.factors else parts)
    line = " x ".join(above)
    if len(below) > 1:
        return f"{line} / ({' x '.join(below)})"
    return f"{line} / {below[0]}" if below else line


def action_rows() -> list[str]:
    return [
        f"| `{component}` | `{action}` | {quantity(origin.value, 'J')} | {factors(origin)} |"
        f" {origin.source} |"
        for (component, action), origin in energy_origins(ARCH).items()
    ]


def area_rows() -> list[str]:
    return [
        f"| `{name}` | {COMPONENTS[name]} | {quantity(origin.value, 'm^2')} | {factors(origin)} |"
        f" {origin.source} |"
        for name, origin in area_origins(ARCH).items()
    ]


def count_rows() -> list[str]:
    return [f"| `{name}` | {f.what} | {f.formula} |" for name, f in FORMULAS.items()]


def cause_rows() -> list[str]:
    return [f"| `{name}` | {cause.what} | {cause.help} |" for name, cause in CAUSES.items()]


@pytest.mark.parametrize("rows", [action_rows, area_rows, count_rows, cause_rows])
def test_the_tables_are_those_of_the_code(rows: Any) -> None:
    lines = DOCUMENT.splitlines()
    for row in rows():
        assert row in lines


def keys(data: Any) -> set[str]:
    """Keys of a report's JSON at every depth, but names of layers and of what was run."""
    found: set[str] = set()
    for name, value in data.items():
        found.add(name)
        if isinstance(value, dict) and name not in NAMES_OF_THINGS:
            found |= keys(value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            found |= keys(value[0])
    return found


def test_every_key_of_the_json_is_explained() -> None:
    data = made(attending(), **SCORES).to_dict()
    assert data["unpriced"]
    assert data["digital"]
    wanted = keys(data) | set(data["components"]["adc"]) | set(data["metrics"])
    assert wanted > {"format", "schema", "average", "replicas", "slot_cycles", "operator", "idle"}
    assert {name for name in wanted if f"`{name}`" not in DOCUMENT} == set()


def test_every_action_and_component_is_explained() -> None:
    assert {name for name in (*ACTIONS, *COMPONENTS) if f"`{name}`" not in DOCUMENT} == set()


def test_every_kind_of_idle_clocks_and_of_the_critical_path_is_explained() -> None:
    assert set(CAUSES_OF_THE_SCHEDULE) == set(CAUSES)
    assert {what for what in PATH_PARTS if f"`{what}`: " not in DOCUMENT} == set()


def test_every_key_of_a_comparison_is_explained() -> None:
    data = compare_reports(made(), made("lenet5", {"adc.bits": 7})).to_dict()
    wanted = {*data, *data["totals"][0]}
    assert {name for name in wanted if f"`{name}`" not in DOCUMENT} == set()


def test_every_line_of_the_table_is_explained() -> None:
    _, summary, *_ = str(made("minilm6", **SCORES)).split("\n\n")
    labels = {line[:12].rstrip() for line in summary.splitlines()} - {""}
    assert {"accuracy", "agreement", "energy", "latency", "in use", "saturated"} <= labels
    assert {"programming", "leakage", "at best", "slowest", "what helps"} <= labels
    for label in labels:
        assert re.search(rf"^\| {label} \|", DOCUMENT, flags=re.M), label
