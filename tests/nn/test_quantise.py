"""Are weights and activations rounded as the numerics contract says?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import InputError, UnknownNameError
from crossbar.nn.observers import Range
from crossbar.nn.quantise import InputScale, quantise_weights
from tests.kernels import naive


def scale_of(values, bits=8, observer="minmax"):
    seen = Range(observer)
    for part in values if isinstance(values, list) else [values]:
        seen.observe(np.asarray(part, dtype=np.float32))
    return seen.scale(bits, "layer")


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 16), st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 6))
def test_each_output_channel_fills_its_own_symmetric_range(bits, seed, outputs, fan_in):
    w = np.random.default_rng(seed).standard_normal((outputs, fan_in)) * 3
    integers, scale = quantise_weights(w, bits)
    top = 2 ** (bits - 1) - 1
    for n in range(outputs):
        expected_scale = max(abs(v) for v in w[n]) / top
        assert scale[n] == expected_scale
        assert integers[n].tolist() == [naive.rounded(v / expected_scale, -top, top) for v in w[n]]
        assert np.abs(integers[n]).max() == top


def test_weights_between_two_integers_go_to_the_even_one():
    integers, scale = quantise_weights(np.array([[7.0, 0.5, 1.5, 2.5, -0.5, -1.5]]), 4)
    assert scale.tolist() == [1.0]
    assert integers.tolist() == [[7, 0, 2, 2, 0, -2]]


def test_binary_weights_are_signs_with_the_mean_magnitude():
    integers, scale = quantise_weights(np.array([[0.5, -1.5, 1.0, 0.0], [0, 0, 0, 0]]), 1)
    assert integers.tolist() == [[1, -1, 1, 1], [1, 1, 1, 1]]
    assert scale.tolist() == [0.75, 0.0]  # a channel of zeros computes zero


def test_ternary_weights_drop_the_small_and_average_the_rest():
    w = np.array([[2.0, -4.0, 0.1, 0.0], [0, 0, 0, 0]])  # 0.7 * mean = 1.0675
    integers, scale = quantise_weights(w, 8, 3)
    assert integers.tolist() == [[1, -1, 0, 0], [0, 0, 0, 0]]
    assert scale.tolist() == [3.0, 1.0]


def test_a_channel_of_zeros_stays_zero():
    integers, scale = quantise_weights(np.array([[0.0, 0.0], [1.0, -1.0]]), 8)
    assert integers.tolist() == [[0, 0], [127, -127]]
    assert np.isfinite(scale).all()


def test_inputs_are_unsigned_unless_a_negative_value_was_seen():
    positive, negative = scale_of([[0.0, 1.0], [0.5, 2.55]]), scale_of([[0.0, 1.0], [-2.54, 2]])
    assert (positive.signed, positive.low, positive.high) == (False, 0, 255)
    assert positive.scale == np.float32(np.float32(2.55) / 255)
    assert (negative.signed, negative.low, negative.high) == (True, -127, 127)
    assert negative.scale == np.float32(np.float32(2.54) / 127)
    assert scale_of([[-0.0, 1.0]]).signed is False


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
def test_the_largest_value_seen_becomes_the_largest_integer(bits):
    for top in (1e-30, 0.1, 1.0, 3.7, 12345.678, 1e30):
        scale = scale_of([[0.0, top]], bits)
        assert np.rint(np.float32(top) / np.float32(scale.scale)) == scale.high == 2**bits - 1


def test_an_input_of_zeros_or_of_hardly_anything_has_a_scale_to_divide_by():
    assert scale_of([[0.0, 0.0]]) == InputScale(1.0, 8, False)
    assert scale_of([[0.0, 1e-44]]).scale > 0


def test_a_scale_is_a_single_precision_number():
    scale = scale_of([[0.0, 1.0]], 8).scale
    assert scale == float(np.float32(scale))


def test_signed_inputs_need_two_bits():
    with pytest.raises(InputError, match="layer: its inputs are signed.*at least 2"):
        scale_of([[-1.0, 1.0]], 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("observer", ["minmax", "mse", "percentile"])
def test_a_value_that_is_no_number_is_refused_whenever_it_comes(bad, observer):
    for parts in ([[1.0, bad]], [[1.0], [bad, 2.0]], [[bad], [1.0]]):
        with pytest.raises(InputError, match="layer: calibration gave no finite inputs"):
            scale_of(parts, 8, observer)


def test_a_layer_that_saw_nothing_has_no_scale():
    with pytest.raises(InputError, match="layer: calibration gave no finite inputs"):
        scale_of([np.zeros((0, 3))])


def test_an_unknown_observer_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="'percentage' .did you mean 'percentile'"):
        Range("percentage")


def outliers():
    values = np.random.default_rng(5).random(20_000).astype(np.float32)
    values[:3] = 50.0
    return values


def test_the_percentile_ignores_a_few_outliers():
    values = outliers()
    scale = scale_of(values, 8, "percentile")
    expected = np.percentile(values, 99.9) / 255
    assert scale.scale == pytest.approx(expected, rel=1e-6)
    assert scale_of(values).scale == pytest.approx(50 / 255, rel=1e-6)


def test_the_percentile_of_an_input_of_almost_only_zeros_is_its_largest_value():
    values = np.zeros(5000, dtype=np.float32)
    values[:2] = 3.0
    assert scale_of(values, 8, "percentile").scale == pytest.approx(3 / 255)


def error(values, scale):
    integers = np.clip(np.rint(values / scale.scale), scale.low, scale.high)
    return float(((integers * scale.scale - values) ** 2).mean())


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [3, 4, 8])
def test_mse_errs_no_more_than_the_extremes(bits, signed):
    values = np.random.default_rng(1).standard_normal(5000).astype(np.float32)
    values = values if signed else np.abs(values)
    chosen, extremes = (scale_of(values, bits, name) for name in ("mse", "minmax"))
    assert error(values, chosen) <= error(values, extremes) * (1 + 1e-6)
    assert chosen.scale <= extremes.scale * (1 + 1e-6)
    assert chosen.signed == signed
    if bits < 8:
        assert error(values, chosen) < 0.9 * error(values, extremes)


def test_observers_do_not_depend_on_how_data_is_batched():
    values = outliers()
    for observer in ("minmax", "percentile", "mse"):
        parts = [values[:7000], values[7000:7001], values[7001:]]
        assert scale_of(parts, 6, observer) == scale_of(values, 6, observer)
