"""Do the published factors of each cost multiply up to the cost?"""

from __future__ import annotations

import math
from typing import Any

import pytest

from crossbar import load_arch
from crossbar.device.cell_cost import table_read_energy
from crossbar.energy import COMPONENTS, action_energies, chip_area
from crossbar.energy.area_sources import area_origins
from crossbar.energy.sources import energy_origins
from crossbar.timing import ACTIONS
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
]


@pytest.mark.parametrize("overrides", HARDWARE)
def test_energies(overrides: dict[str, Any]) -> None:
    arch = load_arch("isaac_8bit", overrides)
    origins = dict(energy_origins(arch))
    read = origins.pop(("array", "array_reads"))
    assert math.isclose(read.value, table_read_energy(arch), rel_tol=1e-14)
    prices = {(component, action): energy for component, action, energy in action_energies(arch)}
    assert set(origins) == set(prices)
    for key, energy in prices.items():
        assert math.isclose(origins[key].value, energy, rel_tol=1e-14), key


@pytest.mark.parametrize("overrides", HARDWARE)
def test_areas(overrides: dict[str, Any]) -> None:
    arch = load_arch("isaac_8bit", overrides)
    origins = area_origins(arch)
    areas = chip_area(arch, 1)
    assert set(origins) == set(areas) == set(COMPONENTS)
    for name, area in areas.items():
        if name != "input_sum" or area:  # none where unit columns do the work
            assert math.isclose(origins[name].value, area, rel_tol=1e-14), name


def test_every_cost_names_its_source_or_what_is_assumed() -> None:
    arch = load_arch("isaac_8bit")
    for origin in (*energy_origins(arch).values(), *area_origins(arch).values()):
        assert "ISAAC, ISCA 2016, table I" in origin.source or "assumed" in origin.source
        assert origin.factors


def test_hardware_without_a_price_of_a_read_has_no_source_for_it() -> None:
    arch = load_arch("isaac_8bit", {"array.read_energy": None})
    assert ("array", "array_reads") not in energy_origins(arch)


def test_every_action_has_a_formula() -> None:
    assert tuple(FORMULAS) == ACTIONS
