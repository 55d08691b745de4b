"""Does every tile hold what its arrays work on, and no more than its buffer takes?"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.errors import DoesNotFitError
from crossbar.mapping import build_plan
from crossbar.workload import zoo, zoo_names
from tests.mapping.nets import conv_net, linear_net, residual_net, shared_net
from tests.mapping.tiles import channels_in, join_bytes, product_bytes

NETS = [residual_net(), residual_net(4, 4, 9), conv_net(), shared_net(), linear_net(70, 9)]


@st.composite
def plans(draw):
    net = draw(st.sampled_from(NETS))
    keys = {
        "array.rows": draw(st.sampled_from([4, 7, 16])),
        "array.cols": draw(st.integers(7, 16)),
        "array.input_sum": draw(st.sampled_from(["digital", "column"])),
        "pe.arrays": draw(st.integers(1, 5)),
        "pe.adcs": 1,
        "tile.pes": draw(st.integers(1, 3)),
        "tile.buffer": f"{draw(st.integers(20, 120))} B",
        "precision.input_bits": draw(st.sampled_from([3, 4, 8])),
        "replication": draw(st.sampled_from(["none", {net.products[0].name: 2}])),
    }
    if net.name == "linear" or net.products[0].positions == 1:
        keys.pop("replication")
    try:
        return build_plan(net, load_arch("tiny_reram", keys))
    except DoesNotFitError:
        reject()


def block_starts(plan):
    """First array and width of every row block, in order."""
    return [
        (start, bundle.col_blocks)
        for layer in plan.layers
        for copy in range(layer.replicas)
        for bundle, starts in zip(layer.bundles, layer.bundle_blocks(copy), strict=True)
        for start in starts.tolist()
    ]


@settings(max_examples=80, deadline=None)
@given(plans())
def test_no_buffer_holds_more_than_it_can(plan):
    buffer = plan.arch.tile.buffer
    held = product_bytes(plan)
    assert max(held.values()) <= buffer
    assert sum(held.values()) + join_bytes(plan) <= buffer * plan.tiles
    assert sum(b.need for b in plan.buffers.values()) == sum(held.values()) + join_bytes(plan)
    assert all(b.tile_need <= b.tile_given <= buffer for b in plan.buffers.values())
    assert sum(b.given for b in plan.buffers.values()) <= buffer * plan.tiles


@settings(max_examples=80, deadline=None)
@given(plans())
def test_capacities_hold_what_is_needed_and_fit_the_buffers(plan):
    flow = plan.flow
    bounded = {}
    for claim, need in zip(flow.claims, flow.needs, strict=True):
        task = flow.tasks[claim.task]
        if claim.bounded:
            bounded[task.name, task.copy, claim.operand] = need
    assert set(plan.capacities) == set(bounded)
    for key, pixels in plan.capacities.items():
        assert pixels >= bounded[key]
    given_ = product_bytes(
        plan, lambda task, claim: plan.capacities.get((task.name, task.copy, claim.operand), 0)
    )
    assert max(given_.values()) <= plan.arch.tile.buffer


@settings(max_examples=80, deadline=None)
@given(plans())
def test_row_blocks_follow_one_another_and_skip_arrays_only_where_a_buffer_is_full(plan):
    per_tile = plan.arch.tile.pes * plan.arch.pe.arrays
    blocks = block_starts(plan)
    free = 0
    for start, across in blocks:
        assert start == free or start == -(-free // per_tile) * per_tile
        free = start + across
    used = {array for start, across in blocks for array in range(start, start + across)}
    assert len(used) == plan.arrays
    assert plan.pes == len({array // plan.arch.pe.arrays for array in used})
    assert plan.tiles == len({array // per_tile for array in used}) + plan.lending_tiles
    assert plan.skipped_arrays == max(used) + 1 - len(used)
    for layer in plan.layers:
        mine = {tile for copy in range(layer.replicas) for tile in channels_in(plan, layer, copy)}
        assert set(plan.tiles_of(layer)) == mine
    if plan.skipped_arrays:  # with a little more room fewer are skipped, in the end none
        roomy = load_arch(plan.arch, {"tile.buffer": "1 MiB"})
        assert block_starts(build_plan(plan.workload, roomy))[-1][0] < blocks[-1][0]


@settings(max_examples=40, deadline=None)
@given(plans())
def test_with_room_for_everything_arrays_are_numbered_without_gaps(plan):
    roomy = build_plan(plan.workload, load_arch(plan.arch, {"tile.buffer": "1 MiB"}))
    assert [start for start, _ in block_starts(roomy)] == [
        sum(n for _, n in block_starts(roomy)[:i]) for i in range(len(block_starts(roomy)))
    ]
    assert (roomy.skipped_arrays, roomy.lending_tiles) == (0, 0)
    assert roomy.arrays == plan.arrays
    assert not any(layer.starts or layer.split_copies for layer in roomy.layers)
    if not plan.skipped_arrays:
        assert block_starts(plan) == block_starts(roomy)


def test_a_row_block_goes_to_the_next_tile_when_the_buffer_is_full():
    # 4 row blocks of 16 channels: a token of 4 bits is 8 B in each; 2 arrays a row block
    net = linear_net(64, 10)
    four = {"pe.arrays": 2, "pe.adcs": 2, "tile.pes": 4}
    roomy = build_plan(net, load_arch("tiny_reram", four))
    assert roomy.layers[0].row_block_arrays(0).tolist() == [0, 2, 4, 6]
    tight = build_plan(net, load_arch("tiny_reram", {**four, "tile.buffer": "23 B"}))
    layer = tight.layers[0]
    assert layer.row_block_arrays(0).tolist() == [0, 2, 8, 10]
    assert (layer.split_copies, tight.tiles, tight.pes, tight.skipped_arrays) == (1, 2, 4, 4)
    assert tight.buffers["fc"].need == 32
    assert (tight.buffers["fc"].tile_need, tight.buffers["fc"].tile_given) == (16, 23)
    assert layer.utilisation == roomy.layers[0].utilisation
    rows = tight.to_dict()["layers"]
    assert (rows[0]["split_copies"], rows[0]["tiles"]) == (1, [0, 1])
    assert rows[0]["buffer"] == {"need": 32, "given": 46}


def test_a_row_block_across_tiles_needs_its_window_in_each():
    keys = {"pe.arrays": 1, "pe.adcs": 1, "tile.pes": 2, "tile.buffer": "8 B"}
    plan = build_plan(linear_net(32, 20), load_arch("tiny_reram", keys))  # 2 x 3 arrays
    assert plan.layers[0].row_block_arrays(0).tolist() == [0, 4]  # 0 1 | 2 - | 4 5 | 6
    assert (plan.tiles, plan.pes, plan.arrays, plan.skipped_arrays) == (4, 6, 6, 1)
    assert plan.buffers["fc"].need == 4 * 8


def test_operands_of_joins_lie_near_their_copy_and_then_in_tiles_of_their_own():
    net = residual_net()
    lend = {"tile.pes": 8, "tile.buffer": "90 B"}
    plan = build_plan(net, load_arch("tiny_reram", lend))
    assert plan.lending_tiles > 0
    assert plan.tiles == plan.chip_tiles
    for name in ("add1", "add2"):
        assert {key[2] for key in plan.capacities if key[0] == name} == {0, 1}
    tiles = plan.tiles
    assert build_plan(net, load_arch("tiny_reram", {**lend, "chip.tiles": tiles})) is not None
    with pytest.raises(DoesNotFitError, match=f"its buffers take {tiles}, chip.tiles is"):
        build_plan(net, load_arch("tiny_reram", {**lend, "chip.tiles": tiles - 1}))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", zoo_names())
def test_every_network_of_the_zoo_fits_the_buffers_of_isaac(name, bits):
    keys = {
        "chip.tiles": "auto",
        "precision.weight_bits": bits,
        "precision.input_bits": bits,
        "adc.policy": "lossless",
        "adc.bits": None,
    }
    plan = build_plan(name, load_arch("isaac_8bit", keys))
    assert plan.arch.tile.buffer == 65536
    assert max(product_bytes(plan).values()) <= 65536
    assert sum(b.given for b in plan.buffers.values()) <= 65536 * plan.tiles
    assert min(plan.capacities.values(), default=1) >= 1


def test_windows_of_vgg16_are_those_of_isaacs_table():
    """Shafiee et al., ISCA 2016, table III: 1.97 KB for 3 channels, 21 KB for the last maps."""
    plan = build_plan("vgg16", load_arch("isaac_8bit", {"chip.tiles": "auto"}))
    expected = {
        "features.0": 3 * 224 * 3,  # 1.97 KB
        "features.2": 3 * 224 * 64,
        "features.5": 3 * 112 * 64,  # 21 KB, and so the others
        "features.10": 3 * 56 * 128,
        "features.17": 3 * 28 * 256,
        "features.24": 3 * 14 * 512,
        "features.26": 3 * 14 * 512,
        "classifier.0": 512 * 7 * 7,
        "classifier.3": 4096,
    }
    flow = plan.flow
    needs = {
        flow.tasks[claim.task].name: int(need) * claim.elements
        for claim, need in zip(flow.claims, flow.needs, strict=True)
    }
    after_pools = ("features.5", "features.10", "features.17", "features.24")
    for name, rule in expected.items():  # the next row is begun before a row of a pool is complete
        more = 3 * plan.workload[name].attrs["in_channels"] if name in after_pools else 0
        assert rule <= needs[name] <= rule + more
    for name in ("features.0", "features.2"):
        assert plan.buffers[name].tile_need == plan.buffers[name].need == needs[name]


@pytest.mark.parametrize(("bits", "tiles", "need"), [(8, 1, 43_008), (16, 2, 86_016)])
def test_the_second_layer_of_vgg16_takes_two_tiles_at_16_bits(bits, tiles, need, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    keys = {"chip.tiles": "auto", "precision.input_bits": bits, "precision.weight_bits": bits}
    plan = build_plan("vgg16", load_arch("isaac_8bit", keys))
    layer = plan["features.2"]
    assert len(plan.tiles_of(layer)) == tiles
    assert layer.split_copies == tiles - 1
    # a channel in the middle of a 3 x 3 kernel lies in both tiles
    assert need <= plan.buffers["features.2"].need <= need + (tiles - 1) * 3 * 224 * 2
    text = " ".join(str(plan).split())
    says = "split over tiles because a buffer was full: features.2 (87,360 B in tiles 0-1)"
    assert (says in text) == (tiles == 2)


@pytest.mark.parametrize("bits", [8, 16])
def test_buffers_change_where_arrays_are_but_not_how_many(bits):
    keys = {"chip.tiles": "auto", "precision.input_bits": bits, "precision.weight_bits": bits}
    plan = build_plan("vgg16", load_arch("isaac_8bit", keys))
    assert plan.arrays == {8: 33_804, 16: 67_576}[bits]
    end = -(-plan.arrays // 96)
    assert plan.tiles - plan.lending_tiles == -(-(plan.arrays + plan.skipped_arrays) // 96) >= end


def test_a_row_block_that_no_buffer_holds_is_refused_with_what_would_help():
    keys = {"chip.tiles": "auto", "tile.buffer": "4 KiB"}
    with pytest.raises(DoesNotFitError) as caught:
        build_plan("vgg16", load_arch("isaac_8bit", keys))
    text = str(caught.value)
    assert "\n" not in text
    assert "the inputs of one row block of 'features.2' take 10,080 B of a tile's buffer" in text
    assert "tile.buffer is 4 KiB" in text
    assert text.endswith("try tile.buffer='10 KiB' or array.rows=32")
    for remedy in ({"tile.buffer": "10 KiB"}, {"array.rows": 32}):
        build_plan("vgg16", load_arch("isaac_8bit", {**keys, **remedy}))
    with pytest.raises(DoesNotFitError):
        build_plan("vgg16", load_arch("isaac_8bit", {**keys, "tile.buffer": "10079 B"}))


def test_a_chip_with_too_few_buffers_is_refused_with_how_many_it_takes():
    keys = {"precision.input_bits": 16, "precision.weight_bits": 16}
    tiles = build_plan("vgg16", load_arch("isaac_8bit", {**keys, "chip.tiles": "auto"})).tiles
    with pytest.raises(DoesNotFitError) as caught:
        build_plan("vgg16", load_arch("isaac_8bit", {**keys, "chip.tiles": 704}))
    text = str(caught.value)
    assert "its 67,576 arrays fill 704 tiles, but with a tile.buffer of 64 KiB" in text
    assert f"its buffers take {tiles}, chip.tiles is 704" in text
    assert text.endswith(f"try chip.tiles={tiles} or tile.buffer='256 KiB'")
    enough = {**keys, "chip.tiles": 704, "tile.buffer": "256 KiB"}
    assert build_plan("vgg16", load_arch("isaac_8bit", enough)).tiles == 704


def test_the_tiles_that_are_proposed_are_enough_for_the_buffers_too():
    keys = {"precision.input_bits": 16, "precision.weight_bits": 16}
    with pytest.raises(DoesNotFitError) as caught:
        build_plan("vgg16", load_arch("isaac_8bit", {**keys, "chip.tiles": 700}))
    found = re.search(
        r"= 704 tiles \((\d+) with room in their .*try chip.tiles=\1", str(caught.value)
    )
    assert found
    enough = {**keys, "chip.tiles": int(found[1])}
    assert build_plan("vgg16", load_arch("isaac_8bit", enough)).tiles == int(found[1])


def test_a_chip_too_small_in_arrays_and_buffers_is_told_both():
    keys = {"chip.tiles": 2, "tile.buffer": "4 KiB"}
    with pytest.raises(DoesNotFitError) as caught:
        build_plan("vgg16", load_arch("isaac_8bit", keys))
    found = re.search(r"try chip.tiles=(\d+) with tile.buffer='(.*)'$", str(caught.value))
    assert found
    build_plan(
        "vgg16",
        load_arch("isaac_8bit", {"chip.tiles": int(found[1]), "tile.buffer": found[2]}),
    )


def test_the_first_layer_that_does_not_fit_may_be_the_largest():
    with pytest.raises(DoesNotFitError) as caught:
        build_plan(
            "lenet5",
            load_arch("isaac_8bit", {"tile.pes": 1, "pe.arrays": 1, "pe.adcs": 1, "chip.tiles": 3}),
        )
    text = str(caught.value)
    assert "is the first that does not and the largest (" in text
    assert "1 arrays" not in text
    assert "1 layers" not in text


@pytest.mark.parametrize("replication", ["balance", {"conv1": 40, "layer1.0.conv1": 40}])
def test_copies_are_left_out_rather_than_a_network_refused(replication):
    keys = {"chip.tiles": 40, "tile.buffer": "2 KiB", "replication": replication}
    work = zoo("resnet20")
    roomy = build_plan(work, load_arch("isaac_8bit", {**keys, "tile.buffer": "64 KiB"}))
    tight = build_plan(work, load_arch("isaac_8bit", keys))
    single = build_plan(work, load_arch("isaac_8bit", {**keys, "replication": "none"}))
    assert single.tiles < tight.tiles <= 40
    assert single.arrays < tight.arrays < roomy.arrays
    for layer, more in zip(tight.layers, roomy.layers, strict=True):
        assert 1 <= layer.replicas <= more.replicas


def test_a_changed_plan_of_a_layer_keeps_its_places():
    plan = build_plan("vgg16", load_arch("isaac_8bit", {"chip.tiles": "auto"}))
    layer = plan["features.5"]
    assert layer.split_copies == 1
    moved = replace(layer, collapsed=0.5)
    assert moved.row_block_arrays(0).tolist() == list(layer.starts)
    assert moved.end_array == layer.end_array > layer.first_array + layer.arrays
