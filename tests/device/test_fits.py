"""Do the measured fits say what their sources say, and refuse what was not measured?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossbar.arch.cell_effects import FITS as NAMES
from crossbar.device.fits import FITS, find_fit
from crossbar.device.programmed import programmed_conductance
from crossbar.device.variation import level_conductances, programming_spread
from crossbar.errors import InputError, UnknownNameError
from tests.device.chips import chip

# numbers.md 5, written out by hand in microsiemens
FORMULAS = {
    "wan_2022_1s": lambda g: polynomial(g / 40, 0.348, 16.030, -43.853, 45.393, -16.815),
    "wan_2022_1d": lambda g: polynomial(g / 40, 0.701, 22.086, -50.773, 47.095, -16.458),
    "wan_2022_2d": lambda g: polynomial(g / 40, 0.782, 20.274, -43.507, 37.062, -11.934),
    "wan_2022_crosssim": lambda g: 1.536e-4 * g**3 - 1.167e-2 * g**2 + 0.2374 * g + 1.053,
    "milo_2021": lambda g: -0.009107 * g + 4.782321,
    "joshi_2020": lambda g: -0.00178767 * g**2 + 0.07585724 * g + 0.28638599,
    "pcm_aihwkit": lambda g: 0.26348 + 1.9650 * (g / 25) - 1.1731 * (g / 25) ** 2,
}


def polynomial(x, *coefficients):
    return sum(c * x**k for k, c in enumerate(coefficients))


def test_every_name_of_the_schema_has_a_fit_with_its_source():
    assert tuple(FITS) == NAMES == tuple(FORMULAS)
    for name, fit in FITS.items():
        assert find_fit(name) is fit
        assert any(year in fit.source for year in ("2019", "2020", "2021", "2022"))
        assert "as " in fit.source  # whose fit of the figures it is
    with pytest.raises(UnknownNameError, match="wan_2022_1s"):
        find_fit("wan_2022")


@pytest.mark.parametrize("name", FORMULAS)
def test_a_fit_is_its_formula_over_its_range(name):
    fit = FITS[name]
    micro = np.linspace(fit.low, fit.high, 41) * 1e6
    sigma = fit.sigma(micro * 1e-6)
    assert sigma == pytest.approx(FORMULAS[name](micro) * 1e-6, rel=1e-9)
    assert (sigma > 0).all()
    assert fit.sigma(fit.high).shape == ()


def test_the_two_fits_of_one_chip_disagree_as_documented():
    assert FITS["wan_2022_1s"].sigma(20e-6) == pytest.approx(2.02e-6, abs=5e-9)
    assert FITS["wan_2022_crosssim"].sigma(20e-6) == pytest.approx(2.36e-6, abs=5e-9)


@pytest.mark.parametrize("name", FORMULAS)
def test_outside_its_range_a_fit_raises(name):
    fit = FITS[name]
    for wrong in (fit.high * 1.001, -1e-9 if fit.low == 0 else fit.low * 0.999):
        with pytest.raises(InputError, match=f"{name}: .* is out of its range .allowed: "):
            fit.sigma([fit.high, wrong])
    assert fit.sigma(fit.high * (1 + 1e-12)) > 0  # 225 uS is 225 uS however it was written


COUNT = 400_000  # the standard error of sigma is sigma / sqrt(2 n) = 0.11 %


@pytest.mark.parametrize("name", FORMULAS)
def test_sampled_statistics_are_those_of_the_fit_within_one_per_cent(name):
    """400,000 cells at three levels: mean and sigma within 5 standard errors, 0.56 % of sigma.

    The levels lie so far from 0 S that nothing is clipped (4.5 sigma: 3 cells in a million).
    """
    fit = FITS[name]
    low = {"milo_2021": 50e-6, "pcm_aihwkit": 5e-6, "joshi_2020": 5e-6}.get(name, 20e-6)
    cell = chip(f"{low} S", f"{fit.high} S", variation=name).cell
    targets = level_conductances(cell)
    for level in (0, 7, 15):
        codes = np.full((1000, COUNT // 1000), level, np.uint8)
        g = programmed_conductance(cell, codes, 5, seed=level)
        sigma = FORMULAS[name](targets[level] * 1e6) * 1e-6
        assert targets[level] > 4.5 * sigma
        assert abs(g.mean() - targets[level]) <= 5 * sigma / math.sqrt(COUNT)
        assert abs(g.std() / sigma - 1) <= min(5 / math.sqrt(2 * COUNT), 0.01)


def test_a_cell_outside_the_range_is_refused_when_it_is_programmed():
    cell = chip("2 uS", "41 uS", variation="wan_2022_1s").cell
    with pytest.raises(InputError, match=r"wan_2022_1s: 41 uS is out of its range"):
        programming_spread(cell)
