"""Are draws of normal numbers exact at every probability?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossbar.device.draws import normals, quantile, uniforms


@pytest.mark.parametrize(
    ("p", "z"),
    # tables of the normal distribution, to the digits given
    [(0.5, 0.0), (0.8413447460685429, 1.0), (0.9772498680518208, 2.0), (0.001, -3.090232306167813)],
)
def test_quantiles_are_those_of_the_tables(p, z):
    assert quantile(np.array([p]))[0] == pytest.approx(z, abs=1e-12)


def test_quantiles_invert_the_distribution_far_out():
    p = np.array([2.0**-k for k in range(1, 54)])
    back = [0.5 * math.erfc(-z / math.sqrt(2)) for z in quantile(p)]
    assert back == pytest.approx(p, rel=1e-12)


def test_no_draw_is_infinite():
    ends = quantile(np.array([0.0, 1.0 - 2.0**-53, 1.0]))
    assert np.isfinite(ends).all()
    assert ends[0] == pytest.approx(-8.29, abs=0.01)


def test_normal_draws_are_normal():
    """A million cells: four moments within 5 standard errors."""
    z = normals(1, 2, 3, (1000, 1000))
    n = z.size
    assert abs(z.mean()) <= 5 / math.sqrt(n)
    assert abs((z**2).mean() - 1) <= 5 * math.sqrt(2 / n)
    assert abs((z**3).mean()) <= 5 * math.sqrt(15 / n)
    assert abs((z**4).mean() - 3) <= 5 * math.sqrt(96 / n)


def test_turns_and_streams_are_other_numbers():
    draws = [uniforms(0, s, 0, (9, 9), t) for s in (2, 3, 4, 8, 9) for t in (0, 1, 2, 10**9)]
    assert len(np.unique(np.stack(draws))) == 20 * 81
