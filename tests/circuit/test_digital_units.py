"""Do the digital units cost what their source says, part by part?"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.circuit import arithmetic
from crossbar.circuit.embedding_table import fetch_energy
from crossbar.circuit.matmul_unit import mac_energy, matmul_area, operand_bits
from crossbar.circuit.multiplier import multiplier_area, multiplier_energy
from crossbar.circuit.norm_unit import norm_area, norm_energy
from crossbar.circuit.softmax_unit import softmax_area, softmax_energy
from crossbar.workload.operations import norm_operations, softmax_operations

PJ, UM2 = 1e-12, 1e-12
SMALLER = 32 / 45
"""How much shorter a gate is than in Horowitz's table."""

BITS, MACS = st.integers(1, 16), st.integers(1, 1 << 20)


@pytest.mark.parametrize(
    ("bits", "energy", "area", "off"),
    [(8, 0.03, 36, 0.17), (16, 0.05, 67, 0), (32, 0.1, 137, 0.03)],
)
def test_adders_are_those_of_horowitz(bits: int, energy: float, area: float, off: float) -> None:
    assert arithmetic.add_energy(bits) / SMALLER == pytest.approx(energy * PJ, rel=off or 1e-9)
    assert arithmetic.add_area(bits) / SMALLER**2 == pytest.approx(area * UM2, rel=off or 1e-9)


@pytest.mark.parametrize(
    ("bits", "energy", "area", "off"), [(8, 0.2, 282, 0), (32, 3.1, 3495, 0.3)]
)
def test_multipliers_are_those_of_horowitz(
    bits: int, energy: float, area: float, off: float
) -> None:
    energies = arithmetic.multiply_energy(bits, bits) / SMALLER
    assert energies == pytest.approx(energy * PJ, rel=0.04 if off else 1e-9)
    areas = arithmetic.multiply_area(bits, bits) / SMALLER**2
    assert areas == pytest.approx(area * UM2, rel=off or 1e-9)


def test_a_multiply_accumulate_without_registers_is_the_published_one() -> None:
    # Horowitz: 0.2 pJ and 0.1 pJ at 45 nm
    registers = operand_bits(8, 256) * 1.24e-3 * 100e-9 / 1024
    assert (mac_energy(8, 256) - registers) / SMALLER == pytest.approx(0.3 * PJ)
    assert mac_energy(8, 256) == pytest.approx(0.3344 * PJ, rel=1e-3)


def test_operands_of_a_square_are_used_along_its_sides() -> None:
    side, bits = 16, 8  # a column and a row of the operands a clock
    assert operand_bits(bits, side * side) == pytest.approx(2 * side * bits / side**2)
    assert operand_bits(bits, 1) == 2 * bits


def test_a_matmul_unit_is_its_parts() -> None:
    parts = 282 * SMALLER**2 + 2 * 67 * SMALLER**2 + (32 + 1) * 2100 / 16384
    assert matmul_area(8, 256) == pytest.approx(256 * parts * UM2)


@pytest.mark.parametrize("n", [1000, 100_000])
def test_a_long_row_of_softmax_costs_its_mix(n: int) -> None:
    add = 0.05 * SMALLER / 16
    exact = (
        (n - 1) * 8 * add  # compare
        + n * 8 * add  # subtract
        + (n + 1) * 0.2  # exponentials, and the reciprocal
        + (n - 1) * 32 * add
        + n * 0.2 * 2 * SMALLER  # 8 x 16 bits
    )
    found = softmax_operations((n,)) * softmax_energy(8) / PJ
    assert found == pytest.approx(exact, rel=2 / n)


@pytest.mark.parametrize("n", [1000, 100_000])
def test_the_norm_of_many_elements_costs_its_mix(n: int) -> None:
    add = 0.05 * SMALLER * 2
    mean, squares = n * add, n * (0.2 * SMALLER + add)
    scaled, affine = (n * (0.4 * SMALLER + add) for _ in range(2))
    found = norm_operations((n,)) * norm_energy(8) / PJ
    assert found == pytest.approx(mean + squares + scaled + affine, rel=1 / n)


def test_areas_of_units_with_a_lane_each() -> None:
    product = 282 * SMALLER**2
    adders = 67 * SMALLER**2
    assert multiplier_area(8, 24) == pytest.approx(24 * product * UM2)
    assert norm_area(8, 24) == pytest.approx(24 * (2 * product + 2 * adders) * UM2)
    table = 256 * 2100 / 2048
    softmax = 2 * product + 2.5 * adders + table
    assert softmax_area(8, 24) == pytest.approx(24 * softmax * UM2)


def test_an_embedding_is_fetched_by_the_bit() -> None:
    assert fetch_energy(8, 3.7e-12) == pytest.approx(29.6 * PJ)
    assert fetch_energy(4, 0.0) == 0


@given(bits=BITS, macs=MACS)
def test_more_bits_cost_more_and_larger_units_less_each(bits: int, macs: int) -> None:
    for energy in (multiplier_energy, softmax_energy, norm_energy):
        assert 0 < energy(bits) < energy(bits + 1)
    assert mac_energy(bits, macs) < mac_energy(bits + 1, macs)
    assert mac_energy(bits, macs) > mac_energy(bits, macs + 1)
    assert matmul_area(bits, macs) < matmul_area(bits, macs + 1)
    for area in (multiplier_area, softmax_area, norm_area):
        assert area(bits, 3) == pytest.approx(3 * area(bits, 1))
        assert area(bits, 1) < area(bits + 1, 1)


@given(a=BITS, b=BITS)
def test_a_multiplication_grows_with_both_operands(a: int, b: int) -> None:
    one = arithmetic.multiply_energy(1, 1)
    assert math.isclose(arithmetic.multiply_energy(a, b), a * b * one)
    assert math.isclose(arithmetic.multiply_area(a, b), a * b * arithmetic.multiply_area(1, 1))


@given(bits=BITS)
def test_a_sum_has_room_for_65536_products(bits: int) -> None:
    largest = 65536 * (2**bits - 1) ** 2
    assert largest < 2 ** arithmetic.sum_bits(bits)
