"""Do conditions mean what they say, and is nonsense refused before any point is made?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import InputError
from crossbar.study.conditions import parse_condition

VALUES: dict[str, Any] = {
    "arch": "isaac_8bit",
    "workload": "vgg8",
    "seed": 3,
    "faults.on": 0.001,
    "clock": "1.28 GHz",
    "array.rows": 64,
    "array.cols": 64,
    "array.rows_per_read": None,
    "array.cycle": "100 ns",
    "array.flip_columns": True,
    "adc.policy": "lossless",
    "adc.bits": None,
    "cell.read_pulse": "50 ns",
    "cell.read_voltage": "0.2 V",
    "cell.g_on": "5 uS",
    "chip.tiles": "auto",
    "tile.buffer": "64 KiB",
    "replication": "none",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("array.cols == array.rows", True),
        ("array.cols != array.rows", False),
        ("arch.array.rows == 64", True),
        ("array.rows == 64.0", True),
        ("32 < array.rows <= 64", True),
        ("32 < array.rows < 64", False),
        ("array.rows > 64 or array.cols == 64", True),
        ("array.rows > 64 or array.cols == 64 and seed == 4", False),
        ("not (array.rows > 64)", True),
        ("array.rows * array.cols == 4096", True),
        ("array.rows // 5 == 12 and array.rows % 5 == 4 and array.rows / 5 == 12.8", True),
        ("array.rows + 1 - 2 == 63", True),
        ("-array.rows == -64", True),
        ("2 ** 6 == array.rows", True),
        ("seed % 2 == 1", True),
        ("faults.on == 0.001", True),
        ("workload == vgg8", True),
        ("workload != 'nets/mine.json'", True),
        ("arch == isaac_8bit", True),
        ("adc.policy == lossless", True),
        ("clip == adc.policy", False),
        ("chip.tiles == auto", True),
        ("chip.tiles == 4", False),
        ("replication == none", True),
        ("array.flip_columns", True),
        ("not array.flip_columns", False),
        ("array.flip_columns == false", False),
        ("adc.bits == null or adc.bits <= 8", True),
        ("adc.bits != null and adc.bits <= 8", False),
        ("array.rows_per_read != null", False),
        ("array.cycle <= 100 ns", True),
        ("array.cycle<=100ns", True),
        ("0.1 us == array.cycle", True),
        ("array.cycle == '100 ns'", True),
        ("array.cycle > 100ns or seed==3", True),
        ("array.cycle >= 2 * cell.read_pulse", True),
        ("array.cycle - cell.read_pulse == 50 ns", True),
        ("array.cycle * clock == 128", True),
        ("array.cycle * clock > 128", False),
        ("tile.buffer / array.rows >= 1 KiB", True),
        ("cell.g_on * cell.read_voltage ** 2 * cell.read_pulse < 0.1 pJ", True),
        ("array.rows == 64\n and array.cols == 64", True),
    ],
)
def test_a_condition_holds_or_not(text: str, expected: bool) -> None:
    assert parse_condition(text).holds(VALUES) is expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty (e.g. 'array.cols == array.rows')"),
        ("1 == 1", "names no key, so it leaves out all points or none"),
        ("rows == 64", "rows: unknown key (did you mean 'array.rows'?)"),
        ("array.rowz == 64", "array.rowz: unknown key (did you mean 'array.rows'?)"),
        ("fault.on == 0", "fault.on: unknown key (did you mean 'faults.on'?)"),
        ("array == 3", "array: a section, not a key"),
        ("seed == rows + 1", "rows: unknown key (did you mean 'array.rows'?)"),
        ("rows", "rows: unknown key"),
        ("array.rows = 64", "write '==' to compare"),
        ("array.rows =< 64", "write '<=' for '=<'"),
        ("seed == 1 && seed == 2", "write 'and' for '&&'"),
        ("array.rows ==", "not a condition (allowed: comparisons, and, or, not"),
        ("array.rows == 64and seed == 3", "not a condition"),
        ("array.rows == \x00", "not a condition"),
        ("(" * 400 + "seed" + ")" * 400, "not a condition"),
        ("seed + " * 300 + "seed == 1", "2109 characters; allowed: 1000"),
        ("array.rows", "array.rows is a number without a unit, not a comparison"),
        ("array.rows and seed == 3", "array.rows is a number without a unit, not a comparison"),
        ("array.rows in (1, 2)", "'(1, 2)' is not allowed"),
        ("array.rows is 64", "compares by ==, !=, <, <=, >, >= only"),
        ("__import__('os').system('true')", "is not allowed"),
        ("seed.__class__ == 3", "seed.__class__: unknown key"),
        ("(lambda: seed)() == 3", "is not allowed"),
        ("[s for s in seed] == 3", "is not allowed"),
        ("seed == 1e999", "is not allowed"),
        ("array.cycle <= 100", "100 has no unit (give a time, e.g. '100 ns')"),
        ("array.cycle <= 100 mV", "array.cycle is a time, 100 mV is a voltage"),
        ("array.cycle <= 1 parsec", "'1 parsec' has an unknown unit 'parsec'"),
        ("array.rows <= 8 ns", "array.rows is a number without a unit, 8 ns is a time"),
        ("array.cycle + 5 == 1 s", "array.cycle is a time and 5 is a number without a unit: '+'"),
        ("array.cycle ** 2 == 1 s", "is a quantity of another dimension, 1 s is a time"),
        ("array.cycle ** seed == 1 s", "a quantity takes whole powers only"),
        ("adc.policy == clipp", "'clipp' is not a value of adc.policy (one of clip, full, lossle"),
        ("chip.tiles == aut", "(did you mean 'auto'?)"),
        ("workload == vg8", "(did you mean 'vgg8'?)"),
        ("arch == isac_8bit", "(did you mean 'isaac_8bit'?)"),
        ("array.rows == 'x'", "'x' is not a value of array.rows (1 to 4096)"),
        ("adc.policy > clip", "clip is a word, which '>' cannot compare"),
        ("adc.policy > 3", "adc.policy is a word, which '>' cannot compare"),
        ("adc.policy == 3", "adc.policy is a word, 3 is a number without a unit"),
        ("adc.policy + 1 == 3", "adc.policy is a word, not a number"),
        ("adc.bits < null", "null is null, which '<' cannot compare"),
        ("'a' == 'b' and seed == 1", "'a' is compared with b, which is no key of words"),
        ("array.flip_columns == 1", "array.flip_columns is true or false, 1 is a number"),
    ],
)
def test_nonsense_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        parse_condition(text)
    message = str(error.value)
    assert message.startswith("where ")
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("adc.bits <= 8", "adc.bits is null at a point, not a number (ask for `== null` first)"),
        ("adc.bits + 1 == 8", "adc.bits is null at a point"),
        ("chip.tiles <= 8", "chip.tiles is 'auto' at a point, not a number"),
        ("array.rows % (seed - 3) == 0", "zero (at array.rows 64, seed 3)"),
        ("array.rows ** 9 ** 9 ** 9 > 1", "is too large"),
        ("array.rows ** (array.rows ** 9) > 1", "is too large"),
        ("(0 - array.rows) ** 0.5 > 1", "is not a real number"),
        ("1e300 ** array.rows > 1", "Numerical result out of range"),
        ("pe.arrays == 8", "pe.arrays has no value here"),
    ],
)
def test_what_cannot_be_computed_at_a_point_is_told(text: str, problem: str) -> None:
    condition = parse_condition(text)
    with pytest.raises(InputError, match="^where ") as error:
        condition.holds(VALUES)
    assert problem in str(error.value)


def test_a_condition_knows_its_keys() -> None:
    condition = parse_condition("arch.array.cols == array.rows and workload == vgg8")
    assert condition.keys == ("array.cols", "array.rows", "workload")
    assert condition == parse_condition(" arch.array.cols ==  array.rows and workload == vgg8 ")


def test_a_condition_is_text() -> None:
    with pytest.raises(InputError, match="where 3: not text"):
        parse_condition(3)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=80)
@given(
    rows=st.integers(1, 4096),
    cols=st.integers(1, 4096),
    compare=st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
    operation=st.sampled_from(["+", "-", "*", "//", "%"]),
    number=st.integers(1, 100),
)
def test_whole_numbers_behave_as_in_python(
    rows: int, cols: int, compare: str, operation: str, number: int
) -> None:
    text = f"array.rows {operation} {number} {compare} array.cols"
    expected = eval(f"{rows} {operation} {number} {compare} {cols}")
    values = {"array.rows": rows, "array.cols": cols}
    assert parse_condition(text).holds(values) is expected


PARTS = (
    "array.rows array.cycle adc.policy clip null true 3 5ns 'x' ( ) and or not == < + ** % . ,"
    ' [ ] : lambda if \\ " 1e5 __class__'
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(PARTS.split()), max_size=9))
def test_any_text_is_read_or_refused_in_words(parts: list[str]) -> None:
    text = " ".join(parts)
    try:
        found = parse_condition(text).holds(VALUES)
    except InputError as error:
        told = str(error)
    else:
        told = f"where {found}"
    assert told.startswith("where ")
