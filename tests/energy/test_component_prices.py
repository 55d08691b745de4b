"""Does each component cost what its source says?"""

from __future__ import annotations

import pytest

from crossbar import load_arch
from crossbar.circuit import adc, buffer, dac, links, registers, sample_hold, shift_add, vector
from crossbar.circuit.adc_cost import adc_cost, fitted_bits
from crossbar.device.cell_cost import array_area, table_read_energy
from crossbar.errors import InputError

CYCLE = 100e-9
SABERI = {  # bits: (pJ, um2) at 1.2 GS/s, 32 nm
    4: (0.79, 361),
    5: (0.99, 477),
    6: (1.20, 627),
    7: (1.42, 845),
    8: (1.667, 1200),
    9: (1.97, 1828),
    10: (2.38, 3002),
}


@pytest.mark.parametrize(
    ("energy", "actions", "power"),
    [
        (adc_cost("isaac", 8).energy, 8 * 128, 16e-3),
        (dac.drive_energy(1), 8 * 128, 4e-3),
        (sample_hold.sample_energy(), 8 * 128, 10e-6),
        (shift_add.shift_add_energy(), 8 * 128, 0.2e-3),
        (registers.input_register_energy(), 8 * 128, 1.24e-3),
        (registers.output_register_energy(), 128 * 16 / 16, 0.23e-3),
        (registers.tile_register_energy(), 12 * 128 * 16 / 16, 1.68e-3),
        (shift_add.merge_energy(), 12 * 128 / 16, 0.05e-3),
        (vector.activation_energy(), 12 * 128 / 16, 0.52e-3),
        (vector.pool_energy(), 12 * 128 / 16, 0.4e-3),
        (buffer.buffer_energy(65536), 12 * 8 * 128 + 12 * 128, 20.7e-3),
        (links.bus_energy(), 12 * 8 * 128 + 12 * 128, 7e-3),
        (links.router_energy(), 12 * 128, 42e-3 / 4),
    ],
)
def test_a_saturated_cycle_draws_the_power_of_isaacs_table(
    energy: float, actions: float, power: float
) -> None:
    assert energy * actions / CYCLE == pytest.approx(power)


def test_energies_that_the_design_names() -> None:
    assert adc_cost("isaac", 8).energy == pytest.approx(1.5625e-12)
    assert dac.drive_energy(1) == pytest.approx(0.390625e-12)
    assert shift_add.shift_add_energy() == pytest.approx(0.01953e-12, rel=1e-3)
    assert sample_hold.sample_energy() == pytest.approx(0.977e-15, rel=1e-3)


@pytest.mark.parametrize("bits", SABERI)
def test_converters_follow_the_published_scaling(bits: int) -> None:
    energy, area = SABERI[bits]
    assert fitted_bits(bits) == pytest.approx((energy * 1e-12, area * 1e-12), rel=0.005)
    cost = adc_cost("isaac", bits)
    assert cost.energy / adc_cost("isaac", 8).energy == pytest.approx(energy / 1.667, rel=0.005)
    assert cost.area == pytest.approx(area * 1e-12, rel=0.005)


def test_every_resolution_costs_more_than_the_one_below() -> None:
    costs = [adc_cost("isaac", bits) for bits in range(1, 17)]
    for values in ([cost.energy for cost in costs], [cost.area for cost in costs]):
        assert values[0] > 0
        assert values == sorted(set(values))


def test_a_dac_of_more_bits_doubles_with_each() -> None:
    assert dac.dac_area(1) == pytest.approx(0.166e-12, rel=1e-3)
    assert dac.dac_area(4) == pytest.approx(8 * dac.dac_area(1))
    assert dac.drive_energy(3) == pytest.approx(4 * dac.drive_energy(1))


def test_areas_of_the_table() -> None:
    assert adc_cost("isaac", 8).area == pytest.approx(1200e-12)
    assert array_area(128, 128) == pytest.approx(25e-12)
    assert array_area(256, 64) == pytest.approx(25e-12)
    assert shift_add.shift_add_area(8) == pytest.approx(240e-12)
    assert shift_add.shift_add_area(1) == shift_add.shift_add_area(2)
    assert sample_hold.sample_hold_area() * 1024 == pytest.approx(40e-12)
    assert registers.input_register_area(2048) == pytest.approx(0.0021e-6)
    assert registers.output_register_area(512) == pytest.approx(2 * 0.00077e-6)
    assert registers.tile_register_area(12 * 256) == pytest.approx(0.0032e-6)
    assert buffer.buffer_area(32768) == pytest.approx(0.083e-6 / 2)
    assert links.bus_area(384) == pytest.approx(0.090e-6)
    assert links.router_area() == pytest.approx(0.151e-6 / 4)
    assert links.offchip_area() == pytest.approx(22.88e-6)
    assert vector.activation_area() == pytest.approx(0.0006e-6)
    assert vector.pool_area() == pytest.approx(0.00024e-6)
    assert shift_add.merge_area() == pytest.approx(0.00006e-6)


def test_a_buffer_of_four_times_the_size_costs_twice_as_much_a_bit() -> None:
    assert buffer.buffer_energy(4 * 65536) == pytest.approx(2 * buffer.buffer_energy(65536))


def test_a_busy_port_draws_the_tables_power() -> None:
    assert links.offchip_energy() * 4 * 6.4e9 * 8 == pytest.approx(10.4)


def test_an_input_bit_counts_as_one_full_adder() -> None:
    assert shift_add.input_sum_energy() == pytest.approx(shift_add.shift_add_energy() / 16)
    assert vector.add_energy() == shift_add.merge_energy()
    assert shift_add.input_sum_area(384) == pytest.approx(24 * 60e-12)


def test_a_read_by_the_table_needs_a_table() -> None:
    assert table_read_energy(load_arch("isaac_8bit")) == pytest.approx(30e-12)
    with pytest.raises(InputError, match=r"isaac_8bit: array\.read_energy: missing"):
        table_read_energy(load_arch("isaac_8bit", {"array.read_energy": None}))


def test_lossless_converters_are_as_wide_as_the_sums_they_convert() -> None:
    assert adc.resolution(load_arch("isaac_8bit")) == 8
    ideal = {"adc.policy": "lossless", "adc.bits": None}
    assert adc.resolution(load_arch("isaac_8bit", {**ideal, "array.flip_columns": False})) == 9
    assert adc.resolution(load_arch("isaac_8bit", ideal)) == 8  # flipped: at most 192
    assert adc.resolution(load_arch("isaac_8bit", {**ideal, "array.input_sum": "column"})) == 9
