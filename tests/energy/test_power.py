"""Is the nameplate the power of a chip on which nothing idles, and leakage its stated share?"""

from __future__ import annotations

from typing import Any

import pytest

from crossbar import build_plan, load_arch
from crossbar.energy import COMPONENTS, leakage_power, nameplate, price
from crossbar.energy.power import leaking_share, power_origins
from crossbar.timing import LayerCounts, count
from crossbar.timing.counts import ACTIONS, Counts
from tests.energy.hardware import CHIPS, chip, period, saturating

MW = 1e-3
TABLE = {"energy.array": "table"}
ROWS = {  # ISAAC, ISCA 2016, table I, one tile
    "adc": 12 * 16 * MW,
    "dac": 12 * 4 * MW,
    "sample_hold": 12 * 0.010 * MW,
    "array": 12 * 2.4 * MW,
    "shift_add": 12 * 0.2 * MW,
    "input_register": 12 * 1.24 * MW,
    "output_register": 12 * 0.23 * MW,
    "buffer": 20.7 * MW,
    "bus": 7 * MW,
    "router": 42 * MW / 4,
    "activation": 0.52 * MW,
    "pool": 0.4 * MW,
    "tile_adder": 0.05 * MW,
    "tile_register": 1.68 * MW,
    "offchip": 10.4,
}
OF_PE = ("adc", "dac", "sample_hold", "array", "shift_add", "input_register", "output_register")


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("array", ["table", "data"])
def test_isaacs_nameplate_is_its_table(row: str, array: str) -> None:
    power = nameplate(load_arch("isaac_isca_2016", {"energy.array": array}), 1)
    assert power[row] == pytest.approx(ROWS[row], rel=0.005)


@pytest.mark.parametrize("array", ["table", "data"])
def test_isaacs_nameplate_adds_up_to_its_totals(array: str) -> None:
    arch = load_arch("isaac_isca_2016", {"energy.array": array})
    tile, whole = nameplate(arch, 1), nameplate(arch, 168)
    assert set(tile) == set(COMPONENTS)
    assert sum(tile[row] for row in OF_PE) / 12 == pytest.approx(24.08 * MW, rel=0.002)
    assert sum(tile.values()) - tile["offchip"] == pytest.approx(330 * MW, rel=0.005)
    assert whole["offchip"] == pytest.approx(10.4)
    assert sum(whole.values()) == pytest.approx(65.8, rel=0.005)
    assert tile["input_sum"] < 0.0005 * 330 * MW  # what the table lacks


def saturated(name: str, **keys: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Dynamic power of a tile on which no array ever waits, and its nameplate; without port."""
    arch = chip(name, **TABLE, **keys)
    work = saturating(arch)
    plan = build_plan(work, arch)
    assert plan.utilisation == pytest.approx(1.0, rel=0.01)
    layer = plan.layers[0]
    seconds = layer.positions * period(arch, layer.slot)
    spent = price(arch, count(plan)).components
    plate = nameplate(arch, 1)
    del spent["offchip"], plate["offchip"]
    return {part: energy / seconds for part, energy in spent.items()}, plate


@pytest.mark.parametrize("name", CHIPS)
def test_a_saturated_tile_of_any_chip_draws_its_nameplate(name: str) -> None:
    drawn, plate = saturated(name, **{"tile.bus_width": 4096})
    drawn["buffer"], plate["buffer"] = drawn["bus"], plate["bus"]  # see below
    assert drawn == pytest.approx(plate, rel=1e-9)


def test_a_buffer_is_busy_with_inputs_and_outputs() -> None:
    # in a run a tile is written its inputs; a window without overlap is as much as it reads
    drawn, plate = saturated("isaac")
    dearer = 4  # a bit of a buffer of 1 MiB
    assert drawn["buffer"] == pytest.approx(dearer * 2 * 12288 * 20.7 * MW / 13824)
    assert plate["buffer"] == pytest.approx(dearer * 20.7 * MW)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("name", ["isaac", "shared converters", "unit columns"])
def test_a_saturated_tile_draws_the_same_whatever_share_of_it_leaks(
    name: str, share: float
) -> None:
    wide = {"tile.bus_width": 4096}
    drawn, plate = saturated(name, **wide, **{"energy.leakage_share": share})
    leaks = leakage_power(chip(name, **TABLE, **wide, **{"energy.leakage_share": share}), 1)
    for part in set(plate) - {"buffer"}:
        assert drawn[part] + leaks[part] == pytest.approx(plate[part], rel=1e-9), part
        assert leaks[part] == pytest.approx(share * plate[part]), part


def scaled(keys: dict[str, Any], tiles: int = 1) -> dict[str, float]:
    """Nameplate with overrides, as multiples of that without."""
    before = nameplate(load_arch("isaac_isca_2016", TABLE), 1)
    after = nameplate(load_arch("isaac_isca_2016", {**TABLE, **keys}), tiles)
    return {part: after[part] / drawn for part, drawn in before.items() if drawn}


def test_twice_the_tiles_draw_twice_as_much_and_the_port_the_same() -> None:
    found = scaled({}, tiles=2)
    assert found.pop("offchip") == 1
    assert list(found.values()) == pytest.approx([2] * len(found))


def test_twice_the_rows_drive_twice_the_inputs_into_the_same_outputs() -> None:
    found = scaled({"array.rows": 256})
    for part in ("dac", "input_register", "input_sum"):
        assert found[part] == pytest.approx(2), part
    for part in ("adc", "sample_hold", "shift_add", "array", "output_register", "router", "pool"):
        assert found[part] == pytest.approx(1), part
    assert found["buffer"] == pytest.approx((2 * 12288 + 1536) / 13824)


def test_twice_the_columns_take_their_converters_twice_as_long() -> None:
    found = scaled({"array.cols": 256})  # 256 conversions of 1.28 GHz: 200 ns a read
    for part in ("adc", "sample_hold", "shift_add", "output_register", "activation"):
        assert found[part] == pytest.approx(1), part
    for part in ("dac", "input_register", "array"):
        assert found[part] == pytest.approx(0.5), part
    both = scaled({"array.cols": 256, "adc.rate": "2.56 GHz"})
    for part in ("adc", "sample_hold", "shift_add", "output_register", "activation"):
        assert both[part] == pytest.approx(2), part
    assert both["dac"] == pytest.approx(1)


def test_half_the_converters_halve_the_pace_of_everything() -> None:
    found = scaled({"pe.adcs": 4})
    assert found.pop("offchip") == 1
    assert list(found.values()) == pytest.approx([0.5] * len(found))


def test_twice_the_arrays_and_converters_draw_twice_as_much() -> None:
    found = scaled({"pe.arrays": 16, "pe.adcs": 16})
    assert found.pop("offchip") == 1
    assert list(found.values()) == pytest.approx([2] * len(found))


def test_half_the_bits_of_inputs_make_twice_the_outputs() -> None:
    found = scaled({"precision.input_bits": 8})
    for part in ("activation", "pool", "tile_adder", "output_register", "tile_register"):
        assert found[part] == pytest.approx(2), part
    assert found["router"] == pytest.approx(1)  # twice the outputs of half the bits
    assert found["adc"] == found["dac"] == pytest.approx(1)


def test_a_longer_cycle_draws_less() -> None:
    found = scaled({"array.cycle": "200 ns"})
    assert found.pop("offchip") == 1
    assert list(found.values()) == pytest.approx([0.5] * len(found))


def test_a_bus_draws_no_more_than_all_its_wires_do() -> None:
    wires = {"tile.bus_width": 48}  # 48 x 128 clocks; a saturated tile would move 13,824 bits
    assert scaled(wires)["bus"] == pytest.approx(48 * 128 / 13824)
    assert scaled({"tile.vector_lanes": 1})["pool"] == pytest.approx(64 / 96)


def test_cells_priced_by_the_data_count_with_the_worst_data() -> None:
    data = load_arch("tiny_reram")
    read = 256 * 0.2**2 * 40e-6 * 10e-9
    assert nameplate(data, 1)["array"] == pytest.approx(8 * read / 16e-9)
    some = load_arch("tiny_reram", {"array.rows_per_read": 4})
    assert nameplate(some, 1)["array"] == pytest.approx(8 * read / 4 / 16e-9)


def test_a_chip_without_a_port_has_none_in_its_nameplate() -> None:
    assert nameplate(load_arch("isaac_8bit", {"chip.offchip": "none"}), 168)["offchip"] == 0


def test_a_static_port_is_drawn_always_and_not_by_the_bit() -> None:
    arch = load_arch("isaac_isca_2016", {**TABLE, "chip.offchip_power": "static"})
    assert leakage_power(arch, 168)["offchip"] == pytest.approx(10.4)
    assert nameplate(arch, 168)["offchip"] == pytest.approx(10.4)
    assert price(arch, count(build_plan("lenet5", arch))).components["offchip"] == 0
    none = load_arch(arch, {"chip.offchip": "none"})
    assert leakage_power(none, 168)["offchip"] == 0


def test_no_work_costs_only_leakage() -> None:
    keys = {**TABLE, "energy.leakage_share": 0.2}
    arch = load_arch("isaac_isca_2016", keys)
    idle = LayerCounts("conv", **dict.fromkeys(ACTIONS, 0.0))
    costs = price(arch, Counts((idle,)))
    assert costs.total == costs.dynamic == 0
    leaking = costs.with_leakage(leakage_power(arch, 168), throughput=1000.0)
    assert leaking.dynamic == 0
    assert leaking.layers == {"conv": 0}
    assert leaking.total == pytest.approx(0.2 * 65.8 / 1000, rel=0.005)
    assert sum(leaking.components.values()) == pytest.approx(leaking.total)
    isaac = load_arch("isaac_isca_2016")
    assert set(leakage_power(isaac, 168).values()) == {0}


def test_average_power_of_an_endless_stream_holds_the_whole_leakage() -> None:
    arch = load_arch("isaac_isca_2016", {**TABLE, "energy.leakage_share": 0.3})
    costs = price(arch, count(build_plan("resnet18", arch)))
    leakage = leakage_power(arch, 168)
    busy = costs.with_leakage(leakage, 50.0)
    assert busy.total * 50.0 == pytest.approx(costs.total * 50.0 + sum(leakage.values()))
    assert busy.components["adc"] == pytest.approx(costs.components["adc"] + leakage["adc"] / 50)
    assert busy.layers == costs.layers


def test_cells_priced_by_the_data_do_not_leak() -> None:
    arch = load_arch("isaac_isca_2016", {"energy.leakage_share": 0.3})
    assert leaking_share(arch, "array") == leakage_power(arch, 168)["array"] == 0
    assert leaking_share(arch, "adc") == leaking_share(arch, "offchip") == 0.3
    table = load_arch(arch, TABLE)
    assert leakage_power(table, 168)["array"] == pytest.approx(0.3 * 168 * 12 * 2.4 * MW)


@pytest.mark.parametrize("array", ["table", "data"])
@pytest.mark.parametrize("name", CHIPS)
def test_the_nameplates_sources_multiply_up_to_it(name: str, array: str) -> None:
    arch = chip(name, **{"energy.array": array, "energy.leakage_share": 0.3})
    found = dict.fromkeys(COMPONENTS, 0.0)
    for (component, _), (energy, rate) in power_origins(arch).items():
        found[component] += energy.value * rate.value
        assert energy.factors or energy.terms
        assert energy.source
        assert rate.factors
        assert rate.source
    assert found == pytest.approx(nameplate(arch, 1), rel=1e-12)
