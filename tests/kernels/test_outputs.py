"""Are integer results scaled once, and written where they belong?"""

from __future__ import annotations

import numpy as np
import pytest

from crossbar.kernels.outputs import add_transposed, rescale, rescale_tokens

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
