"""Does the energy add up, and to what the actions cost?"""

from __future__ import annotations

from math import fsum

import pytest

from crossbar import build_plan, load_arch
from crossbar.arch import Arch
from crossbar.circuit.adc_cost import adc_cost
from crossbar.energy import COMPONENTS, Costs, action_energies, chip_area, price, tile_area
from crossbar.errors import InputError
from crossbar.mapping.encode import make_encoding
from crossbar.timing import ACTIONS, Activity, count

TABLE = {"energy.array": "table"}


def costs(workload: str, arch: Arch) -> Costs:
    return price(arch, count(build_plan(workload, arch)))


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "mobilenet_v2"])
def test_parts_add_up_to_the_total(name: str) -> None:
    found = costs(name, load_arch("isaac_8bit", TABLE))
    assert fsum(found.components.values()) == pytest.approx(found.total, rel=1e-14)
    assert fsum(found.layers.values()) == pytest.approx(found.total, rel=1e-14)
    assert set(found.components) == set(COMPONENTS)
    assert min(e for parts in found.by_layer.values() for e in parts.values()) >= 0


def test_every_action_is_priced_once() -> None:
    priced = {action for _, action, _ in action_energies(load_arch("isaac_8bit"))}
    of_no_inference = {"saturations", "cell_writes"}
    elsewhere = {"array_reads", "adc_conversions"}  # cells; weight and unit conversions
    assert priced - {"weight_conversions"} == set(ACTIONS) - of_no_inference - elsewhere


def test_cells_cost_what_the_data_says() -> None:
    arch = load_arch("isaac_8bit")
    plan = build_plan("lenet5", arch)
    energy = {layer.name: 1e-9 * (i + 1) for i, layer in enumerate(plan.layers)}
    found = price(arch, count(plan), Activity(energy, {}, 3))
    assert {name: parts["array"] for name, parts in found.by_layer.items()} == energy


def test_cells_by_the_table_cost_the_same_for_any_data() -> None:
    arch = load_arch("isaac_8bit", TABLE)
    counts = count(build_plan("lenet5", arch))
    expected = 30e-12 * counts.total("array_reads")
    assert price(arch, counts).components["array"] == pytest.approx(expected)


def test_energy_of_the_data_without_data_is_refused() -> None:
    arch = load_arch("isaac_8bit")
    counts = count(build_plan("lenet5", arch))
    with pytest.raises(InputError, match=r"energy\.array: data needs data.*'conv1'"):
        price(arch, counts)
    with pytest.raises(InputError, match="'conv2'"):
        price(arch, counts, Activity({"conv1": 1e-9}, {}, 1))


def test_unit_columns_are_converted_with_the_bits_that_they_need() -> None:
    arch = load_arch(
        "isaac_8bit",
        {**TABLE, "adc.policy": "lossless", "adc.bits": None, "array.input_sum": "column"},
    )
    counts = count(build_plan("lenet5", arch))
    units = counts.total("unit_conversions")
    weights = counts.total("adc_conversions") - units
    expected = weights * adc_cost("isaac", 8).energy + units * adc_cost("isaac", 9).energy
    assert units > 0
    assert price(arch, counts).components["adc"] == pytest.approx(expected)
    assert price(arch, counts).components["input_sum"] == 0


def test_more_bits_cost_more() -> None:
    by_bits = [
        costs("lenet5", load_arch("isaac_8bit", {**TABLE, "adc.bits": bits})).total
        for bits in (4, 6, 8, 10)
    ]
    assert by_bits == sorted(set(by_bits))


def test_converting_the_difference_of_two_currents_halves_the_conversions() -> None:
    digital = {**TABLE, "array.encoding": "differential", "array.flip_columns": False}
    two = costs("lenet5", load_arch("isaac_8bit", digital))
    one = costs("lenet5", load_arch("isaac_8bit", {**digital, "array.subtract": "analog"}))
    assert two.components["adc"] == pytest.approx(2 * one.components["adc"])
    assert two.components["dac"] == one.components["dac"]


def test_a_chip_without_a_port_pays_nothing_for_it() -> None:
    arch = load_arch("isaac_8bit", {**TABLE, "chip.offchip": "none"})
    assert costs("lenet5", arch).components["offchip"] == 0
    assert chip_area(arch, 168)["offchip"] == 0


def test_area_parts_have_the_names_of_energy_parts() -> None:
    assert set(chip_area(load_arch("isaac_8bit"), 1)) == set(COMPONENTS)


def test_area_grows_with_what_there_is_more_of() -> None:
    base = sum(tile_area(load_arch("isaac_8bit")).values())
    for larger in (
        {"array.rows": 256},
        {"array.cols": 256},
        {"adc.bits": 9},
        {"dac.bits": 2},
        {"pe.arrays": 16},
        {"pe.input_register": "4 KiB"},
        {"pe.output_register": "512 B"},
        {"tile.pes": 16},
        {"tile.buffer": "128 KiB"},
        {"tile.bus_width": 512},
    ):
        assert sum(tile_area(load_arch("isaac_8bit", larger)).values()) > base, larger
    fewer = load_arch("isaac_8bit", {"pe.adcs": 4})
    assert sum(tile_area(fewer).values()) < base


def test_input_sums_take_area_only_where_they_are_needed() -> None:
    plain = {"array.flip_columns": False, "array.encoding": "twos_complement"}
    assert tile_area(load_arch("isaac_8bit"))["input_sum"] > 0
    assert tile_area(load_arch("isaac_8bit", {"array.input_sum": "column"}))["input_sum"] == 0
    arch = load_arch("isaac_8bit", plain)
    assert tile_area(arch)["input_sum"] == 0
    assert tile_area(arch, make_encoding(arch, 1))["input_sum"] > 0  # w = 1 - 2 u has an offset
