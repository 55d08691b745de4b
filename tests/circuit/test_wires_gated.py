"""Isolated rows: is the exact current exact, and how near does one matrix come?"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.circuit.wires import effective_conductance, gated_conductance, gated_currents
from crossbar.errors import InputError
from tests.circuit.network import Wires, solved

G = np.random.default_rng(5).uniform(1e-6, 5e-5, (3, 4))
resistances = st.sampled_from([0.0, 0.7, 40.0])


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(1, 15), st.integers(1, 15)),
    st.builds(Wires, resistances, resistances, resistances, resistances, st.booleans()),
    st.floats(0.0, 1.0),
    st.integers(0, 99),
)
def test_currents_are_those_of_the_network_without_the_cut_cells(shape, wires, density, seed):
    rng = np.random.default_rng(seed)
    g = rng.uniform(1e-6, 1e-3, shape)
    v = rng.normal(0.0, 0.3, (4, shape[0])) * (rng.random((4, shape[0])) < density)
    v[2] = v[0] * 2.0  # the same rows again
    got = gated_currents(g, v, **asdict(wires))
    for read, current in zip(v, got, strict=True):
        g_eff = solved(np.where(read[:, None] != 0.0, g, 0.0), wires)[0]
        scale = np.abs(read) @ g_eff
        assert np.all(np.abs(current - read @ g_eff) <= 1e-10 * scale)


def test_shapes_of_reads():
    v = np.random.default_rng(1).integers(0, 2, (2, 5, 3)) * 0.2
    got = gated_currents(G, v, 1.0, 2.0)
    assert got.shape == (2, 5, 4)
    assert np.array_equal(got[1, 3], gated_currents(G, v[1, 3], 1.0, 2.0))
    assert gated_currents(G, np.zeros((0, 3)), 1.0, 2.0).shape == (0, 4)
    assert not gated_currents(G, np.zeros(3), 1.0, 2.0).any()


def test_all_rows_driven_is_the_held_array():
    v = np.array([0.1, -0.2, 0.3])
    held = v @ effective_conductance(G, 5.0, 6.0, 7.0, 8.0)
    np.testing.assert_allclose(gated_currents(G, v, 5.0, 6.0, 7.0, 8.0), held, rtol=1e-13)


@pytest.mark.parametrize(
    "wires",
    [
        Wires(20.0, 30.0),
        Wires(20.0, 30.0, 100.0, 50.0, True),
        Wires(0.0, 30.0, 100.0, 50.0),
        Wires(0.0, 30.0, 0.0, 50.0),
        Wires(20.0, 0.0),
    ],
)
def test_the_approximation_is_exact_at_both_ends(wires):
    g = np.random.default_rng(2).uniform(1e-6, 1e-3, (11, 9))
    g[4] = 0.0
    g[:, 2] = 0.0
    held = gated_conductance(g, **asdict(wires), density=1.0)
    np.testing.assert_allclose(held, effective_conductance(g, **asdict(wires)), rtol=1e-14)
    alone = gated_conductance(g, **asdict(wires), density=0.0)
    np.testing.assert_allclose(alone, gated_currents(g, np.eye(11), **asdict(wires)), rtol=1e-12)
    between = gated_conductance(g, **asdict(wires), density=0.4)
    lost = (held > 0.0) & (held <= alone)
    expected = 0.6 / alone[lost] + 0.4 / held[lost]
    np.testing.assert_allclose(1.0 / between[lost], expected, rtol=1e-12)
    assert np.all(np.minimum(held, alone) <= between * (1 + 1e-14))
    assert np.all(between <= np.maximum(held, alone) * (1 + 1e-14))


def test_what_leaks_in_through_other_rows_counts_by_their_density():
    g = np.random.default_rng(3).uniform(1e-4, 1e-3, (24, 24))
    g[10, 20] = 0.0  # alone this row brings nothing to the column
    held = effective_conductance(g, 10.0, 10.0)[10, 20]
    assert held > 0.0
    at_10_percent = gated_conductance(g, 10.0, 10.0, density=0.1)[10, 20]
    np.testing.assert_allclose(at_10_percent, 0.1 * held, rtol=1e-14)


def test_ideal_wires_change_nothing():
    np.testing.assert_allclose(gated_conductance(G, 0.0, 0.0, density=0.3), G, rtol=1e-15)


@pytest.mark.parametrize("resistance", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("size", [32, 72])
def test_the_stated_bound_of_the_approximation(resistance, size):
    worst_stated = {0.1: 0.003, 1.0: 0.03, 10.0: 0.1}[resistance]
    rms_stated = {0.1: 0.001, 1.0: 0.006, 10.0: 0.02}[resistance]
    rng = np.random.default_rng(size)
    g = rng.uniform(1e-6, 5e-5, (size, size))
    for density in (0.05, 0.2, 0.5):
        near = gated_conductance(g, resistance, resistance, density=density)
        held = effective_conductance(g, resistance, resistance)
        v = (rng.random((6, size)) < density) * 1.0
        v[0, size // 2] = 1.0
        exact = gated_currents(g, v, resistance, resistance)
        full = (v @ g).max()
        error, of_held = np.abs(v @ near - exact) / full, np.abs(v @ held - exact) / full
        drop = 1 - (near.sum(0) / g.sum(0)).min()
        assert error.max() < min(worst_stated, 0.3 * drop)
        rms = np.sqrt(np.mean(error**2))
        assert rms < min(rms_stated, 0.08 * drop)
        assert rms < 0.5 * np.sqrt(np.mean(of_held**2))  # and worth having


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gated_currents(G, np.zeros(4), 1, 1), r"v: shape \(4,\) \(allowed: ... x 3"),
        (lambda: gated_currents(G, 0.2, 1, 1), r"v: shape \(\)"),
        (lambda: gated_currents(G, [[0, 0, 0], [0, np.nan, 0]], 1, 1), r"v\[1, 1\]: nan V"),
        (lambda: gated_currents(-G, np.zeros(3), 1, 1), r"g\[0, 0\]: -"),
        (lambda: gated_conductance(G, 1, -1, density=0.5), r"r_col: -1 ohm"),
        (lambda: gated_conductance(G, 1, 1, density=1.5), r"density: 1.5 \(allowed: 0 .. 1"),
        (lambda: gated_conductance(G, 1, 1, density=np.nan), r"density: nan"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
