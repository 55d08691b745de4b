"""Are impossible networks named, and do threads leave the results alone?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from crossbar.circuit.wires import effective_conductance, input_admittance, solve_array
from crossbar.errors import InputError

SOLVERS = (solve_array, effective_conductance, input_admittance)
G = np.full((3, 4), 1e-5)


def changed(row, col, value):
    g = G.copy()
    g[row, col] = value
    return g


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((changed(2, 1, -1e-6), 1, 1), r"g\[2, 1\]: -1e-06 S \(allowed: 0 .. 1e\+100 S; 1 of 12"),
        ((changed(0, 3, np.nan), 1, 1), r"g\[0, 3\]: nan S"),
        ((changed(0, 0, np.inf), 1, 1), r"g\[0, 0\]: inf S"),
        ((np.zeros((0, 3)), 1, 1), r"g: shape \(0, 3\)"),
        ((np.zeros(3), 1, 1), r"g: shape \(3,\)"),
        ((G, -1.0, 1), r"r_row: -1.0 ohm \(allowed: 0 .. 1e\+100 ohm\)"),
        ((G, 1, np.nan), r"r_col: nan ohm \(allowed"),
        ((G, 1, 1, -5.0), r"r_driver: -5.0 ohm"),
        ((G, 1, 1, 1, -2), r"r_sense: -2 ohm"),
        ((G, np.inf, 1), r"r_row: inf ohm: every row floats"),
        ((G, 1, np.inf), r"r_col: inf ohm: every column floats"),
        ((G, 1, 1, np.inf), r"r_driver: inf ohm: row 0 and all others float"),
        ((G, 1, 1, 1, np.inf), r"r_sense: inf ohm: column 0 and all others float"),
    ],
)
def test_impossible_networks_are_named(solver, arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        solver(*arguments)
    assert "\n" not in str(caught.value)


def test_nothing_extreme_is_not_a_number():
    for size in (1e-90, 1.0, 1e90):
        for r in (0.0, 1e-200, 1e-90, 1.0, 1e90):
            g_eff, y = solve_array(G * size, r, r, r, r)
            assert np.isfinite(g_eff).all()
            assert np.isfinite(y).all()
            assert (g_eff >= 0).all()


def test_the_argument_is_left_alone():
    g = np.arange(12.0).reshape(3, 4)[:, ::-1] * 1e-6
    g.flags.writeable = False
    before = g.copy()
    for r_row, r_col in ((1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 0.0)):
        g_eff, _ = solve_array(g, r_row, r_col, 1.0)
        assert np.array_equal(g, before)
        assert g_eff.flags.writeable
    as_list = effective_conductance(g.tolist(), 1.0, 2.0)
    assert np.array_equal(as_list, effective_conductance(g, 1.0, 2.0))
    ideal = effective_conductance(before, 0.0, 0.0)
    ideal[:] = 0.0
    assert before.any()


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_results_do_not_depend_on_threads():
    arrays = [np.random.default_rng(k).uniform(1e-6, 5e-5, (70, 90)) for k in range(6)]

    def solve(g):
        return np.hstack(solve_array(g.T, 1.0, 2.0, 3.0, 4.0))

    with threadpool_limits(1, user_api="blas"):
        alone = [solve(g) for g in arrays]
    for limit in (1, 2):
        with threadpool_limits(limit, user_api="blas"):
            before = blas_threads()
            with ThreadPoolExecutor(4) as pool:
                together = list(pool.map(solve, arrays))
            assert blas_threads() == before
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
