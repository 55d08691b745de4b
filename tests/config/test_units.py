"""Are quantities read and written without losing or inventing anything?"""

from __future__ import annotations

import decimal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import units
from crossbar.errors import InputError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("100 ns", "s", 100e-9),
        ("10 ns", "second", 10e-9),
        ("1.28 GHz", "Hz", 1.28e9),
        ("  32nm ", "m", 32e-9),
        ("0.458 uS", "S", 0.458e-6),
        ("0.458 µS", "S", 0.458e-6),
        ("64 KiB", "byte", 65536.0),
        ("64 kB", "byte", 64000.0),
        ("1 TiB", "byte", 2.0**40),
        ("16 bit", "byte", 2.0),
        ("0.372 mm2", "m^2", 0.372e-6),
        ("0.372 mm^2", "m^2", 0.372e-6),
        ("6.4 GB/s", "byte/s", 6.4e9),
        ("5 V/kohm", "A", 5e-3),
        ("-3e2 mV", "V", -0.3),
    ],
)
def test_a_unit_gives_the_si_float_that_python_would_write(text: str, unit: str, value: float):
    assert units.parse(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("100", "s", "100 has no unit (give a time, e.g. '100 ns')"),
        ("100 mV", "s", "'100 mV' is a voltage, not a time (e.g. '100 ns')"),
        ("5 byte/s", "Hz", "'5 byte/s' is a data rate, not a frequency (e.g. '1.28 GHz')"),
        (
            "1 GS/s",
            "Hz",
            "'1 GS/s' counts samples (GS/s): give it as a frequency, e.g. '1 GHz'",
        ),
        ("2 Msps", "Hz", "'2 Msps' counts samples (Msps): give it as a frequency, e.g. '2 MHz'"),
        (
            "64 KB",
            "byte",
            "'64 KB' has an unknown unit 'KB' (did you mean 'kB' or 'KiB'?) (give a size, e.g. "
            "'64 KiB')",
        ),
        (
            "2 KHz",
            "Hz",
            "'2 KHz' has an unknown unit 'KHz' (did you mean 'kHz'?) (give a frequency, e.g. "
            "'1.28 GHz')",
        ),
        ("5 (s", "s", "'5 (s' has a malformed unit '(s' (give a time, e.g. '100 ns')"),
        ("fast", "s", "'fast' is not a number with a unit (give a time, e.g. '100 ns')"),
        ("", "s", "'' is not a number with a unit (give a time, e.g. '100 ns')"),
        ("nan s", "s", "'nan s' is not a number with a unit (give a time, e.g. '100 ns')"),
        ("1e300 Ps", "s", "'1e300 Ps' is too large (give a time, e.g. '100 ns')"),
        ("1e999999999 s", "s", "'1e999999999 s' is too large (give a time, e.g. '100 ns')"),
    ],
)
def test_a_wrong_quantity_says_what_is_wrong_and_what_to_give(text: str, unit: str, message: str):
    with pytest.raises(InputError) as error:
        units.parse(text, unit)
    assert str(error.value) == message


def test_an_application_with_another_decimal_precision_changes_no_value():
    with decimal.localcontext(decimal.Context(prec=2)):
        assert units.parse("1.23456 ms", "s") == 1.23456e-3
        assert units.exact(1.23456e-3, "s") == "1.23456 ms"


@settings(max_examples=200, deadline=None)
@given(FINITE, st.sampled_from(["s", "Hz", "S", "V", "J", "m", "m^2", "byte"]))
def test_every_digit_survives_writing_and_reading(value: float, unit: str):
    assert units.parse(units.exact(value, unit), unit) == value


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-18, 1e17), st.sampled_from(["s", "J", "Hz", "byte", "m^2"]))
def test_text_for_people_keeps_the_magnitude(value: float, unit: str):
    assert units.parse(units.text(value, unit, digits=6), unit) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5e-9, "J", "1.5 nJ"),
        (1.5625e-12, "J", "1.56 pJ"),
        (3.72e-7, "m^2", "0.372 mm2"),
        (85.4e-6, "m^2", "85.4 mm2"),
        (1.2e-9, "m^2", "1200 um2"),
        (4.1e-15, "m^2", "4100 nm2"),
        (0.0, "m^2", "0 mm2"),
        (None, "s", "-"),
        (0.0, "J", "0 J"),
        (999.9996e-9, "s", "1 us"),
        (12345.0, "s", "12300 s"),
        (65.8, "W", "65.8 W"),
        (-2.5e-3, "V", "-2.5 mV"),
        (65536, "byte", "64 KiB"),
        (300, "byte", "300 B"),
        (41.29e12, "OPS", "41.3 TOPS"),
        (1234567, "", "1230000"),
        (float("inf"), "s", "inf s"),
    ],
)
def test_text_for_people_reads_well(value: float | None, unit: str, text: str):
    assert units.text(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (100e-9, "s", "100 ns"),
        (1.28e9, "Hz", "1.28 GHz"),
        (65536, "byte", "64 KiB"),
        (2**41, "byte", "2 TiB"),
        (1 / 3, "V", "333.3333333333333 mV"),
        (0, "S", "0 S"),
    ],
)
def test_exact_text_is_the_one_a_person_would_type(value: float, unit: str, text: str):
    assert units.exact(value, unit) == text


def test_a_value_that_is_not_finite_is_not_written():
    with pytest.raises(InputError, match="nan s cannot be written: a finite number is needed"):
        units.exact(float("nan"), "s")


def test_importing_the_arch_room_does_not_import_pint():
    code = "import sys, crossbar.arch; print('pint' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
