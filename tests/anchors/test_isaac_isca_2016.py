"""ISAAC-CE, Shafiee et al., ISCA 2016, table I: do we reproduce its powers and areas?"""

from __future__ import annotations

import pytest

from crossbar import build_plan, load_arch
from crossbar.energy import chip_area, pe_area, price, tile_area
from crossbar.timing import bound, count
from crossbar.workload import Workload, WorkloadBuilder

MW, MM2 = 1e-3, 1e-6

POWER = {  # of one tile, each row of the table
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
}


def saturating(positions: int = 1000) -> Workload:
    """One tile's worth: 96 groups, each of 128 inputs (8 pixels of 16 channels) and 16 outputs."""
    net = WorkloadBuilder("saturating")
    x = net.input("input", (96 * 16, positions - 1, 1))
    x = net.conv("conv", x, 96 * 16, (8, 1), padding=(4, 0), groups=96, bias=False)
    return net.build(net.max_pool("pool", net.activation("sigmoid", x, "sigmoid"), 1))


@pytest.fixture(scope="module")
def powers() -> dict[str, float]:
    arch = load_arch("isaac_isca_2016", {"chip.tiles": 1, "energy.array": "table"})
    plan = build_plan(saturating(), arch)
    assert (plan.arrays, plan.utilisation) == (96, 1.0)
    costs = price(arch, count(plan))
    busy = bound(plan).throughput
    return {name: energy * busy for name, energy in costs.components.items()}


@pytest.mark.parametrize("row", POWER)
def test_a_saturated_tile_draws_the_power_of_each_row(row: str, powers: dict[str, float]) -> None:
    assert powers[row] == pytest.approx(POWER[row], rel=0.005)


def test_a_saturated_pe_and_tile_draw_their_totals(powers: dict[str, float]) -> None:
    of_pe = ("adc", "dac", "sample_hold", "array", "shift_add", "input_register")
    pe = sum(powers[row] for row in (*of_pe, "output_register")) / 12
    tile = sum(powers[row] for row in POWER)
    assert pe == pytest.approx(24.08 * MW, rel=0.002)
    assert tile == pytest.approx(330 * MW, rel=0.005)
    assert 168 * tile == pytest.approx(55.4, rel=0.005)


def test_what_the_table_lacks_is_small(powers: dict[str, float]) -> None:
    assert set(powers) - set(POWER) == {"input_sum", "offchip"}
    assert powers["input_sum"] < 0.001 * 330 * MW


def test_areas() -> None:
    arch = load_arch("isaac_isca_2016")
    pe, tile = sum(pe_area(arch).values()), sum(tile_area(arch).values())
    chip = chip_area(arch, 168)
    assert pe == pytest.approx(0.0131 * MM2, rel=0.01)
    assert tile == pytest.approx(0.372 * MM2, rel=0.01)
    assert sum(chip.values()) - chip["offchip"] == pytest.approx(62.5 * MM2, rel=0.01)
    assert sum(chip.values()) == pytest.approx(85.4 * MM2, rel=0.01)


def test_areas_of_the_pes_components() -> None:
    area = pe_area(load_arch("isaac_isca_2016"))
    assert area == pytest.approx(
        {
            "array": 0.0002 * MM2,
            "dac": 0.00017 * MM2,
            "sample_hold": 0.00004 * MM2,
            "adc": 0.0096 * MM2,
            "shift_add": 0.00024 * MM2,
            "input_register": 0.0021 * MM2,
            "output_register": 0.00077 * MM2,
        }
    )


def test_peak_rate() -> None:
    # 41.3 TOPS, two operations a multiply-accumulate, from the rate at which one tile takes inputs
    plan = build_plan(saturating(), load_arch("isaac_isca_2016", {"chip.tiles": 1}))
    operations = 2 * plan.workload.macs * bound(plan).throughput
    assert 168 * operations == pytest.approx(41.3e12, rel=0.01)


def test_one_output_every_16_cycles_after_22() -> None:
    plan = build_plan(saturating(1000), load_arch("isaac_isca_2016", {"chip.tiles": 1}))
    assert bound(plan).latency == pytest.approx((22 + 999 * 16) * 100e-9)
