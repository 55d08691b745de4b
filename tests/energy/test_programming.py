"""What does it cost to load the weights, and how long does it take?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crossbar import build_plan, load_arch
from crossbar.circuit.adc_cost import adc_cost
from crossbar.circuit.sample_hold import sample_energy
from crossbar.device.programming import mean_conductance, verify_energy, write_energy
from crossbar.energy import Programming, programming_cost
from crossbar.energy.programming import programming_origins
from crossbar.timing import count
from crossbar.workload import Workload, WorkloadBuilder

PRICED = {"cell.write_voltage": "2 V", "cell.write_pulse": "20 ns"}
NO_KEYS: Mapping[str, Any] = {}


def linear(inputs: int, outputs: int) -> Workload:
    net = WorkloadBuilder("linear")
    return net.build(net.linear("fc", net.input("x", (inputs,)), outputs))


def cost(
    work: Workload | str, keys: Mapping[str, Any] = NO_KEYS, preset: str = "tiny_reram"
) -> Programming:
    plan = build_plan(work, load_arch(preset, {**PRICED, **keys}))
    found = programming_cost(plan, count(plan))
    assert found is not None
    return found


def test_by_hand() -> None:
    # 20 x 8 weights of two cells on 16 x 16 arrays: one array of 16 rows, one of 4, in one PE
    found = cost(linear(20, 8), {"cell.write_pulses": 3})
    each = (
        2**2 * 25e-6 * 20e-9
        + 0.2**2 * 25e-6 * 10e-9
        + sample_energy()
        + adc_cost("isaac", 6).energy
    )
    assert found.cells == 20 * 8 * 2
    assert found.energy == pytest.approx(320 * 3 * each)
    assert found.rows == 20
    assert found.latency == pytest.approx(20 * 3 * (20e-9 + 16e-9))


def test_the_isaac_cell() -> None:
    arch = load_arch("isaac_isca_2016")
    assert mean_conductance(arch) == pytest.approx(0.458e-6 * (1 + 1 / 15) / 2, rel=1e-5)
    assert write_energy(arch) == pytest.approx(39.1e-15, rel=0.01)
    assert verify_energy(arch) == pytest.approx(0.977e-15, rel=0.01)


def test_pes_are_loaded_side_by_side_or_one_array_at_a_time() -> None:
    work = linear(16 * 10, 8)  # ten full arrays: four in each of two PEs, two in a third
    side_by_side = cost(work)
    assert side_by_side.rows == 4 * 16
    serial = cost(work, {"chip.programming": "serial"})
    assert serial.rows == 10 * 16
    assert serial.latency == pytest.approx(2.5 * side_by_side.latency)
    assert serial.energy == side_by_side.energy


def test_it_is_proportional_to_copies_pulses_and_conductance() -> None:
    net = WorkloadBuilder("conv")
    x = net.input("x", (4, 8, 8))
    work = net.build(net.conv("conv", x, 8, (2, 2)))
    one = cost(work)
    assert cost(work, {"replication": [5]}).energy == pytest.approx(5 * one.energy)
    assert cost(work, {"replication": [5]}).cells == 5 * one.cells
    pulses = cost(work, {"cell.write_pulses": 2.5})
    assert pulses.energy == pytest.approx(2.5 * one.energy)
    assert pulses.latency == pytest.approx(2.5 * one.latency)
    higher = cost(work, {"cell.g_on": "400 uS", "cell.g_off": "100 uS"})
    written = 10 * (write := 2**2 * 25e-6 * 20e-9 + 0.2**2 * 25e-6 * 10e-9) - write
    assert higher.energy - one.energy == pytest.approx(one.cells * written)
    longer = cost(work, {"cell.write_pulse": "36 ns"})
    assert longer.latency == pytest.approx(one.latency * (36 + 16) / (20 + 16))


def test_a_whole_isaac_chip_takes_a_thousand_rows() -> None:
    found = cost("resnet18", {"cell.write_pulse": "40 ns"}, "isaac_isca_2016")
    assert found.rows == 8 * 128
    assert found.latency == pytest.approx(1024 * 140e-9)


def test_every_copy_and_layer_takes_its_own_rows() -> None:
    plan = build_plan("lenet5", load_arch("tiny_reram", {**PRICED, "replication": {"conv1": 3}}))
    found = programming_cost(plan, count(plan))
    assert found is not None
    rows: dict[int, int] = {}
    for layer in plan.layers:
        for copy in range(layer.replicas):
            firsts = iter(layer.row_block_arrays(copy))
            for bundle in layer.bundles:
                for block in range(bundle.row_blocks):
                    first = int(next(firsts))
                    for array in range(first, first + bundle.col_blocks):
                        pe = array // plan.arch.pe.arrays
                        used = min(layer.rows, bundle.rows - block * layer.rows)
                        rows[pe] = rows.get(pe, 0) + used
    assert found.rows == max(rows.values())
    assert found.latency == pytest.approx(found.rows * (20e-9 + 16e-9))
    serial = load_arch(plan.arch, {"chip.programming": "serial"})
    one_by_one = build_plan("lenet5", serial)
    told = programming_cost(one_by_one, count(one_by_one))
    assert told is not None
    assert told.rows == sum(rows.values())


def test_cells_without_a_price_of_a_pulse_are_not_priced() -> None:
    plan = build_plan(linear(20, 8), load_arch("tiny_reram"))
    assert programming_cost(plan, count(plan)) is None
    assert write_energy(plan.arch) is None
    assert programming_origins(plan.arch) == {}


def test_what_leaks_does_not_make_programming_cheaper() -> None:
    assert cost(linear(20, 8), {"energy.leakage_share": 0.5}) == cost(linear(20, 8))


@pytest.mark.parametrize("adcs", [1, 2, 4])
@pytest.mark.parametrize(("rate", "read"), [("1 GHz", 16e-9), ("250 MHz", 64e-9)])
def test_a_verifying_read_has_the_converter_to_itself(adcs: int, rate: str, read: float) -> None:
    # two arrays of 16 columns in one PE: only one of them is programmed, and read, at a time
    found = cost(linear(20, 8), {"pe.adcs": adcs, "adc.rate": rate})
    assert found.latency == pytest.approx(20 * (20e-9 + read))


def test_each_array_is_verified_in_the_time_of_its_own_columns() -> None:
    # 24 columns: arrays of 16 and of 8, at 4 ns a conversion 64 and 32 ns
    found = cost(linear(10, 12), {"adc.rate": "250 MHz"})
    assert found.rows == 20
    assert found.latency == pytest.approx(10 * (20e-9 + 64e-9) + 10 * (20e-9 + 32e-9))
