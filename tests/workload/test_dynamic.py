"""Products of two activations as products with a matrix that is programmed at run time."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.errors import WorkloadError
from crossbar.workload import find_workload, from_json, to_json
from crossbar.workload.builder import WorkloadBuilder
from crossbar.workload.checks import validate
from crossbar.workload.dynamic import with_dynamic_products
from crossbar.workload.graph import Node, Workload
from crossbar.workload.lengths import with_tokens
from crossbar.workload.work import digital_work

ONE_LAYER = "encoder.layer.0.attention.self"


def digital_macs(workload: Workload) -> int:
    return sum(digital_work(node).get("macs", 0) for node in workload)


def attending(
    heads: int, queries: int, keys: int, width: int, value_width: int, mask: bool = False
) -> Workload:
    """A fused attention on inputs of the network."""
    query = Node("q", "input", (), (heads, queries, width))
    key = Node("k", "input", (), (heads, keys, width))
    value = Node("v", "input", (), (heads, keys, value_width))
    hidden = Node("m", "input", (), (1, queries, keys))
    sizes = {
        "heads": heads,
        "queries": queries,
        "keys": keys,
        "width": width,
        "value_width": value_width,
    }
    names = ("q", "k", "v", *(["m"] if mask else []))
    node = Node("a", "attention", names, (heads, queries, value_width), sizes)
    nodes = (query, key, value, *([hidden] if mask else []), node)
    return Workload("attending", nodes, ("a",))


def test_the_products_of_minilm() -> None:
    digital = find_workload("minilm6")
    expanded = with_dynamic_products(digital)
    validate(expanded)
    dynamic = [node for node in expanded if node.is_dynamic]
    assert [node.name for node in dynamic[:2]] == [f"{ONE_LAYER}.scores", f"{ONE_LAYER}.context"]
    assert len(dynamic) == 12
    scores, context = dynamic[:2]
    assert (scores.matrix.groups, scores.matrix.rows, scores.matrix.cols) == (12, 32, 128)
    assert (context.matrix.groups, context.matrix.rows, context.matrix.cols) == (12, 128, 32)
    assert scores.positions == context.positions == 128
    assert scores.weights == 0
    assert scores.weight == scores.name
    assert expanded.weights == digital.weights
    assert not any(node.kind in ("matmul", "attention") for node in expanded)
    assert [n.name for n in expanded if not n.is_dynamic] == [
        n.name for n in digital if n.kind != "matmul"
    ]


def test_what_has_no_such_products_stays_the_very_same() -> None:
    network = find_workload("resnet20")
    assert with_dynamic_products(network) is network
    once = with_dynamic_products(find_workload("minilm6"))
    assert with_dynamic_products(once).nodes == once.nodes


@given(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7), st.integers(1, 5), st.booleans())
def test_multiplications_are_those_of_the_digital_network(
    heads: int, queries: int, keys: int, width: int, mask: bool
) -> None:
    digital = attending(heads, queries, keys, width, width + 1, mask)
    expanded = with_dynamic_products(digital)
    validate(expanded)
    assert digital_macs(expanded) == 0
    assert expanded.macs == digital_macs(digital) == heads * queries * keys * (2 * width + 1)
    before = digital_work(digital["a"])
    assert expanded.outputs == ("a.context",)
    assert expanded["a.context"].shape == digital["a"].shape
    done = [digital_work(node) for node in expanded if not node.is_product]
    for action in ("multiplies", "softmax_ops"):
        assert sum(each.get(action, 0) for each in done) == before[action]
    assert sum(each.get("adds", 0) for each in done) == mask * heads * queries * keys


@pytest.mark.parametrize("tokens", [1, 17, 128, 200])
def test_other_lengths_follow_as_if_written_out_there(tokens: int) -> None:
    digital = find_workload("minilm6")
    ours = with_tokens(with_dynamic_products(digital), tokens)
    theirs = with_dynamic_products(with_tokens(digital, tokens))
    validate(ours)
    for mine, own in zip(ours, theirs, strict=True):
        assert (mine.name, mine.kind, mine.shape, mine.inputs) == (
            own.name,
            own.kind,
            own.shape,
            own.inputs,
        )
        assert mine.operations == own.operations
        if mine.is_product:
            assert mine.matrix == own.matrix


def test_it_can_be_written_and_read() -> None:
    expanded = with_dynamic_products(find_workload("minilm6"))
    assert from_json(to_json(expanded)) == expanded


def test_a_product_that_adds_a_third_operand() -> None:
    nodes = (
        Node("bias", "input", (), (2, 3, 5)),
        Node("x", "input", (), (2, 3, 4)),
        Node("y", "input", (), (2, 4, 5)),
        Node("z", "matmul", ("bias", "x", "y"), (2, 3, 5), {"operator": "baddbmm"}),
    )
    expanded = with_dynamic_products(Workload("three", nodes, ("z",)))
    validate(expanded)
    assert expanded["z"].inputs == ("x", "y")
    assert expanded["z.sum"].inputs == ("z", "bias")
    assert expanded.outputs == ("z.sum",)


@pytest.mark.parametrize(
    "node",
    [
        Node("z", "matmul", ("x", "y"), (2, 3, 5), {"operator": "einsum"}),
        Node("z", "matmul", ("x", "wide"), (2, 3, 5)),  # stretched
        Node("z", "attention", ("x", "x", "x"), (2, 3, 4), {"operations": 7}),
    ],
)
def test_what_does_not_say_enough_stays_digital(node: Node) -> None:
    nodes = (
        Node("x", "input", (), (2, 3, 4)),
        Node("y", "input", (), (2, 4, 5)),
        Node("wide", "input", (), (1, 4, 5)),
        node,
    )
    network = Workload("stays", nodes, ("z",))
    assert with_dynamic_products(network) is network


def test_shared_keys_of_several_heads_stay_digital() -> None:
    grouped = attending(4, 3, 3, 2, 2)
    key = Node("k", "input", (), (2, 3, 2))
    nodes = tuple(key if node.name == "k" else node for node in grouped)
    network = Workload("grouped", nodes, ("a",))
    assert with_dynamic_products(network) is network


def a_dynamic(inputs: tuple[str, ...] = ("x", "y"), **attrs: int) -> Workload:
    sizes = {"groups": 2, "rows": 4, "cols": 5, **attrs}
    nodes = (
        Node("x", "input", (), (2, 3, 4)),
        Node("y", "input", (), (2, 5, 4)),
        Node("z", "dynamic", inputs, (2, 3, 5), sizes, "z"),
    )
    return Workload("bad", nodes, ("z",))


def test_a_stored_operand_may_lie_the_other_way_round() -> None:
    validate(a_dynamic())
    assert a_dynamic().macs == prod((2, 3, 5, 4))


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        (a_dynamic(("x",)), r"inputs: a dynamic has two, what drives and what is stored, got 1"),
        (a_dynamic(("x", "y", "x")), "got 3"),
        (a_dynamic(groups=0), r"attrs\.groups: 0 is not an integer >= 1"),
        (
            a_dynamic(groups=1),
            r"\[2, 3, 4\] is not \[\.\.\., vectors, rows\] of 1 groups and 4 rows",
        ),
        (a_dynamic(rows=3), "of 2 groups and 3 rows"),
        (a_dynamic(cols=6), r"\[2, 5, 4\] does not hold 2 matrices of 4 x 6"),
    ],
)
def test_what_is_wrong_with_one_is_said(workload: Workload, words: str) -> None:
    with pytest.raises(WorkloadError, match=words):
        validate(workload)


def test_missing_sizes_are_named() -> None:
    network = a_dynamic()
    node = Node("z", "dynamic", ("x", "y"), (2, 3, 5), {"groups": 2, "rows": 4}, "z")
    with pytest.raises(WorkloadError, match=r"attrs\.cols: missing; a dynamic has groups, rows"):
        validate(Workload("bad", (*network.nodes[:2], node), ("z",)))


def test_the_same_values_on_both_sides() -> None:
    net = WorkloadBuilder("self")
    x = net.linear("x", net.input("in", (3, 4)), 4)
    y = net.reshape("y", x, (4, 3), "transpose", (1, 0))
    network = net.build(net.matmul("z", x, y))
    expanded = with_dynamic_products(network)
    validate(expanded)
    assert expanded["z"].matrix.rows == 4
