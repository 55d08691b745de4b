"""Is the digital work of a network counted, priced and built as it should be?"""

from __future__ import annotations

from typing import Any

import pytest

from crossbar import build_plan, load_arch
from crossbar.energy import chip_area, leakage_power, nameplate, price, tile_area
from crossbar.energy.units import BUILT_FOR, chip_units
from crossbar.report import build_report
from crossbar.timing import count
from tests.report.reports import activity, attending, made

TABLE = {"energy.array": "table"}
BY_HAND = {
    "embedding_reads": 6 * 16,
    "adds": 6 * 16,
    # two heads, six tokens: scores from 8 features each, values of 8 features from six scores each
    "macs": 2 * 6 * 6 * 8 + 2 * 6 * 8 * 6,
    "softmax_ops": 12 * (5 * 6 - 1),
    "norm_ops": 6 * (4 * 16 + 1),
    "activations": 6 * 16,
    "multiplies": 2 * 6 * 6 + 6 * 16,  # the scale of the scores; the gate
    "pool_ops": 0,
}


def test_every_operation_is_counted_at_the_layer_before_it() -> None:
    counts = count(build_plan(attending(), "isaac_8bit"))
    assert {action: counts.total(action) for action in BY_HAND} == BY_HAND
    where = {
        action: {layer.name for layer in counts.layers if getattr(layer, action)}
        for action in BY_HAND
    }
    assert where["embedding_reads"] == where["adds"] == {"project"}
    assert where["macs"] == where["softmax_ops"] == where["norm_ops"] == {"query"}
    assert where["activations"] == {"up"}
    assert where["multiplies"] == {"query", "up"}


def test_energy_of_the_units_by_hand() -> None:
    arch = load_arch("isaac_8bit", TABLE)
    parts = price(arch, count(build_plan(attending(), arch))).components
    pj = {"multiplier": 0.142222, "softmax": 0.118222, "norm": 0.248889, "matmul": 0.334427}
    for unit, action in BUILT_FOR.items():
        assert parts[unit] == pytest.approx(BY_HAND[action] * pj[unit] * 1e-12, rel=1e-5)
    assert parts["embedding"] == pytest.approx(96 * 8 * 3.7e-12)


def test_half_the_bits_cost_a_quarter_of_a_product_and_half_of_a_fetch() -> None:
    eight, four = (
        price(arch, count(build_plan(attending(), arch))).components
        for arch in (load_arch("isaac_8bit", {**TABLE, "precision.input_bits": b}) for b in (8, 4))
    )
    assert four["multiplier"] == pytest.approx(eight["multiplier"] / 4)
    assert four["embedding"] == pytest.approx(eight["embedding"] / 2)
    assert eight["matmul"] / 4 < four["matmul"] < eight["matmul"] / 2 * 1.1


def test_a_chip_is_built_for_its_network() -> None:
    arch = load_arch("isaac_8bit")
    for network, units in (
        ("lenet5", set()),
        ("mobilenet_v2", set()),
        ("minilm6", set(BUILT_FOR)),
        (attending(), set(BUILT_FOR)),
    ):
        counts = count(build_plan(network, arch))
        assert chip_units(counts.to_dict()) == units
    assert chip_units({"macs": 5, "multiplies": 0, "softmax_ops": None}) == {"matmul"}
    assert chip_units({}) == set()


def test_units_that_are_not_built_take_no_room_and_no_power() -> None:
    arch = load_arch("isaac_8bit", {"energy.leakage_share": 0.25})
    for known in (chip_area, nameplate, leakage_power):
        none, one = known(arch, 7), known(arch, 7, units={"matmul"})
        assert {name for name in none if none[name] != one[name]} == {"matmul"}
        assert none["matmul"] == 0 < one["matmul"]
    assert tile_area(arch, units=BUILT_FOR)["softmax"] * 7 == pytest.approx(
        chip_area(arch, 7, units=BUILT_FOR)["softmax"]
    )


def test_a_saturated_unit_does_all_its_lanes_a_clock() -> None:
    keys: dict[str, Any] = {"tile.vector_lanes": 10, "tile.matmul_macs": 64, "clock": "0.64 GHz"}
    arch = load_arch("isaac_8bit", {**keys, "energy.leakage_share": 0.5})
    full = nameplate(arch, 3, units=BUILT_FOR)
    assert full["multiplier"] == pytest.approx(3 * 10 * 0.64e9 * 0.142222e-12, rel=1e-5)
    each = 0.142222 + 0.071111 + 2 * 8 / 8 * 0.121094  # registers along sides of 8
    assert full["matmul"] == pytest.approx(3 * 64 * 0.64e9 * each * 1e-12, rel=1e-5)
    assert full["embedding"] == 0
    leaks = leakage_power(arch, 3, units=BUILT_FOR)
    assert leaks["softmax"] == pytest.approx(full["softmax"] / 2)


def test_what_leaks_is_taken_off_the_actions_but_not_off_the_memory_outside() -> None:
    found = [
        price(arch, count(build_plan(attending(), arch))).components
        for arch in (
            load_arch("isaac_8bit", {**TABLE, "energy.leakage_share": s}) for s in (0, 0.4)
        )
    ]
    for unit in BUILT_FOR:
        assert found[1][unit] == pytest.approx(0.6 * found[0][unit])
    assert found[1]["embedding"] == found[0]["embedding"]


def test_the_report_of_a_network_without_them_is_as_before() -> None:
    report = made("resnet20", {"energy.leakage_share": 0.1})
    for name in (*BUILT_FOR, "embedding"):
        assert report.components[name] == {"energy": 0, "leakage": 0, "area": 0}
    plan = build_plan("resnet20", load_arch("isaac_8bit"))
    assert report.area == pytest.approx(sum(chip_area(plan.arch, plan.chip_tiles).values()))


def test_idle_tiles_have_the_units_too() -> None:
    small, large = (
        build_report(plan, activity(plan))
        for plan in (
            build_plan(attending(), load_arch("isaac_8bit", {"chip.tiles": n})) for n in (2, 4)
        )
    )
    for name in BUILT_FOR:
        assert large.components[name]["area"] == pytest.approx(2 * small.components[name]["area"])
