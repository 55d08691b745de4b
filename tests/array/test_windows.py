"""Is a convolution through crossbars the convolution, wherever its windows lie?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.array.window import spans
from crossbar.device.faults import StuckAt
from crossbar.errors import InputError
from crossbar.mapping.replication import stripes
from tests.array.convs import SHAPES, make, with_plan

LOSSLESS = {"adc.policy": "lossless", "adc.bits": None}
CLIP = {"adc.bits": 3}
DIFFERENTIAL = {"array.encoding": "differential"}
HARDWARE = {
    "offset": {},
    "flipped": {"array.flip_columns": True, "array.rows_per_read": 7},
    "unit columns": {"array.input_sum": "column"},
    "differential": DIFFERENTIAL,
    "analog": {**DIFFERENTIAL, "array.subtract": "analog"},
    "twos complement": {"array.encoding": "twos_complement", "array.rows_per_read": 5},
}


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("shape", SHAPES)
def test_lossless_reads_are_torchs_integer_convolution(shape, hardware):
    for signed, mode in ((False, "offset"), (True, "offset"), (True, "twos_complement")):
        case = make(shape, {**LOSSLESS, **HARDWARE[hardware], "dac.signed": mode}, signed=signed)
        got, saturated = case.compute()
        assert np.array_equal(got, case.torch())
        assert np.array_equal(case.compute(digital=True)[0], case.torch())
        assert saturated == 0


@pytest.mark.parametrize("hardware", HARDWARE)
@pytest.mark.parametrize("shape", ["plain", "stride", "dilation", "groups", "depthwise"])
def test_clipped_reads_equal_the_naive_twin_at_every_position(shape, hardware):
    case = make(shape, {**CLIP, **HARDWARE[hardware]}, signed=shape in ("plain", "groups"))
    got, saturated = case.compute()
    expected, clipped = case.naive()
    assert np.array_equal(got, expected)
    assert saturated == clipped
    assert not np.array_equal(got, case.torch())  # the case is worth something


@pytest.mark.parametrize(
    "shape", ["single pixel", "1x1 image", "1x1 kernel", "depthwise multiplier"]
)
def test_small_and_odd_shapes_clip_like_the_naive_twin(shape):
    case = make(shape, {"adc.bits": 2, "array.rows": 6}, batch=3)
    got, saturated = case.compute()
    expected, clipped = case.naive()
    assert np.array_equal(got, expected)
    assert saturated == clipped


@pytest.mark.parametrize("hardware", ["offset", "flipped", "unit columns", "analog"])
@pytest.mark.parametrize("shape", ["groups", "depthwise", "depthwise multiplier"])
def test_stuck_cells_off_the_diagonal_add_their_current(shape, hardware):
    faults = StuckAt(on=0.3, off=0.2)
    case = make(shape, {**CLIP, **HARDWARE[hardware]}, faults=faults, fault_seed=4)
    got, saturated = case.compute()
    expected, clipped = case.naive()
    assert np.array_equal(got, expected)
    assert saturated == clipped


@pytest.mark.parametrize("where", ["own", "shared"])
@pytest.mark.parametrize(("shape", "replicas"), [("plain", 3), ("groups", 4), ("depthwise", 15)])
def test_each_stripe_goes_through_the_cells_of_its_replica(shape, replicas, where):
    faults = StuckAt(on=0.1, off=0.1)
    keys = {**CLIP, "faults.replicas": where, "replication": [replicas]}
    case = make(shape, keys, faults=faults, fault_seed=2)
    plan = case.layer.plan
    assert plan.replicas == replicas
    assert case.layer.copies == (replicas if where == "own" else 1)
    got, saturated = case.compute()
    whole = [
        case.compute(
            with_plan(
                case.layer, replicas=1, first_array=plan.first_array + r * plan.arrays_per_copy
            )
        )[0]
        for r in range(replicas)
    ]
    assert not np.array_equal(whole[0], whole[1])
    expected = np.empty_like(got)
    for r, (first, count) in enumerate(stripes(case.window.positions, replicas)):
        source = whole[r if where == "own" else 0]
        expected[:, :, first : first + count] = source[:, :, first : first + count]
    assert np.array_equal(got, expected)
    if where == "shared":
        assert np.array_equal(got, whole[0])
        assert saturated == case.compute(with_plan(case.layer, replicas=1))[1]


TOKENS = (20, 4, (1, 1), (1, 1), (0, 0), (1, 1), 1, (1, 7))  # 7 tokens of 20 features


@pytest.mark.parametrize("policy", ["clip", "full", "lossless"])
@pytest.mark.parametrize("hardware", HARDWARE)
def test_tokens_are_positions_in_another_layout(hardware, policy):
    keys = {"adc.policy": policy, "adc.bits": None if policy == "lossless" else 4}
    case = make(TOKENS, {**HARDWARE[hardware], **keys}, signed=True)
    got, saturated, energy = case.compute_tokens()
    expected, clipped = case.naive()
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-9)
    assert saturated == clipped
    assert np.array_equal(got, case.compute()[0])
    assert energy == pytest.approx(case.layer.array_energy(case.image, case.window), rel=1e-12)
    assert np.array_equal(case.compute_tokens(digital=True)[0], case.torch())


@pytest.mark.parametrize(("shape", "gap"), [("plain", [0, 8]), ("groups", [0, 8])])
def test_stuck_cells_are_those_of_the_arrays_to_which_a_full_buffer_moves_a_row_block(shape, gap):
    faults = StuckAt(on=0.2, off=0.2)
    roomy = make(shape, CLIP, faults=faults, fault_seed=3)
    split = make(shape, {**CLIP, "tile.buffer": "20 B"}, faults=faults, fault_seed=3)
    assert split.layer.plan.row_block_arrays(0).tolist() == gap
    assert roomy.layer.plan.row_block_arrays(0).tolist() == [0, 1]
    got, saturated = split.compute()
    expected, clipped = split.naive()
    assert np.array_equal(got, expected)
    assert saturated == clipped
    assert not np.array_equal(got, roomy.compute()[0])
    healthy = make(shape, {**CLIP, "tile.buffer": "20 B"})
    assert np.array_equal(healthy.compute()[0], make(shape, CLIP).compute()[0])


def test_each_copy_of_a_split_layer_has_the_faults_of_its_own_arrays():
    faults = StuckAt(on=0.1, off=0.1)
    keys = {**CLIP, "tile.buffer": "20 B", "replication": [3]}
    case = make("plain", keys, faults=faults, fault_seed=2)
    plan = case.layer.plan
    blocks = [plan.row_block_arrays(r).tolist() for r in range(3)]
    assert blocks == [[0, 8], [16, 24], [32, 40]]
    got = case.compute()[0]
    for r, (first, count) in enumerate(stripes(case.window.positions, 3)):
        alone = with_plan(case.layer, replicas=1, first_array=blocks[r][0], starts=tuple(blocks[r]))
        mine = np.s_[:, :, first : first + count]
        assert np.array_equal(got[mine], case.compute(alone)[0][mine])


def test_copies_of_a_linear_layer_share_its_tokens_out(monkeypatch):
    keys = {**CLIP, "replication": [3]}
    case = make(TOKENS, keys, batch=40, faults=StuckAt(on=0.1, off=0.1))
    got, saturated, _ = case.compute_tokens()
    assert np.array_equal(got, case.compute()[0])
    monkeypatch.setattr("crossbar.array.layer._ROWS_BYTES", 1)
    monkeypatch.setenv("CROSSBAR_THREADS", "2")
    again, count, _ = case.compute_tokens()
    assert np.array_equal(again, got)
    assert count == saturated


def test_copies_without_faults_change_nothing():
    one = make("plain", CLIP)
    many = make("plain", {**CLIP, "replication": [6]})
    assert many.layer.copies == 1
    assert np.array_equal(one.compute()[0], many.compute()[0])
    assert one.compute()[1] == many.compute()[1]


def test_results_depend_on_neither_threads_nor_batch_nor_spans(monkeypatch):
    shape = (3, 5, (3, 3), (1, 1), (1, 1), (1, 1), 1, (11, 9))
    faults = StuckAt(on=0.05, off=0.05)
    case = make(shape, {**CLIP, "replication": [2]}, batch=5, faults=faults)
    monkeypatch.setenv("CROSSBAR_THREADS", "1")
    whole, saturated = case.compute()
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("CROSSBAR_THREADS", threads)
        for size in (4 << 20, 1):  # one span, and spans of some 64 positions
            monkeypatch.setattr("crossbar.array.layer._ROWS_BYTES", size)
            again, count = case.compute()
            assert np.array_equal(again, whole)
            assert count == saturated
            twin = case.compute(digital=True)[0]
            assert np.array_equal(twin, case.torch())
    split = [case.compute(image=case.image[a:b]) for a, b in ((0, 1), (1, 2), (2, 5))]
    assert np.array_equal(np.concatenate([s[0] for s in split]), whole)
    assert sum(s[1] for s in split) == saturated
    empty, none = case.compute(image=case.image[:0])
    assert (empty.shape, none) == ((0, 5, 99), 0)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 9), st.integers(0, 50), st.integers(1, 300), st.integers(1, 90))
def test_spans_cover_every_position_of_every_image_once(images, first, positions, target):
    seen = []
    for span in spans(images, first, positions, target):
        assert 1 <= span.rows <= max(target, span.positions)
        seen += [
            (image, p)
            for image in range(span.image, span.image + span.images)
            for p in range(span.position, span.position + span.positions)
        ]
    assert sorted(seen) == [(i, first + p) for i in range(images) for p in range(positions)]


@pytest.mark.parametrize("threads", ["two", "0", "-1", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused(threads, monkeypatch):
    monkeypatch.setenv("CROSSBAR_THREADS", threads)
    with pytest.raises(InputError, match=f"CROSSBAR_THREADS: '{threads}' is not a number"):
        make("plain").compute()
