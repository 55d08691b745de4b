"""Layers of many operations: are they the network's, and mapped as products?"""

from __future__ import annotations

import itertools
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

import crossbar as xb
from crossbar.errors import CaptureWarning
from crossbar.nn.graph.captured import capture_model
from crossbar.nn.graph.functions import overlap_add
from tests.nn.networks import randomise
from tests.nn.test_capture import assert_same

NOISY = xb.load_arch("isaac_8bit", {"cell.kind": "reram", "cell.read_noise": 0.3})


def lapped(products, kernel, stride, padding, output_padding, dilation):
    """Loop over input pixels and taps."""
    batch, channels, *given = products.shape
    taps = list(itertools.product(*map(range, kernel)))
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, k, s, p, o, d in zip(
            given, kernel, stride, padding, output_padding, dilation, strict=True
        )
    ]
    out = torch.zeros(batch, channels // len(taps), *sizes)
    for pixel in itertools.product(*map(range, given)):
        for number, tap in enumerate(taps):
            axes = zip(pixel, tap, stride, padding, dilation, strict=True)
            at = tuple(i * s + t * d - p for i, t, s, p, d in axes)
            if all(0 <= a < size for a, size in zip(at, sizes, strict=True)):
                out[(..., *at)] += products[(slice(None), slice(number, None, len(taps)), *pixel)]
    return out


@st.composite
def overlaps(draw):
    axes = draw(st.integers(1, 3))

    def sizes(low: int, high: int) -> list[int]:
        return [draw(st.integers(low, high)) for _ in range(axes)]

    kernel, stride, dilation = sizes(1, 3), sizes(1, 3), sizes(1, 2)
    padding = [
        draw(st.integers(0, d * (k - 1) // 2)) for k, d in zip(kernel, dilation, strict=True)
    ]
    more = [draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)]
    return sizes(1, 3), kernel, stride, padding, more, dilation


@settings(max_examples=60, deadline=None)
@given(overlaps())
def test_overlap_add_puts_each_tap_where_it_belongs(case):
    given, kernel, stride, padding, more, dilation = case
    channels = 2 * torch.Size(kernel).numel()
    products = torch.randint(-9, 9, (2, channels, *given)).float()
    expected = lapped(products, kernel, stride, padding, more, dilation)
    assert torch.equal(
        overlap_add(products, None, kernel, stride, padding, more, dilation), expected
    )


TRANSPOSED = {
    "line": (nn.ConvTranspose1d(4, 3, 4, 3, bias=False), (4, 5)),
    "groups": (nn.ConvTranspose2d(4, 6, (3, 2), 2, 1, 1, 2, dilation=(1, 2)), (4, 5, 6)),
    "depthwise": (nn.ConvTranspose2d(4, 4, 3, 2, 1, 1, groups=4), (4, 3, 3)),
    "volume": (nn.ConvTranspose3d(4, 2, (3, 2, 2), (2, 1, 2), (1, 0, 0)), (4, 3, 4, 3)),
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolutions_read_every_input_once(name):
    layer, shape = TRANSPOSED[name]
    layer.eval()
    captured = capture_model(layer, (torch.randn(2, *shape),))
    x = torch.randn(3, *shape)
    with torch.no_grad():
        assert_same(captured.program.run((x,)), layer(x))
    (node,) = captured.workload.products
    assert node.weights == layer.weight.numel()
    assert node.positions == x[0, 0].numel()
    assert node.matrix.groups == layer.groups
    assert [n.kind for n in captured.workload] == ["input", node.kind, "overlap_add"]
    mapped = xb.map_model(layer, "ideal_8bit", calibration=x)
    assert xb.verify(mapped, x).max_difference == 0
    with torch.no_grad():
        assert float((mapped(x) - layer(x)).abs().max()) < 0.05


@pytest.mark.parametrize("bias", [True, False])
def test_a_normalisation_after_a_transposed_convolution_is_folded(bias):
    model = randomise(
        nn.Sequential(nn.ConvTranspose2d(4, 6, 3, 2, groups=2, bias=bias), nn.BatchNorm2d(6))
    )
    captured = capture_model(model, (torch.randn(2, 4, 3, 3),))
    x = torch.randn(3, 4, 3, 3)
    with torch.no_grad():
        assert_same(captured.program.run((x,)), model(x))
    assert [n.kind for n in captured.workload] == ["input", "conv2d", "overlap_add"]


class Functions(nn.Module):
    """Every way to write a product with a constant that is not `nn.functional.linear`."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Parameter(torch.randn(3, 4, 6))
        self.back = nn.Parameter(torch.randn(3, 4, 5))
        self.mix = nn.Parameter(torch.randn(7, 2))
        self.vector = nn.Parameter(torch.randn(6))
        self.kernel = nn.Parameter(torch.randn(2, 4, 3))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        split = torch.einsum("btd,hkd->bhtk", x, self.heads)
        joined = torch.einsum("bhtk,hko->bto", split, self.back)
        return (
            torch.einsum("...d,d->...", x, self.vector),
            torch.einsum("ij,bjd", self.mix, x),  # no arrow: letters that stand once, sorted
            torch.tensordot(x, self.heads, dims=([2], [2])),
            self.mix @ x,
            functional.conv_transpose1d(joined[..., :2].mT, self.kernel, stride=2),
        )


def test_contractions_are_linear_layers():
    torch.manual_seed(0)
    model = Functions().eval()
    captured = capture_model(model, (torch.randn(2, 2, 6),))
    x = torch.randn(3, 2, 6)
    with torch.no_grad():
        assert_same(captured.program.run((x,)), model(x))
    assert not [n for n in captured.workload if n.kind in ("other", "matmul")]
    assert {
        n.name: (n.shape, n.matrix.rows, n.matrix.cols) for n in captured.workload.products
    } == {
        "heads": ((2, 12), 6, 12),
        "back": ((2, 5), 12, 5),
        "vector": ((2, 1), 6, 1),
        "mix": ((6, 7), 2, 7),
        "heads@2": ((2, 12), 6, 12),
        "mix@2": ((6, 7), 2, 7),
        "kernel": ((12, 2), 2, 12),
    }
    # one set of arrays each
    assert captured.workload.weights == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    "equation", ["bij,bj->bi", "bti,ij->bt", "bti,ij->btij", "bti,jk->btijk", "bii,ij->bij"]
)
def test_other_sums_of_products_stay_what_they_are(equation):
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.randn(4, 4))

        def forward(self, x):
            return torch.einsum(equation, x, self.w)

    model = Net().eval()
    fixed = equation == "bij,bj->bi"  # the weight has a row for each sample
    with pytest.warns(CaptureWarning, match="fixed at 4") if fixed else nullcontext():
        captured = capture_model(model, (torch.randn(4, 4, 4),))
    x = torch.randn(4, 4, 4)
    with torch.no_grad():
        assert_same(captured.program.run((x,)), model(x))
    assert not captured.products


def test_attention_keeps_noise_to_the_sample():
    """Time comes first inside of the layer; the same image reads the same in any batch."""
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2)

        def forward(self, x):
            x = x.transpose(0, 1)
            return self.attention(x, x, x, need_weights=False)[0].transpose(0, 1)

    x = torch.randn(4, 5, 8)
    mapped = xb.map_model(Net().eval(), NOISY, calibration=x)
    whole = mapped.execute((x,), samples=4)
    parts = [mapped.execute((x[k : k + 2],), first=k, samples=2) for k in (0, 2)]
    assert torch.equal(whole, torch.cat(parts))
    assert not torch.equal(whole, mapped.execute((x,), mode="digital"))


def test_bags_are_looked_up_and_reduced():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sum = nn.EmbeddingBag(9, 4, mode="sum")
            self.mean, self.most = nn.EmbeddingBag(9, 4), nn.EmbeddingBag(9, 4, mode="max")
            self.fc = nn.Linear(4, 2)

        def forward(self, ids, weights):
            x = self.sum(ids, per_sample_weights=weights) + self.mean(ids) * self.most(ids)
            return self.fc(x)

    model = Net().eval()
    captured = capture_model(model, (torch.randint(0, 9, (2, 5)), torch.randn(2, 5)))
    args = torch.randint(0, 9, (3, 5)), torch.randn(3, 5)
    with torch.no_grad():
        assert_same(captured.program.run(args), model(*args))
    kinds = {n.name: n.kind for n in captured.workload}
    assert [kinds[f"{k}.bag"] for k in ("sum", "mean", "most")] == ["add", "pool_avg", "pool_max"]
    assert captured.workload["sum"].kind == "embedding"
    assert captured.workload["sum.bag"].operations == 5 * 4
    assert "other" not in kinds.values()
