"""Do wires carry what Kirchhoff says they carry, to the last digits?"""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.circuit.wires import effective_conductance, input_admittance, solve_array
from tests.circuit.network import Wires, solved, solved_exactly

TIGHT = 1e-10


def cells(rows, cols, top, seed=0, zeros=0.0):
    rng = np.random.default_rng(seed)
    g = top * rng.uniform(0.02, 1.0, (rows, cols))
    g[rng.random((rows, cols)) < zeros] = 0.0
    return g


def assert_same(got, true, tolerance=TIGHT):
    """Every entry by itself, small or large."""
    np.testing.assert_allclose(got, true, rtol=tolerance, atol=0.0)


REGIMES = {
    "everyday": (Wires(1.0, 1.0), 50e-6),
    "tiny wires": (Wires(1e-3, 1e-3), 1e-7),
    "strong drop": (Wires(100.0, 100.0), 1e-3),
    "unequal": (Wires(0.01, 300.0), 1e-3),
    "unequal the other way": (Wires(300.0, 0.01), 1e-3),
    "drivers and sensing": (Wires(2.0, 3.0, 500.0, 20.0), 50e-6),
    "nearly floating": (Wires(1.0, 1.0, 1e7, 1e7), 1e-4),
    "both ends": (Wires(2.0, 3.0, both_ends=True), 50e-6),
    "both ends, drivers, sensing": (Wires(2.0, 3.0, 500.0, 20.0, True), 50e-6),
    "ideal rows": (Wires(0.0, 3.0), 50e-6),
    "ideal rows, drivers": (Wires(0.0, 3.0, 500.0, 20.0), 50e-6),
    "ideal rows, drivers at both ends": (Wires(0.0, 3.0, 500.0, 0.0, True), 50e-6),
    "ideal columns": (Wires(3.0, 0.0), 50e-6),
    "ideal columns, sensing": (Wires(3.0, 0.0, 500.0, 20.0), 50e-6),
    "ideal columns, both ends": (Wires(3.0, 0.0, 500.0, 20.0, True), 50e-6),
    "drivers only": (Wires(r_driver=500.0), 50e-6),
    "sensing only": (Wires(r_sense=500.0), 50e-6),
    "drivers and sensing only": (Wires(r_driver=500.0, r_sense=50.0), 50e-6),
    "ideal": (Wires(), 50e-6),
}


@pytest.mark.parametrize("shape", [(19, 23), (1, 9), (8, 1), (16, 16), (2, 37)])
@pytest.mark.parametrize("regime", REGIMES)
def test_equals_the_full_network(regime, shape):
    wires, top = REGIMES[regime]
    g = cells(*shape, top)
    g_eff, y = solve_array(g, **asdict(wires))
    true, true_y, _ = solved(g, wires)
    assert_same(g_eff, true)
    assert_same(y, true_y)
    assert_same(effective_conductance(g, **asdict(wires)), g_eff, 1e-14)
    assert_same(input_admittance(g, **asdict(wires)), y, 1e-14)


@pytest.mark.parametrize("regime", ["everyday", "tiny wires", "strong drop"])
def test_equals_the_full_network_at_size(regime):
    wires, top = REGIMES[regime]
    g = cells(67, 50, top)
    assert_same(effective_conductance(g, **asdict(wires)), solved(g, wires)[0])


resistances = st.sampled_from([0.0, 1e-3, 0.7, 40.0, 1e4])


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 21), st.integers(1, 21)),
    st.builds(Wires, resistances, resistances, resistances, resistances, st.booleans()),
    st.sampled_from([1e-7, 1e-4, 1e-3]),
    st.sampled_from([0.0, 0.3, 0.9]),
    st.integers(0, 99),
)
def test_equals_the_full_network_for_any_shape(shape, wires, top, zeros, seed):
    g = cells(*shape, top, seed, zeros)
    g_eff, y = solve_array(g, **asdict(wires))
    true, true_y, _ = solved(g, wires)
    assert_same(g_eff, true)
    assert_same(y, true_y)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.builds(
        Wires,
        *[st.sampled_from([0.0, 1e-12, 1e-3, 1.0, 1e9])] * 4,
        st.booleans(),
    ),
    st.integers(0, 99),
)
def test_keeps_all_digits_at_any_ratio_of_resistances(shape, wires, seed):
    rng = np.random.default_rng(seed)
    g = 10.0 ** rng.uniform(-14, 0, shape) * (rng.random(shape) > 0.2)
    true, true_y = solved_exactly(g, wires)
    g_eff, y = solve_array(g, **asdict(wires))
    assert_same(g_eff, true, 1e-12)
    assert_same(y, true_y, 1e-12)


@pytest.mark.parametrize("r_row", [0.0, 1e-3])
@pytest.mark.parametrize("r_col", [0.0, 1e-3])
def test_keeps_all_digits_where_drivers_and_sensing_are_all_but_open(r_row, r_col):
    wires = Wires(r_row, r_col, 1e11, 1e12)
    g = cells(5, 6, 1e-2)
    true, true_y = solved_exactly(g, wires)
    g_eff, y = solve_array(g, **asdict(wires))
    assert_same(g_eff, true, 1e-13)
    assert_same(y, true_y, 1e-13)


def test_one_cell():
    g = np.array([[1e-3]])
    wires = Wires(1.0, 2.0, 30.0, 400.0)
    series = 1e-3 / (1 + 1e-3 * 433.0)
    assert_same(effective_conductance(g, **asdict(wires)), [[series]], 1e-15)
    at_both = 1e-3 / (1 + 1e-3 * (31.0 / 2 + 402.0))  # two drivers side by side
    assert_same(solve_array(g, **asdict(replace(wires, both_ends=True)))[0], [[at_both]], 1e-15)
    assert_same(input_admittance(g, **asdict(wires)), [[series]], 1e-15)


def test_a_row_of_equal_cells_is_a_ladder():
    g, r, cols = 2e-4, 50.0, 40
    mu = 2 * np.arcsinh(np.sqrt(g * r) / 2)  # attenuation per segment of an even RC ladder
    k = np.arange(cols)
    volts = np.cosh(mu * (cols - k - 0.5)) / np.cosh(mu * (cols + 0.5))
    assert_same(effective_conductance(np.full((1, cols), g), r, 0.0), [g * volts], 1e-12)
    column = effective_conductance(np.full((cols, 1), g), 0.0, r)
    assert_same(column[::-1], (g * volts)[:, None], 1e-12)


def test_a_line_is_ideal_in_the_wire_it_has_one_of():
    g = cells(1, 33, 1e-4)
    series = g / (1 + g * 7.0)  # one column segment below each cell
    assert_same(effective_conductance(g, 5.0, 7.0), effective_conductance(series, 5.0, 0.0), 1e-13)


@pytest.mark.parametrize("regime", ["everyday", "drivers and sensing", "ideal rows, drivers"])
def test_reciprocity(regime):
    # currents from grounds to drivers are those from drivers to grounds: turn the array over
    w, top = REGIMES[regime]
    g = cells(13, 22, top)
    turned = Wires(w.r_col, w.r_row, w.r_sense, w.r_driver)
    there = effective_conductance(g, **asdict(w))
    back = effective_conductance(g[::-1, ::-1].T, **asdict(turned))
    assert_same(back[::-1, ::-1].T, there, 1e-13)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["r_row", "r_col", "r_driver", "r_sense"]),
    st.builds(Wires, resistances, resistances, resistances, resistances, st.booleans()),
    st.floats(0.01, 1e3),
    st.integers(0, 99),
)
def test_more_resistance_never_brings_more_current(name, wires, more, seed):
    g = cells(9, 12, 1e-4, seed)
    worse = replace(wires, **{name: getattr(wires, name) + more})
    g_eff, with_more = (effective_conductance(g, **asdict(w)) for w in (wires, worse))
    assert with_more.sum() < g_eff.sum()
    assert g_eff.sum() <= g.sum() * (1 + 1e-14)


def test_currents_tend_to_those_of_ideal_wires():
    g = cells(20, 30, 1e-4)
    assert np.array_equal(effective_conductance(g, 0.0, 0.0), g)
    drops = [1 - effective_conductance(g, r, r) / g for r in (1e-6, 1e-5)]
    np.testing.assert_allclose(drops[1] / drops[0], 10.0, rtol=1e-3)  # the first order is left
    assert drops[1].max() < 1e-5 * 1e-4 * (20 + 30) * 30


@pytest.mark.parametrize("regime", REGIMES)
def test_cells_that_do_not_conduct(regime):
    wires, top = REGIMES[regime]
    g = cells(12, 15, top)
    g[[0, 7]] = 0.0
    g[:, [3, 14]] = 0.0
    g_eff, y = solve_array(g, **asdict(wires))
    assert np.array_equal(g_eff == 0.0, g == 0.0)
    assert not y[[0, 7]].any()
    assert not any(m.any() for m in solve_array(np.zeros((5, 6)), **asdict(wires)))


@pytest.mark.parametrize("regime", REGIMES)
def test_energy_of_a_read_is_what_the_resistances_dissipate(regime):
    wires, top = REGIMES[regime]
    g = cells(14, 11, top)
    g_eff, y = solve_array(g, **asdict(wires))
    assert np.array_equal(y, y.T)
    assert np.linalg.eigvalsh(y).min() >= 0.0
    np.testing.assert_allclose(np.diag(y), solved(g, wires)[2], rtol=1e-8)  # 1 V at one row
    np.testing.assert_allclose(y.sum(1), g_eff.sum(1), rtol=1e-9)  # all rows at 1 V
