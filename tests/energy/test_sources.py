"""Do the published factors of each cost multiply up to the cost?"""

from __future__ import annotations

import math
from typing import Any

import pytest

from crossbar import build_plan, estimate, load_arch
from crossbar.device.cell_cost import table_read_energy
from crossbar.energy import COMPONENTS, action_energies, chip_area
from crossbar.energy.area_sources import area_origins
from crossbar.energy.price import published_energies
from crossbar.energy.programming import programming_cost, programming_origins
from crossbar.energy.sources import energy_origins, published_origins
from crossbar.energy.units import BUILT_FOR
from crossbar.timing import ACTIONS, count
from crossbar.timing.formulas import FORMULAS

HARDWARE: list[dict[str, Any]] = [
    {},
    {"adc.bits": 6, "dac.bits": 3, "pe.adcs": 3, "tile.buffer": "32 KiB", "tile.bus_width": 100},
    {"array.rows": 256, "array.cols": 64, "pe.output_register": "1 KiB", "tile.pes": 5},
    {
        "array.input_sum": "column",
        "chip.offchip": "none",
        "adc.policy": "lossless",
        "adc.bits": None,
    },
    {"energy.leakage_share": 0.3, "cell.write_pulses": 2.5},
    {"energy.leakage_share": 0.1, "chip.offchip_power": "static"},
    {"adc.model": "accelergy", "adc.bits": 9},
    {"precision.input_bits": 5, "tile.matmul_macs": 100, "chip.table_energy": "2 pJ"},
    {"precision.input_bits": 16, "tile.vector_lanes": 3, "energy.leakage_share": 0.4},
    {"adc.model": "zigzag", "array.rows": 64},
    {"adc.model": "puma", "adc.bits": 5},
    {"adc.model": "mnsim", "adc.policy": "lossless", "adc.bits": None},
]


@pytest.mark.parametrize("overrides", HARDWARE)
def test_energies(overrides: dict[str, Any]) -> None:
    arch = load_arch("isaac_8bit", overrides)
    origins = dict(energy_origins(arch))
    read = origins.pop(("array", "array_reads"))
    drawn_by_reads = 1 - arch.energy.leakage_share
    assert math.isclose(read.value, drawn_by_reads * table_read_energy(arch), rel_tol=1e-14)
    prices = {(component, action): energy for component, action, energy in action_energies(arch)}
    assert set(origins) == set(prices)
    for key, energy in prices.items():
        assert math.isclose(origins[key].value, energy, rel_tol=1e-14), key


@pytest.mark.parametrize("overrides", HARDWARE)
def test_energies_as_published(overrides: dict[str, Any]) -> None:
    arch = load_arch("isaac_8bit", overrides)
    origins = dict(published_origins(arch))
    assert math.isclose(origins.pop(("array", "array_reads")).value, 30e-12, rel_tol=1e-14)
    prices = {(component, action): energy for component, action, energy in published_energies(arch)}
    assert set(origins) == set(prices)
    for key, energy in prices.items():
        assert math.isclose(origins[key].value, energy, rel_tol=1e-14), key


def test_what_leaks_is_a_factor_of_every_dynamic_energy() -> None:
    arch = load_arch("isaac_8bit", {"energy.leakage_share": 0.3})
    origins = dict(energy_origins(arch))
    outside = origins.pop(("embedding", "embedding_reads"))  # no part of the chip leaks for it
    assert outside == energy_origins(load_arch("isaac_8bit"))["embedding", "embedding_reads"]
    written = origins.pop(("programming", "runtime_writes"))  # nor for what writes cells
    assert written == energy_origins(load_arch("isaac_8bit"))["programming", "runtime_writes"]
    for origin in origins.values():
        assert "energy.leakage_share" in origin.factors[-1].what
    none = load_arch("isaac_8bit")
    for origin in energy_origins(none).values():
        assert not any("leakage" in factor.what for factor in origin.factors)
    static = load_arch("isaac_8bit", {"chip.offchip_power": "static"})
    assert "static" in energy_origins(static)["offchip", "offchip_bits"].source


@pytest.mark.parametrize("overrides", HARDWARE)
def test_programming(overrides: dict[str, Any]) -> None:
    plan = build_plan("lenet5", load_arch("isaac_8bit", overrides))
    cost = programming_cost(plan, count(plan))
    assert cost is not None
    parts = programming_origins(plan.arch)
    each = math.fsum(origin.value for origin in parts.values())
    assert math.isclose(cost.cells * each, cost.energy, rel_tol=1e-14)
    assert all(origin.source for origin in parts.values())


@pytest.mark.parametrize("overrides", HARDWARE)
def test_areas(overrides: dict[str, Any]) -> None:
    arch = load_arch("isaac_8bit", overrides)
    origins = area_origins(arch)
    areas = chip_area(arch, 1, units=BUILT_FOR)
    assert set(origins) == set(areas) == set(COMPONENTS)
    for name, area in areas.items():
        if name != "input_sum" or area:  # none where unit columns do the work
            assert math.isclose(origins[name].value, area, rel_tol=1e-14), name
    none = chip_area(arch, 1)
    assert {name for name in areas if areas[name] != none[name]} == set(BUILT_FOR)
    assert not any(none[name] for name in BUILT_FOR)


def test_every_cost_names_its_source_or_what_is_assumed() -> None:
    arch = load_arch("isaac_8bit")
    for origin in (*energy_origins(arch).values(), *area_origins(arch).values()):
        assert "ISAAC, ISCA 2016, table I" in origin.source or "assumed" in origin.source
        assert origin.factors or origin.terms
        for term in origin.terms:
            assert any(word in term.source for word in ("Horowitz", "ISAAC", "v^2 g t", "assumed"))
            assert term.factors


def test_the_model_of_the_converters_is_named_beside_what_they_cost() -> None:
    table = load_arch("isaac_8bit")
    for model in ("accelergy", "zigzag", "puma", "mnsim"):
        arch = load_arch("isaac_8bit", {"adc.model": model})
        energies, areas = energy_origins(arch), area_origins(arch)
        converting = {key for key, origin in energies.items() if "adc.model" in origin.source}
        assert converting == {("adc", "weight_conversions"), ("adc", "unit_conversions")}
        for origin in (energies["adc", "weight_conversions"], areas["adc"]):
            assert f"adc.model {model}" in origin.source
        assert chip_area(arch, 1)["bus"] == chip_area(table, 1)["bus"]


def test_a_network_pays_for_its_conversions_by_the_model() -> None:
    costs = {
        model: estimate(load_arch("isaac_8bit", {"adc.model": model}), "lenet5").to_dict()
        for model in ("isaac", "accelergy")
    }
    isaac, accelergy = (costs[model]["components"] for model in costs)
    # 8 bits, 1.28 GS/s, 32 nm: 1.929 and 1.5625 pJ, 6469 and 1200 um2
    ratio = accelergy["adc"]["energy"] / isaac["adc"]["energy"]
    assert ratio == pytest.approx(1.929 / 1.5625, rel=1e-3)
    assert accelergy["adc"]["area"] / isaac["adc"]["area"] == pytest.approx(6469 / 1200, rel=1e-3)
    for name in isaac:
        if name != "adc":
            assert accelergy[name] == isaac[name]


def test_hardware_without_a_price_of_a_read_has_no_source_for_it() -> None:
    arch = load_arch("isaac_8bit", {"array.read_energy": None})
    assert ("array", "array_reads") not in energy_origins(arch)


def test_every_action_has_a_formula() -> None:
    assert tuple(FORMULAS) == ACTIONS
