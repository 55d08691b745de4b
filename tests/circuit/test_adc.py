"""Which code does a column sum become, over which range?"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar import load_arch
from crossbar.circuit.adc import (
    Adc,
    make_adc,
    make_unit_adc,
    pedestal_levels,
    resolution,
    unit_resolution,
)

RERAM = {
    "cell.kind": "reram",
    "cell.g_on": "15 uS",
    "cell.g_off": "1 uS",
    "cell.bits": 2,
    "array.flip_columns": False,
    "adc.policy": "full",
}
PAIRS = {"array.encoding": "differential", "array.subtract": "analog"}


def chip(**overrides: Any) -> Any:
    return load_arch("isaac_8bit", {key.replace("__", "."): v for key, v in overrides.items()})


def reram(more: dict[str, Any]) -> Any:
    return load_arch("isaac_8bit", RERAM | more)


def exact_code(s: float, s_max: float, high: int) -> int:
    """Round half up by rational numbers, not yet clipped."""
    return math.floor(Fraction(s) * high / Fraction(s_max) + Fraction(1, 2))


@given(
    bits=st.integers(2, 12),
    s_max=st.integers(1, 3000),
    bound=st.integers(0, 6000),
    signed=st.booleans(),
    s=st.integers(0, 6000),
)
def test_the_fixed_point_code_is_exact_up_to_the_largest_possible_sum(
    bits: int, s_max: int, bound: int, signed: bool, s: int
) -> None:
    adc = Adc(bits, s_max, True, signed, float(bound))
    reach = max(s_max, bound)
    factor, bias, shift = adc.fixed_point
    sums = [min(s, reach), reach]
    if signed:
        sums += [-each for each in sums]
    for each in sums:
        expected = exact_code(each, s_max, adc.high)
        assert (each * factor + bias) >> shift == expected
        assert ((each + s_max) * factor + bias >> shift) - adc.high == expected
        clipped = min(max(expected, adc.low), adc.high)
        assert adc.convert(np.array([each])).item() == clipped
        assert adc.saturates(np.array([each])).item() == (clipped != expected)


def test_every_tie_of_a_signed_range_is_rounded_up() -> None:
    adc = Adc(4, 14, True, True, 100.0)  # lsb 2: every odd sum is a tie
    factor, bias, shift = adc.fixed_point
    for s in range(-100, 101):
        assert (s * factor + bias) >> shift == math.floor(s / 2 + 0.5)


@given(
    bits=st.integers(2, 10),
    s_max=st.floats(0.3, 2000.0),
    bound=st.integers(1, 4000),
    signed=st.booleans(),
    share=st.floats(0.0, 1.0),
)
def test_the_fixed_point_code_of_a_real_range_is_the_nearest(
    bits: int, s_max: float, bound: int, signed: bool, share: float
) -> None:
    adc = Adc(bits, s_max, True, signed, float(bound))
    reach = max(bound, math.ceil(s_max))
    s = round(share * reach)
    factor, bias, shift = adc.fixed_point
    for each in (s, -s) if signed else (s,):
        found = (each * factor + bias) >> shift
        assert abs(found - Fraction(each) * adc.high / Fraction(s_max)) <= 0.5 + 1e-6
        clipped = min(max(found, adc.low), adc.high)
        assert adc.convert(np.array([each])).item() == clipped
        assert adc.saturates(np.array([each])).item() == (clipped != found)
        apart = abs(Fraction(each) * adc.high / Fraction(s_max) % 1 - Fraction(1, 2))
        if apart > 1e-6:
            assert adc.convert_real(np.array([float(each)])).item() == clipped


def test_sums_beyond_all_bounds_saturate() -> None:
    far = np.array([-(10**15), 10**15])
    for signed in (False, True):
        adc = Adc(8, 40.3, True, signed, 100.0)
        assert adc.convert(far).tolist() == [adc.low, adc.high]
        assert adc.convert_real(far.astype(float)).tolist() == [adc.low, adc.high]


@given(
    bits=st.integers(2, 10),
    s_max=st.floats(0.01, 1e6),
    signed=st.booleans(),
    share=st.floats(-1.2, 1.2),
)
def test_a_real_sum_gets_the_code_of_rational_arithmetic(
    bits: int, s_max: float, signed: bool, share: float
) -> None:
    adc = Adc(bits, s_max, True, signed)
    s = share * s_max
    apart = abs(Fraction(s) * adc.high / Fraction(s_max) % 1 - Fraction(1, 2))
    if apart < Fraction(1, 10**9):
        return  # floating point may round a tie either way
    expected = exact_code(s, s_max, adc.high)
    clipped = min(max(expected, adc.low), adc.high)
    assert adc.convert_real(np.array([s])).item() == clipped
    assert adc.saturates_real(np.array([s])).item() == (clipped != expected)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("s_max", [1, 17, 384, 40.3, 0.02])
def test_zero_is_a_code(s_max: float, full: bool, signed: bool) -> None:
    adc = Adc(6, s_max, full, signed)
    assert adc.convert(np.zeros(1, np.int64)).item() == 0
    assert adc.convert_real(np.zeros(1)).item() == 0
    factor, bias, shift = adc.fixed_point
    assert (0 * factor + bias) >> shift == 0


def test_a_converter_too_wide_for_64_bits_is_an_error_not_a_wrong_code() -> None:
    with pytest.raises(OverflowError, match="16 bits over s_max 1000000000"):
        Adc(16, 10**9, True, False).fixed_point  # noqa: B018


def test_the_converter_spans_a_pedestal_that_nothing_took_away() -> None:
    # 128 rows of at most 3 levels; g_step = 14 / 3 uS, so g_off counts 3 / 14 of a level
    pedestal = 3.0 / 14.0
    for kind in ("none", "digital"):
        arch = reram({"cell.pedestal": kind})
        assert pedestal_levels(arch) == pytest.approx(pedestal, rel=1e-12)
        assert make_adc(arch).s_max == pytest.approx(128 * (3 + pedestal), rel=1e-12)
        assert make_unit_adc(arch).s_max == make_adc(arch).s_max
    assert make_adc(reram({"cell.pedestal": "reference"})).s_max == 384
    assert isinstance(make_adc(reram({"cell.pedestal": "reference"})).s_max, int)
    groups = reram({"cell.pedestal": "none", "array.rows_per_read": 16, "dac.bits": 2})
    assert make_adc(groups).s_max == pytest.approx(3 * 16 * (3 + pedestal), rel=1e-12)
    flipped = reram({"cell.pedestal": "none", "array.flip_columns": True})
    assert make_adc(flipped).s_max == pytest.approx(128 * (1.5 + pedestal), rel=1e-12)
    assert make_adc(flipped).bound == pytest.approx(128 * (3 + pedestal), rel=1e-12)


def test_pedestals_of_a_pair_cancel() -> None:
    arch = reram({"cell.pedestal": "none", **PAIRS})
    assert pedestal_levels(arch) == 0.0
    adc = make_adc(arch)
    assert (adc.s_max, adc.signed) == (384, True)


def test_the_pedestal_of_a_magnetic_cell_is_over_half_of_a_level() -> None:
    arch = load_arch(
        "isaac_8bit",
        {
            "cell": {
                "kind": "sot_mram",
                "bits": 1,
                "g_on": "178 uS",
                "tmr": 1.712,
                "read_voltage": "0.1 V",
                "read_pulse": "10 ns",
                "pedestal": "none",
            },
            "array.flip_columns": False,
            "adc.policy": "full",
        },
    )
    assert pedestal_levels(arch) == pytest.approx(1 / 1.712, rel=1e-12)  # g_off / (g_on - g_off)
    assert make_adc(arch).s_max == pytest.approx(128 * (1 + 1 / 1.712), rel=1e-12)


def test_lossless_bits_hold_the_largest_sum_pedestal_included() -> None:
    plain = {"adc.policy": "lossless", "adc.bits": None}
    assert make_adc(reram({"cell.pedestal": "reference", **plain})).bits == 9  # 384
    wide = reram({"cell.pedestal": "none", "cell.g_off": "10 uS", **plain})  # 128 * (3 + 6) = 1152
    assert make_adc(wide).bits == 11
    for arch in (wide, reram({"cell.pedestal": "none", **plain, **PAIRS})):
        adc = make_adc(arch)
        assert not adc.saturates_real(np.array([adc.s_max])).item()
        narrower = Adc(adc.bits - 1, adc.s_max, False, adc.signed)
        assert narrower.saturates_real(np.array([adc.s_max])).item()


def test_rows_driven_with_a_sign_need_signed_converters() -> None:
    arch = chip(dac__signed="sign_magnitude", adc__policy="lossless", adc__bits=None)
    adc, units = make_adc(arch), make_unit_adc(arch)
    assert (adc.signed, adc.bits, adc.s_max) == (True, 9, 192)  # flipped: 192, and a sign
    assert (units.signed, units.bits) == (True, 10)
    both = np.array([-192, 192])
    assert adc.convert(both).tolist() == both.tolist()
    assert not make_adc(chip(dac__signed="offset")).signed


def test_a_calibrated_range_is_that_of_the_data_and_exact_beyond_it() -> None:
    arch = chip(adc__policy="calibrated", adc__bits=6, array__flip_columns=False)
    before = make_adc(arch)
    assert (before.s_max, before.full) == (384, True)
    adc = make_adc(arch, 41.0)
    assert (adc.s_max, adc.full, adc.bound) == (41, True, 384)
    assert isinstance(adc.s_max, int)
    assert adc.lsb == pytest.approx(41 / 63)
    factor, bias, shift = adc.fixed_point
    s = np.arange(385)
    expected = np.array([exact_code(each, 41, 63) for each in range(385)])
    assert np.array_equal((s * factor + bias) >> shift, expected)
    assert np.array_equal(adc.convert(s), np.minimum(expected, 63))
    assert adc.saturates(s).sum() == (expected > 63).sum()
    assert make_adc(arch, 40.25).s_max == 40.25
    assert make_adc(arch, 0.0).s_max == 1
    assert make_unit_adc(arch).s_max == 384


@pytest.mark.parametrize("s_max", [-1.0, math.inf, math.nan])
def test_a_range_that_is_none_is_refused(s_max: float) -> None:
    with pytest.raises(ValueError, match="s_max"):
        make_adc(chip(adc__policy="calibrated"), s_max)


def test_only_a_calibrated_converter_takes_a_range() -> None:
    with pytest.raises(ValueError, match=r"adc\.policy full"):
        make_adc(chip(adc__policy="full"), 100.0)


def test_unit_columns_count_only_where_there_are_any() -> None:
    ideal = {"adc.policy": "lossless", "adc.bits": None}
    digital = load_arch("isaac_8bit", ideal)
    column = load_arch("isaac_8bit", {**ideal, "array.input_sum": "column"})
    assert (unit_resolution(digital), resolution(digital)) == (8, 8)
    assert (unit_resolution(column), resolution(column)) == (9, 9)
