"""Is the variance of a read that of the physics?"""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossbar.arch import load_arch
from crossbar.device.read_noise import noise_variance, read_bandwidth
from tests.device.chips import chip

K, Q = 1.380649e-23, 1.602176634e-19  # J/K and C, exact by definition


def test_without_noise_the_variance_is_zero():
    for cell in (chip().cell, load_arch("isaac_8bit").cell):
        parts = noise_variance(cell, np.full((2, 3), 1e-5), 1)
        assert all(part.shape == (2, 3) and not part.any() for part in parts)


def test_a_plain_sigma_is_a_share_of_the_conductance():
    g = np.array([[0.0, 1e-5, 3e-5]])
    square, linear, constant = noise_variance(chip(read_noise=0.02).cell, g, 3)
    assert square == pytest.approx(np.array([[0.0, 4e-14, 36e-14]]))
    assert not linear.any()
    assert not constant.any()


def test_an_additive_sigma_is_a_share_of_the_swing():
    cell = chip(read_noise={"additive": 0.01, "sigma": 0.02}).cell
    square, _, _ = noise_variance(cell, np.array([0.0, 1e-5]), 1)
    assert square == pytest.approx([(0.36e-6) ** 2, (0.36e-6) ** 2 + (0.2e-6) ** 2])


def test_thermal_noise_is_johnsons():
    """A resistor of 10 kohm at 300 K and 5 MHz: sqrt(4 k T B / R) = 2.878 nA, over v_step."""
    cell = chip(read_noise={"thermal": True}, read_voltage="0.2 V", read_pulse="100 ns").cell
    assert read_bandwidth(cell) == pytest.approx(5e6)
    for full_scale in (1, 3, 15):
        _, _, constant = noise_variance(cell, np.array([1e-4]), full_scale)
        current = math.sqrt(constant[0]) * 0.2 / full_scale
        assert current == pytest.approx(math.sqrt(4 * K * 300 * 5e6 / 1e4))
        assert current == pytest.approx(2.878e-9, rel=1e-3)


def test_shot_noise_is_schottkys():
    """20 uA in 5 MHz: sqrt(2 q I B) = 5.66 nA; a row at digit 2 of 3 carries two thirds."""
    cell = chip(read_noise={"shot": True}, read_voltage="0.2 V", read_pulse="100 ns").cell
    for full_scale, digit in ((1, 1), (3, 3), (3, 2)):
        _, linear, _ = noise_variance(cell, np.array([1e-4]), full_scale)
        current = 1e-4 * 0.2 * digit / full_scale
        noise = math.sqrt(linear[0] * digit) * 0.2 / full_scale
        assert noise == pytest.approx(math.sqrt(2 * Q * current * 5e6))
    assert math.sqrt(2 * Q * 20e-6 * 5e6) == pytest.approx(5.66e-9, rel=1e-3)


def test_temperature_and_bandwidth_are_the_users():
    noise = {"thermal": True, "shot": True, "temperature": "77 K", "bandwidth": "1 GHz"}
    cell = chip(read_noise=noise, read_voltage="0.1 V").cell
    assert read_bandwidth(cell) == 1e9
    _, linear, constant = noise_variance(cell, np.array([2e-5]), 1)
    assert constant == pytest.approx([4 * K * 77 * 1e9 * 2e-5 / 0.01])
    assert linear == pytest.approx([2 * Q * 1e9 * 2e-5 / 0.1])


def test_the_sum_of_a_column_has_the_sum_of_the_variances():
    """Cells drawn one by one, 200,000 reads of 12 cells at digits 0 to 3, 5 standard errors."""
    cell = chip(read_noise={"sigma": 0.1, "additive": 0.02, "thermal": True, "shot": True}).cell
    rng = np.random.default_rng(0)
    g, d = rng.uniform(2e-6, 38e-6, 12), rng.integers(0, 4, 12)
    square, linear, constant = noise_variance(cell, g, 3)
    expected = (square * d**2 + linear * d + constant).sum()
    reads, v_step, b = 200_000, 0.2 / 3, read_bandwidth(cell)
    noisy = g * (1 + 0.1 * rng.standard_normal((reads, 12)))
    noisy += 0.02 * 36e-6 * rng.standard_normal((reads, 12))
    current = noisy * d * v_step
    current += np.sqrt(4 * K * 300 * b * g) * rng.standard_normal((reads, 12))
    current += np.sqrt(2 * Q * g * d * v_step * b) * rng.standard_normal((reads, 12))
    sums = current.sum(1) / v_step
    assert abs(sums.var() / expected - 1) <= 5 * math.sqrt(2 / reads)
