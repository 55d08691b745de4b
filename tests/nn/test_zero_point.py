"""Zero points: unsigned inputs of any range, against naive integer networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import crossbar as xb
from crossbar.mapping.precision import LayerPrecision
from crossbar.nn.observers import Range
from tests.nn.small import Cnn, inputs, seeded
from tests.nn.tokens import ENCODINGS, IDEAL, Tokens, mapped_of, tokens


def naive_zero(values, low, high, bits):
    """Scale and code of zero of a range, in Python's own numbers."""
    top = 2**bits - 1
    scale = np.float32((high - low) / top)
    return scale, min(max(round(-low / float(scale)), 0), top), top


def naive_convolution(q, w, stride, padding, dilation, groups, zero):
    """Integer convolution by loops, of codes of which ``zero`` stands for 0."""
    batch, _, height, width = q.shape
    outputs, channels, kh, kw = w.shape
    down = (height + 2 * padding - dilation * (kh - 1) - 1) // stride + 1
    across = (width + 2 * padding - dilation * (kw - 1) - 1) // stride + 1
    out = np.zeros((batch, outputs, down, across), np.int64)
    for b, n, i, j in np.ndindex(out.shape):
        first = n // (outputs // groups) * channels
        for c, ky, kx in np.ndindex(channels, kh, kw):
            y, x = i * stride + ky * dilation - padding, j * stride + kx * dilation - padding
            inside = 0 <= y < height and 0 <= x < width
            code = int(q[b, first + c, y, x]) if inside else zero
            out[b, n, i, j] += (code - zero) * int(w[n, c, ky, kx])
    return out


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(ENCODINGS),
    st.integers(1, 9),
    st.integers(2, 8),
    st.integers(1, 2),
    st.integers(0, 2),
    st.integers(1, 2),
    st.sampled_from([1, 2, 4]),
    st.floats(-3.0, 3.0),
    st.integers(0, 1000),
)
def test_a_convolution_with_a_zero_point_is_the_naive_one(
    encoding, bits, weight_bits, stride, padding, dilation, groups, shift, seed
):
    torch.manual_seed(seed)
    conv = nn.Conv2d(4, 4, 2, stride, padding, dilation, groups).eval()
    x = torch.randn(2, 4, 4, 5) + shift
    arch = xb.load_arch(
        "tiny_reram", {**IDEAL, "array.encoding": encoding, "array.flip_columns": seed % 2 == 0}
    )
    precision = {"input_bits": bits, "weight_bits": weight_bits, "zero_point": True}
    mapped = mapped_of(nn.Sequential(conv).eval(), x, arch, precision=precision)
    (layer,) = mapped.body.layers.values()
    low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
    scale, zero, top = naive_zero(x, low, high, bits)
    assert (layer.input.zero, layer.input.high, layer.input.signed) == (zero, top, False)
    assert np.float32(layer.input.scale) == scale
    q = np.clip(np.rint(x.numpy() / scale).astype(int) + zero, 0, top)
    w = layer.programmed.weights.reshape(conv.weight.shape)
    product = naive_convolution(q, w, stride, padding, dilation, groups, zero)
    factor = (layer.weight_scale * float(scale))[:, None, None]
    wanted = product * factor + conv.bias.detach().double().numpy()[:, None, None]
    assert xb.verify(mapped, x).max_difference == 0
    for mode in ("crossbar", "digital"):
        got = mapped.execute((x,), mode=mode).numpy()
        # the constant is folded in double precision and rounded once
        assert got == pytest.approx(wanted.astype(np.float32), rel=3e-7, abs=1e-6)


def test_a_zero_point_halves_the_step_of_a_range_on_one_side():
    values = np.linspace(-0.1, 5.0, 1001, dtype=np.float32)
    plain, raised = Range("minmax"), Range("minmax")
    for seen in (plain, raised):
        seen.observe(values)
    usual, own = plain.scale(8, "x"), raised.scale(LayerPrecision(8, None, 8, True), "x")
    assert usual.scale == pytest.approx(5.0 / 127)
    assert (own.scale, own.zero) == (pytest.approx(5.1 / 255), 5)
    assert (own.signed, own.low, own.high) == (False, 0, 255)


def test_a_range_that_is_never_negative_has_its_zero_at_zero():
    seen = Range("minmax")
    seen.observe(np.array([1.0, 2.0], np.float32))
    assert seen.scale(LayerPrecision(8, None, 8, True), "x") == seen.scale(8, "x")
    below = Range("minmax")
    below.observe(np.array([-2.0, -1.0], np.float32))
    assert below.scale(LayerPrecision(8, None, 8, True), "x").zero == 255


def rounding_error(values, scale):
    codes = np.clip(np.rint(values / scale.scale) + scale.zero, scale.low, scale.high)
    return float((((codes - scale.zero) * scale.scale - values) ** 2).mean())


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_mse_with_a_zero_point_errs_no_more_than_the_extremes(bits):
    values = np.random.default_rng(4).exponential(1.0, 4000).astype(np.float32) - 0.5
    found = {}
    for name in ("minmax", "mse"):
        seen = Range(name)
        seen.observe(values)
        found[name] = seen.scale(LayerPrecision(8, None, bits, True), "x")
    assert rounding_error(values, found["mse"]) <= rounding_error(values, found["minmax"])
    assert bits > 4 or found["mse"].scale < 0.9 * found["minmax"].scale


def test_energy_sees_the_raised_digits():
    x = inputs(Cnn)
    mapped = mapped_of(seeded(Cnn), x, precision={"zero_point": True})
    layer = mapped.body.layers["stem.weight"]
    product = mapped.body.program.products["stem"]
    codes, window = layer.integers(x, product)
    assert (codes[:, :, 0] == layer.input.zero).all()  # what pads the image
    ones = np.zeros(codes.shape[1:])
    for image in codes:
        ones += [[[int(v).bit_count() for v in line] for line in plane] for plane in image]
    wanted = np.zeros((2, 3, 3))
    for c, ky, kx, i, j in np.ndindex(2, 3, 3, *window.size):
        wanted[c, ky, kx] += ones[c, 2 * i + ky, 2 * j + kx]
    driven = layer.programmed.drives(codes, window)
    assert driven.shape[0] == 1
    assert driven[0].tolist() == wanted.reshape(-1).tolist()


def test_faults_and_clipping_work_on_raised_inputs():
    x = inputs(Cnn)
    arch = xb.load_arch("tiny_reram", {"adc.bits": 3})
    mapped = mapped_of(seeded(Cnn), x, arch, precision={"zero_point": True})
    assert xb.verify(mapped, x).max_difference > 0
    broken = xb.inject(mapped, xb.StuckAt(on=0.05), seed=1)
    assert not torch.equal(broken(x), mapped(x))
    assert torch.equal(broken.execute((x,), mode="digital"), mapped.execute((x,), mode="digital"))


@pytest.mark.parametrize("signed", ["twos_complement", "offset", "sign_magnitude"])
def test_every_coding_of_signed_inputs_takes_zero_points_and_token_scales(signed):
    x = tokens()
    arch = xb.load_arch("tiny_reram", {**IDEAL, "dac.signed": signed, "dac.bits": 2})
    results = []
    for precision in ({"zero_point": True}, {"activation_scale": "token"}):
        torch.manual_seed(0)
        mapped = mapped_of(Tokens().eval(), x, arch, precision=precision)
        assert xb.verify(mapped, x).max_difference == 0
        results.append(mapped(x))
        assert torch.equal(results[-1], mapped.execute((x,), mode="digital"))
    assert not torch.equal(*results)
