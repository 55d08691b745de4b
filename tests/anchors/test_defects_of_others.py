"""Are defects that were seen in other published simulators absent here?

Each test names what went wrong elsewhere.  Two defects need no test of their own: heads of two
tools that no longer run together, and a tool that fails with the current release of a library.
This suite is that test: it goes from workload to report in one package, with the versions that
constraints.txt pins, and treats their warnings as errors.  Buffers that fill without anyone waiting
and flits that do not share a path are asked after in tests/timing.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from benchmarks.isaac import saturating
from crossbar import Report, estimate, load_arch
from crossbar.circuit.dac import dac_area, drive_energy
from crossbar.device.faults import StuckAt, stuck_codes
from crossbar.energy import nameplate
from crossbar.errors import ConfigError
from crossbar.workload import Workload, WorkloadBuilder

TABLE = {"energy.array": "table"}


def run(work: Workload | str = "lenet5", **keys: Any) -> Report:
    named = {key.replace("__", "."): value for key, value in keys.items()}
    return estimate(load_arch("isaac_8bit", {**TABLE, **named}), work)


def columns_on_converters(columns: int, adcs: int) -> Report:
    """A layer whose every output is one column of an array of its own, all in one PE of 1 GHz."""
    net = WorkloadBuilder("columns")
    work = net.build(net.linear("fc", net.input("x", (128,)), columns, bias=False))
    return run(
        work,
        clock="1 GHz",
        adc__rate="1 GHz",
        array__cycle="1 ns",
        cell__read_pulse="1 ns",
        array__cols=1,
        pe__arrays=columns,
        pe__adcs=adcs,
        tile__pes=1,
        chip__tiles="auto",
        precision__weight_bits=1,
    )


@pytest.mark.parametrize(
    ("columns", "adcs", "rounds"),
    [(100, 16, 7), (96, 16, 6), (97, 16, 7), (112, 16, 7), (3, 2, 2), (16, 16, 1)],
)
def test_what_does_not_divide_is_rounded_up(columns: int, adcs: int, rounds: int) -> None:
    # elsewhere 100 columns on 16 converters took 6 rounds: 1 was added where signs differed only
    report = columns_on_converters(columns, adcs)
    assert report.layers[0]["slot_cycles"] == rounds
    assert report.throughput <= 1e9 / (8 * rounds) * (1 + 1e-9)  # 8 reads of an input


def test_a_dac_of_8_bits_is_not_a_thousand_times_too_dear() -> None:
    # elsewhere 3.9 uW x 2^7 = 0.4992 mW stood in the table as 0.4992 W
    assert drive_energy(8) / 100e-9 == pytest.approx(0.4992e-3, rel=0.01)
    energies = [drive_energy(bits) for bits in range(1, 9)]
    areas = [dac_area(bits) for bits in range(1, 9)]
    assert [b / a for a, b in zip(energies, energies[1:], strict=False)] == [2.0] * 7
    assert [b / a for a, b in zip(areas, areas[1:], strict=False)] == [2.0] * 7


def test_wider_dacs_cost_a_network_what_they_cost_a_read() -> None:
    base = run().components["dac"]["energy"]
    for bits, reads in ((2, 4), (3, 3), (4, 2)):
        found = run(dac__bits=bits, adc__bits=12).components["dac"]["energy"]
        assert found == pytest.approx(base * 2 ** (bits - 1) * reads / 8), bits


def test_conversions_take_the_time_that_the_converter_is_given() -> None:
    # elsewhere a conversion took (bits + 1) ns whatever the converter and the node
    found = {}
    for rate in ("1.28 GHz", "0.64 GHz", "0.32 GHz"):
        keys = {**TABLE, "chip.tiles": 1, "adc.rate": rate}
        report = estimate(load_arch("isaac_isca_2016", keys), saturating(100))
        found[rate] = (report.layers[0]["slot_cycles"], 1.28e9 / report.throughput)
    fastest, half, quarter = found.values()
    assert (fastest[0], half[0], quarter[0]) == (128, 256, 512)  # 128 columns each
    for slot, interval in found.values():
        assert interval == pytest.approx(100 * 16 * slot, rel=1e-3)


def test_the_same_converter_takes_the_same_time_in_another_clock() -> None:
    clocks = {"1.28 GHz": 128, "0.64 GHz": 64, "2.56 GHz": 256}
    for clock, cycles in clocks.items():
        assert {row["slot_cycles"] for row in run(clock=clock).layers} == {cycles}


def test_a_node_without_prices_is_refused_and_not_ignored() -> None:
    with pytest.raises(ConfigError, match="'22 nm' has no costs"):
        load_arch("isaac_8bit", {"node": "22 nm"})


def test_a_map_of_faults_needs_a_seed_and_is_the_same_again() -> None:
    # elsewhere every run drew its own faults from the global generator
    assert inspect.signature(stuck_codes).parameters["seed"].default is inspect.Parameter.empty
    codes = np.ones((128, 128), np.uint8)
    faults = StuckAt(on=0.09, off=0.0175)
    np.random.seed(1)
    drawn = np.random.random(4)
    np.random.seed(1)
    first = stuck_codes(codes, 5, faults, 7, 3)
    np.testing.assert_array_equal(np.random.random(4), drawn)  # the global one is left alone
    np.testing.assert_array_equal(stuck_codes(codes, 5, faults, 7, 3), first)
    assert (stuck_codes(codes, 5, faults, 8, 3) != first).any()


def test_time_is_not_energy_times_clock() -> None:
    # elsewhere the delay of a layer was its energy times the clock
    base = run()
    dear = run(adc__bits=12)
    assert dear.energy > 1.1 * base.energy
    assert dear.latency == base.latency
    assert dear.throughput == base.throughput
    quick = run(clock="2.56 GHz")
    assert quick.energy == pytest.approx(base.energy, rel=1e-12)
    assert [row["energy"] / row["time"] for row in base.layers] != pytest.approx(
        [base.layers[0]["energy"] / base.layers[0]["time"]] * len(base.layers), rel=0.1
    )


def test_powers_are_in_watts_and_times_in_seconds() -> None:
    # elsewhere milliwatts, picojoules and nanoseconds met without a factor
    report = run()
    average = report.power["average"]
    assert average is not None
    assert average == pytest.approx(report.energy * report.throughput)
    assert 0 < average < sum(nameplate(load_arch("isaac_8bit", TABLE), 168).values())
    assert 22 * 100e-9 < report.latency < 1e-2
