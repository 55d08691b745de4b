"""Is every weight on exactly one crossing of exactly one array?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.mapping import build_plan
from crossbar.mapping.tiling import cut_matrix, usable_columns
from crossbar.workload import zoo
from crossbar.workload.graph import Matrix


def tiny(**keys):
    return load_arch("tiny_reram", {f"array.{k}": v for k, v in keys.items()})


@pytest.mark.parametrize("network", ["lenet5", "resnet20", "vgg8", "resnet18", "bert_base"])
@pytest.mark.parametrize("cols", [128, 100])
def test_arrays_are_row_blocks_times_column_blocks(network, cols):
    work = zoo(network)
    plan = build_plan(work, load_arch("isaac_8bit", {"array.cols": cols, "chip.tiles": "auto"}))
    expected = {}
    for node in work.products:
        rows, outputs = node.matrix.rows, node.matrix.cols
        expected[node.weight or node.name] = -(-rows // 128) * -(-outputs * 4 // cols)
    assert plan.arrays == sum(expected.values())
    assert [layer.arrays_per_copy for layer in plan.layers] == list(expected.values())


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 20),
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(1, 7),
    st.booleans(),
    st.data(),
)
def test_bundles_and_row_groups_cover_everything_once(
    rows, cols, array_rows, groups, slices, unit, data
):
    array_cols = data.draw(st.integers(2, 20))
    per_read = data.draw(st.integers(1, array_rows))
    arch = tiny(
        rows=array_rows,
        cols=array_cols,
        rows_per_read=per_read,
        input_sum="column" if unit else "digital",
    )
    width = array_cols - unit
    assert usable_columns(arch) == width
    bundles = cut_matrix(Matrix(groups, rows, cols), slices, arch)

    held = [b.first_group + k for b in bundles for k in range(b.groups)]
    assert held == list(range(groups))
    for bundle in bundles:
        assert (bundle.rows, bundle.outputs) == (bundle.groups * rows, bundle.groups * cols)
        assert bundle.columns == bundle.outputs * slices
        assert bundle.row_blocks == -(-bundle.rows // array_rows)
        assert bundle.col_blocks == -(-bundle.columns // width)
        driven = [r for g in bundle.row_groups for r in range(g.start, g.start + g.rows)]
        assert driven == list(range(bundle.rows))
        for group in bundle.row_groups:
            assert 1 <= group.rows <= per_read
            assert group.start // array_rows == group.block
            assert (group.start + group.rows - 1) // array_rows == group.block
            assert (group.start % array_rows) % per_read == 0  # restarts at the array's edge
        if bundle.groups > 1:
            assert bundle.arrays == 1
            assert not unit


def test_depthwise_groups_share_arrays_along_the_diagonal_as_far_as_they_reach():
    arch = load_arch("isaac_8bit")
    bundles = cut_matrix(Matrix(32, 9, 1), 4, arch)  # 128 // 9 = 14 groups down, 32 across
    assert [b.groups for b in bundles] == [14, 14, 4]
    assert [b.arrays for b in bundles] == [1, 1, 1]
    wide = cut_matrix(Matrix(8, 9, 8), 4, arch)  # 32 columns a group: 4 across
    assert [b.groups for b in wide] == [4, 4]
    large = cut_matrix(Matrix(2, 200, 40), 4, arch)  # larger than an array: each by itself
    assert [(b.groups, b.row_blocks, b.col_blocks) for b in large] == [(1, 2, 2), (1, 2, 2)]


def test_a_unit_column_takes_a_column_of_every_array_and_keeps_groups_apart():
    digital = cut_matrix(Matrix(1, 16, 8), 2, tiny())
    column = cut_matrix(Matrix(1, 16, 8), 2, tiny(input_sum="column"))
    assert (digital[0].arrays, column[0].arrays) == (1, 2)  # 16 columns in arrays of 16 and of 15
    assert len(cut_matrix(Matrix(6, 2, 1), 2, tiny(input_sum="column"))) == 6
    assert len(cut_matrix(Matrix(6, 2, 1), 2, tiny())) == 1


def test_row_groups_restart_at_every_array():
    bundle = cut_matrix(Matrix(1, 40, 2), 2, tiny(rows_per_read=6))[0]
    groups = [(g.block, g.start, g.rows) for g in bundle.row_groups]
    assert groups == [
        (0, 0, 6), (0, 6, 6), (0, 12, 4),
        (1, 16, 6), (1, 22, 6), (1, 28, 4),
        (2, 32, 6), (2, 38, 2),
    ]  # fmt: skip


def test_the_fullest_array_sets_the_row_groups_read_in_turn():
    net_arch = load_arch("tiny_reram", {"array.rows_per_read": 6})
    from tests.mapping.nets import conv_net, linear_net

    assert build_plan(linear_net(40, 2), net_arch).layers[0].groups_per_array == 3
    assert build_plan(linear_net(7, 2), net_arch).layers[0].groups_per_array == 2
    plan = build_plan(conv_net(), net_arch)
    for layer in plan.layers:
        assert layer.slots == layer.positions * layer.reads * layer.groups_per_array


def test_block_diagonal_cells_hold_every_weight_of_a_grouped_layer_once():
    from crossbar.array.layer import ProgrammedLayer
    from crossbar.circuit.dac import make_input_coding
    from tests.mapping.nets import conv_net

    arch = load_arch("tiny_reram")
    layer = build_plan(conv_net(), arch)["conv2"]
    matrix = layer.matrix
    assert (matrix.groups, matrix.rows, matrix.cols) == (4, 18, 3)
    weights = np.arange(12 * 18).reshape(12, 18).astype(np.int32) % 15 - 7
    programmed = ProgrammedLayer(layer, arch, weights, make_input_coding(arch, 4, False))
    seen = []
    for bundle, cells in zip(layer.bundles, programmed.cells(), strict=True):
        value = sum(
            c.astype(int) * s.sign << s.shift
            for c, s in zip(cells.codes, layer.encoding.slices, strict=True)
        )
        assert not value[~cells.used].any()  # off the diagonal: code 0, g_off
        assert cells.used.sum() == bundle.groups * 18 * 3
        for k in range(bundle.groups):
            block = value[18 * k : 18 * (k + 1), 3 * k : 3 * (k + 1)] - layer.encoding.offset
            seen.append(block.T)
    assert np.array_equal(np.concatenate(seen), weights)
