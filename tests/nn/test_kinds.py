"""Is every operation of the kind, and of the count, that the hardware has for it?"""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from crossbar.nn.graph.captured import capture_model
from crossbar.nn.graph.families import KINDS
from crossbar.workload.graph import KINDS as WORKLOAD_KINDS
from crossbar.workload.work import digital_work
from tests.nn.test_capture import assert_same


class Call(nn.Module):
    """A function as a network."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


def test_every_operator_of_the_table_exists_and_has_a_known_kind():
    # names that only other versions of torch have would be dead
    missing = [base for base in KINDS if not hasattr(torch.ops.aten, base)]
    assert missing == []
    assert set(KINDS.values()) <= set(WORKLOAD_KINDS)


# function of x[batch, 3, 4, 6], kind of its last operation, operations of one sample
COUNTED = {
    "bilinear": (lambda x: functional.interpolate(x, scale_factor=2.0, mode="bilinear"),
                 "interpolate", 4 * 3 * 8 * 12),
    "bicubic": (lambda x: functional.interpolate(x, size=(5, 5), mode="bicubic"),
                "interpolate", 16 * 75),
    "linear": (lambda x: functional.interpolate(x.flatten(2), size=7, mode="linear"),
               "interpolate", 2 * 21),
    "trilinear": (lambda x: functional.interpolate(x[:, None], size=(3, 2, 2), mode="trilinear"),
                  "interpolate", 8 * 12),
    "nearest": (lambda x: functional.interpolate(x, scale_factor=2), "reshape", 0),
    "nearest volume": (lambda x: functional.interpolate(x[:, None], scale_factor=2), "reshape", 0),
    "greater": (lambda x: (x > 0.5).float(), "logic", 72),
    "masks": (lambda x: (x > 0) & ~(x == 2), "logic", 72),
    "where": (lambda x: torch.where(x > 0, x, 0.0), "logic", 72),
    "masked fill": (lambda x: x.masked_fill(x < 0, -1e9), "logic", 72),
    "any": (lambda x: (x > 0).any(-1), "logic", 72),
    "isin": (lambda x: torch.isin(x, torch.tensor([1.0, 2.0])), "logic", 72),
    "maximum": (lambda x: torch.maximum(x, 2 * x), "logic", 72),
    "cumsum": (lambda x: x.cumsum(-1), "add", 72),
    "index add": (lambda x: torch.zeros_like(x).index_add(2, torch.tensor([0, 0, 1, 3]), x),
                  "add", 72),
    "scatter add": (lambda x: torch.zeros_like(x).scatter_add(3, (x > 0).long(), x), "add", 72),
    "norm": (lambda x: torch.linalg.vector_norm(x, dim=-1), "mul", 72),
    "logsumexp": (lambda x: x.logsumexp(-1), "add", 3 * 72),
    "variance": (lambda x: x.var(-1), "add", 2 * 72),
    "glu": (lambda x: functional.glu(x, -1), "mul", 72),
    "argmax": (lambda x: x.argmax(-1), "pool_max", 72),
    "unlike shapes": (lambda x: x.transpose(0, 1) + x.sum((1, 2, 3)).view(-1, 1, 1),
                      "add", 72),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_operations_are_counted_by_element(name):
    function, kind, operations = COUNTED[name]
    captured = capture_model(Call(function).eval(), (torch.randn(2, 3, 4, 6),))
    x = torch.randn(5, 3, 4, 6)
    assert_same(captured.program.run((x,)), function(x))
    assert not [n for n in captured.workload if n.kind == "other"]
    node = captured.workload[captured.workload.outputs[0]]
    if name == "greater":  # a cast after it
        node = captured.workload["gt"]
    assert (node.kind, node.operations) == (kind, operations)
    assert sum(digital_work(node).values()) == operations


def test_a_search_takes_as_many_comparisons_as_halvings():
    class Net(nn.Module):
        def forward(self, edges, x):
            return torch.searchsorted(edges, x)

    work = capture_model(Net().eval(), (torch.rand(2, 9), torch.rand(2, 5))).workload
    assert work["searchsorted"].kind == "logic"
    assert work["searchsorted"].operations == 5 * 4


# function of x[batch, 3, 4, 6], the permutation of a sample's axes
PERMUTED = {
    "transpose": (lambda x: x.transpose(1, -1), (2, 1, 0)),
    "permute": (lambda x: x.permute(0, 3, 1, 2), (2, 0, 1)),
    "permute with the batch": (lambda x: x.permute(2, 0, 3, 1), (1, 2, 0)),
    "movedim": (lambda x: torch.movedim(x, (1, 2), (3, 1)), (1, 2, 0)),
    "mT": (lambda x: x.mT, (0, 2, 1)),
    "swapaxes": (lambda x: x.swapaxes(1, 2), (1, 0, 2)),
    "several a sample": (lambda x: x.flatten(0, 1).transpose(0, 2), (2, 1, 0)),
}


@pytest.mark.parametrize("name", PERMUTED)
def test_permutations_say_which_axis_goes_where(name):
    function, axes = PERMUTED[name]
    captured = capture_model(Call(function).eval(), (torch.randn(2, 3, 4, 6),))
    node = captured.workload[captured.workload.outputs[0]]
    assert node.kind == "reshape"
    assert node.attrs["axes"] == axes
    before = captured.workload[node.inputs[0]].shape
    assert node.shape == tuple(before[axis] for axis in axes)


def test_moving_the_batch_alone_moves_nothing():
    def function(x):
        return torch.relu(x.transpose(0, 1)).permute(1, 0, 2, 3)

    work = capture_model(Call(function).eval(), (torch.randn(2, 3, 4, 6),)).workload
    assert [(n.kind, n.inputs) for n in work] == [("input", ()), ("activation", ("x",))]


def test_attention_says_its_sizes():
    class Net(nn.Module):
        def forward(self, q, k, v):
            return functional.scaled_dot_product_attention(q, k, v)

    shapes = ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6))
    work = capture_model(Net().eval(), tuple(torch.randn(s) for s in shapes)).workload
    node = work["attention"]
    sizes = {"heads": 3, "queries": 5, "keys": 7, "width": 4, "value_width": 6}
    assert {key: node.attrs[key] for key in sizes} == sizes
    assert digital_work(node) == {
        "macs": 3 * 5 * 7 * (4 + 6),
        "multiplies": 3 * 5 * 7,
        "softmax_ops": 15 * (5 * 7 - 1),
    }
    assert sum(digital_work(node).values()) == node.operations
