"""Do the cells that jump jump as often, as far and as long as asked?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossbar.device.telegraph import pytorx_amplitude, telegraph_conductance
from crossbar.errors import InputError
from tests.device.chips import chip

G = np.linspace(2e-6, 38e-6, 100 * 120).reshape(100, 120)


def jumping(**keys):
    noise = {"rtn_share": 0.3, "rtn_amplitude": 0.2, "rtn_low": 0.25}
    return chip(read_noise=noise | keys).cell


def low_states(cell, epochs, array=0, seed=0):
    g = np.stack([telegraph_conductance(cell, G, array, seed, e) for e in range(epochs)])
    low = g != G
    assert np.array_equal(g[low], np.broadcast_to(G * (1 - 0.2), g.shape)[low])
    return low


def test_a_share_of_the_cells_is_low_for_a_share_of_the_time():
    """60 epochs of 12,000 cells: with 0.75^60 = 3e-8 every cell that jumps was low once.

    Share of cells, and time in the low state, within 5 standard errors.
    """
    low = low_states(jumping(), 60)
    jumps = low.any(0)
    assert abs(jumps.mean() - 0.3) <= 5 * math.sqrt(0.3 * 0.7 / G.size)
    inside = low[:, jumps]
    assert abs(inside.mean() - 0.25) <= 5 * math.sqrt(0.25 * 0.75 / inside.size)
    # cells of one epoch and epochs of one cell are independent: variances of their counts
    for axis, n in ((0, 60), (1, inside.shape[1])):
        counts = inside.sum(axis)
        error = n * 0.25 * 0.75 * math.sqrt(2 / len(counts))
        assert abs(counts.var() - n * 0.25 * 0.75) <= 5 * error
    both = (inside[1:] & inside[:-1]).mean()
    assert abs(both - 0.0625) <= 5 * math.sqrt(0.0625 * 0.9375 / inside[1:].size)


def test_an_epoch_is_the_same_whenever_it_is_asked():
    cell = jumping()
    late = telegraph_conductance(cell, G, 4, 2, 10**9)
    assert np.array_equal(late, telegraph_conductance(cell, G, 4, 2, 10**9))
    part = telegraph_conductance(cell, G[:7, :9], 4, 2, 10**9)
    assert np.array_equal(part, late[:7, :9])
    for array, seed, epoch in ((5, 2, 10**9), (4, 3, 10**9), (4, 2, 0)):
        assert not np.array_equal(late, telegraph_conductance(cell, G, array, seed, epoch))


@pytest.mark.parametrize("keys", [{"rtn_share": 0}, {"rtn_amplitude": 0}, {"rtn_low": 0}])
def test_cells_that_do_not_jump_stay(keys):
    assert telegraph_conductance(jumping(**keys), G, 0, 0, 3) is G


def test_always_low_is_one_conductance():
    cell = jumping(rtn_share=1.0, rtn_low=1.0)
    assert telegraph_conductance(cell, G, 0, 0, 3) == pytest.approx(G * 0.8)


def test_pytorx_jumps_are_its_formula():
    """At 333 uS (3 kohm) by hand: b g + a = 6.66e-7 S, of 3.327e-4 S: 0.2 %."""
    g = np.array([1 / 3000, 1e-6])
    expected = [(0.0015 * x + 1.662e-7) / (x - (0.0015 * x + 1.662e-7)) for x in g]
    assert pytorx_amplitude(g) == pytest.approx(expected)
    assert pytorx_amplitude(1 / 3000) == pytest.approx(0.002, rel=0.01)
    assert pytorx_amplitude(1.662e-7 * 2 / 0.997) == pytest.approx(1.0)
    with pytest.raises(InputError, match=r"pytorx_amplitude: 300 nS .allowed: 333 nS or more"):
        pytorx_amplitude([1e-6, 3e-7])
