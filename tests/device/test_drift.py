"""Do conductances fall with time as the power law says?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from crossbar.arch import load_arch
from crossbar.device.drift import drift_exponent, drifted
from crossbar.errors import InputError
from tests.device.chips import chip

SHAPE = (300, 400)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1), st.floats(1e-3, 1e3), st.floats(0, 8), st.integers(1, 9))
def test_without_spread_the_fall_is_the_power_law(nu, t0, decades, rows):
    cell = chip(drift={"kind": "power_law", "nu": nu, "t0": f"{t0!r} s"}).cell
    g = np.linspace(0, 40e-6, rows * 3).reshape(rows, 3)
    t = cell.drift.t0 * 10**decades
    expected = [[x * 10 ** (-nu * math.log10(t / cell.drift.t0)) for x in row] for row in g]
    assert drifted(cell, g, 0, 0, t) == pytest.approx(np.array(expected), rel=1e-9)


def test_the_exponent_spreads_from_cell_to_cell():
    """120,000 cells: mean and sigma of nu, as seen in g(t), within 5 standard errors; normal."""
    cell = chip(drift={"kind": "power_law", "nu": 0.05, "nu_sigma": 0.01}).cell
    g = np.full(SHAPE, 20e-6)
    nu = -np.log(drifted(cell, g, 3, 1, 1e4) / g) / math.log(1e4)
    assert abs(nu.mean() - 0.05) <= 5 * 0.01 / math.sqrt(nu.size)
    assert abs(nu.std() / 0.01 - 1) <= 5 / math.sqrt(2 * nu.size)
    assert kstest((nu.ravel() - 0.05) / 0.01, "norm").pvalue > 1e-4


@pytest.mark.parametrize(
    ("micro", "mean", "sigma"),
    # by hand: x = g / 25 uS; mean clip(-0.0155 ln x + 0.0244, 0.049, 0.1),
    # sigma clip(-0.0125 ln x - 0.0059, 0.008, 0.045)
    [
        (25.0, 0.049, 0.008),
        (5.0, 0.0155 * math.log(5) + 0.0244, 0.0125 * math.log(5) - 0.0059),
        (1.0, 0.0155 * math.log(25) + 0.0244, 0.0125 * math.log(25) - 0.0059),
        (0.02, 0.1, 0.045),
    ],
)
def test_phase_change_cells_drift_by_their_conductance(micro, mean, sigma):
    """120,000 cells of each conductance, 5 standard errors; |nu| folds less than 2 % of them."""
    cell = chip("0.02 uS", "25 uS", drift="pcm").cell
    g = np.full(SHAPE, micro * 1e-6)
    nu = -np.log(drifted(cell, g, 0, 7, 20e3) / g) / math.log(1e3)
    # mean and sigma of the magnitude of a normal number
    fold = math.erf(mean / sigma / math.sqrt(2))
    tail = sigma * math.sqrt(2 / math.pi) * math.exp(-(mean**2) / (2 * sigma**2))
    expected = tail + mean * fold
    spread = math.sqrt(mean**2 + sigma**2 - expected**2)
    assert abs(nu.mean() - expected) <= 5 * spread / math.sqrt(nu.size)
    assert abs(nu.std() / spread - 1) <= 5 * 1.1 / math.sqrt(2 * nu.size)
    assert (nu >= -1e-15).all()
    assert np.array_equal(nu, -np.log(drifted(cell, g, 0, 7, 20e3) / g) / math.log(1e3))


def test_a_cell_without_conductance_keeps_none():
    cell = chip("0 S", "25 uS", drift="pcm").cell
    assert not drifted(cell, np.zeros((3, 4)), 0, 0, 1e6).any()


def test_at_t0_and_without_a_time_nothing_has_drifted():
    g = np.full((3, 4), 1e-5)
    for drift, t0 in (("pcm", 20.0), ({"kind": "power_law", "nu": 0.1, "t0": "5 s"}, 5.0)):
        cell = chip("1 uS", "25 uS", drift=drift).cell
        assert drifted(cell, g, 0, 0, None) is g
        assert drifted(cell, g, 0, 0, t0) is g
        assert (drifted(cell, g, 0, 0, t0 * 1.01) < g).all()
    for cell in (chip().cell, load_arch("isaac_8bit").cell):
        assert drifted(cell, g, 0, 0, 1e9) is g


@pytest.mark.parametrize(("t", "shown"), [(19.9, "19.9 s"), (0.0, "0 s"), (-1.0, "-1 s"),
                                          (math.nan, "nan s")])  # fmt: skip
def test_a_time_before_the_first_is_refused(t, shown):
    cell = chip("1 uS", "25 uS", drift="pcm").cell
    with pytest.raises(InputError) as caught:
        drifted(cell, np.ones((2, 2)), 0, 0, t)
    assert (
        str(caught.value) == f"t_inference: {shown} (allowed: 20 s or more, the t0 of cell.drift)"
    )


def test_a_cell_drifts_by_itself():
    """Each cell keeps its exponent over time; other arrays and seeds draw others."""
    cell = chip(drift={"kind": "power_law", "nu": 0.05, "nu_sigma": 0.02}).cell
    g = np.full((20, 30), 1e-5)
    nus = [-np.log(drifted(cell, g, 2, 5, t) / g) / math.log(t) for t in (10.0, 1e5)]
    assert nus[0] == pytest.approx(nus[1])
    assert np.array_equal(
        drifted(cell, g[:3, :4], 2, 5, 10.0), drifted(cell, g, 2, 5, 10.0)[:3, :4]
    )
    for array, seed in ((3, 5), (2, 6)):
        other = drift_exponent(cell.drift, g, array, seed)
        assert abs(np.corrcoef(other.ravel(), nus[0].ravel())[0, 1]) < 5 / math.sqrt(600)
