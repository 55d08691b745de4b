"""Are inputs driven with their sign cut and read as positive minus negative parts?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.circuit.adc import Adc
from crossbar.kernels.bitserial import reader
from crossbar.kernels.inputs import pack_planes
from tests.kernels import naive
from tests.kernels.test_inputs import WINDOWS, make
from tests.kernels.test_reader import bit_planes, numbers

# words, DAC planes, cell planes, reads, full, paired, count
VARIANTS = [
    (2, 1, 2, 4, 0, 0, 1),
    (1, 2, 2, 2, 1, 0, 1),
    (1, 1, 2, 3, 0, 1, 0),
    (2, 2, 1, 2, 1, 1, 1),
]


@pytest.mark.parametrize(("dtype", "bits"), [(np.int16, 7), (np.int16, 3), (np.int32, 15)])
@pytest.mark.parametrize("window", WINDOWS)
def test_both_parts_are_packed_in_planes_of_their_own(window, dtype, bits):
    top = (1 << bits) - 1
    x, geometry, positions = make(window, dtype, -top, top, bits)
    rows = window[2] * window[3][0] * window[3][1]
    per_read = max(1, rows // 2)
    groups = [(s, min(per_read, rows - s)) for s in range(0, rows, per_read)]
    span = np.array([1, 2, 0, positions], dtype=np.int64)
    n = bits + 1  # digits of 2 bits: the last plane stays empty
    planes = np.full((2 * positions, len(groups), 2 * n, 1), 99, dtype=np.uint64)
    sums = np.full((2 * positions, 1), 99, dtype=np.int64)
    coding = np.array([0, bits, n, 2], dtype=np.int64)
    pack_planes(x, geometry, span, np.array(groups), np.array([(0, rows)]), coding, planes, sums)
    inputs = naive.window_inputs(x, geometry, span)
    for part, some in ((inputs, planes[:, :, :n]), (-inputs, planes[:, :, n:])):
        assert np.array_equal(some, naive.packed(np.maximum(part, 0), groups, n, n, None, 1))
    assert np.array_equal(sums[:, 0], inputs.sum(1))


@pytest.mark.parametrize("size", [(1, 1, 1, 1), (3, 2, 61, 19)])
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_reader_subtracts_the_negative_part(variant, size):
    words, dac, cell, reads, full, paired, count = variant
    positions, n_groups, per_word, cols = size
    rows = 1 if positions == 1 else (words - 1) * 64 + per_word
    rng = np.random.default_rng(positions + 10 * words)
    first, left = 1, 2
    n = first + reads * dac
    top = (1 << n) - 1
    values = rng.integers(-top, top + 1, (positions, n_groups, rows))
    plus, minus = rng.integers(0, 1 << cell, (2, n_groups, rows, cols))
    flip = rng.integers(0, 2, (n_groups, cols))
    s_max = rows * ((1 << cell) - 1) * ((1 << dac) - 1)
    adc = Adc(max(2, s_max.bit_length() - (0 if full else 4)), s_max, bool(full), True)
    convert, _, saturates = naive.adc("full" if full else "clip", adc.bits, s_max, True)

    halves = [
        np.stack([naive.packed(v, [(0, rows)], n, n, None, words)[:, 0] for v in part])
        for part in (np.maximum(values, 0), np.maximum(-values, 0))
    ]
    out = np.full((positions, cols), 7, dtype=np.int64)
    saturated = reader(*variant, 1)(
        np.ascontiguousarray(np.concatenate(halves, axis=2)),
        bit_planes(plus, cell, words),
        bit_planes(minus, cell, words),
        -flip.astype(np.int64),
        numbers(adc),
        np.array([first, left, 0, n], dtype=np.int64),
        out,
    )
    digits = [
        np.sign(values) * ((np.abs(values) >> (first + t * dac)) % (1 << dac)) for t in range(reads)
    ]
    expected, clipped = naive.read_slice(
        np.stack(digits, axis=2),
        plus,
        minus if paired else np.zeros_like(plus),
        flip,
        lambda s: (convert(s), bool(saturates(s))),
        [1 << (t * dac) for t in range(reads)],
    )
    assert np.array_equal(out, 7 + expected * (1 << left))
    assert saturated == (clipped if count else 0)
    if not full and rows > 1:
        assert clipped > 0
