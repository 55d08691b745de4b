"""Does every integer weight survive being cut into cells?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.arch import load_arch
from crossbar.mapping.encode import encode, make_encoding, weight_range
from tests.kernels import naive

KINDS = ("offset", "differential", "twos_complement")


def arch(kind, cell_bits, subtract="digital"):
    keys = {"array.encoding": kind, "cell.bits": cell_bits, "array.subtract": subtract}
    return load_arch("tiny_reram", keys)


def decode(codes, encoding):
    total = -encoding.offset * np.ones(codes.shape[1:], dtype=np.int64)
    for code, s in zip(codes, encoding.slices, strict=True):
        total += s.sign * (code.astype(np.int64) << s.shift)
    return total


def allowed(bits, levels):
    """Every signed integer that the precision can hold."""
    if levels == 3:
        return [-1, 0, 1]
    return [-1, 1] if bits == 1 else list(range(-(1 << (bits - 1)) + 1, 1 << (bits - 1)))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.one_of(st.tuples(st.integers(1, 16), st.none()), st.just((8, 3))),
    st.integers(1, 4),
    st.data(),
)
def test_codes_decode_to_the_weights_and_equal_the_naive_columns(kind, precision, cell, data):
    bits, levels = precision
    encoding = make_encoding(arch(kind, cell), bits, levels)
    values = st.sampled_from(allowed(bits, levels))
    rows, cols = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 4))
    flat = data.draw(st.lists(values, min_size=rows * cols, max_size=rows * cols))
    w = np.array(flat).reshape(rows, cols)
    codes = encode(w, encoding)
    assert codes.shape == (encoding.columns, rows, cols)
    assert np.array_equal(decode(codes, encoding), w)
    signed_bits = weight_range(bits, levels)[0]
    for r, c in np.ndindex(rows, cols):
        columns, offset = naive.weight_columns(w[r, c], signed_bits, cell, kind)
        assert [code for code, _, _ in columns] == codes[:, r, c].tolist()
        assert [unit for _, unit, _ in columns] == [s.sign << s.shift for s in encoding.slices]
        assert offset == encoding.offset


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cell", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", range(1, 9))
def test_the_whole_range_round_trips(kind, cell, bits):
    encoding = make_encoding(arch(kind, cell), bits)
    w = np.array([allowed(bits, None)])
    codes = encode(w, encoding)
    assert np.array_equal(decode(codes, encoding), w)
    for code, s in zip(codes, encoding.slices, strict=True):
        assert code.max() <= s.top < 1 << cell


@pytest.mark.parametrize(
    ("kind", "bits", "cell", "widths"),
    [
        ("offset", 8, 2, [2, 2, 2, 2]),
        ("offset", 8, 3, [3, 3, 2]),  # narrower at the top
        ("offset", 1, 4, [1]),
        ("differential", 8, 2, [2, 2, 2, 1, 2, 2, 2, 1]),
        ("differential", 1, 2, [1, 1]),
        ("differential", 2, 4, [1, 1]),
        ("twos_complement", 8, 2, [2, 2, 2, 1, 1]),
        ("twos_complement", 8, 4, [4, 3, 1]),
        ("twos_complement", 1, 2, [1]),
    ],
)
def test_slices_are_cell_wide_and_narrower_at_the_top(kind, bits, cell, widths):
    encoding = make_encoding(arch(kind, cell), bits)
    assert [s.width for s in encoding.slices] == widths
    assert encoding.columns == encoding.conversions == len(widths)


def test_ternary_weights_take_two_signed_bits_whatever_weight_bits_says():
    assert [s.width for s in make_encoding(arch("offset", 2), 8, 3).slices] == [2]
    assert [s.width for s in make_encoding(arch("differential", 2), 8, 3).slices] == [1, 1]
    assert weight_range(8, 3) == (2, 1)
    assert weight_range(8, None) == (8, 127)


def test_currents_subtracted_first_are_converted_once_a_pair():
    encoding = make_encoding(arch("differential", 2, "analog"), 8)
    assert (encoding.columns, encoding.conversions) == (8, 4)
    assert [s.sign for s in encoding.slices] == [1, 1, 1, 1, -1, -1, -1, -1]


def test_the_sign_bit_has_a_column_of_its_own_that_counts_minus_128():
    encoding = make_encoding(arch("twos_complement", 4), 8)
    sign = encoding.slices[-1]
    assert (sign.group, sign.sign << sign.shift, sign.width) == ("sign", -128, 1)
    assert encode(np.array([[-1]]), encoding).ravel().tolist() == [15, 7, 1]
