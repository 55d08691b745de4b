"""Do the shipped descriptions load, say where they come from, and survive being saved?"""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import units
from crossbar.arch import Arch, arch_schema, explain_arch, load_arch, preset_names
from crossbar.arch.keys import key_table
from crossbar.device.check import check_cell


def test_the_presets_are_there():
    assert preset_names() == (
        "ideal_8bit",
        "isaac_8bit",
        "isaac_isca_2016",
        "reram_hfo2",
        "sot_mram",
        "tiny_reram",
    )


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_loads_and_is_the_same_after_saving(name: str, tmp_path: Path):
    arch = load_arch(name)
    assert arch.name == name
    assert arch.description
    assert arch.source
    assert load_arch(arch.to_dict()) == arch
    assert load_arch(json.loads(json.dumps(arch.to_dict()))) == arch
    (tmp_path / "saved.yaml").write_text(str(arch), encoding="utf-8")
    assert load_arch(tmp_path / "saved.yaml") == arch
    assert pickle.loads(pickle.dumps(arch)) == arch
    assert copy.deepcopy(arch) == arch
    assert load_arch(arch) is arch


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_begins_with_where_it_comes_from(name: str):
    text = files("crossbar.arch_configs").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ")


def test_isaac_is_the_paper():
    arch = load_arch("isaac_isca_2016")
    assert arch.node == 32e-9
    assert arch.clock == 1.28e9
    assert (arch.array.rows, arch.array.cols, arch.cell.bits) == (128, 128, 2)
    assert arch.array.cycle == 100e-9
    assert arch.array.cycle * arch.adc.rate == pytest.approx(arch.array.cols)
    assert (arch.adc.policy, arch.adc.bits, arch.array.flip_columns) == ("clip", 8, True)
    assert (arch.pe.arrays, arch.pe.adcs, arch.tile.pes, arch.chip.tiles) == (8, 8, 12, 168)
    assert (arch.pe.input_register, arch.pe.output_register) == (2048, 256)
    assert (arch.tile.buffer, arch.tile.buffer_banks, arch.tile.bus_width) == (65536, 4, 384)
    assert (arch.precision.weight_bits, arch.precision.input_bits) == (16, 16)
    assert arch.chip.offchip == "hypertransport"
    assert arch.array.rows_per_read is None


@pytest.mark.parametrize("name", ["isaac_isca_2016", "reram_hfo2", "sot_mram", "tiny_reram"])
def test_the_declared_read_energy_is_the_worst_case_of_the_cells(name: str):
    arch = load_arch(name)
    cells = arch.array.rows * arch.array.cols
    worst = cells * arch.cell.read_voltage**2 * arch.cell.g_on * arch.cell.read_pulse
    assert worst == pytest.approx(arch.array.read_energy, rel=2e-3)


def test_the_magnetic_cells_are_junctions_of_the_device_set():
    cell = load_arch("sot_mram").cell
    area = math.pi / 4 * 60e-9 * 40e-9  # an ellipse [m^2]
    resistance = 10.58e-12 / area  # resistance-area product [ohm m^2]
    assert 1 / cell.g_on == pytest.approx(resistance, rel=2e-3)
    assert 1 / cell.g_on == pytest.approx(5610, rel=1e-4)
    assert 1 / (cell.g_on / (1 + cell.tmr)) == pytest.approx(15.2e3, rel=2e-3)
    # at 0.1 V, a fifth of the half voltage, 1 / 1.04 of the magnetoresistance is left
    assert cell.g_on / cell.g_off - 1 == pytest.approx(1.712 / 1.04, rel=1e-12)
    pulse = cell.write_voltage**2 * (cell.g_on + cell.g_off) / 2 * cell.write_pulse
    assert 60e-15 < pulse < 350e-15


def test_the_measured_cells_lie_in_the_range_of_their_fit():
    cell = load_arch("reram_hfo2").cell
    assert cell.variation.kind == "fit"
    assert (cell.g_off, cell.g_on) == (1e-6, 40e-6)
    pulse = cell.write_voltage**2 * (cell.g_on + cell.g_off) / 2 * cell.write_pulse
    assert pulse == pytest.approx(0.6e-12, rel=0.5)  # NVMExplorer's


@pytest.mark.parametrize("name", preset_names())
def test_the_models_of_a_preset_hold_for_its_cells(name: str):
    check_cell(load_arch(name))


def test_isaac_cells_have_an_on_off_ratio_of_15():
    cell = load_arch("isaac_isca_2016").cell
    assert cell.g_on / cell.g_off == pytest.approx(15, rel=1e-5)


def test_isaac_leaves_to_its_reader_what_the_table_does_not_say():
    arch = load_arch("isaac_isca_2016")
    assert arch.energy.leakage_share == 0.0
    assert (arch.chip.offchip_power, arch.chip.programming) == ("per_bit", "parallel")
    cell = arch.cell
    assert (cell.write_voltage, cell.write_pulse, cell.write_pulses) == (2.0, 40e-9, 1.0)
    assert load_arch("tiny_reram").cell.write_voltage is None


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0, 1), pulses=st.floats(1, 1e4) | st.integers(1, 10_000))
def test_plain_numbers_are_the_same_after_saving(share: float, pulses: float):
    arch = load_arch("isaac_8bit", {"energy.leakage_share": share, "cell.write_pulses": pulses})
    assert (arch.energy.leakage_share, arch.cell.write_pulses) == (share, pulses)
    assert type(arch.cell.write_pulses) is float
    assert load_arch(arch.to_dict()) == arch
    assert load_arch(yaml.safe_load(str(arch))) == arch


def test_a_plain_number_has_a_range_in_an_editor():
    parts = arch_schema()["$defs"]
    entry = parts["Energy"]["properties"]["leakage_share"]
    assert entry["type"] == ["number", "null"]
    assert (entry["minimum"], entry["maximum"], "x-unit" in entry) == (0.0, 1.0, False)
    assert parts["IdealCell"]["properties"]["write_pulses"]["x-unit"] == "pulse"


def test_the_default_differs_from_isaac_only_in_its_words():
    paper, ours = load_arch("isaac_isca_2016").to_dict(), load_arch("isaac_8bit").to_dict()
    differing = {key for key in paper if paper[key] != ours[key]}
    assert differing == {"name", "description", "precision"}
    assert ours["precision"] == {"weight_bits": 8, "input_bits": 8}


@pytest.mark.parametrize("name", ["isaac_8bit", "tiny_reram"])
def test_ideal_reads_of_clipping_presets_cannot_clip(name: str):
    arch = load_arch(name)
    largest = arch.array.rows * (2**arch.cell.bits - 1) * (2**arch.dac.bits - 1)
    assert (largest // 2 if arch.array.flip_columns else largest) <= 2**arch.adc.bits - 1


def test_the_ideal_preset_leaves_the_bits_to_the_row_group():
    arch = load_arch("ideal_8bit")
    assert (arch.adc.policy, arch.adc.bits, arch.array.flip_columns) == ("lossless", None, False)


def test_the_digest_follows_the_hardware_and_not_its_name():
    arch = load_arch("isaac_8bit")
    assert load_arch(arch, {"name": "mine", "description": "x", "source": "y"}).digest() == (
        arch.digest()
    )
    assert load_arch(arch, {"array.rows": 64}).digest() != arch.digest()
    assert len({load_arch(name).digest() for name in preset_names()}) == len(preset_names())
    assert load_arch(arch, {"array.cycle": "0.1 us"}).digest() == arch.digest()


def test_an_arch_cannot_be_changed_behind_the_back_of_a_plan():
    arch = load_arch("tiny_reram")
    with pytest.raises(ValueError, match="frozen"):
        arch.array.rows = 3  # type: ignore[misc]
    assert len({arch, load_arch("tiny_reram", {"replication": {"conv1": 2}})}) == 2


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 4096),
    bits=st.integers(1, 16),
    cycle=st.floats(1e-7, 7e-4),
    g_on=st.floats(1e-7, 1e-2),
    replication=st.one_of(
        st.sampled_from(["none", "balance"]),
        st.lists(st.integers(1, 9), min_size=1, max_size=3),
        st.dictionaries(st.text(max_size=5), st.integers(1, 9), min_size=1, max_size=3),
    ),
)
def test_any_description_is_the_same_after_saving(
    rows: int, bits: int, cycle: float, g_on: float, replication: object
):
    arch = load_arch(
        "isaac_8bit",
        {
            "array.rows": rows,
            "adc.bits": bits,
            "array.cycle": units.exact(cycle, "s"),
            "cell.g_on": f"{g_on!r} S",
            "replication": replication,
        },
    )
    assert (arch.array.cycle, arch.cell.g_on) == (cycle, g_on)
    assert load_arch(arch.to_dict()) == arch


def test_every_key_is_explained_with_its_unit():
    arch = load_arch("tiny_reram")
    rows = {row.key: row for row in explain_arch(arch)}
    assert list(rows) == list(key_table())
    assert all(row.help and "\n" not in row.help for row in rows.values())
    assert (rows["array.cycle"].value, rows["array.cycle"].unit) == ("16 ns", "s")
    assert (rows["chip.tiles"].value, rows["chip.tiles"].unit) == ("auto", "tile")
    assert rows["array.flip_columns"].value == "false"
    assert rows["array.rows_per_read"].value == "-"
    for key, row in rows.items():
        if row.unit and row.unit != "Hz":
            assert f"[{row.unit}]" in row.help, key


def test_the_json_schema_knows_what_a_file_may_hold():
    schema = arch_schema()
    json.dumps(schema)
    sections = {key for key in schema["properties"] if "." not in key}
    assert {"extends", "node", "clock", "cell", "array", "adc", "replication"} <= sections
    array = schema["$defs"]["Array"]["properties"]
    assert array["cycle"]["x-unit"] == "s"
    assert array["cycle"]["examples"] == ["100 ns"]
    assert array["rows"] | {"description": ""} == {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": 4096,
        "x-unit": "row",
        "description": "",
    }
    assert "differential" in array["encoding"]["enum"]
    keys = {name for part in schema["$defs"].values() for name in part["properties"]}
    assert {path.rpartition(".")[2] for path in key_table()} <= keys | set(schema["properties"])
    assert all(
        entry["description"]
        for part in schema["$defs"].values()
        for entry in part["properties"].values()
    )


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def _fits(entry: dict[str, Any], value: Any, whole: dict[str, Any]) -> bool:
    """Check a value as an editor does, as far as our schema goes."""
    if "$ref" in entry:
        return _fits(whole["$defs"][entry["$ref"].rpartition("/")[2]], value, whole)
    if "anyOf" in entry:
        return any(_fits(each, value, whole) for each in entry["anyOf"])
    assert "oneOf" not in entry  # half a section may fit several kinds
    types = entry.get("type", [])
    named = [types] if isinstance(types, str) else types
    if named and not any(
        isinstance(value, _TYPES[name]) and isinstance(value, bool) <= (name == "boolean")
        for name in named
    ):
        return False
    if value is None:
        return "enum" not in entry or None in entry["enum"]
    if "enum" in entry and value not in entry["enum"]:
        return False
    if "pattern" in entry and not re.search(entry["pattern"], value):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(entry.get("minimum", value) <= value <= entry.get("maximum", value))
    if isinstance(value, dict):
        known, others = entry.get("properties", {}), entry.get("additionalProperties", {})
        return all(
            _fits(known[key], item, whole)
            if key in known
            else others is not False and _fits(others, item, whole)
            for key, item in value.items()
        ) and set(entry.get("required", ())) <= set(value)
    if isinstance(value, list):
        return all(_fits(entry.get("items", {}), item, whole) for item in value)
    return True


@pytest.mark.parametrize("name", preset_names())
def test_the_presets_keep_to_the_schema_in_an_editor_too(name: str):
    schema = arch_schema()
    text = files("crossbar.arch_configs").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    for key, value in yaml.safe_load(text).items():
        assert _fits(schema["properties"][key], value, schema), key
    assert _fits(schema, load_arch(name).to_dict(), schema)


@pytest.mark.parametrize(
    ("cell", "is_right"),
    [
        ({"kind": "reram", "variation": 0.05, "drift": "pcm", "read_noise": 0.02}, True),
        ({"variation": "wan_2022_1s", "nonlinearity": "none"}, True),
        ({"variation": {"kind": "levels", "sigmas": [0.1, 0.2]}}, True),
        ({"variation": {"sigma": 0.1}}, True),
        ({"table": "my.csv"}, True),
        ({"drift": None}, True),
        ({"kind": "rram"}, False),
        ({"kind": "ideal", "variation": 0.05}, False),
        ({"variation": "wan"}, False),
        ({"variation": 3}, False),
        ({"variation": {"kind": "fit", "sigma": 0.1}}, False),
        ({"variation": {"sigma": 0.1, "sigmas": [0.1]}}, False),
        ({"read_noise": "none"}, False),
        ({"drift": 0.1}, False),
        ({"tmr": 1.7, "g_off": "1 nS"}, False),
        ({"g_on": 3}, False),
    ],
)
def test_an_editor_knows_kinds_and_short_forms(cell: dict[str, Any], is_right: bool):
    schema = arch_schema()
    assert _fits(schema, {"extends": "isaac_8bit", "cell": cell}, schema) is is_right


def test_an_arch_prints_as_a_file():
    assert str(load_arch("tiny_reram")).startswith("name: tiny_reram\ndescription: Toy chip")
    assert isinstance(load_arch("tiny_reram"), Arch)
