"""Does each cost model give what its source gives?"""

from __future__ import annotations

import math

import pytest

from crossbar import load_arch
from crossbar.circuit.adc_cost import MODELS, adc_cost, chip_adc_cost, fitted_bits
from crossbar.errors import InputError, UnknownNameError

ACCELERGY = {  # bits: pJ at 100 MS/s, pJ and um2 at 1.28 GS/s; 32 nm
    4: (0.924, 0.924, 5190),
    5: (0.936, 0.936, 5211),
    6: (1.065, 1.065, 5416),
    7: (1.312, 1.312, 5765),
    8: (1.714, 1.929, 6469),
    9: (2.340, 5.530, 8865),
    10: (3.310, 16.42, 12280),
}


def test_eight_converters_of_isaac_draw_16_milliwatts_in_1200_square_micrometres() -> None:
    cost = adc_cost("isaac", 8)
    assert 8 * 128 * cost.energy / 100e-9 == pytest.approx(16e-3)
    assert cost.energy == pytest.approx(1.5625e-12)
    assert cost.area == pytest.approx(1200e-12)
    assert 8 * cost.power == pytest.approx(16e-3)
    assert cost.energy * fitted_bits(5)[0] / fitted_bits(8)[0] == adc_cost("isaac", 5).energy


@pytest.mark.parametrize("bits", ACCELERGY)
def test_accelergys_fit(bits: int) -> None:
    slow, fast, area = ACCELERGY[bits]
    assert adc_cost("accelergy", bits, rate=100e6).energy == pytest.approx(slow * 1e-12, rel=1e-3)
    cost = adc_cost("accelergy", bits, rate=1.28e9)
    assert cost.energy == pytest.approx(fast * 1e-12, rel=1e-3)
    assert cost.area == pytest.approx(area * 1e-12, rel=1e-3)
    assert cost.power == pytest.approx(fast * 1e-12 * 1.28e9, rel=1e-3)


def test_accelergys_fit_at_other_nodes() -> None:
    small = adc_cost("accelergy", 8, rate=1.28e9, node=22e-9)
    assert small.energy == pytest.approx(0.954e-12, rel=1e-3)
    assert small.area == pytest.approx(3612e-12, rel=1e-3)
    large = adc_cost("accelergy", 8, rate=1.28e9, node=65e-9)
    assert large.energy == pytest.approx(7.31e-12, rel=1e-3)


def test_zigzags_fit() -> None:
    cost = adc_cost("zigzag", 8, rows=128)
    assert cost.energy == pytest.approx((100 * 8 + 0.001 * 4**8) * 0.9**2 * 1e-15)
    assert cost.energy == pytest.approx(0.70e-12, rel=0.005)
    assert cost.area == pytest.approx(2.1e-9, rel=0.01)
    assert cost.latency == pytest.approx(8 * (0.00653 * 128 + 0.640) * 1e-9)
    assert adc_cost("zigzag", 8, rows=512).energy == cost.energy
    assert "28 nm" in cost.source
    assert "0.9 V is assumed" in cost.source


def test_pumas_constants() -> None:
    cost = adc_cost("puma", 8)
    assert cost.power == pytest.approx(2e-3)
    assert cost.energy == pytest.approx(2e-3 * 100e-9 / 128)
    for bits in (1, 5, 16):
        other = adc_cost("puma", bits)
        assert other.power == pytest.approx(0.25e-3 * bits)
        assert other.energy == pytest.approx(cost.energy * bits / 8)
        assert other.area == pytest.approx(1200e-12)


@pytest.mark.parametrize(
    ("bits", "power", "rate", "area"),
    [(10, 6.92, 1.5, 1600), (8, 2.0, 1.28, 1200), (6, 1.26, 1.0, 580), (4, 0.7, 1.0, 500)],
)
def test_mnsims_list(bits: int, power: float, rate: float, area: float) -> None:
    cost = adc_cost("mnsim", bits, rate=rate * 1e9)
    assert cost.power == pytest.approx(power * 1e-3)
    assert cost.energy * rate * 1e9 == pytest.approx(power * 1e-3)
    assert cost.area == pytest.approx(area * 1e-12)
    assert cost.latency == pytest.approx((bits + 2) / rate * 1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_what_a_conversion_costs_is_the_product_of_its_terms(model: str) -> None:
    for bits in (4, 8):
        cost = adc_cost(model, bits, rate=1e9)
        assert math.isclose(math.prod(term[1] for term in cost.terms), cost.energy, rel_tol=1e-14)
        assert cost.energy > 0
        assert cost.area > 0
        assert model in cost.source or model == "isaac"


@pytest.mark.parametrize(
    ("model", "bits", "rate", "text"),
    [
        ("accelergy", 3, 1e9, r"accelergy has no converter of 3 bits \(allowed: 4 to 16 bits\)"),
        ("accelergy", 17, 1e9, "allowed: 4 to 16 bits"),
        ("accelergy", 8, 11e9, r"11 GHz is beyond adc\.model accelergy at 8 bits.*at most 10 GHz"),
        ("zigzag", 1, 1e9, "allowed: 2 to 16 bits"),
        ("puma", 9, 1e9, r"puma has no converter of 9 bits \(allowed: 1 to 8, 16 bits\)"),
        ("puma", 8, 1.3e9, r"allowed: at most 1\.28 GHz"),
        ("mnsim", 7, 1e9, r"allowed: 4, 6, 8, 10 bits"),
        ("mnsim", 6, 1.28e9, r"1\.28 GHz is beyond adc\.model mnsim at 6 bits.*at most 1 GHz"),
    ],
)
def test_outside_its_range_a_model_has_no_price(
    model: str, bits: int, rate: float, text: str
) -> None:
    with pytest.raises(InputError, match=text):
        adc_cost(model, bits, rate=rate)


def test_a_chip_is_named_where_its_converter_has_no_price() -> None:
    arch = load_arch("isaac_8bit", {"adc.model": "puma", "adc.bits": 9})
    with pytest.raises(InputError, match=r"^isaac_8bit: adc\.model: puma has no converter of 9"):
        chip_adc_cost(arch, 9)


def test_an_unknown_model_is_told_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'accelergy'"):
        adc_cost("acelergy", 8)


def test_models_differ_by_more_than_twice_in_energy_and_five_times_in_area() -> None:
    costs = [adc_cost(model, 8) for model in MODELS]
    energies, areas = [cost.energy for cost in costs], [cost.area for cost in costs]
    assert max(energies) > 2 * min(energies)
    assert max(areas) > 5 * min(areas)
