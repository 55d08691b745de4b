"""Is the closed form the one that ISAAC's paper draws?"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import build_plan, load_arch
from crossbar.timing import bound
from crossbar.workload import WorkloadBuilder


def one_layer(tokens: int, inputs: int = 16, outputs: int = 4):
    net = WorkloadBuilder("one")
    x = net.input("input", (tokens, inputs))
    return net.build(net.linear("fc", x, outputs))


@pytest.mark.parametrize(("preset", "slots"), [("isaac_isca_2016", 22), ("isaac_8bit", 14)])
def test_the_first_output_of_a_layer_comes_after_its_pipeline(preset: str, slots: int) -> None:
    timing = bound(build_plan(one_layer(1), preset))
    assert timing.latency == pytest.approx(slots * 100e-9)


def test_further_positions_follow_one_by_one() -> None:
    timing = bound(build_plan(one_layer(1000), "isaac_isca_2016"))
    assert timing.latency == pytest.approx((22 + 999 * 16) * 100e-9)
    assert timing.throughput == pytest.approx(1 / (1000 * 16 * 100e-9))


def test_signed_inputs_take_as_long_when_the_sign_is_one_of_the_bits() -> None:
    plan = build_plan(one_layer(10), "isaac_8bit", signed_inputs={"fc": True})
    assert bound(plan).layers[0].interval == 8 * 128
    two_bits = load_arch("isaac_8bit", {"dac.bits": 2})
    for signed, reads in ((False, 4), (True, 5)):
        plan = build_plan(one_layer(10), two_bits, signed_inputs={"fc": signed})
        assert bound(plan).layers[0].interval == reads * 128


def test_row_groups_are_read_one_after_the_other() -> None:
    arch = load_arch("isaac_8bit", {"array.rows_per_read": 32})
    (layer,) = bound(build_plan(one_layer(10, inputs=100), arch)).layers
    assert layer.interval == 8 * 4 * 128


@pytest.mark.parametrize(
    ("name", "slowest"), [("vgg8", 1638.4e-6), ("resnet18", 20070.4e-6), ("vgg11", 80281.6e-6)]
)
def test_slowest_layer_without_copies(name: str, slowest: float) -> None:
    # 1.6 us an output pixel: ISAAC's 16 reads of 100 ns
    arch = load_arch("isaac_isca_2016", {"chip.tiles": "auto"})
    timing = bound(build_plan(name, arch))
    assert timing.slowest.work / timing.clock == pytest.approx(slowest)
    assert timing.throughput == pytest.approx(1 / slowest)


def test_only_the_longest_path_fills() -> None:
    # resnet18 has 20 products; the shortcuts run beside the blocks
    timing = bound(build_plan("resnet18", "isaac_8bit"))
    assert timing.fill == 18 * 14 * 128
    assert timing.latency == pytest.approx(18 * 14 * 100e-9 + 12543 * 0.8e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_copies_divide_the_work(tokens: int, copies: int) -> None:
    copies = min(copies, tokens)
    arch = load_arch("isaac_8bit", {"replication": [copies]})
    timing = bound(build_plan(one_layer(tokens), arch))
    assert timing.layers[0].turns == -(-tokens // copies)
    assert timing.latency == pytest.approx(timing.layers[0].cycles / timing.clock)
    assert timing.latency >= 1 / timing.throughput


def test_fewer_converters_make_reads_longer_when_they_are_the_bottleneck() -> None:
    shared = load_arch("isaac_8bit", {"pe.adcs": 2})
    full = one_layer(10, inputs=128, outputs=32)  # 128 columns: one ADC is busy for 100 ns
    few = one_layer(10, inputs=128, outputs=8)  # 32 columns: the array itself is the limit
    assert bound(build_plan(full, shared)).layers[0].interval == 4 * 8 * 128
    assert bound(build_plan(few, shared)).layers[0].interval == 8 * 128
