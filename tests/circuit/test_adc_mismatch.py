"""Do single converters err as much as their figures say, and in the way of their kind?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crossbar import build_plan, load_arch
from crossbar.circuit.adc import Adc, make_adc
from crossbar.circuit.adc_mismatch import (
    Converters,
    adc_number,
    conversion_noise,
    converter_instances,
    find_codes,
    threshold_table,
)
from crossbar.circuit.bow import bows
from crossbar.mapping.converters import adc_loads

KINDS = ("sar", "pipeline", "ramp", "flash")


def chip(bits: int = 8, **adc: Any) -> Any:
    keys = {"adc.policy": "full", "adc.bits": bits}
    return load_arch("isaac_8bit", keys | {f"adc.{key}": value for key, value in adc.items()})


def instances(arch: Any, count: int, seed: int = 1) -> Converters:
    found = converter_instances(arch, make_adc(arch), np.arange(count), seed)
    assert found is not None
    return found


def normals(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(5).standard_normal(shape)


def near(values: NDArray[np.float64], expected: float, slack: float = 0.0) -> None:
    """The mean is the expected one within 5 standard errors, which are small enough to tell."""
    error = values.std(ddof=1) / math.sqrt(len(values))
    assert 5 * error < 0.25 * expected
    assert abs(values.mean() - expected) < 5 * error + slack * expected


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_without_errors_the_thresholds_lie_halfway_between_codes(kind: str, bits: int) -> None:
    table = threshold_table(kind, bits, 0.0, normals(3, 1 << bits))
    assert np.array_equal(table[:, 1:], np.tile(np.arange(1, 1 << bits) - 0.5, (3, 1)))
    assert np.all(np.isneginf(table[:, 0]))


@pytest.mark.parametrize("bits", [2, 5, 8])
@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_are_uneven_by_the_dnl(kind: str, bits: int) -> None:
    # the mean square over the codes of each converter, averaged over 4,000 of them
    table = threshold_table(kind, bits, 0.1, normals(4000, 1 << bits))
    steps = np.diff(table[:, 1:], axis=1) - 1
    near((steps**2).mean(1), 0.1**2, slack=0.02)  # to first order in dnl


@pytest.mark.parametrize("kind", ["sar", "pipeline", "ramp"])
def test_uneven_steps_leave_the_ends_of_the_range_where_they_are(kind: str) -> None:
    table = threshold_table(kind, 6, 0.3, normals(50, 64))
    assert np.allclose(table[:, -1], 62.5)
    assert table[:, 32].std() > 0.1
    if kind == "ramp":
        assert np.allclose(table[:, 1], 0.5)


def test_capacitors_err_most_where_all_bits_change() -> None:
    # e_m - sum of e_b below: 2^(m + 1) - 1 unit variances before the ends are tied together, which
    # takes the common 1 / (2^bits - 1) of them away
    bits, many = 8, 20000
    table = threshold_table("sar", bits, 0.05, normals(many, 1 << bits))
    steps = np.diff(table[:, 1:], axis=1) - 1
    total = 2.0**bits - 1
    unit = 0.05**2 * (2**bits - 2) / (2**bits * (bits - 1) - 1 + 1 / total)
    for m in (1, 4, 7):
        carries = steps[:, (1 << m) - 2]  # from 2^m - 1 to 2^m
        near(carries**2, unit * ((2 << m) - 1 - 1 / total), slack=0.02)


def test_a_flash_converter_errs_independently_at_every_threshold() -> None:
    table = threshold_table("flash", 6, 0.2, normals(4000, 64))
    errors = table[:, 1:] - np.arange(1, 64) + 0.5
    together = np.corrcoef(errors.T)[np.triu_indices(63, 1)]
    assert abs(together).max() < 5.5 / math.sqrt(4000)  # of 1,953 pairs
    near((errors**2).mean(1), 0.2**2 / 2)


def test_the_errors_of_a_ramp_add_up_to_its_middle_and_back() -> None:
    # a random walk held at both ends: variance j (n - j) / (n - 1) steps after j of n steps
    bits, dnl = 6, 0.1
    table = threshold_table("ramp", bits, dnl, normals(6000, 1 << bits))
    n = (1 << bits) - 2
    for j in (1, n // 4, n // 2):
        near((table[:, 1 + j] - j - 0.5) ** 2, dnl**2 * j * (n - j) / (n - 1))


def residues(gains: NDArray[np.float64], bits: int, s: float) -> int:
    """Code of a chain of stages that compare with half of the range and double what is left."""
    half, left, code = 2.0 ** (bits - 1), s, 0
    for stage in range(bits):
        bit = int(left >= half)
        code = 2 * code + bit
        left = 2.0 * gains[stage] * (left - bit * half)
    return code


def test_a_pipeline_is_a_chain_of_stages_that_amplify_what_is_left() -> None:
    bits = 6
    draws = normals(4, 1 << bits)
    table = threshold_table("pipeline", bits, 0.2, draws)
    converters = Converters(bits, 0, np.zeros(4), np.ones(4), table, 0.0)
    s = np.random.default_rng(3).uniform(-2.0, 66.0, 600)
    for i in range(4):
        weights = np.array([table[i, 1 << b] + 0.5 for b in reversed(range(bits))])
        gains = np.append(weights[:-1] / weights[1:] / 2.0, 1.0)
        scale = weights[0] / 2.0 ** (bits - 1)
        assert abs(gains - 1).max() > 1e-3
        expected = [residues(gains, bits, (each + 0.5) / scale) for each in s]
        assert find_codes(converters, np.full(600, i), s).tolist() == expected


def test_successive_approximation_adds_capacitors_as_long_as_they_fit() -> None:
    bits = 7
    table = threshold_table("sar", bits, 0.8, normals(5, 1 << bits))
    assert (np.diff(table[:, 1:], axis=1) < 0).any()  # uneven enough to miss codes
    converters = Converters(bits, 0, np.zeros(5), np.ones(5), table, 0.0)
    s = np.random.default_rng(4).uniform(-3.0, 130.0, (5, 300))
    found = find_codes(converters, np.arange(5)[:, None], s)
    for i in range(5):
        capacitors = [table[i, 1 << b] + 0.5 for b in range(bits)]
        for value, code in zip(s[i], found[i], strict=True):
            held = expected = 0.0
            for b in reversed(range(bits)):
                if value + 0.5 >= held + capacitors[b]:
                    held += capacitors[b]
                    expected += 1 << b
            assert code == expected


@pytest.mark.parametrize("kind", ["ramp", "flash"])
@pytest.mark.parametrize("signed", [False, True])
def test_a_code_counts_the_thresholds_that_are_reached(kind: str, signed: bool) -> None:
    arch = chip(6, kind=kind, dnl=0.9, inl=1.5, offset=0.7, gain_error=0.02)
    adc = Adc(6, 100.0, True, signed)
    converters = converter_instances(arch, adc, np.arange(6), 3)
    assert converters is not None
    assert converters.thresholds is not None
    assert (np.diff(converters.thresholds[:, 1:], axis=1) >= 0).all()
    which = np.random.default_rng(0).integers(0, 6, 2000)
    s = np.random.default_rng(1).uniform(adc.low - 3.0, adc.high + 3.0, 2000)
    reached = (s[:, None] >= converters.thresholds[which][:, 1:]).sum(1)
    codes = find_codes(converters, which, s)
    assert np.array_equal(codes, adc.low + reached)
    assert (codes.min(), codes.max()) == (adc.low, adc.high)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bow_is_as_large_as_the_inl_and_no_larger(kind: str) -> None:
    converters = instances(chip(8, kind=kind, inl=0.4), 200)
    assert converters.thresholds is not None
    errors = converters.thresholds[:, 1:] - np.arange(1, 256) + 0.5
    assert np.allclose(abs(errors).max(1), 0.4, rtol=1e-9)
    assert np.allclose(errors[:, [0, -1]], 0.0)
    upwards = (errors.sum(1) > 0).sum()
    assert abs(upwards - 100) < 5 * math.sqrt(50)  # either way alike


def test_bows_are_mixes_of_a_parabola_and_an_s() -> None:
    u = np.linspace(0.0, 1.0, 101)
    pure = bows(np.array([[1.0, 0.5], [0.5, 1.0], [0.0, 0.5]]), 101)
    assert np.allclose(pure[0], 4 * u * (1 - u))
    s_shape = u * (1 - u) * (1 - 2 * u)
    assert np.allclose(pure[1], s_shape / s_shape.max())
    assert np.allclose(pure[2], -pure[0])
    assert np.all(bows(np.array([[0.5, 0.5]]), 9) == 0.0)
    for points in (0, 1, 2):
        assert bows(np.array([[0.9, 0.1]]), points).tolist() == [[0.0] * points]


def test_offsets_and_gains_spread_as_they_say() -> None:
    converters = instances(chip(8, offset=0.6, gain_error=0.03), 6000)
    assert converters.thresholds is None  # even steps need no table
    near(converters.offset**2, 0.6**2)
    near((converters.gain - 1) ** 2, 0.03**2)
    assert abs(converters.offset.mean()) < 5 * 0.6 / math.sqrt(6000)
    assert abs((converters.gain - 1).mean()) < 5 * 0.03 / math.sqrt(6000)
    together = np.corrcoef(converters.offset, converters.gain)[0, 1]
    assert abs(together) < 5 / math.sqrt(6000)


@pytest.mark.parametrize("signed", [False, True])
def test_offset_and_gain_mean_the_same_with_a_table_and_without(signed: bool) -> None:
    # a bow of next to nothing makes the table
    adc = Adc(6, 100.0, True, signed)
    plain = chip(6, offset=1.3, gain_error=0.05)
    bent = chip(6, kind="sar", offset=1.3, gain_error=0.05, inl=1e-12)
    s = np.random.default_rng(2).uniform(adc.low - 5.0, adc.high + 5.0, (8, 500))
    codes = []
    for arch in (plain, bent):
        converters = converter_instances(arch, adc, np.arange(8), 9)
        assert converters is not None
        assert (converters.thresholds is None) == (arch is plain)
        codes.append(find_codes(converters, np.arange(8)[:, None], s))
    assert np.array_equal(*codes)
    expected = np.floor(converters.gain[:, None] * s + converters.offset[:, None] + 0.5)
    assert np.array_equal(codes[0], np.clip(expected, adc.low, adc.high))


@pytest.mark.parametrize("kind", KINDS)
def test_a_converter_is_the_same_whichever_others_are_asked_for(kind: str) -> None:
    arch = chip(6, kind=kind, offset=0.5, gain_error=0.01, inl=0.3, dnl=0.2)
    adc = make_adc(arch)
    everyone = instances(arch, 20)
    some = converter_instances(arch, adc, np.array([17, 3, 17]), 1)
    assert some is not None
    assert some.thresholds is not None
    assert everyone.thresholds is not None
    assert np.array_equal(some.thresholds, everyone.thresholds[[17, 3, 17]])
    assert np.array_equal(some.offset, everyone.offset[[17, 3, 17]])
    other = instances(arch, 20, seed=2)
    assert not np.isin(other.offset, everyone.offset).any()


@pytest.mark.parametrize("kind", ["ideal", *KINDS])
def test_converters_without_errors_are_none(kind: str) -> None:
    arch = chip(8, kind=kind)
    assert converter_instances(arch, make_adc(arch), np.arange(3), 1) is None


@pytest.mark.parametrize(("bits", "enob"), [(8, 6.5), (8, 7.8), (10, 7.0)])
def test_a_full_scale_sine_has_the_signal_to_noise_ratio_of_the_effective_bits(
    bits: int, enob: float
) -> None:
    arch = chip(bits, enob=enob)
    converters = converter_instances(arch, make_adc(arch), np.arange(1), 1)
    assert converters is not None
    assert converters.noise == conversion_noise(arch, bits)
    n, amplitude = 1 << 18, 2.0 ** (bits - 1) - 0.5
    rng = np.random.default_rng(7)
    sine = amplitude * (1 + np.sin(2 * np.pi * np.arange(n) * 4001 / n))
    noisy = sine + converters.noise * rng.standard_normal(n)
    # the ends clip what noise pushes beyond them, which is left out as in a measurement
    inside = abs(sine - amplitude) < amplitude - 4 * converters.noise
    wrong = (find_codes(converters, np.zeros(n, np.int64), noisy) - sine)[inside]
    ratio = 10 * math.log10(amplitude**2 / 2 / (wrong**2).mean())
    assert ratio == pytest.approx(6.02 * enob + 1.76, abs=0.1)


def test_all_bits_effective_is_no_noise() -> None:
    arch = chip(8, enob=8.0)
    assert conversion_noise(arch, 8) == 0.0
    assert converter_instances(arch, make_adc(arch), np.arange(2), 1) is None
    assert conversion_noise(chip(8, noise=0.3), 8) == 0.3


@given(arrays=st.integers(1, 9), adcs=st.integers(1, 9), first=st.integers(0, 40))
def test_neighbouring_arrays_of_a_pe_share_a_converter(arrays: int, adcs: int, first: int) -> None:
    adcs = min(adcs, arrays)
    arch = load_arch("isaac_8bit", {"pe.arrays": arrays, "pe.adcs": adcs})
    numbers = adc_number(arch, np.arange(first, first + 3 * arrays))
    in_turn = math.ceil(arrays / adcs)
    for array, number in zip(range(first, first + 3 * arrays), numbers, strict=True):
        assert number // adcs == array // arrays
        assert number % adcs == (array % arrays) // in_turn


def test_the_converters_that_the_schedule_uses_are_these() -> None:
    plan = build_plan("lenet5", load_arch("isaac_8bit", {"pe.arrays": 5, "pe.adcs": 2}))
    for layer in plan.layers:
        loads = adc_loads(plan, layer, 0)
        starts = [block for bundle in layer.bundle_blocks(0) for block in bundle.tolist()]
        across = [b.col_blocks for b in layer.bundles for _ in range(b.row_blocks)]
        arrays = [s + k for s, n in zip(starts, across, strict=True) for k in range(n)]
        assert set(loads) == set(adc_number(plan.arch, np.array(arrays)).tolist())
