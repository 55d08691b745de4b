"""Stacks of matrices, each with its own part of the input: grouped convolutions on crossbars."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import crossbar as xb
from crossbar.errors import CaptureError, CaptureWarning, InputError
from crossbar.nn.graph.captured import capture_model


class Stacked(nn.Module):
    """A layer, and a product of its result with a stack of matrices."""

    def __init__(self, multiply, shape, width=16):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.w = nn.Parameter(torch.randn(*shape) * 0.2)
        self.multiply = multiply

    def forward(self, x):
        return self.multiply(self.first(x), self.w)


def heads(x):
    return x.unflatten(-1, (4, 4))


# what is multiplied, shape of the weights, shape of a sample, (groups, rows, cols), positions
FORMS = {
    "einsum": (
        lambda x, w: torch.einsum("bthd,hde->bthe", heads(x), w),
        ((4, 4, 6), (5, 16), (4, 4, 6), 5),
    ),
    "einsum back": (
        lambda x, w: torch.einsum("bteh,ehd->btde", heads(x), w),
        ((4, 4, 6), (5, 16), (4, 4, 6), 5),
    ),
    "einsum of a map": (
        lambda x, w: torch.einsum("bxyhd,hde->byxeh", heads(x), w),
        ((4, 4, 6), (5, 3, 16), (4, 4, 6), 15),
    ),
    "a dot product for each": (
        lambda x, w: torch.einsum("bhd,hd->bh", heads(x), w),
        ((4, 4), (16,), (4, 4, 1), 1),
    ),
    "bmm of a stretched input": (
        lambda x, w: torch.bmm(x.reshape(1, -1, 16).expand(3, -1, -1), w),
        ((3, 16, 7), (5, 16), (3, 16, 7), 5),
    ),
    "bmm, batch second": (
        lambda x, w: torch.bmm(x.transpose(0, 1), w),
        ((5, 16, 7), (5, 16), (5, 16, 7), 1),
    ),
    "baddbmm": (
        lambda x, w: torch.baddbmm(torch.ones(1, 1, 7), x.transpose(0, 1), w),
        ((5, 16, 7), (5, 16), (5, 16, 7), 1),
    ),
    "matmul of a row": (
        lambda x, w: torch.matmul(heads(x).unsqueeze(2), w),
        ((4, 4, 8), (16,), (4, 4, 8), 1),
    ),
    "matmul": (
        lambda x, w: x.unflatten(1, (4, 3)) @ w,
        ((4, 16, 8), (12, 16), (4, 16, 8), 3),
    ),
    "matmul from the left": (
        lambda x, w: w @ x.unflatten(1, (4, 3)).transpose(2, 3),
        ((4, 8, 16), (12, 16), (4, 16, 8), 3),
    ),
    "the same input for all": (
        lambda x, w: x.unsqueeze(1) @ w,
        ((4, 16, 8), (12, 16), (1, 16, 32), 12),
    ),
    "one matrix in a stack": (
        lambda x, w: x.unflatten(1, (4, 3)) @ w,
        ((1, 16, 8), (12, 16), (1, 16, 8), 12),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_stacks_of_matrices_are_on_crossbars(form):
    multiply, (shape, sample, sizes, positions) = FORMS[form]
    torch.manual_seed(0)
    model = Stacked(multiply, shape).eval()
    mapped = xb.map_model(model, "ideal_8bit", calibration=torch.randn(4, *sample), strict=True)
    row = mapped.plan.layers[-1]
    assert (row.name, row.positions) == ("w", positions)
    assert (row.matrix.groups, row.matrix.rows, row.matrix.cols) == sizes
    x = torch.randn(3, *sample)
    with torch.no_grad():
        assert torch.allclose(mapped.execute((x,), mode="float"), model(x), atol=1e-6)
    assert xb.verify(mapped, x).max_difference == 0.0


@settings(max_examples=15, deadline=None)
@given(
    st.permutations("bthd"),
    st.permutations("hde"),
    st.permutations("bthe"),
    *[st.integers(1, 5)] * 3,
)
def test_axes_may_lie_in_any_order(data, weight, out, tokens, stack, width):
    data, weight, out = (["b", *(n for n in data if n != "b")], weight, out)
    sizes = {"t": tokens, "h": stack, "d": width, "e": 3}
    w = torch.randn([sizes[n] for n in weight])
    equation = f"{''.join(data)},{''.join(weight)}->{''.join(out)}"

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(w)

        def forward(self, x):
            return torch.einsum(equation, x, self.w)

    model = Net().eval()
    captured = capture_model(model, (torch.randn(2, *[sizes[n] for n in data[1:]]),))
    assert len(captured.products) == 1
    x = torch.randn(5, *[sizes[n] for n in data[1:]])
    with torch.no_grad():
        assert torch.allclose(captured.program.run((x,)), model(x), atol=1e-5)


class Experts(nn.Module):
    """A mixture of experts over tokens of any length, computed in one batched product."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 8)
        self.w = nn.Parameter(torch.randn(3, 8, 6))

    def forward(self, ids):
        x = self.words(ids)
        every = torch.bmm(x.reshape(1, -1, 8).expand(3, -1, -1), self.w)
        return every.sum(0).unflatten(0, ids.shape)


def test_experts_over_tokens_are_mapped_at_the_length_of_the_example():
    torch.manual_seed(0)
    model, ids = Experts().eval(), torch.randint(0, 20, (4, 7))
    mapped = xb.map_model(model, "ideal_8bit", calibration=ids, strict=True)
    assert [(row.name, row.positions) for row in mapped.plan.layers] == [("w", 7)]
    assert xb.verify(mapped, ids).max_difference == 0.0


class Branching(Stacked):
    def forward(self, x):
        y = super().forward(x)
        return y * 2 if y.sum() > 1e9 else y


def test_a_recorded_stack_is_mapped():
    torch.manual_seed(0)
    multiply, (shape, sample, sizes, _) = FORMS["einsum"]
    model = Branching(multiply, shape).eval()
    with pytest.warns(CaptureWarning):
        mapped = xb.map_model(model, "ideal_8bit", calibration=torch.randn(4, *sample))
    row = mapped.plan.layers[-1]
    assert (row.matrix.groups, row.matrix.rows, row.matrix.cols) == sizes
    x = torch.randn(3, *sample)
    with torch.no_grad():
        assert torch.allclose(mapped.execute((x,), mode="float"), model(x), atol=1e-6)
    assert xb.verify(mapped, x).max_difference == 0.0


LEFT = {
    "no sum": (lambda x, w: torch.einsum("bd,de->bde", x, w), (16, 3), 48),
    "two inputs": (lambda x, w: torch.einsum("bi,oij,bj->bo", x, w, x), (3, 16, 16), 768),
}


@pytest.mark.parametrize("form", LEFT)
def test_what_is_left_on_digital_units_says_how_many_weights(form):
    multiply, shape, weights = LEFT[form]
    model, x = Stacked(multiply, shape).eval(), torch.randn(4, 16)
    mapped = xb.map_model(model, "ideal_8bit", calibration=x)
    (left,) = (u for u in mapped.plan.unmapped if u.weights)
    assert (left.kind, left.weights) == ("matmul", weights)
    assert left.why == "holds weights of a kind not mapped"
    told = " ".join(str(mapped.plan).split())
    assert f"NOT mapped, in float, on digital units: einsum (einsum, {left.operations:,}" in told
    assert f"{weights} weights)" in told
    with pytest.raises(CaptureError, match=r"einsum: einsum cannot be mapped \(holds weights"):
        xb.map_model(model, "ideal_8bit", calibration=x, strict=True)


def test_weights_that_are_all_left_are_not_called_absent():
    model = Stacked(LEFT["no sum"][0], (16, 3))
    model.first = nn.Identity()
    with pytest.raises(InputError, match=r"einsum \(einsum, 48 weights\) holds weights of a kind"):
        xb.map_model(model.eval(), "ideal_8bit", calibration=torch.randn(4, 16))


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.register_buffer("w", torch.randint(0, 5, (8, 3)))

    def forward(self, x):
        return (self.first(x) > 0).long() @ self.w


def test_weights_of_whole_numbers_are_named():
    model = nn.Sequential(Counting()).eval()
    with pytest.raises(CaptureError, match=r"'0\.w', which '0' multiplies by \(matmul\), is int64"):
        xb.map_model(model, "ideal_8bit", calibration=torch.randn(4, 8))


class Loop(nn.Module):
    """Walks over its batch."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.row = nn.Linear(8, 4)

    def forward(self, x):
        x = self.first(x)
        return torch.stack([self.row(x[i]) for i in range(x.shape[0])])


def test_a_layer_of_single_vectors_is_mapped_and_its_loop_is_told():
    torch.manual_seed(0)
    model, x = Loop().eval(), torch.randn(4, 8)
    with pytest.warns(CaptureWarning, match="fixed at 4"):
        mapped = xb.map_model(model, "ideal_8bit", calibration=x, strict=True)
    assert [row.name for row in mapped.plan.layers] == ["first", "row"]
    assert any("over the 4 samples of a batch runs row once" in n for n in mapped.plan.notes)
    assert xb.verify(mapped, x).max_difference == 0.0
    with torch.no_grad():
        assert torch.allclose(mapped.execute((x,), mode="float"), model(x), atol=1e-6)
