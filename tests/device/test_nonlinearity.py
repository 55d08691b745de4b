"""Is the current of a cell that of its curve, at every drive?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.device.nonlinearity import cell_current, is_linear
from tests.device.chips import chip, magnetic

G = np.array([[50e-6, 100e-6], [75e-6, 225e-6]])
bits = st.integers(1, 4)
OHMIC = (chip().cell, load_arch("isaac_8bit").cell, magnetic().cell)


def milo(**keys):
    return chip("50 uS", "225 uS", nonlinearity="milo_2021", **keys).cell


@given(bits, st.floats(-20, 20))
def test_ohms_law_is_a_product(dac_bits, drive):
    for cell in OHMIC:
        assert np.array_equal(cell_current(cell, G, drive, (1 << dac_bits) - 1), G * drive)
        assert is_linear(cell, (1 << dac_bits) - 1)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 20), bits, st.floats(0.01, 1))
def test_sinh_is_its_formula_and_ohms_law_at_the_read_voltage(alpha, dac_bits, share):
    full = (1 << dac_bits) - 1
    cell = chip(nonlinearity={"kind": "sinh", "alpha": alpha}, read_voltage="0.3 V").cell
    assert cell_current(cell, G, full, full) == pytest.approx(G * full, rel=1e-12)
    v, step = 0.3 * share, 0.3 / full
    current = cell_current(cell, G, share * full, full) * step
    expected = G * 0.3 * math.sinh(alpha * v / 0.3) / math.sinh(alpha)
    assert current == pytest.approx(expected, rel=1e-12)
    assert cell_current(cell, G, -share * full, full) == pytest.approx(-current / step)
    assert is_linear(cell, full) == (full == 1)


def test_a_straight_sinh_is_ohms_law():
    cell = chip(nonlinearity={"kind": "sinh", "alpha": 0.001}).cell
    drive = np.arange(16.0)[:, None, None]
    assert cell_current(cell, G, drive, 15) == pytest.approx(G * drive, rel=1e-6)


def test_milo_is_its_polynomial():
    """By hand at 100 uS, log10 g = -4: a = -8.2e-6 A/V^2, b = -6e-7 A/V^3."""
    cell = milo(read_voltage="0.5 V")
    for drive in (-3, -1, 0, 1, 2, 3):
        v = drive * 0.5 / 3
        expected = 1e-4 * v - 8.2e-6 * v**2 - 6e-7 * v**3
        current = cell_current(cell, np.array([1e-4]), drive, 3)[0] * 0.5 / 3
        assert current == pytest.approx(expected, rel=1e-6, abs=1e-20)
    assert not is_linear(cell, 1)


MILO = milo(read_voltage="0.4 V")


@given(st.floats(50e-6, 225e-6), st.floats(-1, 1))
def test_milo_is_its_polynomial_at_every_conductance(g, share):
    x, v = math.log10(g), 0.4 * share
    a = 1.388e-4 * x**3 + 1.541e-3 * x**2 + 5.711e-3 * x + 7.063e-3
    b = 8.871e-5 * x**2 + 6.7919e-4 * x + 1.2968e-3
    current = cell_current(MILO, np.array([g]), 15 * share, 15)[0] * 0.4 / 15
    assert current == pytest.approx(g * v + a * v**2 + b * v**3, rel=1e-6, abs=1e-15)


def test_beyond_its_range_the_bend_of_milo_stays():
    """A cell may leave the range by its programming error; the bend does not run away."""
    cell = milo(read_voltage="0.5 V")
    bend = [
        cell_current(cell, np.array([g]), 1, 1)[0] - g for g in (0.0, 40e-6, 50e-6, 225e-6, 300e-6)
    ]
    assert bend[0] == pytest.approx(bend[2])
    assert bend[1] == pytest.approx(bend[2])
    assert bend[3] == pytest.approx(bend[4])


def test_a_magnetic_cell_has_more_contrast_at_less_voltage():
    """The antiparallel state by its own formula at each voltage; the parallel state is Ohm's."""
    cell = magnetic(tmr_half_voltage="0.4 V", read_voltage="0.3 V").cell
    g = np.array([cell.g_off, cell.g_on, (cell.g_off + cell.g_on) / 2])
    for digit in (1, 2, 3):
        v = 0.3 * digit / 3
        low = cell.g_on / (1 + 1.712 / (1 + (v / 0.4) ** 2))
        expected = np.array([low, cell.g_on, (low + cell.g_on) / 2]) * digit
        assert cell_current(cell, g, digit, 3) == pytest.approx(expected)
    assert cell_current(cell, g, 1, 1) == pytest.approx(g)
    assert is_linear(cell, 1)
    assert not is_linear(cell, 3)


@pytest.mark.parametrize("cell", [chip().cell, milo(), magnetic(tmr_half_voltage="0.4 V").cell])
def test_conductances_and_drives_broadcast(cell):
    drive = np.arange(4.0)[:, None, None]
    whole = cell_current(cell, G, drive, 3)
    assert whole.shape == (4, 2, 2)
    assert not whole[0].any()
    for d in range(4):
        assert np.array_equal(whole[d], cell_current(cell, G, float(d), 3))
