"""Are integer results scaled once, and written where they belong?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.kernels.outputs import (
    add_columns,
    add_rows,
    add_sums,
    add_transposed,
    rescale,
    rescale_rows,
    rescale_tokens,
)

TYPES = pytest.mark.parametrize(
    ("source", "target"),
    [(np.float32, np.float32), (np.float64, np.float32), (np.float64, np.float64)],
)


@TYPES
@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 7)])
def test_rescale_writes_values_times_scale_plus_bias_rounded_once(source, target, tokens, shape):
    images, outputs, positions = shape
    rng = np.random.default_rng(2)
    all_outputs, first_output, first_position = outputs + 3, 2, 5
    values = rng.integers(-(1 << 20), 1 << 20, (outputs, images * positions)).astype(source)
    scale, bias = rng.random(all_outputs) * 1e-3, rng.standard_normal(all_outputs)
    out = np.full((images + 2, all_outputs, positions + 9), -5, dtype=target)
    span = np.array([1, images, first_position, positions], dtype=np.int64)
    if tokens:
        rows, laid_out = (np.ascontiguousarray(a.swapaxes(-1, -2)) for a in (values, out))
        rescale_tokens(rows, scale, bias, span, first_output, laid_out)
        out = laid_out.swapaxes(1, 2)
    else:
        rescale(values, scale, bias, span, first_output, out)

    expected = np.full(out.shape, -5, dtype=target)
    for b in range(images):
        for n in range(outputs):
            for p in range(positions):
                value = float(values[n, b * positions + p]) * float(scale[first_output + n])
                expected[1 + b, first_output + n, first_position + p] = target(
                    value + float(bias[first_output + n])
                )
    assert np.array_equal(out, expected)


@TYPES
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 7)])
def test_rescale_rows_has_a_scale_for_each_token(source, target, shape):
    images, outputs, positions = shape
    rng = np.random.default_rng(5)
    values = rng.integers(-(1 << 20), 1 << 20, (images * positions, outputs)).astype(source)
    scale, bias = rng.random(outputs + 3) * 1e-3, rng.standard_normal(outputs + 3)
    rows = rng.random((images + 2, positions + 9)).astype(np.float32)
    out = np.full((images + 2, positions + 9, outputs + 3), -5, dtype=target)
    span = np.array([1, images, 4, positions], dtype=np.int64)
    rescale_rows(values, scale, bias, rows, span, 2, out)
    expected = np.full(out.shape, -5, dtype=target)
    for b, p, n in np.ndindex(images, positions, outputs):
        factor = float(scale[2 + n]) * float(rows[1 + b, 4 + p])
        value = float(values[b * positions + p, n]) * factor + float(bias[2 + n])
        expected[1 + b, 4 + p, 2 + n] = target(value)
    assert np.array_equal(out, expected)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (35, 17), (3, 50)])
def test_add_transposed_adds_reads_to_what_is_there(shape):
    rng = np.random.default_rng(4)
    total = rng.integers(-1000, 1000, shape)
    values = rng.standard_normal(shape[::-1])
    expected = values.copy()
    for p, n in np.ndindex(*shape):
        expected[n, p] += 0.37 * total[p, n]
    add_transposed(total, 0.37, values)
    assert np.array_equal(values, expected)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_what_was_read_is_added_where_it_belongs(dtype):
    rng = np.random.default_rng(3)
    total = rng.integers(-1000, 1000, (20, 48)).astype(dtype)  # larger than what is asked for
    start = rng.standard_normal((17, 37))
    by_row, transposed = start.copy(), np.ascontiguousarray(start.T)
    add_rows(total, 0.3, by_row)
    add_transposed(total, 0.3, transposed)
    expected = [[start[p, n] + 0.3 * int(total[p, n]) for n in range(37)] for p in range(17)]
    np.testing.assert_allclose(by_row, expected, rtol=1e-14, atol=1e-12)
    np.testing.assert_allclose(transposed.T, expected, rtol=1e-14, atol=1e-12)
    outputs, before = np.array([1, 4, 30]), total.copy()
    add_columns(total[:, 40:43], outputs, total)
    for c, n in enumerate(outputs):
        before[:, n] += before[:, 40 + c]
    assert np.array_equal(total, before)


def test_input_sums_are_weighted_and_scaled_once():
    rng = np.random.default_rng(4)
    sums, weight = rng.integers(-500, 500, (7, 3)), rng.integers(-128, 129, (3, 11))
    values = np.full((7, 11), 2.0)
    add_sums(sums, 0.25, weight.astype(np.float64), values)
    exact = [[2.0 + 0.25 * int(row @ weight[:, n]) for n in range(11)] for row in sums]
    assert np.array_equal(values, exact)
