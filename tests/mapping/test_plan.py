"""Does the plan give every array one owner, and say rightly what fits?"""

from __future__ import annotations

import json

import pytest

from crossbar.arch import load_arch
from crossbar.errors import DoesNotFitError, InputError
from crossbar.mapping import build_plan
from crossbar.mapping.converters import read_slot
from crossbar.workload import zoo
from crossbar.workload.builder import WorkloadBuilder
from tests.mapping.nets import conv_net, linear_net, shared_net


def tiny(**keys):
    return load_arch("tiny_reram", {k.replace("__", "."): v for k, v in keys.items()})


@pytest.mark.parametrize("replication", ["none", [5, 3, 4, 1]])
@pytest.mark.parametrize("input_sum", ["digital", "column"])
def test_arrays_of_layers_copies_and_bundles_never_overlap(replication, input_sum):
    plan = build_plan(conv_net(), tiny(replication=replication, array__input_sum=input_sum))
    owners = {}
    for layer in plan.layers:
        for copy in range(layer.replicas):
            blocks = layer.bundle_blocks(copy)
            for k, (bundle, starts) in enumerate(zip(layer.bundles, blocks, strict=True)):
                for start in starts:
                    for array in range(start, start + bundle.col_blocks):
                        assert array not in owners
                        owners[array] = (layer.name, copy, k)
    assert sorted(owners) == list(range(plan.arrays))  # and none is left out
    assert plan.pes == -(-plan.arrays // 4)
    assert plan.tiles == plan.chip_tiles == -(-plan.arrays // 8)
    for layer in plan.layers:
        mine = {array // 8 for array, (name, _, _) in owners.items() if name == layer.name}
        assert set(plan.tiles_of(layer)) == mine


def test_idle_tiles_belong_to_the_chip_but_not_to_the_network():
    plan = build_plan(conv_net(), tiny(chip__tiles=50))
    assert plan.tiles < plan.chip_tiles == 50


@pytest.mark.parametrize("arch", ["isaac_8bit", "ideal_8bit", "isaac_isca_2016"])
def test_utilisation_is_weight_cells_over_placed_cells(arch):
    work = zoo("resnet20")
    plan = build_plan(work, arch)
    used = sum(n.matrix.rows * n.matrix.cols for n in work.products)
    columns = plan.arch.precision.weight_bits // 2
    assert plan.utilisation == pytest.approx(used * columns / (plan.arrays * 128 * 128))
    for layer in plan.layers:
        rows, cols = layer.shape
        placed = layer.arrays * 128 * 128
        assert layer.utilisation == pytest.approx(rows * cols * columns / placed)


def test_off_diagonal_cells_and_unit_columns_are_placed_but_not_used():
    layer = build_plan(conv_net(), tiny(replication=[1, 2, 1, 1]))["conv2"]
    assert layer.cells_used == 2 * 4 * 18 * 3 * 2  # copies, groups, rows, outputs, slices
    assert layer.cells_placed == layer.arrays * 256
    unit = build_plan(linear_net(16, 7), tiny(array__input_sum="column")).layers[0]
    assert (unit.arrays, unit.unit_columns, unit.cells_used) == (1, 1, 16 * 14)


def test_layers_that_share_a_weight_are_placed_once_and_take_both_loads():
    plan = build_plan(shared_net(), tiny())
    assert [(x.name, x.nodes, x.positions) for x in plan.layers] == [
        ("first", ("first", "again"), 7),
        ("own", ("own",), 2),
    ]
    assert plan.arrays == 2 * 2 * 3  # two matrices of 20 rows and 40 columns
    with pytest.raises(KeyError):
        plan["again"]


def test_vgg8_on_one_tile_says_how_many_it_needs_and_that_many_do():
    with pytest.raises(DoesNotFitError) as caught:
        build_plan("vgg8", load_arch("isaac_8bit", {"chip.tiles": 1}))
    text = str(caught.value)
    assert "\n" not in text
    for part in (
        "vgg8 does not fit isaac_8bit",
        "needs 3,176 arrays = 34 tiles, chip.tiles is 1 (96 arrays)",
        "2 of 8 layers fit, 'features.5' is the first that does not",
        "try chip.tiles=34",
    ):
        assert part in text
    assert build_plan("vgg8", load_arch("isaac_8bit", {"chip.tiles": 34})).tiles == 34
    with pytest.raises(DoesNotFitError):
        build_plan("vgg8", load_arch("isaac_8bit", {"chip.tiles": 33}))
    assert "cell.bits" not in text  # no cell is dense enough for one tile


def test_denser_cells_are_proposed_where_they_would_do():
    with pytest.raises(DoesNotFitError, match=r"chip.tiles=34 or cell.bits=3$"):
        build_plan("vgg8", load_arch("isaac_8bit", {"chip.tiles": 30}))
    build_plan("vgg8", load_arch("isaac_8bit", {"chip.tiles": 30, "cell.bits": 3}))


def test_a_network_without_weights_is_refused():
    net = WorkloadBuilder("empty")
    work = net.build(net.relu("relu", net.input("input", (3, 4, 4))))
    with pytest.raises(InputError, match="empty: no layer has constant weights"):
        build_plan(work, "isaac_8bit")


def test_signed_inputs_take_the_reads_of_the_sign_bit():
    def reads(signed, **keys):
        arch = load_arch("isaac_8bit", keys)
        return build_plan(linear_net(9, 3), arch, signed_inputs={"fc": signed}).layers[0].reads

    assert (reads(False), reads(True)) == (8, 8)  # 1 + ceil(7 / 1)
    three = {"dac.bits": 3}
    assert (reads(False, **three), reads(True, **three)) == (3, 4)  # 1 + ceil(7 / 3)
    assert reads(True, **three, **{"dac.signed": "offset"}) == 3


def test_precision_overrides_change_columns_and_reads():
    arch = load_arch("isaac_8bit")
    for bits, levels, inputs, columns in (
        (16, None, 4, 8), (1, None, 8, 1), (8, 3, 8, 1), (5, None, 16, 3),
    ):  # fmt: skip
        plan = build_plan(
            linear_net(9, 3), arch, weight_bits=bits, weight_levels=levels, input_bits=inputs
        )
        assert plan.layers[0].encoding.columns == columns
        assert plan.layers[0].reads == inputs


def test_isaac_reads_in_exactly_100_ns():
    arch = load_arch("isaac_8bit")
    assert read_slot(arch, 128) == 100e-9
    assert read_slot(arch, 1) == 100e-9  # the array's time does not shrink with its columns
    assert {layer.slot for layer in build_plan("resnet20", arch).layers} == {100e-9}


@pytest.mark.parametrize(
    ("keys", "columns", "clocks"),
    [
        ({"pe.adcs": 1}, 128, 8 * 128),
        ({"pe.adcs": 1}, 10, 128),  # 80 conversions fit the array's own time
        ({"pe.adcs": 1}, 17, 136),
        ({"pe.adcs": 3}, 100, 300),  # one of the three serves two arrays, the others three
        ({"pe.adcs": 5}, 128, 256),
        ({"adc.rate": "1 GHz"}, 128, 164),  # 128 ns = 163.84 clocks, rounded up once
        ({"adc.rate": "1 GHz", "pe.adcs": 3}, 100, 384),  # 300 ns
        ({"array.cycle": "100.1 ns"}, 128, 129),
    ],
)
def test_shared_converters_take_turns_and_slots_are_whole_clocks(keys, columns, clocks):
    arch = load_arch("isaac_8bit", keys)
    assert read_slot(arch, columns) == pytest.approx(clocks / 1.28e9, rel=1e-12)


def test_to_dict_is_json_and_adds_up():
    plan = build_plan(conv_net(), tiny(replication=[2, 1, 1, 1]))
    data = json.loads(json.dumps(plan.to_dict()))
    assert sum(row["arrays"] for row in data["layers"]) == data["arrays"] == plan.arrays
    assert [row["name"] for row in data["layers"]] == ["conv1", "conv2", "conv3", "fc"]
    assert {u["kind"] for u in data["unmapped"]} == {"activation"}
