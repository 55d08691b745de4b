"""Does the builder compute the shapes and counts that PyTorch would?"""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar.errors import InputError, UnknownNameError, WorkloadError
from crossbar.workload import Node, Workload, WorkloadBuilder, validate
from crossbar.workload.operations import (
    attention_operations,
    matmul_operations,
    norm_operations,
    pool_operations,
    softmax_operations,
)
from crossbar.workload.shapes import broadcast, matmul_shape, window_size


@settings(max_examples=150, deadline=None)
@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
)
def test_windows_along_an_axis_are_those_one_can_place(size, kernel, stride, padding, dilation):
    span = dilation * (kernel - 1) + 1
    starts = [s for s in range(0, 40, stride) if s + span <= size + 2 * padding]
    if starts:
        assert window_size(size, kernel, stride, padding, dilation) == len(starts)
    else:
        with pytest.raises(ValueError, match="does not fit"):
            window_size(size, kernel, stride, padding, dilation)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    ceil_mode=st.booleans(),
)
def test_pools_have_the_shape_torch_gives_them(size, kernel, stride, padding, ceil_mode):
    torch = pytest.importorskip("torch")
    padding = tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=True))
    if any(n + 2 * p < k for n, p, k in zip(size, padding, kernel, strict=True)):
        return
    out = torch.nn.functional.max_pool2d(
        torch.zeros(1, 2, *size), kernel, stride, padding, ceil_mode=ceil_mode
    )
    attrs = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    nodes = (
        Node("x", "input", (), (2, *size)),
        Node("pool", "pool_max", ("x",), tuple(out.shape[1:]), attrs),
    )
    validate(Workload("pool", nodes, ("pool",)))


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ((3, 1, 5), (4, 1), (3, 4, 5)),
        ((7,), (2, 7), (2, 7)),
        ((), (3,), (3,)),
        ((1,), (1,), (1,)),
    ],
)
def test_shapes_stretch_as_in_numpy(left, right, expected):
    assert broadcast([left, right]) == expected


def test_products_of_activations_have_numpys_shape():
    assert matmul_shape((12, 128, 64), (12, 64, 32)) == (12, 128, 32)
    assert matmul_shape((5, 1, 2, 3), (4, 3, 6)) == (5, 4, 2, 6)
    with pytest.raises(ValueError, match=r"\[2, 3\] @ \[4, 3\] is not"):
        matmul_shape((2, 3), (4, 3))


def test_a_network_reads_like_its_paper():
    net = WorkloadBuilder("small")
    x = net.input("input", (1, 28, 28))
    x = net.relu("relu", net.conv("conv", x, 8, 3, padding=1))
    x = net.avg_pool("pool", x, (2, 4))
    x = net.linear("fc", net.flatten("flatten", x), 10)
    work = net.build(x)
    assert [(n.name, n.kind, n.inputs, n.shape) for n in work] == [
        ("input", "input", (), (1, 28, 28)),
        ("conv", "conv2d", ("input",), (8, 28, 28)),
        ("relu", "activation", ("conv",), (8, 28, 28)),
        ("pool", "pool_avg", ("relu",), (8, 14, 7)),
        ("flatten", "reshape", ("pool",), (784,)),
        ("fc", "linear", ("flatten",), (10,)),
    ]
    assert work["conv"].weight == "conv.weight"
    assert work["pool"].operations == 8 * 14 * 7 * 8
    assert work.outputs == ("fc",)


def test_every_other_node_of_the_builder():
    net = WorkloadBuilder("parts")
    ids = net.input("ids", (6,))
    x = net.embedding("table", ids, 100, 8)
    y = net.norm("norm", x)
    z = net.matmul("scores", y, net.reshape("turn", x, (8, 6), "transpose"))
    z = net.softmax("softmax", net.mul("scale", z))
    z = net.mul("gate", z, z)
    z = net.concat("join", z, z, axis=1)
    z = net.digital("pick", "other", [z], (3,), 99)
    work = net.build(z, y)
    assert {n.name: (n.shape, n.operations) for n in work} == {
        "ids": ((6,), 0),
        "table": ((6, 8), 48),
        "norm": ((6, 8), 6 * 33),
        "turn": ((8, 6), 0),
        "scores": ((6, 6), 6 * 6 * 8),
        "scale": ((6, 6), 36),
        "softmax": ((6, 6), 6 * 29),
        "gate": ((6, 6), 36),
        "join": ((6, 12), 0),
        "pick": ((3,), 99),
    }


def test_operations_are_counted_as_their_docstrings_say():
    assert pool_operations((64, 56, 56), (3, 3)) == 64 * 56 * 56 * 9
    assert matmul_operations((12, 128, 128), 64) == 12 * 128 * 128 * 64
    assert softmax_operations((1,)) == 4  # subtract, exponential, reciprocal, multiply
    assert softmax_operations((2, 3, 10)) == 6 * 49
    assert norm_operations((5, 10)) == 5 * 41
    assert norm_operations((5, 10), affine=False) == 5 * 31
    assert norm_operations((8, 4, 4), size=64) == 2 * 257
    scores = (12, 128, 128)
    assert attention_operations(12, 128, 128, 64) == (
        2 * prod(scores) * 64 + prod(scores) + softmax_operations(scores)
    )
    assert attention_operations(1, 2, 3, 4, value_width=5) == 24 + 6 + 2 * 14 + 30


def image() -> tuple[WorkloadBuilder, str]:
    """Begin a network with a 3 x 8 x 8 image."""
    net = WorkloadBuilder("net")
    return net, net.input("x", (3, 8, 8))


def wide_kernel(net: WorkloadBuilder, x: str) -> str:
    return net.conv("c", x, 4, 9)


def zero_stride(net: WorkloadBuilder, x: str) -> str:
    return net.max_pool("p", x, 2, stride=0)


def flat_convolution(net: WorkloadBuilder, x: str) -> str:
    return net.conv("c", net.flatten("f", x), 4, 3)


def linear_of_a_number(net: WorkloadBuilder, x: str) -> str:
    return net.linear("fc", net.reshape("r", x, ()), 3)


def uneven_sum(net: WorkloadBuilder, x: str) -> str:
    return net.add("a", x, net.conv("c", x, 4, 1))


def sum_of_one(net: WorkloadBuilder, x: str) -> str:
    return net.add("a", x)


def name_used_twice(net: WorkloadBuilder, x: str) -> str:
    return net.relu("x", x)


def wrong_product(net: WorkloadBuilder, x: str) -> str:
    return net.matmul("m", x, net.reshape("r", x, (3, 4, 16)))


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (wide_kernel, "net: c: a window of 9 does not fit into 8 elements with padding 0"),
        (zero_stride, "net: p: kernel 2, stride 0, dilation 1, padding 0: the first three are >= 1,"
         " padding is >= 0"),
        (flat_convolution, "net: c: input 'f' is [192], needs 2 to 4 axes: channels and a map"),
        (linear_of_a_number, "net: fc: input 'r' is [], needs at least one axis"),
        (uneven_sum, "net: a: shapes [3, 8, 8] and [4, 8, 8] do not fit together"),
        (sum_of_one, "net: a: 1 inputs, add takes 2 or more"),
        (name_used_twice,
         "net: x: the input of shape [3, 8, 8] has this name; names are unique"),
        (wrong_product, "net: m: [3, 8, 8] @ [3, 4, 16] is not (..., m, k) @ (..., k, n)"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_is_made(mistake, message):
    with pytest.raises(InputError) as caught:
        mistake(*image())
    assert str(caught.value) == message


def test_a_convolution_has_as_many_axes_as_its_input():
    net = WorkloadBuilder("net")
    x = net.input("x", (4, 11))
    x = net.conv("line", x, 6, 3, stride=2, padding=1, groups=2)
    x = net.reshape("volume", x, (2, 3, 3, 2), "view")
    work = net.build(net.conv("clip", x, 5, (2, 3, 1), padding=(0, 1, 0), dilation=(2, 1, 1)))
    assert (work["line"].kind, work["line"].shape) == ("conv1d", (6, 6))
    assert work["line"].macs == 6 * 6 * 2 * 3
    assert (work["clip"].kind, work["clip"].shape) == ("conv3d", (5, 1, 3, 2))
    assert work["clip"].macs == 5 * 6 * 2 * 6
    assert work["clip"].attrs["padding"] == (0, 1, 0)


def node(kind: str, shape: tuple[int, ...], **attrs: object) -> Workload:
    given = Node("x", "input", (), (12, 5))
    weight = "w" if kind == "linear" else None
    return Workload("net", (given, Node("y", kind, ("x",), shape, attrs, weight)), ("y",))


LAP = {"kernel": (3,), "stride": (2,), "padding": (1,), "output_padding": (1,), "dilation": (1,)}
STATE = {"in_features": 3, "out_features": 5, "bias": False, "recurrent": "forward"}


def test_layers_of_other_forms_have_shapes_that_follow():
    validate(node("overlap_add", (4, 10), **LAP))  # (5 - 1) * 2 - 2 + 2 + 1 + 1
    validate(node("linear", (12, 5), **STATE))
    validate(node("cell", (12, 2), operator="gru"))
    validate(node("attention", (12, 5)))


@pytest.mark.parametrize(
    ("workload", "line"),
    [
        (node("overlap_add", (4, 9), **LAP),
         "shape: [4, 9] given, but [4, 10] follows from its inputs and attrs"),
        (node("overlap_add", (4, 10), **LAP | {"kernel": (5,)}),
         "inputs: input [12, 5] is not channels times 5 taps on 1 axes"),
        (node("overlap_add", (4, 10), **LAP | {"stride": (2, 2)}),
         "attrs.stride: [2, 2] is not 1 integer >= 1"),
        (node("linear", (12, 4), **STATE | {"out_features": 4}),
         "inputs: input [12, 5] does not end in out_features = 4, to which the products of a"
         " recurrent layer are added"),
        (node("linear", (12, 5), **STATE | {"recurrent": "sideways"}),
         "attrs.recurrent: 'sideways' is not one of forward, backward"),
        (node("cell", (12, 2), operator="mamba"),
         "attrs.operator: 'mamba' is not one of lstm, gru, rnn_tanh, rnn_relu"),
        (node("attention", (12, 5), heads=2, queries=3, keys=4, width=5),
         "attrs.value_width: missing; an attention has heads, queries, keys, width, value_width"),
    ],
)  # fmt: skip
def test_layers_of_other_forms_are_checked(workload, line):
    with pytest.raises(WorkloadError) as caught:
        validate(workload)
    assert str(caught.value).startswith(f"net: nodes.1 (y): {line}")


def test_an_unknown_producer_names_the_nearest():
    net, _ = image()
    net.conv("conv1", "x", 4, 3)
    with pytest.raises(UnknownNameError, match=r"unknown node 'conv2' \(did you mean 'conv1'"):
        net.relu("r", "conv2")


def test_what_only_the_whole_graph_shows_is_found_at_the_end():
    net, x = image()
    net.conv("c", x, 4, 3, groups=2)
    with pytest.raises(WorkloadError) as caught:
        net.build("cc")
    assert caught.value.problems == (
        "net: nodes.1 (c): attrs.groups: 2 does not divide in_channels = 3",
        "net: outputs: no node is called 'cc' (did you mean 'c'?)",
    )
