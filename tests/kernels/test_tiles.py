"""Are codes and inputs laid out as the matrix tiles want them, byte by byte?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.kernels import tiles
from crossbar.kernels.tiles import pack_digits, pack_tokens, tile_codes, tile_reader
from tests.kernels import naive
from tests.kernels.test_inputs import WINDOWS, make
from tests.kernels.test_reader import bit_planes


@pytest.mark.parametrize(("words", "cols"), [(1, 1), (2, 16), (3, 37)])
@pytest.mark.parametrize("paired", [False, True])
def test_a_tile_of_codes_has_fours_of_rows_behind_one_another(words, cols, paired):
    rng = np.random.default_rng(words)
    plus, minus = rng.integers(0, 8, (2, 2, 64 * words - 3, cols))
    planes = [bit_planes(codes, 3, words) for codes in (plus, minus)]
    got = tile_codes(planes[0], planes[1] if paired else None).view(np.int8)
    meant = plus - minus if paired else plus
    assert got.shape == (2, -(-cols // 16), words, 1024)
    for (g, block, word, byte), value in np.ndenumerate(got):
        four, column, row = byte // 64, byte % 64 // 4, byte % 4
        r, c = 64 * word + 4 * four + row, 16 * block + column
        inside = r < meant.shape[1] and c < cols
        assert value == (meant[g, r, c] if inside else 0)


@pytest.mark.parametrize(
    ("dtype", "low", "high", "raised", "bits", "bipolar"),
    [
        (np.int16, 0, 255, 0, 8, False),
        (np.int16, -128, 127, 0, 8, False),
        (np.int16, -128, 127, 128, 6, False),
        (np.int32, -(1 << 15), (1 << 15) - 1, 0, 8, False),
        (np.int16, -127, 127, 0, 7, True),
        (np.int32, -4095, 4095, 0, 6, True),
    ],
)
@pytest.mark.parametrize("window", WINDOWS)
def test_inputs_are_cut_into_bytes(window, dtype, low, high, raised, bits, bipolar):
    x, geometry, positions = make(window, dtype, low, high)
    rows = window[2] * window[3][0] * window[3][1]
    per_read = max(1, rows // 2)
    groups = np.array([(s, min(per_read, rows - s)) for s in range(0, rows, per_read)])
    segments = np.array([(0, rows), (rows // 2, rows - rows // 2)])
    span = np.array([1, 2, positions // 2, positions - positions // 2], dtype=np.int64)
    n = int(span[1] * span[3])
    inputs = naive.window_inputs(x, geometry, span) + raised
    parts = 3
    expected = np.zeros((parts, n, len(groups), 64), dtype=np.int64)
    for part in range(parts):
        cut = (np.abs(inputs) if bipolar else inputs) >> (part * bits) & ((1 << bits) - 1)
        signed = np.sign(inputs) * cut if bipolar else cut
        for g, (start, count) in enumerate(groups):
            expected[part, :, g, :count] = signed[:, start : start + count]
    coding = np.array([raised, bits, int(bipolar)], dtype=np.int64)
    out = np.zeros(expected.shape, dtype=np.uint8)
    sums = np.empty((n, 2), dtype=np.int64)
    pack_digits(x, geometry, span, groups, segments, coding, out, sums)
    assert np.array_equal(out, expected.astype(np.uint8))
    assert np.array_equal(sums[:, 0], inputs.sum(1))
    assert np.array_equal(sums[:, 1], inputs[:, rows // 2 :].sum(1))

    # the same inputs as tokens, behind one that is not the layer's
    tokens = np.insert((inputs - raised).astype(dtype), 0, 77, axis=1)[None]
    out2, sums2 = np.zeros_like(out), np.empty_like(sums)
    span = np.array([0, 1, 0, n], dtype=np.int64)
    pack_tokens(tokens, 1, span, groups, segments, coding, out2, sums2)
    assert np.array_equal(out2, out)
    assert np.array_equal(sums2, sums)


def test_a_machine_without_tiles_gets_an_error_not_an_illegal_instruction(monkeypatch):
    monkeypatch.setattr(tiles, "tiles_refused", lambda: "none here")
    with pytest.raises(OSError, match="tiles: none here"):
        tile_reader.__wrapped__(2, 8, 0, 0, 0, 0, 0, 0)
