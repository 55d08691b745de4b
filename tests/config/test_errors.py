"""Does every wrong value get one line with its place, the value, what is allowed, the nearest?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.arch.keys import key_table
from crossbar.arch.tree import sections
from crossbar.errors import ConfigError
from tests.config.told import ADC, CELL, KEYS, changed, told


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
        ("adc.zzz", 7, f"unknown key (known here: {ADC})"),
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
            "'clp' is not one of clip, full, lossless, calibrated (did you mean 'clip'?)",
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
        (
            "cell.kind",
            "rram",
            "'rram' is not one of ideal, reram, sot_mram (did you mean 'reram'?)",
        ),
        ("cell.kind", 3, "3 is not one of ideal, reram, sot_mram"),
        ("cell.kind", ["reram"], "['reram'] is not one of ideal, reram, sot_mram"),
        ("cell.kind", None, "missing (one of ideal, reram, sot_mram)"),
        ("cell", 3, f"3 is not a section (keys: {CELL})"),
        ("cell.variation", 0.1, "a key of cell.kind reram or sot_mram (it is ideal)"),
        ("cell.tmr", 1.7, "a key of cell.kind sot_mram (it is ideal)"),
        (
            "cell.variation.kind",
            "fitt",
            "'fitt' is not one of none, proportional, constant, lognormal, levels, fit, table "
            "(did you mean 'fit'?)",
        ),
        ("cell.variation.sigma", 3, "3 is out of range (0 to 2)"),
        ("cell.variation.sigma", "5 %", "'5 %' is not a number (0 to 2)"),
        (
            "cell.variation.sigmas",
            [0.1, -0.1, 0, 0],
            "-0.1 at place 1 is out of range (0 to 2)",
        ),
        ("cell.variation.sigmas", [True], "true at place 0 is not a number"),
        ("cell.variation.sigmas", 0.1, "0.1 is not a list of numbers, 0 to 2 each"),
        ("cell.variation.sigmas", [0.1] * 1025, "1,025 numbers (at most 1,024)"),
        (
            "cell.variation.name",
            "milo",
            "'milo' is not one of wan_2022_1s, wan_2022_1d, wan_2022_2d, wan_2022_crosssim, "
            "milo_2021, joshi_2020, pcm_aihwkit (did you mean 'milo_2021'?)",
        ),
        ("cell.read_noise.temperatures", "300 K", "unknown key (did you mean 'temperature'?)"),
        (
            "cell.read_noise.temperature",
            "27 V",
            "'27 V' is a voltage, not a temperature (e.g. '300 K')",
        ),
        ("cell.read_noise.rtn_share", 1.1, "1.1 is out of range (0 to 1)"),
        ("cell.read_noise.rtn_dwell", 0, "0 is out of range (1 to 1000000000)"),
        ("cell.read_noise.thermal", 1, "1 is not true or false"),
        ("cell.drift.t0", "0 s", "'0 s' is out of range (a time, more than 0, at most 10 Gs)"),
        ("cell.nonlinearity.alpha", 0, "0 is out of range (0.001 to 20)"),
        ("sigmas", [0.1], "unknown key (did you mean 'cell.variation.sigmas'?)"),
        ("variation", 0.1, "unknown key (did you mean 'cell.variation'?)"),
        (
            "array.wire_resistance_row",
            "-1 ohm",
            "'-1 ohm' is out of range (a resistance, 0 or more, at most 1 Gohm)",
        ),
        ("array.drive", "right", "'right' is not one of left, both"),
        ("array.row_density", 1.5, "1.5 is out of range (0 to 1)"),
        ("adc.offset", -1, "-1 is out of range (0 to 65536)"),
        ("adc.calibration_share", 0, "0 is out of range (0.001 to 1)"),
        ("dac.noise", -1, "-1 is out of range (0 to 16)"),
        ("array.flip_columns", "on", "'on' is not true or false"),
        ("array.flip_columns", 1, "1 is not true or false"),
        ("source", 2016, "2016 is not text"),
        ("adc", 8, f"8 is not a section (keys: {ADC})"),
        ("adc", None, f"missing section (keys: {ADC})"),
        ("adc.policy", None, "missing (one of clip, full, lossless, calibrated)"),
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
    lines = told(tmp_path, changed(path, value))
    lines.remove(f"{path}: {problem}")
    # a section that is switched on by half also misses what it needs
    assert all(path.startswith("cell.") and ": missing (" in line for line in lines)


def test_a_dotted_key_in_a_file_is_shown_its_section(tmp_path: Path):
    lines = told(tmp_path, {"extends": "isaac_8bit", "adc.bits": 7})
    assert lines == ["adc.bits: unknown key (write 'bits' under 'adc:')"]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [*key_table(), *sections(), "zzz", "adc.zzz", "replication.fc", "cell.variation.zzz"]
    ),
    st.sampled_from(["ideal", "reram", "sot_mram"]),
    st.none()
    | st.text(max_size=8)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)
def test_whatever_is_given_the_answer_is_an_arch_or_one_line_a_problem(
    path: str, kind: str, value: Any
):
    problems: tuple[str, ...] = ("one line",)
    magnetic = {"cell.tmr": 1.7, "cell.bits": 1} if kind == "sot_mram" else {}
    try:
        arch = load_arch("isaac_8bit", {"cell.kind": kind} | magnetic | {path: value})
        assert load_arch(arch.to_dict()) == arch
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(problem and "\n" not in problem for problem in problems)


def test_no_number_is_no_number():
    with pytest.raises(ConfigError) as error:
        load_arch("isaac_8bit", {"cell.kind": "reram", "cell.variation": float("nan")})
    assert str(error.value) == "override: cell.variation.sigma: nan is out of range (0 to 2)"


def test_a_key_with_a_line_break_stays_on_one_line():
    with pytest.raises(ConfigError) as error:
        load_arch("isaac_8bit", {"adc.bi\nts": 3})
    assert str(error.value) == "override: 'adc.bi\\nts': unknown key (did you mean 'bits'?)"


def test_a_long_value_is_cut(tmp_path: Path):
    (line,) = told(tmp_path, changed("adc.policy", "x" * 500))
    assert len(line) < 120


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("arrays.row", "did you mean 'array.rows'?"),
        ("tiles.buffers", "did you mean 'tile.buffer'?"),
        ("nonsense.x", "known sections: cell, array"),
        ("cells.variaton.sigma", "did you mean 'cell.variation.sigma'?"),
        ("cell.variaton.sigma", "did you mean 'variation.sigma'?"),
        ("cell.variation.sigma", "a key of cell.kind reram or sot_mram (it is ideal)"),
        ("variation.sigma", "did you mean 'cell.variation.sigma'?"),
        ("sigma", "did you mean 'cell.variation.sigma' or 'cell.read_noise.sigma'?"),
    ],
)
def test_an_override_of_an_unknown_section_names_the_key_that_was_meant(key: str, hint: str):
    with pytest.raises(ConfigError) as error:
        load_arch("isaac_8bit", {key: 4})
    assert hint in str(error.value)
