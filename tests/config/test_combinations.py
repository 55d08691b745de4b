"""Is every combination that no hardware can have refused, beside whatever else is wrong?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crossbar.arch.rules import _RULES
from tests.config.told import ADC, CELL, told

RERAM: dict[str, Any] = {"kind": "reram"}
MAGNETIC: dict[str, Any] = {"kind": "sot_mram", "tmr": 1.7, "bits": 1}
COMBINATIONS: dict[str, dict[str, Any]] = {
    "cell.g_off: '1 uS' is not below cell.g_on ('458 nS')": {"cell": {"g_off": "1 uS"}},
    "cell.read_pulse: '100 ns' is longer than array.cycle ('50 ns')": {"array": {"cycle": "50 ns"}},
    "cell.tmr: 0 leaves no difference between the two states (more than 0)": {
        "cell": MAGNETIC | {"tmr": 0}
    },
    "cell.tmr: 1.7 falls to 2e-11 at cell.read_voltage ('100 V'): no difference is left": {
        "cell": MAGNETIC | {"tmr_half_voltage": "0.34 mV", "read_voltage": "100 V"}
    },
    "cell.bits: 2 is more than a magnetic cell stores (cell.kind sot_mram; only 1)": {
        "cell": MAGNETIC | {"bits": 2}
    },
    "cell.write_pulses: 3 is given, but cell.variation.verify_tolerance decides how many pulses a "
    "cell takes (null removes it)": {
        "cell": RERAM | {"write_pulses": 3, "variation": {"sigma": 0.1, "verify_tolerance": 0.5}}
    },
    "cell.pedestal: reference takes a column of the array, and array.cols is 1 (2 needed)": {
        "cell": RERAM,
        "array": {"cols": 1},
    },
    "cell.pedestal: reference takes a column of the array, and array.cols is 2 (3 needed)": {
        "cell": MAGNETIC,
        "array": {"cols": 2, "input_sum": "column"},
    },
    "cell.variation.sigmas: 3 numbers for 4 levels (one a level; cell.bits is 2)": {
        "cell": RERAM | {"variation": {"sigmas": [0.1, 0.1, 0.1]}}
    },
    "cell.table: missing (cell.variation.kind table needs it; a CSV file, e.g. 'my_cells.csv')": {
        "cell": RERAM | {"variation": "table"}
    },
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
    "adc.bits: 1 is too few for signed reads (dac.signed sign_magnitude; 2 to 16)": {
        "dac": {"signed": "sign_magnitude"},
        "adc": {"bits": 1},
    },
    "adc.bits: missing (adc.policy calibrated needs it; 1 to 16)": {
        "adc": {"policy": "calibrated", "bits": None}
    },
    "adc.enob: 9 is more than adc.bits (8)": {"adc": {"enob": 9}},
    "adc.enob: 7 and adc.noise (0.5) both say how noisy a conversion is (give one)": {
        "adc": {"enob": 7, "noise": 0.5}
    },
    "adc.enob: 7 needs adc.bits (adc.policy lossless takes the bits it needs)": {
        "adc": {"enob": 7, "policy": "lossless", "bits": None}
    },
    "adc.kind: ideal has even steps, but adc.inl is given (allowed: sar, ramp, flash, pipeline)": {
        "adc": {"inl": 0.5}
    },
    "adc.kind: ideal has even steps, but adc.dnl is given (allowed: sar, ramp, flash, pipeline)": {
        "adc": {"dnl": 0.5}
    },
    "pe.adcs: 8 is more than pe.arrays (4)": {"pe": {"arrays": 4}},
    "replication: balance fills a chip of a given size, and chip.tiles is auto (give a number of "
    "tiles)": {"replication": "balance", "chip": {"tiles": "auto"}},
}


@pytest.mark.parametrize("problem", COMBINATIONS)
def test_an_impossible_combination_is_refused(problem: str, tmp_path: Path):
    assert told(tmp_path, {"extends": "isaac_8bit"} | COMBINATIONS[problem]) == [problem]


def test_every_rule_is_pinned_above():
    reported = {problem.partition(":")[0] for problem in COMBINATIONS}
    assert reported == {rule.at for rule in _RULES}


def test_all_combinations_are_told_together_and_beside_wrong_values(tmp_path: Path):
    lines = told(
        tmp_path,
        {
            "extends": "isaac_8bit",
            "cell": {"bits": 9, "g_off": "1 uS"},
            "array": {"subtract": "analog", "rows_per_read": 200, "rows": "many"},
            "pe": {"adcs": 9},
        },
    )
    assert lines == [
        "cell.bits: 9 is out of range (1 to 4)",
        "array.rows: 'many' is not a whole number (1 to 4096)",
        "cell.g_off: '1 uS' is not below cell.g_on ('458 nS')",
        "array.subtract: analog needs array.encoding differential (it is offset)",
        "array.flip_columns: true needs array.subtract digital (it is analog: both columns share "
        "one conversion)",
        "pe.adcs: 9 is more than pe.arrays (8)",
    ]


def test_an_almost_empty_file_is_told_everything_it_needs(tmp_path: Path):
    lines = told(tmp_path, {"node": "32 nm"})
    assert lines == [
        "clock: missing (a frequency, e.g. '1.28 GHz')",
        f"cell: missing section (keys: {CELL})",
        "array: missing section (keys: kind, rows, cols, rows_per_read, encoding, subtract, "
        "flip_columns, input_sum, cycle, read_energy, wire_resistance_row, wire_resistance_col, "
        "driver_resistance, sense_resistance, drive, row_isolation, row_density)",
        f"adc: missing section (keys: {ADC})",
        "pe: missing section (keys: arrays, adcs, input_register, output_register)",
        "tile: missing section (keys: pes, buffer, buffer_banks, bus_width, vector_lanes,"
        " matmul_macs)",
        "chip: missing section (keys: tiles, offchip, offchip_power, table_energy, programming)",
    ]
