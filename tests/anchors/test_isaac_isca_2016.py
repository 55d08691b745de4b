"""ISAAC-CE, Shafiee et al., ISCA 2016, table I: do we reproduce its powers, areas and rates?"""

from __future__ import annotations

import pytest

from benchmarks.isaac import (
    IMA,
    NETWORKS,
    PER_IMA,
    PER_TILE,
    STEP,
    Row,
    minimum_arrays,
    one_vector,
    saturating,
    vgg19,
)
from crossbar import Report, build_plan, estimate, find_workload, load_arch
from crossbar.energy import chip_area, pe_area, tile_area
from crossbar.energy.units import ON_DEMAND

MW, MM2 = 1e-3, 1e-6
ROWS = {row.component: Row(row.component, row.power * IMA, row.area * IMA) for row in PER_IMA} | {
    row.component: row for row in PER_TILE
}
ONE_TILE = {"chip.tiles": 1, "energy.array": "table"}


@pytest.fixture(scope="module")
def report() -> Report:
    found = estimate(load_arch("isaac_isca_2016", ONE_TILE), saturating())
    assert (found.chip["arrays"], found.chip["utilisation"]) == (96, 1.0)
    return found


@pytest.fixture(scope="module")
def powers(report: Report) -> dict[str, float]:
    return {name: c["energy"] * report.throughput for name, c in report.components.items()}


@pytest.mark.parametrize("row", ROWS)
def test_a_saturated_tile_draws_the_power_of_each_row(row: str, powers: dict[str, float]) -> None:
    assert powers[row] == pytest.approx(ROWS[row].power * MW, rel=0.005)


def test_a_saturated_pe_and_tile_draw_their_totals(powers: dict[str, float]) -> None:
    pe = sum(powers[row.component] for row in PER_IMA) / IMA
    tile = sum(powers[row] for row in ROWS)
    assert pe == pytest.approx(24.08 * MW, rel=0.002)
    assert tile == pytest.approx(330 * MW, rel=0.005)
    assert 168 * tile == pytest.approx(55.4, rel=0.005)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_what_leaks_is_no_news_to_a_saturated_tile(share: float, powers: dict[str, float]) -> None:
    arch = load_arch("isaac_isca_2016", ONE_TILE | {"energy.leakage_share": share})
    found = estimate(arch, saturating())
    for row in ROWS:
        drawn = found.components[row]["energy"] * found.throughput
        assert drawn == pytest.approx(powers[row], rel=0.005), row


def test_what_the_table_lacks_is_small(powers: dict[str, float]) -> None:
    assert set(powers) - set(ROWS) == {"input_sum", "offchip", *ON_DEMAND}
    assert not any(powers[name] for name in ON_DEMAND)  # units that only transformers have
    assert powers["input_sum"] < 0.001 * 330 * MW


def test_areas() -> None:
    arch = load_arch("isaac_isca_2016")
    pe, tile = sum(pe_area(arch).values()), sum(tile_area(arch).values())
    chip = chip_area(arch, 168)
    assert pe == pytest.approx(0.0131 * MM2, rel=0.01)
    assert tile == pytest.approx(0.372 * MM2, rel=0.01)
    assert sum(chip.values()) - chip["offchip"] == pytest.approx(62.5 * MM2, rel=0.01)
    assert sum(chip.values()) == pytest.approx(85.4 * MM2, rel=0.01)


@pytest.mark.parametrize("row", ROWS)
def test_areas_of_the_components(row: str) -> None:
    assert tile_area(load_arch("isaac_isca_2016"))[row] == pytest.approx(ROWS[row].area * MM2)


def test_peak_rate(report: Report) -> None:
    # 41.3 TOPS, two operations a multiply-accumulate, from the rate at which one tile takes inputs
    operations = 2 * saturating().macs * report.throughput
    assert 168 * operations == pytest.approx(41.3e12, rel=0.01)


def test_first_output_after_22_steps() -> None:
    arch = load_arch("isaac_isca_2016", ONE_TILE)
    assert estimate(arch, one_vector()).latency == pytest.approx(22 * STEP)


def test_one_output_every_16_steps_after_22(report: Report) -> None:
    assert report.latency == pytest.approx((22 + 999 * 16) * STEP)


def test_copies_share_the_positions() -> None:
    arch = load_arch("isaac_isca_2016", ONE_TILE | {"chip.tiles": 4, "replication": [4]})
    assert estimate(arch, saturating()).latency == pytest.approx((22 + 249 * 16) * STEP)


@pytest.mark.parametrize("name", NETWORKS)
def test_arrays_without_copies(name: str) -> None:
    work = vgg19() if name == "vgg19" else find_workload(name)
    bits = {"precision.weight_bits": 8}
    large = {"cell.bits": 1, "array.rows": 256, "array.cols": 256}
    *expected, slowest = NETWORKS[name]
    for keys, slices, side, arrays in zip(
        ({}, bits, bits | large), (8, 4, 8), (128, 128, 256), expected, strict=True
    ):
        plan = build_plan(work, load_arch("isaac_isca_2016", {"chip.tiles": "auto", **keys}))
        assert plan.arrays == minimum_arrays(work, slices, side) == arrays
    plan = build_plan(work, load_arch("isaac_isca_2016", {"chip.tiles": "auto"}))
    longest = max(layer.slots * layer.slot for layer in plan.layers)
    assert longest == pytest.approx(slowest * 1e-6)
