"""Do the images that arrays read hold what a convolution multiplies, for odd sizes?"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import crossbar as xb
from crossbar.nn.graph.product import Product
from crossbar.nn.unfolding import result_shape, unfold

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


@st.composite
def layers(draw):
    """A convolution with integer weights, and an input that it fits into."""
    axes = draw(st.integers(1, 3))

    def sizes(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    kernel, stride, padding, dilation = sizes(1, 3), sizes(1, 3), sizes(0, 2), sizes(1, 2)
    groups = draw(st.integers(1, 3))
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    layer = CONVOLUTIONS[axes](inputs, outputs, kernel, stride, padding, dilation, groups)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 1000)))
    span = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    extra = sizes(0, 3)
    x = torch.randint(-9, 9, (2, inputs, *map(sum, zip(span, extra, strict=True))),
                      generator=generator).float()  # fmt: skip
    for tensor in layer.parameters():
        tensor.data = torch.randint(-9, 9, tensor.shape, generator=generator).float()
    return layer.eval(), x


@settings(max_examples=60, deadline=None)
@given(layers())
def test_what_lies_under_the_window_times_the_weights_is_the_convolution(case):
    """A loop over positions and taps of the unfolded image, against torch."""
    layer, x = case
    product = product_of(layer)
    image, window = unfold(x, product)
    down, across = window.padding
    image = nn.functional.pad(
        image, (0, 0, 0, 0) if window.tokens else (across, across, down, down)
    )
    groups = layer.groups
    matrix = product.weight.reshape(groups, layer.out_channels // groups, -1)
    found = []
    for row, col in itertools.product(*map(range, window.size)):
        if window.tokens:
            vector = image[:, col, 0]
        else:
            (kh, kw), (dh, dw) = window.kernel, window.dilation
            top, left = row * window.stride[0], col * window.stride[1]
            patch = image[:, :, top : top + dh * (kh - 1) + 1 : dh]
            vector = patch[..., left : left + dw * (kw - 1) + 1 : dw].reshape(len(x), -1)
        parts = vector.reshape(len(x), groups, -1)
        found.append(torch.einsum("bgk,gnk->bgn", parts, matrix).reshape(len(x), -1))
    expected = layer(x)
    assert result_shape(x, product) == expected.shape
    got = torch.stack(found, -1).reshape(expected.shape)
    got = got + layer.bias.reshape(-1, *[1] * (x.dim() - 2))
    assert torch.equal(got, expected)


def product_of(layer: nn.Module) -> Product:
    keys = ("in_channels", "out_channels", "stride", "padding", "dilation", "groups")
    attrs = {key: getattr(layer, key) for key in keys}
    attrs |= {"kernel": layer.kernel_size, "bias": True}
    kind = type(layer).__name__.lower()
    return Product("c", "c", kind, layer.weight, layer.bias, attrs, "c.weight")


@pytest.mark.parametrize("axes", [1, 3])
def test_arrays_compute_the_convolution_of_the_integers(axes):
    torch.manual_seed(1)
    sizes = (5, 4, 7)[-axes:]
    layer = CONVOLUTIONS[axes](4, 6, 3, stride=2, padding=1, groups=2).eval()
    x = torch.randn(3, 4, *sizes)
    mapped = xb.map_model(layer, "ideal_8bit", calibration=x)
    assert xb.verify(mapped, x).max_difference == 0
    (found,) = mapped.body.layers.values()
    integers = torch.clamp((x / found.input.scale).round(), found.input.low, found.input.high)
    weights = torch.from_numpy(found.programmed.weights.astype(np.float64))
    weights = weights.reshape(layer.weight.shape)
    convolve = (nn.functional.conv1d, None, nn.functional.conv3d)[axes - 1]
    sums = convolve(integers.double(), weights, None, 2, 1, groups=2)
    scale = torch.from_numpy(found.weight_scale).reshape(-1, *[1] * axes) * found.input.scale
    expected = sums * scale + layer.bias.double().reshape(-1, *[1] * axes)
    torch.testing.assert_close(mapped(x).double(), expected, atol=1e-6, rtol=1e-6)
    with torch.no_grad():
        assert float((mapped(x) - layer(x)).abs().max()) < 0.05
