"""Does the popcount reader count, convert and add like a triple loop?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.circuit.adc import Adc
from crossbar.kernels.bitserial import reader
from tests.kernels import naive

# words, DAC planes, cell planes, reads in one call, full, paired, count; each is compiled once
VARIANTS = [
    (1, 1, 1, 1, 0, 0, 1),
    (1, 4, 4, 1, 0, 0, 1),
    (2, 1, 2, 8, 0, 0, 1),  # ISAAC's
    (3, 2, 3, 2, 0, 0, 1),
    (1, 1, 2, 4, 1, 0, 1),
    (2, 2, 1, 3, 1, 0, 1),
    (1, 1, 2, 4, 0, 1, 1),
    (2, 3, 2, 1, 0, 1, 1),
    (1, 2, 2, 2, 1, 1, 1),
    (3, 1, 1, 2, 1, 1, 1),
    (2, 1, 2, 8, 0, 0, 0),
    (1, 1, 2, 1, 1, 1, 0),
]
SIZES = [(1, 1, 1, 1), (3, 2, 61, 5), (2, 3, 64, 19)]  # positions, row groups, rows of a word, cols


def bit_planes(codes, planes, words):
    """Bit planes ``[row_groups, planes, words, cols]`` of ``codes[row_groups, rows, cols]``."""
    per_group = [naive.packed(g.T, [(0, len(g))], planes, planes, None, words)[:, 0] for g in codes]
    return np.ascontiguousarray(np.stack([p.transpose(1, 2, 0) for p in per_group]))


def numbers(adc):
    return np.array([adc.low, adc.high, *adc.fixed_point, adc.s_max], dtype=np.int64)


def cut(values, first, reads, dac):
    """DAC digits ``[positions, row groups, reads, rows]`` of the bits from a plane on."""
    return np.stack([(values >> (first + t * dac)) % (1 << dac) for t in range(reads)], axis=2)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_reader_equals_a_triple_loop(variant, size):
    words, dac, cell, reads, full, paired, count = variant
    positions, n_groups, per_word, cols = size
    rows = 1 if size == SIZES[0] else (words - 1) * 64 + per_word
    rng = np.random.default_rng(positions + 10 * words)
    first, left, sign_read = 2, 3, positions == 3
    bits = first + reads * dac
    values = rng.integers(0, 1 << bits, (positions, n_groups, rows))
    plus, minus = rng.integers(0, 1 << cell, (2, n_groups, rows, cols))
    flip = rng.integers(0, 2, (n_groups, cols))
    s_max = rows * ((1 << cell) - 1) * ((1 << dac) - 1)
    s_bits = s_max.bit_length()
    width = s_bits // 2 if paired else s_bits - 3  # narrow enough to saturate
    adc = Adc(max(2, width), s_max, bool(full), bool(paired))
    policy = "full" if full else "clip"
    convert, _, saturates = naive.adc(policy, adc.bits, s_max, bool(paired))

    x = np.stack([naive.packed(v, [(0, rows)], bits, bits, None, words)[:, 0] for v in values])
    out = np.full((positions, cols), 7, dtype=np.int64)
    plan = np.array([first, left, -1 if sign_read else 0], dtype=np.int64)
    saturated = reader(*variant)(
        np.ascontiguousarray(x),
        bit_planes(plus, cell, words),
        bit_planes(minus, cell, words),
        -flip.astype(np.int64),
        numbers(adc),
        plan,
        out,
    )

    expected, clipped = naive.read_slice(
        cut(values, first, reads, dac),
        plus,
        minus if paired else np.zeros_like(plus),
        flip,
        lambda s: (convert(s), bool(saturates(s))),
        [1 << (t * dac) for t in range(reads)],
    )
    assert np.array_equal(out, 7 + (-expected if sign_read else expected) * (1 << left))
    assert saturated == (clipped if count else 0)
    if not full and rows > 1:
        assert clipped > 0  # the case is worth something


@pytest.mark.parametrize(
    ("bits", "s_max"), [(1, 1), (1, 7), (3, 20), (8, 384), (5, 45), (16, 57600)]
)
@pytest.mark.parametrize("signed", [False, True])
def test_the_fixed_point_quotient_is_the_exact_one_ties_included(bits, s_max, signed):
    adc = Adc(bits + signed, s_max, True, signed)
    convert, lsb, _ = naive.adc("full", bits + signed, s_max, signed)
    factor, bias, shift = adc.fixed_point
    low = -s_max if signed else 0
    raised, back = (s_max, adc.high) if signed else (0, 0)
    step = max(1, s_max // 3000)
    for s in {*range(low, s_max + 1, step), s_max}:
        assert min((((s + raised) * factor + bias) >> shift) - back, adc.high) == convert(s)
    assert adc.convert(np.array([low, s_max])).tolist() == [convert(low), convert(s_max)]
    assert adc.lsb == lsb
    assert convert(0) == 0


def test_a_converter_too_wide_for_64_bits_is_an_error_not_a_wrong_code():
    with pytest.raises(OverflowError, match="16 bits over s_max 100000000"):
        Adc(16, 100_000_000, True, False).fixed_point  # noqa: B018
