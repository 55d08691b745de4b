"""Are the counts exact?"""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from crossbar import build_plan, load_arch
from crossbar.errors import DoesNotFitError
from crossbar.mapping import Plan
from crossbar.timing import ACTIONS, Activity, count
from crossbar.timing.counts import unpriced_nodes
from crossbar.workload import Workload, WorkloadBuilder, find_workload
from tests.timing import naive


def chain(channels: int, size: int, out: int, kernel: int, groups: int) -> Workload:
    """Two convolutions with a pool between, and a linear layer."""
    net = WorkloadBuilder("chain")
    x = net.input("input", (channels, size, size))
    x = net.relu("relu", net.conv("conv1", x, out * groups, kernel, padding=kernel // 2))
    x = net.max_pool("pool", x, 2)
    x = net.conv("conv2", x, 2 * groups, kernel, padding=kernel // 2, groups=groups)
    return net.build(net.linear("fc", net.flatten("flatten", x), 5))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    subtract = draw(st.sampled_from(["digital", "digital", "analog"]))
    encoding = "differential"
    if subtract == "digital":
        encoding = draw(st.sampled_from(["offset", "differential", "twos_complement"]))
    rows = draw(st.integers(3, 16))
    arch = load_arch(
        "tiny_reram",
        {
            "array.rows": rows,
            "array.cols": draw(st.integers(5, 16)),
            "array.rows_per_read": draw(st.sampled_from([None, 1, rows // 2])),
            "array.encoding": encoding,
            "array.subtract": subtract,
            "array.flip_columns": subtract == "digital" and draw(st.booleans()),
            "array.input_sum": draw(st.sampled_from(["digital", "column"])),
            "cell.bits": draw(st.integers(1, 3)),
            "dac.bits": draw(st.integers(1, 3)),
            "pe.arrays": 2,
            "pe.adcs": 1,
            "tile.pes": draw(st.integers(1, 3)),
            "tile.buffer": draw(st.sampled_from(["4 KiB", "24 B", "16 B", "9 B"])),
            "replication": draw(st.sampled_from(["none", [2, 3, 1], [4, 1, 1]])),
        },
    )
    work = chain(
        draw(st.integers(1, 3)),
        draw(st.integers(4, 5)),
        draw(st.integers(1, 4)),
        draw(st.sampled_from([1, 3])),
        draw(st.integers(1, 2)),
    )
    signed = {"conv2": draw(st.booleans())}
    try:
        return build_plan(work, arch, signed_inputs=signed)
    except DoesNotFitError:  # not even one row block in such a small buffer
        reject()


@settings(max_examples=40, deadline=None)
@given(plans())
def test_counts_are_those_of_the_loops(plan: Plan) -> None:
    counts = count(plan)
    for layer, found in zip(plan.layers, counts.layers, strict=True):
        expected = naive.count_layer(plan, layer)
        for action in (
            *("array_reads", "adc_conversions", "unit_conversions", "dac_drives", "input_sums"),
            *("partial_sums", "input_register_bits", "cell_writes"),
        ):
            assert getattr(found, action) == expected[action], (layer.name, action)
        assert found.sample_holds == found.shift_adds == found.adc_conversions
        assert found.output_register_bits == 16 * found.partial_sums
        assert found.buffer_read_bits == expected["fed"]
        assert found.bus_bits == expected["fed"] + found.output_register_bits


@settings(max_examples=40, deadline=None)
@given(plans())
def test_traffic_is_that_of_the_loops(plan: Plan) -> None:
    counts = {layer.name: layer for layer in count(plan).layers}
    bits = plan.arch.precision.input_bits
    for layer, after in zip(plan.layers, [*plan.layers[1:], None], strict=True):
        made = naive.made_in(plan, layer)
        sent = naive.count_layer(plan, layer)["handed_on"]
        if after is None:
            sent += prod(plan.workload["fc"].shape) * bits  # to the chip's port
        else:
            taken = naive.delivered(plan, after)
            sent += sum(n * (1 - made.get(tile, 0)) for tile, n in taken.items())
        assert counts[layer.name].router_bits == pytest.approx(sent)
        written = sum(naive.delivered(plan, layer).values())
        assert counts[layer.name].buffer_write_bits == pytest.approx(written)


def test_a_network_that_can_be_followed_by_hand() -> None:
    # 4-bit weights in two 2-bit cells: 8 outputs fill the 16 columns of an array; 20 inputs take
    # two arrays, of 16 and 4 rows; 3 tokens of 4 bits are 4 reads each
    net = WorkloadBuilder("hand")
    x = net.linear("fc", net.input("input", (3, 20)), 8)
    plan = build_plan(net.build(net.relu("relu", x)), "tiny_reram")
    (layer,) = count(plan).layers
    assert layer.array_reads == 2 * 4 * 3
    assert layer.adc_conversions == 2 * 16 * 4 * 3
    assert layer.dac_drives == 20 * 4 * 3
    assert layer.input_sums == 20 * 4 * 3
    assert layer.partial_sums == 2 * 8 * 3
    assert layer.buffer_read_bits == layer.buffer_write_bits == 20 * 4 * 3
    assert layer.bus_bits == 20 * 4 * 3 + 2 * 8 * 16 * 3
    assert layer.router_bits == 8 * 4 * 3
    assert layer.offchip_bits == (20 + 8) * 4 * 3
    assert layer.activations == 8 * 3
    assert layer.cell_writes == 20 * 16
    assert layer.saturations is None


def test_a_residual_is_fetched_and_added_where_the_later_layer_is() -> None:
    def counts(tile_pes: int) -> dict[str, object]:
        net = WorkloadBuilder("residual")
        x = net.input("input", (16,))
        first = net.linear("first", x, 8)
        second = net.linear("second", first, 8)
        plan = build_plan(
            net.build(net.add("add", first, second)),
            load_arch("tiny_reram", {"pe.arrays": 1, "pe.adcs": 1, "tile.pes": tile_pes}),
        )
        return {layer.name: layer for layer in count(plan).layers}

    apart, together = counts(1), counts(2)
    words = 8 * 4
    assert apart["second"].adds == together["second"].adds == 8
    assert apart["first"].router_bits == 2 * words  # as the input of `second` and as the residual
    assert together["first"].router_bits == 0
    assert apart["second"].buffer_write_bits == 2 * words
    assert apart["second"].buffer_read_bits == 2 * words
    assert apart["second"].router_bits == words  # the result leaves the chip


def test_joined_values_come_from_the_layers_that_made_them() -> None:
    net = WorkloadBuilder("join")
    x = net.input("input", (8,))
    joined = net.concat("joined", net.linear("a", x, 8), net.linear("b", x, 4))
    plan = build_plan(
        net.build(net.linear("c", joined, 2)),
        load_arch("tiny_reram", {"pe.arrays": 1, "pe.adcs": 1, "tile.pes": 1}),
    )
    sent = {layer.name: layer.router_bits for layer in count(plan).layers}
    assert sent == pytest.approx({"a": 8 * 4, "b": 4 * 4, "c": 2 * 4})


@pytest.mark.parametrize("name", ["lenet5", "resnet20", "mobilenet_v2", "minilm6"])
def test_networks_of_the_zoo_can_be_counted(name: str) -> None:
    plan = build_plan(name, "isaac_8bit")
    counts = count(plan)
    assert [layer.name for layer in counts.layers] == [layer.name for layer in plan.layers]
    values = [getattr(layer, a) for layer in counts.layers for a in ACTIONS if a != "saturations"]
    assert min(values) >= 0
    drives = sum(
        layer.reads * layer.positions * b.rows * b.col_blocks
        for layer in plan.layers
        for b in layer.bundles
    )
    assert counts.total("dac_drives") == drives


def test_what_has_no_unit_is_named() -> None:
    net = WorkloadBuilder("unknown")
    x = net.linear("fc", net.input("input", (3,)), 3)
    plan = build_plan(net.build(net.digital("sort", "other", [x], (3,), 5)), "isaac_8bit")
    assert [node.name for node in unpriced_nodes(plan)] == ["sort"]
    for name in ("minilm6", "resnet20"):
        assert unpriced_nodes(build_plan(name, "isaac_8bit")) == ()


def test_the_elements_of_digital_nodes_are_all_counted() -> None:
    workload = find_workload("resnet18")
    counts = count(build_plan(workload, "isaac_8bit"))
    for action, kinds in (
        ("activations", ["activation"]),
        ("pool_ops", ["pool_max"]),
        ("adds", ["add", "pool_avg"]),
    ):
        expected = sum(node.operations for node in workload if node.kind in kinds)
        assert counts.total(action) == expected


def test_saturations_come_from_the_data_or_are_unknown() -> None:
    plan = build_plan("lenet5", "isaac_8bit")
    assert count(plan).total("saturations") is None
    seen = Activity({}, {layer.name: 0.5 for layer in plan.layers}, 10)
    assert count(plan, seen).total("saturations") == 2.5


def test_copies_share_the_work_and_add_only_cells_and_buffers() -> None:
    one = count(build_plan("lenet5", "isaac_8bit"))
    arch = load_arch("isaac_8bit", {"replication": {"conv1": 4}})
    four = count(build_plan("lenet5", arch))
    for action in ("array_reads", "adc_conversions", "dac_drives", "buffer_read_bits"):
        assert one.total(action) == four.total(action)
    assert four.layers[0].cell_writes == 4 * one.layers[0].cell_writes
