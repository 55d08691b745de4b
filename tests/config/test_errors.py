"""Does every wrong value get one line with its place, the value, what is allowed, the nearest?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch, strict_yaml
from crossbar.arch.keys import key_table, sections
from crossbar.arch.rules import _RULES
from crossbar.errors import ConfigError

KEYS = (
    "name, description, source, node, clock, replication, cell, array, dac, adc, pe, tile, chip, "
    "precision, faults, energy"
)


def _told(tmp_path: Path, data: dict[str, Any]) -> list[str]:
    """Load a file that holds `data` and return its problems without the file's name."""
    path = tmp_path / "x.yaml"
    path.write_text(strict_yaml.dump(data), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_arch(path)
    assert all(line.startswith("x.yaml: ") for line in error.value.problems)
    return [line.removeprefix("x.yaml: ") for line in error.value.problems]


def _with(path: str, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"extends": "isaac_8bit"}
    section, _, key = path.partition(".")
    return data | ({section: {key: value}} if key else {section: value})


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("adc.bit", 7, "unknown key (did you mean 'bits'?)"),
        ("adcc", {"bits": 7}, "unknown key (did you mean 'adc'?)"),
        ("rows", 7, "unknown key (did you mean 'array.rows'?)"),
        ("tile.arrays", 7, "unknown key (did you mean 'pe.arrays'?)"),
        ("weight_bit", 7, "unknown key (did you mean 'precision.weight_bits'?)"),
        ("pe.bits", 7, "unknown key (did you mean 'cell.bits', 'dac.bits' or 'adc.bits'?)"),
        ("array.clock", "1 GHz", "unknown key (did you mean 'clock' at the top level?)"),
        ("pe.tile", {"pes": 3}, "unknown key (did you mean 'tile' at the top level?)"),
        ("pe.adc", 3, "unknown key (did you mean 'adcs'?)"),
        (
            "faults.on",
            0.1,
            "unknown key (stuck cells belong to a run, not to the hardware: --inject "
            "on=0.09,off=0.017)",
        ),
        ("adc.zzz", 7, "unknown key (known here: policy, bits, rate)"),
        ("zzz", 7, f"unknown key (known here: {KEYS})"),
        ("array.rows", 0, "0 is out of range (1 to 4096)"),
        ("array.rows", 4097, "4097 is out of range (1 to 4096)"),
        ("array.rows", 1.5, "1.5 is not a whole number (1 to 4096)"),
        ("array.rows", "128", "'128' is not a whole number (1 to 4096)"),
        ("array.rows", True, "true is not a whole number (1 to 4096)"),
        ("array.rows", [128], "[128] is not a whole number (1 to 4096)"),
        ("adc.bits", 40, "40 is out of range (1 to 16)"),
        ("cell.bits", 5, "5 is out of range (1 to 4)"),
        ("dac.bits", 0, "0 is out of range (1 to 4)"),
        ("precision.weight_bits", 17, "17 is out of range (1 to 16)"),
        ("precision.weight_levels", 2, "2 is out of range (only 3)"),
        ("chip.tiles", 0, "0 is out of range (1 to 1000000, or auto)"),
        (
            "chip.tiles",
            "aut",
            "'aut' is not a whole number (1 to 1000000, or auto) (did you mean 'auto'?)",
        ),
        ("array.cycle", 100, "100 has no unit (give a time, e.g. '100 ns')"),
        ("array.cycle", 1e-7, "1e-07 has no unit (give a time, e.g. '100 ns')"),
        ("array.cycle", "100 mV", "'100 mV' is a voltage, not a time (e.g. '100 ns')"),
        ("array.cycle", "-5 ns", "'-5 ns' is out of range (a time, more than 0)"),
        ("array.cycle", True, "true is not a time (e.g. '100 ns')"),
        ("array.cycle", [], "[] is not a time (e.g. '100 ns')"),
        (
            "array.cycle",
            "100 nsek",
            "'100 nsek' has an unknown unit 'nsek' (give a time, e.g. '100 ns')",
        ),
        ("cell.g_off", "-1 nS", "'-1 nS' is out of range (a conductance, 0 or more, at most 1 S)"),
        *(
            (path, value, f"'{value}' is out of range ({what}, more than 0, at most {most})")
            for path, value, what, most in (
                ("cell.g_on", "1e300 S", "a conductance", "1 S"),
                ("cell.read_voltage", "1e200 V", "a voltage", "100 V"),
                ("cell.write_voltage", "1e200 V", "a voltage", "100 V"),
                ("cell.read_pulse", "1.5 s", "a time", "1 s"),
                ("cell.write_pulse", "1e300 s", "a time", "1 s"),
                ("adc.rate", "1.1 THz", "a frequency", "1 THz"),
                ("clock", "1 PHz", "a frequency", "1 THz"),
                ("pe.input_register", "1e300 B", "a size", "1 TiB"),
                ("pe.output_register", "2 TiB", "a size", "1 TiB"),
                ("tile.buffer", "1 PB", "a size", "1 TiB"),
            )
        ),
        (
            "array.read_energy",
            "2 J",
            "'2 J' is out of range (an energy, 0 or more, at most 1 J)",
        ),
        ("cell.g_on", "1 kohm", "'1 kohm' is a resistance, not a conductance (e.g. '0.5 uS')"),
        ("tile.buffer", "3 bit", "'3 bit' is not a whole number of bytes"),
        ("tile.buffer", "0 B", "'0 B' is out of range (a size, more than 0, at most 1 TiB)"),
        ("tile.buffer", 65536, "65536 has no unit (give a size, e.g. '64 KiB')"),
        ("node", "22 nm", "'22 nm' has no costs (only '32 nm': prices are ISAAC's table)"),
        (
            "adc.policy",
            "clp",
            "'clp' is not one of clip, full, lossless (did you mean 'clip'?)",
        ),
        ("energy.leakage_share", 1.5, "1.5 is out of range (0 to 1)"),
        ("energy.leakage_share", -0.1, "-0.1 is out of range (0 to 1)"),
        ("energy.leakage_share", "10 %", "'10 %' is not a number (0 to 1)"),
        ("energy.leakage_share", True, "true is not a number (0 to 1)"),
        ("cell.write_pulses", 0.5, "0.5 is out of range (1 to 10000)"),
        (
            "chip.offchip_power",
            "statc",
            "'statc' is not one of per_bit, static (did you mean 'static'?)",
        ),
        ("cell.kind", "reram", "'reram' is not available (only ideal)"),
        ("array.flip_columns", "on", "'on' is not true or false"),
        ("array.flip_columns", 1, "1 is not true or false"),
        ("source", 2016, "2016 is not text"),
        ("adc", 8, "8 is not a section (keys: policy, bits, rate)"),
        ("adc", None, "missing section (keys: policy, bits, rate)"),
        ("adc.policy", None, "missing (one of clip, full, lossless)"),
        ("clock", None, "missing (a frequency, e.g. '1.28 GHz')"),
        (
            "replication",
            "balanced",
            "'balanced' is not one of none, balance, a list of copies, a mapping layer: copies "
            "(did you mean 'balance'?)",
        ),
        ("replication", [1, 0], "0 copies of place 1 (allowed: 1 to 1000000)"),
        ("replication", {"fc": "x"}, "'x' copies of layer 'fc' (allowed: 1 to 1000000)"),
        (
            "replication",
            [],
            "[] is not one of none, balance, a list of copies, a mapping layer: copies",
        ),
    ],
)
def test_a_wrong_value_is_told_in_one_line(path: str, value: Any, problem: str, tmp_path: Path):
    assert _told(tmp_path, _with(path, value)) == [f"{path}: {problem}"]


def test_a_dotted_key_in_a_file_is_shown_its_section(tmp_path: Path):
    told = _told(tmp_path, {"extends": "isaac_8bit", "adc.bits": 7})
    assert told == ["adc.bits: unknown key (write 'bits' under 'adc:')"]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([*key_table(), *sections(), "zzz", "adc.zzz", "replication.fc"]),
    st.none()
    | st.text(max_size=8)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)
def test_whatever_is_given_the_answer_is_an_arch_or_one_line_a_problem(path: str, value: Any):
    problems: tuple[str, ...] = ("one line",)
    try:
        arch = load_arch("isaac_8bit", {path: value})
        assert load_arch(arch.to_dict()) == arch
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(problem and "\n" not in problem for problem in problems)


def test_a_key_with_a_line_break_stays_on_one_line():
    with pytest.raises(ConfigError) as error:
        load_arch("isaac_8bit", {"adc.bi\nts": 3})
    assert str(error.value) == "override: 'adc.bi\\nts': unknown key (did you mean 'bits'?)"


def test_a_long_value_is_cut(tmp_path: Path):
    (told,) = _told(tmp_path, _with("adc.policy", "x" * 500))
    assert len(told) < 120


COMBINATIONS = {
    "cell.g_off: '1 uS' is not below cell.g_on ('458 nS')": {"cell": {"g_off": "1 uS"}},
    "cell.read_pulse: '100 ns' is longer than array.cycle ('50 ns')": {"array": {"cycle": "50 ns"}},
    "array.cycle: '500 ps' is shorter than one clock ('781.25 ps')": {
        "array": {"cycle": "0.5 ns"},
        "cell": {"read_pulse": "0.5 ns"},
    },
    "array.cycle: '1 ms' is more than 1,000,000 clocks (of '781.25 ps')": {
        "array": {"cycle": "1 ms"}
    },
    "adc.rate: '1 kHz' makes a conversion longer than 1,000,000 clocks (of '781.25 ps')": {
        "adc": {"rate": "1 kHz"}
    },
    "cell.write_voltage: missing (cell.write_pulse is given; both are needed to price programming, "
    "e.g. '2 V')": {"cell": {"write_voltage": None}},
    "cell.write_pulse: missing (cell.write_voltage is given; both are needed to price programming, "
    "e.g. '40 ns')": {"cell": {"write_pulse": None}},
    "array.rows_per_read: 129 is more than array.rows (128)": {"array": {"rows_per_read": 129}},
    "array.subtract: analog needs array.encoding differential (it is offset)": {
        "array": {"subtract": "analog", "flip_columns": False}
    },
    "array.flip_columns: true needs array.subtract digital (it is analog: both columns share one "
    "conversion)": {"array": {"subtract": "analog", "encoding": "differential"}},
    "array.subtract: analog subtracts pairs of columns, and array.cols is 1 (2 or more needed)": {
        "array": {
            "encoding": "differential",
            "subtract": "analog",
            "flip_columns": False,
            "cols": 1,
        }
    },
    "array.input_sum: column takes a column of the array, and array.cols is 1 (2 or more needed)": {
        "array": {"input_sum": "column", "cols": 1}
    },
    "array.read_energy: missing (energy.array table needs it; an energy, e.g. '30 pJ')": {
        "array": {"read_energy": None},
        "energy": {"array": "table"},
    },
    "adc.bits: 8 is given, but adc.policy lossless takes the bits it needs (null removes it)": {
        "adc": {"policy": "lossless"}
    },
    "adc.bits: missing (adc.policy clip needs it; 1 to 16)": {"adc": {"bits": None}},
    "adc.bits: 1 is too few for signed reads (array.subtract analog; 2 to 16)": {
        "array": {"subtract": "analog", "encoding": "differential", "flip_columns": False},
        "adc": {"bits": 1},
    },
    "pe.adcs: 8 is more than pe.arrays (4)": {"pe": {"arrays": 4}},
    "replication: balance fills a chip of a given size, and chip.tiles is auto (give a number of "
    "tiles)": {"replication": "balance", "chip": {"tiles": "auto"}},
}


@pytest.mark.parametrize("problem", COMBINATIONS)
def test_an_impossible_combination_is_refused(problem: str, tmp_path: Path):
    assert _told(tmp_path, {"extends": "isaac_8bit"} | COMBINATIONS[problem]) == [problem]


def test_every_rule_is_pinned_above():
    reported = {problem.partition(":")[0] for problem in COMBINATIONS}
    assert reported == {rule.at for rule in _RULES}


def test_all_combinations_are_told_together_and_beside_wrong_values(tmp_path: Path):
    told = _told(
        tmp_path,
        {
            "extends": "isaac_8bit",
            "cell": {"bits": 9, "g_off": "1 uS"},
            "array": {"subtract": "analog", "rows_per_read": 200, "rows": "many"},
            "pe": {"adcs": 9},
        },
    )
    assert told == [
        "cell.bits: 9 is out of range (1 to 4)",
        "array.rows: 'many' is not a whole number (1 to 4096)",
        "cell.g_off: '1 uS' is not below cell.g_on ('458 nS')",
        "array.subtract: analog needs array.encoding differential (it is offset)",
        "array.flip_columns: true needs array.subtract digital (it is analog: both columns share "
        "one conversion)",
        "pe.adcs: 9 is more than pe.arrays (8)",
    ]


def test_an_almost_empty_file_is_told_everything_it_needs(tmp_path: Path):
    told = _told(tmp_path, {"node": "32 nm"})
    assert told == [
        "clock: missing (a frequency, e.g. '1.28 GHz')",
        "cell: missing section (keys: kind, bits, g_on, g_off, read_voltage, read_pulse, "
        "narrow_slice, write_voltage, write_pulse, write_pulses)",
        "array: missing section (keys: kind, rows, cols, rows_per_read, encoding, subtract, "
        "flip_columns, input_sum, cycle, read_energy)",
        "adc: missing section (keys: policy, bits, rate)",
        "pe: missing section (keys: arrays, adcs, input_register, output_register)",
        "tile: missing section (keys: pes, buffer, buffer_banks, bus_width, vector_lanes)",
        "chip: missing section (keys: tiles, offchip, offchip_power, programming)",
    ]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("arrays.row", "did you mean 'array.rows'?"),
        ("tiles.buffers", "did you mean 'tile.buffer'?"),
        ("nonsense.x", "known sections: cell, array"),
    ],
)
def test_an_override_of_an_unknown_section_names_the_key_that_was_meant(key: str, hint: str):
    with pytest.raises(ConfigError) as error:
        load_arch("isaac_8bit", {key: 4})
    assert hint in str(error.value)
