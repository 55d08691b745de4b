"""Are inputs rounded, unfolded and packed as the loops in the docstrings say?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.kernels.inputs import drive_map, pack_planes, quantise, unfold
from tests.kernels import naive

# channels of the image, first, used; kernel, stride, dilation; height, width of the padded image
WINDOWS = [
    (1, 0, 1, (1, 1), (1, 1), (1, 1), (1, 1)),
    (3, 0, 3, (3, 3), (1, 1), (1, 1), (7, 5)),
    (4, 2, 2, (1, 3), (2, 1), (1, 2), (5, 9)),
    (5, 1, 3, (2, 2), (2, 3), (3, 1), (9, 8)),
]
TYPES = [(np.int16, np.float32), (np.int32, np.float64)]


def outputs(kernel, stride, dilation, height, width):
    return [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip((height, width), kernel, stride, dilation, strict=True)
    ]


def make(window, dtype, low, high, seed=0):
    channels, first, used, kernel, stride, dilation, size = window
    x = np.random.default_rng(seed).integers(low, high + 1, (3, channels, *size)).astype(dtype)
    across = outputs(kernel, stride, dilation, *size)
    geometry = np.array([first, used, *kernel, *stride, *dilation, across[1]], dtype=np.int64)
    return x, geometry, across[0] * across[1]


@pytest.mark.parametrize("types", TYPES)
@pytest.mark.parametrize("window", WINDOWS)
def test_unfold_copies_each_positions_inputs(window, types):
    x, geometry, positions = make(window, types[0], -300, 300)
    rows = window[2] * window[3][0] * window[3][1]
    part = max(1, positions // 3)
    for span in ([0, 3, 0, positions], [1, 2, positions - part, part], [2, 1, positions // 2, 1]):
        span = np.array(span, dtype=np.int64)
        out = np.full((rows, span[1] * span[3]), np.nan, dtype=types[1])
        unfold(x, geometry, span, out)
        assert np.array_equal(out.T, naive.window_inputs(x, geometry, span))


@pytest.mark.parametrize(
    ("dtype", "bits", "raised", "signed"),
    [
        (np.int16, 1, 0, False),
        (np.int16, 8, 0, False),
        (np.int16, 8, 0, True),
        (np.int16, 5, 16, False),
        (np.int32, 9, 0, True),
        (np.int32, 13, 0, False),
        (np.int32, 16, 0, False),
        (np.int32, 16, 0, True),
        (np.int32, 16, 1 << 15, False),
    ],
)
@pytest.mark.parametrize("window", WINDOWS)
def test_pack_planes_puts_every_bit_in_its_place(window, dtype, bits, raised, signed):
    half = 1 << (bits - 1)
    low, high = (-half, half - 1) if signed or raised else (0, 2 * half - 1)
    x, geometry, positions = make(window, dtype, low, high, bits)
    rows = window[2] * window[3][0] * window[3][1]
    per_read = max(1, rows // 2)
    groups = [(s, min(per_read, rows - s)) for s in range(0, rows, per_read)]
    segments = [(0, rows), *groups]
    sign_plane = bits + 2 if signed else None
    n_planes = bits + 3 if signed else bits + 1  # the spare planes stay empty
    span = np.array([1, 2, 0, positions], dtype=np.int64)
    planes = np.full((2 * positions, len(groups), n_planes, 2), 99, dtype=np.uint64)
    sums = np.full((2 * positions, len(segments)), 99, dtype=np.int64)
    coding = np.array([raised, bits, sign_plane or bits, int(signed)], dtype=np.int64)
    pack_planes(x, geometry, span, np.array(groups), np.array(segments), coding, planes, sums)
    inputs = naive.window_inputs(x, geometry, span) + raised
    assert np.array_equal(planes, naive.packed(inputs, groups, bits, n_planes, sign_plane, 2))
    assert np.array_equal(sums, [[v[s : s + n].sum() for s, n in segments] for v in inputs])


def test_pack_planes_fills_several_words_of_uneven_row_groups():
    rng = np.random.default_rng(3)
    x = rng.integers(0, 16, (2, 171, 1, 1)).astype(np.int16)
    geometry = np.array([0, 171, 1, 1, 1, 1, 1, 1, 1], dtype=np.int64)
    span = np.array([0, 2, 0, 1], dtype=np.int64)
    groups = [(0, 128), (128, 1), (129, 42)]
    planes = np.empty((2, 3, 4, 2), dtype=np.uint64)
    sums = np.empty((2, 0), dtype=np.int64)
    coding = np.array([0, 4, 4, 0], dtype=np.int64)
    pack_planes(
        x, geometry, span, np.array(groups), np.zeros((0, 2), np.int64), coding, planes, sums
    )
    assert np.array_equal(planes, naive.packed(x[:, :, 0, 0], groups, 4, 4, None, 2))


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_quantise_rounds_half_to_even_and_clips(dtype):
    steps = np.array([-9.0, -2.5, -1.5, -0.5, -0.49, 0.0, 0.5, 0.51, 1.5, 2.5, 3.5, 6.5, 7.5, 1e9])
    x = (steps * 0.25).astype(np.float32).reshape(1, 2, 7, 1)
    out = np.zeros((1, 2, 10, 4), dtype=dtype)
    quantise(x, np.float32(0.25), -3, 7, 2, 1, out)
    inner = out[:, :, 2:9, 1:2]
    assert inner.reshape(-1).tolist() == [-3, -2, -2, 0, 0, 0, 0, 1, 2, 2, 4, 6, 7, 7]
    assert inner.reshape(-1).tolist() == [naive.rounded(float(s), -3, 7) for s in steps]
    out[:, :, 2:9, 1:2] = 0
    assert not out.any()  # the padding stays zero


@pytest.mark.parametrize("zero", [0, 1, 100, 255])
def test_quantise_raises_integers_by_the_code_of_zero(zero):
    steps = np.array([-300.0, -100.5, -99.5, -0.5, 0.0, 1.5, 55.0, 155.5, 300.0, 3e9, -3e9])
    x = (steps * 0.5).astype(np.float32).reshape(1, 1, 11, 1)
    out = np.full((1, 1, 13, 2), zero, dtype=np.int16)
    assert quantise(x, np.float32(0.5), 0, 255, 1, 1, out, zero) == 0
    wanted = [naive.rounded(float(s), -zero, 255 - zero) + zero for s in steps]
    assert out[0, 0, 1:12, 1].tolist() == wanted
    assert (out[0, 0, :, 0] == zero).all()  # the padding stays the code of 0
    assert (out[0, 0, [0, 12], 1] == zero).all()


def test_quantise_reaches_the_last_code_of_16_bits():
    x = np.array([0.0, 65534.0, 65535.0, 65536.0, -1.0], dtype=np.float32).reshape(5, 1, 1, 1)
    out = np.zeros((5, 1, 1, 1), dtype=np.int32)
    quantise(x, np.float32(1.0), 0, 65535, 0, 0, out)
    assert out.reshape(-1).tolist() == [0, 65534, 65535, 65535, 0]


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 2, 5, 4)])
def test_drive_map_sums_the_table_over_the_batch(dtype, shape):
    rng = np.random.default_rng(1)
    x = rng.integers(-8, 8, shape).astype(dtype)
    table = rng.random(16)
    out = np.full(shape[1:], 0.5)
    drive_map(x, table, 15, out)
    for c, i, j in np.ndindex(*shape[1:]):
        total = 0.5
        for b in range(shape[0]):
            total += table[int(x[b, c, i, j]) % 16]  # two's complement bits
        assert out[c, i, j] == pytest.approx(total, rel=1e-15)
